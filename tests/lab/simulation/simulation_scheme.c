/* simulation_scheme.c: see simulation_scheme.h. */
#include "simulation/simulation_scheme.h"

#include "simulation/simulation_pipeline.h"

void simulation_scheme_open(struct simulation_scheme *scheme, const struct step_kind *const *kinds, struct arena *arena)
{
	size_t count = 0;
	*scheme = (struct simulation_scheme){.arena = arena};
	while (kinds[count] && count + 2 < SIMULATION_KINDS_MAX) {
		scheme->kinds[count] = kinds[count];
		count++;
	}
	scheme->kinds[count] = &simulation_count;
}

void simulation_scheme_close(struct simulation_scheme *scheme)
{
	for (size_t i = 0; i < scheme->count; i++)
		spec_close(&scheme->deployments[i].spec);
}

bool simulation_scheme_add(struct simulation_scheme *scheme, struct text yaml, struct error *error)
{
	const struct spec_options spec_options = {.kinds = scheme->kinds};
	const struct plan_options plan_options = {.kinds = scheme->kinds};
	struct simulation_deployment *deployment = &scheme->deployments[scheme->count];
	if (!spec_open(&deployment->spec, error))
		return false;
	scheme->count++;
	if (!spec_read_text(&deployment->spec, "run.yaml", yaml, &spec_options, error) ||
	    !plan_make(&deployment->spec, &plan_options, scheme->arena, &deployment->plan, error))
		return false;
	if (faults_count(deployment->spec.faults, SEVERITY_ERROR) == 0)
		return true;
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the simulator wrote a pipeline that sluice refuses: %s\n" TEXT_FORMAT,
			 faults_at(deployment->spec.faults, 0)->message, TEXT_ARGUMENTS(yaml));
}

const struct pipeline_plan *simulation_scheme_pipeline(const struct simulation_scheme *scheme, size_t deployment, const char *name)
{
	return plan_find(&scheme->deployments[deployment].plan, name);
}

struct worker_setup *simulation_scheme_setup(const struct simulation_scheme *scheme, size_t deployment, struct group *group)
{
	const struct plan *plan = &scheme->deployments[deployment].plan;
	struct worker_setup *setup = ARENA_NEW(scheme->arena, struct worker_setup);
	size_t most = 0;
	for (size_t i = 0; i < plan->count; i++)
		most += plan->pipelines[i].stage_count;
	struct stage_config *stages = ARENA_ARRAY(scheme->arena, struct stage_config, most);
	group->reads.arena = group->writes.arena = group->taps.arena = scheme->arena;
	for (size_t i = 0; setup && stages && i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		for (size_t j = 0; j < pipeline->stage_count; j++)
			if (strcmp(plan_stage_group(pipeline, j), group->name) == 0 &&
			    !stage_config_make(&stages[setup->stage_count++], group, plan, pipeline, j, scheme->arena))
				return NULL;
	}
	if (!setup || arena_failed(scheme->arena))
		return NULL;
	setup->stages = stages;
	setup->reads = (struct topic_list){group->reads.count, group->reads.names};
	setup->writes = (struct topic_list){group->writes.count, group->writes.names};
	setup->taps = (struct topic_list){group->taps.count, group->taps.names};
	return setup;
}
