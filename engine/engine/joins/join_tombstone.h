/* join_tombstone.h: Tombstone of a finished join, as bytes: whether the join went on, which sources had come, its
 * name. Private to the join state.
 *
 * At least once, the tombstone is written while the parts are still in the store, so it names the parts to delete.
 * Exactly once, the parts are deleted with the same message.
 */
#pragma once

#include "flow/join_matcher.h"
#include "engine/joins/parked_parts.h"

struct join_tombstone {
	bool went_on;
	struct text parts;	   /* keys of the parts to delete, one after the other */
	const unsigned char *states; /* enum source_state of each source; NULL: written by another version of the pipeline */
	struct text name;
};

/* Encodes into the arena. NULL bytes: memory. */
struct text join_tombstone_write(const struct join_tombstone *tombstone, size_t sources, struct arena *arena);

/* Decodes; the result points into the bytes. Bytes that cannot be read give no parts and a NULL `states`. */
struct join_tombstone join_tombstone_read(struct text bytes, size_t sources);
