/* side.h: records beside the way, for whoever looks on: they may be lost, and nobody ever
 * waits for them.
 *
 * For the worker's thread.
 */
#ifndef SLUICE_LOG_SIDE_H
#define SLUICE_LOG_SIDE_H

#include "log/record.h"

struct side;

struct side_config {
	const char *brokers;
	size_t queue_bytes; /* what waits for Kafka; what is more is lost */
	struct properties properties;
};

/* Borrows the properties while it opens. */
struct side *side_open(const struct side_config *config, struct error *error);
void side_close(struct side *side); /* waits a moment for what is under way; NULL is fine */

/* The topics that records name by number from now on: those before, and new ones behind. */
bool side_topics(struct side *side, const char *const *names, size_t count, struct error *error);

/* False: it is lost. */
bool side_produce(struct side *side, const struct outgoing *record);

#endif
