/* join_sources.h: Sources of a stage that joins: their groups and topics, in the order in which a request passes
 * them. Private to the engine. */
#ifndef SLUICE_ENGINE_SETUP_JOIN_SOURCES_H
#define SLUICE_ENGINE_SETUP_JOIN_SOURCES_H

#include "compiler/plan/plan.h"
#include "engine/worker/stage.h"

/* Sets the sources of that stage of the pipeline. They remain empty if the stage joins nothing, or if none of its
 * joins needs all its sources (`outer`, `any`, `within`): then windows do not wait. Pipelines that are not in the
 * plan are left out. In the arena; false: memory ran out. */
bool join_sources_make(struct stage_config *stage, const struct plan *all, const struct pipeline_plan *plan, size_t index,
		       struct arena *arena);

#endif
