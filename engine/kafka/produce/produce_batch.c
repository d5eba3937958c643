/* produce_batch.c: see produce_batch.h. */
#include "kafka/produce/produce_batch.h"

#include <string.h>

void produce_batch_empty(struct produce_batch *batch)
{
	memset(batch->parts, 0, sizeof batch->parts);
	batch->lost = false;
	batch->refused = (rd_kafka_message_t){0};
}

/* librdkafka takes no record for a topic that a broker describes by an error, without partitions. */
static bool is_of_broker(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_UNKNOWN || (code > RD_KAFKA_RESP_ERR_NO_ERROR && !failure_is_of_size(code));
}

static enum produce_verdict produce_batch_refused(struct produce_batch *batch, uint32_t topic, rd_kafka_topic_t *handle,
						  rd_kafka_resp_err_t code, struct error *error)
{
	if (!batch->lost) {
		batch->is_gone = refusal_is_absence(code, handle);
		batch->denied =
			batch->is_gone || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ? topic : PRODUCE_BATCH_NOT_DENIED;
		if (batch->denied == PRODUCE_BATCH_NOT_DENIED && is_of_broker(code) && !failure_is_absence(code))
			batch->refused = (rd_kafka_message_t){.err = code, .rkt = handle, .partition = RD_KAFKA_PARTITION_UA};
	}
	batch->lost = true;
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer accepts no more records: %s", rd_kafka_err2str(code));
	return PRODUCE_SPOILT;
}

/* After the first record that a full queue did not accept, it accepts none. */
static enum produce_verdict produce_batch_judge(struct produce_batch *batch, size_t index, rd_kafka_topic_t *handle,
						struct error *error)
{
	struct produce_batch_part *part = &batch->parts[index];
	for (; part->first < part->count; part->first++) {
		rd_kafka_resp_err_t code = batch->rooms[index].messages[part->first].err;
		if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			return PRODUCE_FULL;
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			return produce_batch_refused(batch, part->topic, handle, code, error);
	}
	*part = (struct produce_batch_part){0};
	return PRODUCED;
}

/* Passes results to librdkafka, for that partition or, without one, for those that it looks up. False: it did not accept all. */
static bool results_pass(rd_kafka_topic_t *topic, int32_t partition, rd_kafka_message_t *messages, size_t count)
{
	return rd_kafka_produce_batch(topic, partition, RD_KAFKA_MSG_F_COPY, messages, (int)count) == (int)count;
}

static void sort_by_partition(struct produce_batch *batch, rd_kafka_message_t *messages, size_t count, int partitions)
{
	for (size_t i = 0; i < count; i++)
		batch->partitions[i] =
			client_partition(messages[i].key, messages[i].key_len, messages[i]._private, partitions);
	produce_batch_sort(batch->partitions, count, batch->order);
	for (size_t i = 0; i < count; i++)
		batch->sorted[i] = messages[batch->order[i]];
	memcpy(messages, batch->sorted, count * sizeof *messages);
}

static int32_t sorted_partition(const struct produce_batch *batch, size_t index)
{
	return batch->partitions[batch->order[index]];
}

#define RUN 2 /* results of a partition: with fewer, a lookup for each costs less than a call for each partition */

/* Sorts results and passes them, those of a partition at once, until one is not accepted: what follows it leaves after it. */
static void pass_by_partition(struct produce_batch *batch, rd_kafka_topic_t *topic, rd_kafka_message_t *messages, size_t count,
			      size_t partitions)
{
	size_t first = 0, end = 0;
	sort_by_partition(batch, messages, count, (int)partitions);
	if (count < partitions * RUN) {
		(void)results_pass(topic, RD_KAFKA_PARTITION_UA, messages, count);
		return;
	}
	for (bool accepted = true; accepted && first < count; first = end) {
		while (end < count && sorted_partition(batch, end) == sorted_partition(batch, first))
			end++;
		accepted = results_pass(topic, sorted_partition(batch, first), messages + first, end - first);
	}
}

static enum produce_verdict part_send(struct produce_batch *batch, size_t index, const struct topic_handles *topics,
				      struct error *error)
{
	const struct produce_batch_part *part = &batch->parts[index];
	rd_kafka_topic_t *topic = topics->items[part->topic];
	rd_kafka_message_t *messages = &batch->rooms[index].messages[part->first];
	const size_t first = produce_batch_first(part->count - part->first), others = part->count - part->first - first;
	client_partitions_forget();
	const bool accepted = results_pass(topic, RD_KAFKA_PARTITION_UA, messages, first);
	const int partitions = client_partitions_seen();
	if (accepted && others > 0 && partitions > 0)
		pass_by_partition(batch, topic, messages + first, others, (size_t)partitions);
	else if (accepted && others > 0)
		(void)results_pass(topic, RD_KAFKA_PARTITION_UA, messages + first, others);
	return produce_batch_judge(batch, index, topic, error);
}

enum produce_verdict produce_batch_send(struct produce_batch *batch, const struct topic_handles *topics, struct error *error)
{
	enum produce_verdict verdict = PRODUCED;
	if (batch->lost)
		return produce_batch_refused(batch, PRODUCE_BATCH_NOT_DENIED, NULL, RD_KAFKA_RESP_ERR__STATE, error);
	for (size_t i = 0; i < PRODUCE_BATCH_PARTS && verdict == PRODUCED; i++)
		if (batch->parts[i].count > 0)
			verdict = part_send(batch, i, topics, error);
	return verdict;
}

static void *pack(struct produce_batch *batch, size_t index, struct text piece)
{
	if (!piece.bytes)
		return NULL;
	char *place = batch->rooms[index].bytes + batch->parts[index].used;
	memcpy(place, piece.bytes, piece.length);
	batch->parts[index].used += piece.length;
	return place;
}

static void part_add(struct produce_batch *batch, size_t index, const struct outgoing *record, void *opaque)
{
	struct produce_batch_part *part = &batch->parts[index];
	part->topic = record->topic;
	batch->rooms[index].messages[part->count++] = (rd_kafka_message_t){.payload = pack(batch, index, record->value),
									   .len = record->value.length,
									   .key = pack(batch, index, record->key),
									   .key_len = record->key.length,
									   ._private = opaque};
}

enum produce_verdict produce_batch_put(struct produce_batch *batch, rd_kafka_t *client, const struct topic_handles *topics,
				       const struct outgoing *record, void *opaque, struct error *error)
{
	const bool keeps = produce_batch_keeps(record);
	const size_t index = produce_batch_part_of(batch->parts, record->topic);
	enum produce_verdict verdict = PRODUCED;
	if (batch->lost || !keeps)
		verdict = produce_batch_send(batch, topics, error);
	else if (!produce_batch_joins(&batch->parts[index], record))
		verdict = part_send(batch, index, topics, error);
	if (verdict != PRODUCED)
		return verdict;
	if (!keeps) {
		rd_kafka_topic_t *handle = topics->items[record->topic];
		const rd_kafka_resp_err_t code = client_enqueue(client, handle, record, opaque);
		return is_of_broker(code) || refusal_is_absence(code, handle)
			       ? produce_batch_refused(batch, record->topic, handle, code, error)
			       : client_verdict(code, client, handle, record, error);
	}
	part_add(batch, index, record, opaque);
	return PRODUCED;
}
