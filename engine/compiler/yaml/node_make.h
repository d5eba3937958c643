/* node_make.h: Builder of node trees in code. Arguments are borrowed; all else is in the arena, whose failure means
 * that memory ran out. */
#pragma once

#include "compiler/yaml/node.h"

/* `quoted`: always a text. NULL when memory ran out, and when `text` is NULL. */
struct node *node_scalar(struct arena *arena, struct place place, const char *text, bool quoted);

/* A map or a list with space for `room` entries; an added entry is part of it at once. */
struct growing {
	struct arena *arena;
	struct node *node; /* NULL: memory ran out */
	struct node_entry *entries;
	const struct node **items;
	size_t room;
};

struct growing map_begin(struct arena *arena, struct place place, size_t room);
void map_put(struct growing *map, const char *key, const struct node *value); /* adds nothing when `value` is NULL */

struct growing list_begin(struct arena *arena, struct place place, size_t room);
void list_put(struct growing *list, const struct node *value);

/* Merges two maps, key by key; the later one takes precedence. For other nodes: the later. */
const struct node *node_merged(struct arena *arena, const struct node *earlier, const struct node *later);
