/* names.h: Index of names: finds the position of a name in logarithmic time.
 *
 * It is made once from a list of names, lives in the arena in which it was made, and borrows the names. If a name
 * occurs twice, the first in the list counts.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"

struct name_entry {
	struct text name;
	size_t index;
};

struct name_index {
	size_t count;
	struct name_entry *items; /* by name, then by index */
};

#define NAME_NONE ((size_t)-1)

/* Sorts `items` and keeps them. */
void names_sort(struct name_index *names);

size_t names_find(const struct name_index *names, struct text name); /* NAME_NONE: not found */

/* The position in `items` of the first entry of that name, or its insertion point. Equal names are adjacent. */
size_t names_first(const struct name_index *names, struct text name);
