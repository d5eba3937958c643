/* shipments.c: At-least-once output on Kafka. commit_batches.c decides which offsets are committed, and when. See
 * shipments.h. */
#include "log/shipments.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/client.h"
#include "log/commit_batches.h"
#include "log/produce_batch.h"
#include "net/loop.h"

#define FALLS_MAX 3 /* failures of producers within a while: then the next one would fail too */
#define FALLS_WHILE_MS 60000

struct kafka_shipments {
	struct output output; /* first: the table of operations */
	const struct transaction_config *config;
	const struct consumer *consumer;
	int bell;
	struct batch_limit *batches, own_batches;
	size_t batch_bytes; /* of this producer, at most */
	rd_kafka_t *producer;
	rd_kafka_queue_t *reports; /* the producer's events */
	rd_kafka_queue_t *commits; /* the consumer's answer to the commit in progress; NULL: none is */
	struct topic_handles topics;
	const char *const *names; /* of the topics */
	size_t name_count;
	struct refusals refusals;
	bool started; /* and reported */
	bool fallen;  /* the producer has failed: it is replaced when the open batch has ended */
	bool shrinks; /* it has failed because its batches were too large, which was already reported */
	unsigned falls;
	int64_t fallen_ms;
	uint64_t resets;
	char reason[LIBRARY_TEXT_MAX]; /* of the last failure */
	struct hindrance hindrance;    /* to the commits */
	struct commit_batches commit_batches;
	int64_t ended_us;
	int64_t commit_us;
	struct error failure;
	struct produce_batch produce_batch;
};

/* ---- opening and closing ---- */

static rd_kafka_conf_t *configuration_of(struct kafka_shipments *shipments, struct error *error)
{
	const struct transaction_config *config = shipments->config;
	const struct property own[] = {
		{"bootstrap.servers", config->brokers},
		{"allow.auto.create.topics", "false"}, /* a topic that Kafka creates by itself has other settings and partitions */
		{"enable.idempotence", "true"},
		{"message.timeout.ms", "0"}, /* an unreachable broker is waited for: accepted records must arrive */
		{"linger.ms", "5"},
		{"partitioner", "murmur2_random"},
		{"statistics.interval.ms", config->statistics ? CLIENT_STATISTICS_MS : NULL},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->properties, error);
	if (!configuration)
		return NULL;
	client_keep_partitions(configuration, config->properties);
	shipments->batch_bytes = client_limit_batches(configuration, shipments->batches);
	rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS);
	return configuration;
}

static bool producer_open(struct kafka_shipments *shipments, struct error *error)
{
	rd_kafka_conf_t *configuration = configuration_of(shipments, error);
	shipments->producer = configuration ? client_open(RD_KAFKA_PRODUCER, configuration, error) : NULL;
	if (!shipments->producer)
		return false;
	shipments->reports = rd_kafka_queue_get_main(shipments->producer);
	client_queue_ring(shipments->reports, shipments->bell);
	return topic_handles_follow(&shipments->topics, shipments->producer, shipments->names, shipments->name_count, error);
}

/* Closes everything that belongs to the producer, and returns the producer to the caller. */
static rd_kafka_t *producer_take_down(struct kafka_shipments *shipments)
{
	topic_handles_close(&shipments->topics);
	rd_kafka_t *producer = shipments->producer;
	shipments->producer = NULL;
	client_queue_forget(shipments->reports);
	shipments->reports = NULL;
	return producer;
}

static bool shipments_set_up(struct kafka_shipments *shipments, struct error *error)
{
	shipments->names = shipments->config->topics;
	shipments->name_count = shipments->config->topic_count;
	shipments->bell = bell_open(error);
	if (shipments->bell < 0 || !producer_open(shipments, error))
		return false;
	bell_ring(shipments->bell); /* the first event: it is open */
	return true;
}

static const struct output_operations operations;

struct output *shipments_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	struct kafka_shipments *shipments = memory_take(1, sizeof *shipments);
	if (!shipments) {
		error_memory(error, ERROR_SYSTEM, "opening a producer");
		return NULL;
	}
	shipments->output.operations = &operations;
	shipments->config = config;
	shipments->consumer = consumer;
	shipments->batches = config->batches ? config->batches : &shipments->own_batches;
	if (shipments_set_up(shipments, error))
		return &shipments->output;
	output_close(&shipments->output);
	return NULL;
}

static void forget_commit(struct kafka_shipments *shipments)
{
	client_queue_forget(shipments->commits);
	shipments->commits = NULL;
}

static void shipments_close(struct output *self)
{
	struct kafka_shipments *shipments = (struct kafka_shipments *)self;
	forget_commit(shipments);
	refusals_close(&shipments->refusals);
	rd_kafka_t *producer = producer_take_down(shipments);
	if (producer)
		rd_kafka_destroy(producer);
	if (shipments->bell >= 0)
		close(shipments->bell);
	commit_batches_close(&shipments->commit_batches);
	memory_give(shipments);
}

static int shipments_bell(const struct output *self)
{
	return ((const struct kafka_shipments *)self)->bell;
}

/* ---- a producer that fails ---- */

/* Whether the producer has a fatal error of librdkafka: its state and the broker's differ, so it cannot continue, and
 * its records are void. Another producer can. */
static bool has_fallen(struct kafka_shipments *shipments)
{
	if (shipments->fallen)
		return true;
	rd_kafka_resp_err_t code = rd_kafka_fatal_error(shipments->producer, shipments->reason, sizeof shipments->reason);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	int64_t now_ms = clock_ms();
	if (now_ms - shipments->fallen_ms > FALLS_WHILE_MS)
		shipments->falls = 0;
	shipments->fallen_ms = now_ms;
	shipments->fallen = true;
	if (++shipments->falls > FALLS_MAX || failure_is_lasting(code))
		error_set(&shipments->failure, ERROR_SYSTEM, PLACE_NONE,
			  "Kafka's producer stopped%s: %s; nothing is committed that was not acknowledged. Check the brokers "
			  "and the rights of this login, and start again",
			  shipments->falls > FALLS_MAX ? " again and again" : "", shipments->reason);
	bell_ring(shipments->bell);
	return true;
}

/* Replaces the producer. Everything that is not committed is taken and produced again. */
static enum transaction_news replace_fallen(struct kafka_shipments *shipments, struct error *error)
{
	char line[LIBRARY_TEXT_MAX + 100];
	snprintf(line, sizeof line, "Kafka: the producer stopped: %s; a new one sends again what is not committed",
		 shipments->reason);
	if (!shipments->shrinks)
		client_say(LOG_LEVEL_WARN, line);
	shipments->fallen = shipments->shrinks = false;
	shipments->resets++;
	produce_batch_empty(&shipments->produce_batch);
	(void)rd_kafka_purge(shipments->producer,
			     RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	client_destroy(producer_take_down(shipments), 0);
	return producer_open(shipments, error) ? NEWS_RESET : NEWS_BROKEN;
}

/* ---- acknowledgements ---- */

/* Replaces the producer by one with smaller batches, which produces everything that is not committed. No record may
 * leave before the refused batch. */
static void shrink(struct kafka_shipments *shipments, const rd_kafka_message_t *report)
{
	refusal_lower_batches(shipments->batches, shipments->batch_bytes, report);
	(void)snprintf(shipments->reason, sizeof shipments->reason, "topic %s refused a batch of records: %s",
		       rd_kafka_topic_name(report->rkt), rd_kafka_err2str(report->err));
	shipments->fallen = shipments->shrinks = true;
	(void)rd_kafka_purge(shipments->producer,
			     RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	bell_ring(shipments->bell);
}

static void read_refusal(struct kafka_shipments *shipments, const rd_kafka_message_t *report)
{
	unsigned batch = tag_lot(report->_private);
	switch (refusal_cause(report, shipments->batch_bytes)) {
	case REFUSAL_OF_RECORD:
		refusals_note(&shipments->refusals, &shipments->topics, report);
		commit_batches_refused(&shipments->commit_batches, batch);
		commit_batches_acknowledged(&shipments->commit_batches, batch);
		break;
	case REFUSAL_OF_BATCH:
		shrink(shipments, report); /* so its batch is never committed */
		break;
	case REFUSAL_OF_CLOCK:
		refusal_name_clock(report, &shipments->failure);
		break;
	case REFUSAL_OF_ALL:
		error_set(&shipments->failure, ERROR_SYSTEM, PLACE_NONE,
			  "Kafka refuses a record for %s: %s; its offset is not committed. Check the topic, and start again",
			  rd_kafka_topic_name(report->rkt), rd_kafka_err2str(report->err));
		break;
	}
}

static void read_reports(struct kafka_shipments *shipments, rd_kafka_event_t *event)
{
	const rd_kafka_message_t *message;
	while ((message = rd_kafka_event_message_next(event)))
		if (!message->err)
			commit_batches_acknowledged(&shipments->commit_batches, tag_lot(message->_private));
		else if (!has_fallen(shipments))
			read_refusal(shipments, message);
	if (shipments->refusals.failed)
		error_memory(&shipments->failure, ERROR_SYSTEM, "noting what Kafka refuses");
}

static void read_producer_events(struct kafka_shipments *shipments)
{
	rd_kafka_event_t *event;
	while ((event = rd_kafka_queue_poll(shipments->reports, 0))) {
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
			read_reports(shipments, event);
		else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_STATS)
			client_note_statistics(event, shipments->config->statistics);
		else if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__FATAL)
			(void)has_fallen(shipments);
		rd_kafka_event_destroy(event);
	}
}

/* ---- commits ---- */

/* The offsets stay with their lanes, and are committed with the next batch. */
static void commit_failed(struct kafka_shipments *shipments, rd_kafka_resp_err_t code)
{
	int timeout_ms = shipments->config->timeout_ms > 0 ? shipments->config->timeout_ms : TRANSACTION_TIMEOUT_MS;
	commit_batches_took(&shipments->commit_batches, COMMIT_BATCHES_FAILED);
	hindrance_meet(&shipments->hindrance, timeout_ms, "Kafka", "committing offsets", rd_kafka_err2str(code));
}

/* Each commit has its own queue, because the consumer's client may have been replaced. */
static void begin_commit(struct kafka_shipments *shipments, struct positions positions)
{
	rd_kafka_t *client = consumer_client(shipments->consumer);
	rd_kafka_topic_partition_list_t *list = consumer_commit_list(shipments->consumer, positions);
	if (!list) {
		commit_failed(shipments, RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE);
		return;
	}
	shipments->commits = rd_kafka_queue_new(client);
	client_queue_ring(shipments->commits, shipments->bell);
	rd_kafka_resp_err_t code = rd_kafka_commit_queue(client, list, shipments->commits, NULL, NULL);
	rd_kafka_topic_partition_list_destroy(list);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	commit_failed(shipments, code);
	forget_commit(shipments);
}

static bool is_void(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
	       code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST ||
	       code == RD_KAFKA_RESP_ERR__FATAL;
}

/* Whether a commit is not worth waiting for: its partitions belong to another worker by now, and Kafka answers it
 * when it is back at the latest. */
static bool waits_in_vain(const struct kafka_shipments *shipments)
{
	return shipments->commits && rd_kafka_assignment_lost(consumer_client(shipments->consumer));
}

static void read_commits(struct kafka_shipments *shipments)
{
	if (waits_in_vain(shipments)) {
		commit_batches_took(&shipments->commit_batches, COMMIT_BATCHES_VOID);
		forget_commit(shipments);
	}
	rd_kafka_event_t *event = shipments->commits ? rd_kafka_queue_poll(shipments->commits, 0) : NULL;
	if (!event)
		return;
	rd_kafka_resp_err_t code = rd_kafka_event_error(event);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR || is_void(code)) {
		commit_batches_took(&shipments->commit_batches, code ? COMMIT_BATCHES_VOID : COMMIT_BATCHES_TAKEN);
		shipments->hindrance = (struct hindrance){0};
	} else {
		commit_failed(shipments, code);
	}
	if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		error_set(&shipments->failure, ERROR_SYSTEM, PLACE_NONE,
			  "Kafka does not let this engine commit its offsets: %s; grant it READ on its group and topics",
			  rd_kafka_err2str(code));
	rd_kafka_event_destroy(event);
	forget_commit(shipments);
}

static enum transaction_news shipments_news(struct output *self, struct positions *committed, struct error *error)
{
	struct kafka_shipments *shipments = (struct kafka_shipments *)self;
	bell_quiet(shipments->bell);
	read_producer_events(shipments);
	read_commits(shipments);
	if (shipments->failure.kind != ERROR_NONE) {
		*error = shipments->failure;
		return NEWS_BROKEN;
	}
	if (!shipments->started) {
		shipments->started = true;
		return NEWS_STARTED;
	}
	if (shipments->fallen && commit_batches_give_up(&shipments->commit_batches, committed))
		return replace_fallen(shipments, error);
	struct positions positions;
	if (commit_batches_to_commit(&shipments->commit_batches, &positions))
		begin_commit(shipments, positions);
	bool is_void;
	if (!commit_batches_over(&shipments->commit_batches, committed, &is_void))
		return NEWS_NONE;
	shipments->commit_us = clock_us() - shipments->ended_us;
	return is_void ? NEWS_VOID : NEWS_COMMITTED;
}

static bool shipments_is_open(const struct output *self)
{
	(void)self; /* a commit batch always is */
	return true;
}

static bool shipments_may_end(const struct output *self)
{
	const struct kafka_shipments *shipments = (const struct kafka_shipments *)self;
	if (waits_in_vain(shipments))
		bell_ring(shipments->bell);
	return shipments->started && commit_batches_may_end(&shipments->commit_batches);
}

static bool shipments_end(struct output *self, struct positions positions, struct error *error)
{
	struct kafka_shipments *shipments = (struct kafka_shipments *)self;
	if (!commit_batches_end(&shipments->commit_batches, positions, error))
		return false;
	shipments->ended_us = clock_us();
	bell_ring(shipments->bell); /* perhaps everything is acknowledged already */
	return true;
}

/* Stores an error that ends the engine. */
static void note_failure(struct kafka_shipments *shipments, const struct error *error)
{
	if (shipments->failure.kind != ERROR_NONE)
		return;
	shipments->failure = *error;
	bell_ring(shipments->bell);
}

static enum produce_verdict shipments_produce(struct output *self, const struct outgoing *record, struct error *error)
{
	struct kafka_shipments *shipments = (struct kafka_shipments *)self;
	struct error refused;
	refused.kind = ERROR_NONE;
	enum produce_verdict verdict = produce_batch_put(&shipments->produce_batch, shipments->producer, &shipments->topics, record,
							 tag_of(&record->origin, shipments->commit_batches.open), &refused);
	if (verdict == PRODUCED)
		(void)commit_batches_produced(&shipments->commit_batches);
	if (verdict == PRODUCE_SPOILT && !has_fallen(shipments))
		note_failure(shipments, &refused);
	if (verdict == PRODUCE_REFUSED)
		*error = refused;
	return verdict;
}

static enum produce_verdict shipments_send(struct output *self, struct error *error)
{
	struct kafka_shipments *shipments = (struct kafka_shipments *)self;
	if (shipments->fallen)
		return PRODUCE_SPOILT;
	enum produce_verdict verdict = produce_batch_send(&shipments->produce_batch, &shipments->topics, error);
	if (verdict == PRODUCE_SPOILT && !has_fallen(shipments))
		note_failure(shipments, error);
	return verdict;
}

static uint64_t shipments_resets(const struct output *self, const char **reason)
{
	const struct kafka_shipments *shipments = (const struct kafka_shipments *)self;
	*reason = shipments->reason;
	return shipments->resets;
}

static int64_t shipments_commit_us(const struct output *self)
{
	return ((const struct kafka_shipments *)self)->commit_us;
}

static bool shipments_topics(struct output *self, const char *const *names, size_t count, struct error *error)
{
	struct kafka_shipments *shipments = (struct kafka_shipments *)self;
	shipments->names = names;
	shipments->name_count = count;
	return topic_handles_follow(&shipments->topics, shipments->producer, names, count, error);
}

static bool shipments_refused(struct output *self, struct refusal *refusal)
{
	struct kafka_shipments *shipments = (struct kafka_shipments *)self;
	read_producer_events(shipments);
	return refusals_take(&shipments->refusals, refusal);
}

static const struct output_operations operations = {
	.close = shipments_close,
	.bell = shipments_bell,
	.news = shipments_news,
	.is_open = shipments_is_open,
	.may_end = shipments_may_end,
	.produce = shipments_produce,
	.send = shipments_send,
	.end = shipments_end,
	.resets = shipments_resets,
	.commit_us = shipments_commit_us,
	.topics = shipments_topics,
	.refused = shipments_refused,
};
