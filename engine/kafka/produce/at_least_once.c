/* at_least_once.c: At-least-once output on Kafka. commit_batches.c decides which offsets are committed, and when. See
 * at_least_once.h. */
#include "kafka/produce/at_least_once.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/produce/broker_refusals.h"
#include "kafka/produce/commit_batches.h"
#include "kafka/produce/produce_batch.h"
#include "kafka/produce/producer.h"
#include "kafka/topics/topic_registry.h"
#include "net/loop.h"

#define FALLS_MAX 3 /* failures of producers within a while: then the next one would fail too */
#define FALLS_WHILE_MS 60000
#define CLOSE_WAIT_S 5 /* for the producer, whose broker may be silent */

struct kafka_at_least_once {
	struct output output; /* first: the table of operations */
	const struct transaction_config *config;
	const struct consumer *consumer;
	int bell;
	struct batch_limit *batches, own_batches;
	struct producer producer;
	rd_kafka_queue_t *commits; /* the consumer's answer to the commit in progress; NULL: none is */
	const char *const *names; /* of the topics */
	size_t name_count;
	struct refusals refusals;
	bool started;	  /* and reported */
	bool fallen;	  /* the producer has failed: it is replaced when the open batch has ended */
	bool is_reported; /* likewise, and why */
	unsigned falls;
	int64_t fallen_ms;
	uint64_t resets;
	char reason[LIBRARY_TEXT_MAX]; /* of the last failure */
	struct hindrance hindrance;    /* to the commits */
	struct hindrance silence;      /* acknowledgements that do not come */
	struct broker_refusals broker_refusals;
	struct commit_batches commit_batches;
	int64_t ended_us;
	int64_t commit_us;
	struct error failure;
	struct topic_member *registry_member; /* in the registry of topics: asks for rights to write */
	struct produce_batch produce_batch;
};

/* ---- opening and closing ---- */

static bool producer_begin(struct kafka_at_least_once *output, struct error *error)
{
	const struct transaction_config *config = output->config;
	const struct producer_config core = {
		.policy = PRODUCER_ACKNOWLEDGES,
		.brokers = config->brokers,
		.timeout_ms = PRODUCER_TRIES_ON, /* accepted records must arrive */
		.linger_ms = "5",
		.users = config->properties,
		.batches = output->batches,
		.keeps_partitions = true,
		.has_statistics = config->statistics != NULL,
		.has_events = true,
	};
	return producer_start(&output->producer, &core, output->bell, error) &&
	       producer_topics(&output->producer, output->names, output->name_count, error);
}

static bool at_least_once_set_up(struct kafka_at_least_once *output, struct error *error)
{
	output->names = output->config->topics;
	output->name_count = output->config->topic_count;
	output->bell = bell_open(error);
	const struct topic_member_config member = {
		.brokers = output->config->brokers, .properties = output->config->properties, .bell = -1};
	output->registry_member = topic_member_open(&member, error);
	if (output->bell < 0 || !output->registry_member || !producer_begin(output, error))
		return false;
	bell_ring(output->bell); /* the first event: it is open */
	return true;
}

static const struct output_operations operations;

struct output *at_least_once_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	assert(config->brokers && consumer);
	struct kafka_at_least_once *output = memory_take(1, sizeof *output);
	if (!output) {
		error_memory(error, ERROR_SYSTEM, "opening a producer");
		return NULL;
	}
	output->output.operations = &operations;
	output->config = config;
	output->consumer = consumer;
	output->batches = config->batches ? config->batches : &output->own_batches;
	if (at_least_once_set_up(output, error))
		return &output->output;
	output_close(&output->output);
	return NULL;
}

static void forget_commit(struct kafka_at_least_once *output)
{
	client_queue_forget(output->commits);
	output->commits = NULL;
}

static void at_least_once_close(struct output *self)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	forget_commit(output);
	refusals_close(&output->refusals);
	producer_close(&output->producer, CLOSE_WAIT_S);
	if (output->bell >= 0)
		close(output->bell);
	topic_member_close(output->registry_member);
	commit_batches_close(&output->commit_batches);
	memory_give(output);
}

static int at_least_once_bell(const struct output *self)
{
	return ((const struct kafka_at_least_once *)self)->bell;
}

/* ---- a producer that fails ---- */

/* Whether the producer has a fatal error of librdkafka: its state and the broker's differ, so it cannot continue, and
 * its records are void. Another producer can. */
static bool has_fallen(struct kafka_at_least_once *output)
{
	if (output->fallen)
		return true;
	rd_kafka_resp_err_t code = producer_failure(&output->producer, output->reason);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	int64_t now_ms = clock_ms();
	if (now_ms - output->fallen_ms > FALLS_WHILE_MS)
		output->falls = 0;
	output->fallen_ms = now_ms;
	output->fallen = true;
	if (++output->falls > FALLS_MAX || failure_is_lasting(code))
		error_set(&output->failure, ERROR_SYSTEM, PLACE_NONE,
			  "Kafka's producer stopped%s: %s; nothing is committed that was not acknowledged. Check the brokers "
			  "and the rights of this login, and start again",
			  output->falls > FALLS_MAX ? " again and again" : "", output->reason);
	bell_ring(output->bell);
	return true;
}

/* Replaces the producer. Everything that is not committed is taken and produced again. */
static enum transaction_news replace_fallen(struct kafka_at_least_once *output, struct error *error)
{
	char line[LIBRARY_TEXT_MAX + 100];
	snprintf(line, sizeof line, "Kafka: the producer stopped: %s; a new one sends again what is not committed", output->reason);
	if (!output->is_reported)
		kafka_log_say(LOG_LEVEL_WARN, line);
	output->fallen = output->is_reported = false;
	broker_refusals_renew(&output->broker_refusals);
	output->resets++;
	produce_batch_empty(&output->produce_batch);
	producer_purge(&output->producer);
	producer_close(&output->producer, 0);
	return producer_begin(output, error) ? NEWS_RESET : NEWS_BROKEN;
}

/* ---- acknowledgements ---- */

/* Gives up the producer and what it has: another one produces everything that is not committed. */
static void give_up(struct kafka_at_least_once *output)
{
	output->fallen = output->is_reported = true;
	producer_purge(&output->producer);
	bell_ring(output->bell);
}

/* The next producer has smaller batches. No record may leave before the refused batch. */
static void shrink(struct kafka_at_least_once *output, const rd_kafka_message_t *report)
{
	refusal_lower_batches(output->batches, output->producer.batch_bytes, report);
	(void)snprintf(output->reason, sizeof output->reason, "topic %s refused a batch of records: %s",
		       rd_kafka_topic_name(report->rkt), rd_kafka_err2str(report->err));
	give_up(output);
}

/* The caller produces nothing to the topic until it is allowed again. */
static void topic_deny(struct kafka_at_least_once *output, uint32_t topic, bool is_gone)
{
	refusals_deny(&output->refusals, topic, is_gone);
	(void)snprintf(output->reason, sizeof output->reason, is_gone ? "topic %s is gone" : "the login may not write topic %s",
		       output->names[topic]);
	give_up(output);
}

/* Another producer sends the records again, in a while. */
static void broker_refused(struct kafka_at_least_once *output, const rd_kafka_message_t *report)
{
	broker_refusals_note(&output->broker_refusals, report, clock_ms());
	(void)snprintf(output->reason, sizeof output->reason, "a broker refused records for topic %s: %s",
		       rd_kafka_topic_name(report->rkt), rd_kafka_err2str(report->err));
	give_up(output);
}

static void read_refusal(struct kafka_at_least_once *output, const rd_kafka_message_t *report)
{
	unsigned batch = tag_lot(report->_private);
	switch (refusal_cause(report, output->producer.batch_bytes)) {
	case REFUSAL_OF_RECORD:
		refusals_note(&output->refusals, &output->producer.topics, report);
		commit_batches_refused(&output->commit_batches, batch);
		commit_batches_acknowledged(&output->commit_batches, batch);
		break;
	case REFUSAL_OF_BATCH:
		shrink(output, report); /* so its batch is never committed */
		break;
	case REFUSAL_OF_RIGHT:
		topic_deny(output, topic_handles_find(&output->producer.topics, report), false);
		break;
	case REFUSAL_OF_ABSENCE:
		topic_deny(output, topic_handles_find(&output->producer.topics, report), true);
		break;
	case REFUSAL_OF_CLOCK:
		refusal_name_clock(report, &output->failure);
		break;
	case REFUSAL_OF_BROKER:
	case REFUSAL_OF_PRODUCER:
		broker_refused(output, report);
		break;
	case REFUSAL_OF_LOSS:
		error_set(&output->failure, ERROR_SYSTEM, PLACE_NONE,
			  "Kafka refuses a record for %s: %s; its offset is not committed. Check the topic, and start again",
			  rd_kafka_topic_name(report->rkt), rd_kafka_err2str(report->err));
		break;
	}
}

/* Whether the failure of the producer explains the report. Not if the broker refused this record for a reason of its own: then that
 * explains why the producer failed with the records that it had sent behind it. */
static bool is_explained(struct kafka_at_least_once *output, const rd_kafka_message_t *report)
{
	return refusal_cause(report, output->producer.batch_bytes) == REFUSAL_OF_BROKER ? output->fallen : has_fallen(output);
}

static void read_reports(struct kafka_at_least_once *output, rd_kafka_event_t *event)
{
	const rd_kafka_message_t *message;
	while ((message = rd_kafka_event_message_next(event)))
		if (!message->err)
			commit_batches_acknowledged(&output->commit_batches, tag_lot(message->_private));
		else if (!is_explained(output, message))
			read_refusal(output, message);
	if (output->refusals.failed)
		error_memory(&output->failure, ERROR_SYSTEM, "noting what Kafka refuses");
}

static void read_producer_events(struct kafka_at_least_once *output)
{
	rd_kafka_event_t *event;
	while ((event = rd_kafka_queue_poll(output->producer.queue, 0))) {
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
			read_reports(output, event);
		else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_STATS)
			client_note_statistics(event, output->config->statistics);
		else if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__FATAL)
			(void)has_fallen(output);
		rd_kafka_event_destroy(event);
	}
}

/* ---- commits ---- */

/* The offsets stay with their lanes, and are committed with the next batch. */
static void commit_failed(struct kafka_at_least_once *output, rd_kafka_resp_err_t code)
{
	int timeout_ms = output->config->timeout_ms > 0 ? output->config->timeout_ms : TRANSACTION_TIMEOUT_MS;
	commit_batches_took(&output->commit_batches, COMMIT_BATCHES_FAILED);
	hindrance_meet(&output->hindrance, timeout_ms, "Kafka", "committing offsets", rd_kafka_err2str(code));
}

/* Each commit has its own queue, because the consumer's client may have been replaced. Partitions that are lost are not committed:
 * librdkafka may be a member again already, and Kafka would accept it. */
static void begin_commit(struct kafka_at_least_once *output, struct positions positions)
{
	if (consumer_has_lost(output->consumer)) {
		commit_batches_took(&output->commit_batches, COMMIT_BATCHES_VOID);
		return;
	}
	rd_kafka_t *client = consumer_client(output->consumer);
	rd_kafka_topic_partition_list_t *list = consumer_commit_list(output->consumer, positions);
	if (!list) {
		commit_failed(output, RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE);
		return;
	}
	output->commits = rd_kafka_queue_new(client);
	client_queue_ring(output->commits, output->bell);
	rd_kafka_resp_err_t code = rd_kafka_commit_queue(client, list, output->commits, NULL, NULL);
	rd_kafka_topic_partition_list_destroy(list);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	commit_failed(output, code);
	forget_commit(output);
}

/* Whether the commit need not be made: its partitions are another worker's by now, or one is of a topic that the login may not read
 * any more, whose records are read again when it may. librdkafka reports one failure for all partitions: those beside it that were
 * refused for another reason are committed with their next records. */
static bool is_void(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
	       code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST ||
	       code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
}

/* Whether a commit is not worth waiting for: its partitions belong to another worker by now, and Kafka answers it
 * when it is back at the latest. */
static bool waits_in_vain(const struct kafka_at_least_once *output)
{
	return output->commits && consumer_has_lost(output->consumer);
}

static void read_commits(struct kafka_at_least_once *output)
{
	if (waits_in_vain(output)) {
		commit_batches_took(&output->commit_batches, COMMIT_BATCHES_VOID);
		forget_commit(output);
	}
	rd_kafka_event_t *event = output->commits ? rd_kafka_queue_poll(output->commits, 0) : NULL;
	if (!event)
		return;
	rd_kafka_resp_err_t code = rd_kafka_event_error(event);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		consumer_note_group(output->consumer, code != RD_KAFKA_RESP_ERR_NO_ERROR);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR || is_void(code)) {
		commit_batches_took(&output->commit_batches, code ? COMMIT_BATCHES_VOID : COMMIT_BATCHES_TAKEN);
		output->hindrance = (struct hindrance){0};
	} else {
		commit_failed(output, code);
	}
	rd_kafka_event_destroy(event);
	forget_commit(output);
}

static enum transaction_news at_least_once_news(struct output *self, struct positions *committed, struct error *error)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	bell_quiet(output->bell);
	read_producer_events(output);
	read_commits(output);
	if (output->failure.kind != ERROR_NONE) {
		*error = output->failure;
		return NEWS_BROKEN;
	}
	if (!output->started) {
		output->started = true;
		return NEWS_STARTED;
	}
	if (output->fallen && clock_ms() >= broker_refusals_due_ms(&output->broker_refusals) &&
	    commit_batches_give_up(&output->commit_batches, committed))
		return replace_fallen(output, error);
	struct positions positions;
	if (commit_batches_to_commit(&output->commit_batches, &positions))
		begin_commit(output, positions);
	bool is_void;
	if (!commit_batches_over(&output->commit_batches, committed, &is_void))
		return NEWS_NONE;
	output->commit_us = clock_us() - output->ended_us;
	if (committed->count > 0 && !is_void)
		broker_refusals_committed(&output->broker_refusals, clock_ms());
	return is_void ? NEWS_VOID : NEWS_COMMITTED;
}

static bool at_least_once_is_open(const struct output *self)
{
	(void)self; /* a commit batch always is */
	return true;
}

static bool at_least_once_may_end(const struct output *self)
{
	const struct kafka_at_least_once *output = (const struct kafka_at_least_once *)self;
	if (waits_in_vain(output))
		bell_ring(output->bell);
	return output->started && commit_batches_may_end(&output->commit_batches);
}

static bool at_least_once_end(struct output *self, struct positions positions, struct error *error)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	if (!commit_batches_end(&output->commit_batches, positions, error))
		return false;
	output->ended_us = clock_us();
	bell_ring(output->bell); /* perhaps everything is acknowledged already */
	return true;
}

/* The producer did not take a record: the topic is denied, a broker cannot describe it, or the engine ends. */
static void note_failure(struct kafka_at_least_once *output, const struct error *error)
{
	const struct produce_batch *batch = &output->produce_batch;
	if (batch->lost && batch->denied != PRODUCE_BATCH_NOT_DENIED) {
		topic_deny(output, batch->denied, batch->is_gone);
	} else if (batch->lost && batch->refused.rkt) {
		broker_refused(output, &batch->refused);
	} else if (output->failure.kind == ERROR_NONE) {
		output->failure = *error;
		bell_ring(output->bell);
	}
}

static enum produce_verdict at_least_once_produce(struct output *self, const struct outgoing *record, struct error *error)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	struct error refused;
	refused.kind = ERROR_NONE;
	if (output->fallen) /* its earlier records of the key may be purged */
		return PRODUCE_SPOILT;
	void *tag = tag_of(&record->origin, output->commit_batches.open);
	enum produce_verdict verdict = produce_batch_put(&output->produce_batch, output->producer.client,
							 &output->producer.topics, record, tag, &refused);
	if (verdict == PRODUCED)
		(void)commit_batches_produced(&output->commit_batches);
	if (verdict == PRODUCE_SPOILT && !has_fallen(output))
		note_failure(output, &refused);
	if (verdict == PRODUCE_REFUSED)
		*error = refused;
	return verdict;
}

static enum produce_verdict at_least_once_send(struct output *self, struct error *error)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	if (output->fallen)
		return PRODUCE_SPOILT;
	enum produce_verdict verdict = produce_batch_send(&output->produce_batch, &output->producer.topics, error);
	if (verdict == PRODUCE_SPOILT && !has_fallen(output))
		note_failure(output, error);
	return verdict;
}

static uint64_t at_least_once_resets(const struct output *self, const char **reason)
{
	const struct kafka_at_least_once *output = (const struct kafka_at_least_once *)self;
	*reason = output->reason;
	return output->resets;
}

static int64_t at_least_once_commit_us(const struct output *self)
{
	return ((const struct kafka_at_least_once *)self)->commit_us;
}

/* librdkafka repeats what a broker cannot take for now without a word. */
static void silence_note(struct kafka_at_least_once *output)
{
	if (output->commit_batches.stage != COMMIT_BATCHES_ACKNOWLEDGING || output->fallen) {
		output->silence = (struct hindrance){0};
		return;
	}
	const int timeout_ms = output->config->timeout_ms > 0 ? output->config->timeout_ms : TRANSACTION_TIMEOUT_MS;
	hindrance_meet(&output->silence, timeout_ms, "Kafka", "waiting for acknowledgements of records",
		       "a broker is down, or a topic has fewer replicas in sync than its min.insync.replicas");
}

static bool at_least_once_check(struct output *self, int64_t now_ms, struct error *error)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	const int64_t due_ms = broker_refusals_due_ms(&output->broker_refusals);
	(void)error;
	if (output->fallen && due_ms > 0 && now_ms >= due_ms)
		bell_ring(output->bell);
	silence_note(output);
	return true;
}

static bool at_least_once_topics(struct output *self, const char *const *names, size_t count, struct error *error)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	output->names = names;
	output->name_count = count;
	return producer_topics(&output->producer, names, count, error);
}

static bool at_least_once_refused(struct output *self, struct refusal *refusal)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	read_producer_events(output);
	return refusals_take(&output->refusals, refusal);
}

static bool at_least_once_may_write(struct output *self, uint32_t topic)
{
	struct kafka_at_least_once *output = (struct kafka_at_least_once *)self;
	return topic_member_may_write(output->registry_member, output->producer.client,
				      output->producer.topics.items[topic]);
}

static void at_least_once_forget_denials(struct output *self)
{
	topic_member_forget_rights(((struct kafka_at_least_once *)self)->registry_member);
}

static const struct output_operations operations = {
	.close = at_least_once_close,
	.bell = at_least_once_bell,
	.news = at_least_once_news,
	.is_open = at_least_once_is_open,
	.may_end = at_least_once_may_end,
	.produce = at_least_once_produce,
	.send = at_least_once_send,
	.end = at_least_once_end,
	.resets = at_least_once_resets,
	.commit_us = at_least_once_commit_us,
	.check = at_least_once_check,
	.topics = at_least_once_topics,
	.refused = at_least_once_refused,
	.may_write = at_least_once_may_write,
	.forget_denials = at_least_once_forget_denials,
};
