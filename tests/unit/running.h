/* running.h: a worker that runs in a thread of its own, for tests of what becomes of its
 * records. */
#pragma once

#include <pthread.h>

#include "engine/worker/worker.h"

struct running {
	struct worker *worker; /* NULL: it does not run */
	pthread_t thread;
	struct error error;
	bool drained;
};

/* `config` is borrowed until it has stopped. The test fails when the worker cannot be opened. */
void running_start(struct running *running, const struct worker_config *config);

/* Fails the test unless all was drained. */
struct worker_counts running_stop(struct running *running);

/* Waits until it ends by itself; fails the test unless that is a SYSTEM error that has these words. */
void running_fail(struct running *running, const char *words);

/* For a teardown: a test that failed has left its worker running. True when it had. */
bool running_end(struct running *running);
