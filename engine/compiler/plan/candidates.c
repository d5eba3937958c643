/* candidates.c: Candidates of experiments that are gone: no Model or Pipeline of the files, while another candidate is one; and
 * those that are versions of Models, which files do not have. */
#include <inttypes.h>

#include "base/suggest.h"
#include "compiler/plan/compile.h"
#include "compiler/graph/file_refusals.h"
#include "compiler/graph/named_versions.h"
#include "compiler/graph/step_options.h"
#include "compiler/yaml/fault_codes.h"

#define CIRCLE_MAX 64 /* experiments that are followed from one: far more than name each other */

struct candidate_check {
	const struct compiler *compiler;
	const char *name; /* of the experiment */
	const struct experiment_spec *experiment;
	enum resource_type type;
};

static bool step_serves(const struct graph *graph, size_t index, const char *model)
{
	const struct step_spec *spec = graph->steps[index].spec;
	const struct step step = step_seen(graph, index);
	enum call_target target;
	const char *name;
	for (size_t nth = 0; step_locates_model(spec) && step_calls(&step, nth, &target, &name); nth++)
		if (strings_equal(name, model))
			return true;
	return false;
}

/* Whether a step that calls the model says itself where it is served, or an option says it for the step. */
static bool is_served_for_a_step(const struct compiler *compiler, const char *model)
{
	for (size_t i = 0; i < compiler->plan->count; i++) {
		const struct pipeline_plan *plan = &compiler->plan->pipelines[i];
		for (size_t j = 0; j < plan->graph->count; j++)
			if (step_serves(plan->graph, j, model))
				return true;
		for (size_t j = 0; j < plan->callee_count; j++)
			if (strings_equal(plan->callees[j].name, model) && plan->callees[j].endpoint.origin != ENDPOINT_NONE)
				return true;
	}
	return false;
}

static bool candidate_is_offered(const struct candidate_check *check, const char *name)
{
	const struct compiler *compiler = check->compiler;
	static const struct name_list none = {0};
	const struct model_facts facts = {.name = name};
	if (spec_find(compiler->spec, check->type, name) ||
	    (check->type == RESOURCE_PIPELINE && spec_find(compiler->spec, RESOURCE_EXPERIMENT, name)))
		return true;
	return check->type == RESOURCE_MODEL &&
	       ((strings_equal(name, check->experiment->default_name.text) && is_served_for_a_step(compiler, name)) ||
		endpoint_is_offered(&facts, compiler->spec, compiler->options ? &compiler->options->servers : &none,
				    compiler->arena));
}

/* Models are never experiments, so one of the experiment's own name is another resource. A step may say where it is served. */
static bool names_itself(const struct candidate_check *check, const char *candidate)
{
	static const struct name_list none = {0};
	const struct compiler *compiler = check->compiler;
	const struct model_facts facts = {.name = candidate};
	if (check->type != RESOURCE_MODEL || !strings_equal(candidate, check->name) ||
	    spec_find(compiler->spec, RESOURCE_MODEL, candidate) ||
	    endpoint_is_offered(&facts, compiler->spec, compiler->options ? &compiler->options->servers : &none, compiler->arena))
		return false;
	return !is_served_for_a_step(compiler, candidate);
}

/* NAME@VERSION of a Model that the files have, where VERSION is none that a control plane gives. */
static bool version_is_none(const struct candidate_check *check, const char *name)
{
	const char *sign = strrchr(name, '@');
	struct text model;
	int64_t version;
	if (check->type != RESOURCE_MODEL || !sign || named_version_read(text_of(name), &model, &version))
		return false;
	const char *own = arena_copy(check->compiler->arena, name, (size_t)(sign - name));
	return own && spec_find(check->compiler->spec, RESOURCE_MODEL, own) && !candidate_is_offered(check, name);
}

bool pipeline_version_refuse(const struct compiler *compiler, const char *experiment, const struct name *choice)
{
	struct text pipeline;
	int64_t version;
	if (spec_find(compiler->spec, RESOURCE_PIPELINE, choice->text) ||
	    !named_version_read(text_of(choice->text), &pipeline, &version))
		return false;
	fault_add(compiler->spec->faults, CODE_MISSING_VERSION, choice->place, NULL,
		  "the experiment `%s` names `%s`, a version of a Pipeline; deploy that version as a Pipeline of another name",
		  experiment, choice->text);
	return true;
}

static void version_judge(const struct candidate_check *check, const char *role, const struct name *candidate)
{
	/* With the options of a command it is an error of the calls; an Experiment that nothing calls may be in force. */
	if (candidate->text && check->type == RESOURCE_PIPELINE && !check->compiler->options)
		(void)pipeline_version_refuse(check->compiler, check->name, candidate);
	if (candidate->text && version_is_none(check, candidate->text))
		fault_add(check->compiler->spec->faults, CODE_MISSING_VERSION, candidate->place, NULL,
			  "the experiment `%s` has the %s `%s`, which names no version of the Model: versions are whole numbers "
			  "from 1 to %" PRId64,
			  check->name, role, candidate->text, INT64_MAX);
}

/* An option of `run` may say where a Model is served. A Pipeline must be in the files that are run; those of `lint` may be a part.
 */
static const char *absence_words(const struct candidate_check *check)
{
	if (check->type == RESOURCE_MODEL)
		return ", nor does a Server offer it";
	return check->compiler->options ? "" : REFUSED_ALONE;
}

/* An Experiment without a resourceType is of Models, so one of Pipelines that forgot it finds none of them. */
static bool is_pipeline_instead(const struct candidate_check *check, const char *name)
{
	return check->type == RESOURCE_MODEL && name && spec_find(check->compiler->spec, RESOURCE_PIPELINE, name) &&
	       !candidate_is_offered(check, name);
}

/* `role`: what it is in the experiment. */
static void candidate_judge(const struct candidate_check *check, const char *role, const struct name *candidate)
{
	const struct spec *spec = check->compiler->spec;
	const char *kind = check->type == RESOURCE_MODEL ? "Model" : "Pipeline";
	if (names_itself(check, candidate->text)) {
		fault_add(spec->faults, CODE_GONE_CANDIDATE, candidate->place, NULL,
			  "the experiment `%s` names itself as %s: it splits requests among Models, and the files have no Model "
			  "`%s`; name the Model that is meant, or add one of this name",
			  check->name, role, candidate->text);
		return;
	}
	if (is_pipeline_instead(check, candidate->text)) {
		fault_add(spec->faults, CODE_GONE_CANDIDATE, candidate->place, NULL,
			  "the experiment `%s` splits requests among Models, and its %s `%s` is a Pipeline in the files; write "
			  "`resourceType: pipeline` if Pipelines are meant",
			  check->name, role, candidate->text);
		return;
	}
	struct suggestion suggestion = suggest_begin(text_of(candidate->text));
	struct text model;
	int64_t version;
	if (candidate_is_offered(check, candidate->text) || version_is_none(check, candidate->text) ||
	    named_version_read(text_of(candidate->text), &model, &version))
		return;
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(spec, check->type, &at));)
		if (resource->name.text)
			suggest_offer(&suggestion, text_of(resource->name.text));
	const char *nearest = suggestion.nearest.bytes;
	fault_add(spec->faults, CODE_GONE_CANDIDATE, candidate->place, nearest,
		  "the experiment `%s` has the %s `%s`, and the files have no %s of that name%s", check->name, role,
		  candidate->text, kind, absence_words(check));
}

/* Files that have none of the candidates are a part of the whole: the others are elsewhere. */
static void experiment_judge(const struct compiler *compiler, const char *name, const struct experiment_spec *experiment)
{
	const bool pipelines = experiment->resource_type == EXPERIMENT_PIPELINE;
	const struct candidate_check check = {compiler, name, experiment, pipelines ? RESOURCE_PIPELINE : RESOURCE_MODEL};
	const struct candidate *candidates = experiment->candidates.items;
	const struct name *given = &experiment->default_name;
	bool given_is_candidate = false;
	size_t found = given->text && spec_find(compiler->spec, check.type, given->text);
	for (size_t i = 0; i < experiment->candidates.count; i++) {
		found += candidates[i].name.text && spec_find(compiler->spec, check.type, candidates[i].name.text);
		given_is_candidate |= strings_equal(candidates[i].name.text, given->text);
	}
	for (size_t i = 0; i < experiment->candidates.count; i++)
		version_judge(&check, "candidate", &candidates[i].name);
	version_judge(&check, "mirror", &experiment->mirror_name);
	/* An option of `run` may say where a model is, and none where a pipeline is. */
	const bool are_whole = (found > 0 || (pipelines && !compiler->options)) && !endpoint_server_offers(compiler->spec);
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text && (are_whole || is_pipeline_instead(&check, candidates[i].name.text)))
			candidate_judge(&check, "candidate", &candidates[i].name);
	if (are_whole && given->text && !given_is_candidate)
		candidate_judge(&check, "default", given);
	if (are_whole && experiment->mirror_name.text)
		candidate_judge(&check, "mirror", &experiment->mirror_name);
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

/* Files have no versions. They may be meant for a control plane, if they are not run instead. */
static bool named_version_judge(void *context, const struct named_version *named)
{
	const struct compiler *compiler = context;
	if (spec_find(compiler->spec, RESOURCE_MODEL, named->name.text))
		return true;
	if (compiler->options && compiler->options->files_alone)
		fault_add(compiler->spec->faults, CODE_MISSING_VERSION, named->name.place, NULL,
			  "`%s` is version %" PRId64 " of the Model `" TEXT_FORMAT "`, and files have no versions",
			  named->name.text, named->version, TEXT_ARGUMENTS(named->model));
	else
		fault_add(compiler->spec->faults, CODE_NAMED_VERSION, named->name.place, NULL,
			  "`%s` is version %" PRId64 " of the Model `" TEXT_FORMAT
			  "`: a control plane has it, `sluice run -f` has not",
			  named->name.text, named->version, TEXT_ARGUMENTS(named->model));
	return true;
}

/* ---- experiments that name each other ---- */

struct circle {
	const struct compiler *compiler;
	const struct resource *first;
	const struct resource *seen[CIRCLE_MAX];
	size_t count;
};

static bool circle_leads_back(struct circle *circle, const struct name *name);

/* Whether a candidate of the experiment, or its mirror, leads to the first one. */
static bool circle_follow(struct circle *circle, const struct resource *resource)
{
	const struct experiment_spec *experiment = resource->spec;
	if (!experiment || experiment->resource_type != EXPERIMENT_PIPELINE || circle->count == CIRCLE_MAX)
		return false;
	for (size_t i = 0; i < circle->count; i++)
		if (circle->seen[i] == resource)
			return false;
	circle->seen[circle->count++] = resource;
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (circle_leads_back(circle, &candidates[i].name))
			return true;
	return circle_leads_back(circle, &experiment->mirror_name);
}

/* A Pipeline of the name ends it. */
static bool circle_leads_back(struct circle *circle, const struct name *name)
{
	const struct spec *spec = circle->compiler->spec;
	if (!name->text || spec_find(spec, RESOURCE_PIPELINE, name->text))
		return false;
	const struct resource *next = spec_find(spec, RESOURCE_EXPERIMENT, name->text);
	return next && (next == circle->first || circle_follow(circle, next));
}

/* That one names itself is known of it alone. */
static void circle_judge(const struct compiler *compiler, const struct resource *resource)
{
	const struct experiment_spec *experiment = resource->spec;
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i <= experiment->candidates.count; i++) {
		const struct name *name = i < experiment->candidates.count ? &candidates[i].name : &experiment->mirror_name;
		struct circle circle = {.compiler = compiler, .first = resource, .seen = {resource}, .count = 1};
		if (name->text && !strings_equal(name->text, resource->name.text) && circle_leads_back(&circle, name))
			fault_add(compiler->spec->faults, CODE_CALL_CIRCLE, name->place, NULL,
				  "the experiments `%s` and `%s` lead to each other, so a request may go round until it fails; "
				  "name a pipeline instead",
				  resource->name.text, name->text);
	}
}

void plan_candidates(const struct compiler *compiler)
{
	const struct spec *spec = compiler->spec;
	if (!spec->has_versions)
		(void)named_versions_each(spec, named_version_judge, (void *)compiler);
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_EXPERIMENT, &at));) {
		if (!resource->spec || !resource->name.text)
			continue;
		const struct experiment_spec *experiment = resource->spec;
		if (experiment->resource_type == EXPERIMENT_PIPELINE)
			circle_judge(compiler, resource);
		if (!is_refused(compiler, experiment))
			experiment_judge(compiler, resource->name.text, experiment);
	}
	for (size_t i = 0; i < compiler->plan->count; i++) {
		const struct graph *graph = compiler->plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->experiment_count; j++)
			if (graph->experiments[j]->inside && !graph->experiments[j]->of_ways &&
			    !is_refused(compiler, graph->experiments[j]->spec))
				experiment_judge(compiler, graph->experiments[j]->name, graph->experiments[j]->spec);
	}
}
