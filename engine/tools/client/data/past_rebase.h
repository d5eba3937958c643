/* past_rebase.h: Reference made of the past that a step `drift` has stored in its changelog, for `sluice drift rebase` and
 * `sluice drift report`. */
#pragma once

#include "tools/client/kafka.h"
#include "compiler/step/step.h"

struct store;

enum past_alarms { PAST_ALARMS_LEAVE_OUT, PAST_ALARMS_KEEP };

/* Borrowed until past_rebase_close(). */
struct past_rebase_asked {
	const struct pipeline_target_asked *target;
	const char *name;	  /* PIPELINE/STEP */
	const char *from, *until; /* a point in time, or so long ago; NULL: all, and now */
	int alarms;		  /* enum past_alarms: whether windows in alarm are taken too */
};

struct past_rebase { /* starts with the first two */
	const struct workspace *workspace;
	const struct past_rebase_asked *asked;
	const char *pipeline, *step;
	struct rebase_made made;
	struct buffer file; /* the reference */
	struct pipeline_target target;
	size_t observer; /* among the steps of the graph */
	struct store *store;
	struct rebase_wanted wanted;
};

/* Reads the changelog, and fills `made` and `file`. */
bool past_rebase_run(struct past_rebase *self, struct error *error);
void past_rebase_close(struct past_rebase *self);
