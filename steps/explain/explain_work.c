/* explain_work.c: see explain_work.h. */
#include "steps/explain/explain_work.h"

#include <math.h>

#include "compiler/step/call_parameters.h"

struct explained *explained_add(struct explain_work *work, size_t row, struct text output, struct arena *arena, struct error *error)
{
	struct explained *explained = ARENA_NEW(arena, struct explained);
	if (!explained)
		return error_null(error_memory(error, ERROR_LIMIT, "explaining a message"));
	*explained = (struct explained){.step = work->explainer->step, .output = output, .row = row, .rows = work->rows.rows};
	if (work->last)
		work->last->next = explained;
	else
		work->made = explained;
	work->last = explained;
	return explained;
}

/* The first feature of a row that is no finite number. `features`: there is none. */
static size_t feature_find_missing(const struct feature_rows *rows, size_t row)
{
	const double *values = rows->values + row * rows->features;
	size_t i = 0;
	while (i < rows->features && isfinite(values[i]))
		i++;
	return i;
}

/* The model has no number for the row, because of that feature. */
static bool row_refuse(const struct explain_work *work, size_t row, size_t feature, struct error *error)
{
	const struct feature_rows *rows = &work->rows;
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "%s cannot explain row %zu: its feature `" TEXT_FORMAT
			 "` is %s, and the model gives no number for such a row; send a finite number",
			 work->explainer->whose, row, TEXT_ARGUMENTS(rows->names[feature]),
			 isnan(rows->values[row * rows->features + feature]) ? "NaN" : "infinite");
}

bool explained_refuse(const struct explain_work *work, size_t row, const struct error *why, struct error *error)
{
	const struct error *cause = work->failed ? &work->failure : why;
	const size_t missing = feature_find_missing(&work->rows, row);
	const bool is_called = work->failed > 0 && work->sent > 0;
	if (!is_called && cause->kind == ERROR_INPUT && missing < work->rows.features)
		return row_refuse(work, row, missing, error);
	if (!is_called)
		return error_set(error, cause->kind, cause->place, "%s cannot explain row %zu: %s", work->explainer->whose, row,
				 cause->text);
	return error_set(error, cause->kind, cause->place,
			 "%s cannot explain row %zu: too few perturbations of it were answered (%zu of %zu calls failed; the "
			 "first: %s)",
			 work->explainer->whose, row, work->failed, work->sent, cause->text);
}

void explain_call_fail(struct explain_work *work, const struct error *error)
{
	if (work->failed++ == 0)
		work->failure = *error;
}

bool explain_call_may_repeat(const struct explain_work *work, const struct call *call, const struct visit *visit)
{
	return call->error.kind == ERROR_REMOTE && call->attempts > 0 && (work->due_ms == 0 || visit_now_ms(visit) < work->due_ms);
}

const double *explain_background(const struct background *background, struct arena *arena, struct error *error)
{
	if (!background->most)
		return background->rows;
	double *copy = arena_take_raw(arena, background->count * background->width * sizeof *copy);
	if (copy)
		memcpy(copy, background->rows, background->count * background->width * sizeof *copy);
	else
		error_memory(error, ERROR_LIMIT, "explaining a message");
	return copy;
}

bool explain_local_answers(const struct explain_work *work, const double *rows, size_t count, double *answers, struct arena *arena,
			   struct error *error)
{
	const struct predictor *predictor = work->explainer->model.local->predictor;
	const struct predictor_traits *traits = predictor_traits(predictor);
	double *margins = ARENA_ARRAY(arena, double, count * traits->margins);
	double *scratch = ARENA_ARRAY(arena, double, predictor_scratch(predictor, count));
	if (!margins || !scratch)
		return error_memory(error, ERROR_LIMIT, "explaining a message");
	predictor_margins(predictor, rows, work->rows.features, count, margins, scratch);
	predictor_answers(predictor, margins, count, answers);
	arena->work += count * traits->steps;
	return true;
}

bool explain_send(struct explain_work *work, struct perturbed_call *call, size_t row, const double *values, size_t count,
		  struct visit *visit, struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const struct asked_model *model = &work->explainer->model;
	const struct payload *request = feature_rows_request(&work->rows, row, values, count, arena, error);
	if (!request)
		return false;
	*call = (struct perturbed_call){*request, work};
	call->request.parameters = settings_join(request->parameters, model->parameters, arena);
	if (!visit_perturb(visit, model->name, &call->request, work->due_ms, error))
		return false;
	work->waiting++;
	work->sent++;
	return true;
}
