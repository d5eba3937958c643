/* segment_view.h: View of the segments of an experiment's report: parts of its text and of its page. */
#pragma once

#include "experiments/analysis/report.h"

/* The report has segments. */
void segment_view_print_text(const struct report *report, struct arena *arena, struct buffer *out);
void segment_view_print_html(const struct report *report, struct buffer *out);
