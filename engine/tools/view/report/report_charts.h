/* report_charts.h: Charts of an experiment's report as SVG within a page of HTML. A forest plot has all metrics and variants; the
 * others have the confidence sequence of a pair over time, with the weights beneath, and its sum. */
#pragma once

#include "experiments/analysis/report.h"

/* Differences as shares of the control's mean, with their intervals; the practical threshold is shaded. */
void chart_write_forest(const struct report *report, struct buffer *out);

/* Estimate and interval over time, the practical threshold shaded; beneath it the shares of variants in each epoch. */
void chart_write_sequence(const struct report *report, const struct pair_analysis *pair, struct buffer *out);

/* Gain of a pair over time, with the band of the confidence sequence; a sentence before it says the sum. Nothing is written if it
 * has no points. */
void chart_write_gain(const struct report *report, const struct pair_gain *gain, struct buffer *out);

/* Rules of style that they need. */
#define CHART_STYLE \
	"svg{width:100%;height:auto;font:12px sans-serif}svg text{fill:var(--Ink)}" \
	".band{fill:var(--Soft)}.axis{stroke:var(--Line);stroke-width:1}.reach{stroke:var(--Up);stroke-width:3}" \
	".reach.against{stroke:var(--Down)}.reach.unclear{stroke:var(--Line)}.dot{fill:var(--Ink)}" \
	".area{fill:var(--Up);fill-opacity:.25}.line{fill:none;stroke:var(--Up);stroke-width:2}" \
	".w0{fill:#8a94a3}.w1{fill:#2a7de1}.w2{fill:#e0912f}.w3{fill:#3a9d6b}.w4{fill:#9061c2}.w5{fill:#d1495b}\n"

#define CHART_COLOURS 6 /* classes w0, w1, and so on: of variants, in their order */
