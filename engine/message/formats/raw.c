/* raw.c: see raw.h. */
#include "message/formats/raw.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are used as they stand on the wire");

#define LENGTH_BYTES sizeof(uint32_t)

static __attribute__((noinline, cold)) bool wrong_size(const struct tensor *tensor, size_t need, size_t given, struct error *error)
{
	return error_set_tensor(error, PLACE_NONE,
			 "tensor " TEXT_FORMAT ": %zu elements of %s take %zu bytes, its data has %zu; send as many as its shape "
			 "says",
			 TEXT_ARGUMENTS(tensor->name), tensor->count, datatype_rows[tensor->datatype].name, need, given);
}

static __attribute__((noinline, cold)) bool bytes_cut(const struct tensor *tensor, size_t element, struct error *error)
{
	return error_set_tensor(error, PLACE_NONE,
			 "tensor " TEXT_FORMAT ": its data ends inside element %zu of %zu; each is a 32-bit length and its bytes",
			 TEXT_ARGUMENTS(tensor->name), element, tensor->count);
}

static __attribute__((noinline)) bool bytes_read(struct tensor *tensor, struct text raw, struct arena *arena, struct error *error)
{
	if (raw.length / LENGTH_BYTES < tensor->count)
		return bytes_cut(tensor, raw.length / LENGTH_BYTES, error);
	struct text *elements = arena_take_raw(arena, tensor->count * sizeof *elements);
	if (!elements)
		return error_memory(error, ERROR_LIMIT, "reading a tensor of BYTES");
	const char *at = raw.bytes;
	size_t left = raw.length;
	for (size_t i = 0; i < tensor->count; i++) {
		uint32_t length;
		if (left < LENGTH_BYTES)
			return bytes_cut(tensor, i, error);
		memcpy(&length, at, LENGTH_BYTES);
		at += LENGTH_BYTES;
		left -= LENGTH_BYTES;
		if (left < length)
			return bytes_cut(tensor, i, error);
		elements[i] = (struct text){at, length};
		at += length;
		left -= length;
	}
	if (left)
		return wrong_size(tensor, raw.length - left, raw.length, error);
	tensor->data = elements;
	return true;
}

bool raw_read_slowly(struct tensor *tensor, struct text raw, struct arena *arena, struct error *error)
{
	size_t size = datatype_rows[tensor->datatype].size;
	if (size == 0)
		return bytes_read(tensor, raw, arena, error);
	if (raw.length != tensor->count * size)
		return wrong_size(tensor, tensor->count * size, raw.length, error);
	tensor->data = arena_take_raw(arena, 0);
	return (raw.length == 0 && tensor->data) || error_memory(error, ERROR_LIMIT, "aligning a tensor");
}

size_t raw_size_of_bytes(const struct tensor *tensor)
{
	const struct text *elements = tensor->data;
	size_t size = 0;
	for (size_t i = 0; i < tensor->count; i++)
		size += LENGTH_BYTES + elements[i].length;
	return size;
}

void raw_write_bytes(const struct tensor *tensor, char *to)
{
	const struct text *elements = tensor->data;
	for (size_t i = 0; i < tensor->count; i++) {
		uint32_t length = (uint32_t)elements[i].length;
		memcpy(to, &length, LENGTH_BYTES);
		to += LENGTH_BYTES;
		if (length)
			memcpy(to, elements[i].bytes, length);
		to += length;
	}
}
