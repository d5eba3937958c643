/* stop_signal.c: see stop_signal.h. */
#include "engine/run/stop_signal.h"

#include <assert.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void stop_signal_on_signal(void *context, uint32_t events)
{
	(void)events;
	struct stop_signal *stop = context;
	struct signalfd_siginfo which;
	if (read(stop->signals, &which, sizeof which) != (ssize_t)sizeof which)
		return;
	if (which.ssi_signo == SIGHUP)
		stop->hung_up(stop->context);
	else
		stop->asked = true;
}

bool stop_signal_open(struct stop_signal *stop, struct loop *loop, struct error *error)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "no descriptor for signals; raise the limit on open files");
	*stop = (struct stop_signal){.loop = loop, .watch = {.ready = stop_signal_on_signal, .context = stop}, .signals = signals};
	pthread_sigmask(SIG_BLOCK, &set, &stop->before);
	if (loop_watch(loop, &stop->watch, signals, EPOLLIN, error))
		return true;
	stop_signal_close(stop);
	return false;
}

void stop_signal_hold_hangup(void)
{
	sigset_t hangup;
	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hangup, NULL);
}

bool stop_signal_watch_hangup(struct stop_signal *stop, void (*hung_up)(void *context), void *context, struct error *error)
{
	assert(stop->loop && hung_up);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	stop->hung_up = hung_up;
	stop->context = context;
	return signalfd(stop->signals, &set, 0) >= 0 ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "SIGHUP cannot be received; the kernel refuses signalfd");
}

void stop_signals_all(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void stop_signals_restore(const sigset_t *before)
{
	const struct timespec now = {0};
	sigset_t set;
	stop_signals_all(&set);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

void stop_signal_close(struct stop_signal *stop)
{
	if (!stop->loop)
		return;
	loop_unwatch(stop->loop, &stop->watch);
	close(stop->signals);
	if (stop->asked)
		stop_signals_restore(&stop->before);
	else
		pthread_sigmask(SIG_SETMASK, &stop->before, NULL);
	stop->loop = NULL;
}
