/* reader.h: looking into a topic from a command: all of its partitions, or one, without a group,
 * without a trace in Kafka, and only what is committed.
 *
 * Of one thread. Opening waits for Kafka; reading need not: a reader may ring a bell of a loop.
 */
#ifndef SLUICE_LOG_READER_H
#define SLUICE_LOG_READER_H

#include "log/record.h"

struct reader;

struct reader_config {
	const char *brokers;
	const char *topic;
	bool from_beginning; /* else from where the topic ends while the reader is opened */
	int64_t newest;	     /* else from so many offsets before that, of each partition */
	bool one_partition;  /* only that of number `pick` modulo how many the topic has */
	uint64_t pick;
	struct properties properties;
};

/* Everything in the configuration is borrowed as long as the reader lives. SYSTEM: Kafka
 * does not answer; CONFIG: there is no such topic. */
struct reader *reader_open(const struct reader_config *config, struct error *error);

/* Records taken must be released before. NULL is fine. */
void reader_close(struct reader *reader);

/* From now on the bell is rung when something comes; reader_next() is then to be asked until it gives nothing. */
void reader_ring(struct reader *reader, int bell);

/* The first partition that is read. */
int32_t reader_partition(const struct reader *reader);

/* The next record, waited for up to that long; its `held` is NULL when none came. False:
 * a SYSTEM error, nothing more can be read. */
bool reader_next(struct reader *reader, int wait_ms, struct record *record, struct error *error);

/* Hands over all that stood in the topic when the reader was opened; a record is the
 * reader's, and gone when `take` returns. False: `take` said so, or SYSTEM: the rest does
 * not come. */
bool reader_give_all(struct reader *reader, bool (*take)(void *context, const struct record *record, struct error *error),
		     void *context, struct error *error);

#endif
