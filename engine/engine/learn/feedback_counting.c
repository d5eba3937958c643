/* feedback_counting.c: see feedback_counting.h. All but `thread` belongs to the thread. */
#include "engine/learn/feedback_counting.h"

#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "base/memory.h"
#include "kafka/consume/reader.h"
#include "observe/repeated_failure.h"
#include "engine/learn/computed_feedback.h"
#include "engine/run/service_thread.h"

#define TURN_MS 50
#define TURN_RECORDS 1000
#define RETRY_MS 1000
#define OVERLAP_MS 2000 /* two records of one moment, and clocks of brokers */
#define RECORD_ARENA_BYTES ((size_t)16 << 20)

struct feedback_counting {
	struct feedback_counting_config config;
	struct service_thread thread;
	struct arena *arena; /* of one record */
	struct buffer answer;
	struct reader_config reader_config;
	struct reader *reader;
	struct computed_feedback *computed; /* NULL: no metric is published, or it is not open yet */
	struct error last_logged;	    /* last failure that was logged: the same one is not logged again */
};

void feedback_state_close(struct feedback_state *state, const char *pipeline, const struct log_sink *log)
{
	const size_t waiting = state->kept ? kept_answers_waiting(state->kept) : 0;
	if (waiting > 0)
		log_say(log, LOG_LEVEL_WARN, NULL,
			"%s: %zu answers of this engine have no feedback yet for metrics of truth and reward: /metrics counts none "
			"for them from now on, as no other engine has the answers. Bandits, rollouts and `sluice experiments "
			"analyze` read them from the topics",
			pipeline, waiting);
	kept_answers_close(state->kept);
	held_close(state->held);
	*state = (struct feedback_state){0};
}

/* ---- answers ---- */

static void answers_lost(struct feedback_counting *counting, uint64_t count)
{
	const struct feedback_counting_config *config = &counting->config;
	for (uint64_t i = 0; i < count; i++)
		for (size_t metric = 0; metric < config->metric_count; metric++)
			series_lose(config->metrics[metric].table);
	if (count > 0 && !config->state->loss_is_logged)
		log_say(config->log, LOG_LEVEL_WARN, NULL,
			"%s: metrics of truth and reward count no feedback for %llu answers, and no bandits or rollouts learn from "
			"it: the answers came faster than this engine keeps them, and %zu MiB of them waited; start more engines. "
			"sluice_metric_lost_total has the number of all of them",
			config->pipeline, (unsigned long long)count, ANSWER_SPACE_BYTES >> 20);
	config->state->loss_is_logged |= count > 0;
}

static void answers_take(struct feedback_counting *counting)
{
	const struct feedback_counting_config *config = &counting->config;
	for (size_t i = 0; i < config->queue_count; i++) {
		while (answer_queue_take(config->queues[i], &counting->answer))
			if (!buffer_failed(&counting->answer))
				kept_answers_add(config->state->kept, buffer_view(&counting->answer));
		for (uint64_t missed = answer_queue_missed(config->queues[i]); missed > 0; missed--)
			for (size_t metric = 0; metric < config->metric_count; metric++)
				series_miss(config->metrics[metric].table);
		answers_lost(counting, answer_queue_lost(config->queues[i]));
	}
}

/* ---- feedback ---- */

static void broken_log(struct feedback_counting *counting, const struct held_record *held, const struct error *wrong)
{
	const struct feedback_counting_config *config = &counting->config;
	if (!config->state->broken_is_logged)
		log_say(config->log, LOG_LEVEL_WARN, NULL,
			"%s: partition %" PRId32 ", offset %" PRId64 ": %s; metrics of truth and reward do not count it, nor "
			"others that cannot be read: correct whoever writes to "
			"the topic; this engine says it once",
			config->feedback, held->partition, held->offset, wrong->text);
	config->state->broken_is_logged = true;
}

/* False: it may still be for an answer to come. */
static bool feedback_count(struct feedback_counting *counting, const struct held_record *held)
{
	struct feedback feedback;
	struct error wrong = {0};
	arena_reset(counting->arena);
	if (feedback_decode(held->value, counting->arena, &feedback, &wrong))
		return kept_answers_feedback(counting->config.state->kept, &feedback, held->time_ms);
	broken_log(counting, held, &wrong);
	return true;
}

/* Feedback met an answer that is no longer kept, which is counted. */
static void drops_log(struct feedback_counting *counting)
{
	const struct feedback_counting_config *config = &counting->config;
	const uint64_t lost = kept_answers_lost(config->state->kept);
	if (lost > 0 && !config->state->drop_is_logged)
		log_say(config->log, LOG_LEVEL_WARN, NULL,
			"%s: metrics of truth and reward did not count feedback for answers that this engine keeps no more: it "
			"keeps %zu MiB of them; start more engines, or send feedback sooner. sluice_metric_lost_total counts them, "
			"and this engine says it once",
			config->pipeline, KEPT_RECORD_BYTES >> 20);
	config->state->drop_is_logged |= lost > 0;
}

/* Tries again what has waited until then. */
static void held_retry(struct feedback_counting *counting, int64_t until_ms, bool makes_space)
{
	struct held_feedback *all = counting->config.state->held;
	for (const struct held_record *held; (held = held_first(all)) && (held->since_ms <= until_ms || makes_space);
	     makes_space = false) {
		feedback_count(counting, held);
		held_drop_first(all);
	}
}

/* Whoever has seen the answer finds it in its queue. */
static bool feedback_take(void *context, const struct record *record, struct error *error)
{
	struct feedback_counting *counting = context;
	struct feedback_state *state = counting->config.state;
	const struct held_record arrived = {
		.partition = record->partition, .offset = record->offset, .time_ms = record->time_ms, .value = record->value};
	answers_take(counting);
	if (!feedback_count(counting, &arrived)) {
		while (held_space(state->held) == 0)
			held_retry(counting, 0, true);
		if (!held_add(state->held, record, clock_ms(), error))
			return false;
	}
	if (record->time_ms > state->since_ms && record->time_ms <= time_of_day_ms())
		state->since_ms = record->time_ms;
	return true;
}

/* Records come in the order of their times. What was read before and is read again counts nothing. */
static bool reader_start(struct feedback_counting *counting, struct error *error)
{
	const struct feedback_counting_config *config = &counting->config;
	if (config->state->since_ms == 0)
		config->state->since_ms = time_of_day_ms();
	counting->reader_config = (struct reader_config){.brokers = config->brokers,
							 .topic = config->feedback,
							 .from_time = true,
							 .time_ms = config->state->since_ms - OVERLAP_MS,
							 .by_time = true,
							 .stopping = &counting->thread.stopping,
							 .properties = config->consumer};
	counting->reader = reader_open(&counting->reader_config, error);
	return counting->reader;
}

/* ---- values that are published ---- */

static bool metrics_are_told(const struct feedback_counting_config *config)
{
	for (size_t i = 0; i < config->metric_count; i++)
		if (config->metrics[i].published)
			return true;
	return false;
}

static void values_write(void *context, const struct feedback *feedback, const struct feedback_metric *values, size_t count)
{
	struct feedback_counting *counting = context;
	if (counting->computed)
		computed_feedback_write(counting->computed, feedback, values, count);
}

/* It is open before feedback is read, so no value is lost. */
static bool computed_start(struct feedback_counting *counting, struct error *error)
{
	const struct feedback_counting_config *config = &counting->config;
	const struct computed_feedback_config computed = {
		.brokers = config->brokers, .producer = config->producer, .feedback = config->feedback, .log = config->log};
	if (!counting->computed && metrics_are_told(config)) {
		counting->computed = computed_feedback_open(&computed, error);
		kept_answers_listen(config->state->kept, (struct kept_listener){counting, values_write});
		return counting->computed;
	}
	if (counting->computed)
		computed_feedback_turn(counting->computed);
	return true;
}

static bool counting_turn(struct feedback_counting *counting, struct error *error)
{
	answers_take(counting);
	held_retry(counting, clock_ms() - counting->config.wait_ms, false);
	drops_log(counting);
	return computed_start(counting, error) && (counting->reader || reader_start(counting, error)) &&
	       reader_give_arrived(counting->reader, TURN_RECORDS, TURN_MS, feedback_take, counting, error);
}

/* ---- the thread ---- */

static void counting_pause(struct feedback_counting *counting)
{
	const int64_t until_ms = clock_ms() + RETRY_MS;
	while (service_thread_nap(&counting->thread, until_ms))
		answers_take(counting);
}

static void counting_log_failure(struct feedback_counting *counting, const struct error *error)
{
	if (failure_is_news(&counting->last_logged, error))
		log_say(counting->config.log, LOG_LEVEL_WARN, NULL,
			"feedback of %s is not counted in /metrics now: %s; it tries again", counting->config.feedback,
			error->text);
}

static void *counting_run(void *context)
{
	struct feedback_counting *counting = context;
	while (!service_thread_is_stopping(&counting->thread)) {
		struct error error = {0};
		if (counting_turn(counting, &error))
			continue;
		reader_close(counting->reader);
		counting->reader = NULL;
		if (!service_thread_is_stopping(&counting->thread) && error.kind != ERROR_NONE)
			counting_log_failure(counting, &error);
		counting_pause(counting);
	}
	reader_close(counting->reader);
	counting->reader = NULL;
	answers_take(counting);
	kept_answers_listen(counting->config.state->kept, (struct kept_listener){0});
	computed_feedback_close(counting->computed);
	counting->computed = NULL;
	service_thread_end(&counting->thread);
	return NULL;
}

/* ---- opening and closing ---- */

static bool state_open(const struct feedback_counting_config *config, struct error *error)
{
	if (!config->state->kept)
		config->state->kept = kept_answers_open(config->pipeline, KEPT_INDEX_BYTES, KEPT_RECORD_BYTES, error);
	if (!config->state->held)
		config->state->held = held_open(FEEDBACK_HELD_MAX, FEEDBACK_HELD_BYTES, error);
	return config->state->held && config->state->kept &&
	       kept_answers_use(config->state->kept, config->metrics, config->metric_count, error);
}

struct feedback_counting *feedback_counting_open(const struct feedback_counting_config *config, struct error *error)
{
	assert(config->brokers && config->feedback && config->state);
	assert(config->metric_count == 0 || config->metrics);
	struct feedback_counting *counting = memory_take(1, sizeof *counting);
	if (!counting) {
		error_memory(error, ERROR_SYSTEM, "counting feedback");
		return NULL;
	}
	counting->config = *config;
	buffer_open(&counting->answer, KEPT_ANSWER_BYTES_MAX);
	counting->arena = arena_open(RECORD_ARENA_BYTES);
	if (counting->arena && state_open(config, error) && service_thread_begin(&counting->thread, counting_run, counting))
		return counting;
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "a thread that counts feedback could not be started; raise the limits on threads and memory");
	feedback_counting_close(counting);
	return NULL;
}

void feedback_counting_stop(struct feedback_counting *counting)
{
	service_thread_stop(&counting->thread);
}

bool feedback_counting_has_ended(const struct feedback_counting *counting)
{
	return service_thread_has_ended(&counting->thread);
}

void feedback_counting_close(struct feedback_counting *counting)
{
	if (!counting)
		return;
	service_thread_join(&counting->thread);
	buffer_close(&counting->answer);
	arena_close(counting->arena);
	memory_give(counting);
}
