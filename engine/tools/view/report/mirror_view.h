/* mirror_view.h: View of how the replies of an experiment's mirror agree with the answers: parts of the report's text, JSON and
 * page. */
#pragma once

#include "experiments/analysis/mirror_comparison.h"

/* A warning for the top, if less than MIRROR_SHARE_ENOUGH of the copies were compared; otherwise nothing is written. */
void mirror_view_warn_text(const struct mirror_result *result, struct arena *arena, struct buffer *out);
void mirror_view_warn_html(const struct mirror_result *result, struct arena *arena, struct buffer *out);

void mirror_view_print_text(const struct mirror_result *result, struct arena *arena, struct buffer *out);
void mirror_view_print_html(const struct mirror_result *result, struct buffer *out);
void mirror_view_print_json(const struct mirror_result *result, struct buffer *out); /* an object */
