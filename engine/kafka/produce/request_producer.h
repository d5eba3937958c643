/* request_producer.h: Producer of a gateway's requests. It never waits, and reports the result of each record by its
 * number.
 *
 * A record that Kafka does not acknowledge within the configured time is refused, so each record is reported once.
 *
 * With a loop, records are batched while Kafka is busy with others (kafka/produce/request_batching.h).
 *
 * Kafka refuses a batch as a whole that is larger than its topic takes. Each record of it is then produced again, as a batch of its
 * own, and the batches that follow are smaller (kafka/topics/batch_limit.h). So only a record that is too large by itself is
  * reported as that. The records of a refused batch may come after later ones.
 *
 * A client that Kafka has lost track of (librdkafka calls this error fatal) takes nothing any more. Its records are refused, and
 * another one takes its place, at most one a second, and the log has the reason.
 *
 * Belongs to one thread. Its bell rings when request_producer_tell() has a result to report.
 */
#pragma once

#include "kafka/record.h"
#include "net/loop.h"
#include "observe/counts.h"

struct request_producer;

struct request_report {
	uint64_t number;
	const char *refused; /* NULL: Kafka has it */
	bool is_uncertain;   /* refused here, and Kafka may have it all the same */
	bool is_too_large;   /* refused by its size */
	const char *gone;    /* the topic of the record, if Kafka refused it because it has no such topic; NULL: another reason */
	int32_t partition;
	int64_t offset;
};

struct request_producer_config {
	const char *brokers;
	int64_t timeout_ms;   /* of each record */
	size_t message_bytes; /* of the largest record, with key and headers */
	size_t queue_bytes;   /* of what waits for Kafka */
	struct properties properties;
	int bell;
	struct loop *loop; /* NULL: each record leaves at once */
	struct client_counts *statistics; /* set at intervals (kafka/client_statistics.h); NULL: not wanted */
	void (*reported)(void *context, const struct request_report *report);
	void (*narrowed)(
		void *context); /* Kafka refused a batch, and the next are smaller: limits may be read again; NULL: nobody asks */
	void *context;
};

/* Everything in the configuration is borrowed as long as the producer lives. CONFIG: a setting is wrong. */
struct request_producer *request_producer_open(const struct request_producer_config *config, struct error *error);
/* Records in flight, and batched ones, are dropped without a report. NULL is fine. */
void request_producer_close(struct request_producer *producer);

/* Sets the topics that records name by number from now on: the former ones, then new ones. The names are borrowed. */
bool request_producer_topics(struct request_producer *producer, const char *const *names, size_t count, struct error *error);

/* Bounds the batches that follow by the smallest max.message.bytes of the topics, which Kafka has told; `bytes` is above 0. */
void request_producer_limit(struct request_producer *producer, size_t bytes);

/* Copies the record, whose topic is among those of request_producer_topics(). `number` is above 0. A record that was batched may
 * be refused later, by `reported`. */
enum produce_verdict request_producer_send(struct request_producer *producer, const struct outgoing *record, uint64_t number,
					   struct error *error);

/* Where an engine produces the answer to a record with this key (bytes NULL: none) in that partition: the number whose
 * remainder, by the number of partitions of the answers' topic, is the partition. -1: the user's settings have a partitioner
 * of their own, and it may be any. */
int32_t request_producer_answers(const struct request_producer *producer, struct text key, int32_t partition);

/* Calls `reported` for each record whose result is known. */
void request_producer_tell(struct request_producer *producer);
