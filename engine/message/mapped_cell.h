/* mapped_cell.h: one value found in an event, before it is known which datatype it
 * becomes.
 */
#ifndef SLUICE_MESSAGE_MAPPED_CELL_H
#define SLUICE_MESSAGE_MAPPED_CELL_H

#include "message/tensor.h"

enum cell_kind {
	CELL_NOTHING, /* null, or not there */
	CELL_FLAG,
	CELL_INTEGER,
	CELL_NUMBER,
	CELL_NUMERAL, /* a number as JSON writes it */
	CELL_TEXT
};

struct cell {
	enum cell_kind kind;
	union {
		bool flag;
		int64_t integer;
		double number;
		struct text text; /* of NUMERAL and TEXT; borrowed */
	} value;
};

/* Puts it where the element `index` of such a tensor stands. False when it does not
 * fit; text that must be made (a number in BYTES) comes from the arena, and a full
 * arena shows in arena_failed(). */
bool cell_store(const struct cell *cell, enum datatype datatype, void *elements, size_t index, struct arena *arena);

/* As text, for keys and BYTES; false for NOTHING. */
bool cell_text(const struct cell *cell, struct arena *arena, struct text *text);

/* What an error shows of it: at most some 40 bytes, in the arena. */
const char *cell_shown(const struct cell *cell, struct arena *arena);

#endif
