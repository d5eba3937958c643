/* topic_registry.h: Registry of the topics that a process reads and writes: whether a topic was replaced, and whether the login
 * may read or write it. Private to kafka.
 *
 * One thread asks Kafka for all members of the registry. Members with the same settings share its clients. The thread and the
 * clients start with the first question, and end with the last member. Each member belongs to one thread. No call waits for
 * Kafka, but for topic_member_await(), and for the end of a question when the last member leaves.
 *
 * A topic is replaced when it is deleted and created again. If the new topic is filled beyond the next offset to read, reading
 * continues at that offset, and earlier records of the new topic are never read. librdkafka does not report this: below 2.3 it has
 * no topic ids, and a fetch by offset finds a record. So a member notes the offset and the time of one record of each partition.
 * The thread reads that record again from time to time. If another record is there twice in a row, the partition has been
 * replaced. A record that retention or compaction has removed is not reported.
 *
 * Kafka has no request that only asks for a right. A topic may be read if Kafka answers a fetch at its end: an idle topic has no
 * record that would say so. For the right to write, the thread sends a record with a number of acknowledgements that no broker
 * accepts (acks=2). Kafka checks the right first: it refuses the record for want of it, or else for that number. A broker that
 * ignores the number would keep a record without key and value.
 */
#pragma once

#include <stdatomic.h>

#include "kafka/record.h"

#define REGISTRY_RECORDS_EVERY_MS 5000 /* between two looks at records */
#define REGISTRY_RIGHTS_EVERY_MS 1000  /* between two questions for a right that is missing */
#define REGISTRY_RECORDS_AT_ONCE 16    /* records of a member in one look */
#define REGISTRY_TOPIC_BYTES 250       /* Kafka's longest name, and a NUL */

struct rd_kafka_s;
struct rd_kafka_topic_s;
struct topic_member;

struct topic_member_config {
	const char *brokers;
	struct properties properties; /* the user's, of consumers or of producers */
	int64_t every_ms;	      /* between two looks at records; 0: REGISTRY_RECORDS_EVERY_MS */
	int bell;		      /* rings when there is news of a topic that is read; -1: none does */
};

/* Borrows the configuration's fields as long as the member lives. NULL: SYSTEM. */
struct topic_member *topic_member_open(const struct topic_member_config *config, struct error *error);
void topic_member_close(struct topic_member *member); /* NULL is fine */

/* ---- replaced topics ---- */

/* Notes a record that was read. Borrows nothing. */
void topic_member_note(struct topic_member *member, const char *topic, int32_t partition, int64_t offset, int64_t time_ms);

/* Drops all notes: partitions are given up, or read from elsewhere. */
void topic_member_forget(struct topic_member *member);

/* A partition that was replaced by another of its name. */
struct topic_replacement {
	char topic[REGISTRY_TOPIC_BYTES];
	int32_t partition;
	int64_t begin; /* its first offset */
	int64_t end;   /* at least up to here the former partition was read */
};

/* The next replaced partition; false: there is none. */
bool topic_member_replaced(struct topic_member *member, struct topic_replacement *news);

/* ---- rights ---- */

enum topic_right { RIGHT_TO_READ, RIGHT_TO_WRITE };

enum topic_right_answer {
	RIGHT_UNKNOWN, /* Kafka has not answered, or with another error */
	RIGHT_MISSING,
	RIGHT_GIVEN,
};

/* The last answer to the question for a right. A question begins with the first call. A right that is missing is asked for again
 * until it is given; that answer is told once, and ends the question. */
enum topic_right_answer topic_member_right(struct topic_member *member, enum topic_right right, const char *topic);

/* Whether a producer may write a topic for which the right was missing. If so, the producer knows the topic again, which is waited
 * for. Also asks until then, so it is to be called now and then. */
bool topic_member_may_write(struct topic_member *member, struct rd_kafka_s *producer, struct rd_kafka_topic_s *topic);

/* Waits at most so long, or until `stopping`, for answers to all questions. */
void topic_member_await(const struct topic_member *member, int timeout_ms, const atomic_bool *stopping);

/* Ends all questions for rights. */
void topic_member_forget_rights(struct topic_member *member);
