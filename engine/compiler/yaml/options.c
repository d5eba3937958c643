/* options.c: Parser of maps, lists and tables of the user's YAML by rows; see options.h. */
#include "compiler/yaml/options.h"

#include "base/arena_list.h"
#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"

#define ROWS_MAX 64	/* of one map: `given` is a set of bits */
#define ITEMS_MAX 10000 /* of a list of maps, or a table: nobody writes more steps or candidates by hand */

union scratch { /* room for a value that is checked and kept nowhere */
	int64_t integer;
	double number;
	const void *pointer;
	struct name name;
	struct name_list names;
	struct item_list items;
	struct threshold threshold;
	struct extent extent;
};

static void read_value(struct reading *reading, const struct option *row, const struct node *node, void *at);

/* ---- fallbacks ---- */

static void *slot(const struct option *row, void *into, union scratch *scratch)
{
	if (!into || row->offset == OPTION_UNSTORED)
		return scratch;
	return (unsigned char *)into + row->offset;
}

/* What stands in a map that is kept nowhere is kept nowhere either. */
static void *inner(const struct option *row, void *into)
{
	return into && row->offset != OPTION_UNSTORED ? (unsigned char *)into + row->offset : NULL;
}

static bool has_rows(const struct option *row)
{
	return row->type == OPTION_MAP || row->type == OPTION_LIST || row->type == OPTION_TABLE || row->type == OPTION_OPERATIONS;
}

/* A value to where its row says. */
static void read_whole(struct reading *reading, const struct option *row, const struct node *node, void *into)
{
	union scratch scratch = {0};
	read_value(reading, row, node, has_rows(row) ? inner(row, into) : slot(row, into, &scratch));
}

static void fall_back(struct reading *reading, const struct option *row, void *into)
{
	if (row->type == OPTION_KIND) {
		if (reading->kind_parser)
			reading->kind_parser->fall_back(reading, into);
		return;
	}
	if (row->offset == OPTION_UNSTORED)
		return;
	if (row->type == OPTION_MAP)
		options_fall_back(reading, row->rows, (unsigned char *)into + row->offset);
	if (!row->fallback)
		return;
	bool text = row->type == OPTION_TEXT || row->type == OPTION_NAME || row->type == OPTION_CHOICE;
	struct node *node = ARENA_NEW(reading->arena, struct node);
	if (!node)
		return;
	*node = (struct node){.type = NODE_SCALAR, .quoted = text, .scalar = text_of(row->fallback)};
	reading->field = row->name;
	read_value(reading, row, node, (unsigned char *)into + row->offset);
}

void options_fall_back(struct reading *reading, const struct option *rows, void *into)
{
	for (const struct option *row = rows; into && row->type != OPTION_END; row++)
		fall_back(reading, row, into);
}

/* ---- one map ---- */

const struct option *option_named(const struct option *rows, struct text name)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->name && text_is(name, row->name))
			return row;
	return NULL;
}

static bool step_rows(const struct option *rows)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->type == OPTION_KIND)
			return true;
	return false;
}

/* The names that may stand here, for a message: "a, b, c". */
static const char *names_of(struct reading *reading, const struct option *rows)
{
	const char *names = "";
	for (const struct option *row = rows; row->type != OPTION_END && names; row++)
		if (row->name)
			names = arena_print(reading->arena, "%s%s%s", names, *names ? ", " : "", row->name);
	for (size_t i = 0; step_rows(rows) && reading->kinds && reading->kinds[i] && names; i++)
		names = arena_print(reading->arena, "%s, %s", names, reading->kinds[i]->name);
	return names ? names : "";
}

/* Says that no row has this key; the row that was probably meant, or NULL. */
static const struct option *say_unknown(struct reading *reading, const struct option *rows, const struct node *key,
					const char *where)
{
	if (faults_are_full(reading->faults))
		return NULL; /* of a file with more, finding names for the rest would take most of the time */
	struct suggestion suggestion = suggest_begin(key->scalar);
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->name)
			suggest_offer(&suggestion, text_of(row->name));
	for (size_t i = 0; step_rows(rows) && reading->kinds && reading->kinds[i]; i++)
		suggest_offer(&suggestion, text_of(reading->kinds[i]->name));
	const char *nearest = suggestion.nearest.bytes;
	if (nearest)
		fault_add(reading->faults, CODE_UNKNOWN_FIELD, key->place, nearest, "`%s` is not a field of %s", key->scalar.bytes,
			  where);
	else
		fault_add(reading->faults, CODE_UNKNOWN_FIELD, key->place, NULL, "`%s` is not a field of %s, which has %s",
			  key->scalar.bytes, where, names_of(reading, rows));
	return nearest ? option_named(rows, suggestion.nearest) : NULL;
}

static bool switched_off(const struct node *value)
{
	const struct node *enabled = node_get(value, "enabled"), *disabled = node_get(value, "disable");
	if (value->type == NODE_SCALAR)
		return scalar_classify(value) == SCALAR_FLAG && (value->scalar.bytes[0] == 'f' || value->scalar.bytes[0] == 'F');
	return (enabled && enabled->type == NODE_SCALAR && text_equal_caseless(enabled->scalar, TEXT("false"))) ||
	       (disabled && disabled->type == NODE_SCALAR && text_equal_caseless(disabled->scalar, TEXT("true")));
}

/* What is known and not honoured is never passed over in silence. */
static void say_effect(struct reading *reading, const struct option *row, const struct node_entry *entry)
{
	struct place place = entry->key->place;
	const char *field = entry->key->scalar.bytes; /* a row of free keys has no name */
	switch (row->effect) {
	case EFFECT_HONOURED:
		return;
	case EFFECT_LATER:
		if (!switched_off(entry->value))
			fault_add(reading->faults, CODE_FIELD_LATER, place, NULL,
				  "`%s` is known and checked; sluice does not support it yet", field);
		return;
	case EFFECT_REFUSED:
		fault_add(reading->faults, CODE_STEP_KIND_LATER, place, NULL,
			  "`%s` is known and checked; sluice does not run steps with it yet", field);
		return;
	case EFFECT_NONE:
		fault_add(reading->faults, CODE_NO_EFFECT, place, NULL, "`%s` has no effect here", field);
		return;
	case EFFECT_PROTECTS:
		if (!switched_off(entry->value))
			fault_add(reading->faults, CODE_PROTECTION_LATER, place, NULL,
				  "`%s` is not supported yet: `run` and the gateway refuse to listen beyond loopback", field);
		return;
	case EFFECT_KEEPER:
		if (!switched_off(entry->value))
			fault_add(reading->faults, CODE_OF_KEEPER, place, NULL,
				  "`%s` is carried out by the keeper of a control plane, not by engines without one", field);
		return;
	case EFFECT_GATEWAY:
		if (!switched_off(entry->value))
			fault_add(reading->faults, CODE_PROTECTION_OF_GATEWAY, place, NULL,
				  "`%s` is put in force by a gateway, not by an engine without one", field);
		return;
	}
}

static size_t index_of(const struct option *rows, const struct option *row)
{
	size_t index = (size_t)(row - rows);
	assert(index < ROWS_MAX);
	return index;
}

static void say_missing(struct reading *reading, const struct option *rows, uint64_t given, const struct node *map,
			const char *where)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		if (!row->required || !row->name || given >> index_of(rows, row) & 1)
			continue;
		struct place place = map->place;
		for (size_t i = 0; map->type == NODE_MAP && i < map->count; i++)
			if (text_is(map->entries[i].key->scalar, row->name))
				place = map->entries[i].key->place; /* it is there and says nothing */
		const char *help = row->help ? row->help : option_type_name(row), *end = strstr(help, ". ");
		fault_add(reading->faults, CODE_MISSING_FIELD, place, NULL, "`%s` is missing in %s: %.*s", row->name, where,
			  (int)(end ? end + 1 - help : (ptrdiff_t)strlen(help)), help); /* a page's first sentence */
	}
}

static void set_key(const struct option *rows, const struct node *key, void *item)
{
	for (const struct option *row = rows; item && row->type != OPTION_END; row++)
		if (row->type == OPTION_KEY)
			*(struct name *)((unsigned char *)item + row->offset) = (struct name){key->scalar.bytes, key->place};
}

/* One more item behind those that are there; NULL: the row keeps none. */
static void *item_append(struct reading *reading, const struct option *row, void *into)
{
	if (row->offset == OPTION_UNSTORED)
		return NULL;
	struct item_list *items = (void *)((unsigned char *)into + row->offset);
	unsigned char *all = arena_list_grow(reading->arena, items->items, items->count, row->item_size);
	if (!all)
		return NULL;
	*items = (struct item_list){items->count + 1, all};
	return all + (items->count - 1) * row->item_size;
}

/* A key that no row names, where any key may stand. */
static bool read_free(struct reading *reading, const struct option *rows, const struct node_entry *entry, void *into)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->type == OPTION_TABLE && !row->name && !row->short_form) {
			say_effect(reading, row, entry);
			void *item = into ? item_append(reading, row, into) : NULL;
			options_read(reading, entry->value, row->rows, item);
			set_key(row->rows, entry->key, item);
			return true;
		}
	return false;
}

static bool read_kind(struct reading *reading, const struct option *rows, const struct node_entry *entry, void *into)
{
	return into && reading->kind_parser && step_rows(rows) && reading->kind_parser->read(reading, entry, into);
}

/* One entry of a map; the bits of the rows that need not be missed. */
static uint64_t read_entry(struct reading *reading, const struct option *rows, const struct node_entry *entry, void *into,
			   const char *where)
{
	const struct option *row = option_named(rows, entry->key->scalar);
	reading->field = entry->key->scalar.bytes;
	if (!row) {
		if (read_free(reading, rows, entry, into) || read_kind(reading, rows, entry, into))
			return 0;
		const struct option *meant = say_unknown(reading, rows, entry->key, where);
		return meant ? (uint64_t)1 << index_of(rows, meant) : 0;
	}
	uint64_t bit = (uint64_t)1 << index_of(rows, row);
	if (entry->value->type == NODE_NULL && row->type != OPTION_NODE) {
		if (!entry->value->broken && !row->required)
			fault_add(reading->faults, CODE_NULL_VALUE, entry->key->place, NULL,
				  "`%s` has no value and counts as absent", row->name);
		return entry->value->broken ? bit : 0;
	}
	say_effect(reading, row, entry);
	if (into && row->place_offset > 0)
		*(struct place *)((unsigned char *)into + row->place_offset) = entry->value->place;
	read_whole(reading, row, entry->value, into);
	return bit;
}

static bool options_takes(const struct option *row, const struct node *node)
{
	bool list = row->type == OPTION_NAMES || row->type == OPTION_REFERENCES || row->type == OPTION_NUMBERS ||
		    row->type == OPTION_LIST || row->type == OPTION_OPERATIONS;
	bool map = row->type == OPTION_TABLE || row->type == OPTION_MAP;
	if (row->type == OPTION_NODE)
		return true;
	return node->type == NODE_LIST ? list : node->type == NODE_MAP ? map && !row->name : !list && !map;
}

/* The row to which a value goes whole: the short form. */
static const struct option *short_form(const struct option *rows, const struct node *node)
{
	const struct option *fitting = NULL;
	for (const struct option *row = rows; row->type != OPTION_END && !fitting; row++)
		if (row->short_form && options_takes(row, node))
			fitting = row;
	return fitting;
}

static bool only_short(const struct option *rows)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->name)
			return false;
	return rows->type != OPTION_END;
}

/* `name:a` is a text, for want of a blank; and a text alone is perhaps the name of what stands there. */
static const char *map_meant(struct reading *reading, const struct option *rows, const struct node *node)
{
	if (node->type != NODE_SCALAR)
		return NULL;
	size_t length = strcspn(node->scalar.bytes, ":");
	const char *rest = node->scalar.bytes + length;
	if (*rest && option_named(rows, (struct text){node->scalar.bytes, length}))
		return arena_print(reading->arena, "%.*s: %s", (int)length, node->scalar.bytes, rest + 1);
	const struct option *name = option_named(rows, TEXT("name"));
	return name && name->required ? arena_print(reading->arena, "{name: %s}", node->scalar.bytes) : NULL;
}

/* A value that is no map, or may be none, and no short form takes it. */
static void say_no_map(struct reading *reading, const struct option *rows, const struct node *node)
{
	for (const struct option *row = rows; only_short(rows) && row->type != OPTION_END; row++)
		if (row->short_form) {
			value_wrong_type(reading, row, node);
			return;
		}
	value_no_map(reading, node, map_meant(reading, rows, node));
}

void options_read(struct reading *reading, const struct node *node, const struct option *rows, void *into)
{
	const char *field = reading->field;
	options_fall_back(reading, rows, into);
	reading->field = field;
	for (const struct option *row = rows; into && row->type != OPTION_END; row++)
		if (row->type == OPTION_HERE)
			*(struct place *)((unsigned char *)into + row->offset) = node->place;
	const struct option *whole = short_form(rows, node);
	if (whole) {
		read_whole(reading, whole, node, into);
		return;
	}
	if (node->type != NODE_MAP || only_short(rows)) {
		say_no_map(reading, rows, node);
		return;
	}
	const char *where = field ? arena_print(reading->arena, "`%s`", field) : "the document";
	uint64_t given = 0;
	for (size_t i = 0; where && i < node->count; i++)
		given |= read_entry(reading, rows, &node->entries[i], into, where);
	if (where)
		say_missing(reading, rows, given, node, where);
	reading->field = field;
}

/* ---- many maps ---- */

/* Names are compared with each other, so that length has its price. */
static bool too_many(struct reading *reading, const struct node *node)
{
	if (node->count <= ITEMS_MAX)
		return false;
	fault_add(reading->faults, CODE_TOO_LARGE, node->place, NULL, "`%s` has %zu entries, more than %d", reading->field,
		  node->count, ITEMS_MAX);
	return true;
}

static unsigned char *take_items(struct reading *reading, const struct option *row, size_t count, const void *into)
{
	return into && row->item_size > 0 ? arena_take(reading->arena, count + 1, row->item_size) : NULL;
}

static bool items_are_good(struct reading *reading, const struct option *row, const struct node *node, enum node_type type)
{
	if (node->type != type) {
		value_wrong_type(reading, row, node);
		return false;
	}
	if (node->count == 0 && row->least > 0)
		fault_add(reading->faults, CODE_EMPTY_VALUE, node->place, NULL, "`%s` is an empty %s", reading->field,
			  type == NODE_LIST ? "list; it needs at least one item" : "map; it needs at least one entry");
	return !too_many(reading, node);
}

/* "steps[2]": counted from 0, as references of other tools do. */
static const char *item_name(struct reading *reading, const char *field, size_t index)
{
	const char *name = arena_print(reading->arena, "%s[%zu]", field, index);
	return name ? name : field;
}

static void read_list(struct reading *reading, const struct option *row, const struct node *node, struct item_list *into)
{
	if (!items_are_good(reading, row, node, NODE_LIST))
		return;
	const char *field = reading->field;
	unsigned char *items = take_items(reading, row, node->count, into);
	for (size_t i = 0; i < node->count; i++) {
		reading->field = item_name(reading, field, i);
		options_read(reading, node->items[i], row->rows, items ? items + i * row->item_size : NULL);
	}
	if (items)
		*into = (struct item_list){node->count, items};
}

static void read_table(struct reading *reading, const struct option *row, const struct node *node, struct item_list *into)
{
	if (!items_are_good(reading, row, node, NODE_MAP))
		return;
	const char *field = reading->field;
	unsigned char *items = take_items(reading, row, node->count, into);
	for (size_t i = 0; i < node->count; i++) {
		unsigned char *item = items ? items + i * row->item_size : NULL;
		if (node->entries[i].key->scalar.length == 0)
			fault_add(reading->faults, CODE_EMPTY_VALUE, node->entries[i].key->place, NULL,
				  "`%s` has an entry whose key is empty", field);
		reading->field = node->entries[i].key->scalar.bytes;
		options_read(reading, node->entries[i].value, row->rows, item);
		set_key(row->rows, node->entries[i].key, item);
	}
	if (items)
		*into = (struct item_list){node->count, items};
}

static bool read_operation(struct reading *reading, const struct option *row, const struct node *node, struct operation *into)
{
	static const struct option item_row = {.type = OPTION_MAP};
	if (node->type != NODE_MAP || node->count != 1) {
		if (node->type != NODE_MAP)
			value_wrong_type(reading, &item_row, node);
		else
			fault_add(reading->faults, CODE_STEP_OPTIONS, node->place, NULL,
				  "`%s` is one operation, and this has %zu; write each after its own `-`", reading->field,
				  node->count);
		return false;
	}
	const struct node_entry *entry = &node->entries[0];
	const struct option *found = option_named(row->rows, entry->key->scalar);
	if (!found) {
		(void)say_unknown(reading, row->rows, entry->key, arena_print(reading->arena, "`%s`", reading->field));
		return false;
	}
	say_effect(reading, found, entry);
	reading->field = found->name;
	void *options = found->item_size > 0 ? arena_take(reading->arena, 1, found->item_size) : NULL;
	if (!options && found->item_size > 0)
		return false;
	options_read(reading, entry->value, found->rows, options);
	*into = (struct operation){found, options, entry->key->place};
	return true;
}

static void read_operations(struct reading *reading, const struct option *row, const struct node *node, struct item_list *into)
{
	if (node->type != NODE_LIST) {
		value_wrong_type(reading, row, node);
		return;
	}
	const char *field = reading->field;
	struct operation *items = ARENA_ARRAY(reading->arena, struct operation, node->count + 1);
	size_t count = 0;
	for (size_t i = 0; items && i < node->count; i++) {
		reading->field = item_name(reading, field, i);
		count += read_operation(reading, row, node->items[i], &items[count]);
	}
	if (into)
		*into = (struct item_list){count, items};
}

static void read_value(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	switch (row->type) {
	case OPTION_MAP:
		options_read(reading, node, row->rows, at);
		return;
	case OPTION_LIST:
		read_list(reading, row, node, at);
		return;
	case OPTION_TABLE:
		read_table(reading, row, node, at);
		return;
	case OPTION_OPERATIONS:
		read_operations(reading, row, node, at);
		return;
	default:
		value_read(reading, row, node, at);
	}
}
