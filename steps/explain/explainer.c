/* explainer.c: see explainer.h. */
#include "steps/explain/explainer.h"

#include <math.h>

#include "methods/explain/coalition.h"
#include "methods/explain/perturbation.h"
#include "methods/predictors/dense.h"
#include "steps/explain/explain_anchors.h"

#define SAMPLER_SEED 20 /* any; the same, so that a message taken again has the same explanation */

/* One row that is explained by perturbations. */
struct explain_row {
	size_t row;
	struct coalition_game game;
	const struct sampler *sampler;
	struct perturbation_run *run; /* NULL: the row itself is not answered yet */
	struct text output;
	size_t outputs;
	size_t calls;
};

struct perturbed {
	struct perturbed_call call;
	struct explain_row *row;
	struct perturbation_batch batch;
	bool again; /* one like it has failed */
};

/* ---- opening ---- */

/* What local explanations can be of: `tree` of trees, `linear` and `gradients` of layers. */
static bool local_suits(const struct explainer *explainer, struct error *error)
{
	const struct predictor_parts parts = predictor_parts(explainer->model.local->predictor);
	const char *format = predictor_traits(explainer->model.local->predictor)->format;
	if (!parts.trees && !parts.dense)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s cannot explain a model of the format %s", explainer->whose,
			format);
	if (explainer->by == BY_TREE && !parts.trees)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s explains `by: tree`, and its model (%s) has no trees; leave `by` "
				 "out", explainer->whose, format);
	if ((explainer->by == BY_LINEAR || explainer->by == BY_GRADIENTS) && !parts.dense)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s explains `by: %s`, and its model (%s) has trees; leave `by` out", explainer->whose,
				 explainer->by == BY_LINEAR ? "linear" : "gradients", format);
	if (explainer->by == BY_LINEAR && parts.dense->count > 1)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s explains `by: linear`, and its model (%s) has %zu layers; write `by: "
				 "gradients`", explainer->whose,
				 format, parts.dense->count);
	return true;
}

static struct local_background local_background(const struct background *background)
{
	return (struct local_background){background->rows, background->count, background->width};
}

/* Whether the method needs rows of a background. Trees can do without. */
static bool needs_background(const struct explainer *explainer)
{
	return explainer->perturbs || !predictor_parts(explainer->model.local->predictor).trees;
}

static bool local_open(struct explainer *explainer, struct error *error)
{
	const struct predictor *predictor = explainer->model.local->predictor;
	const struct background *background = &explainer->background;
	const struct local_background rows = local_background(background);
	if (!local_suits(explainer, error))
		return false;
	if (rows.count && !background_fits(background, predictor_traits(predictor)->features, NULL, false, error))
		return false;
	if (background->most) /* it is not known yet */
		return true;
	explainer->local = local_explainer_open(explainer->arena, predictor, &rows, error);
	return explainer->local != NULL;
}

bool explainer_open(struct explainer *explainer, struct error *error)
{
	const bool by_calls = explainer->by == BY_AUTO || explainer->by == BY_EXACT || explainer->by == BY_SAMPLE ||
			      explainer->by == BY_ANCHORS || explainer->by == BY_PERMUTATION;
	const struct local_model *local = explainer->model.local;
	if (!local && !by_calls)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s explains `%s`, which a server has, so what is inside the model is not known; write `by: "
				 "sample` or leave `by` out",
				 explainer->whose, explainer->model.name);
	if (local && predictor_traits(local->predictor)->index && explainer->by != BY_ANCHORS)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s cannot explain `%s`, which answers the number of a class: a class has no parts that add up; "
				 "export the model with probabilities, or write `by: anchors`",
				 explainer->whose, explainer->model.name);
	if (local && predictor_traits(local->predictor)->wider)
		background_narrow(&explainer->background, predictor_traits(local->predictor)->features);
	explainer->perturbs = !local || (by_calls && explainer->by != BY_AUTO);
	if (needs_background(explainer) && explainer->background.count == 0 && explainer->background.most == 0)
		background_sample(&explainer->background, BACKGROUND_ROWS_DEFAULT);
	if (!explainer->perturbs)
		return local_open(explainer, error);
	if (local && explainer->background.count &&
	    !background_fits(&explainer->background, predictor_traits(local->predictor)->features, NULL, false, error))
		return false;
	return local || explainer->background.count == 0 ||
	       background_fits(&explainer->background, explainer->background.width, NULL, true, error);
}

/* ---- local models ---- */

static bool local_rows_explain(struct explain_work *work, const struct local_explainer *local, struct arena *arena,
			       struct error *error)
{
	for (size_t i = 0; i < work->rows.rows; i++) {
		struct explained *explained = explained_add(work, i, work->explainer->model.local->output, arena, error);
		if (!explained ||
		    !local_explain(local, work->rows.values + i * work->rows.features, &explained->data, arena, error))
			return false;
		explained->data.names = work->rows.names;
		arena->work += predictor_traits(work->explainer->model.local->predictor)->steps;
	}
	return true;
}

static enum step_verdict local_begin(struct explain_work *work, struct arena *arena, struct error *error)
{
	const struct explainer *explainer = work->explainer;
	const struct local_explainer *local = explainer->local;
	const struct local_background rows = local_background(&explainer->background);
	if (!local)
		local = local_explainer_open(arena, explainer->model.local->predictor, &rows, error);
	return local && local_rows_explain(work, local, arena, error) ? STEP_DONE : STEP_FAIL;
}

/* ---- perturbations ---- */

/* The sampler of a row of so many players. The one of the first message is kept: others are as wide. */
static const struct sampler *sampler_for(struct explainer *explainer, size_t players, struct arena *arena, struct error *error)
{
	size_t budget = explainer->budget;
	if (explainer->sampler && explainer->players == players)
		return explainer->sampler;
	const bool few = players <= 10; /* 1,022 coalitions: within SAMPLER_BUDGET_MAX */
	if (explainer->by == BY_EXACT && !few)
		return error_null(error_set_limit(error, LIMIT_OF_ENGINE,
						  "%s explains `by: exact`, which takes up to 10 features, and %zu came; write "
						  "`by: sample`", explainer->whose, players));
	if (explainer->by == BY_EXACT)
		budget = (size_t)1 << players;
	const bool keeps = !explainer->sampler;
	const struct sampler *sampler = sampler_open(keeps ? explainer->arena : arena, players, budget, SAMPLER_SEED, error);
	if (keeps && sampler) {
		explainer->sampler = sampler;
		explainer->players = players;
	}
	return sampler;
}

/* The background must be that of the features; a server gets its numbers as they are. */
static bool row_open(struct explainer *explainer, struct explain_work *work, size_t row, struct arena *arena, struct error *error)
{
	struct explain_row *one = &work->each[row];
	const struct background *background = &explainer->background;
	*one = (struct explain_row){
		.row = row,
		.game = {.features = work->rows.features,
			 .row = work->rows.values + row * work->rows.features,
			 .background = explain_background(background, arena, error),
			 .background_rows = background->count,
			 .players = work->rows.features},
	};
	if (!one->game.background)
		return false;
	size_t coalitions = one->game.players; /* by permutation */
	if (explainer->by != BY_PERMUTATION) {
		one->sampler = sampler_for(explainer, work->rows.features, arena, error);
		if (!one->sampler)
			return false;
		coalitions = sampler_count(one->sampler);
	} else if (coalitions > explainer->budget) {
		return error_set_limit(error, LIMIT_OF_ENGINE,
				       "%s explains `by: permutation`, which perturbs each feature: %zu came, and `budget.calls` "
				       "is %zu; raise it, or send fewer features",
				       explainer->whose, coalitions, explainer->budget);
	}
	if ((coalitions + 1) * background->count * work->rows.rows > EXPLAIN_PERTURBED_ROWS_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE,
				       "%s would ask for %zu rows (%zu of the message, by %zu coalitions, by %zu of the "
				       "background), and "
				       "at most %d are allowed; send fewer rows, or lower `budget.calls` or the background",
				       explainer->whose, (coalitions + 1) * background->count * work->rows.rows, work->rows.rows,
				       coalitions, background->count, EXPLAIN_PERTURBED_ROWS_MAX);
	return coalition_check(&one->game, error);
}

/* Opens the run of a row, when the number of outputs is known. */
static bool run_open(struct explain_row *row, struct text output, size_t outputs, struct arena *arena, struct error *error)
{
	row->output = output;
	row->outputs = outputs;
	row->run = perturbation_open(arena, &row->game, row->sampler, outputs, error);
	return row->run != NULL;
}

static bool rows_settle(struct explain_work *work, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < work->rows.rows; i++) {
		struct explain_row *row = &work->each[i];
		struct error why = {0};
		struct explained *explained = explained_add(work, i, row->output, arena, error);
		if (!explained)
			return false;
		if (!row->run || !perturbation_explain(row->run, &explained->data, arena, &why))
			return explained_refuse(work, i, &why, error);
		explained->data.names = work->rows.names;
		explained->calls = row->calls;
	}
	return true;
}

/* ---- perturbations of a local model ---- */

static bool local_row_perturb(struct explain_work *work, struct explain_row *row, struct arena *arena, struct error *error)
{
	const struct local_model *local = work->explainer->model.local;
	const size_t outputs = predictor_traits(local->predictor)->outputs;
	if (!run_open(row, local->output, outputs, arena, error))
		return false;
	double *rows = ARENA_ARRAY(arena, double, EXPLAIN_BATCH_ROWS * work->rows.features);
	double *answers = ARENA_ARRAY(arena, double, EXPLAIN_BATCH_ROWS * outputs);
	if (!rows || !answers)
		return error_memory(error, ERROR_LIMIT, "explaining a message");
	for (;;) {
		const struct perturbation_batch batch = perturbation_next(row->run, EXPLAIN_BATCH_ROWS);
		if (batch.rows == 0)
			return true;
		perturbation_fill(row->run, batch, rows);
		if (!explain_local_answers(work, rows, batch.rows, answers, arena, error))
			return false;
		perturbation_take(row->run, batch, answers);
	}
}

/* ---- perturbations of a model on a server ---- */

static bool perturbed_send(struct explain_work *work, struct explain_row *row, struct perturbation_batch batch, bool again,
			   const double *values, struct visit *visit, struct error *error)
{
	struct perturbed *perturbed = ARENA_NEW(visit_arena(visit), struct perturbed);
	if (!perturbed)
		return error_memory(error, ERROR_LIMIT, "perturbing a message");
	perturbed->row = row;
	perturbed->batch = batch;
	perturbed->again = again;
	if (!explain_send(work, &perturbed->call, row->row, values, batch.rows, visit, error))
		return false;
	row->calls++;
	return true;
}

/* The row and the background, by which the outputs of the model become known. */
static bool row_send(struct explain_work *work, struct explain_row *row, bool again, struct visit *visit, struct error *error)
{
	const size_t features = row->game.features, count = 1 + row->game.background_rows;
	double *values = ARENA_ARRAY(visit_arena(visit), double, count * features);
	if (!values)
		return error_memory(error, ERROR_LIMIT, "perturbing a message");
	memcpy(values, row->game.row, features * sizeof *values);
	memcpy(values + features, row->game.background, (count - 1) * features * sizeof *values);
	return perturbed_send(work, row, (struct perturbation_batch){0, count}, again, values, visit, error);
}

static bool batch_send(struct explain_work *work, struct explain_row *row, struct perturbation_batch batch, bool again,
		       struct visit *visit, struct error *error)
{
	double *values = ARENA_ARRAY(visit_arena(visit), double, batch.rows * row->game.features);
	if (!values)
		return error_memory(error, ERROR_LIMIT, "perturbing a message");
	perturbation_fill(row->run, batch, values);
	return perturbed_send(work, row, batch, again, values, visit, error);
}

static bool rest_send(struct explain_work *work, struct explain_row *row, struct visit *visit, struct error *error)
{
	for (;;) {
		const struct perturbation_batch batch = perturbation_next(row->run, EXPLAIN_BATCH_ROWS);
		if (batch.rows == 0)
			return true;
		if (!batch_send(work, row, batch, false, visit, error))
			return false;
	}
}

/* A call that failed is sent once more: that of the row and the background as it was, any other one in two halves, since a model
 * may fail for a single row of it. */
static bool failed_send(const struct perturbed *failed, struct visit *visit, struct error *error)
{
	struct explain_work *work = failed->call.work;
	struct explain_row *row = failed->row;
	const size_t half = (failed->batch.rows + 1) / 2, rest = failed->batch.rows - half;
	if (!row->run)
		return row_send(work, row, true, visit, error);
	return batch_send(work, row, (struct perturbation_batch){failed->batch.first, half}, true, visit, error) &&
	       (rest == 0 ||
		batch_send(work, row, (struct perturbation_batch){failed->batch.first + half, rest}, true, visit, error));
}

static bool reply_refuse(const struct explain_work *work, const struct tensor *tensor, size_t rows, struct arena *arena,
			 struct error *error)
{
	const struct explainer *explainer = work->explainer;
	const char *answered = tensor ? tensor_type_text(arena, tensor) : "nothing";
	if (tensor && datatype_rows[tensor->datatype].class == CLASS_FLOAT)
		return error_set(error, ERROR_REMOTE, PLACE_NONE,
				 "%s cannot explain model `%s`, which answers %s to %zu rows: an explanation needs an answer to "
				 "each row",
				 explainer->whose, explainer->model.name, answered, rows);
	return error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "%s cannot explain model `%s`, which answers %s to %zu rows: an explanation needs numbers with fractions "
			 "(FP32, FP64), and a class has no parts that add up; request its probabilities with `outputs` of its "
			 "step, or write `by: anchors`",
			 explainer->whose, explainer->model.name, answered, rows);
}

/* The numbers that the model answered: the first tensor of numbers with fractions, as many for each row. */
static const struct tensor *reply_numbers(const struct explain_work *work, const struct payload *reply, size_t rows,
					  struct arena *arena, struct error *error)
{
	const struct tensor *tensor = NULL;
	for (size_t i = reply->tensors.count; i-- > 0;)
		if (!tensor || datatype_rows[reply->tensors.items[i]->datatype].class == CLASS_FLOAT)
			tensor = reply->tensors.items[i];
	const bool numbers = tensor && datatype_rows[tensor->datatype].class == CLASS_FLOAT && tensor->count > 0;
	if (numbers && (tensor->rank > 0 ? (size_t)tensor->shape[0] == rows : rows == 1))
		return tensor;
	(void)reply_refuse(work, tensor, rows, arena, error);
	return NULL;
}

static bool reply_take(const struct perturbed *perturbed, const struct payload *reply, struct arena *arena, struct error *error)
{
	struct explain_row *row = perturbed->row;
	const size_t rows = perturbed->batch.rows;
	const struct tensor *tensor = reply_numbers(perturbed->call.work, reply, rows, arena, error);
	if (!tensor)
		return false;
	if (!row->run) { /* the row and the background are the first batch of a run */
		if (!run_open(row, tensor->name, tensor->count / rows, arena, error))
			return false;
		(void)perturbation_next(row->run, rows);
	}
	double *answers = ARENA_ARRAY(arena, double, rows * row->outputs);
	if (tensor->count != rows * row->outputs)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "model `%s` answers %s to %zu rows, and %zu numbers to the first",
				 perturbed->call.work->explainer->model.name, tensor_type_text(arena, tensor), rows, row->outputs);
	if (!answers)
		return error_memory(error, ERROR_LIMIT, "explaining a message");
	for (size_t i = 0; i < tensor->count; i++)
		answers[i] = tensor_number(tensor, i);
	perturbation_take(row->run, perturbed->batch, answers);
	return true;
}

enum step_verdict explain_answered(struct visit *visit, struct call *call, struct explain_work **found, struct error *error)
{
	const struct perturbed *perturbed = (const struct perturbed *)call->request;
	struct explain_work *work = *found = perturbed->call.work;
	if (work->anchored)
		return explain_anchors_answered(visit, call, work, error);
	struct explain_row *row = perturbed->row;
	const bool first = !row->run;
	const bool again = !perturbed->again && explain_call_may_repeat(work, call, visit);
	struct error why = call->error;
	work->waiting--;
	if (why.kind != ERROR_NONE || !reply_take(perturbed, call->reply, visit_arena(visit), &why))
		explain_call_fail(work, &why);
	else if (first && !rest_send(work, row, visit, &why))
		explain_call_fail(work, &why);
	if (again && !failed_send(perturbed, visit, &why))
		explain_call_fail(work, &why);
	if (work->waiting > 0)
		return STEP_WAIT;
	return rows_settle(work, visit_arena(visit), error) ? STEP_DONE : STEP_FAIL;
}

static enum step_verdict perturb_begin(struct explainer *explainer, struct explain_work *work, struct visit *visit,
				       struct error *error)
{
	struct arena *arena = visit_arena(visit);
	work->each = ARENA_ARRAY(arena, struct explain_row, work->rows.rows);
	work->due_ms = explainer->time_ms ? visit_now_ms(visit) + explainer->time_ms : 0;
	if (!work->each) {
		error_memory(error, ERROR_LIMIT, "explaining a message");
		return STEP_FAIL;
	}
	for (size_t i = 0; i < work->rows.rows; i++)
		if (!row_open(explainer, work, i, arena, error))
			return STEP_FAIL;
	for (size_t i = 0; i < work->rows.rows; i++) {
		struct error why = {0};
		const bool good = explainer->model.local ? local_row_perturb(work, &work->each[i], arena, &why)
							 : row_send(work, &work->each[i], false, visit, &why);
		if (!good)
			explain_call_fail(work, &why);
	}
	if (work->waiting > 0)
		return STEP_WAIT;
	return rows_settle(work, arena, error) ? STEP_DONE : STEP_FAIL;
}

/* A request and a file of the background name the same features; either may leave that to the other. */
static bool names_settle(const struct explainer *explainer, struct feature_rows *rows, struct error *error)
{
	const struct background *background = &explainer->background;
	const struct local_model *local = explainer->model.local;
	const size_t features = local ? predictor_traits(local->predictor)->features : rows->features;
	if (!background_fits(background, features, rows->named ? rows->names : NULL, explainer->perturbs && !local, error))
		return false;
	if (!rows->named && background->names)
		rows->names = background->names;
	return true;
}

enum step_verdict explain_begin(struct explainer *explainer, struct explain_work *work, struct visit *visit, struct error *error)
{
	work->explainer = explainer;
	if (work->rows.rows > EXPLAIN_ROWS_MAX) {
		error_set_limit(error, LIMIT_OF_ENGINE,
			"%s explains up to %d rows of a message, and %zu came; send fewer at a time",
				explainer->whose, EXPLAIN_ROWS_MAX, work->rows.rows);
		return STEP_FAIL;
	}
	if (explainer->background.count && !names_settle(explainer, &work->rows, error))
		return STEP_FAIL;
	if (explainer->by == BY_ANCHORS)
		return explain_anchors_begin(work, visit, error);
	return explainer->perturbs ? perturb_begin(explainer, work, visit, error) : local_begin(work, visit_arena(visit), error);
}
