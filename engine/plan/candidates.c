/* candidates.c: Candidates of experiments that are gone: no Model or Pipeline of the files, while another candidate is one. */
#include "base/suggest.h"
#include "plan/compile.h"
#include "spec/fault_codes.h"

struct candidate_check {
	const struct compiler *compiler;
	const char *name; /* of the experiment */
	const struct experiment_spec *experiment;
	enum resource_type type;
};

/* A step that calls the default may say itself where it is served. */
static bool candidate_is_offered(const struct candidate_check *check, const char *name)
{
	const struct compiler *compiler = check->compiler;
	static const struct name_list none = {0};
	const struct model_facts facts = {.name = name};
	if (spec_find(compiler->spec, check->type, name))
		return true;
	return check->type == RESOURCE_MODEL &&
	       (strings_equal(name, check->experiment->default_name.text) ||
		endpoint_is_offered(&facts, compiler->spec, compiler->options ? &compiler->options->servers : &none,
				    compiler->arena));
}

static void candidate_judge(const struct candidate_check *check, const struct name *candidate)
{
	const struct spec *spec = check->compiler->spec;
	const char *kind = check->type == RESOURCE_MODEL ? "Model" : "Pipeline";
	struct suggestion suggestion = suggest_begin(text_of(candidate->text));
	if (candidate_is_offered(check, candidate->text))
		return;
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(spec, check->type, &at));)
		if (resource->name.text)
			suggest_offer(&suggestion, text_of(resource->name.text));
	const char *nearest = suggestion.nearest.bytes;
	fault_add(spec->faults, CODE_GONE_CANDIDATE, candidate->place, nearest,
		  "the experiment `%s` has the candidate `%s`, and the files have no %s of that name%s", check->name,
		  candidate->text, kind, check->type == RESOURCE_MODEL ? ", nor does a Server offer it" : "");
}

/* Files that have none of the candidates are a part of the whole: the others are elsewhere. */
static void experiment_judge(const struct compiler *compiler, const char *name, const struct experiment_spec *experiment)
{
	const bool pipelines = experiment->resource_type == EXPERIMENT_PIPELINE;
	const struct candidate_check check = {compiler, name, experiment, pipelines ? RESOURCE_PIPELINE : RESOURCE_MODEL};
	const struct candidate *candidates = experiment->candidates.items;
	size_t found = 0;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		found += candidates[i].name.text && spec_find(compiler->spec, check.type, candidates[i].name.text);
	if (found == 0 || endpoint_server_offers(compiler->spec))
		return;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text)
			candidate_judge(&check, &candidates[i].name);
	if (experiment->mirror_name.text)
		candidate_judge(&check, &experiment->mirror_name);
}

/* With the options of a command, a called pipeline that is not there is an error already. */
static bool is_refused(const struct compiler *compiler, const struct experiment_spec *experiment)
{
	for (size_t i = 0; compiler->options && i < compiler->plan->count; i++) {
		const struct graph *graph = compiler->plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->experiment_count; j++)
			if (graph->experiments[j]->spec == experiment && experiment->resource_type == EXPERIMENT_PIPELINE)
				return true;
	}
	return false;
}

void plan_candidates(const struct compiler *compiler)
{
	const struct spec *spec = compiler->spec;
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_EXPERIMENT, &at));)
		if (resource->spec && resource->name.text && !is_refused(compiler, resource->spec))
			experiment_judge(compiler, resource->name.text, resource->spec);
	for (size_t i = 0; i < compiler->plan->count; i++) {
		const struct graph *graph = compiler->plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->experiment_count; j++)
			if (graph->experiments[j]->inside && !is_refused(compiler, graph->experiments[j]->spec))
				experiment_judge(compiler, graph->experiments[j]->name, graph->experiments[j]->spec);
	}
}
