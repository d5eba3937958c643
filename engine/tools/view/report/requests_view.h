/* requests_view.h: View of the requests of an experiment's variants: parts of the report's text, its page, and its JSON. */
#pragma once

#include "experiments/analysis/report.h"

void requests_view_print_text(const struct report *report, struct arena *arena, struct buffer *out);
void requests_view_print_html(const struct report *report, struct buffer *out);

/* Members of the object of a variant, after others. */
void requests_view_print_json(const struct variant_requests *variant, struct buffer *out);
