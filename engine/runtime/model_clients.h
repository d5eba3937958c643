/* model_clients.h: the clients of models that pipelines call by, one for as many as can
 * share it, and the pipelines that they call. The engine's own.
 */
#ifndef SLUICE_RUNTIME_MODEL_CLIENTS_H
#define SLUICE_RUNTIME_MODEL_CLIENTS_H

#include "plan/plan.h"
#include "runtime/engine.h"
#include "worker/stage.h"

struct model_clients {
	struct caller_config *items; /* with room for one a pipeline */
	size_t count;
};

/* The pipelines that the steps of one call, and behind them those that these call; `called`
 * has room for all of the plan. */
size_t called_pipelines_find(const struct plan *plan, const struct pipeline_plan *pipeline, struct called_pipeline *called);

/* By which a pipeline, and those that it calls, call models, shared with others that say the same of
 * them: where they are, and what becomes of calls in an outage. What is counted of them stands in
 * `lasting`, as long as the engine. NULL: `error` says why, or memory ran out. */
const struct caller_config *model_clients_find(struct model_clients *callers, const struct engine_config *config,
					       const struct plan *plan, const struct pipeline_plan *pipeline,
					       const struct called_pipeline *called, size_t called_count, struct arena *arena,
					       struct arena *lasting, struct error *error);

/* Names one of its models that are away now, and why: "score: connection refused". False: all are there. Any thread. */
bool model_news_away(const struct caller_config *caller, char *words, size_t size);

#endif
