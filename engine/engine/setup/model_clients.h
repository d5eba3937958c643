/* model_clients.h: Configurations of the clients of models, one for as many pipelines as can share it, and the
 * subpipelines of a pipeline. Private to the engine. */
#pragma once

#include "compiler/plan/plan.h"
#include "engine/run/engine.h"
#include "engine/worker/stage.h"

struct model_clients {
	struct caller_config *items; /* with space for one per pipeline */
	size_t count;
};

/* Lists the pipelines that the steps of a pipeline call, then those that these call. `called` must have space for all
 * of the plan. */
size_t called_pipelines_find(const struct plan *plan, const struct pipeline_plan *pipeline, struct called_pipeline *called);

/* Finds for each called pipeline the models without which it gives no answer: those that its steps call on each message. Of a
 * choice of an experiment, a step with triggers, or a join that goes on without a source, nothing is known. False: the arena is
 * full. */
bool called_needs_find(const struct plan *plan, struct called_pipeline *called, size_t count, struct arena *arena);

/* Unreachable models of a group, whichever setup its clients are of: a stage that a reload does not touch keeps its client.
 * Written by the calling workers when a model becomes unreachable or reachable, read by the engine. */
struct model_news;

/* In `lasting`, which lives as long as the engine. NULL: memory ran out. */
struct model_news *model_news_open(const struct log_sink *log, struct arena *lasting);

/* Sets the client configuration of a stage of a pipeline with these subpipelines, and its own models. Pipelines share a client if
 * they have the same addresses of models and the same settings for calls in an outage. False: `error` has the reason, or memory
 * ran out. */
bool model_clients_find(struct model_clients *callers, struct model_news *news, const struct engine_config *config,
			const struct plan *plan, const struct pipeline_plan *pipeline, struct stage_config *stage,
			struct arena *arena, struct error *error);

/* Makes place in the news for all models of the clients, in `lasting`. False: memory ran out. */
bool model_news_expect(struct model_news *news, const struct model_clients *callers, struct arena *lasting);

/* Demands for the models of an engine, by the callers of all its groups (models/calls/dispatch.h). Empty at first; they are
 * made by the thread that makes setups, and stay as long as the engine. */
struct model_demands {
	struct demanded_model *first;
};

/* Sets the demand for each model of the client; those that are new in `lasting`. False: memory ran out. */
bool model_demands_set(struct model_demands *demands, struct caller_config *caller, struct arena *arena, struct arena *lasting);

/* Number of models that the stage's pipeline calls and that are unreachable. Any thread. */
size_t model_news_count(struct model_news *news, const struct stage_config *stage);

/* Names one of them, with the reason: "score: connection refused". False: all are reachable. Any thread. */
bool model_news_away(struct model_news *news, const struct stage_config *stage, char *words, size_t size);

/* Whether a model of that name is unreachable, with the reason. Any thread. */
bool model_news_is_away(struct model_news *news, const char *model, char *words, size_t size);
