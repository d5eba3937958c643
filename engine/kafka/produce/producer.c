/* producer.c: see producer.h. */
#include "kafka/produce/producer.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#define MARGIN_MS 100	/* between the end of a request, and that of its transaction: librdkafka requires it */
#define GIVE_UP_MS 200 /* for a transaction that is given up */

/* ---- configuration ---- */

static int on_close_socket(int socket, void *context)
{
	struct transaction_notes *notes = context;
	atomic_fetch_add(&notes->closed_sockets, 1);
	return close(socket);
}

static void on_log_line(const rd_kafka_t *client, int level, const char *facility, const char *words)
{
	struct transaction_notes *notes = rd_kafka_opaque(client);
	if (client_tells_transaction(facility))
		atomic_store(&notes->warned, true);
	client_on_log_line(client, level, facility, words);
}

static rd_kafka_conf_t *settings_of(const struct producer_config *config, struct error *error)
{
	const bool transacts = config->policy == PRODUCER_TRANSACTS, acknowledges = config->policy == PRODUCER_ACKNOWLEDGES;
	char timeout[24], request[24], record[24], queue[24];
	(void)snprintf(timeout, sizeof timeout, "%lld", (long long)config->timeout_ms);
	(void)snprintf(request, sizeof request, "%lld", (long long)config->timeout_ms - MARGIN_MS);
	(void)snprintf(record, sizeof record, "%zu", config->record_bytes);
	(void)snprintf(queue, sizeof queue, "%zu", config->queue_bytes / 1024 + 1);
	const struct property own[] = {
		{"bootstrap.servers", config->brokers},
		/* A topic that Kafka creates by itself has other settings and partitions. */
		{"allow.auto.create.topics", config->creates_topics ? NULL : "false"},
		{"linger.ms", config->linger_ms},
		{"enable.idempotence", acknowledges ? "true" : NULL},
		{"transactional.id", config->id},
		{transacts ? "transaction.timeout.ms" : "message.timeout.ms", timeout},
		/* A request without an answer after this time is sent again. That should not happen before the transaction itself
		 * times out. */
		{"socket.timeout.ms", transacts ? request : NULL},
		/* A deleted topic must be detected before the transaction times out. */
		{"topic.metadata.propagation.max.ms", transacts ? "5000" : NULL},
		/* Where Java's producers would put a record with a key; by best effort in the partition of its request. */
		{"partitioner", acknowledges || config->keeps_partitions ? "murmur2_random" : NULL},
		{"sticky.partitioning.linger.ms", config->policy == PRODUCER_MAY_LOSE ? "0" : NULL},
		{"message.max.bytes", config->record_bytes > 0 ? record : NULL},
		{"queue.buffering.max.kbytes", config->queue_bytes > 0 ? queue : NULL},
		{"delivery.report.only.error", config->reports_failures ? "true" : NULL},
		{"statistics.interval.ms", config->has_statistics ? CLIENT_STATISTICS_MS : NULL},
	};
	return client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->users, error);
}

rd_kafka_conf_t *producer_configure(const struct producer_config *config, size_t *batch_bytes, struct error *error)
{
	const bool transacts = config->policy == PRODUCER_TRANSACTS;
	assert(config->brokers && transacts == (config->id != NULL) && transacts == (config->notes != NULL));
	rd_kafka_conf_t *configuration = settings_of(config, error);
	if (!configuration)
		return NULL;
	if (config->keeps_partitions)
		client_keep_partitions(configuration, config->users);
	*batch_bytes = client_limit_batches(configuration, config->users, config->batches);
	rd_kafka_conf_set_opaque(configuration, transacts ? config->notes : config->context);
	if (config->is_quiet)
		rd_kafka_conf_set_log_cb(configuration, NULL);
	else if (transacts)
		rd_kafka_conf_set_log_cb(configuration, on_log_line);
	if (transacts)
		rd_kafka_conf_set_closesocket_cb(configuration, on_close_socket);
	if (config->has_events)
		rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS);
	else if (config->reported)
		rd_kafka_conf_set_dr_msg_cb(configuration, config->reported);
	return configuration;
}

/* ---- opening and closing ---- */

bool producer_open(struct producer *producer, rd_kafka_conf_t *configuration, int bell, struct error *error)
{
	assert(!producer->client);
	producer->client = configuration ? client_open(RD_KAFKA_PRODUCER, configuration, error) : NULL;
	if (!producer->client)
		return false;
	if (bell < 0)
		return true;
	producer->queue = rd_kafka_queue_get_main(producer->client);
	client_queue_ring(producer->queue, bell);
	return true;
}

bool producer_start(struct producer *producer, const struct producer_config *config, int bell, struct error *error)
{
	return producer_open(producer, producer_configure(config, &producer->batch_bytes, error), bell, error);
}

bool producer_topics(struct producer *producer, const char *const *names, size_t count, struct error *error)
{
	return topic_handles_follow(&producer->topics, producer->client, names, count, error);
}

void producer_close(struct producer *producer, int wait_s)
{
	rd_kafka_t *client = producer->client;
	client_queue_forget(producer->queue);
	producer->queue = NULL;
	topic_handles_close(&producer->topics);
	producer->client = NULL;
	if (client && wait_s == PRODUCER_WAITS)
		rd_kafka_destroy(client);
	else if (client)
		client_destroy(client, wait_s);
}

/* ---- records that are given up, or produced again ---- */

/* librdkafka (2.0 and 2.12) crashes if a transactional producer is destroyed while it adds partitions to a transaction, because
 * that request may end before it is counted. It also crashes while it has requests in flight, because it handles their answers
 * after it has freed their memory. So the producer first stops adding partitions, and then waits until it expects no answers. */
void producer_quiet(const struct producer *producer)
{
	if (!producer->client)
		return;
	rd_kafka_error_destroy(rd_kafka_abort_transaction(producer->client, GIVE_UP_MS));
	(void)rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

void producer_purge(const struct producer *producer)
{
	(void)rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

rd_kafka_resp_err_t producer_failure(const struct producer *producer, char reason[LIBRARY_TEXT_MAX])
{
	if (!producer->client)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	return rd_kafka_fatal_error(producer->client, reason, reason ? LIBRARY_TEXT_MAX : 0);
}

rd_kafka_resp_err_t producer_repeat(const struct producer *producer, rd_kafka_topic_t *topic, const rd_kafka_message_t *record,
				    const rd_kafka_headers_t *headers)
{
	rd_kafka_headers_t *copy = headers ? rd_kafka_headers_copy(headers) : NULL;
	if (headers && !copy)
		return RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
	const rd_kafka_resp_err_t code =
		rd_kafka_producev(producer->client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(record->partition),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(record->key, record->key_len),
				  RD_KAFKA_V_VALUE(record->payload, record->len), RD_KAFKA_V_HEADERS(copy),
				  RD_KAFKA_V_OPAQUE(record->_private), RD_KAFKA_V_END);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR && copy) /* librdkafka takes them only on success */
		rd_kafka_headers_destroy(copy);
	return code;
}
