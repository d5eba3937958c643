/* names.h: which index a name has, found in logarithmic time.
 *
 * Made once from a list of names; lives in the arena it was made in and borrows the
 * names. Where a name stands twice, the first of the list counts.
 */
#ifndef SLUICE_PLAN_NAMES_H
#define SLUICE_PLAN_NAMES_H

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

/* Puts `items` in order and keeps them. */
void names_sort(struct name_index *names);

size_t names_find(const struct name_index *names, struct text name); /* NAME_NONE: not there */

/* Where in `items` the first of that name stands, or would: those of one name stand side by side. */
size_t names_first(const struct name_index *names, struct text name);

#endif
