/* table.h: numbers in rows and columns, as a data set or a batch of messages has them.
 *
 * Row-major: the elements of a row stand behind one another. A missing number is NaN.
 * Constants of columns are lists of one number a column.
 */
#ifndef SLUICE_NUMERIC_TABLE_H
#define SLUICE_NUMERIC_TABLE_H

#include <stdint.h>

#include "base/arena.h"

struct table {
	size_t rows;
	size_t columns;
	double *values;
};

/* Numbers in rising order, without NaN. */
struct sorted {
	size_t count;
	double *values;
};

/* What is there of one column; `values` NULL when the arena is full. */
struct sorted column_sorted(const struct table *table, size_t column, struct arena *arena);

#endif
