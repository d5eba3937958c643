/* keyed_heap.h: Heap in a step's state: entries of which the first in their order is read and removed.
 *
 * Changes are cheap, as each is part of a changelog: the heap is a tree of nodes of about 2 KB, each a stored value of its own. So
 * an entry costs one node, and sometimes its parent, however many entries there are. A step has one heap, which has the keys `d`,
 * `n`, and `c` with 8 bytes behind it.
 *
 * For visits of a stateful step (compiler/step/step.h). What is borrowed from the heap is valid until the heap is changed. An error
 * is LIMIT, or SYSTEM if a node is missing.
 */
#pragma once

#include "compiler/step/step.h"

#define KEYED_HEAP_KEY_BYTES_MAX 1024 /* a node splits into two that have at least one entry each */

struct keyed_heap_entry {
	int64_t rank, subrank;
	struct text key;
};

/* Compares by rank, subrank and key. */
int keyed_heap_order(const struct keyed_heap_entry *left, const struct keyed_heap_entry *right);

/* The first entry; false: there is none. */
bool keyed_heap_first(struct visit *visit, struct keyed_heap_entry *first);

/* Adds an entry, unless it is there already. */
bool keyed_heap_put(struct visit *visit, const struct keyed_heap_entry *entry, struct error *error);

/* Removes the first entry; there must be one. */
bool keyed_heap_remove(struct visit *visit, struct error *error);
