/* absent_callees.c: Models and Experiments that steps call, and that the files do not have. Candidates of experiments are
 * candidates.c's, and the notes of a plan, which has the options of a command, are calls.c's. */
#include "base/suggest.h"
#include "compiler/plan/compile.h"
#include "compiler/graph/file_refusals.h"
#include "compiler/graph/step_options.h"
#include "compiler/yaml/fault_codes.h"

#define NEAREST_MAX 64 /* names of a pipeline to which the nearest is looked for: each is compared with all of the files */

struct absent_check {
	const struct compiler *compiler;
	const struct graph *graph;
	size_t suggestions_left;
};

static bool model_is_offered(const struct compiler *compiler, const char *name, const struct step_spec *step)
{
	static const struct name_list none = {0};
	const struct model_facts facts = {.name = name, .requirements = step_option_names(step, "requirements")};
	return spec_find(compiler->spec, RESOURCE_MODEL, name) ||
	       endpoint_is_offered(&facts, compiler->spec, &none, compiler->arena);
}

static const char *nearest_offered(struct absent_check *check, const char *name, enum call_target target)
{
	static const enum resource_type types[] = {RESOURCE_MODEL, RESOURCE_PIPELINE, RESOURCE_EXPERIMENT};
	const struct spec *spec = check->compiler->spec;
	struct suggestion suggestion = suggest_begin(text_of(name));
	if (check->suggestions_left == 0)
		return NULL;
	check->suggestions_left--;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const bool is_meant = target == CALL_ANY || (target == CALL_MODEL && types[i] == RESOURCE_MODEL) ||
				      (target == CALL_EXPERIMENT && types[i] == RESOURCE_EXPERIMENT);
		const struct resource *resource;
		for (size_t at = 0; is_meant && (resource = spec_next(spec, types[i], &at));)
			if (resource->name.text)
				suggest_offer(&suggestion, text_of(resource->name.text));
	}
	return suggestion.nearest.bytes;
}

struct callee_seen {
	const char *name;
	enum call_target written, target; /* as the step says, and what the name means among the files */
};

/* The step's next call of an Experiment, or of a Model by its name alone. The Models of a choice are their own check's. */
static bool callee_next(const struct absent_check *check, size_t index, size_t *nth, struct callee_seen *callee)
{
	const struct graph_step *graph_step = &check->graph->steps[index];
	const struct step_spec *spec = graph_step->spec;
	const struct step step = step_seen(check->graph, index);
	if (!spec->kind || !spec->options || graph_step->explained || graph_step->model_switch.count > 0 ||
	    step_experiment_written(spec))
		return false;
	while (step_calls(&step, (*nth)++, &callee->written, &callee->name)) {
		callee->target = callee->name ? graph_callee(check->graph, callee->written, callee->name) : CALL_ANY;
		if (callee->target == CALL_EXPERIMENT || (callee->target == CALL_MODEL && !step_locates_model(spec)))
			return true;
	}
	return false;
}

static bool callee_is_there(const struct absent_check *check, size_t index, const struct callee_seen *callee)
{
	const struct compiler *compiler = check->compiler;
	return callee->target == CALL_EXPERIMENT ? !experiment_call_refusal(compiler->spec, check->graph, index, callee->name)
						 : model_is_offered(compiler, callee->name, check->graph->steps[index].spec);
}

static void callee_report(struct absent_check *check, size_t index, const struct callee_seen *callee)
{
	const struct graph_step *step = &check->graph->steps[index];
	const char *nearest = nearest_offered(check, callee->name, callee->written);
	struct faults *faults = check->compiler->spec->faults;
	if (callee->target == CALL_EXPERIMENT)
		fault_add(faults, CODE_ABSENT_EXPERIMENT, step->spec->options_here, nearest,
			  "step `%s` calls the experiment `%s`, which %s" REFUSED_ALONE, step->name, callee->name,
			  experiment_call_refusal(check->compiler->spec, check->graph, index, callee->name));
	else if (!endpoint_server_offers(check->compiler->spec))
		fault_add(faults, CODE_ABSENT_MODEL, step->spec->name.place, nearest,
			  "step `%s` calls %s`%s`, and the files have no %s of that name, nor does a Server offer it", step->name,
			  callee->written == CALL_ANY ? "" : "the model ", callee->name,
			  callee->written == CALL_ANY ? "Model, Pipeline or Experiment" : "Model");
}

/* Files that have nothing of what a pipeline calls are a part of the whole: the others are elsewhere, as options of `run` may say
 * of its models. No option says it of an experiment. */
static bool files_are_whole(const struct absent_check *check)
{
	struct callee_seen callee;
	for (size_t i = 0; i < check->graph->count; i++)
		for (size_t nth = 0; callee_next(check, i, &nth, &callee);)
			if (callee_is_there(check, i, &callee) ||
			    (callee.target == CALL_EXPERIMENT && spec_first(check->compiler->spec, RESOURCE_EXPERIMENT)))
				return true;
	return false;
}

void plan_absent_callees(const struct compiler *compiler, const struct graph *graph)
{
	struct absent_check check = {compiler, graph, NEAREST_MAX};
	struct callee_seen callee;
	if (graph->resource->made_of)
		return;
	const bool are_whole = files_are_whole(&check);
	for (size_t i = 0; i < graph->count; i++)
		for (size_t nth = 0; callee_next(&check, i, &nth, &callee);)
			if ((are_whole || callee.target == CALL_EXPERIMENT) && !callee_is_there(&check, i, &callee))
				callee_report(&check, i, &callee);
}
