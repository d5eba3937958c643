/* committer_producer.c: Transactional producer of a committer: its settings, its events, and the records that Kafka refused. See
 * committer_parts.h. */
#include "kafka/produce/committer_parts.h"

#include "base/clock.h"

static void note_refusal(struct committer *committer, const rd_kafka_message_t *report)
{
	switch (refusal_cause(report, committer->producer.batch_bytes)) {
	case REFUSAL_OF_RECORD:
		refusals_note(&committer->refusals, &committer->producer.topics, report);
		break;
	case REFUSAL_OF_BATCH: /* another producer produces the whole transaction again */
		refusal_lower_batches(committer->batches, committer->producer.batch_bytes, report);
		break;
	case REFUSAL_OF_RIGHT:
		refusals_deny(&committer->refusals, topic_handles_find(&committer->producer.topics, report), false);
		break;
	case REFUSAL_OF_ABSENCE:
		refusals_deny(&committer->refusals, topic_handles_find(&committer->producer.topics, report), true);
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
	while (committer->producer.queue && (event = rd_kafka_queue_poll(committer->producer.queue, 0))) {
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
			note_refused(committer, event);
		else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_STATS)
			client_note_statistics(event, committer->config->statistics);
		rd_kafka_event_destroy(event);
	}
}

void committer_producer_close(struct committer *committer)
{
	producer_quiet(&committer->producer);
	pthread_mutex_lock(&committer->lock);
	committer_events_drain(committer);
	struct producer closed = committer->producer;
	committer->producer = (struct producer){.topics.awaited = closed.topics.awaited};
	pthread_mutex_unlock(&committer->lock);
	producer_close(&closed, PRODUCER_WAITS);
}

bool committer_producer_open(struct committer *committer, struct error *error)
{
	const struct producer_config config = {
		.policy = PRODUCER_TRANSACTS,
		.brokers = committer->config->brokers,
		.id = committer->config->id,
		.notes = &committer->notes,
		.timeout_ms = committer->timeout_ms,
		.linger_ms = "5",
		.users = committer->config->properties,
		.batches = committer->batches,
		.keeps_partitions = true,
		.has_statistics = committer->config->statistics != NULL,
		.reports_failures = true, /* the commit reports all records that were stored */
		/* A commit then waits only for the number of unsent records, instead of polling for callbacks every 10 ms. */
		.has_events = true,
	};
	struct producer opened = {.topics.awaited = committer->producer.topics.awaited};
	if (!producer_start(&opened, &config, committer->bell, error))
		return false;
	pthread_mutex_lock(&committer->lock);
	committer->producer = opened;
	broker_refusals_renew(&committer->broker_refusals);
	pthread_mutex_unlock(&committer->lock);
	return producer_topics(&committer->producer, committer->names, committer->name_count, error);
}
