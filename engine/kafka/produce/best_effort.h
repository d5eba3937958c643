/* best_effort.h: Best-effort producer of records for observers: records may be lost, and no message waits for them.
 *
 * For the worker's thread.
 */
#pragma once

#include "kafka/topics/batch_limit.h"
#include "kafka/record.h"
#include "net/loop.h"

/* Operations of one kind of best-effort producer, called by the functions below. Its own struct begins with this one. */
struct best_effort {
	const struct best_effort_operations *operations;
	size_t record_bytes; /* of the largest record that it takes, as best_effort_takes() counts; 0: of any size */
};

struct best_effort_operations {
	void (*close)(struct best_effort *producer);
	bool (*topics)(struct best_effort *producer, const char *const *names, size_t count, struct error *error);
	bool (*produce)(struct best_effort *producer, const struct outgoing *record);
	uint64_t (*acknowledged)(struct best_effort *producer); /* implemented only by Kafka's */
};

struct best_effort_config {
	const char *brokers;
	size_t queue_bytes;		   /* bytes that may wait for Kafka; records beyond that are lost */
	bool at_once;			   /* a reader waits for each record, so records do not wait to be batched */
	const struct batch_limit *batches; /* kafka/topics/batch_limit.h; NULL: none */
	struct properties properties;
	bool counts; /* best_effort_acknowledged() is called repeatedly; else Kafka's reports of records that it took are dropped */
	/* The count of records that were accepted, and that Kafka did not take: it refused them, or did not answer within 10 s.
	 * It is raised in the loop's thread. NULL: they are not counted. Not with `counts`. */
	uint64_t *lost;
	struct loop *loop;
	/* Called in the loop's thread with a record that Kafka refused because it, or the batch that it was in, is larger than
	 * max.message.bytes of its topic. Borrows it. True: a smaller one was produced in its place, and it is not lost. NULL: it
	 * is lost. Only with `lost`. */
	bool (*replace)(void *context, const struct record *refused);
	/* Called in the loop's thread when Kafka has no such topic as a record's, and when a later record shows that it has it
	 * again. NULL: nobody is told. Only with `lost`, and with one topic. */
	void (*absent)(void *context, bool is_absent);
	void *context;
};

/* Producer to Kafka. Borrows the properties while it opens. */
struct best_effort *best_effort_open(const struct best_effort_config *config, struct error *error);

/* Waits briefly for records in flight; NULL is fine. */
static inline void best_effort_close(struct best_effort *producer)
{
	if (producer)
		producer->operations->close(producer);
}

/* Sets the topics that records name by number from now on: the former ones, then new ones. */
static inline bool best_effort_topics(struct best_effort *producer, const char *const *names, size_t count, struct error *error)
{
	return producer->operations->topics(producer, names, count, error);
}

/* Whether the record is not too large. */
bool best_effort_takes(const struct best_effort *producer, const struct outgoing *record);

/* False: the record is lost, and is not in the configuration's count. */
static inline bool best_effort_produce(struct best_effort *producer, const struct outgoing *record)
{
	return producer->operations->produce(producer, record);
}

/* Number of records that Kafka has acknowledged so far. Needs `counts`. */
static inline uint64_t best_effort_acknowledged(struct best_effort *producer)
{
	return producer->operations->acknowledged(producer);
}
