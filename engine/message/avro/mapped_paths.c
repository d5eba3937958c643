/* mapped_paths.c: see mapped_paths.h. */
#include "message/avro/mapped_paths.h"

#include "base/number/number.h"

#define FIRST_CELLS 4
#define PARTS_MAX 64 /* as deep as events are read */

static bool bad_path(struct text path, struct place place, const char *what, struct error *error)
{
	error_set(error, ERROR_CONFIG, place,
		  "the path `" TEXT_FORMAT "` %s; write fields and items, as in a.b, a[0] or bids[*].px",
		  TEXT_ARGUMENTS(path), what);
	return false;
}

/* Takes one part off the front of `rest`: `.name`, `name`, `[3]` or `[*]`. */
static bool take_part(struct text *rest, bool first, struct map_node *part, const char **fault)
{
	if (*rest->bytes == '[') {
		const char *close = memchr(rest->bytes, ']', rest->length);
		struct text inside = {rest->bytes + 1, close ? (size_t)(close - rest->bytes) - 1 : 0};
		if (!close) {
			*fault = "has a `[` without `]`";
			return false;
		}
		part->step = text_is(inside, "*") ? STEP_ALL : STEP_INDEX;
		*fault = "has something else than a number or * between `[` and `]`";
		if (part->step == STEP_INDEX && !number_read_uint64(inside, &part->index))
			return false;
		rest->length -= inside.length + 2;
		rest->bytes = close + 1;
		return true;
	}
	*fault = "has an empty part";
	if (!first) {
		if (*rest->bytes != '.')
			return false;
		rest->bytes++;
		rest->length--;
	}
	size_t length = 0;
	while (length < rest->length && rest->bytes[length] != '.' && rest->bytes[length] != '[')
		length++;
	part->step = STEP_FIELD;
	part->name = (struct text){rest->bytes, length};
	rest->bytes += length;
	rest->length -= length;
	return length > 0;
}

static bool same_part(const struct map_node *a, const struct map_node *b)
{
	return a->step == b->step && (a->step != STEP_FIELD || text_equal(a->name, b->name)) &&
	       (a->step != STEP_INDEX || a->index == b->index);
}

static struct map_node *child_for(struct map_node *node, const struct map_node *part, struct arena *arena)
{
	struct map_node **at = &node->children;
	while (*at && !same_part(*at, part))
		at = &(*at)->next;
	if (!*at) {
		struct map_node *made = ARENA_NEW(arena, struct map_node);
		char *name = arena_copy(arena, part->name.bytes, part->name.length); /* avro-c wants a NUL behind it */
		if (!made || !name)
			return NULL;
		*made = *part;
		made->name.bytes = name;
		*at = made;
	}
	return *at;
}

struct map_path *path_add(struct map_node *root, struct text text, size_t number, struct arena *arena, struct place place,
			  struct error *error)
{
	struct map_path *path = ARENA_NEW(arena, struct map_path);
	char *copy = arena_copy(arena, text.bytes, text.length);
	if (!path || !copy)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a mapping"));
	*path = (struct map_path){.text = {copy, text.length}, .number = number};
	struct text rest = path->text;
	struct map_node *node = root;
	struct map_node *last_star = NULL;
	const char *fault = "is empty";
	if (rest.length == 0)
		return error_null(bad_path(text, place, fault, error));
	for (size_t parts = 0; rest.length; parts++) {
		struct map_node part = {0};
		if (parts == PARTS_MAX || !take_part(&rest, node == root, &part, &fault))
			return error_null(bad_path(text, place, parts == PARTS_MAX ? "has more than 64 parts" : fault, error));
		node = child_for(node, &part, arena);
		if (!node)
			return error_null(error_memory(error, ERROR_SYSTEM, "reading a mapping"));
		last_star = part.step == STEP_ALL ? node : last_star;
	}
	path->next = node->ends;
	node->ends = path;
	path->starred = last_star != NULL;
	if (last_star) {
		path->next_starred = last_star->starred;
		last_star->starred = path;
	}
	return path;
}

size_t nodes_number(struct map_node *root, size_t count)
{
	for (struct map_node *child = root->children; child; child = child->next) {
		child->number = count++;
		count = nodes_number(child, count);
	}
	return count;
}

struct text path_last_part(struct text path)
{
	size_t begin = path.length;
	while (begin > 0 && path.bytes[begin - 1] != '.')
		begin--;
	return text_from(path, begin);
}

const struct map_node *node_field(const struct map_node *node, struct text name)
{
	for (const struct map_node *child = node->children; child; child = child->next)
		if (child->step == STEP_FIELD && text_equal(child->name, name))
			return child;
	return NULL;
}

const struct map_node *node_item(const struct map_node *from, uint64_t index)
{
	while (from && from->step != STEP_ALL && !(from->step == STEP_INDEX && from->index == index))
		from = from->next;
	return from;
}

static bool add_cell(struct mapped_gathering *gathering, struct found *found, const struct cell *cell)
{
	if (found->count == found->capacity) {
		size_t capacity = found->capacity ? found->capacity * 2 : FIRST_CELLS;
		struct cell *cells = arena_take_raw(gathering->arena, capacity * sizeof *cells);
		if (!cells)
			return error_memory(gathering->error, ERROR_LIMIT, "mapping an event");
		if (found->count)
			memcpy(cells, found->cells, found->count * sizeof *cells);
		found->cells = cells;
		found->capacity = capacity;
	}
	found->cells[found->count++] = *cell;
	return true;
}

bool mapped_gather_cell(struct mapped_gathering *gathering, const struct map_node *node, const struct cell *cell)
{
	for (const struct map_path *path = node->ends; path; path = path->next)
		if (!add_cell(gathering, &gathering->found[path->number], cell))
			return false;
	return true;
}

void mapped_gather_list(struct mapped_gathering *gathering, const struct map_node *node)
{
	for (const struct map_path *path = node->ends; path; path = path->next)
		gathering->found[path->number].listed = true;
	for (const struct map_node *child = node->children; child; child = child->next)
		for (const struct map_path *path = child->starred; path; path = path->next_starred)
			gathering->found[path->number].listed = true;
}

/* Recursion is as deep as the paths. */
static void list_all_below(struct mapped_gathering *gathering, const struct map_node *node)
{
	for (const struct map_path *path = node->ends; path; path = path->next)
		gathering->found[path->number].listed = true;
	for (const struct map_node *child = node->children; child; child = child->next)
		list_all_below(gathering, child);
}

void mapped_gather_empty_list(struct mapped_gathering *gathering, const struct map_node *node)
{
	for (const struct map_node *child = node->children; child; child = child->next)
		if (child->step == STEP_ALL)
			list_all_below(gathering, child);
}

bool mapped_gather_item_end(struct mapped_gathering *gathering, const struct map_node *node)
{
	const struct cell nothing = {.kind = CELL_NOTHING};
	for (const struct map_path *path = node->starred; path; path = path->next_starred) {
		struct found *found = &gathering->found[path->number];
		if (found->count == found->items && !add_cell(gathering, found, &nothing))
			return false;
		found->items = found->count;
	}
	return true;
}

bool mapped_gather_object(struct mapped_gathering *gathering, const struct map_node *node)
{
	return error_set(gathering->error, ERROR_INPUT, PLACE_NONE,
			 "there is an object at `" TEXT_FORMAT "` of the event, and a path must end at a value; name a field of it",
			 TEXT_ARGUMENTS(node->ends->text));
}
