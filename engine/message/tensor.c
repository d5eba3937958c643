/* tensor.c: Table of datatypes, and creation of tensors; see tensor.h. Half floats are in half.c. */
#include "message/tensor.h"

#include <math.h>
#include <stdio.h>

const struct datatype_row datatype_rows[DATATYPE_COUNT] = {
	[DATATYPE_BOOL] = {"BOOL", 1, CLASS_BOOL},	   [DATATYPE_UINT8] = {"UINT8", 1, CLASS_UNSIGNED},
	[DATATYPE_UINT16] = {"UINT16", 2, CLASS_UNSIGNED}, [DATATYPE_UINT32] = {"UINT32", 4, CLASS_UNSIGNED},
	[DATATYPE_UINT64] = {"UINT64", 8, CLASS_UNSIGNED}, [DATATYPE_INT8] = {"INT8", 1, CLASS_SIGNED},
	[DATATYPE_INT16] = {"INT16", 2, CLASS_SIGNED},	   [DATATYPE_INT32] = {"INT32", 4, CLASS_SIGNED},
	[DATATYPE_INT64] = {"INT64", 8, CLASS_SIGNED},	   [DATATYPE_FP16] = {"FP16", 2, CLASS_FLOAT},
	[DATATYPE_FP32] = {"FP32", 4, CLASS_FLOAT},	   [DATATYPE_FP64] = {"FP64", 8, CLASS_FLOAT},
	[DATATYPE_BYTES] = {"BYTES", 0, CLASS_BYTES},	   [DATATYPE_BF16] = {"BF16", 2, CLASS_FLOAT},
};

bool datatype_find(struct text name, enum datatype *datatype)
{
	uint32_t first, last;
	uint64_t other;
	if (name.length < sizeof first || name.length >= sizeof other)
		return false;
	memcpy(&first, name.bytes, sizeof first); /* both halves, which may overlap, are its word */
	memcpy(&last, name.bytes + name.length - sizeof last, sizeof last);
	uint64_t word = first | (uint64_t)last << 8 * (name.length - sizeof last);
	for (size_t i = *name.bytes == 'F' ? DATATYPE_FP16 : 0; i < DATATYPE_COUNT; i++) { /* floats are the usual ones */
		memcpy(&other, datatype_rows[i].name, sizeof other);
		if (word == other) {
			*datatype = (enum datatype)i;
			return true;
		}
	}
	return false;
}

const struct parameter *parameters_find(struct parameters parameters, struct text name)
{
	for (size_t i = 0; i < parameters.count; i++)
		if (text_equal(parameters.items[i].name, name))
			return &parameters.items[i];
	return NULL;
}

/* With a dimension of 0, or too much. */
static bool shape_count_unusual(struct text tensor_name, const int64_t *shape, size_t rank, size_t *count, struct error *error)
{
	if (rank > TENSOR_RANK_MAX)
		return error_set_tensor(error, PLACE_NONE, "tensor " TEXT_FORMAT " has %zu dimensions; at most %d are taken",
				 TEXT_ARGUMENTS(tensor_name), rank, TENSOR_RANK_MAX);
	size_t product = 1;
	bool empty = false;
	bool beyond = false;
	for (size_t i = 0; i < rank; i++) {
		if (shape[i] < 0)
			return error_set_tensor(error, PLACE_NONE,
					 "tensor " TEXT_FORMAT " has the dimension %lld in its shape; a dimension is 0 or more",
					 TEXT_ARGUMENTS(tensor_name), (long long)shape[i]);
		empty = empty || shape[i] == 0;
		beyond = beyond || (shape[i] && __builtin_mul_overflow(product, (size_t)shape[i], &product)) ||
			 product > TENSOR_ELEMENTS_MAX;
	}
	if (beyond)
		return error_set_tensor(error, PLACE_NONE,
				 "tensor " TEXT_FORMAT " has a shape of more than %zu elements%s; send less at once",
				 TEXT_ARGUMENTS(tensor_name), TENSOR_ELEMENTS_MAX,
				 empty ? ", leaving out the dimensions of 0" : "");
	*count = empty ? 0 : product;
	return true;
}

bool shape_count(struct text tensor_name, const int64_t *shape, size_t rank, size_t *count, struct error *error)
{
	uint64_t product = 1;
	for (size_t i = 0; i < rank; i++) {
		if (rank > TENSOR_RANK_MAX || (uint64_t)shape[i] - 1 >= TENSOR_ELEMENTS_MAX - 1)
			return shape_count_unusual(tensor_name, shape, rank, count, error);
		product *= (uint64_t)shape[i]; /* of two that are below 2^32 */
		if (product >= TENSOR_ELEMENTS_MAX)
			return shape_count_unusual(tensor_name, shape, rank, count, error);
	}
	*count = product;
	return true;
}

struct tensor *tensor_make(struct arena *arena, struct text name, enum datatype datatype, const int64_t *shape, size_t rank,
			   void **elements, struct error *error)
{
	size_t count;
	if (!shape_count(name, shape, rank, &count, error))
		return NULL;
	struct tensor *tensor = arena_take_raw(arena, sizeof *tensor);
	int64_t *kept = arena_take_raw(arena, rank * sizeof *kept);
	*elements = arena_take_raw(arena, count * datatype_stride(datatype));
	if (arena_failed(arena))
		return error_null(error_memory(error, ERROR_LIMIT, "making a tensor"));
	for (size_t i = 0; i < rank; i++)
		kept[i] = shape[i];
	*tensor = (struct tensor){
		.name = name, .shape = kept, .data = *elements, .count = count, .datatype = datatype, .rank = (uint32_t)rank};
	return tensor;
}

const struct tensor *tensor_renamed(struct arena *arena, const struct tensor *tensor, struct text name)
{
	struct tensor *renamed = arena_take_raw(arena, sizeof *renamed);
	if (!renamed)
		return NULL;
	*renamed = *tensor;
	renamed->name = name;
	return renamed;
}

const char *tensor_type_text(struct arena *arena, const struct tensor *tensor)
{
	char text[TENSOR_RANK_MAX * 21 + 16];
	int length = snprintf(text, sizeof text, "%s[", datatype_rows[tensor->datatype].name);
	for (size_t i = 0; i < tensor->rank; i++)
		length +=
			snprintf(text + length, sizeof text - (size_t)length, "%s%lld", i ? "," : "", (long long)tensor->shape[i]);
	const char *whole = arena_print(arena, "%s]", text);
	return whole ? whole : datatype_rows[tensor->datatype].name;
}

double tensor_number(const struct tensor *tensor, size_t index)
{
	switch (tensor->datatype) {
	case DATATYPE_BOOL:
		return ((const uint8_t *)tensor->data)[index] != 0;
	case DATATYPE_UINT8:
		return ((const uint8_t *)tensor->data)[index];
	case DATATYPE_UINT16:
		return ((const uint16_t *)tensor->data)[index];
	case DATATYPE_UINT32:
		return ((const uint32_t *)tensor->data)[index];
	case DATATYPE_UINT64:
		return (double)((const uint64_t *)tensor->data)[index];
	case DATATYPE_INT8:
		return ((const int8_t *)tensor->data)[index];
	case DATATYPE_INT16:
		return ((const int16_t *)tensor->data)[index];
	case DATATYPE_INT32:
		return ((const int32_t *)tensor->data)[index];
	case DATATYPE_INT64:
		return (double)((const int64_t *)tensor->data)[index];
	case DATATYPE_FP16:
		return (double)half_to_float(((const uint16_t *)tensor->data)[index]);
	case DATATYPE_BF16:
		return (double)bfloat_to_float(((const uint16_t *)tensor->data)[index]);
	case DATATYPE_FP32:
		return (double)((const float *)tensor->data)[index];
	case DATATYPE_FP64:
		return ((const double *)tensor->data)[index];
	case DATATYPE_BYTES:
	case DATATYPE_COUNT:
		break;
	}
	return NAN;
}

/* The range that `size` bytes hold, as doubles that are exact: the upper one is
 * the first that does not fit. */
static bool integer_fits(double number, size_t size, bool is_signed)
{
	double beyond = ldexp(1.0, (int)size * 8 - (is_signed ? 1 : 0));
	return number >= (is_signed ? -beyond : 0.0) && number < beyond;
}

bool tensor_store(void *elements, enum datatype datatype, size_t index, double number)
{
	const struct datatype_row *row = &datatype_rows[datatype];
	double whole = number;
	if (row->class == CLASS_SIGNED || row->class == CLASS_UNSIGNED) {
		whole = nearbyint(number);
		if (!integer_fits(whole, row->size, row->class == CLASS_SIGNED))
			return false;
	}
	switch (datatype) {
	case DATATYPE_BOOL:
		((uint8_t *)elements)[index] = number != 0.0;
		return true;
	case DATATYPE_UINT8:
		((uint8_t *)elements)[index] = (uint8_t)whole;
		return true;
	case DATATYPE_UINT16:
		((uint16_t *)elements)[index] = (uint16_t)whole;
		return true;
	case DATATYPE_UINT32:
		((uint32_t *)elements)[index] = (uint32_t)whole;
		return true;
	case DATATYPE_UINT64:
		((uint64_t *)elements)[index] = (uint64_t)whole;
		return true;
	case DATATYPE_INT8:
		((int8_t *)elements)[index] = (int8_t)whole;
		return true;
	case DATATYPE_INT16:
		((int16_t *)elements)[index] = (int16_t)whole;
		return true;
	case DATATYPE_INT32:
		((int32_t *)elements)[index] = (int32_t)whole;
		return true;
	case DATATYPE_INT64:
		((int64_t *)elements)[index] = (int64_t)whole;
		return true;
	case DATATYPE_FP16:
		((uint16_t *)elements)[index] = half_from_double(number);
		return true;
	case DATATYPE_BF16:
		((uint16_t *)elements)[index] = bfloat_from_double(number);
		return true;
	case DATATYPE_FP32:
		((float *)elements)[index] = (float)number;
		return true;
	case DATATYPE_FP64:
		((double *)elements)[index] = number;
		return true;
	case DATATYPE_BYTES:
	case DATATYPE_COUNT:
		break;
	}
	return false;
}
