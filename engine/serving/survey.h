/* survey.h: what the servers of models say that these take and give, asked once, before
 * an engine starts: so that a pipeline that does not fit is told before its first message.
 */
#ifndef SLUICE_SERVING_SURVEY_H
#define SLUICE_SERVING_SURVEY_H

#include "plan/plan.h"
#include "plan/signature.h"
#include "serving/caller.h"

#define SURVEY_TIMEOUT_MS 2000

/* What a server says of one model. */
struct survey_answer {
	const char *model;
	bool told;	   /* its metadata came */
	const char *words; /* why it did not; NULL: there is nothing to ask, or it came */
};

struct survey {
	size_t count;
	struct survey_answer *answers;
	struct models_metadata metadata; /* of those that were told */
};

/* Asks for all models of the configurations, all at a time, and waits: at most
 * SURVEY_TIMEOUT_MS. A model that does not answer is no fault: it may come later. In the
 * arena. False: SYSTEM. */
bool survey_models(const struct caller_config *configs, size_t count, struct arena *arena, struct survey *survey,
		   struct error *error);

#endif
