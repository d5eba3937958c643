/* stage_setup.h: Configuration of one stage of a pipeline: the numbers of its topics, the points that it reads, and the conditions
 * of its alerts. Private to the engine, its simulator and cases. */
#pragma once

#include "engine/setup/group_setup.h"

/* Fills in the configuration of stage `index`, without its caller, its limits and its version. In the arena; false: memory ran
 * out. */
bool stage_config_make(struct stage_config *stage, struct group *group, const struct plan *all, const struct pipeline_plan *plan,
		       size_t index, struct arena *arena);

/* The same of the relay of the pipeline's feedback (plan->relay). */
bool stage_config_make_relay(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan,
			     struct arena *arena);
