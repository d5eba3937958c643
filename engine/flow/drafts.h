/* drafts.h: Drafts of one visit: writes to its state that other messages do not see yet, each key once.
 *
 * Most visits write one or two keys; these are searched one by one. A visit that closes many windows writes a
 * thousand: from DRAFTS_LOOKED_THROUGH on, keys are found by their hashes. All memory is in the visit's arena. {0}:
 * no drafts.
 */
#pragma once

#include "base/arena.h"
#include "flow/state/store.h"

#define DRAFTS_LOOKED_THROUGH 8

struct drafts {
	struct write *newest; /* the older ones follow by `next` */
	size_t count;
	/* Writes of the same bucket are chained by `chained`. There are no buckets while there are few writes. */
	size_t bucket_count;
	struct write **buckets;
};

/* NULL: nothing was written to that key. */
struct write *drafts_find(const struct drafts *drafts, struct text key);

/* Adds a write for a key that has none, and copies the key; the caller sets the value. NULL: memory ran out, and
 * nothing has changed. */
struct write *drafts_add(struct drafts *drafts, struct text key, struct arena *arena);
