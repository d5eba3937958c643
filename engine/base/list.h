/* list.h: Doubly linked list whose nodes are members of the structs that it lists.
 *
 * A zeroed list is empty, and a zeroed node is in no list. A node is in one list at a time and points to it. So
 * it is removed without a search and without naming the list. The list allocates nothing and does not own its
 * items.
 */
#pragma once

#include <assert.h>
#include <stddef.h>

struct list {
	struct list_node *first, *last;
};

struct list_node {
	struct list_node *next, *previous;
	struct list *list; /* NULL: it is in none */
};

/* The struct of `type` whose member `member` is the node. */
#define LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Inserts the node after `place` in the list; NULL: before all others. The node must not be in a list. */
static inline void list_add_behind(struct list *list, struct list_node *place, struct list_node *node)
{
	assert(!node->list);
	*node = (struct list_node){.next = place ? place->next : list->first, .previous = place, .list = list};
	*(node->next ? &node->next->previous : &list->last) = node;
	*(place ? &place->next : &list->first) = node;
}

/* Inserts the node after all others. */
static inline void list_add(struct list *list, struct list_node *node)
{
	list_add_behind(list, list->last, node);
}

/* Inserts the node before all others. */
static inline void list_add_first(struct list *list, struct list_node *node)
{
	list_add_behind(list, NULL, node);
}

static inline size_t list_length(const struct list *list)
{
	size_t length = 0;
	for (const struct list_node *node = list->first; node; node = node->next)
		length++;
	return length;
}

/* Removes the node from its list, if it is in one. */
static inline void list_remove(struct list_node *node)
{
	struct list *list = node->list;
	if (!list)
		return;
	*(node->previous ? &node->previous->next : &list->first) = node->next;
	*(node->next ? &node->next->previous : &list->last) = node->previous;
	*node = (struct list_node){0};
}
