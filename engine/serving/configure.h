/* configure.h: what the YAML says of the models that a pipeline calls, as the caller
 * wants it (serving/caller.h): addresses, parameters, lanes, merging, cache. */
#ifndef SLUICE_SERVING_CONFIGURE_H
#define SLUICE_SERVING_CONFIGURE_H

#include "plan/plan.h"
#include "serving/caller.h"

/* All callees of a pipeline. In the arena, and borrowing from the plan. CONFIG: a model
 * without an address that can be called. */
bool caller_configure(const struct plan *plan, const struct pipeline_plan *pipeline, struct arena *arena,
		      struct caller_config *config, struct error *error);

#endif
