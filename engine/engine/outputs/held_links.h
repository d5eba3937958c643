/* held_links.h: Records and rows to observers that a partition queue holds back until the earlier messages of its partition have
 * left. Private to worker.
 *
 * At least once, messages leave as they finish. An observer has windows and tests that depend on the order, so what it gets follows
 * the order of the partition. Only the copies here wait: the message itself has left with its answer, and its arena is free. An
 * earlier message that fails, is filtered or gives nothing to the observer leaves its queue too, and then holds nothing back.
 *
 * What is held is of offsets that are not committed. So it is dropped with its queue, and comes again.
 *
 * An earlier message may wait for as long as its model is unreachable. So nothing is held longer than the worker's limit
 * (`observed_ms`): what has been for so long leaves, with all before it, and the earlier message comes to the observer late.
 */
#pragma once

#include "base/list.h"
#include "engine/outputs/slices.h"

/* Bytes of all queues of a worker: some ten thousand rows of a few numbers. Beyond that the first of a queue leave at once, and
 * what is still in flight before them comes to the observer late. */
#define HELD_LINKS_BYTES_MAX ((size_t)16 << 20)
#define HELD_RECORD_BYTES_MAX                                                                                                      \
	SLICE_BYTES_MAX /* a larger record is not held, as Kafka may refuse it, which is its message's error */

struct held_links {
	struct list list; /* by their places */
	size_t bytes;
	int64_t since_ms; /* none is held since before; of an empty list it has no meaning */
};

/* A copy, in one piece of memory. */
struct held_link {
	struct list_node node;
	uint64_t place; /* of its message in the queue */
	size_t bytes;
	int64_t since_ms; /* when it was taken, by the worker's clock */
	bool is_row;
	struct slices_row row;	/* of a row */
	struct outgoing record; /* else */
};

/* Copy of a row, or of a record without headers. NULL: memory ran out. */
struct held_link *held_link_of_row(const struct slices_row *row);
struct held_link *held_link_of_record(const struct outgoing *record);

/* Takes the link, which goes behind those of earlier places and of its own. */
void held_links_add(struct held_links *links, struct held_link *link, uint64_t place, int64_t now_ms);

/* The last of those that are held since that time or before; NULL: none is. */
const struct held_link *held_links_last_since(struct held_links *links, int64_t ms);

/* The first; NULL: none is held. */
static inline struct held_link *held_links_first(const struct held_links *links)
{
	return links->list.first ? LIST_OWNER(links->list.first, struct held_link, node) : NULL;
}

/* Frees the first, of which there is one. Returns its bytes. */
size_t held_links_drop_first(struct held_links *links);
