/* avro_walk.h: steps over Avro values of any schema, safely.
 *
 * avro-c takes memory by the lengths it reads. So the bytes of a foreign record are
 * walked first: every length and count is held against what is left, every union's
 * branch and enum's symbol against the schema, and depth and empty values have
 * limits. What has been walked whole, avro-c may read.
 */
#ifndef SLUICE_MESSAGE_AVRO_WALK_H
#define SLUICE_MESSAGE_AVRO_WALK_H

#include <avro.h>

#include "message/avro_wire.h"

#define AVRO_DEPTH_MAX 64                 /* far beyond real events; keeps the stack small */
#define AVRO_EMPTY_VALUES_MAX (1u << 16)  /* values that take no byte: only their count could run away */

struct avro_walk {
	struct avro_cursor cursor;
	unsigned depth;
	unsigned empty_values;
};

static inline struct avro_walk avro_walk_of(struct text body)
{
	return (struct avro_walk){.cursor = avro_cursor_of(body)};
}

/* A schema that stands for another, a name used again, gives that one. */
avro_schema_t avro_walk_target(avro_schema_t schema);

/* The schema of a record's field; NULL: it has none of that name. avro-c's own by name gives
 * whatever stood on its stack there. */
avro_schema_t avro_walk_field(avro_schema_t record, const char *name);

/* Which branch of a union follows; NULL, and a failed cursor, when there is none. */
avro_schema_t avro_walk_branch(struct avro_walk *walk, avro_schema_t schema);

/* Steps over one value. False, and the cursor failed, when it is broken. */
bool avro_walk_over(struct avro_walk *walk, avro_schema_t schema);

/* The blocks of an array or map: begins with `*blocks` zeroed; true while an item
 * (of a map: its key first) stands at the cursor. */
struct avro_blocks {
	size_t items_left;
	size_t bytes_left_at_end;
	bool sized;
	bool begun;
};

bool avro_walk_item(struct avro_walk *walk, struct avro_blocks *blocks);

#endif
