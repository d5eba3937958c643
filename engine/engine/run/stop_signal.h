/* stop_signal.h: SIGTERM and SIGINT, and optionally SIGHUP, as events of a loop, for commands that run until they are
 * stopped. */
#pragma once

#include <signal.h>

#include "net/loop.h"

struct stop_signal {
	struct loop *loop;
	struct watch watch;
	sigset_t before;
	int signals;
	bool asked; /* SIGTERM or SIGINT was received */
	void (*hung_up)(void *context);
	void *context;
};

/* Blocks the signals in this thread and in those that it starts; the loop receives them. */
bool stop_signal_open(struct stop_signal *stop, struct loop *loop, struct error *error);
/* Receives SIGHUP too from now on, after stop_signal_open(): `hung_up` is called in the loop. */
bool stop_signal_watch_hangup(struct stop_signal *stop, void (*hung_up)(void *context), void *context, struct error *error);
/* Blocks SIGHUP in this thread and in those that it starts: a command that is told to read its files again while it starts reads
 * them when it runs. To be called before it reads any. */
void stop_signal_hold_hangup(void);
void stop_signals_all(sigset_t *set); /* SIGTERM, SIGINT and SIGHUP */

/* Sets the mask that was before, when what was asked to stop has stopped. Signals that came meanwhile asked for the same, as
 * `timeout` and systemd signal a process and its group: they do not end the process. */
void stop_signals_restore(const sigset_t *before);
void stop_signal_close(struct stop_signal *stop); /* allowed when it is zeroed and not opened */
