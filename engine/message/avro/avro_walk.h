/* avro_walk.h: Bounds-checked walk over Avro values of any schema.
 *
 * avro-c allocates by the lengths that it reads. So the bytes of a foreign record are walked first. Every
 * length and count is checked against the bytes that are left, and every union branch and enum symbol against
 * the schema. Depth and empty values have limits. avro-c reads only records that were walked completely.
 */
#pragma once

#include <avro.h>

#include "message/avro/avro_wire.h"

#define AVRO_DEPTH_MAX 64                 /* far beyond real events; keeps the stack small */
#define AVRO_EMPTY_VALUES_MAX (1u << 16)  /* values of no bytes: only their count has to be limited */

struct avro_walk {
	struct avro_cursor cursor;
	unsigned depth;
	unsigned empty_values;
};

static inline struct avro_walk avro_walk_of(struct text body)
{
	return (struct avro_walk){.cursor = avro_cursor_of(body)};
}

/* The schema to which a reference by name points; any other schema itself. */
avro_schema_t avro_walk_target(avro_schema_t schema);

/* The schema of a record's field; NULL: there is none of that name. avro-c's own look-up by name returns
 * uninitialised memory in that case. */
avro_schema_t avro_walk_field(avro_schema_t record, const char *name);

/* The schema of the union branch that follows; NULL and a failed cursor: there is no such branch. */
avro_schema_t avro_walk_branch(struct avro_walk *walk, avro_schema_t schema);

/* Skips one value. False: it is invalid, and the cursor has failed. */
bool avro_walk_over(struct avro_walk *walk, avro_schema_t schema);

/* Blocks of an array or map. `*blocks` must be zeroed at first. True while an item (of a map: its key first)
 * follows at the cursor. */
struct avro_blocks {
	size_t items_left;
	size_t bytes_left_at_end;
	bool sized;
	bool begun;
};

bool avro_walk_item(struct avro_walk *walk, struct avro_blocks *blocks);
