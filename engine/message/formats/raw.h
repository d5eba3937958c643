/* raw.h: Raw bytes of a tensor's elements, as in the binary formats.
 *
 * Elements are row-major, little-endian, without padding. An element of BYTES is its length as an unsigned
 * 32-bit number, followed by its bytes. OIP's raw contents, its binary-data extension and the engine's Avro
 * records use this form.
 */
#pragma once

#include "message/tensor.h"

/* Slow path of raw_read(): BYTES, no elements, a wrong size, and a full arena. */
bool raw_read_slowly(struct tensor *tensor, struct text raw, struct arena *arena, struct error *error);

/* Sets the data of a tensor whose name, datatype, shape, rank and count are set. The data borrows from `raw`,
 * which must outlive the tensor; only misaligned elements are copied to the arena. INPUT: the size is not
 * exactly that of the shape. LIMIT: the arena is full. Both errors name the tensor. */
static inline bool raw_read(struct tensor *tensor, struct text raw, struct arena *arena, struct error *error)
{
	size_t size = datatype_rows[tensor->datatype].size;
	/* The count is at most 2^32, so the product fits. */
	if (__builtin_expect(raw.length == 0 || raw.length != tensor->count * size, 0))
		return raw_read_slowly(tensor, raw, arena, error);
	if (((uintptr_t)raw.bytes & (size - 1)) == 0) {
		tensor->data = raw.bytes;
		return true;
	}
	void *copy = arena_take_raw(arena, raw.length);
	if (__builtin_expect(!copy, 0))
		return raw_read_slowly(tensor, raw, arena, error);
	tensor->data = memcpy(copy, raw.bytes, raw.length);
	return true;
}

size_t raw_size_of_bytes(const struct tensor *tensor); /* for BYTES alone */

/* Size of the raw form in bytes. */
static inline size_t raw_size(const struct tensor *tensor)
{
	return tensor->datatype == DATATYPE_BYTES ? raw_size_of_bytes(tensor) : tensor_size_bytes(tensor);
}

void raw_write_bytes(const struct tensor *tensor, char *to); /* for BYTES alone */

/* Writes raw_size() bytes. */
static inline void raw_write(const struct tensor *tensor, char *to)
{
	if (tensor->datatype == DATATYPE_BYTES)
		raw_write_bytes(tensor, to);
	else if (tensor->count)
		memcpy(to, tensor->data, tensor_size_bytes(tensor));
}
