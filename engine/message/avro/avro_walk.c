/* avro_walk.c: see avro_walk.h. */
#include "message/avro/avro_walk.h"

avro_schema_t avro_walk_target(avro_schema_t schema)
{
	return is_avro_link(schema) ? avro_schema_link_target(schema) : schema;
}

avro_schema_t avro_walk_field(avro_schema_t record, const char *name)
{
	int index = avro_schema_record_field_get_index(record, name);
	return index < 0 ? NULL : avro_schema_record_field_get_by_index(record, index);
}

avro_schema_t avro_walk_branch(struct avro_walk *walk, avro_schema_t schema)
{
	int64_t branch = avro_read_long(&walk->cursor);
	if (branch < 0 || (uint64_t)branch >= avro_schema_union_size(schema)) {
		avro_fail(&walk->cursor);
		return NULL;
	}
	return avro_schema_union_branch(schema, (int)branch);
}

/* A block that says its size must keep to it: readers that step over the block and
 * readers that step over its items must meet at the same byte. */
static void next_block(struct avro_walk *walk, struct avro_blocks *blocks)
{
	struct avro_cursor *cursor = &walk->cursor;
	if (blocks->sized && avro_left(cursor) != blocks->bytes_left_at_end)
		avro_fail(cursor);
	int64_t count = avro_read_long(cursor);
	blocks->sized = count < 0;
	if (blocks->sized) {
		int64_t size = avro_read_long(cursor);
		if (size < 0 || (uint64_t)size > avro_left(cursor))
			avro_fail(cursor);
		else
			blocks->bytes_left_at_end = avro_left(cursor) - (size_t)size;
		count = count == INT64_MIN ? INT64_MAX : -count;
	}
	if ((uint64_t)count > avro_left(cursor))
		avro_fail(cursor);
	blocks->items_left = avro_failed(cursor) ? 0 : (size_t)count;
}

bool avro_walk_item(struct avro_walk *walk, struct avro_blocks *blocks)
{
	if (blocks->items_left == 0)
		next_block(walk, blocks);
	if (blocks->items_left == 0 || avro_failed(&walk->cursor))
		return false;
	blocks->items_left--;
	return true;
}

static void over_items(struct avro_walk *walk, avro_schema_t items, bool keyed)
{
	struct avro_blocks blocks = {0};
	while (avro_walk_item(walk, &blocks)) {
		if (keyed)
			(void)avro_read_bytes(&walk->cursor);
		if (!avro_walk_over(walk, items))
			return;
	}
}

static void over_record(struct avro_walk *walk, avro_schema_t schema)
{
	size_t count = avro_schema_record_size(schema);
	for (size_t i = 0; i < count; i++)
		if (!avro_walk_over(walk, avro_schema_record_field_get_by_index(schema, (int)i)))
			return;
}

static void over_value(struct avro_walk *walk, avro_schema_t schema)
{
	struct avro_cursor *cursor = &walk->cursor;
	switch (avro_typeof(schema)) {
	case AVRO_NULL:
		break;
	case AVRO_BOOLEAN: {
		const unsigned char *flag = avro_read_raw(cursor, 1);
		if (flag && *flag > 1)
			avro_fail(cursor);
		break;
	}
	case AVRO_INT32:
		(void)avro_read_int(cursor);
		break;
	case AVRO_INT64:
		(void)avro_read_long(cursor);
		break;
	case AVRO_FLOAT:
		(void)avro_read_raw(cursor, sizeof(float));
		break;
	case AVRO_DOUBLE:
		(void)avro_read_raw(cursor, sizeof(double));
		break;
	case AVRO_STRING:
	case AVRO_BYTES:
		(void)avro_read_bytes(cursor);
		break;
	case AVRO_FIXED:
		(void)avro_read_raw(cursor, (size_t)avro_schema_fixed_size(schema));
		break;
	case AVRO_ENUM: {
		int64_t symbol = avro_read_long(cursor);
		if (symbol < 0 || symbol >= avro_schema_enum_number_of_symbols(schema))
			avro_fail(cursor);
		break;
	}
	case AVRO_UNION: {
		avro_schema_t branch = avro_walk_branch(walk, schema);
		if (branch)
			(void)avro_walk_over(walk, branch);
		break;
	}
	case AVRO_ARRAY:
		over_items(walk, avro_schema_array_items(schema), false);
		break;
	case AVRO_MAP:
		over_items(walk, avro_schema_map_values(schema), true);
		break;
	case AVRO_RECORD:
		over_record(walk, schema);
		break;
	case AVRO_LINK:
		(void)avro_walk_over(walk, avro_schema_link_target(schema));
		break;
	default: /* from avro-c 1.12 on there is a type that no schema has */
		avro_fail(cursor);
		break;
	}
}

bool avro_walk_over(struct avro_walk *walk, avro_schema_t schema)
{
	const unsigned char *before = walk->cursor.at;
	if (walk->depth == AVRO_DEPTH_MAX) {
		avro_fail(&walk->cursor);
		return false;
	}
	walk->depth++;
	over_value(walk, schema);
	walk->depth--;
	if (walk->cursor.at == before && ++walk->empty_values > AVRO_EMPTY_VALUES_MAX)
		avro_fail(&walk->cursor);
	return !avro_failed(&walk->cursor);
}
