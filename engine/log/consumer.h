/* consumer.h: taking records, as a member of a group or from partitions by name.
 *
 * Nothing here waits for Kafka. The consumer's bell rings when there is something to
 * take; it rings once for a queue that was empty, so after a bell take until nothing
 * comes.
 *
 * In a group, partitions come and go by changes that the worker accepts when it is
 * ready: until then the group waits for this member, so a worker finishes or drops what
 * is in flight and accepts soon. Partitions given start at the group's committed
 * offsets, read when the change is accepted: a worker that restarts accepts only when
 * its producer has ended what its predecessor left open.
 *
 * A consumer belongs to one thread. What is said of the committer (transaction.h) is
 * the only exception.
 *
 * What stands behind a consumer is a table of operations: Kafka's is consumer_open()'s,
 * the twin's that of the simulator. The functions below mean the same for each.
 */
#ifndef SLUICE_LOG_CONSUMER_H
#define SLUICE_LOG_CONSUMER_H

#include "log/commit_references.h"

struct consumer;
struct consumer_operations;

#define TOPICS_READ_MAX ((size_t)4096) /* of one consumer: as many as a result can say that it answers */

struct consumer_config {
	const char *brokers;
	const char *group;
	const char *instance; /* group.instance.id: stable over restarts; NULL: a member without a memory */
	const char *const *topics;
	size_t topic_count;
	/* Count 0: a member of the group. Else these partitions and no others, from these
	 * offsets; OFFSET_NONE: from where the group committed. They too come as a change. */
	struct positions assigned;
	struct properties properties;
};

/* Kafka's. Everything in the configuration is borrowed as long as the consumer lives. */
struct consumer *consumer_open(const struct consumer_config *config, struct error *error);

/* Whether a consumer whose queue was full fetches again within milliseconds, so that small
 * fetches do: librdkafka since 2.2. Before, it is a second, and a fetch must last as long. */
bool consumer_refills_soon(void);

enum assignment_change {
	ASSIGNMENT_SAME,
	ASSIGNMENT_GIVEN, /* these partitions are to be read from now on */
	ASSIGNMENT_TAKEN, /* these are to be given up: what is finished may still be committed */
	ASSIGNMENT_LOST,  /* these are another's already: what is not committed is void */
};

/* Records that are not read, by offsets: retention, DeleteRecords, a topic made anew. */
struct gap {
	uint32_t topic;
	int32_t partition;
	int64_t from; /* where it was to be read on */
	int64_t to;   /* where it begins now; not above `from`: it ends before that. OFFSET_NONE: not known */
	bool remade; /* another topic of that name was read on in the former one's place: all from its beginning, `from`, up to
		      * `to` at least was not read */
};

/* How many there are; 0: none that is known. Ends of transactions are counted too. */
static inline uint64_t gap_count(const struct gap *gap)
{
	return gap->to > gap->from ? (uint64_t)(gap->to - gap->from) : 0;
}

/* What is read from now on. */
struct consumer_topics {
	const char *const *names; /* those before, in their places, and new ones behind */
	size_t count;
	const bool *read; /* of each: whether it is */
};

/* What a kind of consumer does for the functions below; its own struct begins with this. */
struct consumer {
	const struct consumer_operations *operations;
	struct commit_references references;
};

struct consumer_operations {
	void (*close)(struct consumer *consumer);
	int (*bell)(const struct consumer *consumer);
	bool (*take)(struct consumer *consumer, struct record *records, size_t room, size_t *count, struct error *error);
	void (*stay)(struct consumer *consumer);
	enum assignment_change (*change)(const struct consumer *consumer, struct positions *positions);
	bool (*accept)(struct consumer *consumer, struct error *error);
	bool (*seek)(struct consumer *consumer, struct positions positions, struct error *error);
	bool (*pause)(struct consumer *consumer, struct positions positions, bool paused, struct error *error);
	bool (*follow)(struct consumer *consumer, const struct consumer_topics *topics, struct error *error);
	bool (*gap)(struct consumer *consumer, struct gap *gap); /* NULL: there are none */
};

/* Leaves the group (a member with an instance id keeps its place until its session
 * ends). Records taken must be released before. NULL is fine. */
static inline void consumer_close(struct consumer *consumer)
{
	if (consumer)
		consumer->operations->close(consumer);
}

static inline int consumer_bell(const struct consumer *consumer)
{
	return consumer->operations->bell(consumer);
}

/* Up to `room` records, without waiting. False: a SYSTEM error, the client is beyond
 * help (fenced by a newer instance, not authorised, ...). */
static inline bool consumer_take(struct consumer *consumer, struct record *records, size_t room, size_t *count, struct error *error)
{
	return consumer->operations->take(consumer, records, room, count, error);
}

/* To be asked whenever something may be taken, before it is acted upon, until there is none: what
 * was skipped before the records that are taken. It is said already. */
static inline bool consumer_gap(struct consumer *consumer, struct gap *gap)
{
	return consumer->operations->gap && consumer->operations->gap(consumer, gap);
}

/* Says that the worker is alive though it takes nothing: without this or
 * consumer_take() for max.poll.interval.ms the group drops the member. */
static inline void consumer_stay(struct consumer *consumer)
{
	consumer->operations->stay(consumer);
}

/* What the group wants, found by consumer_take(): the same until it is accepted. The
 * positions are the consumer's, without offsets. */
static inline enum assignment_change consumer_change(const struct consumer *consumer, struct positions *positions)
{
	return consumer->operations->change(consumer, positions);
}

static inline bool consumer_accept(struct consumer *consumer, struct error *error)
{
	return consumer->operations->accept(consumer, error);
}

/* Reads on from these offsets; what was fetched before is dropped. OFFSET_NONE: that
 * partition stays where it is. */
static inline bool consumer_seek(struct consumer *consumer, struct positions positions, struct error *error)
{
	return consumer->operations->seek(consumer, positions, error);
}

/* Of partitions that are paused nothing is taken; what was fetched of them is fetched
 * again when they go on. What is taken away is not paused any more when it is given again. */
static inline bool consumer_pause(struct consumer *consumer, struct positions positions, bool paused, struct error *error)
{
	return consumer->operations->pause(consumer, positions, paused, error);
}

/* Commits of that partition have this reference in their metadata from now on; id 0: none. By
 * whoever ends an output, just before. False: SYSTEM. */
static inline bool consumer_refer(struct consumer *consumer, const struct position *position,
				  const struct state_reference *reference, struct error *error)
{
	return commit_references_set(&consumer->references, position, reference, error);
}

/* Reads these topics; their partitions come, and others go, by changes. Not while a change
 * waits to be accepted. Names are borrowed as long as the consumer lives, the rest is not. */
static inline bool consumer_follow(struct consumer *consumer, const struct consumer_topics *topics, struct error *error)
{
	return consumer->operations->follow(consumer, topics, error);
}

#endif
