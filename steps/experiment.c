/* experiment.c: Step that sends each message to one of several candidates, from a named Experiment or an inline one.
 * Its fields are parsed and checked; it cannot run yet. */
#include "step/experiment.h"
#include "steps/kinds.h"

struct experiment {
	struct name name;
	struct experiment_spec own;
};

static const struct option options[] = {
	{.name = "name",
	 .type = OPTION_NAME,
	 .offset = offsetof(struct experiment, name),
	 .short_form = true,
	 .help = "An Experiment; or the name of the one written here."},
	EXPERIMENT_ROWS(struct experiment, own, false),
	{.type = OPTION_END},
};

static const struct experiment_spec *experiment_written(const void *filled)
{
	const struct experiment *self = filled;
	return self->own.candidates.count > 0 || self->own.mirror_name.text ? &self->own : NULL;
}

static bool experiment_check(const void *filled, struct place place, struct error *error)
{
	const struct experiment *self = filled;
	if (experiment_written(self) || self->name.text)
		return true;
	return error_set(error, ERROR_CONFIG, place,
			 "neither `name` nor `candidates` says which experiment is meant; write one of them");
}

static bool experiment_targets(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	const struct experiment *self = step->options;
	const struct experiment_spec *written = experiment_written(self);
	if (!written) {
		*target = CALL_EXPERIMENT;
		*name = self->name.text;
		return nth == 0;
	}
	const struct candidate *candidates = written->candidates.items;
	*target = written->resource_type == EXPERIMENT_PIPELINE ? CALL_PIPELINE : CALL_MODEL;
	*name = nth < written->candidates.count ? candidates[nth].name.text : written->mirror_name.text;
	return nth < written->candidates.count || (nth == written->candidates.count && *name);
}

const struct step_kind step_experiment = {
	.name = "experiment",
	.summary = "Sends each message to one of several models or pipelines, and remembers which.",
	.example = "- name: variants\n"
		   "  inputs: [clean]\n"
		   "  experiment:\n"
		   "    default: base\n"
		   "    candidates: [{name: base, weight: 70}, {name: new, weight: 30}]\n",
	.options = options,
	.options_size = sizeof(struct experiment),
	.shape = SHAPE_REPLACES,
	.planned = true,
	.calls = &(const struct call_rules){.targets = experiment_targets},
	.routes = &(const struct route_rules){.experiment = experiment_written},
	.check = experiment_check,
};
