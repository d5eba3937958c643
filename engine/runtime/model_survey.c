/* model_survey.c: see model_survey.h. */
#include "runtime/model_survey.h"

#include "serving/configure.h"

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

static void report_unchecked(const struct revision_report *report, const struct survey *survey, struct arena *arena)
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

static bool was_said(const struct faults *said, const struct fault *fault)
{
	for (size_t i = 0; i < faults_total(said); i++)
		if (strcmp(faults_at(said, i)->message, fault->message) == 0 && faults_at(said, i)->place.line == fault->place.line)
			return true;
	return false;
}

/* What the files' own faults are has been said: those that are new are left. */
static struct faults *only_new(const struct faults *faults, const struct faults *said, struct arena *arena)
{
	struct faults *fresh = faults_open(arena);
	for (size_t i = 0; fresh && i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		if (!was_said(said, fault))
			fault_add(fresh, fault->code->code, fault->place, fault->suggest, "%s", fault->message);
	}
	return fresh;
}

bool model_survey_check(const struct revision_report *report, const struct spec *spec, const struct plan_options *options,
			struct arena *arena, const struct plan *plan, struct error *error)
{
	struct survey survey;
	if (!model_survey_ask(plan, arena, &survey, error))
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
	return faults_count(fresh, SEVERITY_ERROR) == 0;
}
