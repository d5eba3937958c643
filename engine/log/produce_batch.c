/* produce_batch.c: see produce_batch.h. */
#include "log/produce_batch.h"

#include <string.h>

void produce_batch_empty(struct produce_batch *batch)
{
	batch->count = batch->first = batch->used = 0;
	batch->lost = false;
}

static enum produce_verdict lose(struct produce_batch *batch, rd_kafka_resp_err_t code, struct error *error)
{
	batch->lost = true;
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer accepts no more records: %s", rd_kafka_err2str(code));
	return PRODUCE_SPOILT;
}

/* After the first record that a full queue did not accept, it accepts none. */
static enum produce_verdict judge(struct produce_batch *batch, struct error *error)
{
	for (; batch->first < batch->count; batch->first++) {
		rd_kafka_resp_err_t code = batch->messages[batch->first].err;
		if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			return PRODUCE_FULL;
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			return lose(batch, code, error);
	}
	produce_batch_empty(batch);
	return PRODUCED;
}

static void sort_by_partition(struct produce_batch *batch, int partitions)
{
	rd_kafka_message_t *messages = &batch->messages[batch->first];
	size_t count = batch->count - batch->first;
	for (size_t i = 0; i < count; i++)
		batch->partitions[i] =
			client_partition(messages[i].key, messages[i].key_len, messages[i]._private, partitions);
	produce_batch_sort(batch->partitions, count, batch->order);
	for (size_t i = 0; i < count; i++)
		batch->sorted[i] = messages[batch->order[i]];
	memcpy(messages, batch->sorted, count * sizeof *messages);
}

enum produce_verdict produce_batch_send(struct produce_batch *batch, const struct topic_handles *topics, struct error *error)
{
	if (batch->lost)
		return lose(batch, RD_KAFKA_RESP_ERR__STATE, error);
	size_t count = batch->count - batch->first;
	if (count == 0)
		return PRODUCED;
	struct produce_batch_topic *its = produce_batch_topic_of(&batch->topics, batch->topic);
	if (its->partitions > 1)
		sort_by_partition(batch, its->partitions);
	client_partitions_forget();
	(void)rd_kafka_produce_batch(topics->items[batch->topic], RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
				     &batch->messages[batch->first], (int)count);
	its->partitions = client_partitions_seen();
	return judge(batch, error);
}

static void *pack(struct produce_batch *batch, struct text piece)
{
	if (!piece.bytes)
		return NULL;
	char *place = batch->bytes + batch->used;
	memcpy(place, piece.bytes, piece.length);
	batch->used += piece.length;
	return place;
}

enum produce_verdict produce_batch_put(struct produce_batch *batch, rd_kafka_t *client, const struct topic_handles *topics,
				       const struct outgoing *record, void *opaque, struct error *error)
{
	bool keeps = produce_batch_keeps(record);
	bool joins = keeps && produce_batch_joins(batch->count, batch->used, batch->topic, record);
	if (batch->count > 0 && (!joins || batch->lost)) {
		enum produce_verdict verdict = produce_batch_send(batch, topics, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	if (!keeps)
		return client_produce(client, topics->items[record->topic], record, opaque, error);
	batch->topic = record->topic;
	batch->messages[batch->count++] = (rd_kafka_message_t){.payload = pack(batch, record->value),
								 .len = record->value.length,
								 .key = pack(batch, record->key),
								 .key_len = record->key.length,
								 ._private = opaque};
	return PRODUCED;
}
