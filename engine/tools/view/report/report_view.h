/* report_view.h: View of an experiment's report: as text, as JSON, or as a page of HTML in one file. */
#pragma once

#include "experiments/analysis/report.h"

void report_view_print_text(const struct report *report, struct arena *arena, struct buffer *out);
void report_view_print_json(const struct report *report, struct buffer *out);

/* Without links to anything outside: its data are in it, as the JSON above, for download. */
void report_view_print_html(const struct report *report, struct arena *arena, struct buffer *out);
