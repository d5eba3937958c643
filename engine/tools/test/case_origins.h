/* case_origins.h: Origins of the records of a case: which request a record answers, through all topics between them. */
#pragma once

#include "tools/test/case_records.h"
#include "tools/test/simulated/simulated_kafka.h"

/* The topics that a consumer group reads, by the numbers of its consumer: records name their origins by these. */
struct case_reads {
	size_t count;
	struct simulated_topic **topics;
};

struct case_origins {
	struct arena *arena;
	size_t count, capacity;
	struct case_topic *topics;
};

/* With space for so many topics, in the arena. False: memory ran out. */
bool case_origins_open(struct case_origins *origins, size_t topics, struct arena *arena);

/* Notes that the group which reads those topics writes to this one; NULL: only requests stand there. */
void case_origins_written(struct case_origins *origins, struct simulated_topic *topic, const struct case_reads *writer);

/* Notes a request that was sent to the topic; a topic's requests come in the order of their offsets. `most`: requests that are sent
 * to all topics. False: memory ran out. */
bool case_origins_sent(struct case_origins *origins, struct simulated_topic *topic, int64_t offset, const struct case_send *send,
		       size_t most);

/* Follows what a record answers back to a request. NULL: there is none. */
const struct case_send *case_origins_find(const struct case_origins *origins, const struct simulated_topic *topic, int64_t offset);
