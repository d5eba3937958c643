/* crew_callers.h: the clients of models that pipelines call by, one for as many as can
 * share it, and the pipelines that they call. The crew's own.
 */
#ifndef SLUICE_CLI_CREW_CALLERS_H
#define SLUICE_CLI_CREW_CALLERS_H

#include "cli/crew.h"
#include "plan/plan.h"
#include "worker/stage.h"

struct crew_callers {
	struct caller_config *items; /* with room for one a pipeline */
	size_t count;
};

/* The pipelines that the steps of one call, and behind them those that these call; `called`
 * has room for all of the plan. */
size_t crew_called(const struct plan *plan, const struct pipeline_plan *pipeline, struct called_pipeline *called);

/* By which a pipeline, and those that it calls, call models, shared with others that say the same of
 * them: where they are, and what becomes of calls in an outage. What is counted of them stands in
 * `lasting`, as long as the crew. NULL: `error` says why, or memory ran out. */
const struct caller_config *crew_caller(struct crew_callers *callers, const struct crew_config *config, const struct plan *plan,
					const struct pipeline_plan *pipeline, const struct called_pipeline *called,
					size_t called_count, struct arena *arena, struct arena *lasting, struct error *error);

#endif
