/* categories.h: which of a list of categories a text or a number is.
 *
 * A category is written as a text; where it is a number ("1", "2.50"), a number equal to
 * it is of it too. What is found costs the same however many there are.
 */
#ifndef SLUICE_NUMERIC_CATEGORIES_H
#define SLUICE_NUMERIC_CATEGORIES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

struct categories {
	size_t count;
	const struct text *items; /* borrowed */
	uint32_t mask;		  /* of the places of each of the two tables */
	const uint32_t *texts;	  /* place to category, from 1; 0: nothing stands there */
	const uint32_t *numbers;
	const double *values; /* of each category; NaN: no number */
};

/* The texts must outlive it. `twice`: a category that stands there twice, -1 when none
 * does. False: the arena is full. */
bool categories_make(struct categories *categories, const struct text *items, size_t count, struct arena *arena, int64_t *twice);

/* From 0; -1: none of them. NaN is none. */
int64_t categories_text(const struct categories *categories, struct text text);
int64_t categories_number(const struct categories *categories, double number);

/* Sorts texts by code point and leaves one of each; how many there are. */
size_t texts_distinct(struct text *texts, size_t count);

#endif
