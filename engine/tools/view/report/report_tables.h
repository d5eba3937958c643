/* report_tables.h: Tables of an experiment's report within a page of HTML: the health of its data, and the numbers of its metrics.
 * They have what the text has (tools/view/report/report_view.h). */
#pragma once

#include "experiments/analysis/report.h"

/* The split, the feedback, and what was left out; then the units of each variant. */
void report_table_health(const struct report *report, struct buffer *out);

/* The roles and rules of the metrics, as a list. */
void report_table_rules(const struct report *report, struct arena *arena, struct buffer *out);

/* The numbers of variants, of pairs and, where it is asked for, of one look. */
void report_table_numbers(const struct report *report, struct buffer *out);
