/* row_numbers.h: Numbers of a tensor as rows, for what is computed row by row.
 *
 * A tensor of two dimensions is [rows, columns]. One of fewer dimensions is one row. Where a row has a single column,
 * each element of a tensor of one dimension is a row.
 */
#ifndef SLUICE_MESSAGE_ROW_NUMBERS_H
#define SLUICE_MESSAGE_ROW_NUMBERS_H

#include "message/tensor.h"

struct row_shape {
	size_t rows;
	size_t columns;
};

/* `single`: a row has a single column. False: the tensor has more than two dimensions. */
bool row_shape_of(const struct tensor *tensor, bool single, struct row_shape *shape);

/* The elements as doubles: the tensor's own bytes if they are, else in the arena. NULL: the arena is full. Not for
 * BYTES. */
const double *tensor_doubles(const struct tensor *tensor, struct arena *arena);

#endif
