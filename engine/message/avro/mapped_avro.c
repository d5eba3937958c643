/* mapped_avro.c: see mapped_walk.h. avro-c parses the schema. The bytes are walked in place by the schema, so
 * only cells are allocated. */
#include "message/avro/avro_walk.h"
#include "message/avro/mapped_walk.h"

static bool mapped_avro_walk(struct mapped_gathering *gathering, const struct map_node *node, avro_schema_t schema,
			     struct avro_walk *at);

static bool mapped_avro_broken(struct mapped_gathering *gathering)
{
	return error_set(gathering->error, ERROR_INPUT, PLACE_NONE,
			 "the Avro event is cut off or broken; write it with the schema that its first bytes name");
}

static bool mapped_avro_is_over(struct mapped_gathering *gathering, avro_schema_t schema, struct avro_walk *at)
{
	return avro_walk_over(at, schema) || mapped_avro_broken(gathering);
}

static float float_of(const void *bytes)
{
	float number;
	memcpy(&number, bytes, sizeof number);
	return number;
}

/* Copied: the schema may be forgotten before the message is. */
static void take_symbol(struct arena *arena, avro_schema_t schema, struct avro_cursor *cursor, struct cell *cell)
{
	int64_t symbol = avro_read_long(cursor);
	if (symbol < 0 || symbol >= avro_schema_enum_number_of_symbols(schema)) {
		avro_fail(cursor);
		return;
	}
	struct text text = text_of(avro_schema_enum_get(schema, (int)symbol));
	const char *copy = arena_copy(arena, text.bytes, text.length);
	if (copy)
		cell->value.text = (struct text){copy, text.length};
}

static void take_cell(struct arena *arena, avro_schema_t schema, struct avro_cursor *cursor, struct cell *cell)
{
	const void *bytes;
	switch (avro_typeof(schema)) {
	case AVRO_BOOLEAN:
		bytes = avro_read_raw(cursor, 1);
		*cell = (struct cell){.kind = CELL_FLAG, .value.flag = bytes && *(const unsigned char *)bytes != 0};
		break;
	case AVRO_INT32:
		*cell = (struct cell){.kind = CELL_INTEGER, .value.integer = avro_read_int(cursor)};
		break;
	case AVRO_INT64:
		*cell = (struct cell){.kind = CELL_INTEGER, .value.integer = avro_read_long(cursor)};
		break;
	case AVRO_FLOAT:
		bytes = avro_read_raw(cursor, sizeof(float));
		*cell = (struct cell){.kind = CELL_NUMBER, .value.number = bytes ? (double)float_of(bytes) : 0};
		break;
	case AVRO_DOUBLE:
		*cell = (struct cell){.kind = CELL_NUMBER, .value.number = avro_read_double(cursor)};
		break;
	case AVRO_STRING:
	case AVRO_BYTES:
		*cell = (struct cell){.kind = CELL_TEXT, .value.text = avro_read_bytes(cursor)};
		break;
	case AVRO_FIXED: {
		size_t size = (size_t)avro_schema_fixed_size(schema);
		bytes = avro_read_raw(cursor, size);
		*cell = (struct cell){.kind = CELL_TEXT, .value.text = {bytes, bytes ? size : 0}};
		break;
	}
	case AVRO_ENUM:
		*cell = (struct cell){.kind = CELL_TEXT, .value.text = TEXT("")};
		take_symbol(arena, schema, cursor, cell);
		break;
	default:
		*cell = (struct cell){.kind = CELL_NOTHING};
		break;
	}
}

static bool is_object(avro_schema_t schema)
{
	return is_avro_record(schema) || is_avro_map(schema);
}

/* A value where paths end: one, or a list of them, nested or not. */
static bool take_values(struct mapped_gathering *gathering, const struct map_node *node, avro_schema_t schema, struct avro_walk *at)
{
	schema = avro_walk_target(schema);
	if (is_avro_union(schema)) {
		avro_schema_t branch = avro_walk_branch(at, schema);
		return branch ? take_values(gathering, node, branch, at) : mapped_avro_broken(gathering);
	}
	if (is_object(schema))
		return mapped_gather_object(gathering, node);
	if (is_avro_array(schema)) {
		struct avro_blocks blocks = {0};
		mapped_gather_list(gathering, node);
		while (avro_walk_item(at, &blocks))
			if (!take_values(gathering, node, avro_schema_array_items(schema), at))
				return false;
		return !avro_failed(&at->cursor) || mapped_avro_broken(gathering);
	}
	struct cell cell;
	take_cell(gathering->arena, schema, &at->cursor, &cell);
	if (avro_failed(&at->cursor))
		return mapped_avro_broken(gathering);
	if (arena_failed(gathering->arena))
		return error_memory(gathering->error, ERROR_LIMIT, "mapping an event");
	return mapped_gather_cell(gathering, node, &cell);
}

static bool walk_record(struct mapped_gathering *gathering, const struct map_node *node, avro_schema_t schema, struct avro_walk *at)
{
	size_t count = avro_schema_record_size(schema);
	for (size_t i = 0; i < count; i++) {
		const struct map_node *child = node_field(node, text_of(avro_schema_record_field_name(schema, (int)i)));
		avro_schema_t field = avro_schema_record_field_get_by_index(schema, (int)i);
		if (!(child ? mapped_avro_walk(gathering, child, field, at) : mapped_avro_is_over(gathering, field, at)))
			return false;
	}
	return true;
}

static bool walk_map(struct mapped_gathering *gathering, const struct map_node *node, avro_schema_t schema, struct avro_walk *at)
{
	avro_schema_t values = avro_schema_map_values(schema);
	struct avro_blocks blocks = {0};
	while (avro_walk_item(at, &blocks)) {
		struct text key = avro_read_bytes(&at->cursor);
		const struct map_node *child = avro_failed(&at->cursor) ? NULL : node_field(node, key);
		if (!(child ? mapped_avro_walk(gathering, child, values, at) : mapped_avro_is_over(gathering, values, at)))
			return false;
	}
	return !avro_failed(&at->cursor) || mapped_avro_broken(gathering);
}

/* An item may be wanted twice, by its number and by [*]: each walk begins at the same
 * byte, and ends at the same. */
static bool walk_item(struct mapped_gathering *gathering, const struct map_node *child, uint64_t index, avro_schema_t items,
		      struct avro_walk *at)
{
	struct avro_walk begin = *at;
	for (; child; child = node_item(child->next, index)) {
		*at = begin;
		if (!mapped_avro_walk(gathering, child, items, at))
			return false;
		if (child->step == STEP_ALL && !mapped_gather_item_end(gathering, child))
			return false;
	}
	return true;
}

static bool walk_array(struct mapped_gathering *gathering, const struct map_node *node, avro_schema_t schema, struct avro_walk *at)
{
	avro_schema_t items = avro_schema_array_items(schema);
	struct avro_blocks blocks = {0};
	uint64_t index = 0;
	mapped_gather_list(gathering, node);
	for (; avro_walk_item(at, &blocks); index++) {
		const struct map_node *child = node_item(node->children, index);
		if (!(child ? walk_item(gathering, child, index, items, at) : mapped_avro_is_over(gathering, items, at)))
			return false;
	}
	if (index == 0)
		mapped_gather_empty_list(gathering, node);
	return !avro_failed(&at->cursor) || mapped_avro_broken(gathering);
}

static bool mapped_avro_walk(struct mapped_gathering *gathering, const struct map_node *node, avro_schema_t schema,
			     struct avro_walk *at)
{
	schema = avro_walk_target(schema);
	if (is_avro_union(schema)) {
		avro_schema_t branch = avro_walk_branch(at, schema);
		return branch ? mapped_avro_walk(gathering, node, branch, at) : mapped_avro_broken(gathering);
	}
	if (node->ends && (is_avro_array(schema) && node->children)) { /* `a` and `a[0]`: the list itself, then its items */
		struct avro_walk begin = *at;
		if (!take_values(gathering, node, schema, at))
			return false;
		*at = begin;
		return walk_array(gathering, node, schema, at);
	}
	if (node->ends)
		return take_values(gathering, node, schema, at);
	if (is_avro_record(schema))
		return walk_record(gathering, node, schema, at);
	if (is_avro_map(schema))
		return walk_map(gathering, node, schema, at);
	if (is_avro_array(schema))
		return walk_array(gathering, node, schema, at);
	return mapped_avro_is_over(gathering, schema, at);
}

bool mapped_walk_avro(struct mapped_gathering *gathering, const struct map_node *root, avro_schema_t schema, struct text body)
{
	struct avro_walk at = avro_walk_of(body);
	if (!mapped_avro_walk(gathering, root, schema, &at))
		return false;
	return avro_left(&at.cursor) == 0 || mapped_avro_broken(gathering);
}

/* ---- datatypes ---- */

/* The first branch that is not null. */
static avro_schema_t solid(avro_schema_t schema)
{
	schema = avro_walk_target(schema);
	if (!is_avro_union(schema))
		return schema;
	for (size_t i = 0; i < avro_schema_union_size(schema); i++) {
		avro_schema_t branch = avro_walk_target(avro_schema_union_branch(schema, (int)i));
		if (!is_avro_null(branch))
			return branch;
	}
	return schema;
}

static bool datatype_of(avro_schema_t schema, enum datatype *datatype)
{
	while (is_avro_array(schema))
		schema = solid(avro_schema_array_items(schema));
	switch (avro_typeof(schema)) {
	case AVRO_BOOLEAN:
		*datatype = DATATYPE_BOOL;
		return true;
	case AVRO_INT32:
		*datatype = DATATYPE_INT32;
		return true;
	case AVRO_INT64:
		*datatype = DATATYPE_INT64;
		return true;
	case AVRO_FLOAT:
		*datatype = DATATYPE_FP32;
		return true;
	case AVRO_DOUBLE:
		*datatype = DATATYPE_FP64;
		return true;
	case AVRO_STRING:
	case AVRO_BYTES:
	case AVRO_FIXED:
	case AVRO_ENUM:
		*datatype = DATATYPE_BYTES;
		return true;
	default:
		return false;
	}
}

static bool ends_at(const struct map_node *node, const struct map_path *path)
{
	for (const struct map_path *end = node->ends; end; end = end->next)
		if (end == path)
			return true;
	return false;
}

/* Recursion is as deep as the paths are long. */
bool mapped_avro_datatype(avro_schema_t schema, const struct map_node *root, const struct map_path *path, enum datatype *datatype)
{
	schema = solid(schema);
	if (ends_at(root, path))
		return datatype_of(schema, datatype);
	for (const struct map_node *child = root->children; child; child = child->next) {
		avro_schema_t inside = NULL;
		if (child->step != STEP_FIELD)
			inside = is_avro_array(schema) ? avro_schema_array_items(schema) : NULL;
		else if (is_avro_map(schema))
			inside = avro_schema_map_values(schema);
		else if (is_avro_record(schema))
			inside = avro_walk_field(schema, child->name.bytes);
		if (inside && mapped_avro_datatype(inside, child, path, datatype))
			return true;
	}
	return false;
}
