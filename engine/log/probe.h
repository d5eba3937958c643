/* probe.h: what can be told of Kafka before an engine runs: whether its brokers answer, and
 * whether they would let it read, write and make what it needs. Nothing is changed there.
 *
 * For commands: it waits for Kafka, 15 s at the most for each question.
 */
#ifndef SLUICE_LOG_PROBE_H
#define SLUICE_LOG_PROBE_H

#include "log/topics.h"

/* librdkafka, as it is at run time. */
const char *probe_library(void);
bool probe_library_is_at_least(int major, int minor, int patch);

/* How it is with one thing that was looked for. */
enum probe_state {
	PROBE_GOOD,
	PROBE_ABSENT, /* a topic that is not there, and can be made */
	PROBE_BAD,    /* `words` say why */
	PROBE_DENIED, /* this login may not; `words` say what */
	PROBE_SLOW,   /* who answers for it has not, or has just begun: nothing is known of it yet */
};

/* What a code of librdkafka (rd_kafka_resp_err_t) says of the thing that was asked about. */
enum probe_state probe_state_of(int code);

struct probe_answer {
	const char *name; /* of a topic or of a group */
	enum probe_state state;
	const char *words;
	int partitions; /* of a topic that is there */
};

struct probe {
	int brokers;	   /* that Kafka says it has */
	int64_t answer_ms; /* how long the first question took */
	size_t count;
	struct probe_answer *answers; /* of each topic, in their order, and then of each group */
};

/* In the arena. False: SYSTEM or CONFIG: no broker answers, or lets us in. */
bool probe_kafka(const char *brokers, struct properties properties, struct wanted_topics topics, const char *const *groups,
		 size_t group_count, struct arena *arena, struct probe *probe, struct error *error);

#endif
