/* lanes.h: the messages in flight, partition by partition, in the order they came.
 *
 * A flight is one message from its record to its release. A lane is a partition: flights
 * enter it at its end and finish in any order. Which of the finished ones may leave is the
 * lane's order: by partition they leave from the front, one behind the other; by key each
 * leaves behind those of its key that came before it (worker/keys.h), and one without a
 * key at once. Either way what is told for a commit is the finished prefix: one offset
 * says how far all have left.
 *
 * Flights and their arenas are used again: a warm worker takes no memory for a message.
 */
#ifndef SLUICE_WORKER_LANES_H
#define SLUICE_WORKER_LANES_H

#include "flow/flow.h"
#include "log/record.h"
#include "worker/keys.h"

struct worker_stage;

/* How much somebody holds: a stage, or all. */
struct load {
	size_t in_flight;	     /* messages taken and not left; dropped ones too, while the flow has them */
	size_t held_bytes;	     /* of their records and arenas */
	size_t pending_commit_bytes; /* of what is forgotten when it is committed, beside them (worker/pending_commit.h) */
	uint64_t work;		     /* units done for its messages (base/arena.h) beyond what its turns until now allowed */
};

/* A record beside the answer that leaves with it: what a step was sent, or gave. */
struct emission {
	const struct emission *next;
	const struct message *message; /* the flight's, or one of its offspring */
	const struct payload *payload;
	uint32_t topic; /* of the output's */
};

/* What is not to leave again for a message, because Kafka refused it. */
enum blame {
	BLAME_ANSWER = 1, /* its answer, or what stands beside it */
	BLAME_LETTER = 2, /* its dead letter, with the request's bytes */
};

struct blamed {
	int64_t offset;
	unsigned blame; /* enum blame, as bits */
	bool open;	/* it is to be taken again, and has not left: no commit passes it */
	bool told;	/* what left in its place, has */
	char reason[ERROR_TEXT_MAX / 2];
};

struct flight {
	struct message message; /* first: the flow gives it back by its address */
	struct record record;
	struct lane *lane;		/* NULL: dropped while it was under way */
	struct worker_stage *stage;	/* the worker's: whose flow it goes through */
	struct load *load;		/* the stage's */
	int64_t taken_ms;		/* by the worker's clock */
	uint64_t place;			/* in its lane */
	struct flight *next;		/* in the pool, or among those that may leave */
	struct flight *made;		/* the one made before it */
	struct flight *behind;		/* the next of its key */
	struct flight *awaiting_schema; /* the next whose schema is being asked for */
	uint64_t key;			/* the hash by which it is found in `keys`; 0: it is not there */
	size_t counted_bytes;		/* of its load */
	uint64_t counted_work;		/* likewise, so far */
	bool held;			/* one of its key is ahead of it */
	bool settled;			/* its place among those of its key is known */
	bool leaving;			/* it is among those that may leave */
	bool finished;			/* those behind `left` are set */
	unsigned blame;			/* enum blame, as bits */
	bool again;			/* it was refused, or something of its batch, and is taken again */
	bool unfit;			/* its answer could not leave: kept as a dead letter, whatever the error */
	bool lettered;			/* its dead letter has left */
	uint64_t crossed;		/* stages behind that it has gone on to, as bits */
	struct text request;		/* the request's record as it came, here or to an earlier stage */
	struct text kept_key;		/* of that record: its answer keeps it; bytes NULL: it had none */
	const char *from;		/* where it comes from, when it goes on to be joined; NULL: from this stage */
	struct text sender;		/* of a record of another stage: who sent it */
	const struct emission *left;	/* the last of its emissions that has */
	const struct offspring *told;	/* the last of its offspring whose answer has, or need not */
	enum flow_outcome outcome;
	struct answer answer;
	struct error error; /* what answer.error points to */
	const struct emission *emissions;
	const struct emission **emissions_end;
};

struct berth {
	struct flight *flight; /* NULL: it has left */
	int64_t offset;
};

/* Of a partition, from one offset up to another. */
struct stretch {
	int64_t begin, end;
};

struct lane {
	uint32_t topic;
	int32_t partition;
	bool by_key;	 /* its order */
	bool keep_keyed; /* what its order is to be from when it is empty */
	struct berth *ring;
	size_t capacity;      /* a power of two */
	uint64_t front, back; /* places: of the first in it, and behind the last */
	int64_t entered;      /* the offset behind the last record taken; OFFSET_NONE: none was */
	int64_t reached;      /* the offset behind the prefix that has left; OFFSET_NONE: none has */
	int64_t committed;    /* as far as is known; OFFSET_NONE: nothing is */
	int64_t began;	      /* of the first record since the partition was given; OFFSET_NONE: none came */
	struct blamed *blamed;
	size_t blamed_count;
	struct partition_state *partition_state; /* the worker's: what its stage remembers; NULL: nothing */
	size_t awaiting_schema;			 /* flights whose schema is being asked for, and those held behind them */
	int64_t skipped;			 /* the first record that came before that was there; OFFSET_NONE: none did */
	struct stretch answered; /* before it was taken away the last time (worker/revoked_progress.h); end OFFSET_NONE: nothing */
};

struct lanes_of_topic {
	size_t count;
	struct lane **items; /* by partition; NULL: not given */
};

struct lanes {
	size_t count;
	struct lane **items;
	size_t topic_count;
	struct lanes_of_topic *topics;
	struct keys keys;
	struct flight *leaving, **leaving_end; /* finished, and free to leave, in this order */
	struct flight *pool;		       /* those beyond `pool_limit` without an arena */
	struct flight *made;		       /* all there are */
	struct load load;
	size_t finished;      /* of the load: those that have their answers, and wait to leave */
	size_t pool_bytes;    /* of the arenas in the pool */
	size_t pool_limit;    /* of those, and of what is in flight: what is more is given back to the heap */
	size_t message_bytes; /* limit of one arena */
};

void lanes_open(struct lanes *lanes, size_t message_bytes, size_t pool_bytes);
void lanes_close(struct lanes *lanes); /* the flows must be closed: what they still had is given up */

/* A lane for each partition given. SYSTEM: memory. */
bool lanes_add(struct lanes *lanes, struct positions positions, struct error *error);

/* Drops what is in flight there, and the lanes. */
void lanes_remove(struct lanes *lanes, struct positions positions);

/* NULL: no such partition was given, or it was taken away. */
static inline struct lane *lanes_find(const struct lanes *lanes, uint32_t topic, int32_t partition)
{
	if (topic >= lanes->topic_count || (size_t)partition >= lanes->topics[topic].count)
		return NULL;
	return lanes->topics[topic].items[partition];
}

/* All that entered it has left. */
static inline bool lane_is_empty(const struct lane *lane)
{
	return lane->front == lane->back;
}

bool lanes_are_empty(const struct lanes *lanes); /* all that entered has left */

/* The order from the next flight on; one that is laxer than that of those in the lane, from
 * when it is empty. */
void lane_order(struct lane *lane, bool by_key);

/* A record becomes a flight at the end of its lane. Takes the record; NULL: memory, and
 * the record stays the caller's. */
struct flight *lane_enter(struct lanes *lanes, struct lane *lane, struct load *load, const struct record *record,
			  struct error *error);

/* To be called once, when the flow has had its first go at it: from then on it may leave. */
bool flight_settle(struct lanes *lanes, struct flight *flight, struct error *error);

/* The flight whose message this is has its answer, which stays in its arena. */
void flight_finish(struct lanes *lanes, struct message *message, enum flow_outcome outcome, const struct answer *answer);

/* Who may leave next; NULL: nobody. */
static inline struct flight *lanes_first_leaving(const struct lanes *lanes)
{
	return lanes->leaving;
}

/* That one has left: its record is given back, its arena used again. */
void lanes_leave(struct lanes *lanes);

/* ---- what Kafka refuses after it was taken ---- */

/* Whether the record that was refused has come since the partition was given. */
bool lane_knows(const struct lane *lane, const struct refusal *refusal);

/* The record that a refused result answers, whose offset's low half is known. SYSTEM: what
 * left in its place was refused too, or memory ran out. With `again` it is to be taken
 * again alone, from where lane_first_blamed() says. */
bool lane_blame(struct lane *lane, const struct refusal *refusal, enum blame blame, bool again, struct error *error);
int64_t lane_first_blamed(const struct lane *lane); /* OFFSET_NONE: nothing is to be taken again */
bool lanes_are_blamed(const struct lanes *lanes);   /* something is, in one of them */

const char *lane_blame_reason(const struct lane *lane, int64_t offset);

/* Whether that record was taken before, and is not to be taken again. */
bool lane_has_taken(const struct lane *lane, int64_t offset);

/* ---- commits ---- */

bool lane_has_released(const struct lane *lane); /* anything that is not committed */

/* How far each lane has come since the commit, written into `items`, which has room for
 * all of them. */
struct positions lanes_released(const struct lanes *lanes, struct position *items);

/* These positions, which lanes_released() gave, are committed; what left since then is not. */
void lanes_committed(struct lanes *lanes, struct positions positions);

bool lanes_have_released(const struct lanes *lanes); /* anything that is not committed */

/* At least once, what the lanes know to be committed says enough, for it can only be too
 * little: their offsets into these positions. */
void lanes_recall(const struct lanes *lanes, struct positions positions);

/* Nothing that was released since the commit counts: drops all that is in flight.
 * `committed` are those of lanes_released(), with offsets as the group has them; a
 * partition where nothing was ever committed gets the offset where it began. */
void lanes_reset(struct lanes *lanes, struct positions committed);

#endif
