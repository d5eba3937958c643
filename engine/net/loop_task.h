/* loop_task.h: Task of a loop: a function that runs once in a thread of its own, while the loop continues. Its end is
 * reported in the loop. For work that waits for something outside, or takes long. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "net/loop.h"

struct loop_task {
	void (*run)(void *context);  /* in the thread */
	void (*done)(void *context); /* in the loop, after `run` has returned; may start the task again */
	/* Called after loop_task_leave(), in either thread, when `run` has returned: frees the task. NULL: it is never left. */
	void (*left)(void *context);
	void *context;
	/* Private. */
	struct loop *loop; /* NULL: it does not run */
	struct watch watch;
	int bell;
	pthread_t thread;
	atomic_int state; /* which of the two threads has ended first */
};

/* Starts the task; the caller has set `run`, `done` and `context`, and the rest is zeroed. `purpose` is for the error,
 * as in "reads files". False: SYSTEM, it does not run. */
bool loop_task_start(struct loop_task *task, struct loop *loop, const char *purpose, struct error *error);

static inline bool loop_task_is_running(const struct loop_task *task)
{
	return task->loop != NULL;
}

/* Waits until `run` has returned. `done` is not called any more. Fine when it does not run. */
void loop_task_end(struct loop_task *task);

/* Leaves a task that runs, whose `run` may take any time. `done` is not called any more. The task belongs to `left`. */
void loop_task_leave(struct loop_task *task);
