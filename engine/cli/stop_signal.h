/* stop_signal.h: SIGTERM and SIGINT as an event of a loop, for commands that run until they are
 * told to stop. */
#ifndef SLUICE_CLI_STOP_SIGNAL_H
#define SLUICE_CLI_STOP_SIGNAL_H

#include <signal.h>

#include "net/loop.h"

struct stop_signal {
	struct loop *loop;
	struct watch watch;
	sigset_t before;
	int signals;
	bool asked; /* it was told to stop */
};

/* From here on the signals wait for the loop, in this thread and in those it starts. */
bool stop_signal_open(struct stop_signal *stop, struct loop *loop, struct error *error);
void stop_signal_close(struct stop_signal *stop); /* fine when it was not opened, but zeroed */

#endif
