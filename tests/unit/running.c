/* running.c: see running.h. */
#include "tests/unit/running.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void *run(void *context)
{
	struct running *running = context;
	running->drained = worker_run(running->worker, &running->error);
	return NULL;
}

void running_start(struct running *running, const struct worker_config *config)
{
	running->worker = worker_open(config, &running->error);
	assert_string_equal(running->error.text, "");
	assert_int_equal(pthread_create(&running->thread, NULL, run, running), 0);
}

struct worker_counts running_stop(struct running *running)
{
	worker_stop(running->worker);
	assert_int_equal(pthread_join(running->thread, NULL), 0);
	struct worker_counts counts = worker_counts(running->worker);
	worker_close(running->worker);
	running->worker = NULL;
	assert_string_equal(running->error.text, "");
	assert_true(running->drained);
	return counts;
}

void running_fail(struct running *running, const char *words)
{
	assert_int_equal(pthread_join(running->thread, NULL), 0);
	worker_close(running->worker);
	running->worker = NULL;
	assert_false(running->drained);
	assert_int_equal(running->error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(running->error.text, words));
}

bool running_end(struct running *running)
{
	if (!running->worker)
		return false;
	worker_stop(running->worker);
	(void)pthread_join(running->thread, NULL);
	worker_close(running->worker);
	return true;
}
