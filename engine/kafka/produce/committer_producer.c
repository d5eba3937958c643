/* committer_producer.c: Transactional producer of a committer: its settings, its events, and the records that Kafka refused. See
 * committer_parts.h. */
#include "kafka/produce/committer_parts.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static int on_close_socket(int socket, void *context)
{
	struct committer *committer = context;
	atomic_fetch_add(&committer->closed_sockets, 1);
	return close(socket);
}

static void committer_on_log_line(const rd_kafka_t *client, int level, const char *facility, const char *words)
{
	if (client_tells_transaction(facility))
		atomic_store(&((struct committer *)rd_kafka_opaque(client))->warned, true);
	client_on_log_line(client, level, facility, words);
}

static rd_kafka_conf_t *configuration_of(struct committer *committer, size_t *batch_bytes, struct error *error)
{
	char timeout[16], socket_timeout[16];
	snprintf(timeout, sizeof timeout, "%d", committer->timeout_ms);
	/* A request without an answer after this time is sent again. That should not happen before the transaction
	 * itself times out. */
	snprintf(socket_timeout, sizeof socket_timeout, "%d", committer->timeout_ms - 100);
	const struct property own[] = {
		{"bootstrap.servers", committer->config->brokers},
		{"allow.auto.create.topics", "false"}, /* a topic that Kafka creates by itself has other settings and partitions */
		{"transactional.id", committer->config->id},
		{"transaction.timeout.ms", timeout},
		{"socket.timeout.ms", socket_timeout},
		{"linger.ms", "5"},
		/* A deleted topic must be detected before the transaction times out. */
		{"topic.metadata.propagation.max.ms", "5000"},
		{"partitioner", "murmur2_random"},
		/* Successful records need no report: the commit reports all. */
		{"delivery.report.only.error", "true"},
		{"statistics.interval.ms", committer->config->statistics ? CLIENT_STATISTICS_MS : NULL},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, committer->config->properties, error);
	if (!configuration)
		return NULL;
	client_keep_partitions(configuration, committer->config->properties);
	*batch_bytes = client_limit_batches(configuration, committer->config->properties, committer->batches);
	rd_kafka_conf_set_opaque(configuration, committer);
	rd_kafka_conf_set_log_cb(configuration, committer_on_log_line);
	rd_kafka_conf_set_closesocket_cb(configuration, on_close_socket);
	/* As events, because a commit then waits only for the number of unsent records, instead of polling for
	 * callbacks every 10 ms. */
	rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS);
	return configuration;
}

static void note_refusal(struct committer *committer, const rd_kafka_message_t *report)
{
	switch (refusal_cause(report, committer->batch_bytes)) {
	case REFUSAL_OF_RECORD:
		refusals_note(&committer->refusals, &committer->topics, report);
		break;
	case REFUSAL_OF_BATCH: /* another producer produces the whole transaction again */
		refusal_lower_batches(committer->batches, committer->batch_bytes, report);
		break;
	case REFUSAL_OF_RIGHT:
		refusals_deny(&committer->refusals, topic_handles_find(&committer->topics, report), false);
		break;
	case REFUSAL_OF_ABSENCE:
		refusals_deny(&committer->refusals, topic_handles_find(&committer->topics, report), true);
		break;
	case REFUSAL_OF_CLOCK:
		refusal_name_clock(report, &committer->lost);
		committer->lost_at_ms = clock_ms();
		break;
	case REFUSAL_OF_BROKER:
		broker_refusals_note(&committer->broker_refusals, report, clock_ms());
		break;
	case REFUSAL_OF_PRODUCER: /* the next call reports it */
		break;
	case REFUSAL_OF_LOSS:
		if (committer->lost.kind == ERROR_NONE && !client_has_topic(report, &committer->lost))
			committer->lost_at_ms = clock_ms() + CLIENT_PATIENCE_MS;
		break;
	}
}

static void note_refused(struct committer *committer, rd_kafka_event_t *event)
{
	const rd_kafka_message_t *message;
	while ((message = rd_kafka_event_message_next(event)))
		if (message->err)
			note_refusal(committer, message);
}

void committer_events_drain(struct committer *committer)
{
	rd_kafka_event_t *event;
	while (committer->queue && (event = rd_kafka_queue_poll(committer->queue, 0))) {
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
			note_refused(committer, event);
		else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_STATS)
			client_note_statistics(event, committer->config->statistics);
		rd_kafka_event_destroy(event);
	}
}

void committer_producer_close(struct committer *committer)
{
	if (!committer->producer)
		return;
	client_quiet_transactions(committer->producer);
	pthread_mutex_lock(&committer->lock);
	committer_events_drain(committer);
	rd_kafka_queue_t *queue = committer->queue;
	committer->queue = NULL;
	pthread_mutex_unlock(&committer->lock);
	client_queue_forget(queue);
	topic_handles_close(&committer->topics);
	rd_kafka_destroy(committer->producer);
	committer->producer = NULL;
}

bool committer_producer_open(struct committer *committer, struct error *error)
{
	size_t batch_bytes = 0;
	rd_kafka_conf_t *configuration = configuration_of(committer, &batch_bytes, error);
	committer->producer = configuration ? client_open(RD_KAFKA_PRODUCER, configuration, error) : NULL;
	if (!committer->producer)
		return false;
	rd_kafka_queue_t *queue = rd_kafka_queue_get_main(committer->producer);
	client_queue_ring(queue, committer->bell);
	pthread_mutex_lock(&committer->lock);
	committer->queue = queue;
	committer->batch_bytes = batch_bytes;
	broker_refusals_renew(&committer->broker_refusals);
	pthread_mutex_unlock(&committer->lock);
	return topic_handles_follow(&committer->topics, committer->producer, committer->names, committer->name_count, error);
}
