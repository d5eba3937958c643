/* reader_renewal.c: see reader_renewal.h. */
#include "kafka/consume/reader_renewal.h"

#include <assert.h>
#include <stdio.h>

#include "kafka/kafka_log.h"

static void renewal_on_timer(void *context);

static void renewal_wait(struct reader_renewal *renewal)
{
	struct error error = {0};
	renewal->timer = (struct loop_timer){.due = renewal_on_timer, .context = renewal};
	(void)loop_timer_set(renewal->loop, &renewal->timer, loop_now_ms(renewal->loop) + renewal->pause_ms, &error);
}

static void renewal_run(void *context)
{
	struct reader_renewal *renewal = context;
	reader_close(renewal->failed_reader);
	renewal->failed_reader = NULL;
	renewal->reader = reader_open(renewal->config, &renewal->error);
}

static void renewal_on_end(void *context)
{
	struct reader_renewal *renewal = context;
	struct reader *reader = renewal->reader;
	renewal->reader = NULL;
	if (reader) {
		renewal->opened(renewal->context, reader);
		return;
	}
	renewal->failed(renewal->context, &renewal->error);
	renewal_wait(renewal);
}

static void renewal_on_timer(void *context)
{
	struct reader_renewal *renewal = context;
	struct error error = {0};
	renewal->error = (struct error){0};
	renewal->task = (struct loop_task){.run = renewal_run, .done = renewal_on_end, .context = renewal};
	if (loop_task_start(&renewal->task, renewal->loop, renewal->purpose, &error))
		return;
	renewal->failed(renewal->context, &error);
	renewal_wait(renewal);
}

static void renewal_check(const struct reader_renewal *renewal)
{
	assert(renewal->config && renewal->config->stopping == &renewal->stopping);
	assert(renewal->loop && renewal->opened && renewal->failed && renewal->pause_ms > 0);
}

void reader_renewal_start(struct reader_renewal *renewal)
{
	renewal_check(renewal);
	renewal_on_timer(renewal);
}

bool reader_renewal_try(struct reader_renewal *renewal, struct reader **reader, struct error *error)
{
	renewal_check(renewal);
	*reader = reader_open(renewal->config, error);
	if (*reader || error->kind != ERROR_REMOTE)
		return *reader;
	renewal->failed(renewal->context, error);
	*error = (struct error){0};
	renewal_wait(renewal);
	return true;
}

void reader_renewal_begin(struct reader_renewal *renewal, struct reader *failed)
{
	renewal_check(renewal);
	renewal->failed_reader = failed;
	renewal_wait(renewal);
}

void reader_renewal_log(const char *meanwhile, const struct error *error)
{
	char line[2 * ERROR_TEXT_MAX];
	(void)snprintf(line, sizeof line, "%s: %s", meanwhile, error->text);
	kafka_log_say(LOG_LEVEL_WARN, line);
}

void reader_renewal_end(struct reader_renewal *renewal)
{
	if (!renewal->loop)
		return;
	atomic_store(&renewal->stopping, true);
	loop_timer_stop(renewal->loop, &renewal->timer);
	loop_task_end(&renewal->task);
	reader_close(renewal->failed_reader);
	reader_close(renewal->reader);
	renewal->failed_reader = renewal->reader = NULL;
}
