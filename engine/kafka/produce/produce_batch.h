/* produce_batch.h: Batch of results that enter a producer's queue together. Private to log.
 *
 * Passed one by one, each result costs librdkafka three clock reads and a lock on its topic, and one that has librdkafka look up
 * its partition a clock read more. That is more than a tenth of the whole cost of a small message. So short results are copied and
 * kept until the batch is full, or produce_batch_send() is called. Longer ones are passed at once, after those. Starts as {0}.
 *
 * Each topic has a part of the batch, so that answers and the records beside them do not send each other away. Short results
 * to different topics leave in any order.
 *
 * Results leave by partition, in their order. librdkafka allocates memory for each one, and walks through those of a
 * partition four times: to send, number, acknowledge and free them. By then they have left the caches. The processor
 * prefetches those that are adjacent, which halves their cost for librdkafka's thread. The rules are
  * kafka/produce/produce_batch_rules.h's.
 */
#pragma once

#include "kafka/client.h"
#include "kafka/produce/produce_batch_rules.h"

#define PRODUCE_BATCH_NOT_DENIED UINT32_MAX

/* Results of a part. */
struct produce_batch_room {
	rd_kafka_message_t messages[PRODUCE_BATCH_RECORDS];
	char bytes[PRODUCE_BATCH_BYTES]; /* their keys and values */
};

struct produce_batch {
	struct produce_batch_part parts[PRODUCE_BATCH_PARTS];
	bool lost; /* librdkafka refused some of the results: nothing more is accepted until the batch is emptied */
	bool is_gone;	 /* with `denied`: because Kafka has no such topic */
	uint32_t denied; /* when it is lost: the topic that cannot be written now; PRODUCE_BATCH_NOT_DENIED: another reason */
	rd_kafka_message_t refused; /* when a broker could not describe a topic: the topic and the error, as of a report */
	struct produce_batch_room rooms[PRODUCE_BATCH_PARTS];
	rd_kafka_message_t sorted[PRODUCE_BATCH_RECORDS]; /* scratch memory, as the next two */
	int32_t partitions[PRODUCE_BATCH_RECORDS];
	uint16_t order[PRODUCE_BATCH_RECORDS];
};

/* As client_produce(), but the record may leave later. PRODUCE_FULL: results in the batch must leave first.
 * PRODUCE_SPOILT with `lost`: a result for which PRODUCED was returned is lost. */
enum produce_verdict produce_batch_put(struct produce_batch *batch, rd_kafka_t *client, const struct topic_handles *topics,
				       const struct outgoing *record, void *opaque, struct error *error);

/* Sends all results of the batch. PRODUCE_FULL: some are still in it; PRODUCE_SPOILT: it is lost. */
enum produce_verdict produce_batch_send(struct produce_batch *batch, const struct topic_handles *topics, struct error *error);

void produce_batch_empty(struct produce_batch *batch); /* drops all results, which are void */
