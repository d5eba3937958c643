/* rollout_check.c: see rollout_check.h. */
#include "experiments/rollouts/rollout_check.h"

#include "compiler/resources/experiment_walk.h"
#include "compiler/yaml/fault_codes.h"

bool rollout_check(const struct experiment_spec *experiment, struct rollout_plan *plan, struct faults *faults)
{
	struct error error = {0};
	if (rollout_plan_make(experiment, plan, &error))
		return true;
	fault_add(faults, experiment->default_name.text ? CODE_ROLLOUT : CODE_IGNORED_SETTING, error.place, NULL, "%s", error.text);
	return false;
}

void rollouts_check(const struct spec *spec, struct arena *arena)
{
	struct experiment_walk walk = experiment_walk_begin(spec);
	struct experiment_found found;
	struct rollout_plan plan;
	const bool is_whole = faults_count(spec->faults, SEVERITY_ERROR) == 0;
	while (is_whole && experiment_walk_next(&walk, arena, &found))
		if (experiment_is_rolled_out(found.spec))
			(void)rollout_check(found.spec, &plan, spec->faults);
}
