/* table.h: Text table with aligned columns, for people. A column is as wide as its longest cell, in characters. The
 * last column is not padded. On a terminal that is too narrow, the columns that do not fit are on further lines of their row,
 * below each other too; the text of the last one is wrapped by whoever prints the page (base/line_wrap.h). */
#pragma once

#include "base/arena.h"
#include "base/text.h"

#define TABLE_COLUMNS_MAX 8

struct plan_table {
	struct arena *arena;
	size_t columns;
	size_t count, room; /* rows */
	const char **cells;
};

/* Adds a row of `table->columns` cells, borrowed; NULL is an empty cell. */
void table_add(struct plan_table *table, const char *const *cells);

/* Prints the rows, each indented by `indent` blanks. `width`: columns of the terminal; 0: any. */
void table_print(const struct plan_table *table, size_t indent, size_t width, struct buffer *out);
