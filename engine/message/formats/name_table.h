/* name_table.h: Hash table of names that a request contains, for lists whose length the caller chose: looking for each of one list
 * in another by comparison would take quadratic time. Short lists are compared without it. */
#pragma once

#include "base/arena.h"
#include "base/text.h"

#define NAMES_COMPARED_MAX 8 /* longer lists go through a table */

struct name_table {		    /* `{0}`: none is open */
	const struct text **places; /* in the arena */
	size_t mask;
	uint64_t seed;
};

/* Opens a table for so many names. False: the arena is full. */
bool name_table_open(struct name_table *table, size_t count, struct arena *arena);

/* The place of a name: of the one that was put there, or of none (NULL), so that a name can be put there. Names are borrowed. */
const struct text **name_table_place(const struct name_table *table, struct text name);

struct name_set {
	const struct text *few[NAMES_COMPARED_MAX];
	size_t count;		 /* of `few` */
	struct name_table table; /* without places: the names are few */
};

/* Opens a set for at most so many names. False: the arena is full. */
bool name_set_open(struct name_set *set, size_t count, struct arena *arena);

/* Adds the name, which is borrowed, unless the set has an equal one, which is returned then; else NULL. */
const struct text *name_set_add(struct name_set *set, const struct text *name);
