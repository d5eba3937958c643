/* table.h: rows of words in columns that line up, for people. Widths are those of the
 * longest cell, in characters; the last column is never padded.
 */
#ifndef SLUICE_PLAN_TABLE_H
#define SLUICE_PLAN_TABLE_H

#include "base/arena.h"
#include "base/text.h"

#define TABLE_COLUMNS_MAX 8

struct plan_table {
	struct arena *arena;
	size_t columns;
	size_t count, room; /* rows */
	const char **cells;
};

/* A row of `table->columns` cells, borrowed; NULL is an empty cell. */
void table_add(struct plan_table *table, const char *const *cells);

/* Each row behind `indent` blanks. */
void table_print(const struct plan_table *table, size_t indent, struct buffer *out);

#endif
