/* stopping.h: SIGTERM and SIGINT, taken by a loop: for commands that run until they are
 * told to stop. */
#ifndef SLUICE_CLI_STOPPING_H
#define SLUICE_CLI_STOPPING_H

#include <signal.h>

#include "net/loop.h"

struct stopping {
	struct loop *loop;
	struct watch watch;
	sigset_t before;
	int signals;
	bool asked; /* it was told to stop */
};

/* From here on the signals wait for the loop, in this thread and in those it starts. */
bool stopping_open(struct stopping *stopping, struct loop *loop, struct error *error);
void stopping_close(struct stopping *stopping); /* fine when it was not opened, but zeroed */

#endif
