/* window_index.h: Index of the keys that have open windows, in the order in which these close.
 *
 * It is part of the step's state, so changes must be cheap: it is a tree of nodes of about 2 KB, each a stored value
 * of its own. So an entry costs one node, and sometimes its parent, however many entries there are.
 *
 * Everything borrowed from it is valid until the index is changed.
 */
#ifndef SLUICE_STEPS_WINDOWS_WINDOW_INDEX_H
#define SLUICE_STEPS_WINDOWS_WINDOW_INDEX_H

#include "methods/numeric/window_closing.h"
#include "compiler/step/step.h"

#define WINDOW_KEY_BYTES_MAX 1024 /* a node splits into two that have at least one entry each */

/* The key of a stored value with a number: `kind` and the number's bytes. */
struct numbered_key {
	char bytes[1 + sizeof(uint64_t)];
};

struct text numbered_key(struct numbered_key *key, char kind, uint64_t number);

struct window_entry {
	struct span span;
	struct text key;
};

/* Compares by end, start and key. */
int window_entry_order(const struct window_entry *left, const struct window_entry *right);

/* The first entry; false: there is none. */
bool window_index_first(struct visit *visit, struct window_entry *first);

/* Adds an entry, unless it is there already. False: an error. */
bool window_index_put(struct visit *visit, const struct window_entry *entry, struct error *error);

/* Removes the first entry; there must be one. */
bool window_index_pop(struct visit *visit, struct error *error);

#endif
