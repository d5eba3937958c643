/* version_wait.h: Wait for the newest version of a resource: until the keeper has put it in force, or until all engines run it. */
#ifndef SLUICE_CLIENT_VERSION_WAIT_H
#define SLUICE_CLIENT_VERSION_WAIT_H

#include "client/control_session.h"
#include "client/kafka.h"
#include "control/condition_table.h"

#define VERSION_MISSING_MAX 640

enum version_state {
	VERSION_READY, /* all engines run it */
	VERSION_ACTIVE /* it is in force */
};

extern const char *const version_state_names[];

struct version_wait {
	enum version_state state; /* that is waited for, at most so long: */
	int64_t timeout_ns;
	/* What the wait has found: */
	struct resource_reference reference;
	int64_t version; /* the newest one when the wait began */
	/* Private. */
	struct control_session control;
	struct condition_table table;
	char missing[VERSION_MISSING_MAX]; /* why the state is not reached yet */
};

/* Waits for the resource `word`, as KIND/NAME; state and timeout are set, the rest is zeroed. False: CONFIG, there is no such
 * resource, or it is deleted and no engine will run it; REMOTE, the version has failed; LIMIT, the time is over; SYSTEM. To be
 * closed in any case. */
bool version_wait_run(struct version_wait *waiting, const struct workspace *workspace, const struct pipeline_target_asked *asked,
		      const char *word, struct error *error);
void version_wait_close(struct version_wait *waiting);

#endif
