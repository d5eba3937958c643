/* dead_letter_view.h: Dead letters as text for a terminal or a file, and as JSON: rows of a list, counts by reason, letters in
 * full.
 *
 * A list is collected, then sorted and written; a letter in full is written when it comes. dead_letter_view_add(), _mark() and
 * _show() have the form that struct dead_letters_reader asks for; their context is the view.
 */
#pragma once

#include <stdio.h>

#include "tools/client/data/dead_letter_list.h"

struct dead_letter_view { /* starts with the first four */
	FILE *out;
	size_t columns; /* of the terminal that `out` is; 0: it is none */
	bool json;
	bool counts; /* of a list: only the counts by reason */
	struct dead_letter_list list;
	struct arena *arena;	     /* of one letter */
	struct buffer text;	     /* what is to be written */
	struct buffer wrapped;	     /* it, on a terminal */
	int place_width, step_width; /* of columns on a terminal */
	bool id_fits;		     /* beside them, each one; else ids have lines of their own */
	uint64_t shown;		     /* letters and counts that were written */
};

/* False: SYSTEM, memory ran out; the view is to be closed all the same. */
bool dead_letter_view_open(struct dead_letter_view *view, struct error *error);
void dead_letter_view_close(struct dead_letter_view *view);

/* Add a letter, or the mark of a replay, to the list. */
bool dead_letter_view_add(void *view, const struct found_letter *found, struct error *error);
bool dead_letter_view_mark(void *view, int32_t partition, int64_t offset, int64_t time_ms, struct error *error);

/* Writes a letter in full. */
bool dead_letter_view_show(void *view, const struct found_letter *found, struct error *error);

/* Writes the list, when all are added: rows, and counts by reason. */
bool dead_letter_view_list(struct dead_letter_view *view, struct error *error);
