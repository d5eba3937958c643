/* side.h: Best-effort producer of records for observers: records may be lost, and no message waits for them.
 *
 * For the worker's thread.
 */
#ifndef SLUICE_LOG_SIDE_H
#define SLUICE_LOG_SIDE_H

#include "log/batch_limit.h"
#include "log/record.h"

/* Operations of one kind of side producer, called by the functions below. Its own struct begins with this one. */
struct side {
	const struct side_operations *operations;
};

struct side_operations {
	void (*close)(struct side *side);
	bool (*topics)(struct side *side, const char *const *names, size_t count, struct error *error);
	bool (*produce)(struct side *side, const struct outgoing *record);
	uint64_t (*acknowledged)(struct side *side); /* implemented only by Kafka's */
};

struct side_config {
	const char *brokers;
	size_t queue_bytes; /* bytes that may wait for Kafka; records beyond that are lost */
	bool at_once;	    /* a reader waits for each record, so records do not wait to be batched */
	const struct batch_limit *batches; /* log/batch_limit.h; NULL: none */
	struct properties properties;
	bool counts; /* side_acknowledged() is called repeatedly; else Kafka's reports are dropped */
};

/* Producer to Kafka. Borrows the properties while it opens. */
struct side *side_open(const struct side_config *config, struct error *error);

/* Waits briefly for records in flight; NULL is fine. */
static inline void side_close(struct side *side)
{
	if (side)
		side->operations->close(side);
}

/* Sets the topics that records name by number from now on: the former ones, then new ones. */
static inline bool side_topics(struct side *side, const char *const *names, size_t count, struct error *error)
{
	return side->operations->topics(side, names, count, error);
}

/* False: the record is lost. */
static inline bool side_produce(struct side *side, const struct outgoing *record)
{
	return side->operations->produce(side, record);
}

/* Number of records that Kafka has acknowledged so far. Needs `counts`. */
static inline uint64_t side_acknowledged(struct side *side)
{
	return side->operations->acknowledged(side);
}

#endif
