/* mapped_cell.h: One value found in an event, before its datatype is known.
 */
#pragma once

#include "message/tensor.h"

enum cell_kind {
	CELL_NOTHING, /* null, or absent */
	CELL_FLAG,
	CELL_INTEGER,
	CELL_NUMBER,
	CELL_NUMERAL, /* the text of a number in JSON */
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

/* Stores the value as element `index` of such a tensor. False: it does not fit. Text that must be created (a
 * number in BYTES) comes from the arena; check arena_failed() for a full arena. */
bool cell_store(const struct cell *cell, enum datatype datatype, void *elements, size_t index, struct arena *arena);

/* The value as text, for keys and BYTES; false for NOTHING. */
bool cell_text(const struct cell *cell, struct arena *arena, struct text *text);

/* The value as errors show it: at most about 40 bytes, in the arena. */
const char *cell_shown(const struct cell *cell, struct arena *arena);
