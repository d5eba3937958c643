/* start_wait.c: see start_wait.h. */
#include "tools/process/start_wait.h"

#include <stdio.h>

#include "base/clock.h"
#include "kafka/kafka_wait.h"
#include "net/loop_task.h"
#include "monitor/metrics/metrics_listener.h"
#include "tools/process/waiting_listener.h"

#define TURN_MS 60000 /* the loop only waits */
#define WORDS_BYTES (ERROR_TEXT_MAX + 128)

struct start_wait {
	const struct start_wait_config *config;
	struct kafka_wait kafka; /* of the step */
	struct loop *loop;
	struct stop_signal stop;
	struct loop_task task;
	struct loop_timer again, say;
	struct waiting_listener *gateway; /* NULL: it has no port yet */
	struct metrics_listener *metrics; /* likewise */
	struct metrics_config metrics_config;
	struct error error;  /* of the step that runs */
	struct error failed; /* of the last one that failed */
	int64_t begun_ms;
	bool is_said; /* a line was logged */
	bool is_over;
	char words[WORDS_BYTES];
};

/* ---- what is waited for ---- */

static const char *start_wait_words(void *context)
{
	struct start_wait *wait = context;
	const char *awaited = atomic_load(&wait->kafka.awaited);
	(void)snprintf(wait->words, sizeof wait->words, "the start waits for Kafka: it has not given %s%s%s",
		       awaited ? awaited : "an answer", wait->failed.text[0] ? "; the last attempt: " : "", wait->failed.text);
	return wait->words;
}

static long long start_waited_s(const struct start_wait *wait)
{
	return (loop_now_ms(wait->loop) - wait->begun_ms) / MS_PER_S;
}

static void start_wait_on_say(void *context)
{
	struct start_wait *wait = context;
	struct error ignored = {0};
	wait->is_said = true;
	log_say(wait->config->log, LOG_LEVEL_WARN, NULL, "%s. It has waited for %lld s, and tries again until it is told to stop",
		start_wait_words(wait), start_waited_s(wait));
	(void)loop_timer_set(wait->loop, &wait->say, loop_now_ms(wait->loop) + START_SAY_MS, &ignored);
}

/* ---- the step ---- */

static void start_step_run(void *context)
{
	struct start_wait *wait = context;
	kafka_wait_bound(&wait->kafka);
	if (!wait->config->step(wait->config->context, &wait->error) && wait->error.kind == ERROR_NONE)
		error_set(&wait->error, ERROR_REMOTE, PLACE_NONE, "it was stopped before Kafka answered");
	kafka_wait_bound(NULL);
}

static void start_step_on_done(void *context)
{
	struct start_wait *wait = context;
	struct error ignored = {0};
	wait->is_over = wait->error.kind != ERROR_REMOTE;
	wait->failed = wait->error;
	if (!wait->is_over)
		(void)loop_timer_set(wait->loop, &wait->again, loop_now_ms(wait->loop) + START_AGAIN_MS, &ignored);
}

static void start_step_begin(void *context)
{
	struct start_wait *wait = context;
	struct error error = {0};
	wait->error = (struct error){0};
	wait->task = (struct loop_task){.run = start_step_run, .done = start_step_on_done, .context = wait};
	if (loop_task_start(&wait->task, wait->loop, "asks Kafka", &error))
		return;
	wait->error = error;
	start_step_on_done(wait);
}

/* ---- opening and closing ---- */

static bool listeners_open(struct start_wait *wait, struct error *error)
{
	const struct start_wait_config *config = wait->config;
	const struct waiting_listener_config gateway = {.workspace = config->workspace,
							.listening = config->listening,
							.hosts = config->hosts,
							.http_port = config->http_port,
							.grpc_port = config->grpc_port,
							.unready = start_wait_words,
							.context = wait};
	const struct metrics_owner owner = {.unready = start_wait_words, .context = wait};
	struct metrics_address address = {0};
	wait->metrics_config = (struct metrics_config){config->metrics, config->workspace, config->hosts};
	if (!(wait->gateway = waiting_listener_open(wait->loop, &gateway, error)))
		return false;
	if (!config->metrics->address || !metrics_address_read(config->metrics->address, &address, error) || address.port == 0)
		return error->kind == ERROR_NONE;
	wait->metrics = metrics_listener_open(wait->loop, &wait->metrics_config, &owner, error);
	return wait->metrics;
}

static bool start_wait_open(struct start_wait *wait, struct error *error)
{
	wait->loop = loop_open(error);
	if (!wait->loop || !stop_signal_open(&wait->stop, wait->loop, error) || !listeners_open(wait, error))
		return false;
	wait->again = (struct loop_timer){.due = start_step_begin, .context = wait};
	wait->say = (struct loop_timer){.due = start_wait_on_say, .context = wait};
	wait->begun_ms = loop_now_ms(wait->loop);
	return loop_timer_set(wait->loop, &wait->say, wait->begun_ms + START_SAY_MS, error);
}

static void start_wait_close(struct start_wait *wait)
{
	atomic_store(&wait->kafka.stopping, true);
	loop_task_end(&wait->task);
	waiting_listener_close(wait->gateway);
	metrics_listener_close(wait->metrics);
	stop_signal_close(&wait->stop);
	loop_close(wait->loop);
}

enum start_end start_wait_run(const struct start_wait_config *config, struct error *error)
{
	assert(config->step && config->listening && config->metrics);
	struct start_wait wait = {.config = config};
	bool good = start_wait_open(&wait, error);
	if (good)
		start_step_begin(&wait);
	while (good && !wait.is_over && !wait.stop.asked)
		good = loop_turn(wait.loop, TURN_MS, error);
	const bool is_stopped = good && wait.stop.asked;
	if (good && !is_stopped && wait.error.kind == ERROR_NONE && wait.is_said)
		log_say(config->log, LOG_LEVEL_INFO, NULL, "Kafka has answered after %lld s: the start continues",
			start_waited_s(&wait));
	start_wait_close(&wait);
	if (is_stopped)
		return START_STOPPED;
	if (good && wait.error.kind != ERROR_NONE)
		*error = wait.error;
	return good && wait.error.kind == ERROR_NONE ? START_DONE : START_FAILED;
}
