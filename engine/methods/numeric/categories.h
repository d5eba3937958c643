/* categories.h: Lookup of a text or a number in a list of categories.
 *
 * A category is written as a text. If that is a number ("1", "2.50"), numbers equal to it belong to it too. The cost
 * of a lookup does not depend on the number of categories.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"

struct categories {
	size_t count;
	const struct text *items; /* borrowed */
	uint32_t mask;		  /* index mask of each of the two tables */
	const uint32_t *texts;	  /* hash table of categories, from 1; 0: free */
	const uint32_t *numbers;
	const double *values; /* number of each category; NaN: it is not a number */
};

/* Makes the tables. The texts must outlive it. `twice`: a category that occurs twice, -1 if none does. False: the
 * arena is full. */
bool categories_make(struct categories *categories, const struct text *items, size_t count, struct arena *arena, int64_t *twice);

/* The index of the category, from 0; -1: none. NaN has none. */
int64_t categories_text(const struct categories *categories, struct text text);
int64_t categories_number(const struct categories *categories, double number);

/* Sorts texts by code point and removes duplicates; returns the number left. */
size_t texts_distinct(struct text *texts, size_t count);
