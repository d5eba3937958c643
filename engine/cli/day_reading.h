/* day_reading.h: Reader of a topic of the simulated Kafka for a judge: each committed record, once. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_READING_H
#define SLUICE_CLI_DAY_READING_H

#include "log/twin.h"

#define DAY_PARTITIONS_MAX 6

struct day_reading {
	const char *topic;
	int32_t partitions;
	/* Its position: */
	const struct twin_topic *found; /* NULL: the topic did not exist yet */
	uint64_t changes;		/* change count of the topic when it was last read to its end */
	int64_t next[DAY_PARTITIONS_MAX];
};

/* Reads the next record, partition by partition. False: there is none for now. */
bool day_reading_next(struct day_reading *reading, const struct twin *twin, struct record *record);

#endif
