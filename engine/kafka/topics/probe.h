/* probe.h: Probe of Kafka before an engine runs: whether its brokers answer, and whether the login may read, write
 * and create what the engine needs. It changes nothing in Kafka.
 *
 * For commands: it waits for Kafka, at most 15 s for each request.
 */
#pragma once

#include "kafka/topics/topic_setup.h"

/* Version of librdkafka at run time. */
const char *probe_library(void);
bool probe_library_is_at_least(int major, int minor, int patch);

/* State of one probed item. */
enum probe_state {
	PROBE_GOOD,
	PROBE_ABSENT, /* a topic that does not exist and can be created */
	PROBE_BAD,    /* `words` has the reason */
	PROBE_DENIED, /* this login has no right to it, as `words` describes */
	PROBE_SLOW,   /* its coordinator has not answered, or has just started: its state is not known yet */
};

/* State of an item by librdkafka's error code for it (rd_kafka_resp_err_t). */
enum probe_state probe_state_of(int code);

struct probe_answer {
	const char *name; /* of a topic or of a group */
	enum probe_state state;
	const char *words;
	int partitions; /* of a topic that exists */
};

struct probe {
	int brokers;	   /* number of brokers in Kafka's metadata */
	int64_t answer_ms; /* duration of the first request */
	size_t count;
	struct probe_answer *answers; /* one for each topic, in their order, then one for each group */
};

/* Probes Kafka; the answers are in the arena. False: SYSTEM or CONFIG: no broker answers, or Kafka refuses the
 * login. */
bool probe_kafka(const char *brokers, struct properties properties, struct wanted_topics topics, const char *const *groups,
		 size_t group_count, struct arena *arena, struct probe *probe, struct error *error);
