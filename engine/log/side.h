/* side.h: records beside the way, for whoever looks on: they may be lost, and nobody ever
 * waits for them.
 *
 * For the worker's thread.
 */
#ifndef SLUICE_LOG_SIDE_H
#define SLUICE_LOG_SIDE_H

#include "log/batch_limit.h"
#include "log/record.h"

/* What a kind of side does for the functions below; its own struct begins with this. */
struct side {
	const struct side_operations *operations;
};

struct side_operations {
	void (*close)(struct side *side);
	bool (*topics)(struct side *side, const char *const *names, size_t count, struct error *error);
	bool (*produce)(struct side *side, const struct outgoing *record);
	uint64_t (*acknowledged)(struct side *side); /* of Kafka's alone */
};

struct side_config {
	const char *brokers;
	size_t queue_bytes; /* what waits for Kafka; what is more is lost */
	bool at_once;	    /* somebody waits for each record: none waits for others to go along */
	const struct batch_limit *batches; /* log/batch_limit.h; NULL: none */
	struct properties properties;
	bool counts; /* side_acknowledged() is asked, again and again; else Kafka's reports are not kept */
};

/* Kafka's. Borrows the properties while it opens. */
struct side *side_open(const struct side_config *config, struct error *error);

/* Waits a moment for what is under way; NULL is fine. */
static inline void side_close(struct side *side)
{
	if (side)
		side->operations->close(side);
}

/* The topics that records name by number from now on: those before, and new ones behind. */
static inline bool side_topics(struct side *side, const char *const *names, size_t count, struct error *error)
{
	return side->operations->topics(side, names, count, error);
}

/* False: it is lost. */
static inline bool side_produce(struct side *side, const struct outgoing *record)
{
	return side->operations->produce(side, record);
}

/* How many records Kafka has acknowledged by now; of one that counts. */
static inline uint64_t side_acknowledged(struct side *side)
{
	return side->operations->acknowledged(side);
}

#endif
