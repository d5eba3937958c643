/* topic_absence.h: A topic of a pipeline that is not there for it: it was deleted, or the login may not read it, or not write it;
 * or its consumer group, which the login may not use; or a changelog from which the state of observers cannot be restored. The
 * pipeline, or its observers, wait for it. */
#pragma once

#include "engine/worker/stage.h"

struct topic_absence {
	const char *topic; /* NULL: there is none */
	bool is_group;	   /* it is the consumer group, and not a topic */
	bool is_written;   /* the login may not write it */
	enum absence absence; /* otherwise: why it is not read */
	struct last_failure *outage_why; /* of a changelog of observers, in the counts of the stage; NULL: it is none */
};

/* Takes over what a stage of a worker reports, if it does. */
void topic_absence_take(struct topic_absence *absent, struct stage_counts *counts);

/* Writes why the pipeline waits, and what to do. */
void topic_absence_write(const struct topic_absence *absent, char *out, size_t size);
