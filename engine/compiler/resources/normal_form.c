/* normal_form.c: see normal_form.h. It walks the file's tree by the rows that parse it; the result is new nodes over the same
 * scalars. */
#include "compiler/resources/normal_form.h"

#include "base/number/duration.h"
#include "base/secret.h"
#include "compiler/yaml/node_make.h"
#include "compiler/yaml/options.h"
#include "compiler/resources/rows.h"

/* Values that name files, each once. */
struct file_values {
	size_t count, room;
	const struct node **items;
};

struct maker {
	struct arena *arena;
	const struct step_kind *const *kinds;
	const struct node *hidden; /* the first secret in clear; NULL: there is none */
	struct file_values *files; /* NULL: they are not noted */
};

static const struct node *by_rows(struct maker *maker, const struct node *node, const struct option *rows);
static const struct node *by_row(struct maker *maker, const struct node *node, const struct option *row);

static bool is_absent(const struct node *node)
{
	return !node || (node->type == NODE_NULL && !node->quoted);
}

static const struct node *fallback_of(struct maker *maker, const struct option *row)
{
	bool bare =
		row->type == OPTION_INTEGER || row->type == OPTION_NUMBER || row->type == OPTION_FLAG || row->type == OPTION_EXTENT;
	if (!row->fallback)
		return NULL;
	const struct node *node = node_scalar(maker->arena, PLACE_NONE, row->fallback, !bare);
	return node && row->type == OPTION_MAP ? by_rows(maker, node, row->rows) : node;
}

/* ---- maps ---- */

static size_t count_rows(const struct option *rows)
{
	size_t count = 0;
	while (rows[count].type != OPTION_END)
		count++;
	return count;
}

/* Keys that no row names: a step's kind, or free ones. */
static void put_others(struct maker *maker, struct growing *map, const struct node *node, const struct option *rows)
{
	static const struct option nothing[] = {{.type = OPTION_END}};
	for (size_t i = 0; i < node->count; i++) {
		const struct node_entry *entry = &node->entries[i];
		if (option_named(rows, entry->key->scalar))
			continue;
		const struct step_kind *kind = step_kind_find(maker->kinds, entry->key->scalar.bytes);
		bool step = false;
		for (const struct option *row = rows; row->type != OPTION_END; row++)
			step = step || row->type == OPTION_KIND;
		const struct node *value = entry->value;
		if (step && kind) {
			const struct growing empty =
				is_absent(value) ? map_begin(maker->arena, PLACE_NONE, 0) : (struct growing){0};
			value = by_rows(maker, empty.node ? empty.node : value, kind->options ? kind->options : nothing);
		}
		map_put(map, entry->key->scalar.bytes, value);
	}
}

/* A secret that stands in the file is not shown. */
static const struct node *unless_secret(struct maker *maker, bool secret, const struct node *value)
{
	bool hidden = secret && value && value->type == NODE_SCALAR && !secret_is_reference(value->scalar.bytes);
	if (!hidden)
		return value;
	maker->hidden = maker->hidden ? maker->hidden : value;
	return node_scalar(maker->arena, PLACE_NONE, "(hidden)", true);
}

static const struct node *map_by_rows(struct maker *maker, const struct node *node, const struct option *rows)
{
	struct growing map = map_begin(maker->arena, PLACE_NONE, count_rows(rows) + node->count);
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		const struct node *value = row->name ? node_get(node, row->name) : NULL;
		map_put(&map, row->name,
			is_absent(value) ? fallback_of(maker, row) : unless_secret(maker, row->secret, by_row(maker, value, row)));
	}
	put_others(maker, &map, node, rows);
	return map.node;
}

/* The row to which a value that is no map goes, as options.c finds it. */
static const struct option *brief_row(const struct option *rows, const struct node *node)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		bool list = row->type == OPTION_NAMES || row->type == OPTION_REFERENCES || row->type == OPTION_NUMBERS ||
			    row->type == OPTION_LIST || row->type == OPTION_OPERATIONS;
		bool map = (row->type == OPTION_TABLE || row->type == OPTION_NODE) && !row->name;
		bool fits = node->type == NODE_LIST ? list : node->type == NODE_MAP ? map : !list && row->type != OPTION_TABLE;
		if (row->short_form && (fits || row->type == OPTION_NODE))
			return row;
	}
	return NULL;
}

static const struct node *by_rows(struct maker *maker, const struct node *node, const struct option *rows)
{
	const struct option *brief = brief_row(rows, node);
	if (!brief)
		return node->type == NODE_MAP ? map_by_rows(maker, node, rows) : node;
	const struct node *value = by_row(maker, node, brief);
	if (!brief->name || !value)
		return value;
	/* `otherwise: drop` becomes `otherwise: {drop: ...}`, with what else falls back there. */
	struct growing map = map_begin(maker->arena, PLACE_NONE, 1);
	map_put(&map, brief->name, value);
	return map.node ? map_by_rows(maker, map.node, rows) : NULL;
}

/* ---- values ---- */

static const struct node *table_by_rows(struct maker *maker, const struct node *node, const struct option *rows)
{
	struct growing map = map_begin(maker->arena, PLACE_NONE, node->count);
	for (size_t i = 0; i < node->count; i++) {
		const char *key = node->entries[i].key->scalar.bytes;
		const struct node *value = node->entries[i].value;
		map_put(&map, key, unless_secret(maker, secret_is_named(key), by_rows(maker, value, rows)));
	}
	return map.node;
}

static const struct node *operation(struct maker *maker, const struct node *node, const struct option *rows)
{
	struct growing map = map_begin(maker->arena, PLACE_NONE, 1);
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		const struct node *value = node_get(node, row->name);
		if (value)
			map_put(&map, row->name, by_row(maker, value, row));
	}
	return map.node;
}

typedef const struct node *make_item(struct maker *maker, const struct node *node, const struct option *rows);

static const struct node *list_make(struct maker *maker, const struct node *node, const struct option *rows, make_item *item)
{
	struct node *list = ARENA_NEW(maker->arena, struct node);
	const struct node **items = ARENA_ARRAY(maker->arena, const struct node *, node->count + 1);
	if (!list || !items)
		return NULL;
	for (size_t i = 0; i < node->count; i++) {
		items[i] = item(maker, node->items[i], rows);
		if (!items[i])
			return NULL;
	}
	*list = (struct node){.type = NODE_LIST, .count = node->count, .items = items};
	return list;
}

/* 60m and 1h are the same, and are printed so. */
static const struct node *duration(struct maker *maker, const struct node *node)
{
	char text[DURATION_TEXT_MAX];
	int64_t duration_ns;
	if (duration_read(node->scalar, &duration_ns))
		return node;
	duration_print(duration_ns, text);
	const char *copy = arena_copy(maker->arena, text, strlen(text));
	return copy ? node_scalar(maker->arena, PLACE_NONE, copy, true) : NULL;
}

/* A short form is read by its row twice. False: memory ran out. */
static bool file_note(struct maker *maker, const struct node *value)
{
	struct file_values *files = maker->files;
	for (size_t i = 0; i < files->count; i++)
		if (files->items[i] == value)
			return true;
	if (files->count == files->room) {
		const size_t room = 2 * files->room + 8;
		const struct node **items = ARENA_ARRAY(maker->arena, const struct node *, room);
		if (!items)
			return false;
		if (files->count > 0)
			memcpy(items, files->items, files->count * sizeof(*items));
		files->items = items;
		files->room = room;
	}
	files->items[files->count++] = value;
	return true;
}

static const struct node *by_row(struct maker *maker, const struct node *node, const struct option *row)
{
	if (row->file && maker->files && node->type == NODE_SCALAR && !file_note(maker, node))
		return NULL;
	switch (row->type) {
	case OPTION_MAP:
		return by_rows(maker, node, row->rows);
	case OPTION_LIST:
		return node->type == NODE_LIST ? list_make(maker, node, row->rows, by_rows) : node;
	case OPTION_TABLE:
		return node->type == NODE_MAP ? table_by_rows(maker, node, row->rows) : node;
	case OPTION_OPERATIONS:
		return node->type == NODE_LIST ? list_make(maker, node, row->rows, operation) : node;
	case OPTION_DURATION:
		return node->type == NODE_SCALAR ? duration(maker, node) : node;
	default:
		return node;
	}
}

static const struct node *normal_make(struct maker *maker, const struct resource *resource)
{
	const struct resource_kind *kind = resource->kind;
	const struct node *root = resource->node;
	if (!kind->api_version)
		return by_rows(maker, root, kind->rows);
	struct growing map = map_begin(maker->arena, PLACE_NONE, 4);
	struct growing nothing = map_begin(maker->arena, PLACE_NONE, 0);
	const struct node *metadata = node_get(root, "metadata"), *spec = node_get(root, "spec");
	struct growing name = map_begin(maker->arena, PLACE_NONE, 1);
	if (resource->name.text)
		map_put(&name, "name", node_scalar(maker->arena, PLACE_NONE, resource->name.text, true));
	/* A fragment, whose kind was found, stays one: with a kind of its own it would need a name. */
	if (!is_absent(node_get(root, "kind"))) {
		map_put(&map, "apiVersion", node_scalar(maker->arena, PLACE_NONE, kind->api_version, true));
		map_put(&map, "kind", node_scalar(maker->arena, PLACE_NONE, kind->name, true));
	}
	if (!is_absent(metadata))
		map_put(&map, "metadata", by_rows(maker, metadata, metadata_rows));
	else if (resource->name.text)
		map_put(&map, "metadata", name.node);
	map_put(&map, "spec", by_rows(maker, is_absent(spec) ? nothing.node : spec, kind->rows));
	return arena_failed(maker->arena) ? NULL : map.node;
}

const struct node *resource_normal(const struct resource *resource, const struct step_kind *const *kinds, struct arena *arena)
{
	struct maker maker = {.arena = arena, .kinds = kinds};
	return normal_make(&maker, resource);
}

const struct node *resource_secret(const struct resource *resource, const struct step_kind *const *kinds, struct arena *arena)
{
	struct maker maker = {.arena = arena, .kinds = kinds};
	(void)normal_make(&maker, resource);
	return maker.hidden;
}

bool resource_files(const struct resource *resource, const struct step_kind *const *kinds, struct arena *arena,
		    struct name_list *files)
{
	struct file_values values = {0};
	struct maker maker = {.arena = arena, .kinds = kinds, .files = &values};
	(void)normal_make(&maker, resource);
	struct name *names = ARENA_ARRAY(arena, struct name, values.count + 1);
	for (size_t i = 0; names && i < values.count; i++)
		names[i] = (struct name){values.items[i]->scalar.bytes, values.items[i]->place};
	*files = (struct name_list){names ? values.count : 0, names};
	return !arena_failed(arena);
}
