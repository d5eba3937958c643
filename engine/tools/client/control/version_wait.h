/* version_wait.h: Wait for the newest versions of resources: until the keeper has put them in force, or until all engines run
 * them; of a deletion, until no engine runs the resource. */
#pragma once

#include "base/clock.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "control/engine/condition_table.h"

#define VERSION_MISSING_MAX 640

enum version_state {
	VERSION_READY,	/* all engines run it */
	VERSION_ACTIVE, /* it is in force */
	VERSION_GONE	/* of a deletion: it is in force, and no engine runs the resource */
};

#define VERSION_WAIT_NS (INT64_C(90) * NS_PER_S) /* usual timeout: the keeper gives engines 60 s to prepare a change */

extern const char *const version_state_names[];

struct version_wait {
	enum version_state state; /* that is waited for, at most so long: */
	int64_t timeout_ns;
	/* What the wait has found: */
	struct resource_reference reference;
	int64_t version; /* the newest one when the wait began */
	/* Private. */
	struct control_session own, *control;
	struct condition_table table;
	int64_t until_ms;
	char missing[VERSION_MISSING_MAX]; /* why the state is not reached yet */
};

/* Waits for the resource `word`, as KIND/NAME; state and timeout are set, the rest is zeroed. False: CONFIG, there is no such
 * resource, or it is deleted and no engine will run it; REMOTE, the version has failed; LIMIT, the time is over; SYSTEM. To be
 * closed in any case. */
bool version_wait_run(struct version_wait *waiting, const struct workspace *workspace, const struct pipeline_target_asked *asked,
		      const char *word, struct error *error);
/* The same in a session that is open, which is borrowed, of several resources one after the other: `timeout_ns` is set, and holds
 * for all of them. Each is waited for until it is ready, or gone if its newest version is a deletion. */
bool version_wait_open(struct version_wait *waiting, struct control_session *control, struct error *error);
bool version_wait_next(struct version_wait *waiting, struct resource_reference reference, struct error *error);
void version_wait_close(struct version_wait *waiting);

/* Appends what was reached, as a line or an object. */
void version_wait_print(const struct version_wait *waiting, bool json, struct buffer *out);
