/* key.c: see key.h. */
#include "message/key.h"

#include "base/number/number.h"

static uint64_t first_bits(const struct tensor *tensor)
{
	uint64_t bits = 0;
	memcpy(&bits, tensor->data, datatype_rows[tensor->datatype].size); /* elements are little-endian, as we are */
	return bits;
}

static size_t number_write(const struct tensor *tensor, char *out)
{
	unsigned unused = 64 - 8 * (unsigned)datatype_rows[tensor->datatype].size;
	switch (datatype_rows[tensor->datatype].class) {
	case CLASS_SIGNED:
		return number_write_int64(out, (int64_t)(first_bits(tensor) << unused) >> unused);
	case CLASS_UNSIGNED:
		return number_write_uint64(out, first_bits(tensor));
	default:
		return number_write_double(out, tensor_number(tensor, 0));
	}
}

struct text key_of_tensor(const struct tensor *tensor, struct arena *arena)
{
	if (tensor->count == 0)
		return (struct text){0};
	if (tensor->datatype == DATATYPE_BYTES) {
		struct text text = *(const struct text *)tensor->data;
		return text.bytes ? text : TEXT("");
	}
	if (tensor->datatype == DATATYPE_BOOL)
		return first_bits(tensor) ? TEXT("true") : TEXT("false");
	char *digits = arena_take_raw(arena, NUMBER_TEXT_MAX);
	return digits ? (struct text){digits, number_write(tensor, digits)} : (struct text){0};
}
