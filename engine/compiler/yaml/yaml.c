/* yaml.c: YAML parser: splits a file's text into documents, and composes libyaml's events into nodes.
 *
 * Bounds: libyaml may need time quadratic in the nesting, so parsing stops at the first value that is too deep. An
 * alias counts as many nodes as its target, so an alias bomb is found before its tree is walked.
 */
#include <stdlib.h>
#include <yaml.h>

#include "base/memory.h"
#include "compiler/yaml/fault.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/node.h"
#include "compiler/yaml/yaml_hint.h"
#include "compiler/yaml/yaml_map.h"

/* ---- commas ---- */

/* How many `(` are open behind the text; a `)` too many closes none. */
static size_t open_behind(struct text text, size_t open)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] == '(')
			open++;
		else if (text.bytes[i] == ')' && open > 0)
			open--;
	}
	return open;
}

static bool is_plain(const struct node *node)
{
	return node->type == NODE_SCALAR && !node->quoted;
}

/* How many of the entries behind the first are the rest of its value; 0: none, it is whole. */
static size_t rest_of(const struct node_entry *entries, size_t count)
{
	size_t open = is_plain(entries->value) ? open_behind(entries->value->scalar, 0) : 0;
	for (size_t i = 1; open > 0 && i < count; i++) {
		if (!is_plain(entries[i].key) || entries[i].value->type != NODE_NULL || entries[i].value->scalar.length > 0)
			return 0;
		open = open_behind(entries[i].key->scalar, open);
		if (open == 0)
			return i;
	}
	return 0;
}

static const struct node *yaml_comma_joined(struct arena *arena, const struct node_entry *entries, size_t rest)
{
	struct node *node = ARENA_NEW(arena, struct node);
	const char *whole = entries->value->scalar.bytes;
	for (size_t i = 1; whole && i <= rest; i++)
		whole = arena_print(arena, "%s, %s", whole, entries[i].key->scalar.bytes);
	if (!node || !whole)
		return NULL;
	*node = *entries->value;
	node->scalar = text_of(whole);
	return node;
}

/* In the braces of `{l: lag(v, 1)}` a comma ends a text, so that the rest becomes a key without a value. If an open
 * `(` of an entry is closed by the keys after it, a fault is added, and the entries are joined to the intended one
 * for further checks. False when memory ran out. */
static bool yaml_commas_mend(struct arena *arena, struct faults *faults, struct node_entry *entries, size_t *count)
{
	size_t kept = 0;
	for (size_t i = 0; i < *count; i++, kept++) {
		size_t rest = rest_of(&entries[i], *count - i);
		entries[kept] = entries[i];
		if (rest == 0)
			continue;
		const struct node *whole = yaml_comma_joined(arena, &entries[i], rest);
		if (!whole)
			return false;
		fault_add(faults, CODE_SYNTAX, whole->place, NULL,
			  "inside braces the comma ends this text, at `%s`; quote it: %s: \"%s\"", entries[i].value->scalar.bytes,
			  entries[i].key->scalar.bytes, whole->scalar.bytes);
		entries[kept].value = whole;
		i += rest;
	}
	*count = kept;
	return true;
}

#define PENDING_FIRST 64 /* children of open collections: enough for most files */
#define DOCUMENTS_AT_FIRST 8

struct anchor {
	struct text name;
	const struct node *node; /* NULL while it is being composed */
	size_t nodes;		 /* values in it, aliases counted as what they stand for */
	size_t height;		 /* levels of it */
};

/* Why composing stopped. */
enum progress { GOING, DOCUMENT_SPOILT, MEMORY_OUT };

struct composer {
	struct arena *arena;
	struct faults *faults;
	const char *file;
	struct text text;
	yaml_parser_t parser;
	yaml_event_t event;
	size_t begin;	      /* byte at which the parser was started */
	uint32_t lines_above; /* lines before that byte */
	enum progress progress;
	struct place document_place;
	size_t nodes;  /* of this document */
	size_t height; /* of the value composed last */
	struct anchor *anchors;
	size_t anchor_count;
	struct node_entry *pending; /* children of the collections being composed, innermost last */
	size_t pending_count, pending_room;
	struct document *documents;
	size_t document_count, document_room;
	size_t seen; /* documents, the unreadable ones too */
};

static struct place place_of(const struct composer *composer, yaml_mark_t mark)
{
	return (struct place){composer->file, (uint32_t)mark.line + 1 + composer->lines_above, (uint32_t)mark.column + 1};
}

static bool out_of_memory(struct composer *composer)
{
	composer->progress = MEMORY_OUT;
	return false;
}

/* ---- before parsing ---- */

static struct place place_of_byte(const struct composer *composer, size_t offset)
{
	struct place place = {composer->file, 1, 1};
	for (size_t i = 0; i < offset; i++) {
		if (composer->text.bytes[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)composer->text.bytes[i] & 0xC0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

/* The first byte that is not part of a UTF-8 character. */
static size_t first_bad_byte(struct text text)
{
	size_t good = 0, bad = text.length; /* the text is UTF-8 up to `good`; a fault lies before `bad` */
	while (good < bad) {
		size_t end = good + 1;
		while (end < bad && end - good < 4 && ((unsigned char)text.bytes[end] & 0xC0) == 0x80)
			end++;
		if (!text_is_utf8((struct text){text.bytes + good, end - good}))
			return good;
		good = end;
	}
	return good;
}

static bool may_be_read(const struct composer *composer)
{
	struct place start = {composer->file, 1, 1};
	if (composer->text.length > YAML_BYTES_MAX) {
		fault_add(composer->faults, CODE_TOO_LARGE, start, NULL,
			  "the file has more than the %zu bytes that a file may have", YAML_BYTES_MAX);
		return false;
	}
	if (text_is_utf8(composer->text))
		return true;
	size_t offset = first_bad_byte(composer->text);
	fault_add(composer->faults, CODE_NOT_UTF8, place_of_byte(composer, offset), NULL, "the byte 0x%02x here is no UTF-8",
		  (unsigned char)composer->text.bytes[offset]);
	return false;
}

/* ---- what libyaml refuses ---- */

/* A tab in the indent of the line, or at the place itself: what libyaml then says
 * about it is rarely that. */
static uint32_t tab_column(struct text line, uint32_t column)
{
	for (uint32_t i = 0; i < line.length && (line.bytes[i] == ' ' || line.bytes[i] == '\t' || line.bytes[i] == '-'); i++)
		if (line.bytes[i] == '\t')
			return i + 1;
	return column >= 1 && column <= line.length && line.bytes[column - 1] == '\t' ? column : 0;
}

static void say_syntax(struct composer *composer)
{
	const yaml_parser_t *parser = &composer->parser;
	const char *problem = parser->problem ? parser->problem : "it cannot be read";
	struct place place = place_of(composer, parser->problem_mark);
	if (parser->error == YAML_READER_ERROR) {
		fault_add(composer->faults, CODE_CONTROL_CHARACTER,
			  place_of_byte(composer, composer->begin + parser->problem_offset), NULL,
			  "the character U+%04X is not allowed in YAML", (unsigned)parser->problem_value);
		return;
	}
	struct text line = faults_line(composer->faults, place);
	uint32_t column = tab_column(line, place.column);
	if (column > 0) {
		place.column = column;
		fault_add(composer->faults, CODE_TAB, place, NULL, "a tab is where only spaces may indent");
		return;
	}
	bool unclosed = parser->context && strcmp(parser->context, "while scanning a quoted scalar") == 0 &&
			strcmp(problem, "found unexpected end of stream") == 0;
	struct yaml_stop stop = {parser->context, problem, line, place.column};
	const char *hint = unclosed ? NULL : yaml_hint(&stop);
	place.column = stop.column;
	if (hint)
		fault_add(composer->faults, CODE_SYNTAX, place, NULL, "%s (%s)", hint, problem);
	else if (unclosed)
		fault_add(composer->faults, CODE_SYNTAX, place_of(composer, parser->context_mark), NULL,
			  "the quoted text that begins here has no end");
	else if (parser->context)
		fault_add(composer->faults, CODE_SYNTAX, place, NULL, "%s that begins in line %u, %s", parser->context,
			  (uint32_t)parser->context_mark.line + 1 + composer->lines_above, problem);
	else
		fault_add(composer->faults, CODE_SYNTAX, place, NULL, "this is not YAML: %s", problem);
}

static bool next_event(struct composer *composer)
{
	yaml_event_delete(&composer->event);
	if (yaml_parser_parse(&composer->parser, &composer->event))
		return true;
	if (composer->parser.error == YAML_MEMORY_ERROR)
		return out_of_memory(composer);
	say_syntax(composer);
	composer->progress = DOCUMENT_SPOILT;
	return false;
}

static bool spoil(struct composer *composer)
{
	composer->progress = DOCUMENT_SPOILT;
	return false;
}

/* ---- nodes ---- */

static bool count_nodes(struct composer *composer, size_t nodes, struct place place)
{
	composer->nodes += nodes;
	if (composer->nodes <= YAML_NODES_MAX)
		return true;
	fault_add(composer->faults, CODE_TOO_LARGE, composer->document_place, NULL,
		  "this document has more than %zu values once its aliases are written out (counted up to line %u)", YAML_NODES_MAX,
		  place.line);
	return spoil(composer);
}

static bool check_depth(struct composer *composer, size_t depth, struct place place)
{
	if (depth <= YAML_DEPTH_MAX)
		return true;
	fault_add(composer->faults, CODE_TOO_LARGE, place, NULL, "this value is deeper than %d levels", YAML_DEPTH_MAX);
	return spoil(composer);
}

static struct node *new_node(struct composer *composer, enum node_type type, struct place place)
{
	struct node *node = ARENA_NEW(composer->arena, struct node);
	if (!node) {
		(void)out_of_memory(composer);
		return NULL;
	}
	node->type = type;
	node->place = place;
	return node;
}

static struct anchor *anchor_find(const struct composer *composer, struct text name)
{
	for (size_t i = composer->anchor_count; i-- > 0;)
		if (text_equal(composer->anchors[i].name, name))
			return &composer->anchors[i];
	return NULL;
}

/* Notes an anchor at the beginning of its value; *anchor is NULL when the value has none. */
static bool anchor_begin(struct composer *composer, const yaml_char_t *name, struct place place, struct anchor **anchor)
{
	*anchor = NULL;
	if (!name)
		return true;
	if (composer->anchor_count == YAML_ANCHORS_MAX) {
		fault_add(composer->faults, CODE_TOO_LARGE, place, NULL, "this document has more than %d anchors",
			  YAML_ANCHORS_MAX);
		return spoil(composer);
	}
	struct text text = text_of((const char *)name);
	const char *copy = arena_copy(composer->arena, text.bytes, text.length);
	if (!copy)
		return out_of_memory(composer);
	*anchor = &composer->anchors[composer->anchor_count++];
	**anchor = (struct anchor){.name = {copy, text.length}};
	return true;
}

static bool compose(struct composer *composer, size_t depth, const struct node **node);

static bool yaml_push(struct composer *composer, const struct node *key, const struct node *value)
{
	if (composer->pending_count == composer->pending_room) {
		size_t room = composer->pending_room * 2;
		struct node_entry *larger = memory_resize(composer->pending, room, sizeof *larger);
		if (!larger)
			return out_of_memory(composer);
		composer->pending = larger;
		composer->pending_room = room;
	}
	composer->pending[composer->pending_count++] = (struct node_entry){key, value};
	return true;
}

static bool known_tag(const yaml_char_t *tag)
{
	static const char *const known[] = {"str", "int", "float", "bool", "null", "map", "seq", "merge"};
	struct text text = text_of((const char *)tag), prefix = TEXT("tag:yaml.org,2002:");
	if (!text_starts_with(text, prefix))
		return text_is(text, "!");
	struct text name = text_from(text, prefix.length);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (text_is(name, known[i]))
			return true;
	return false;
}

static void check_tag(struct composer *composer, const yaml_char_t *tag, struct place place)
{
	if (tag && !known_tag(tag))
		fault_add(composer->faults, CODE_UNKNOWN_TAG, place, NULL, "the tag `%s` means nothing here", (const char *)tag);
}

static bool looks_null(struct text text)
{
	return text.length == 0 || text_is(text, "~") || text_is(text, "null") || text_is(text, "Null") || text_is(text, "NULL");
}

static bool compose_scalar(struct composer *composer, const struct node **result)
{
	const yaml_event_t *event = &composer->event;
	struct text text = {(const char *)event->data.scalar.value, event->data.scalar.length};
	struct node *node = new_node(composer, NODE_SCALAR, place_of(composer, event->start_mark));
	const char *copy = node ? arena_copy(composer->arena, text.bytes, text.length) : NULL;
	if (!copy)
		return out_of_memory(composer);
	const char *tag = (const char *)event->data.scalar.tag;
	node->scalar = (struct text){copy, text.length};
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || (tag && strcmp(tag, YAML_STR_TAG) == 0);
	if (!node->quoted && looks_null(text))
		node->type = NODE_NULL;
	check_tag(composer, event->data.scalar.tag, node->place);
	if (memchr(text.bytes, '\0', text.length)) {
		fault_add(composer->faults, CODE_NUL_CHARACTER, node->place, NULL,
			  "this text holds a NUL character, which no name or text may");
		node->type = NODE_NULL;
		node->broken = true;
	}
	composer->height = 0;
	*result = node;
	return true;
}

static bool compose_list(struct composer *composer, size_t depth, const struct node **result)
{
	struct node *node = new_node(composer, NODE_LIST, place_of(composer, composer->event.start_mark));
	if (!node)
		return false;
	check_tag(composer, composer->event.data.sequence_start.tag, node->place);
	size_t first = composer->pending_count, height = 0;
	while (next_event(composer) && composer->event.type != YAML_SEQUENCE_END_EVENT) {
		const struct node *item;
		if (!compose(composer, depth + 1, &item) || !yaml_push(composer, NULL, item))
			return false;
		height = composer->height > height ? composer->height : height;
	}
	if (composer->progress != GOING)
		return false;
	node->count = composer->pending_count - first;
	const struct node **items = ARENA_ARRAY(composer->arena, const struct node *, node->count + 1);
	if (!items)
		return out_of_memory(composer);
	for (size_t i = 0; i < node->count; i++)
		items[i] = composer->pending[first + i].value;
	node->items = items;
	composer->pending_count = first;
	composer->height = height + 1;
	*result = node;
	return true;
}

static bool compose_key(struct composer *composer, size_t depth, const struct node **key)
{
	if (!compose(composer, depth, key))
		return false;
	const struct node *node = *key;
	if (node->type == NODE_SCALAR || (node->type == NODE_NULL && node->scalar.bytes))
		return true;
	fault_add(composer->faults, CODE_SYNTAX, node->place, NULL, "a key must be a word or a text, not a list or a map");
	return spoil(composer);
}

static bool compose_map(struct composer *composer, size_t depth, const struct node **result)
{
	struct node *node = new_node(composer, NODE_MAP, place_of(composer, composer->event.start_mark));
	if (!node)
		return false;
	check_tag(composer, composer->event.data.mapping_start.tag, node->place);
	bool braces = composer->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	size_t first = composer->pending_count, height = 0;
	while (next_event(composer) && composer->event.type != YAML_MAPPING_END_EVENT) {
		const struct node *key, *value;
		if (!compose_key(composer, depth + 1, &key) || !next_event(composer) || !compose(composer, depth + 1, &value) ||
		    !yaml_push(composer, key, value))
			return false;
		height = composer->height > height ? composer->height : height;
	}
	if (composer->progress != GOING)
		return false;
	struct node_entry *entries = composer->pending + first;
	size_t count = composer->pending_count - first, merged = 0;
	if ((braces && !yaml_commas_mend(composer->arena, composer->faults, entries, &count)) ||
	    !yaml_map_finish(composer->arena, composer->faults, node, entries, count, &merged))
		return out_of_memory(composer);
	composer->pending_count = first;
	composer->height = height + 1;
	*result = node;
	return count_nodes(composer, merged, node->place);
}

/* What is wrong with a word is said where its alias stands: that is the place to mend. */
static const struct node *scalar_at(struct composer *composer, const struct node *anchored, struct place place)
{
	struct node *node = new_node(composer, NODE_SCALAR, place);
	if (node) {
		*node = *anchored;
		node->place = place;
	}
	return node;
}

static bool compose_alias(struct composer *composer, size_t depth, const struct node **result)
{
	struct place place = place_of(composer, composer->event.start_mark);
	struct text name = text_of((const char *)composer->event.data.alias.anchor);
	const struct anchor *anchor = anchor_find(composer, name);
	if (anchor && anchor->node) {
		*result = anchor->node->type == NODE_SCALAR ? scalar_at(composer, anchor->node, place) : anchor->node;
		if (!*result)
			return false;
		composer->height = anchor->height;
		return check_depth(composer, depth + anchor->height, place) && count_nodes(composer, anchor->nodes, place);
	}
	if (anchor)
		fault_add(composer->faults, CODE_UNKNOWN_ALIAS, place, NULL, "`*%s` is inside the value that it names", name.bytes);
	else
		fault_add(composer->faults, CODE_UNKNOWN_ALIAS, place, NULL, "no anchor `&%s` is above this alias `*%s`",
			  name.bytes, name.bytes);
	struct node *node = new_node(composer, NODE_NULL, place);
	if (!node)
		return false;
	node->broken = true;
	composer->height = 0;
	*result = node;
	return true;
}

/* The value whose first event has come. */
static bool compose(struct composer *composer, size_t depth, const struct node **node)
{
	yaml_event_t *event = &composer->event;
	struct place place = place_of(composer, event->start_mark);
	if (event->type == YAML_ALIAS_EVENT)
		return compose_alias(composer, depth, node);
	if (!check_depth(composer, depth, place) || !count_nodes(composer, 1, place))
		return false;
	const yaml_char_t *name = event->type == YAML_SCALAR_EVENT	     ? event->data.scalar.anchor
				  : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
									     : event->data.mapping_start.anchor;
	struct anchor *anchor;
	size_t before = composer->nodes - 1;
	if (!anchor_begin(composer, name, place, &anchor))
		return false;
	bool good = event->type == YAML_SCALAR_EVENT	       ? compose_scalar(composer, node)
		    : event->type == YAML_SEQUENCE_START_EVENT ? compose_list(composer, depth, node)
							       : compose_map(composer, depth, node);
	if (good && anchor) {
		anchor->node = *node;
		anchor->nodes = composer->nodes - before;
		anchor->height = composer->height;
	}
	return good;
}

/* ---- documents ---- */

static bool keep_document(struct composer *composer, const struct node *root)
{
	struct document *documents = arena_grow(composer->arena, composer->documents, composer->document_count,
						&composer->document_room, DOCUMENTS_AT_FIRST, sizeof *documents);
	if (!documents)
		return out_of_memory(composer);
	composer->documents = documents;
	documents[composer->document_count++] = (struct document){root, composer->file, composer->text};
	return true;
}

static bool compose_document(struct composer *composer)
{
	composer->document_place = place_of(composer, composer->event.start_mark);
	composer->nodes = composer->anchor_count = composer->pending_count = 0;
	if (composer->seen++ == YAML_DOCUMENTS_MAX) {
		fault_add(composer->faults, CODE_TOO_LARGE, composer->document_place, NULL, "the file has more than %d documents",
			  YAML_DOCUMENTS_MAX);
		return spoil(composer);
	}
	const struct node *root;
	if (!next_event(composer) || !compose(composer, 1, &root) || !next_event(composer))
		return false;
	return keep_document(composer, root->type == NODE_NULL ? NULL : root);
}

/* Where the text ends for libyaml. Behind a document of JSON tabs may stand, which libyaml
 * takes for the indent of a line; many a file of the first Seldon Core ends so. */
static size_t end_of_text(struct text text)
{
	size_t end = text.length;
	while (end > 0 && memchr(" \t\r\n", text.bytes[end - 1], 4))
		end--;
	return end > 0 && text.bytes[0] == '{' && text.bytes[end - 1] == '}' ? end : text.length;
}

/* The text from `begin` on, up to its end or to what cannot be read. */
static void compose_from(struct composer *composer)
{
	composer->progress = GOING;
	if (!yaml_parser_initialize(&composer->parser)) {
		composer->progress = MEMORY_OUT;
		return;
	}
	yaml_parser_set_input_string(&composer->parser, (const unsigned char *)composer->text.bytes + composer->begin,
				     end_of_text(composer->text) - composer->begin);
	memset(&composer->event, 0, sizeof composer->event);
	while (next_event(composer) && composer->event.type != YAML_STREAM_END_EVENT)
		if (composer->event.type == YAML_DOCUMENT_START_EVENT && !compose_document(composer))
			break;
	yaml_event_delete(&composer->event);
}

/* Goes on behind a document that cannot be read: at the next `---` at or below the line
 * where libyaml stopped. False: there is none. */
static bool skip_to_next_document(struct composer *composer)
{
	const struct text text = composer->text;
	size_t at = composer->begin, line = 0, stopped = composer->parser.mark.line;
	while (at < text.length) {
		bool begins = text.length - at >= 3 && memcmp(text.bytes + at, "---", 3) == 0 &&
			      (text.length - at == 3 || memchr(" \t\r\n", text.bytes[at + 3], 4));
		if (begins && line >= stopped && at > composer->begin) {
			composer->begin = at;
			composer->lines_above += (uint32_t)line;
			return composer->seen <= YAML_DOCUMENTS_MAX;
		}
		const char *end = memchr(text.bytes + at, '\n', text.length - at);
		if (!end)
			return false;
		at = (size_t)(end - text.bytes) + 1;
		line++;
	}
	return false;
}

bool yaml_read(struct arena *arena, const char *file, struct text text, struct documents *documents, struct faults *faults)
{
	struct composer composer = {.arena = arena, .faults = faults, .file = file, .text = text};
	*documents = (struct documents){0};
	faults_know(faults, file, text);
	if (!may_be_read(&composer))
		return !arena_failed(arena);
	composer.anchors = memory_take(YAML_ANCHORS_MAX, sizeof *composer.anchors);
	composer.pending = memory_take(PENDING_FIRST, sizeof *composer.pending);
	composer.pending_room = PENDING_FIRST;
	bool more = composer.anchors && composer.pending;
	composer.progress = more ? GOING : MEMORY_OUT;
	while (more) {
		compose_from(&composer);
		more = composer.progress == DOCUMENT_SPOILT && skip_to_next_document(&composer);
		yaml_parser_delete(&composer.parser);
	}
	memory_give(composer.anchors);
	memory_give(composer.pending);
	*documents = (struct documents){composer.document_count, composer.documents};
	bool all_empty = true;
	for (size_t i = 0; i < composer.document_count; i++)
		all_empty = all_empty && !composer.documents[i].root;
	if (all_empty && composer.progress == GOING && composer.seen == composer.document_count)
		fault_add(faults, CODE_EMPTY_FILE, (struct place){file, 1, 1}, NULL, "the file holds no resource");
	return composer.progress != MEMORY_OUT && !arena_failed(arena);
}
