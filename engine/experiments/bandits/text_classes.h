/* text_classes.h: Commonest values of a feature that is a text, counted in constant memory (Space-Saving: Metwally, Agrawal and
 * El Abbadi, 2005).
 *
 * TEXT_CLASSES_ROOMS values are counted. Another one takes the place of the rarest, with its count, so a value that makes up more
 * than one in TEXT_CLASSES_ROOMS is always there.
 *
 * Belongs to one thread.
 */
#pragma once

#include "methods/bandits/context.h"

#define TEXT_CLASSES_ROOMS 64

struct text_classes;

struct text_classes *text_classes_open(void);	       /* NULL: memory ran out */
void text_classes_close(struct text_classes *classes); /* NULL is fine */

/* A text of at most CONTEXT_TEXT_BYTES_MAX bytes; a longer one is only counted among all. */
void text_classes_add(struct text_classes *classes, struct text text);

uint64_t text_classes_total(const struct text_classes *classes); /* texts so far; 0 of NULL */

/* The commonest ones, at most `most`, the commonest first and of equal ones the earlier in the order of bytes. They belong to
 * `classes`, until the next one is added. Returns how many. */
size_t text_classes_commonest(struct text_classes *classes, struct text *texts, size_t most);
