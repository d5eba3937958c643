/* estimate_chart.h: Chart of an estimated figure of a model by window: the estimate with its band, and the realised number of the
 * windows whose rows have feedback. Part of the page of a drift report. */
#pragma once

#include "tools/view/report/drift_windows.h"

#define ESTIMATE_CHART_WINDOWS 240 /* the last ones */

#define ESTIMATE_CHART_STYLE                                                                                                       \
	".band{fill:var(--Up);fill-opacity:.18}.guess{fill:none;stroke:var(--Up);stroke-width:1.5}.held{fill:var(--Ink)}"          \
	".left{fill:var(--Down)}.few{fill:var(--Line)}"

/* Whether a window has an estimate of the figure. */
bool estimate_is_known(const struct drift_windows *data, enum estimate_figure figure);

/* How often the realised number was within its band, over all windows, and where these numbers are from; nothing without them. */
void estimate_write_sums(const struct drift_windows *data, enum estimate_figure figure, struct buffer *out);

/* The chart of these windows, by their places in `data`. Nothing, if none of them has an estimate. */
void estimate_chart_write(const struct drift_windows *data, enum estimate_figure figure, const size_t *windows, size_t count,
			  struct buffer *out);
