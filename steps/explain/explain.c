/* explain.c: Step that explains the answers of a model's step: what each of its features contributed. */
#include <math.h>

#include "base/number/duration.h"
#include "message/records/explained.h"
#include "observe/verdict_board.h"
#include "compiler/step/assignment.h"
#include "steps/explain/explain_importance.h"
#include "steps/explain/explain_options.h"
#include "steps/explain/explain_tensors.h"
#include "steps/explain/explainer.h"
#include "steps/kinds.h"

#define MESSAGE_BYTES_MAX ((size_t)1 << 30)

/* Whether it is a step of kind `experiment`: the model of the candidate that answered is explained. */
static bool step_splits(const struct step *step)
{
	return step->kind->routes && step->kind->routes->is_experiment;
}

static bool explain_can(const struct step *step, const struct step *explained, const char **later, struct error *error)
{
	const struct explain_step *self = step->options;
	if (!step_asks_model(explained) && !step_splits(explained) && explained->kind->calls)
		*later = "which chooses among models: the answers of such a step cannot be explained yet, and `run` refuses it";
	else if (!step_asks_model(explained) && !step_splits(explained))
		return error_set(error, ERROR_CONFIG, self->step.place,
				 "step `%s` explains `%s`, which is of kind `%s`; explained are the answers of a step of kind "
				 "`model`: name one with `step`",
				 step->name, explained->name, explained->kind->name);
	return true;
}

static bool explain_is_beside(const struct step *step)
{
	return ((const struct explain_step *)step->options)->deliver == DELIVER_BESIDE;
}

static void explain_describe(const struct step *step, struct step_facts *facts)
{
	const struct explain_step *self = step->options;
	const size_t rows = self->background.rows ? (size_t)self->background.rows : BACKGROUND_ROWS_DEFAULT;
	facts->watched = self->step;
	facts->is_stateless = self->importance.here.line == 0;
	facts->is_beside = explain_is_beside(step);
	facts->background_rows = self->background.file.text ? 0 : rows;
}

static bool explain_open(struct step *step, struct error *error)
{
	const struct explain_step *self = step->options;
	struct explainer *explainer = ARENA_NEW(step->arena, struct explainer);
	struct step *explained = (struct step *)(uintptr_t)step->explained; /* this opening's own */
	const char *whose = arena_print(step->arena, "step `%s`", step->name);
	struct error why = {0};
	if (!explainer || !whose)
		return error_memory(error, ERROR_SYSTEM, "opening an explaining step");
	*explainer = (struct explainer){
		.whose = whose,
		.step = explained->name,
		.by = (enum explain_by)self->by,
		.budget = (size_t)self->budget.calls,
		.time_ms = self->budget.time_ns / NS_PER_MS,
		.arena = step->arena,
	};
	step->state = explainer;
	explainer->entry = verdict_board_entry(step->board, step->pipeline, step->name);
	if (step_splits(explained))
		explainer->model = (struct asked_model){.name = explained->name};
	else if (!step_asks_model(explained))
		return error_set(error, ERROR_CONFIG, self->here,
				 "step `%s` cannot run: the answers of a step of kind `%s` cannot be explained yet; name a step of "
				 "kind `model` with `step`",
				 step->name, explained->kind->name);
	else if (!asked_model_read(explained, &explainer->model, error))
		return false;
	if (self->background.file.text && !background_read(&explainer->background, step, &self->background.file, error))
		return false;
	if (self->background.rows)
		background_sample(&explainer->background, (size_t)self->background.rows);
	if (explainer_open(explainer, &why))
		return true;
	const struct place place = self->background.file.text ? self->background.file.place : self->here;
	return error_set(error, why.kind, why.place.line ? why.place : place, "%s", why.text);
}

/* It gives what it lists as its inputs, which `in` mixes with the inputs of the explained step, and the explanation. */
static bool explain_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			  struct error *error)
{
	(void)step;
	(void)in;
	(void)arena;
	(void)error;
	*out = (struct tensor_types){0};
	return true;
}

/* ---- the background of the newest requests ---- */

static bool row_is_finite(const double *row, size_t features)
{
	for (size_t i = 0; i < features; i++)
		if (!isfinite(row[i]))
			return false;
	return true;
}

/* Samples the messages whose numbers are all known: the step may have a model that takes no others. */
static bool explain_sample(const struct step *step, const struct fit_source *source, struct background *sample, struct arena *arena,
			   struct error *error)
{
	const char *input = step->explained && step_asks_model(step->explained) ? model_input(step->explained) : NULL;
	const char *whose = arena_print(step->arena, "step `%s`", step->name);
	const struct feature_wanted wanted = {.whose = whose ? whose : step->name, .tensor = text_of(input ? input : "")};
	struct feature_rows rows;
	struct payload payload;
	for (; source->next(source->context, arena, &payload, error); arena_reset(arena)) {
		struct error why = {0};
		bool good = feature_rows_read(&rows, &payload, &wanted, arena, &why);
		if (!good && !source->refused(source->context, NULL, &why))
			return error_set(error, why.kind, why.place, "%s", why.text);
		for (size_t i = 0; good && i < rows.rows; i++) {
			const double *row = rows.values + i * rows.features;
			const uint64_t key = background_key(source->name(source->context).origin, i);
			if (row_is_finite(row, rows.features) &&
			    !background_add(sample, row, rows.features, key, step->arena, error))
				return false;
		}
	}
	return error->kind == ERROR_NONE;
}

static bool explain_background_learn(const struct step *step, const struct fit_source *source, struct buffer *file, bool *enough,
				     struct error *error)
{
	struct background sample;
	struct arena *arena = arena_open(MESSAGE_BYTES_MAX);
	background_sample(&sample, source->rows_most);
	const bool good = (arena || error_memory(error, ERROR_SYSTEM, "sampling a background")) &&
			  explain_sample(step, source, &sample, arena, error);
	arena_close(arena);
	*enough = background_is_ready(&sample);
	if (good)
		background_write(&sample, file);
	return good;
}

/* Fills the running sample by what was learnt, as soon as it was, unless it is ready without. */
static bool background_bring(struct explainer *explainer, size_t width, struct error *error)
{
	const struct local_model *local = explainer->model.local;
	struct background *background = &explainer->background;
	struct text rows;
	if (background->most == 0 || explainer->is_filled || background_is_ready(background) || !explainer->entry ||
	    !verdict_entry_background(explainer->entry, explainer->arena, &rows))
		return true;
	explainer->is_filled = true;
	const bool wider = local && predictor_traits(local->predictor)->wider;
	return background_fill(background, rows, width, wider, explainer->arena, error);
}

/* ---- visits ---- */

static bool explain_is_alone(const struct step *step)
{
	return ((const struct explain_step *)step->options)->alone;
}

/* What the step gives without an explanation: all that it got; or that there is none, if it gives the explanation alone. */
static enum step_verdict explain_pass(const struct step *step, struct visit *visit, const struct payload *others,
				      struct error *error)
{
	const struct payload *given = explain_is_alone(step) ? explain_no_tensors(others, visit_arena(visit), error) : others;
	if (given)
		visit_emit(visit, given);
	return given ? STEP_DONE : STEP_FAIL;
}

/* What could not be explained. Beside the answer, or where a gateway waits for the explanation instead of the answer, that
 * is listed with the message, and fails nothing. */
static enum step_verdict explain_fail(const struct step *step, struct visit *visit, struct error *error)
{
	const struct payload *others;
	struct arena *arena = visit_arena(visit);
	struct explained *failed = ARENA_NEW(arena, struct explained);
	struct error *kept = ARENA_NEW(arena, struct error);
	const bool listed = explain_is_beside(step) || explained_is_awaited(visit_message(visit));
	if (!listed || !failed || !kept || !visit_explained(visit, &others))
		return STEP_FAIL;
	*kept = *error;
	*failed = (struct explained){.step = step->explained->name, .failure = kept};
	*error = (struct error){0};
	visit_explain(visit, failed);
	return explain_pass(step, visit, others, error);
}

static enum step_verdict explain_give(struct step *step, struct visit *visit, struct explain_work *work, struct error *error)
{
	const struct payload *others;
	if (!visit_explained(visit, &others)) {
		error_memory(error, ERROR_LIMIT, "explaining a message");
		return STEP_FAIL;
	}
	const struct payload *given = others;
	if (!explain_is_beside(step))
		given = explain_tensors(work->made, work->rows.rows, others, explain_is_alone(step), visit_arena(visit), error);
	if (!given)
		return explain_fail(step, visit, error);
	visit_emit(visit, given);
	if (((const struct explain_step *)step->options)->importance.here.line > 0)
		return visit_in_turn(visit, work->made);
	visit_explain(visit, work->made);
	return STEP_DONE;
}

/* Perturbations of many messages are on their way at once; only the importance needs the order of the partition. */
static enum step_verdict explain_weigh(struct step *step, struct visit *visit, void *work, struct error *error)
{
	struct explained *made = work;
	if (!explain_importance_take(step, visit, made, error))
		return STEP_FAIL;
	visit_explain(visit, made);
	return STEP_DONE;
}

static bool explain_rows_read(const struct explainer *explainer, struct explain_work *work, const struct payload *payload,
			      struct arena *arena, struct error *error)
{
	const struct asked_model *model = &explainer->model;
	const struct local_model *local = model->local;
	const struct feature_wanted wanted = {
		.whose = explainer->whose,
		.tensor = text_of(model->input ? model->input : ""),
		.single = local != NULL,
		.count = local ? predictor_traits(local->predictor)->features : 0,
	};
	return feature_rows_read(&work->rows, payload, &wanted, arena, error);
}

/* Whether this message is explained: because it asks for it, or because it is in the share. */
static bool explain_is_due(const struct step *step, const struct visit *visit)
{
	const struct explain_step *self = step->options;
	if (explained_is_wanted(visit_message(visit)))
		return true;
	const struct sample sample = sample_of(step->name, self->share * 100);
	return self->deliver != DELIVER_ON_REQUEST && sample_has(&sample, visit_message(visit));
}

/* Whether a row may stand for what is usual. Only trees have a branch for a missing number. */
static bool row_is_usual(const struct explainer *explainer, const double *row, size_t features)
{
	const struct local_model *local = explainer->model.local;
	return (local && predictor_parts(local->predictor).trees) || row_is_finite(row, features);
}

static bool background_grow(struct explainer *explainer, struct visit *visit, const struct feature_rows *rows, struct error *error)
{
	struct background *background = &explainer->background;
	const struct origin *origin = &visit_message(visit)->origin;
	struct text name = {0};
	if (!background_is_full(background) && origin->topic.length > 0)
		name = origin_text(origin, visit_arena(visit));
	for (size_t i = 0; i < rows->rows; i++) {
		const double *row = rows->values + i * rows->features;
		const uint64_t key = background_key(name, i);
		if (row_is_usual(explainer, row, rows->features) &&
		    !background_add(background, row, rows->features, key, explainer->arena, error))
			return false;
	}
	return true;
}

static enum step_verdict explain_end(struct step *step, struct visit *visit, struct explain_work *work, enum step_verdict verdict,
				     struct error *error)
{
	if (verdict == STEP_DONE)
		return explain_give(step, visit, work, error);
	return verdict == STEP_FAIL ? explain_fail(step, visit, error) : verdict;
}

static void warmup_refuse(const struct step *step, const struct background *background, struct error *error)
{
	const size_t least = background_least(background), wanting = least - background->count;
	error_set_limit(error, LIMIT_OF_WARMUP,
			"step `%s` has seen %zu requests, and its background needs %zu: %zu %s wanting; send them and ask again, "
			"or name a file with `background` (of a SeldonDeployment: by the annotation "
			"sluice.io/explainer-background)",
			step->name, background->count, least, wanting, wanting == 1 ? "is" : "are");
}

static enum step_verdict explain_run(struct step *step, struct visit *visit, struct error *error)
{
	struct explainer *explainer = step->state;
	const struct payload *others, *explained = visit_explained(visit, &others);
	struct explain_work *work = ARENA_NEW(visit_arena(visit), struct explain_work);
	const bool due = explain_is_due(step, visit);
	if (!explained || !work) {
		error_memory(error, ERROR_LIMIT, "explaining a message");
		return STEP_FAIL;
	}
	if (!due && explainer->background.most == 0)
		return explain_pass(step, visit, others, error);
	struct error why = {0};
	const bool good = explain_rows_read(explainer, work, explained, visit_arena(visit), &why) &&
			  background_bring(explainer, work->rows.features, &why) &&
			  background_grow(explainer, visit, &work->rows, &why);
	if (!due)
		return explain_pass(step, visit, others, error);
	if (!good) {
		*error = why;
		return explain_fail(step, visit, error);
	}
	if (explainer->background.most && !background_is_ready(&explainer->background)) {
		if (!explained_is_wanted(visit_message(visit)))
			return explain_pass(step, visit, others, error);
		warmup_refuse(step, &explainer->background, error);
		return explain_fail(step, visit, error);
	}
	const enum step_verdict verdict = explain_begin(explainer, work, visit, error);
	return explain_end(step, visit, work, verdict, error);
}

static enum step_verdict explain_continue(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	struct explain_work *work;
	const enum step_verdict verdict = explain_answered(visit, call, &work, error);
	return explain_end(step, visit, work, verdict, error);
}

/* ---- the table ---- */

const struct step_kind step_explain = {
	.name = "explain",
	.summary = "Says why a model answered as it did.",
	.example = "- name: why\n"
		   "  inputs: [local]\n"
		   "  explain: {step: local, background: {rows: 100}, share: 10%}\n",
	.options = explain_rows,
	.options_size = sizeof(struct explain_step),
	.shape = SHAPE_ADDS,
	.calls = &(const struct call_rules){.answered = explain_continue},
	.state = &(const struct state_rules){.in_turn = explain_weigh},
	.monitors = &(const struct monitor_rules){.explains = explain_can},
	.learns = &(const struct learning_rules){.background = explain_background_learn},
	.describe = explain_describe,
	.check = explain_options_check,
	.infer = explain_infer,
	.open = explain_open,
	.run = explain_run,
};
