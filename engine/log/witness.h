/* witness.h: Witness of the partitions that a consumer reads: whether a record that was read still stands at its offset.
 *
 * A topic that is deleted, made anew, and filled beyond where it was read on is read on there, and what stands before is
 * never read. librdkafka does not tell: below 2.3 it knows no ids of topics, and a fetch by offset finds a record. So one
 * record that was read is remembered of each partition, by its offset and its time, and read again from time to time by a
 * client of its own, in a thread that begins with the first record. Where another one stands there twice in a row, the
 * partition is another. Nothing is said of a record that retention or compaction has removed.
 *
 * All functions are for the owner's thread.
 */
#ifndef SLUICE_LOG_WITNESS_H
#define SLUICE_LOG_WITNESS_H

#include "log/record.h"

#define WITNESS_EVERY_MS 5000 /* between two rounds */
#define WITNESS_AT_ONCE 16    /* partitions of a round */

struct witness;

struct witness_config {
	const char *brokers;
	struct properties properties; /* the user's, of consumers */
	int64_t every_ms;
	int bell; /* rung when there is something to be taken */
};

/* What is borrowed must live as long. NULL: SYSTEM. */
struct witness *witness_open(const struct witness_config *config, struct error *error);
void witness_close(struct witness *witness); /* waits for the record that it reads; NULL is fine */

/* A record was read there. Borrows nothing. */
void witness_note(struct witness *witness, const char *topic, int32_t partition, int64_t offset, int64_t time_ms);

/* All that was noted: partitions are given up, or read from elsewhere. */
void witness_forget(struct witness *witness);

/* A partition that is another than the one that was read. */
struct witness_news {
	char topic[250]; /* as long as Kafka has them, and a NUL */
	int32_t partition;
	int64_t begin; /* its first offset */
	int64_t end;   /* up to there the former one was read, at least */
};

/* The next one; false: there is none. */
bool witness_take(struct witness *witness, struct witness_news *news);

#endif
