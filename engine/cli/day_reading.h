/* day_reading.h: a topic of a simulated day's twin as a judge reads it: each record that
 * was committed, once. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_READING_H
#define SLUICE_CLI_DAY_READING_H

#include "log/twin.h"

#define DAY_PARTITIONS_MAX 6

struct day_reading {
	const char *topic;
	int32_t partitions;
	/* How far it is: */
	const struct twin_topic *found; /* NULL: it was not there yet */
	uint64_t changes;		/* of the topic, when all of it was read */
	int64_t next[DAY_PARTITIONS_MAX];
};

/* The next record, partition by partition. False: all is read, for now. */
bool day_reading_next(struct day_reading *reading, const struct twin *twin, struct record *record);

#endif
