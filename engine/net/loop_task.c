/* loop_task.c: see loop_task.h. */
#include "net/loop_task.h"

#include <assert.h>
#include <sys/epoll.h>
#include <unistd.h>

static void *loop_task_run(void *context)
{
	struct loop_task *task = context;
	task->run(task->context);
	bell_ring(task->bell);
	return NULL;
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
