/* survey.h: Survey of model servers: reads the inputs and outputs of models from their metadata, once, before
 * an engine starts. So a pipeline that does not fit its models is reported before its first message.
 */
#pragma once

#include "compiler/plan/plan.h"
#include "compiler/graph/signature.h"
#include "models/calls/caller.h"

#define SURVEY_TIMEOUT_MS 2000

/* Result of the survey for one model. */
struct survey_answer {
	const char *model;
	bool has_metadata; /* its metadata was read */
	const char *words; /* why it was not; NULL: it was, or there is none to read */
	bool away; /* because its server cannot be reached, or says that it does not have the model */
};

struct survey {
	size_t count;
	struct survey_answer *answers;
	struct models_metadata metadata; /* of the models whose metadata was read */
};

/* Asks the servers of all models of the configurations, in parallel, and waits at most SURVEY_TIMEOUT_MS. A
 * model that does not answer is not an error: its server may start later. In the arena. False: SYSTEM. */
bool survey_models(const struct caller_config *configs, size_t count, struct arena *arena, struct survey *survey,
		   struct error *error);
