/* witness.h: Witness of the partitions that a consumer reads: checks whether a record that was read is still at its
 * offset.
 *
 * A topic may be deleted, created again, and filled beyond the next offset to read. Then reading continues at that
 * offset, and earlier records of the new topic are never read. librdkafka does not report this: below 2.3 it has no
 * topic ids, and a fetch by offset finds a record. So the witness keeps the offset and the time of one record of each
 * partition. It reads that record again from time to time, by a client of its own, in a thread that starts with the
 * first record. If another record is there twice in a row, the partition has been replaced. A record that retention
 * or compaction has removed is not reported.
 *
 * All functions are for the owner's thread.
 */
#ifndef SLUICE_LOG_WITNESS_H
#define SLUICE_LOG_WITNESS_H

#include "log/record.h"

#define WITNESS_EVERY_MS 5000 /* between two rounds */
#define WITNESS_AT_ONCE 16    /* partitions in one round */

struct witness;

struct witness_config {
	const char *brokers;
	struct properties properties; /* the user's, of consumers */
	int64_t every_ms;
	int bell; /* rings when there is news to take */
};

/* Borrows everything in the configuration as long as it lives. NULL: SYSTEM. */
struct witness *witness_open(const struct witness_config *config, struct error *error);
void witness_close(struct witness *witness); /* waits for the current read; NULL is fine */

/* Notes a record that was read. Borrows nothing. */
void witness_note(struct witness *witness, const char *topic, int32_t partition, int64_t offset, int64_t time_ms);

/* Drops all notes: partitions are given up, or read from elsewhere. */
void witness_forget(struct witness *witness);

/* A partition that was replaced by another of its name. */
struct witness_news {
	char topic[250]; /* Kafka's longest name, and a NUL */
	int32_t partition;
	int64_t begin; /* its first offset */
	int64_t end;   /* at least up to here the former partition was read */
};

/* The next replaced partition; false: there is none. */
bool witness_take(struct witness *witness, struct witness_news *news);

#endif
