/* drafts.h: what a visit has written and nobody else sees yet, each key once.
 *
 * Most visits write under a key or two, which are looked through; one that closes many
 * windows writes under a thousand, and from DRAFTS_LOOKED_THROUGH on they are found by
 * their hashes. All of it is in the visit's arena. {0}: none.
 */
#ifndef SLUICE_FLOW_DRAFTS_H
#define SLUICE_FLOW_DRAFTS_H

#include "base/arena.h"
#include "state/store.h"

#define DRAFTS_LOOKED_THROUGH 8

struct drafts {
	struct write *newest; /* and behind it, by `next`, those before it */
	size_t count;
	/* Of those that share a bucket one leads, by `chained`, to the next; none until there are many. */
	size_t bucket_count;
	struct write **buckets;
};

/* NULL: nothing was written under that key. */
struct write *drafts_find(const struct drafts *drafts, struct text key);

/* One under a key that has none, whose bytes are copied; its value is the caller's to set. NULL:
 * memory ran out, and nothing has changed. */
struct write *drafts_add(struct drafts *drafts, struct text key, struct arena *arena);

#endif
