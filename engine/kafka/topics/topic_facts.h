/* topic_facts.h: Facts about topics, as Kafka has them: partitions, retention and cleanup policy.
 *
 * For a thread beside the engine's loop: it waits for Kafka, and another thread may end the wait.
 */
#ifndef SLUICE_KAFKA_TOPICS_TOPIC_FACTS_H
#define SLUICE_KAFKA_TOPICS_TOPIC_FACTS_H

#include <stdatomic.h>

#include "kafka/record.h"

#define TOPIC_POLICY_BYTES 32 /* of cleanup.policy: `compact,delete` is the longest */

struct topic_facts {
	const char *name; /* set by the caller, like the next; no name occurs twice */
	bool is_own;	  /* its settings are read too */
	int partitions;	  /* 0: it does not exist, or the login may not see it */
	bool has_retention;
	int64_t retention_ms;		 /* -1: records are kept for ever */
	char policy[TOPIC_POLICY_BYTES]; /* "": Kafka does not show the topic's settings */
};

/* Reads the facts about these topics. Facts that the login may not see are left as unknown. False: CONFIG (a client cannot
 * be opened) or SYSTEM (Kafka does not answer, memory ran out); or `stopping` was set, which takes effect within
 * TOPIC_SETTINGS_STOP_MS (kafka/topics/topic_settings.h). Then some facts may be missing. */
bool topic_facts_read(const char *brokers, struct properties properties, struct topic_facts *facts, size_t count,
		      const atomic_bool *stopping, struct error *error);

#endif
