/* mutate_avro.c: see mutate.h: a record is read as its schema says, its values change, its lists grow, its unions
 * choose anew, and it is written again. */
#include <avro.h>
#include <stdlib.h>
#include <string.h>

#include "message/avro/avro_walk.h"
#include "mutate.h"

#define DEPTH_MAX 6   /* of what is made anew: schemas can contain themselves */
#define GROWTH_MAX 3  /* elements that a list gets */
#define ITEMS_MAX 200 /* of a list that are looked at */
#define CHANGE_ONE_IN 12

static void value_change(struct dice *dice, avro_value_t *value, size_t depth, int fresh);

static void bytes_set(struct dice *dice, avro_value_t *value)
{
	char bytes[64];
	const size_t size = dice_roll(dice, sizeof bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)dice_roll(dice, 256);
	(void)avro_value_set_bytes(value, bytes, size);
}

static void fixed_set(struct dice *dice, avro_value_t *value)
{
	char bytes[64] = {0};
	const size_t size = (size_t)avro_schema_fixed_size(avro_value_get_schema(value));
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)dice_roll(dice, 256);
	if (size <= sizeof bytes)
		(void)avro_value_set_fixed(value, bytes, size);
}

static void scalar_set(struct dice *dice, avro_value_t *value)
{
	switch (avro_value_get_type(value)) {
	case AVRO_BOOLEAN:
		(void)avro_value_set_boolean(value, (int)dice_roll(dice, 2));
		break;
	case AVRO_INT32:
		(void)avro_value_set_int(value, (int32_t)dice_whole(dice));
		break;
	case AVRO_INT64:
		(void)avro_value_set_long(value, dice_whole(dice));
		break;
	case AVRO_FLOAT:
		(void)avro_value_set_float(value, (float)dice_roll(dice, 100) / 7);
		break;
	case AVRO_DOUBLE:
		(void)avro_value_set_double(value, dice_number(dice));
		break;
	case AVRO_STRING:
		(void)avro_value_set_string(value, dice_text(dice));
		break;
	case AVRO_BYTES:
		bytes_set(dice, value);
		break;
	case AVRO_ENUM:
		(void)avro_value_set_enum(
			value, (int)dice_roll(dice, (size_t)avro_schema_enum_number_of_symbols(avro_value_get_schema(value))));
		break;
	case AVRO_FIXED:
		fixed_set(dice, value);
		break;
	default:
		(void)avro_value_set_null(value);
		break;
	}
}

static void items_change(struct dice *dice, avro_value_t *value, size_t depth, int fresh)
{
	size_t size = 0;
	avro_value_t item;
	(void)avro_value_get_size(value, &size);
	for (size_t i = 0; i < size && i < ITEMS_MAX; i++)
		if (avro_value_get_by_index(value, i, &item, NULL) == 0)
			value_change(dice, &item, depth + 1, fresh);
}

static void list_grow(struct dice *dice, avro_value_t *value, size_t depth)
{
	avro_value_t item;
	for (size_t i = depth < DEPTH_MAX ? dice_roll(dice, GROWTH_MAX + 1) : 0; i > 0; i--)
		if (avro_value_append(value, &item, NULL) == 0)
			value_change(dice, &item, depth + 1, 1);
}

static void map_grow(struct dice *dice, avro_value_t *value, size_t depth)
{
	avro_value_t item;
	for (size_t i = depth < DEPTH_MAX ? dice_roll(dice, GROWTH_MAX + 1) : 0; i > 0; i--)
		if (avro_value_add(value, dice_text(dice), &item, NULL, NULL) == 0)
			value_change(dice, &item, depth + 1, 1);
}

/* The last branch is the one that contains others, as schemas are written: deep down the first is taken. */
static void branch_change(struct dice *dice, avro_value_t *value, size_t depth, int fresh)
{
	avro_value_t branch;
	const size_t count = avro_schema_union_size(avro_value_get_schema(value));
	const int choice = depth < DEPTH_MAX ? (int)dice_roll(dice, count) : 0;
	if (fresh || dice_roll(dice, CHANGE_ONE_IN) == 0) {
		if (avro_value_set_branch(value, choice, &branch) == 0)
			value_change(dice, &branch, depth + 1, 1);
	} else if (avro_value_get_current_branch(value, &branch) == 0) {
		value_change(dice, &branch, depth + 1, 0);
	}
}

/* `fresh`: nothing was read into it. */
static void value_change(struct dice *dice, avro_value_t *value, size_t depth, int fresh)
{
	const int here = fresh || dice_roll(dice, CHANGE_ONE_IN) == 0;
	switch (avro_value_get_type(value)) {
	case AVRO_RECORD:
		items_change(dice, value, depth, fresh);
		break;
	case AVRO_ARRAY:
		items_change(dice, value, depth, 0);
		if (here)
			list_grow(dice, value, depth);
		else if (dice_roll(dice, CHANGE_ONE_IN) == 0)
			(void)avro_value_reset(value);
		break;
	case AVRO_MAP:
		items_change(dice, value, depth, 0);
		if (here)
			map_grow(dice, value, depth);
		break;
	case AVRO_UNION:
		branch_change(dice, value, depth, fresh);
		break;
	default:
		if (here)
			scalar_set(dice, value);
		break;
	}
}

static size_t value_write(avro_value_t *value, uint8_t *data, size_t max)
{
	avro_writer_t writer = avro_writer_memory((char *)data, (int64_t)max);
	const size_t size = avro_value_write(writer, value) == 0 ? (size_t)avro_writer_tell(writer) : 0;
	avro_writer_free(writer);
	return size;
}

static size_t record_change(struct dice *dice, avro_schema_t schema, uint8_t *data, size_t size, size_t max)
{
	avro_value_t value;
	avro_value_iface_t *class = avro_generic_class_from_schema(schema);
	if (!class || avro_generic_value_new(class, &value) != 0)
		abort();
	struct avro_walk walk = avro_walk_of((struct text){(const char *)data, size});
	avro_reader_t reader = avro_reader_memory((const char *)data, (int64_t)size);
	const int fresh = !avro_walk_over(&walk, schema) || avro_value_read(reader, &value) != 0;
	avro_reader_free(reader);
	if (fresh)
		(void)avro_value_reset(&value);
	value_change(dice, &value, 0, fresh);
	const size_t written = value_write(&value, data, max);
	avro_value_decref(&value);
	avro_value_iface_decref(class);
	return written;
}

size_t mutate_avro(const char *json, uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct dice dice = dice_of(seed);
	avro_schema_t schema;
	uint8_t *kept = dice_roll(&dice, 8) ? malloc(max + 1) : NULL;
	if (!kept)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(kept, data, size);
	if (avro_schema_from_json_length(json, strlen(json), &schema) != 0)
		abort();
	const size_t written = record_change(&dice, schema, kept, size, max);
	avro_schema_decref(schema);
	if (written > 0)
		memcpy(data, kept, written);
	free(kept);
	return written > 0 ? written : LLVMFuzzerMutate(data, size, max);
}
