/* tensor.h: Tensor: a typed, shaped, named array.
 *
 * A tensor is immutable once it is part of a payload: steps share it by pointer and never copy what they only
 * pass on. It borrows everything: from the bytes it was decoded from, or from the message's arena; both outlive
 * it.
 *
 * Elements are row-major, little-endian, aligned to their size; a decoder copies misaligned ones once. Each
 * element of BYTES is a `struct text`, which may point anywhere.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Names and order are those of the Open Inference Protocol. The numbers are the engine's, and part of its Avro
 * schema: append only. */
enum datatype {
	DATATYPE_BOOL,
	DATATYPE_UINT8,
	DATATYPE_UINT16,
	DATATYPE_UINT32,
	DATATYPE_UINT64,
	DATATYPE_INT8,
	DATATYPE_INT16,
	DATATYPE_INT32,
	DATATYPE_INT64,
	DATATYPE_FP16,
	DATATYPE_FP32,
	DATATYPE_FP64,
	DATATYPE_BYTES,
	DATATYPE_BF16,
	DATATYPE_COUNT
};

enum datatype_class { CLASS_BOOL, CLASS_UNSIGNED, CLASS_SIGNED, CLASS_FLOAT, CLASS_BYTES };

struct datatype_row {
	char name[8]; /* filled up with zeros */
	size_t size;  /* of one encoded element; 0: BYTES */
	enum datatype_class class;
};

extern const struct datatype_row datatype_rows[DATATYPE_COUNT];

/* False: `name` is not a datatype; only capitals match. */
bool datatype_find(struct text name, enum datatype *datatype);

/* Bytes of one element in `data`: for BYTES those of a struct text. */
static inline size_t datatype_stride(enum datatype datatype)
{
	return datatype == DATATYPE_BYTES ? sizeof(struct text) : datatype_rows[datatype].size;
}

#define TENSOR_RANK_MAX 16                          /* numpy allowed 32, no model server known takes more than 16 */
#define TENSOR_ELEMENTS_MAX ((size_t)1 << 32)       /* BYTES lengths are 32 bits on the wire; more is a mistake */

enum parameter_type { PARAMETER_FLAG, PARAMETER_INTEGER, PARAMETER_UNSIGNED, PARAMETER_NUMBER, PARAMETER_TEXT };

struct parameter {
	struct text name;
	enum parameter_type type; /* UNSIGNED only for values that int64_t cannot hold */
	union {
		bool flag;
		int64_t integer;
		uint64_t natural;
		double number;
		struct text text;
	} value;
};

struct parameters {
	size_t count;
	const struct parameter *items;
};

/* NULL: there is none of that name. */
const struct parameter *parameters_find(struct parameters parameters, struct text name);

struct tensor {
	struct text name;
	const int64_t *shape; /* `rank` of them, none negative */
	const void *data;     /* never NULL, even when `count` is 0 */
	size_t count;         /* of elements: the product of the shape, 1 at rank 0 */
	enum datatype datatype;
	uint32_t rank;
	struct parameters parameters;
	const char *model; /* model in whose reply it came (message/provenance.h); NULL: from the caller or a step */
};

static inline size_t tensor_size_bytes(const struct tensor *tensor)
{
	return tensor->count * datatype_stride(tensor->datatype);
}

/* The product of a shape, checked. INPUT errors name the tensor: a negative dimension, too high a rank, or more
 * than TENSOR_ELEMENTS_MAX elements. Dimensions of 0 are left out of that limit, as in numpy, so that rows can
 * be added up everywhere. */
bool shape_count(struct text tensor_name, const int64_t *shape, size_t rank, size_t *count, struct error *error);

/* Creates a tensor in the arena, with memory for its elements, not yet written (through `elements`). NULL: the
 * arena is full or the shape is refused. */
struct tensor *tensor_make(struct arena *arena, struct text name, enum datatype datatype, const int64_t *shape, size_t rank,
			   void **elements, struct error *error);

/* The tensor under another name: shares everything. */
const struct tensor *tensor_renamed(struct arena *arena, const struct tensor *tensor, struct text name);

/* "FP32[1,16]", for error messages; in the arena. */
const char *tensor_type_text(struct arena *arena, const struct tensor *tensor);

/* One element as a double: BOOL as 0 or 1; integers beyond 2^53 are rounded; not for BYTES. `tensor_store` is
 * the reverse: it rounds to nearest even and, for integers, refuses values that do not fit (false). */
double tensor_number(const struct tensor *tensor, size_t index);
bool tensor_store(void *elements, enum datatype datatype, size_t index, double number);

/* Conversion of half floats: to float exactly, from double to nearest even (overflow becomes inf). */
float half_to_float(uint16_t half);
uint16_t half_from_double(double number);
float bfloat_to_float(uint16_t bfloat);
uint16_t bfloat_from_double(double number);
