/* topic_facts.h: Facts about topics, as Kafka has them: their names, partitions, retention and cleanup policy.
 *
 * For commands, and for a thread beside the engine's loop: a call opens a client, and waits for Kafka.
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
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

struct topic_names {
	size_t count;
	const char **names; /* in their order as bytes, in the arena */
};

/* For commands: lists the topics that the login may see and whose names begin with `prefix`. CONFIG: a setting is wrong; SYSTEM:
 * Kafka does not answer for TOPICS_WAIT_MS (kafka/topics/topic_setup.h), which is said after 3 s, or memory ran out. */
bool topic_names_read(const char *brokers, struct properties properties, const char *prefix, struct arena *arena,
		     struct topic_names *list, struct error *error);
