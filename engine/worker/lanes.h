/* lanes.h: the messages in flight, partition by partition, in the order they came.
 *
 * A flight is one message from its record to its release. A lane is a partition: its
 * flights finish in any order and leave it from the front, so what has left is always
 * a finished prefix, and one offset says how far. Flights and their arenas are used
 * again: a warm worker takes no memory for a message.
 */
#ifndef SLUICE_WORKER_LANES_H
#define SLUICE_WORKER_LANES_H

#include "flow/flow.h"
#include "log/record.h"

struct flight {
	struct message message; /* first: the flow gives it back by its address */
	struct record record;
	struct lane *lane;   /* NULL: dropped while it was under way */
	struct flight *next; /* behind it in its lane, or in the pool */
	struct flight *made; /* the one made before it */
	bool lettered;       /* its dead letter has left */
	bool finished;       /* the three below are set */
	enum flow_outcome outcome;
	struct answer answer;
	struct error error; /* what answer.error points to */
};

struct lane {
	uint32_t topic;
	int32_t partition;
	struct flight *first;
	struct flight *last;
	int64_t released; /* the offset behind the last flight that left since the commit; OFFSET_NONE: none did */
	int64_t began;    /* of the first record since the partition was given; OFFSET_NONE: none came */
};

struct lanes {
	size_t count;
	struct lane **items;
	struct flight *pool;
	struct flight *made;   /* all there are */
	size_t in_flight;      /* dropped ones too, while the flow has them */
	size_t held_bytes;     /* of the records in flight, and of finished arenas */
	size_t message_bytes;  /* limit of one arena */
};

void lanes_open(struct lanes *lanes, size_t message_bytes);
void lanes_close(struct lanes *lanes); /* the flow must be closed: what it still had is given up */

/* A lane for each partition given. SYSTEM: memory. */
bool lanes_add(struct lanes *lanes, struct positions positions, struct error *error);

/* Drops what is in flight there, and the lanes. */
void lanes_remove(struct lanes *lanes, struct positions positions);

/* NULL: no such partition was given, or it was taken away. */
struct lane *lanes_find(const struct lanes *lanes, uint32_t topic, int32_t partition);

/* A record becomes a flight at the end of its lane. Takes the record; NULL: memory, and
 * the record stays the caller's. */
struct flight *lane_enter(struct lanes *lanes, struct lane *lane, const struct record *record, struct error *error);

/* The flight whose message this is has its answer, which stays in its arena. */
void flight_finish(struct lanes *lanes, struct message *message, enum flow_outcome outcome, const struct answer *answer);

/* The first flight, when it is finished. */
static inline struct flight *lane_front(const struct lane *lane)
{
	return lane->first && lane->first->finished ? lane->first : NULL;
}

/* The front has left: its record is given back, its arena used again. */
void lane_leave(struct lanes *lanes, struct lane *lane);

/* How far each lane has come since the commit, written into `items`, which has room for
 * all of them. */
struct positions lanes_released(const struct lanes *lanes, struct position *items);

/* These positions, which lanes_released() gave, are committed; what left since then is not. */
void lanes_committed(struct lanes *lanes, struct positions positions);

bool lanes_have_released(const struct lanes *lanes); /* anything that is not committed */

/* Nothing that was released since the commit counts: drops all that is in flight.
 * `committed` are those of lanes_released(), with offsets as the group has them; a
 * partition where nothing was ever committed gets the offset where it began. */
void lanes_reset(struct lanes *lanes, struct positions committed);

#endif
