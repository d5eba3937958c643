/* experiment.c: the step that sends each message to one of several candidates: those of
 * an Experiment named, or written here. Its fields are known and checked; it cannot run
 * yet. */
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

static void say_first(void *context, enum experiment_fault fault, struct place place, const char *suggest, const char *text)
{
	if (fault == EXPERIMENT_ODD_STAGES || fault == EXPERIMENT_NO_EXPLORING)
		return; /* no error: warnings are for the resource of its own */
	error_set(context, ERROR_CONFIG, place, suggest ? "%s; did you mean `%s`?" : "%s", text, suggest);
}

static bool experiment_check(const void *filled, struct place place, struct error *error)
{
	const struct experiment *self = filled;
	bool inlined = self->own.candidates.count > 0 || self->own.mirror_name.text;
	if (!inlined && !self->name.text)
		return error_set(error, ERROR_CONFIG, place,
				 "neither `name` nor `candidates` says which experiment is meant; write one of them");
	if (inlined)
		experiment_listen(&self->own, &(struct experiment_listener){error, say_first});
	return error->kind == ERROR_NONE;
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
	.check = experiment_check,
};
