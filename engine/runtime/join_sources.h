/* join_sources.h: Sources of a stage that joins: their groups and topics, in the order in which a request
 * passes them. The engine's own.
 */
#ifndef SLUICE_RUNTIME_JOIN_SOURCES_H
#define SLUICE_RUNTIME_JOIN_SOURCES_H

#include "plan/plan.h"
#include "worker/stage.h"

/* Of that stage of the pipeline; left empty where it joins nothing, or where all that it joins keeps its window (`outer`,
 * `any`, `within`). Pipelines that the plan does not know are left out. In the arena; false: memory ran out. */
bool join_sources_make(struct stage_config *stage, const struct plan *all, const struct pipeline_plan *plan, size_t index,
		       struct arena *arena);

#endif
