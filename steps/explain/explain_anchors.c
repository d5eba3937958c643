/* explain_anchors.c: see explain_anchors.h. */
#include "steps/explain/explain_anchors.h"

#include <math.h>

#include "methods/explain/anchor_run.h"

#define ANCHOR_SEED 20 /* any; the same, so that a message taken again has the same explanation */

struct anchored_row {
	size_t row;
	struct anchor_table table;
	struct anchor_run *run;
	struct text output; /* the tensor that is explained */
	struct text text;   /* the answer to the row, if it is a text */
	bool texts, answered; /* answered: of the first batch */
	size_t calls, failed;
};

struct anchored_call {
	struct perturbed_call call;
	struct anchored_row *row;
	size_t rows;
};

/* ---- opening ---- */

/* Perturbations of one row: as many as a sample of coalitions takes. */
static size_t anchored_budget(const struct explain_work *work)
{
	const size_t rows = work->explainer->budget * work->explainer->background.count;
	const size_t numbers = ANCHOR_NUMBERS_MAX / work->rows.features / work->rows.rows;
	const size_t share = EXPLAIN_PERTURBED_ROWS_MAX / work->rows.rows;
	const size_t most = numbers < share ? numbers : share;
	return rows < most ? rows : most;
}

static bool anchored_open(struct explain_work *work, size_t row, const double *background, struct arena *arena, struct error *error)
{
	struct anchored_row *one = &work->anchored[row];
	one->row = row;
	one->table = (struct anchor_table){
		.features = work->rows.features,
		.count = work->explainer->background.count,
		.row = work->rows.values + row * work->rows.features,
		.background = background,
		.names = work->rows.names,
		.most = anchored_budget(work),
		.seed = ANCHOR_SEED,
	};
	one->run = anchor_run_open(arena, &one->table, error);
	return one->run != NULL;
}

/* ---- results ---- */

static enum step_verdict anchors_settle(struct explain_work *work, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < work->rows.rows; i++) {
		struct anchored_row *row = &work->anchored[i];
		struct error why = {0};
		struct explained *explained = explained_add(work, i, row->output, arena, error);
		if (!explained)
			return STEP_FAIL;
		if (!anchor_run_explain(row->run, &explained->data, arena, &why)) {
			(void)explained_refuse(work, i, &why, error);
			return STEP_FAIL;
		}
		if (row->texts) /* no number stands for it */
			explained->data.prediction[0] = explained->data.residual[0] = (double)NAN;
		explained->data.names = work->rows.names;
		explained->calls = row->calls;
	}
	return STEP_DONE;
}

/* ---- a local model ---- */

/* The class of each row, or its only number. */
static bool local_decide(const struct predictor *predictor, double *answers, size_t rows)
{
	const struct predictor_traits *traits = predictor_traits(predictor);
	for (size_t i = 0; i < rows && traits->classes > 0; i++)
		answers[i] = isfinite(answers[i * traits->outputs])
				     ? (double)predictor_class(predictor, answers + i * traits->outputs)
				     : (double)NAN;
	for (size_t i = 0; i < rows && traits->classes == 0; i++)
		answers[i] = answers[i * traits->outputs];
	return traits->classes > 0;
}

static bool local_anchor(struct explain_work *work, struct anchored_row *row, struct arena *arena, struct error *error)
{
	const struct local_model *local = work->explainer->model.local;
	const size_t outputs = predictor_traits(local->predictor)->outputs;
	const size_t most = row->table.count < EXPLAIN_BATCH_ROWS ? EXPLAIN_BATCH_ROWS : row->table.count + 1;
	double *rows = ARENA_ARRAY(arena, double, most * row->table.features);
	double *answers = ARENA_ARRAY(arena, double, most * outputs);
	if (!rows || !answers)
		return error_memory(error, ERROR_LIMIT, "explaining a message");
	row->output = local->output;
	for (size_t count; (count = anchor_run_next(row->run, EXPLAIN_BATCH_ROWS)) > 0;) {
		anchor_run_fill(row->run, rows);
		if (!explain_local_answers(work, rows, count, answers, arena, error) ||
		    !anchor_run_take(row->run, answers, local_decide(local->predictor, answers, count), error))
			return false;
	}
	return true;
}

/* ---- a model on a server ---- */

/* Sends the next batch of a row; none: its search is over. */
static bool anchored_send(struct explain_work *work, struct anchored_row *row, struct visit *visit, struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const size_t count = anchor_run_next(row->run, EXPLAIN_BATCH_ROWS);
	if (count == 0)
		return true;
	double *values = ARENA_ARRAY(arena, double, count * row->table.features);
	struct anchored_call *call = ARENA_NEW(arena, struct anchored_call);
	if (!values || !call)
		return error_memory(error, ERROR_LIMIT, "perturbing a message");
	anchor_run_fill(row->run, values);
	call->row = row;
	call->rows = count;
	if (!explain_send(work, &call->call, row->row, values, count, visit, error))
		return false;
	row->calls++;
	return true;
}

/* Position of the greatest of some numbers; NaN: one of them is none. */
static double greatest_find(const struct tensor *tensor, size_t first, size_t count)
{
	size_t greatest = 0;
	for (size_t i = 0; i < count; i++) {
		if (!isfinite(tensor_number(tensor, first + i)))
			return (double)NAN;
		if (tensor_number(tensor, first + i) > tensor_number(tensor, first + greatest))
			greatest = i;
	}
	return (double)greatest;
}

/* The first tensor with an answer to each row. */
static const struct tensor *answers_find(const struct payload *reply, size_t rows)
{
	for (size_t i = 0; i < reply->tensors.count; i++) {
		const struct tensor *tensor = reply->tensors.items[i];
		if (tensor->count >= rows && tensor->count % rows == 0 &&
		    (tensor->rank > 0 ? (size_t)tensor->shape[0] == rows : rows == 1))
			return tensor;
	}
	return NULL;
}

static bool reply_decide(struct anchored_row *row, const struct tensor *tensor, size_t rows, double *answers)
{
	const size_t each = tensor->count / rows;
	const enum datatype_class class = datatype_rows[tensor->datatype].class;
	if (!row->answered) {
		row->output = tensor->name;
		row->texts = class == CLASS_BYTES;
		row->text = row->texts ? ((const struct text *)tensor->data)[0] : (struct text){"", 0};
	}
	for (size_t i = 0; i < rows; i++) {
		if (class == CLASS_BYTES)
			answers[i] = text_equal(((const struct text *)tensor->data)[i * each], row->text);
		else
			answers[i] = each > 1 ? greatest_find(tensor, i * each, each) : tensor_number(tensor, i);
	}
	return each > 1 || class != CLASS_FLOAT;
}

static bool reply_take(const struct anchored_call *call, const struct payload *reply, struct arena *arena, struct error *error)
{
	const struct explainer *explainer = call->call.work->explainer;
	const struct tensor *tensor = answers_find(reply, call->rows);
	double *answers = ARENA_ARRAY(arena, double, call->rows);
	if (!tensor)
		return error_set(error, ERROR_REMOTE, PLACE_NONE,
				 "%s cannot explain model `%s`, which answers %s to %zu rows: an anchor needs an answer to each "
				 "row",
				 explainer->whose, explainer->model.name,
				 reply->tensors.count ? tensor_type_text(arena, reply->tensors.items[0]) : "nothing", call->rows);
	if (!answers)
		return error_memory(error, ERROR_LIMIT, "explaining a message");
	if (!anchor_run_take(call->row->run, answers, reply_decide(call->row, tensor, call->rows, answers), error))
		return false;
	return call->row->answered = true;
}

/* Whether it is of no use to ask more about a row. */
static bool anchored_is_over(const struct explain_work *work, const struct anchored_row *row, struct visit *visit)
{
	return !row->answered || row->failed >= ANCHOR_FAILURES_MAX || (work->due_ms && visit_now_ms(visit) >= work->due_ms);
}

enum step_verdict explain_anchors_answered(struct visit *visit, struct call *call, struct explain_work *work, struct error *error)
{
	const struct anchored_call *asked = (const struct anchored_call *)call->request;
	struct anchored_row *row = asked->row;
	const bool again = !row->answered && row->failed == 0 && explain_call_may_repeat(work, call, visit);
	struct error why = call->error;
	work->waiting--;
	if (why.kind != ERROR_NONE || !reply_take(asked, call->reply, visit_arena(visit), &why)) {
		anchor_run_miss(row->run);
		row->failed = why.kind == ERROR_LIMIT ? ANCHOR_FAILURES_MAX : row->failed + 1;
		explain_call_fail(work, &why);
	}
	why = (struct error){0};
	if ((again || !anchored_is_over(work, row, visit)) && !anchored_send(work, row, visit, &why))
		explain_call_fail(work, &why);
	return work->waiting > 0 ? STEP_WAIT : anchors_settle(work, visit_arena(visit), error);
}

enum step_verdict explain_anchors_begin(struct explain_work *work, struct visit *visit, struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const struct explainer *explainer = work->explainer;
	const double *background = explain_background(&explainer->background, arena, error);
	work->anchored = ARENA_ARRAY(arena, struct anchored_row, work->rows.rows);
	work->due_ms = explainer->time_ms ? visit_now_ms(visit) + explainer->time_ms : 0;
	if (!background || !work->anchored) {
		error_memory(error, ERROR_LIMIT, "explaining a message");
		return STEP_FAIL;
	}
	for (size_t i = 0; i < work->rows.rows; i++)
		if (!anchored_open(work, i, background, arena, error))
			return STEP_FAIL;
	for (size_t i = 0; i < work->rows.rows; i++) {
		struct error why = {0};
		struct anchored_row *row = &work->anchored[i];
		if (explainer->model.local ? !local_anchor(work, row, arena, &why) : !anchored_send(work, row, visit, &why))
			explain_call_fail(work, &why);
	}
	return work->waiting > 0 ? STEP_WAIT : anchors_settle(work, arena, error);
}
