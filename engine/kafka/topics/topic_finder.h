/* topic_finder.h: Finder of topics: looks whether Kafka has them, by a client that stays connected and creates none.
 *
 * A producer or a consumer learns late, or never, that a topic was deleted: a consumer of an idle topic asks for its records for
 * ever. A look is one request for all topics. It waits for Kafka, so it is for a thread beside the loop.
 */
#pragma once

#include "kafka/record.h"

struct topic_finder;

enum topic_sight {
	TOPIC_NOT_TOLD, /* Kafka gave another error, or did not name it */
	TOPIC_SHOWN,
	TOPIC_ABSENT, /* Kafka has no such topic, or the login may not see it */
};

/* Borrows the arguments while it opens. CONFIG, SYSTEM. */
struct topic_finder *topic_finder_open(const char *brokers, struct properties properties, struct error *error);
void topic_finder_close(struct topic_finder *finder); /* NULL is fine */

/* Looks at the topics: the former ones, at their indexes, then new ones. Waits at most so long. False: Kafka does not answer. */
bool topic_finder_look(struct topic_finder *finder, const char *const *names, size_t count, enum topic_sight *sights, int wait_ms,
		       struct error *error);
