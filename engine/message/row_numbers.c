/* row_numbers.c: see row_numbers.h. */
#include "message/row_numbers.h"

bool row_shape_of(const struct tensor *tensor, bool single, struct row_shape *shape)
{
	if (tensor->rank > 2)
		return false;
	if (tensor->rank == 2)
		*shape = (struct row_shape){(size_t)tensor->shape[0], (size_t)tensor->shape[1]};
	else
		*shape = single ? (struct row_shape){tensor->count, 1} : (struct row_shape){1, tensor->count};
	return true;
}

const double *tensor_doubles(const struct tensor *tensor, struct arena *arena)
{
	if (tensor->datatype == DATATYPE_FP64)
		return tensor->data;
	double *numbers = arena_take_raw(arena, tensor->count * sizeof *numbers);
	if (numbers && tensor->datatype == DATATYPE_FP32)
		for (size_t i = 0; i < tensor->count; i++)
			numbers[i] = (double)((const float *)tensor->data)[i];
	else
		for (size_t i = 0; numbers && i < tensor->count; i++)
			numbers[i] = tensor_number(tensor, i);
	return numbers;
}
