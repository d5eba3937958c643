/* table.c: see table.h. */
#include "methods/numeric/table.h"

#include "methods/numeric/quantile.h"

struct sorted column_sorted(const struct table *table, size_t column, struct arena *arena)
{
	struct sorted sorted = {.values = ARENA_ARRAY(arena, double, table->rows + 1)};
	for (size_t row = 0; sorted.values && row < table->rows; row++)
		sorted.values[row] = table->values[row * table->columns + column];
	if (sorted.values)
		sorted.count = quantile_sort(sorted.values, table->rows);
	return sorted;
}
