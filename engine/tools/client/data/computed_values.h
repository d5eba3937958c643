/* computed_values.h: Values of metrics that engines have computed of requests, as the outcomes topic of a pipeline has them.
 *
 * Each outcome of the experiment, or of no experiment, gives one feedback with FEEDBACK_COMPUTED as its id. Former engines wrote
 * such feedback themselves. A topic that is absent, as theirs is, gives none; nor does an outcome of a later version of sluice. */
#pragma once

#include "message/records/feedback.h"
#include "tools/client/kafka.h"

struct computed_values {
	const struct pipeline_target *target;
	const char *pipeline, *experiment;
	struct arena *arena, *record_arena; /* of all, and of one record */
	void *context;
	/* Takes the values, with the time of the feedback's record. False: the reading ends with its error. */
	bool (*take)(void *context, const struct feedback *feedback, int64_t time_ms, struct error *error);
};

bool computed_values_give(const struct computed_values *self, struct error *error);
