/* experiment.c: Step that sends each message to one of several candidates, from a named Experiment or an inline one.
 *
 * The engine chooses when the step calls the experiment (compiler/graph/experiments.c, flow/experiment.c), as for any call of an
 * experiment or of its default. */
#include "compiler/step/experiment.h"
#include "steps/kinds.h"

struct experiment {
	struct name name;
	struct experiment_spec own;
};

static const struct option options[] = {
	ROW("name", NAME, struct experiment, name, .short_form = true,
	    .help = "An Experiment; or the name of the one written here, by which commands find it. Without one it is "
		    "PIPELINE/STEP."),
	EXPERIMENT_ROWS(struct experiment, own, false),
	{.type = OPTION_END},
};

static const struct experiment_spec *experiment_written(const struct experiment *self)
{
	return self->own.candidates.count > 0 || self->own.mirror_name.text ? &self->own : NULL;
}

static void experiment_describe(const struct step *step, struct step_facts *facts)
{
	const struct experiment *self = step->options;
	facts->experiment = experiment_written(self);
	facts->experiment_name = self->name.text;
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

static enum step_verdict experiment_run(struct step *step, struct visit *visit, struct error *error)
{
	const char *name = ((const struct experiment *)step->options)->name.text;
	return visit_call(visit, CALL_EXPERIMENT, name ? name : step->name, visit_input(visit), error) ? STEP_WAIT : STEP_FAIL;
}

static enum step_verdict experiment_answered(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	(void)step;
	if (call->error.kind != ERROR_NONE) {
		*error = call->error;
		return STEP_FAIL;
	}
	struct payload *reply = ARENA_NEW(visit_arena(visit), struct payload);
	if (!reply)
		return error_memory(error, ERROR_LIMIT, "taking the reply of a candidate"), STEP_FAIL;
	*reply = *call->reply;
	if (reply->marks.count == 0) /* a pipeline's answer has the marks of the request already */
		reply->marks = visit_input(visit)->marks;
	visit_emit(visit, reply);
	return STEP_DONE;
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
	.calls = &(const struct call_rules){.targets = experiment_targets, .answered = experiment_answered},
	.routes = &(const struct route_rules){.is_experiment = true},
	.describe = experiment_describe,
	.check = experiment_check,
	.run = experiment_run,
};
