/* parcel.c: see parcel.h. */
#include "log/parcel.h"

#include <string.h>

void parcel_empty(struct parcel *parcel)
{
	parcel->count = parcel->first = parcel->used = 0;
	parcel->lost = false;
}

static enum produce_verdict lose(struct parcel *parcel, rd_kafka_resp_err_t code, struct error *error)
{
	parcel->lost = true;
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer accepts no more records: %s", rd_kafka_err2str(code));
	return PRODUCE_SPOILT;
}

/* After the first record that a full queue did not accept, it accepts none. */
static enum produce_verdict judge(struct parcel *parcel, struct error *error)
{
	for (; parcel->first < parcel->count; parcel->first++) {
		rd_kafka_resp_err_t code = parcel->messages[parcel->first].err;
		if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			return PRODUCE_FULL;
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			return lose(parcel, code, error);
	}
	parcel_empty(parcel);
	return PRODUCED;
}

static void sort_by_partition(struct parcel *parcel, int partitions)
{
	rd_kafka_message_t *messages = &parcel->messages[parcel->first];
	size_t count = parcel->count - parcel->first;
	for (size_t i = 0; i < count; i++)
		parcel->partitions[i] =
			client_partition(messages[i].key, messages[i].key_len, messages[i]._private, partitions);
	parcel_sort(parcel->partitions, count, parcel->order);
	for (size_t i = 0; i < count; i++)
		parcel->sorted[i] = messages[parcel->order[i]];
	memcpy(messages, parcel->sorted, count * sizeof *messages);
}

enum produce_verdict parcel_send(struct parcel *parcel, const struct topic_handles *topics, struct error *error)
{
	if (parcel->lost)
		return lose(parcel, RD_KAFKA_RESP_ERR__STATE, error);
	size_t count = parcel->count - parcel->first;
	if (count == 0)
		return PRODUCED;
	struct parcel_topic *its = parcel_topic_of(&parcel->topics, parcel->topic);
	if (its->partitions > 1)
		sort_by_partition(parcel, its->partitions);
	client_partitions_forget();
	(void)rd_kafka_produce_batch(topics->items[parcel->topic], RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
				     &parcel->messages[parcel->first], (int)count);
	its->partitions = client_partitions_seen();
	return judge(parcel, error);
}

static void *pack(struct parcel *parcel, struct text piece)
{
	if (!piece.bytes)
		return NULL;
	char *place = parcel->bytes + parcel->used;
	memcpy(place, piece.bytes, piece.length);
	parcel->used += piece.length;
	return place;
}

enum produce_verdict parcel_put(struct parcel *parcel, rd_kafka_t *client, const struct topic_handles *topics,
				const struct outgoing *record, void *opaque, struct error *error)
{
	bool keeps = parcel_keeps(record);
	bool joins = keeps && parcel_joins(parcel->count, parcel->used, parcel->topic, record);
	if (parcel->count > 0 && (!joins || parcel->lost)) {
		enum produce_verdict verdict = parcel_send(parcel, topics, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	if (!keeps)
		return client_produce(client, topics->items[record->topic], record, opaque, error);
	parcel->topic = record->topic;
	parcel->messages[parcel->count++] = (rd_kafka_message_t){.payload = pack(parcel, record->value),
								 .len = record->value.length,
								 .key = pack(parcel, record->key),
								 .key_len = record->key.length,
								 ._private = opaque};
	return PRODUCED;
}
