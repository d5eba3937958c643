/* overlap_view.h: View of the overlap of an experiment with others: parts of its report's text, JSON and page. */
#pragma once

#include "experiments/analysis/overlap.h"

void overlap_view_print_text(const struct overlap_table *tables, size_t count, struct arena *arena, struct buffer *out);
void overlap_view_print_html(const struct overlap_table *tables, size_t count, struct buffer *out);
void overlap_view_print_json(const struct overlap_table *tables, size_t count, struct buffer *out); /* a list */
