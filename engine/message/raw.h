/* raw.h: the raw form of tensors: what the binary formats carry.
 *
 * Elements row-major, little-endian, without padding; an element of BYTES is its
 * length as an unsigned 32-bit number and then its bytes. So it is in OIP's raw
 * contents and binary-data extension, and in our own Avro records.
 */
#ifndef SLUICE_MESSAGE_RAW_H
#define SLUICE_MESSAGE_RAW_H

#include "message/tensor.h"

/* Gives a tensor, whose name, datatype, shape, rank and count are set, its data.
 * It borrows from `raw`, which must outlive it, and copies to the arena only where
 * elements stand misaligned. INPUT when the size is not exactly that of the shape,
 * LIMIT when the arena is full; both name the tensor. */
bool raw_read(struct tensor *tensor, struct text raw, struct arena *arena, struct error *error);

size_t raw_size_of_bytes(const struct tensor *tensor); /* for BYTES alone */

/* Bytes of the raw form. */
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

#endif
