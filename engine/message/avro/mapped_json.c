/* mapped_json.c: see mapped_walk.h. The recursion is as deep as the paths, or as deep as json_scan.h allows for
 * lists. */
#include "message/json/json_scan.h"
#include "message/avro/mapped_walk.h"

static bool mapped_json_walk(struct mapped_gathering *gathering, const struct map_node *node, struct json_scan *scan);

static bool take_cell(struct json_scan *scan, struct cell *cell)
{
	struct decimal decimal;
	enum json_type type = json_peek(scan);
	switch (type) {
	case JSON_STRING:
		cell->kind = CELL_TEXT;
		return json_text(scan, &cell->value.text);
	case JSON_NUMBER:
		cell->kind = CELL_NUMERAL;
		if (!json_number(scan, &decimal))
			return false;
		cell->value.text = decimal.source;
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		cell->kind = CELL_FLAG;
		cell->value.flag = type == JSON_TRUE;
		return json_word(scan);
	default:
		cell->kind = CELL_NOTHING;
		return json_word(scan);
	}
}

/* A value where paths end: one, or a list of them, nested or not. */
static bool take_values(struct mapped_gathering *gathering, const struct map_node *node, struct json_scan *scan)
{
	struct cell cell;
	switch (json_peek(scan)) {
	case JSON_WRONG:
		return false;
	case JSON_OBJECT:
		return mapped_gather_object(gathering, node);
	case JSON_ARRAY:
		mapped_gather_list(gathering, node);
		(void)json_enter(scan);
		while (json_item(scan))
			if (!take_values(gathering, node, scan))
				return false;
		return !scan->failed;
	default:
		return take_cell(scan, &cell) && mapped_gather_cell(gathering, node, &cell);
	}
}

/* False: the field occurs twice in that object, so another reader of the event might take the other one. */
static bool field_is_new(struct mapped_gathering *gathering, const struct map_node *child, uint64_t object)
{
	if (gathering->seen[child->number] == object)
		return error_set(gathering->error, ERROR_INPUT, PLACE_NONE, TEXT_FORMAT " occurs twice in the event; send it once",
				 TEXT_ARGUMENTS(child->name));
	gathering->seen[child->number] = object;
	return true;
}

static bool walk_object(struct mapped_gathering *gathering, const struct map_node *node, struct json_scan *scan)
{
	const uint64_t object = ++gathering->objects;
	struct text key;
	(void)json_enter(scan);
	while (json_key(scan, &key)) {
		const struct map_node *child = node_field(node, key);
		if (!(child ? field_is_new(gathering, child, object) && mapped_json_walk(gathering, child, scan) : json_skip(scan)))
			return false;
	}
	return !scan->failed;
}

/* An item may be wanted twice: by its number and by [*]. */
static bool walk_item(struct mapped_gathering *gathering, const struct map_node *child, uint64_t index,
		      const struct json_scan *scan, struct text span)
{
	for (; child; child = node_item(child->next, index)) {
		struct json_scan again = json_again(scan, span);
		if (!mapped_json_walk(gathering, child, &again))
			return false;
		if (child->step == STEP_ALL && !mapped_gather_item_end(gathering, child))
			return false;
	}
	return true;
}

static bool walk_array(struct mapped_gathering *gathering, const struct map_node *node, struct json_scan *scan)
{
	uint64_t index = 0;
	mapped_gather_list(gathering, node);
	(void)json_enter(scan);
	for (; json_item(scan); index++) {
		const struct map_node *child = node_item(node->children, index);
		struct text span;
		if (!child) {
			if (!json_skip(scan))
				return false;
		} else if (!json_span(scan, &span) || !walk_item(gathering, child, index, scan, span)) {
			return false;
		}
	}
	if (index == 0)
		mapped_gather_empty_list(gathering, node);
	return !scan->failed;
}

static bool mapped_json_walk(struct mapped_gathering *gathering, const struct map_node *node, struct json_scan *scan)
{
	enum json_type type = json_peek(scan);
	if (node->ends && (!node->children || (type != JSON_OBJECT && type != JSON_ARRAY)))
		return take_values(gathering, node, scan);
	if (node->ends && type == JSON_OBJECT)
		return mapped_gather_object(gathering, node);
	if (node->ends) { /* `a` and `a[0]`: the list itself, then its items */
		struct text span;
		if (!json_span(scan, &span))
			return false;
		struct json_scan values = json_again(scan, span);
		struct json_scan items = json_again(scan, span);
		return take_values(gathering, node, &values) && walk_array(gathering, node, &items);
	}
	if (type == JSON_OBJECT)
		return walk_object(gathering, node, scan);
	if (type == JSON_ARRAY)
		return walk_array(gathering, node, scan);
	return json_skip(scan);
}

bool mapped_walk_json(struct mapped_gathering *gathering, const struct map_node *root, struct text body)
{
	struct json_scan scan;
	json_begin(&scan, body, "the event", gathering->arena, gathering->error);
	return mapped_json_walk(gathering, root, &scan) && json_end(&scan);
}
