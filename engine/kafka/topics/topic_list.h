/* topic_list.h: List of the topics of a Kafka cluster. For commands: it waits for Kafka. */
#ifndef SLUICE_KAFKA_TOPICS_TOPIC_LIST_H
#define SLUICE_KAFKA_TOPICS_TOPIC_LIST_H

#include "base/arena.h"
#include "kafka/record.h"

struct topic_names {
	size_t count;
	const char **names; /* in their order as bytes, in the arena */
};

/* Lists those that the login may see and whose names begin with `prefix`. CONFIG: a setting is wrong; SYSTEM: Kafka does not
 * answer for TOPICS_WAIT_MS (kafka/topics/topic_setup.h), which is said after 3 s, or memory ran out. */
bool topic_list_read(const char *brokers, struct properties properties, const char *prefix, struct arena *arena,
		     struct topic_names *list, struct error *error);

#endif
