/* model_survey.c: see model_survey.h. */
#include "engine/setup/model_survey.h"

#include "models/calls/caller_config.h"

bool model_survey_ask(const struct plan *plan, struct arena *arena, struct survey *survey, struct error *error)
{
	struct caller_config *configs = ARENA_ARRAY(arena, struct caller_config, plan->count);
	if (!configs)
		return error_memory(error, ERROR_SYSTEM, "reading the metadata of models");
	for (size_t i = 0; i < plan->count; i++)
		if (!caller_configure(plan, &plan->pipelines[i], arena, &configs[i], error))
			return false;
	return survey_models(configs, plan->count, arena, survey, error);
}

static void report_unchecked(const struct fault_report *report, const struct survey *survey, struct arena *arena)
{
	for (size_t i = 0; i < survey->count; i++) {
		const struct survey_answer *answer = &survey->answers[i];
		const char *line =
			answer->words
				? arena_print(arena, "model %s does not describe its inputs, so its tensors are not checked: %s",
					      answer->model, answer->words)
				: NULL;
		if (line)
			report->note(report->context, line);
	}
}

static bool fault_was_reported(const struct faults *reported, const struct fault *fault)
{
	for (size_t i = 0; i < faults_total(reported); i++)
		if (strcmp(faults_at(reported, i)->message, fault->message) == 0 &&
		    faults_at(reported, i)->place.line == fault->place.line)
			return true;
	return false;
}

/* The faults that are not among those already reported. */
static struct faults *only_new(const struct faults *faults, const struct faults *reported, struct arena *arena)
{
	struct faults *fresh = faults_open(arena);
	for (size_t i = 0; fresh && i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		if (!fault_was_reported(reported, fault))
			fault_add(fresh, fault->code->code, fault->place, fault->suggest, "%s", fault->message);
	}
	return fresh;
}

/* Whether the pipeline of the plan is called by another one, and each of these calls is a copy, or that of one of `copies`. */
static bool gets_copies(const struct plan *plan, const bool *copies, size_t pipeline)
{
	bool is_called = false;
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].callee_count; j++) {
			const struct callee *callee = &plan->pipelines[i].callees[j];
			if (callee->target != CALL_PIPELINE || !strings_equal(callee->name, plan->pipelines[pipeline].graph->name))
				continue;
			if (!callee->copy && !copies[i])
				return false;
			is_called = true;
		}
	return is_called;
}

/* Finds the pipelines of a plan that are there for copies alone. NULL: memory ran out. */
static const bool *copies_find(const struct plan *plan, struct arena *arena)
{
	bool *copies = ARENA_ARRAY(arena, bool, plan->count + 1);
	for (size_t i = 0; copies && i < plan->count; i++)
		copies[i] = true;
	for (bool changes = copies; changes;) {
		changes = false;
		for (size_t i = 0; i < plan->count; i++) {
			const bool is_copy = copies[i] && gets_copies(plan, copies, i);
			changes = changes || is_copy != copies[i];
			copies[i] = is_copy;
		}
	}
	return copies;
}

/* Whether an answer may need a call of the model: its replies to copies go into none, nor do calls of a pipeline that gets copies
 * alone. The pipeline that each Model gets says nothing of one that is there for copies. */
static bool is_needed(const struct plan *plan, const bool *copies_alone, const char *model)
{
	bool copies = false, alone = false;
	for (size_t i = 0; plan && i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const struct resource *made_of = pipeline->graph->resource->made_of;
		const bool is_own = made_of && made_of->kind->type == RESOURCE_MODEL;
		for (size_t j = 0; j < pipeline->callee_count; j++) {
			const struct callee *callee = &pipeline->callees[j];
			if (callee->target != CALL_MODEL || strcmp(callee->name, model) != 0)
				continue;
			const bool is_copy = callee->copy || copies_alone[i];
			if (!is_copy && !is_own)
				return true;
			copies = copies || is_copy;
			alone = alone || is_own;
		}
	}
	return alone && !copies;
}

/* A model that is called already may be away: that is no reason to refuse another change. Nor is one that gets copies alone. */
static bool models_answer(const struct revision_options *revision, const struct survey *survey, const struct plan *plan,
			  struct arena *arena, struct error *error)
{
	const struct plan *before = revision->before;
	const bool *copies_alone = copies_find(plan, arena), *copies_before = before ? copies_find(before, arena) : NULL;
	if (!copies_alone || (before && !copies_before))
		return error_memory(error, ERROR_SYSTEM, "asking models");
	for (size_t i = 0; revision->models_must_answer && i < survey->count; i++) {
		const struct survey_answer *answer = &survey->answers[i];
		const char *words = answer->words ? answer->words : "no answer";
		struct error copies = {0};
		if (!answer->away || is_needed(before, copies_before, answer->model))
			continue;
		if (is_needed(plan, copies_alone, answer->model))
			return error_set(error, ERROR_REMOTE, PLACE_NONE,
					 "model `%s` is not ready: %s; start its server, or correct its address",
					 answer->model, words);
		(void)error_set(&copies, ERROR_REMOTE, PLACE_NONE,
				"model `%s` is not ready: %s; it is only a mirror, so the change "
				"goes on without its replies; start its server, or correct its address",
				answer->model, words);
		revision->report.failure(revision->report.context, &copies);
	}
	return true;
}

/* Those of the same pipelines that callers are told. */
static void types_take(struct plan *plan, const struct plan *from)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *informed = plan_find(from, plan->pipelines[i].graph->name);
		if (!informed)
			continue;
		plan->pipelines[i].types.expected = informed->types.expected;
		plan->pipelines[i].types.answer = informed->types.answer;
	}
}

bool model_survey_check(const struct revision_options *revision, const struct spec *spec, const struct plan_options *options,
			struct arena *arena, struct plan *plan, struct error *error)
{
	const struct fault_report *report = &revision->report;
	struct survey survey;
	if (!model_survey_ask(plan, arena, &survey, error) || !models_answer(revision, &survey, plan, arena, error))
		return false;
	report_unchecked(report, &survey, arena);
	if (survey.metadata.count == 0)
		return true;
	struct plan_options informed = *options;
	struct spec checked = *spec;
	struct plan made;
	informed.metadata = &survey.metadata;
	checked.faults = faults_open(arena);
	if (!checked.faults)
		return error_memory(error, ERROR_SYSTEM, "checking the inputs of models");
	if (!plan_make(&checked, &informed, arena, &made, error))
		return false;
	struct faults *fresh = only_new(checked.faults, spec->faults, arena);
	if (!fresh)
		return error_memory(error, ERROR_SYSTEM, "checking the inputs of models");
	if (faults_total(fresh) > 0)
		report->faults(report->context, fresh);
	types_take(plan, &made);
	return faults_count(fresh, SEVERITY_ERROR) == 0;
}
