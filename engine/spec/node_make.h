/* node_make.h: trees of nodes that are made, not read. What is put into them is borrowed;
 * all else is in the arena, whose failure says that memory ran out.
 */
#ifndef SLUICE_SPEC_NODE_MAKE_H
#define SLUICE_SPEC_NODE_MAKE_H

#include "spec/node.h"

/* `quoted`: a text, whatever it looks like. NULL when memory ran out, and for no text. */
struct node *node_scalar(struct arena *arena, struct place place, const char *text, bool quoted);

/* A map or a list with room for so many; what is put there stands in it at once. */
struct growing {
	struct arena *arena;
	struct node *node; /* NULL: memory ran out */
	struct node_entry *entries;
	const struct node **items;
	size_t room;
};

struct growing map_begin(struct arena *arena, struct place place, size_t room);
void map_put(struct growing *map, const char *key, const struct node *value); /* nothing for no value */

struct growing list_begin(struct arena *arena, struct place place, size_t room);
void list_put(struct growing *list, const struct node *value);

/* Two maps as one, where the later one goes before, key by key; of anything else the later. */
const struct node *node_merged(struct arena *arena, const struct node *earlier, const struct node *later);

#endif
