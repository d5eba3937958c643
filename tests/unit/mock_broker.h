/* mock_broker.h: librdkafka's mock of a broker with two topics of one partition, `in` and
 * `out`, for tests of what talks to Kafka. It keeps no transactions apart: what was
 * aborted can be read, and offsets sent in a transaction are forgotten.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "kafka/record.h"

#define MOCK_WAIT_MS 20000 /* far more than anything takes */

struct mock {
	rd_kafka_t *holder; /* the mock lives in its threads */
	rd_kafka_mock_cluster_t *cluster;
	const char *brokers;
	rd_kafka_t *writer;
	rd_kafka_topic_t *in; /* of the writer */
	rd_kafka_t *reader; /* of `out`, from its beginning */
	rd_kafka_message_t **messages; /* that it has read */
	size_t message_count;
};

extern const char *const mock_in[];  /* the list of one topic that configurations want */
extern const char *const mock_out[];
extern const struct properties mock_quick; /* settings that do not wait */

void mock_open(struct mock *mock);
void mock_close(struct mock *mock);

/* Appends to `in`; NULL: no key, no header. */
void mock_write(struct mock *mock, const char *key, const char *value, const char *header, const char *header_value);

/* Appends to partition 0 of any topic; bytes NULL: no key, or a tombstone. */
void mock_append(const struct mock *mock, const char *topic, struct text key, struct text value);

/* The same without waiting for the broker, which takes 10 ms a record: many are flushed by the caller. */
void mock_send(const struct mock *mock, const char *topic, struct text key, struct text value);

/* The next record of `out`, which is the mock's: it can be closed after a test that failed. Fails the test when none comes. */
const rd_kafka_message_t *mock_read(struct mock *mock);

/* A group has read `in` up to there. */
void mock_commit(const struct mock *mock, const char *group, int64_t offset);

/* The same, with metadata; NULL: none. */
void mock_commit_with(const struct mock *mock, const char *group, int64_t offset, const char *metadata);

/* Every connection breaks, and new ones can be made at once. */
void mock_break_connections(struct mock *mock);

/* Behind the next request to produce, so many fail as if the broker had lost track of who sends them. */
void mock_forget_producers(struct mock *mock, size_t count);

/* The broker describes topics, and is silent about where their partitions begin and end. */
void mock_hide_offsets(const struct mock *mock);

/* Whether a topic's error, with which the mock lists partitions where a broker lists none, ends a process that does not know of
 * them: seen with librdkafka 2.3.0 and 2.8.0, mended in 2.10 (its issue 4907); 2.0.2 has none of it. */
bool mock_error_of_topic_crashes(void);
