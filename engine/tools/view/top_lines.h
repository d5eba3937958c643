/* top_lines.h: Status of pipelines for pipes: one whole line for each, or an object of JSON. top_view.h fills a screen. */
#pragma once

#include "tools/view/top_view.h"

/* Append all of them. */
void top_lines_text(const struct status *const *items, size_t count, int64_t now_ms, struct buffer *out);
void top_lines_json(const struct status *const *items, size_t count, int64_t now_ms, struct buffer *out);
