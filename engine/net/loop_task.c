/* loop_task.c: see loop_task.h. */
#include "net/loop_task.h"

#include <assert.h>
#include <unistd.h>

enum { TASK_RUNS, TASK_ENDS, TASK_IS_LEFT };

/* Of a task that was left: by whoever comes last. */
static void task_close(struct loop_task *task)
{
	close(task->bell);
	task->left(task->context);
}

static void *loop_task_run(void *context)
{
	struct loop_task *task = context;
	task->run(task->context);
	if (atomic_exchange(&task->state, TASK_ENDS) == TASK_IS_LEFT)
		task_close(task);
	else
		bell_ring(task->bell);
	return NULL;
}

void loop_task_leave(struct loop_task *task)
{
	const pthread_t thread = task->thread;
	assert(task->left && loop_task_is_running(task));
	loop_unwatch(task->loop, &task->watch);
	if (atomic_exchange(&task->state, TASK_IS_LEFT) == TASK_RUNS) {
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	task_close(task);
}

void loop_task_end(struct loop_task *task)
{
	if (!task->loop)
		return;
	pthread_join(task->thread, NULL);
	loop_unwatch(task->loop, &task->watch);
	close(task->bell);
	task->loop = NULL;
}

static void on_loop_task_end(void *context, uint32_t events)
{
	struct loop_task *task = context;
	(void)events;
	loop_task_end(task);
	task->done(task->context);
}

bool loop_task_start(struct loop_task *task, struct loop *loop, const char *purpose, struct error *error)
{
	assert(task->run && task->done && !loop_task_is_running(task));
	task->bell = bell_open(error);
	atomic_store(&task->state, TASK_RUNS);
	task->watch = (struct watch){.ready = on_loop_task_end, .context = task};
	if (task->bell < 0)
		return false;
	if (loop_watch(loop, &task->watch, task->bell, EPOLLIN, error)) {
		if (pthread_create(&task->thread, NULL, loop_task_run, task) == 0) {
			task->loop = loop;
			return true;
		}
		loop_unwatch(loop, &task->watch);
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "the thread that %s could not be started; raise the limits on threads",
			  purpose);
	}
	close(task->bell);
	return false;
}
