/* yaml_comma.c: see yaml_comma.h. */
#include "compiler/yaml/yaml_comma.h"

#include "compiler/yaml/fault.h"
#include "compiler/yaml/fault_codes.h"

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

bool yaml_commas_mend(struct arena *arena, struct faults *faults, struct node_entry *entries, size_t *count)
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
