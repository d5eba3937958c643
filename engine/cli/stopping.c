/* stopping.c: see stopping.h. */
#include "cli/stopping.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_signal(void *context, uint32_t events)
{
	(void)events;
	struct stopping *stopping = context;
	struct signalfd_siginfo which;
	if (read(stopping->signals, &which, sizeof which) == (ssize_t)sizeof which)
		stopping->asked = true;
}

bool stopping_open(struct stopping *stopping, struct loop *loop, struct error *error)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "no descriptor for signals; raise the limit on open files");
	*stopping = (struct stopping){.loop = loop, .watch = {.ready = on_signal, .context = stopping}, .signals = signals};
	pthread_sigmask(SIG_BLOCK, &set, &stopping->before);
	if (loop_watch(loop, &stopping->watch, signals, EPOLLIN, error))
		return true;
	stopping_close(stopping);
	return false;
}

void stopping_close(struct stopping *stopping)
{
	if (!stopping->loop)
		return;
	loop_unwatch(stopping->loop, &stopping->watch);
	close(stopping->signals);
	pthread_sigmask(SIG_SETMASK, &stopping->before, NULL);
	stopping->loop = NULL;
}
