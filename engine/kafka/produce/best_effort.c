/* best_effort.c: Best-effort producer on Kafka, which ignores the results of records; see best_effort.h. */
#include "kafka/produce/best_effort.h"

#include <assert.h>
#include <unistd.h>

#include "base/memory.h"
#include "kafka/produce/producer.h"
#include "observe/counts.h"

#define CLOSE_WAIT_MS 500
#define RECORD_TIMEOUT_MS 10000
#define RECORD_OVERHEAD_BYTES 64 /* that librdkafka counts for a record besides its key, value and headers; for a header: */
#define HEADER_OVERHEAD_BYTES 20

struct kafka_best_effort {
	struct best_effort base; /* first: the table of operations */
	struct producer producer; /* its queue has the reports of failures */
	uint64_t acknowledged; /* counted in the caller's thread, where reports are served */
	uint64_t *lost;	       /* the caller's; NULL: these and the following are not used */
	bool (*replace)(void *context, const struct record *refused);
	void (*absent)(void *context, bool is_absent);
	void *context;
	bool is_absent;	  /* Kafka has not got the topic of a record, which `absent` was told */
	bool has_offered; /* since then librdkafka has accepted a record */
	struct loop *loop;
	struct watch watch;
	int bell;	  /* rings when there is one; -1: none */
};

static bool record_replace(const struct kafka_best_effort *producer, const rd_kafka_message_t *report)
{
	const struct record refused = {.partition = report->partition,
				       .key = {report->key, report->key_len},
				       .value = {report->payload, report->len},
				       .held = (void *)(uintptr_t)report}; /* for its headers; it stays librdkafka's */
	return report->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && producer->replace &&
	       producer->replace(producer->context, &refused);
}

static void absence_note(struct kafka_best_effort *producer, bool is_absent)
{
	producer->has_offered = false;
	if (!producer->absent || producer->is_absent == is_absent)
		return;
	producer->is_absent = is_absent;
	producer->absent(producer->context, is_absent);
}

/* Whether the topic is back: Kafka reports no record that it took, but none is in flight any more, and none has failed. */
static bool absence_is_over(const struct kafka_best_effort *producer)
{
	return producer->is_absent && producer->has_offered && rd_kafka_outq_len(producer->producer.client) == 0;
}

static void best_effort_on_report(rd_kafka_t *client, const rd_kafka_message_t *report, void *context)
{
	(void)client;
	struct kafka_best_effort *producer = context;
	producer->acknowledged += report->err == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (producer->lost && report->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		count_add(producer->lost, !record_replace(producer, report));
	if (report->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		producer->has_offered = false;
	if (failure_is_absence(report->err))
		absence_note(producer, true);
}

static void on_reports(void *context, uint32_t events)
{
	const struct kafka_best_effort *producer = context;
	(void)events;
	(void)rd_kafka_poll(producer->producer.client, 0);
}

/* Successes have no report, so this costs nothing while all is well. */
static bool reports_watch(struct kafka_best_effort *producer, struct error *error)
{
	if (!producer->lost)
		return true;
	producer->watch = (struct watch){.ready = on_reports, .context = producer};
	producer->bell = bell_open(error);
	return producer->bell >= 0 && loop_watch(producer->loop, &producer->watch, producer->bell, LOOP_RINGS, error);
}

static void reports_forget(struct kafka_best_effort *producer)
{
	if (producer->bell < 0)
		return;
	loop_unwatch(producer->loop, &producer->watch);
	close(producer->bell);
}

bool best_effort_takes(const struct best_effort *producer, const struct outgoing *record)
{
	const size_t overhead = RECORD_OVERHEAD_BYTES + record->headers.count * HEADER_OVERHEAD_BYTES;
	return producer->record_bytes == 0 || outgoing_bytes(record) + overhead <= producer->record_bytes;
}

static bool producer_set_up(struct kafka_best_effort *producer, const struct best_effort_config *config, struct error *error)
{
	const struct producer_config core = {
		.policy = PRODUCER_MAY_LOSE,
		.brokers = config->brokers,
		.timeout_ms = RECORD_TIMEOUT_MS,
		.linger_ms = config->at_once ? "0" : "50",
		.queue_bytes = config->queue_bytes,
		.users = config->properties,
		.batches = config->batches,
		.reports_failures = !config->counts,
		.is_quiet = true, /* the worker's own clients report problems with Kafka */
		.reported = config->counts || config->lost ? best_effort_on_report : NULL,
		.context = producer,
	};
	if (!reports_watch(producer, error) || !producer_start(&producer->producer, &core, producer->bell, error))
		return false;
	producer->base.record_bytes = client_setting_size(rd_kafka_conf(producer->producer.client), "message.max.bytes");
	return true;
}

static void kafka_close(struct best_effort *self)
{
	struct kafka_best_effort *producer = (struct kafka_best_effort *)self;
	if (producer->producer.client)
		rd_kafka_flush(producer->producer.client, CLOSE_WAIT_MS);
	producer_close(&producer->producer, PRODUCER_WAITS);
	reports_forget(producer);
	memory_give(producer);
}

static bool kafka_topics(struct best_effort *self, const char *const *names, size_t count, struct error *error)
{
	struct kafka_best_effort *producer = (struct kafka_best_effort *)self;
	return producer_topics(&producer->producer, names, count, error);
}

static bool kafka_produce(struct best_effort *self, const struct outgoing *record)
{
	struct kafka_best_effort *producer = (struct kafka_best_effort *)self;
	if (absence_is_over(producer))
		absence_note(producer, false);
	const struct producer *core = &producer->producer;
	const rd_kafka_resp_err_t code = client_enqueue(core->client, core->topics.items[record->topic], record, NULL);
	if (failure_is_absence(code))
		absence_note(producer, true);
	producer->has_offered = producer->has_offered || code == RD_KAFKA_RESP_ERR_NO_ERROR;
	return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static uint64_t kafka_acknowledged(struct best_effort *self)
{
	struct kafka_best_effort *producer = (struct kafka_best_effort *)self;
	(void)rd_kafka_poll(producer->producer.client, 0);
	return producer->acknowledged;
}

static const struct best_effort_operations operations = {
	.close = kafka_close,
	.topics = kafka_topics,
	.produce = kafka_produce,
	.acknowledged = kafka_acknowledged,
};

struct best_effort *best_effort_open(const struct best_effort_config *config, struct error *error)
{
	assert(config->brokers && (!config->lost || (config->loop && !config->counts)));
	struct kafka_best_effort *producer = memory_take(1, sizeof *producer);
	if (!producer) {
		error_memory(error, ERROR_SYSTEM, "opening a producer for taps");
		return NULL;
	}
	*producer = (struct kafka_best_effort){.base.operations = &operations,
					       .lost = config->lost,
					       .replace = config->replace,
					       .absent = config->absent,
					       .context = config->context,
					       .loop = config->loop,
					       .bell = -1};
	if (producer_set_up(producer, config, error))
		return &producer->base;
	best_effort_close(&producer->base);
	return NULL;
}
