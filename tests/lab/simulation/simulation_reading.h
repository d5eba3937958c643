/* simulation_reading.h: Reader of a topic of the simulated Kafka for a judge: each committed record, once. Private to `sluice sim`.
 */
#pragma once

#include "tools/test/simulated/simulated_kafka.h"

#define SIMULATION_PARTITIONS_MAX 6

struct simulation_reading {
	const char *topic;
	int32_t partitions;
	/* Its position: */
	const struct simulated_topic *found; /* NULL: the topic did not exist yet */
	uint64_t changes;		     /* change count of the topic when it was last read to its end */
	int64_t next[SIMULATION_PARTITIONS_MAX];
};

/* Reads the next record, partition by partition. False: there is none for now. */
bool simulation_reading_next(struct simulation_reading *reading, const struct simulated_kafka *kafka, struct record *record);
