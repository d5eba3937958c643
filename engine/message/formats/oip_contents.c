/* oip_contents.c: see oip_contents.h. */
#include "message/formats/oip_contents.h"

#include "message/formats/oip_wanted.h"
#include "message/formats/raw.h"

enum { BOOLS = 1, INTS, INT64S, UINTS, UINT64S, FP32S, FP64S, BYTES };

static const char *const field_names[OIP_CONTENTS_FIELDS] = {
	"",
	"bool_contents",
	"int_contents",
	"int64_contents",
	"uint_contents",
	"uint64_contents",
	"fp32_contents",
	"fp64_contents",
	"bytes_contents",
};

/* The field of each datatype; 0: raw only. */
static const uint32_t field_of[DATATYPE_COUNT] = {
	[DATATYPE_BOOL] = BOOLS,     [DATATYPE_UINT8] = UINTS, [DATATYPE_UINT16] = UINTS, [DATATYPE_UINT32] = UINTS,
	[DATATYPE_UINT64] = UINT64S, [DATATYPE_INT8] = INTS,   [DATATYPE_INT16] = INTS,   [DATATYPE_INT32] = INTS,
	[DATATYPE_INT64] = INT64S,   [DATATYPE_FP32] = FP32S,  [DATATYPE_FP64] = FP64S,   [DATATYPE_BYTES] = BYTES,
};

static enum protobuf_wire wire_of(uint32_t number)
{
	return number == FP32S ? WIRE_FIXED32 : number == FP64S ? WIRE_FIXED64 : number == BYTES ? WIRE_BYTES : WIRE_VARINT;
}

static size_t fixed_size(enum protobuf_wire wire)
{
	return wire == WIRE_FIXED32 ? sizeof(uint32_t) : sizeof(uint64_t);
}

/* How many elements a packed list has. A number ends in its one byte below 0x80. */
static bool packed_count(enum protobuf_wire wire, struct text list, size_t *count)
{
	*count = 0;
	if (wire == WIRE_VARINT) {
		for (size_t i = 0; i < list.length; i++)
			*count += (unsigned char)list.bytes[i] < 0x80;
		return list.length == 0 || (unsigned char)list.bytes[list.length - 1] < 0x80;
	}
	*count = list.length / fixed_size(wire);
	return list.length % fixed_size(wire) == 0;
}

bool oip_contents_count(struct oip_contents *contents, struct text message)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field)) {
		if (field.number >= OIP_CONTENTS_FIELDS)
			continue;
		enum protobuf_wire wire = wire_of(field.number);
		size_t count = 1;
		bool packed = wire != WIRE_BYTES && field.wire == WIRE_BYTES;
		if (!packed && field.wire != wire)
			continue;
		if (packed && !packed_count(wire, field.bytes, &count))
			return false;
		contents->only = packed && wire != WIRE_VARINT && contents->total == 0 ? field.bytes : (struct text){NULL, 0};
		contents->counts[field.number] += count;
		contents->total += count;
	}
	return !cursor.failed;
}

/* Elements on their way into a tensor. */
struct filling {
	struct tensor *tensor;
	void *elements;
	size_t at;
	struct error *error;
};

static bool beyond(struct filling *filling, long long value)
{
	return error_set_tensor(filling->error, PLACE_NONE,
			 "tensor " TEXT_FORMAT ": element %zu is %lld, which %s does not hold; send what fits, or another datatype",
			 TEXT_ARGUMENTS(filling->tensor->name), filling->at, value, datatype_rows[filling->tensor->datatype].name);
}

/* One number of a varint list. 32-bit lists keep the low 32 bits, as protobuf does. */
static bool fill_varint(struct filling *filling, uint64_t value)
{
	size_t at = filling->at;
	int32_t narrow = (int32_t)(uint32_t)value;
	uint32_t natural = (uint32_t)value;
	switch (filling->tensor->datatype) {
	case DATATYPE_BOOL:
		((uint8_t *)filling->elements)[at] = value != 0;
		break;
	case DATATYPE_INT8:
		if (narrow < INT8_MIN || narrow > INT8_MAX)
			return beyond(filling, narrow);
		((int8_t *)filling->elements)[at] = (int8_t)narrow;
		break;
	case DATATYPE_INT16:
		if (narrow < INT16_MIN || narrow > INT16_MAX)
			return beyond(filling, narrow);
		((int16_t *)filling->elements)[at] = (int16_t)narrow;
		break;
	case DATATYPE_INT32:
		((int32_t *)filling->elements)[at] = narrow;
		break;
	case DATATYPE_UINT8:
		if (natural > UINT8_MAX)
			return beyond(filling, natural);
		((uint8_t *)filling->elements)[at] = (uint8_t)natural;
		break;
	case DATATYPE_UINT16:
		if (natural > UINT16_MAX)
			return beyond(filling, natural);
		((uint16_t *)filling->elements)[at] = (uint16_t)natural;
		break;
	case DATATYPE_UINT32:
		((uint32_t *)filling->elements)[at] = natural;
		break;
	default: /* INT64 and UINT64: the others are no varints */
		((uint64_t *)filling->elements)[at] = value;
		break;
	}
	filling->at++;
	return true;
}

static bool fill_packed(struct filling *filling, enum protobuf_wire wire, struct text list)
{
	if (wire != WIRE_VARINT) {
		if (list.length)
			memcpy((char *)filling->elements + filling->at * fixed_size(wire), list.bytes, list.length);
		filling->at += list.length / fixed_size(wire);
		return true;
	}
	struct protobuf_cursor cursor = protobuf_cursor_of(list);
	while (protobuf_left(&cursor)) {
		uint64_t value = protobuf_varint(&cursor);
		if (cursor.failed)
			return error_set(filling->error, ERROR_INPUT, PLACE_NONE,
					 "tensor " TEXT_FORMAT ": its contents are cut off or broken; send the message whole",
					 TEXT_ARGUMENTS(filling->tensor->name));
		if (!fill_varint(filling, value))
			return false;
	}
	return true;
}

static bool fill_one(struct filling *filling, enum protobuf_wire wire, const struct protobuf_field *field)
{
	if (wire == WIRE_VARINT)
		return fill_varint(filling, field->value);
	if (wire == WIRE_BYTES)
		((struct text *)filling->elements)[filling->at] = field->bytes;
	else
		memcpy((char *)filling->elements + filling->at * fixed_size(wire), &field->value, fixed_size(wire));
	filling->at++;
	return true;
}

static bool fill_from(struct filling *filling, uint32_t number, struct text message)
{
	enum protobuf_wire wire = wire_of(number);
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field)) {
		if (field.number != number)
			continue;
		bool good = true;
		if (field.wire == wire)
			good = fill_one(filling, wire, &field);
		else if (field.wire == WIRE_BYTES)
			good = fill_packed(filling, wire, field.bytes);
		if (!good)
			return false;
	}
	return true;
}

/* That the contents stand in the one field of the datatype, as many as wanted. */
static bool contents_fit(const struct oip_contents *contents, const struct tensor *tensor, struct error *error)
{
	uint32_t number = field_of[tensor->datatype];
	if (contents->total == 0 && tensor->count > 0 && !oip_given_check(tensor, error))
		return false;
	if (number == 0 && (contents->total || tensor->count))
		return error_set_tensor(error, PLACE_NONE,
				 "tensor " TEXT_FORMAT ": %s travels only as raw contents; send it so",
				 TEXT_ARGUMENTS(tensor->name), datatype_rows[tensor->datatype].name);
	for (uint32_t other = 1; other < OIP_CONTENTS_FIELDS; other++)
		if (other != number && contents->counts[other])
			return error_set_tensor(error, PLACE_NONE,
					 "tensor " TEXT_FORMAT ": its data is in %s, and that of %s belongs into %s",
					 TEXT_ARGUMENTS(tensor->name), field_names[other], datatype_rows[tensor->datatype].name,
					 field_names[number]);
	if (contents->total != tensor->count)
		return error_set_tensor(error, PLACE_NONE,
				 "tensor " TEXT_FORMAT ": its shape says %zu elements, its data has %zu; send as many as the shape "
				 "says",
				 TEXT_ARGUMENTS(tensor->name), tensor->count, contents->total);
	return true;
}

bool oip_contents_read(const struct oip_contents *contents, struct text tensor_message, struct tensor *tensor, struct arena *arena,
		       struct error *error)
{
	if (!contents_fit(contents, tensor, error))
		return false;
	if (contents->only.bytes)
		return raw_read(tensor, contents->only, arena, error);
	struct filling filling = {.tensor = tensor, .error = error};
	filling.elements = arena_take_raw(arena, tensor_size_bytes(tensor));
	if (!filling.elements)
		return error_memory(error, ERROR_LIMIT, "reading a tensor");
	struct protobuf_cursor cursor = protobuf_cursor_of(tensor_message);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, OIP_TENSOR_CONTENTS, WIRE_BYTES) &&
		    !fill_from(&filling, field_of[tensor->datatype], field.bytes))
			return false;
	tensor->data = filling.elements;
	return true;
}
