/* model_clients.h: Configurations of the clients of models, one for as many pipelines as can share it, and the
 * subpipelines of a pipeline. Private to the engine. */
#ifndef SLUICE_RUNTIME_MODEL_CLIENTS_H
#define SLUICE_RUNTIME_MODEL_CLIENTS_H

#include "plan/plan.h"
#include "runtime/engine.h"
#include "worker/stage.h"

struct model_clients {
	struct caller_config *items; /* with space for one per pipeline */
	size_t count;
};

/* Lists the pipelines that the steps of a pipeline call, then those that these call. `called` must have space for all
 * of the plan. */
size_t called_pipelines_find(const struct plan *plan, const struct pipeline_plan *pipeline, struct called_pipeline *called);

/* Client configuration of a pipeline and its subpipelines. Pipelines share it if they have the same addresses of
 * models and the same settings for calls in an outage. Its counts are in `lasting`, which lives as long as the
 * engine. NULL: `error` has the reason, or memory ran out. */
const struct caller_config *model_clients_find(struct model_clients *callers, const struct engine_config *config,
					       const struct plan *plan, const struct pipeline_plan *pipeline,
					       const struct called_pipeline *called, size_t called_count, struct arena *arena,
					       struct arena *lasting, struct error *error);

/* Names one of its unreachable models, with the reason: "score: connection refused". False: all are reachable. Any
 * thread. */
bool model_news_away(const struct caller_config *caller, char *words, size_t size);

/* Whether that model is unreachable, with the reason. Any thread. */
bool model_news_is_away(const struct caller_config *caller, const char *model, char *words, size_t size);

#endif
