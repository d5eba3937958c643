/* replacement_watch.h: Watch for topics that are deleted and created again while a consumer reads them.
 *
 * If the new topic is filled beyond the next offset to read, reading continues at that offset, and earlier records of
 * the new topic are never read. librdkafka does not report this: below 2.3 it has no topic ids, and a fetch by offset
 * finds a record. So the watch keeps the offset and the time of one record of each partition. It reads that record
 * again from time to time, by a client of its own, in a thread that starts with the first record. If another record is
 * there twice in a row, the partition has been replaced. A record that retention or compaction has removed is not
 * reported.
 *
 * All functions are for the owner's thread.
 */
#ifndef SLUICE_KAFKA_TOPICS_REPLACEMENT_WATCH_H
#define SLUICE_KAFKA_TOPICS_REPLACEMENT_WATCH_H

#include "kafka/record.h"

#define REPLACEMENT_WATCH_EVERY_MS 5000 /* between two rounds */
#define REPLACEMENT_WATCH_AT_ONCE 16    /* partitions in one round */

struct replacement_watch;

struct replacement_watch_config {
	const char *brokers;
	struct properties properties; /* the user's, of consumers */
	int64_t every_ms;
	int bell; /* rings when there is news to take */
};

/* Borrows everything in the configuration as long as it lives. NULL: SYSTEM. */
struct replacement_watch *replacement_watch_open(const struct replacement_watch_config *config, struct error *error);
void replacement_watch_close(struct replacement_watch *watch); /* waits for the current read; NULL is fine */

/* Notes a record that was read. Borrows nothing. */
void replacement_watch_note(struct replacement_watch *watch, const char *topic, int32_t partition, int64_t offset, int64_t time_ms);

/* Drops all notes: partitions are given up, or read from elsewhere. */
void replacement_watch_forget(struct replacement_watch *watch);

/* A partition that was replaced by another of its name. */
struct topic_replacement {
	char topic[250]; /* Kafka's longest name, and a NUL */
	int32_t partition;
	int64_t begin; /* its first offset */
	int64_t end;   /* at least up to here the former partition was read */
};

/* The next replaced partition; false: there is none. */
bool replacement_watch_take(struct replacement_watch *watch, struct topic_replacement *news);

#endif
