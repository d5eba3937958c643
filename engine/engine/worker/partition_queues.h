/* partition_queues.h: Partition queues of in-flight messages: one queue per partition, in the order in which records came.
 *
 * A message is in flight (`struct inflight`) from its record to its release. A queue belongs to one partition: in-flight messages
 * enter at its end and finish in any order. The queue's order decides which finished in-flight messages may leave. Ordered by
 * partition, they leave one after the other from the front. Ordered by key (engine/worker/keys.h), each leaves after the earlier
  * ones of its key, and one without a key leaves at once. In both orders the offset to commit is the end of the finished prefix:
   * all records before it have left.
 *
 * In-flight messages and their arenas are reused: a warm worker allocates nothing for a message.
 */
#pragma once

#include "flow/flow.h"
#include "kafka/consume/consumer.h"
#include "engine/outputs/blame_list.h"
#include "engine/outputs/held_links.h"
#include "engine/worker/keys.h"

struct begun_alert;    /* engine/outputs/begun_alerts.h */
struct direct_message; /* engine/worker/direct_hub.h */
struct worker_stage;

/* Resources in use, by one stage or by all. */
struct load {
	size_t in_flight;	     /* messages taken and not left; also dropped ones that the flow still has */
	size_t held_bytes;	     /* of their records and arenas */
	size_t pending_commit_bytes; /* in addition: memory that is freed only after a commit (engine/joins/pending_commit.h) */
	uint64_t work;		     /* work units (base/arena.h) that its messages used beyond what its turns so far allowed */
};

/* Record that leaves together with the answer: inputs or outputs of a step. */
struct emission {
	const struct emission *next;
	const struct message *message; /* the in-flight message's, or one of its offspring */
	const struct payload *payload;
	uint32_t topic; /* index of the output topic */
};

struct inflight {
	struct message message; /* first: the flow returns the in-flight message by this address */
	struct record record;
	struct partition_queue *queue;	  /* NULL: dropped while in flight */
	struct worker_stage *stage;	  /* borrowed; the message runs through its flow */
	struct load *load;		  /* the stage's */
	int64_t taken_ms;		  /* by the worker's clock */
	uint64_t place;			  /* position in its queue */
	struct inflight *next;		  /* in the pool, or in the list of those that may leave */
	struct inflight *made;		  /* the in-flight message allocated before it */
	struct inflight *behind;	  /* the next in-flight message of its key */
	struct inflight *awaiting_schema; /* next in-flight message that waits for a schema */
	uint64_t key;			  /* hash under which `keys` has it; 0: it is not there */
	size_t counted_bytes;		  /* bytes of it that its load includes */
	uint64_t counted_work;		  /* work units of it that its load includes, so far */
	bool held;			  /* an earlier in-flight message of its key has not left */
	bool settled;			  /* its place among those of its key is known */
	bool leaving;			  /* it is in the list of those that may leave */
	bool finished;			  /* the fields after `left` are set */
	unsigned blame;			  /* enum blame, as bits */
	bool again;			  /* taken again because Kafka refused its record or one of the same batch */
	bool unfit;			  /* its answer could not be produced: a dead letter is written, whatever the error */
	bool lettered;			  /* its dead letter was produced */
	uint64_t crossed;		  /* later stages that its stage links were produced for, as bits */
	uint64_t judged;		  /* alerts of its stage that a result of it was judged by, as bits */
	struct text request;		  /* the request's record as it first came, here or to an earlier stage */
	struct text kept_key;		  /* key of that record, which the answer keeps; NULL bytes: it had none */
	struct direct_message *direct;	  /* its request, if it came past Kafka; owned. NULL: it came in a record */
	bool logged;			  /* its request was produced; of a direct one */
	bool skipped;			  /* it was answered directly before: it ends without an effect */
	const char *from;		  /* name of the point it comes from, if it is forwarded to be joined; NULL: this stage */
	struct text sender;		  /* of a record of another stage: name of the sender */
	const struct emission *left;	  /* last of its emissions that was produced */
	size_t explained;		  /* how many of its explanations were produced */
	size_t listed;			  /* how many ways of its listed records are done (engine/outputs/listed_records.h) */
	const struct begun_alert *begun;  /* alerts that it may have begun, and whose records were not produced yet */
	const struct assigned *exposed;	  /* last entry whose exposure was produced; the entries go from the latest to the first */
	const struct offspring *produced; /* last offspring whose answer was produced, or that needs none */
	enum flow_outcome outcome;
	struct answer answer;
	struct error error;  /* answer.error points here */
	struct text encoded; /* the answer as it was written in the request's format; bytes NULL: it is to be encoded */
	size_t encoded_head; /* likewise: length of its JSON, if the format has a binary part */
	const struct emission *emissions;
	const struct emission **emissions_end;
};

struct queue_slot {
	struct inflight *inflight; /* NULL: it has left */
	int64_t offset;
};

/* Range of offsets of one partition. */
struct stretch {
	int64_t begin, end;
};

struct partition_queue {
	uint32_t topic;
	int32_t partition;
	bool by_key;	 /* its order now */
	bool keep_keyed; /* the order that it takes when it is empty */
	struct queue_slot *ring;
	size_t capacity;		/* a power of two */
	uint64_t front, back;		/* positions: of the first in-flight message, and after the last */
	int64_t entered;		/* offset after the last record taken; OFFSET_NONE: none */
	int64_t reached;		/* offset after the prefix that has left; OFFSET_NONE: none */
	int64_t committed;		/* as far as is known; OFFSET_NONE: nothing */
	struct partition_extent extent; /* as of `extent_ms`, by the worker's clock; end OFFSET_NONE: not known */
	int64_t extent_ms;
	int64_t began; /* offset of the first record since the assignment; OFFSET_NONE: none came */
	struct blame_list blamed;
	struct partition_state *partition_state; /* borrowed; NULL: its stage keeps no state */
	size_t awaiting_schema;			 /* in-flight messages that wait for a schema, and those queued after them */
	bool begins_again;			 /* partition_queue_expect_beginning() */
	int64_t skipped;			 /* first record that came before the state was restored; OFFSET_NONE: none */
	struct stretch answered;      /* answered before the last revocation (revoked_progress.h); end OFFSET_NONE: none */
	struct held_links held_links; /* of messages that have left before earlier ones */
};

struct partition_queues_of_topic {
	size_t count;
	struct partition_queue **items; /* by partition; NULL: not assigned */
};

struct partition_queues {
	size_t count;
	struct partition_queue **items;
	size_t topic_count;
	struct partition_queues_of_topic *topics;
	struct keys keys;
	struct inflight *leaving, **leaving_end; /* finished, and free to leave, in this order */
	struct inflight *pool;			 /* free in-flight messages; those beyond `pool_limit` have no arena */
	struct inflight *made;			 /* all in-flight messages, as a list */
	struct load load;
	size_t finished;	 /* of the load: in-flight messages that have their answers and wait to leave */
	size_t pool_bytes;	 /* of the arenas in the pool */
	size_t pool_limit;	 /* for pool and in-flight messages together; memory beyond it goes back to the heap */
	size_t message_bytes;	 /* limit of one arena */
	size_t held_links_bytes; /* of all queues */
};

void partition_queues_open(struct partition_queues *queues, size_t message_bytes, size_t pool_bytes);
void partition_queues_close(
	struct partition_queues *queues); /* the flows must be closed before; in-flight messages that they still had are freed */

/* Adds a queue for each assigned partition. SYSTEM: memory. */
bool partition_queues_add(struct partition_queues *queues, struct positions positions, struct error *error);

/* Whether its queue was dropped while it was in the flow. Its flow may give it up, and it is then returned. */
static inline bool inflight_is_dropped(const struct inflight *inflight)
{
	return !inflight->queue;
}
void inflight_return(struct partition_queues *queues, struct inflight *inflight);

/* Drops the in-flight messages of these partitions, and removes their queues. */
void partition_queues_remove(struct partition_queues *queues, struct positions positions);

/* A queue that belongs to no partition: it is ordered by key, is not among `items`, and nothing of it is committed. NULL: memory
 * ran out. */
struct partition_queue *partition_queue_open_apart(void);

/* To be called right before partition_queues_close(), which frees the in-flight messages that are there: their stages may be
 * closed. NULL is fine. */
void partition_queue_close_apart(struct partition_queue *queue);

/* NULL: the partition was never assigned, or was revoked. */
static inline struct partition_queue *partition_queues_find(const struct partition_queues *queues, uint32_t topic,
							    int32_t partition)
{
	if (topic >= queues->topic_count || (size_t)partition >= queues->topics[topic].count)
		return NULL;
	return queues->topics[topic].items[partition];
}

/* Whether all that entered it has left. */
static inline bool partition_queue_is_empty(const struct partition_queue *queue)
{
	return queue->front == queue->back;
}

bool partition_queues_are_empty(const struct partition_queues *queues); /* all that entered has left */

/* Sets the order for in-flight messages from now on. A change to order by key takes effect when the queue is empty. */
void partition_queue_order(struct partition_queue *queue, bool by_key);

/* Appends an in-flight message for a record to its queue. Takes the record; NULL: memory, and the record remains the caller's. */
struct inflight *partition_queue_enter(struct partition_queues *queues, struct partition_queue *queue, struct load *load,
				       const struct record *record, struct error *error);

/* Lets a record of that offset, which has no effect, enter and leave at once. False: nothing is done, as records before it are in
 * flight or to be taken again; it is to enter as others do. */
bool partition_queue_pass(struct partition_queue *queue, int64_t offset);

/* The in-flight message at that place, from `front` up to `back`; NULL: it has left. */
static inline struct inflight *partition_queue_at(const struct partition_queue *queue, uint64_t place)
{
	return queue->ring[place & (queue->capacity - 1)].inflight;
}

/* Lets an in-flight message that no flow has, and that has not finished, begin again from its record, at its place; it counts for
 * that load from now on. */
void inflight_begin_again(struct partition_queues *queues, struct inflight *inflight, struct load *load);

/* Called once per in-flight message, after the flow has first run it; from then on the in-flight message may leave. */
bool inflight_settle(struct partition_queues *queues, struct inflight *inflight, struct error *error);

/* Reports that the in-flight message of this message has its answer, which remains in its arena. */
void inflight_finish(struct partition_queues *queues, struct message *message, enum flow_outcome outcome,
		     const struct answer *answer);

/* Next in-flight message that may leave; NULL: none. */
static inline struct inflight *partition_queues_first_leaving(const struct partition_queues *queues)
{
	return queues->leaving;
}

/* The first in-flight message that may leave, of which there is one, has left: its record is released, its arena reused. */
void partition_queues_leave(struct partition_queues *queues);

/* ---- what is held for observers (engine/outputs/held_links.h) ---- */

/* Whether the message is behind earlier ones of its partition that have not left. A direct message is behind none. */
bool inflight_is_ahead(const struct inflight *inflight);

/* Holds a copy for a message of that place; it takes the copy. */
void partition_queue_hold(struct partition_queues *queues, struct partition_queue *queue, struct held_link *link, uint64_t place,
			  int64_t now_ms);

/* The first that is held, if all messages before it have left, or `early`; NULL: none. */
static inline struct held_link *partition_queue_held(const struct partition_queue *queue, bool early)
{
	struct held_link *first = held_links_first(&queue->held_links);
	return first && (early || first->place < queue->front) ? first : NULL;
}

/* Frees the first that is held. */
void partition_queue_held_drop(struct partition_queues *queues, struct partition_queue *queue);

/* ---- records that Kafka refuses after it accepted them ---- */

/* Whether the refused record's origin was read since the partition was assigned. */
bool partition_queue_knows(const struct partition_queue *queue, const struct refusal *refusal);

/* Notes that Kafka refused an output of a record, of whose offset the refusal has the low half. With `again` that
 * record alone is taken again, from partition_queue_first_blamed(). SYSTEM: its replacement was refused too, or memory ran out. */
bool partition_queue_blame(struct partition_queue *queue, const struct refusal *refusal, enum blame blame, bool again,
			   struct error *error);
/* Whether that was noted of its record before. */
bool partition_queue_is_blamed(const struct partition_queue *queue, const struct refusal *refusal, enum blame blame);
int64_t partition_queue_first_blamed(const struct partition_queue *queue); /* OFFSET_NONE: nothing is to be taken again */
bool partition_queues_are_blamed(const struct partition_queues *queues);   /* whether a record of any queue is to be taken again */

const char *partition_queue_blame_reason(const struct partition_queue *queue, int64_t offset);

/* Whether that record was taken before and must not be taken again. */
bool partition_queue_has_taken(const struct partition_queue *queue, int64_t offset);

/* Kafka has no records at the position of the consumer, which reads the partition from its beginning: its topic was created again,
 * or truncated. Records of the former one may still come before those that begin again. */
void partition_queue_expect_beginning(struct partition_queue *queue);

/* Counts the offsets from that record on, which partition_queue_has_taken() takes for a former one. What is in flight may still
 * leave, and moves no offset; records of the partition that wait elsewhere are to be dropped. False: no beginning is expected, and
 * it is a former one. */
bool partition_queue_begin_again(struct partition_queue *queue, int64_t offset);

/* ---- commits ---- */

bool partition_queue_has_released(const struct partition_queue *queue); /* whether there are offsets to commit */

/* Offsets to commit of each queue, as far as they have moved since the last commit. `items` must have space for all
 * queues. */
struct positions partition_queues_released(const struct partition_queues *queues, struct position *items);

/* These positions, which partition_queues_released() returned, are committed; what left since then is not. */
void partition_queues_committed(struct partition_queues *queues, struct positions positions);

bool partition_queues_have_released(const struct partition_queues *queues); /* whether there are offsets to commit */

/* Writes the commits that the queues know of into these positions: into all, or into those of OFFSET_UNKNOWN. At least once they
 * can be too low, so a reset from them repeats records and skips none. */
void partition_queues_recall(const struct partition_queues *queues, struct positions positions, bool all);

/* Drops all in-flight messages, because nothing released since the last commit counts. `committed` are the positions
 * of partition_queues_released(), with the group's offsets. A partition without a commit gets the offset where it began. */
void partition_queues_reset(struct partition_queues *queues, struct positions committed);
