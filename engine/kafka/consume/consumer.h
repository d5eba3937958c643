/* consumer.h: Consumer of Kafka records, as a member of a group or of partitions assigned by name.
 *
 * Nothing here waits for Kafka. The consumer's bell rings when records or changes can be taken. It rings once for a
 * queue that was empty, so after a ring records are taken until none is left.
 *
 * In a group, partitions are assigned and revoked by changes, which the worker accepts when it is ready. The group
 * waits for this member until then, so a worker soon finishes or drops its in-flight messages and accepts. New
 * partitions start at the group's committed offsets, which are read when the change is accepted. A worker that
 * restarts accepts only after its producer has ended the transaction that its predecessor left open.
 *
 * A consumer belongs to one thread. The committer (transaction.h) is the only exception.
 *
 * A consumer is a table of operations: that of consumer_open() is Kafka's, that of the simulated Kafka is the simulator's. The
 * functions below mean the same for both.
 */
#pragma once

#include "kafka/topics/absent_topics.h"
#include "kafka/consume/commit_references.h"

struct consumer;
struct consumer_operations;

#define CONSUMER_LOOK_MS 10000	       /* between two looks whether an absent topic is there */
#define TOPICS_READ_MAX ((size_t)4096) /* of one consumer: as many as the tag of a result can name */

struct consumer_config {
	const char *brokers;
	const char *group;
	const char *instance; /* group.instance.id, the same after a restart; NULL: a dynamic member */
	const char *const *topics;
	size_t topic_count;
	/* Count 0: a member of the group. Else these partitions and no others, from these offsets; OFFSET_NONE:
	 * from the group's committed offset. They also arrive as a change. */
	struct positions assigned;
	struct properties properties;
	struct client_counts *statistics; /* set at intervals (kafka/client_statistics.h); NULL: not wanted */
	bool observes;			  /* its pipelines answer without it */
};

/* What waits while a topic is gone or denied, for log lines. */
static inline const char *consumer_waiting(const struct consumer_config *config)
{
	return config->observes ? "the observers of its pipeline wait, and answers go on"
				: "its pipeline waits, and the others continue";
}

/* Consumer of Kafka. Everything in the configuration is borrowed as long as the consumer lives. */
struct consumer *consumer_open(const struct consumer_config *config, struct error *error);

enum assignment_change {
	ASSIGNMENT_SAME,
	ASSIGNMENT_GIVEN, /* these partitions are assigned: to be read from now on */
	ASSIGNMENT_TAKEN, /* these are revoked: finished work may still be committed */
	ASSIGNMENT_LOST,  /* these already belong to another member: uncommitted work is void */
};

/* Gap: records that were skipped, by their offsets, because of retention, DeleteRecords, or a topic that was
 * created again. */
struct gap {
	uint32_t topic;
	int32_t partition;
	int64_t from; /* next offset to read */
	/* The first offset now; not above `from`: the partition ends before `from`. OFFSET_NONE: Kafka has `from`, or does not
	 * tell. The partition is read from its beginning meanwhile, and its owner seeks where it stood. */
	int64_t to;
	bool remade; /* the topic was created again; not read: from its beginning, `from`, to at least `to` */
	int64_t committed; /* of the group, if `to` is OFFSET_NONE. OFFSET_NONE: nothing is; OFFSET_UNKNOWN: Kafka does not tell */
};

/* Number of skipped records; 0: none is known. Ends of transactions are counted too. */
static inline uint64_t gap_count(const struct gap *gap)
{
	return gap->to > gap->from ? (uint64_t)(gap->to - gap->from) : 0;
}

/* The first offset of a partition, and the one after its last, which may be the end of a transaction and not be read. */
struct partition_extent {
	int64_t begin, end;
};

/* Topics to be read from now on. */
struct consumer_topics {
	const char *const *names; /* the former ones, at their indexes, then new ones */
	size_t count;
	const bool *read; /* for each topic: whether it is read */
};

/* Operations of one kind of consumer, called by the functions below. Its own struct begins with this one. */
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
	bool (*gap)(struct consumer *consumer, struct gap *gap); /* NULL: never a gap */
	bool (*is_checking)(const struct consumer *consumer);	  /* NULL: never */
	size_t (*absent)(const struct consumer *consumer, const struct absent_topic **topics); /* NULL: never any */
	bool (*lacks_group)(const struct consumer *consumer);				       /* NULL: never */
	bool (*extent)(const struct consumer *consumer, uint32_t topic, int32_t partition,
		       struct partition_extent *extent); /* NULL: never known */
};

/* Leaves the group; a member with an instance id keeps its membership until its session ends. Records taken must
 * be released before. NULL is fine. */
static inline void consumer_close(struct consumer *consumer)
{
	if (consumer)
		consumer->operations->close(consumer);
}

static inline int consumer_bell(const struct consumer *consumer)
{
	return consumer->operations->bell(consumer);
}

/* Takes up to `room` records, without waiting. False: a SYSTEM error; the client cannot recover (fenced by a newer
 * instance, not authorised, ...). */
static inline bool consumer_take(struct consumer *consumer, struct record *records, size_t room, size_t *count, struct error *error)
{
	return consumer->operations->take(consumer, records, room, count, error);
}

/* The next gap before the records that are taken; false: there is none. To be called until then, whenever records
 * may have been taken, before they are processed. Each gap is logged already. */
static inline bool consumer_gap(struct consumer *consumer, struct gap *gap)
{
	return consumer->operations->gap && consumer->operations->gap(consumer, gap);
}

/* The offsets of an assigned partition as of its last fetch, without asking Kafka. False: it is not known where it ends. */
static inline bool consumer_extent(const struct consumer *consumer, uint32_t topic, int32_t partition,
				   struct partition_extent *extent)
{
	return consumer->operations->extent && consumer->operations->extent(consumer, topic, partition, extent);
}

/* Topics of the group of which nothing is read, borrowed until records are taken. They are read again when they exist, or when the
 * login may read them, which is noticed within CONSUMER_LOOK_MS. Both are logged. */
static inline size_t consumer_absent(const struct consumer *consumer, const struct absent_topic **topics)
{
	return consumer->operations->absent ? consumer->operations->absent(consumer, topics) : 0;
}

/* Whether the login has lost the right to the group, so that nothing is committed. It is noticed when something is to be committed,
 * or read, and when the member joins again; so is that the right is back. Both are logged. */
static inline bool consumer_lacks_group(const struct consumer *consumer)
{
	return consumer->operations->lacks_group && consumer->operations->lacks_group(consumer);
}

/* Keeps the membership while the worker takes nothing. Without this or consumer_take() for max.poll.interval.ms
 * the group drops the member. */
static inline void consumer_stay(struct consumer *consumer)
{
	consumer->operations->stay(consumer);
}

/* The change that consumer_take() found, the same until it is accepted; only revoked partitions may get lost meanwhile. The
 * positions belong to the consumer and have no offsets. */
static inline enum assignment_change consumer_change(const struct consumer *consumer, struct positions *positions)
{
	return consumer->operations->change(consumer, positions);
}

static inline bool consumer_accept(struct consumer *consumer, struct error *error)
{
	return consumer->operations->accept(consumer, error);
}

/* Continues at these offsets; records fetched before are dropped. OFFSET_NONE: that partition stays where it is. */
static inline bool consumer_seek(struct consumer *consumer, struct positions positions, struct error *error)
{
	return consumer->operations->seek(consumer, positions, error);
}

/* Pauses or resumes partitions. Nothing is taken of paused partitions; their fetched records are fetched again
 * after they resume. A partition that is revoked and assigned again is no longer paused. */
static inline bool consumer_pause(struct consumer *consumer, struct positions positions, bool paused, struct error *error)
{
	return consumer->operations->pause(consumer, positions, paused, error);
}

/* Sets the reference to state in the metadata of that partition's commits from now on; id 0: none. To be called
 * just before an output is ended. False: SYSTEM. */
static inline bool consumer_refer(struct consumer *consumer, const struct position *position,
				  const struct state_reference *reference, struct error *error)
{
	return commit_references_set(&consumer->references, position, reference, error);
}

/* Whether partitions were assigned of which it is not known yet whether they were moved to another group
 * (kafka/consume/assignment_check.h). The change that gives them follows. */
static inline bool consumer_is_checking(const struct consumer *consumer)
{
	return consumer->operations->is_checking && consumer->operations->is_checking(consumer);
}

/* Reads these topics; partitions are then assigned and revoked by changes. Not while a change waits to be
 * accepted, or is checked. Names are borrowed as long as the consumer lives, the rest is not. */
static inline bool consumer_follow(struct consumer *consumer, const struct consumer_topics *topics, struct error *error)
{
	return consumer->operations->follow(consumer, topics, error);
}
