/* caller_config.h: Caller configuration from the YAML: addresses, parameters, concurrency limits, batching and
 * cache of the models that a pipeline calls (models/calls/caller.h).
 */
#pragma once

#include "compiler/plan/plan.h"
#include "models/calls/caller.h"

/* Configures all models that a pipeline calls, in the arena, borrowing from the plan. CONFIG: a model without
 * an address that can be called. */
bool caller_configure(const struct plan *plan, const struct pipeline_plan *pipeline, struct arena *arena,
		      struct caller_config *config, struct error *error);

/* Configures one model as the files say: its timeout, parameters, limits, batching and cache. Its address and the
 * login of a Redis are left to the caller. `config` is zero before, except its place, which that of a Model
 * replaces. CONFIG: a parameter with an invalid value. */
bool model_configure(const struct spec *spec, const char *name, struct arena *arena, struct model_config *config,
		     struct error *error);
