/* computed_feedback.c: see computed_feedback.h. */
#include "engine/learn/computed_feedback.h"

#include <assert.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "base/memory.h"
#include "net/loop.h"
#include "kafka/produce/request_producer.h"

#define WRITE_MS 60000
#define QUEUE_BYTES ((size_t)16 << 20)
#define RECORD_BYTES ((size_t)64 << 10) /* an id, and values of KEPT_METRICS_MAX metrics */
#define NAP_MS 5

struct computed_feedback {
	struct computed_feedback_config config;
	struct request_producer_config producer_config;
	struct request_producer *producer;
	int bell; /* of the producer; nobody waits for it */
	struct arena *arena;
	struct buffer bytes;
	uint64_t written, reported, lost;
	bool said;
};

static void loss_say(struct computed_feedback *computed, const char *why)
{
	computed->lost++;
	if (!computed->said)
		log_say(computed->config.log, LOG_LEVEL_WARN, NULL,
			"a value of a metric that was computed by feedback was not written to %s: %s; learners and rollouts go "
			"without it, and without others like it",
			computed->config.feedback, why);
	computed->said = true;
}

static void record_reported(void *context, const struct request_report *report)
{
	struct computed_feedback *computed = context;
	computed->reported++;
	if (report->refused)
		loss_say(computed, report->refused);
}

void computed_feedback_write(struct computed_feedback *computed, const struct feedback *feedback,
			     const struct feedback_metric *values, size_t count)
{
	struct error error = {0};
	const struct feedback made = {.id = feedback->id,
				      .unit = feedback->unit,
				      .experiment = feedback->experiment,
				      .feedback_id = TEXT(FEEDBACK_COMPUTED),
				      .origin = feedback->origin,
				      .time_ms = feedback->time_ms,
				      .metric_count = count,
				      .metrics = values};
	arena_reset(computed->arena);
	buffer_clear(&computed->bytes);
	const struct text key = feedback_key(&made, computed->arena);
	if (!key.bytes || !feedback_encode(&made, &computed->bytes, &error)) {
		loss_say(computed, key.bytes ? error.text : "memory ran out");
		return;
	}
	const struct outgoing record = {.key = key, .value = buffer_view(&computed->bytes)};
	if (request_producer_send(computed->producer, &record, computed->written + 1, &error) == PRODUCED)
		computed->written++;
	else
		loss_say(computed, error.kind != ERROR_NONE ? error.text : "too many records wait for Kafka");
}

void computed_feedback_turn(struct computed_feedback *computed)
{
	request_producer_tell(computed->producer);
}

struct computed_feedback *computed_feedback_open(const struct computed_feedback_config *config, struct error *error)
{
	assert(config->brokers && config->feedback);
	struct computed_feedback *computed = memory_take(1, sizeof *computed);
	if (!computed) {
		error_memory(error, ERROR_SYSTEM, "writing computed feedback");
		return NULL;
	}
	computed->config = *config;
	computed->bell = bell_open(error);
	computed->arena = arena_open(RECORD_BYTES);
	buffer_open(&computed->bytes, RECORD_BYTES);
	computed->producer_config = (struct request_producer_config){.brokers = config->brokers,
								     .timeout_ms = WRITE_MS,
								     .message_bytes = RECORD_BYTES,
								     .queue_bytes = QUEUE_BYTES,
								     .properties = config->producer,
								     .bell = computed->bell,
								     .reported = record_reported,
								     .context = computed};
	if (computed->arena && computed->bell >= 0)
		computed->producer = request_producer_open(&computed->producer_config, error);
	else
		error_memory(error, ERROR_SYSTEM, "writing computed feedback");
	if (computed->producer && request_producer_topics(computed->producer, &computed->config.feedback, 1, error))
		return computed;
	computed_feedback_close(computed);
	return NULL;
}

void computed_feedback_close(struct computed_feedback *computed)
{
	if (!computed)
		return;
	const int64_t until_ms = clock_ms() + COMPUTED_CLOSE_MS;
	while (computed->producer && computed->reported < computed->written && clock_ms() < until_ms) {
		request_producer_tell(computed->producer);
		nanosleep(&(struct timespec){.tv_nsec = NAP_MS * NS_PER_MS}, NULL);
	}
	request_producer_close(computed->producer);
	if (computed->bell >= 0)
		close(computed->bell);
	buffer_close(&computed->bytes);
	arena_close(computed->arena);
	memory_give(computed);
}
