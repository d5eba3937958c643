/* request_producer.c: Producer of a gateway's requests; see request_producer.h. It is idempotent, so that a
 * request is not answered twice when it is sent again because its acknowledgement is missing. */
#include "kafka/produce/request_producer.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/client_statistics.h"
#include "kafka/kafka_log.h"
#include "kafka/produce/producer.h"
#include "kafka/produce/request_batching.h"

#define CLOSE_WAIT_S 2
#define RETIRED_MAX 12 /* lanes: as often as the bound can be lowered at once (BATCH_LOWER_BY) */
#define RENEWAL_PAUSE_MS 1000 /* between two clients: without a right that all need, each would fail at once */

/* A client with its bound of batches, which librdkafka takes only when a client is opened. */
struct request_lane {
	struct producer producer;
	struct request_batching *batching; /* NULL: each record leaves at once */
	bool is_limited; /* it could send larger batches by its settings */
};

struct request_producer {
	const struct request_producer_config *config;
	struct batch_limit limit;
	size_t told_bytes; /* the last limit that request_producer_limit() was told; 0: none */
	int64_t renewal_ms; /* before, no client is opened in place of one that has failed */
	struct request_lane usual;
	struct request_lane alone; /* of records whose batch was refused: each is a batch; opened for the first */
	size_t retired_count;
	struct request_lane retired[RETIRED_MAX]; /* former usual ones, until the last of their records is reported */
};

/* ---- lanes ---- */

static struct request_lane *lane_find(struct request_producer *producer, const rd_kafka_t *client)
{
	struct request_lane *lane = client == producer->alone.producer.client ? &producer->alone : &producer->usual;
	for (size_t i = 0; i < producer->retired_count; i++)
		if (producer->retired[i].producer.client == client)
			lane = &producer->retired[i];
	return lane;
}

static void lane_close(struct request_lane *lane, int wait_s)
{
	request_batching_close(lane->batching);
	if (lane->producer.client)
		producer_purge(&lane->producer);
	producer_close(&lane->producer, wait_s);
	*lane = (struct request_lane){0};
}

static bool lane_open(struct request_producer *producer, struct request_lane *lane, const struct batch_limit *limit,
		      struct error *error);

/* Gives the lane the topics that the usual one has. */
static bool lane_topics_follow(struct request_lane *lane, const struct topic_handles *topics, struct error *error)
{
	const char **names = memory_take(topics->count + 1, sizeof *names);
	for (size_t i = 0; names && i < topics->count; i++)
		names[i] = rd_kafka_topic_name(topics->items[i]);
	const bool good = names && producer_topics(&lane->producer, names, topics->count, error);
	memory_give(names);
	return good;
}

/* Opens a lane with the present bound in place of the usual one. False: it stays. */
static bool usual_replace(struct request_producer *producer)
{
	struct request_lane lane = {0};
	struct error error = {0};
	if (producer->retired_count == RETIRED_MAX)
		return false;
	if (!lane_open(producer, &lane, &producer->limit, &error) ||
	    !lane_topics_follow(&lane, &producer->usual.producer.topics, &error)) {
		lane_close(&lane, 0);
		return false;
	}
	producer->retired[producer->retired_count++] = producer->usual;
	producer->usual = lane;
	return true;
}

/* ---- clients that have failed ---- */

static bool lane_has_failed(const struct request_lane *lane)
{
	return producer_failure(&lane->producer, NULL) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Whether another client may be opened now in place of this one. Logs why. */
static bool renewal_is_due(struct request_producer *producer, const struct request_lane *lane)
{
	char reason[LIBRARY_TEXT_MAX], line[LIBRARY_TEXT_MAX + 100];
	const int64_t now_ms = clock_ms();
	if (!lane_has_failed(lane) || now_ms < producer->renewal_ms || producer->retired_count == RETIRED_MAX)
		return false;
	producer->renewal_ms = now_ms + RENEWAL_PAUSE_MS;
	(void)producer_failure(&lane->producer, reason);
	(void)snprintf(line, sizeof line, "Kafka: the producer of requests stopped: %s; another one takes its place", reason);
	kafka_log_repeat(LOG_LEVEL_WARN, line);
	return true;
}

/* ---- what Kafka refuses as a batch ---- */

static bool record_repeat(const struct request_lane *lane, const rd_kafka_message_t *message, uint32_t topic)
{
	rd_kafka_headers_t *headers;
	const bool has_headers = rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR;
	return producer_repeat(&lane->producer, lane->producer.topics.items[topic], message, has_headers ? headers : NULL) ==
	       RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Produces a record again whose batch was refused. False: it was alone in that batch, or it cannot be produced. */
static bool record_isolate(struct request_producer *producer, struct request_lane *lane, const rd_kafka_message_t *message)
{
	static const struct batch_limit one = {.bytes = 1};
	struct error error = {0};
	const uint32_t topic = topic_handles_find(&lane->producer.topics, message);
	if (refusal_cause(message, lane->producer.batch_bytes) != REFUSAL_OF_BATCH)
		return false;
	if (lane == &producer->usual) {
		refusal_lower_batches(&producer->limit, lane->producer.batch_bytes, message);
		if (usual_replace(producer) && producer->config->narrowed)
			producer->config->narrowed(producer->config->context);
	}
	if (renewal_is_due(producer, &producer->alone)) {
		producer->retired[producer->retired_count++] = producer->alone;
		producer->alone = (struct request_lane){0};
	}
	if (!producer->alone.producer.client && !lane_open(producer, &producer->alone, &one, &error))
		lane_close(&producer->alone, 0);
	return producer->alone.producer.client &&
	       lane_topics_follow(&producer->alone, &producer->usual.producer.topics, &error) &&
	       record_repeat(&producer->alone, message, topic);
}

/* ---- in the thread of the loop ---- */

static void request_producer_on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	struct request_producer *producer = context;
	struct request_lane *lane = lane_find(producer, client);
	if (lane->batching)
		request_batching_note_report(lane->batching, message);
	if (message->err && record_isolate(producer, lane, message))
		return;
	const struct request_report report = {
		.number = (uint64_t)(uintptr_t)message->_private,
		.refused = message->err ? rd_kafka_err2str(message->err) : NULL,
		.is_uncertain = message->err && rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED,
		.is_too_large = failure_is_of_size(message->err),
		.gone = failure_is_absence(message->err) ? rd_kafka_topic_name(message->rkt) : NULL,
		.partition = message->partition,
		.offset = message->offset,
	};
	producer->config->reported(producer->config->context, &report);
}

static void on_refused(void *context, uint64_t number)
{
	const struct request_producer *producer = context;
	const struct request_report report = {
		.number = number, .refused = "the producer's queue is full", .partition = -1, .offset = OFFSET_NONE};
	producer->config->reported(producer->config->context, &report);
}

static int request_producer_on_statistics(rd_kafka_t *client, char *json, size_t length, void *context)
{
	const struct request_producer *producer = context;
	struct error error = {0};
	if (client == producer->usual.producer.client)
		(void)client_statistics_read((struct text){json, length}, producer->config->statistics, &error);
	return 0; /* librdkafka frees the text */
}

static bool lane_open(struct request_producer *producer, struct request_lane *lane, const struct batch_limit *limit,
		      struct error *error)
{
	const struct request_producer_config *config = producer->config;
	const struct producer_config core = {
		.policy = PRODUCER_ACKNOWLEDGES,
		.brokers = config->brokers,
		.timeout_ms = config->timeout_ms,
		.linger_ms = "0",
		.record_bytes = config->message_bytes,
		.queue_bytes = config->queue_bytes,
		.users = config->properties,
		.batches = limit,
		.has_statistics = config->statistics != NULL,
		.reported = request_producer_on_report,
		.context = producer,
	};
	rd_kafka_conf_t *configuration = producer_configure(&core, &lane->producer.batch_bytes, error);
	if (!configuration)
		return false;
	lane->is_limited = lane->producer.batch_bytes == atomic_load(&limit->bytes);
	if (config->statistics)
		rd_kafka_conf_set_stats_cb(configuration, request_producer_on_statistics);
	lane->batching = config->loop ? request_batching_open(configuration, config->loop, on_refused, producer) : NULL;
	if (config->loop && !lane->batching) {
		rd_kafka_conf_destroy(configuration);
		return error_memory(error, ERROR_SYSTEM, "opening a producer of requests");
	}
	return producer_open(&lane->producer, configuration, config->bell, error);
}

struct request_producer *request_producer_open(const struct request_producer_config *config, struct error *error)
{
	assert(config->brokers && config->reported);
	assert(config->message_bytes > 0 && config->queue_bytes > 0);
	struct request_producer *producer = memory_take(1, sizeof *producer);
	if (!producer) {
		error_memory(error, ERROR_SYSTEM, "opening a producer of requests");
		return NULL;
	}
	producer->config = config;
	if (lane_open(producer, &producer->usual, &producer->limit, error))
		return producer;
	request_producer_close(producer);
	return NULL;
}

void request_producer_close(struct request_producer *producer)
{
	if (!producer)
		return;
	for (size_t i = 0; i < producer->retired_count; i++)
		lane_close(&producer->retired[i], 0);
	lane_close(&producer->alone, CLOSE_WAIT_S);
	lane_close(&producer->usual, CLOSE_WAIT_S);
	memory_give(producer);
}

bool request_producer_topics(struct request_producer *producer, const char *const *names, size_t count, struct error *error)
{
	return producer_topics(&producer->usual.producer, names, count, error);
}

void request_producer_limit(struct request_producer *producer, size_t bytes)
{
	const struct request_lane *usual = &producer->usual;
	if (bytes == producer->told_bytes) /* what Kafka's refusals have shown since then holds */
		return;
	producer->told_bytes = bytes;
	atomic_store(&producer->limit.bytes, bytes);
	const size_t now_bytes = usual->producer.batch_bytes;
	if (bytes < now_bytes || (usual->is_limited && bytes > now_bytes))
		(void)usual_replace(producer);
}

static enum produce_verdict record_send(struct request_lane *lane, const struct outgoing *record, uint64_t number,
					struct error *error)
{
	rd_kafka_t *client = lane->producer.client;
	rd_kafka_topic_t *topic = lane->producer.topics.items[record->topic];
	if (lane->batching)
		return request_batching_produce(lane->batching, client, topic, record, number, error);
	return client_produce(client, topic, record, (void *)(uintptr_t)number, error);
}

enum produce_verdict request_producer_send(struct request_producer *producer, const struct outgoing *record, uint64_t number,
					   struct error *error)
{
	struct request_lane *usual = &producer->usual;
	assert(number > 0 && record->topic < usual->producer.topics.count);
	const enum produce_verdict verdict = record_send(usual, record, number, error);
	if (verdict != PRODUCE_SPOILT || !renewal_is_due(producer, usual) || !usual_replace(producer))
		return verdict;
	return record_send(usual, record, number, error);
}

int32_t request_producer_answers(const struct request_producer *producer, struct text key, int32_t partition)
{
	const struct properties *users = &producer->config->properties;
	for (size_t i = 0; i < users->count; i++)
		if (strcmp(users->items[i].name, "partitioner") == 0)
			return -1;
	return key.bytes ? rd_kafka_msg_partitioner_murmur2(NULL, key.bytes, key.length, INT32_MAX, NULL, NULL) : partition;
}

/* True: nothing of the lane is left. */
static bool lane_tell(const struct request_lane *lane)
{
	(void)rd_kafka_poll(lane->producer.client, 0);
	const bool is_empty = !lane->batching || request_batching_count(lane->batching) == 0;
	if (lane->batching)
		request_batching_report_refused(lane->batching);
	return is_empty && rd_kafka_outq_len(lane->producer.client) == 0;
}

void request_producer_tell(struct request_producer *producer)
{
	const struct request_lane usual = producer->usual; /* a report may replace it */
	(void)lane_tell(&usual);
	if (producer->alone.producer.client)
		(void)lane_tell(&producer->alone);
	for (size_t i = producer->retired_count; i-- > 0;) {
		if (!lane_tell(&producer->retired[i]))
			continue;
		lane_close(&producer->retired[i], 0);
		producer->retired[i] = producer->retired[--producer->retired_count];
	}
}
