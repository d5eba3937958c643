/* simulated_producer.c: Idempotent producer of the simulated Kafka: records wait a moment, then leave by partition, one
 * request of each partition at a time. See simulated_world.h. */
#include "tools/test/simulated/simulated_world.h"

#define SEND_MOST 100			  /* records in one request */
#define RECORD_OVERHEAD_BYTES ((size_t)7) /* of BATCH_OVERHEAD_BYTES: for each record */

static void send_queue_send(struct simulated_send_queue *queue);

/* ---- what comes back ---- */

static void producer_fenced(struct simulated_producer *producer)
{
	producer->fenced = true;
	producer->on_record(producer->owner, NULL);
}

static void unwanted_note(struct simulated_producer *producer, const struct simulated_entry *entry)
{
	producer->spoilt = producer->transaction;
	producer->unwanted[producer->unwanted_count++] = (struct simulated_unwanted){entry->origin, entry->topic};
}

/* The smallest offset of a partition first, as by librdkafka's side. */
bool simulated_producer_unwanted(struct simulated_producer *producer, struct refusal *refusal)
{
	size_t first = 0;
	if (producer->unwanted_count == 0)
		return false;
	for (size_t i = 1; i < producer->unwanted_count; i++)
		if (producer->unwanted[i].origin.offset < producer->unwanted[first].origin.offset)
			first = i;
	*refusal = (struct refusal){.origin = producer->unwanted[first].origin,
				    .topic = producer->unwanted[first].topic,
				    .reason = "the simulated Kafka will not have it"};
	producer->unwanted[first] = producer->unwanted[--producer->unwanted_count];
	return true;
}

void simulated_producer_inherit(struct simulated_producer *producer, const struct simulated_producer *before)
{
	producer->unwanted_count = before->unwanted_count;
	memcpy(producer->unwanted, before->unwanted, sizeof before->unwanted);
}

/* Only answers: an error that takes the place of one is small enough for any broker. */
static bool is_unwanted(struct simulated_producer *producer, const struct outgoing *record)
{
	return headers_find(record->headers, TEXT("x-request-id")) && !headers_find(record->headers, TEXT("sluice-error")) &&
	       producer->unwanted_count + producer->waiting < SIMULATED_UNWANTED_MAX &&
	       simulated_mishap_injected(producer->kafka, SIMULATED_UNWANTED);
}

/* Key, value and headers, as batch_limit_isolates() counts them. */
static size_t entry_bytes(const struct simulated_entry *entry)
{
	size_t bytes = entry->key.length + entry->value.length;
	for (size_t i = 0; i < entry->headers.count; i++)
		bytes += entry->headers.items[i].name.length + entry->headers.items[i].value.length;
	return bytes;
}

/* A record that was alone in its batch is refused for good. Else the batch was too large, and everything that is not
 * committed is produced again in smaller ones. */
static void batch_refused(struct simulated_producer *producer, const struct simulated_request *request)
{
	struct simulated_entry *entry = request->first;
	for (size_t i = 0; i < request->count && !producer->shrinks; i++, entry = entry->next) {
		if (!producer->kafka->config.blames && !batch_limit_isolates(producer->batch_bytes, entry_bytes(entry))) {
			(void)batch_limit_lower(&producer->client.host->batches, producer->batch_bytes, false);
			producer->shrinks = true;
			producer->spoilt = producer->transaction;
			producer->on_record(producer->owner, NULL);
		} else if (producer->unwanted_count < SIMULATED_UNWANTED_MAX) {
			producer->waiting--;
			entry->unwanted = true;
			unwanted_note(producer, entry);
			producer->on_record(producer->owner, entry);
		}
	}
}

static void send_queue_replied(struct simulated_request *request, enum simulated_answer answer)
{
	struct simulated_send_queue *queue = request->owner;
	struct simulated_producer *producer = queue->producer;
	queue->sending = false;
	if (producer->shrinks)
		return;
	if (answer == SIMULATED_TOO_LARGE) {
		batch_refused(producer, request);
		send_queue_send(queue);
		return;
	}
	if (answer != SIMULATED_GOOD) {
		producer_fenced(producer);
		return;
	}
	const struct simulated_entry *entry = request->first;
	for (size_t i = 0; i < request->count; i++, entry = entry->next) {
		producer->waiting--;
		if (entry->unwanted)
			unwanted_note(producer, entry);
		producer->on_record(producer->owner, entry);
	}
	send_queue_send(queue);
}

/* ---- what goes out ---- */

static bool batch_fits(const struct simulated_producer *producer, const struct simulated_request *request,
		       const struct simulated_entry *entry)
{
	return request->bytes + RECORD_OVERHEAD_BYTES + entry_bytes(entry) <= producer->batch_bytes;
}

static void send_queue_send(struct simulated_send_queue *queue)
{
	struct simulated_producer *producer = queue->producer;
	struct simulated_request *request;
	if (queue->sending || !queue->first || producer->fenced || producer->shrinks ||
	    !(request = simulated_request_make(producer->kafka, SIMULATED_PRODUCE, &producer->client)))
		return;
	request->replied = send_queue_replied;
	request->owner = queue;
	request->transaction = producer->transaction;
	request->producer = producer->producer;
	request->epoch = producer->epoch;
	request->partition = queue->partition;
	request->sequence = queue->sequence;
	request->first = queue->first;
	request->bytes = BATCH_OVERHEAD_BYTES - RECORD_OVERHEAD_BYTES;
	while (queue->first && request->count < SEND_MOST && (request->count == 0 || batch_fits(producer, request, queue->first))) {
		request->bytes += RECORD_OVERHEAD_BYTES + entry_bytes(queue->first);
		queue->first = queue->first->next;
		request->count++;
	}
	if (!queue->first)
		queue->end = &queue->first;
	queue->sequence += (int64_t)request->count;
	queue->sending = true;
	simulated_request_send(producer->kafka, request);
}

static void lingered(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_send_queue *queue = subject;
	int64_t free_us = simulated_client_free_us(&queue->producer->client, false);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, lingered, queue);
		return;
	}
	queue->lingering = false;
	send_queue_send(queue);
}

static struct simulated_send_queue *send_queue_of(struct simulated_producer *producer, struct simulated_partition *partition)
{
	struct simulated_send_queue *queue = producer->send_queues[partition->number];
	if (queue || !(queue = producer->send_queues[partition->number] = simulated_take(producer->kafka, 1, sizeof *queue)))
		return queue;
	*queue = (struct simulated_send_queue){.producer = producer, .partition = partition, .end = &queue->first};
	return queue;
}

static enum produce_verdict may_put(struct simulated_producer *producer, struct error *error)
{
	if (producer->fenced || producer->spoilt || producer->shrinks) {
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer takes nothing more");
		return PRODUCE_SPOILT;
	}
	return simulated_mishap_injected(producer->kafka, SIMULATED_QUEUE_FULL) ? PRODUCE_FULL : PRODUCED;
}

static enum produce_verdict entry_put(struct simulated_producer *producer, struct simulated_entry *entry,
				      struct simulated_partition *partition, struct error *error)
{
	struct simulated_kafka *kafka = producer->kafka;
	struct simulated_send_queue *queue = entry ? send_queue_of(producer, partition) : NULL;
	if (!queue) {
		error_memory(error, ERROR_SYSTEM, "producing");
		return PRODUCE_SPOILT;
	}
	*queue->end = entry;
	queue->end = &entry->next;
	producer->waiting++;
	if (!queue->lingering) {
		queue->lingering = true;
		simulated_note(kafka, kafka->now_us + kafka->config.linger_us, lingered, queue);
	}
	return PRODUCED;
}

enum produce_verdict simulated_producer_put(struct simulated_producer *producer, const struct outgoing *record, unsigned batch,
					    struct error *error)
{
	enum produce_verdict verdict = may_put(producer, error);
	if (verdict != PRODUCED)
		return verdict;
	struct simulated_entry *entry = simulated_entry_make(producer->kafka, record);
	if (entry) {
		entry->batch = batch;
		entry->unwanted = is_unwanted(producer, record);
		entry->origin = record->origin;
		entry->topic = record->topic;
	}
	return entry_put(producer, entry, simulated_partition_of(producer->topics[record->topic], record), error);
}

enum produce_verdict simulated_producer_put_entry(struct simulated_producer *producer, struct simulated_entry *entry,
						  struct simulated_partition *partition, struct error *error)
{
	enum produce_verdict verdict = may_put(producer, error);
	return verdict == PRODUCED ? entry_put(producer, entry, partition, error) : verdict;
}

bool simulated_producer_topics(struct simulated_producer *producer, const char *const *names, size_t count, struct error *error)
{
	const struct simulated_topic **topics = simulated_take(producer->kafka, count, sizeof(struct simulated_topic *));
	if (!topics)
		return error_memory(error, ERROR_SYSTEM, "opening a producer");
	for (size_t i = 0; i < count; i++)
		topics[i] = simulated_find(producer->kafka, names[i]);
	producer->topics = topics;
	return true;
}

struct simulated_producer *simulated_producer_make(struct simulated_host *host, const struct transaction_config *config,
						   unsigned *closed_sockets)
{
	struct simulated_kafka *kafka = host->kafka;
	struct simulated_producer *producer = simulated_take(kafka, 1, sizeof *producer);
	struct error error = {0};
	if (!producer)
		return NULL;
	producer->kafka = kafka;
	producer->client = (struct simulated_client){host, false, closed_sockets};
	producer->batch_bytes = atomic_load(&host->batches.bytes);
	if (producer->batch_bytes == 0)
		producer->batch_bytes = BATCH_USUAL_BYTES;
	if (!simulated_producer_topics(producer, config->topics, config->topic_count, &error))
		return NULL;
	producer->send_queues = simulated_take(kafka, kafka->partition_count, sizeof(struct simulated_send_queue *));
	return producer->send_queues ? producer : NULL;
}
