/* table.h: Table of numbers in rows and columns: a data set, or a batch of messages.
 *
 * It is row-major: the elements of a row are contiguous. A missing number is NaN. Constants of columns are lists with
 * one number for each column.
 */
#pragma once

#include "base/arena.h"

struct table {
	size_t rows;
	size_t columns;
	double *values;
};

/* Numbers in ascending order, without NaN. */
struct sorted {
	size_t count;
	double *values;
};

/* The numbers of one column, sorted, without NaN; `values` NULL when the arena is full. */
struct sorted column_sorted(const struct table *table, size_t column, struct arena *arena);
