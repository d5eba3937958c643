/* request_limits.c: see request_limits.h. */
#include "gateway/calls/request_limits.h"

#include "gateway/calls/call_record.h"
#include "kafka/topics/batch_limit.h"
#include "kafka/topics/topic_settings.h"

#define NAMES_ARENA_BYTES ((size_t)16 << 20)

/* ---- what is known ---- */

void request_limits_keep(const struct request_limits *limits, const struct gateway_targets *before,
			 struct gateway_targets *targets)
{
	const size_t asked = limits->config->record_bytes;
	const size_t usual = asked > CALL_RECORD_OVERHEAD_BYTES ? asked : BATCH_TOPIC_BYTES;
	for (size_t i = 0; i < targets->count; i++) {
		targets->items[i].request_bytes = usual - CALL_RECORD_OVERHEAD_BYTES;
		for (size_t k = 0; before && k < before->count; k++) {
			if (before->items[k].topic != targets->items[i].topic)
				continue;
			targets->items[i].request_bytes = before->items[k].request_bytes;
			targets->items[i].limit_is_known = before->items[k].limit_is_known;
		}
	}
}

size_t request_limits_most(const struct request_limits *limits)
{
	size_t most = 0;
	for (size_t i = 0; i < limits->targets->count; i++)
		if (limits->targets->items[i].request_bytes > most)
			most = limits->targets->items[i].request_bytes;
	return most;
}

/* ---- reading ---- */

/* Copies the names of the topics, which the targets may lose while Kafka is asked. */
static bool names_copy(struct request_limits *limits)
{
	const struct gateway_targets *targets = limits->targets;
	limits->arena = arena_open(NAMES_ARENA_BYTES);
	limits->topic_count = targets->topic_count;
	limits->topics = limits->arena ? ARENA_ARRAY(limits->arena, const char *, targets->topic_count) : NULL;
	limits->record_bytes = limits->topics ? ARENA_ARRAY(limits->arena, size_t, targets->topic_count) : NULL;
	for (size_t i = 0; limits->record_bytes && i < targets->topic_count; i++)
		limits->topics[i] = arena_copy(limits->arena, targets->topics[i], strlen(targets->topics[i]));
	return limits->record_bytes && !arena_failed(limits->arena);
}

static void names_drop(struct request_limits *limits)
{
	arena_close(limits->arena);
	limits->arena = NULL;
	limits->topic_count = 0;
}

static void on_setting(void *context, size_t topic, const char *name, const char *value)
{
	const struct request_limits *limits = context;
	size_t bytes;
	if (topic_setting_record_bytes(name, value, &bytes))
		limits->record_bytes[topic] = bytes;
}

static bool settings_read(struct request_limits *limits, struct error *error)
{
	return topic_settings_read(limits->config->brokers, limits->config->producer, limits->topics, limits->topic_count,
				   on_setting, limits, error);
}

/* A topic keeps its index as long as the gateway lives. */
static void limits_set(const struct request_limits *limits)
{
	for (size_t i = 0; i < limits->targets->count; i++) {
		struct gateway_target *target = &limits->targets->items[i];
		if (target->topic >= limits->topic_count)
			continue;
		target->limit_is_known = limits->record_bytes[target->topic] > CALL_RECORD_OVERHEAD_BYTES;
		if (target->limit_is_known)
			target->request_bytes = limits->record_bytes[target->topic] - CALL_RECORD_OVERHEAD_BYTES;
	}
}

static void limits_on_due(void *context)
{
	struct request_limits *limits = context;
	struct error error = {0};
	(void)request_limits_renew(limits);
	(void)loop_timer_set(limits->loop, &limits->due, loop_now_ms(limits->loop) + REQUEST_LIMITS_MS, &error);
}

bool request_limits_open(struct request_limits *limits, struct error *error)
{
	request_limits_keep(limits, NULL, limits->targets);
	if (limits->config->record_bytes > 0)
		return true;
	limits->due = (struct loop_timer){.due = limits_on_due, .context = limits};
	if (!loop_timer_set(limits->loop, &limits->due, loop_now_ms(limits->loop) + REQUEST_LIMITS_MS, error))
		return false;
	const bool good = names_copy(limits) ? settings_read(limits, error)
					     : error_memory(error, ERROR_SYSTEM, "reading the limits of topics");
	if (good)
		limits_set(limits);
	names_drop(limits);
	return good;
}

void request_limits_close(struct request_limits *limits)
{
	if (limits->loop)
		loop_timer_stop(limits->loop, &limits->due);
	loop_task_end(&limits->task);
	names_drop(limits);
}

/* ---- beside the loop ---- */

static void task_run(void *context)
{
	struct error error = {0};
	(void)settings_read(context, &error); /* what is known stays */
}

static void task_done(void *context)
{
	struct request_limits *limits = context;
	const bool again = limits->again;
	limits_set(limits);
	names_drop(limits);
	limits->again = false;
	if (!again || !request_limits_renew(limits))
		limits->changed(limits->context);
}

bool request_limits_renew(struct request_limits *limits)
{
	struct error error = {0};
	if (limits->config->record_bytes > 0)
		return false;
	if (loop_task_is_running(&limits->task))
		return limits->again = true;
	limits->task = (struct loop_task){.run = task_run, .done = task_done, .context = limits};
	if (names_copy(limits) && loop_task_start(&limits->task, limits->loop, "reads the limits of topics", &error))
		return true;
	names_drop(limits);
	return false;
}
