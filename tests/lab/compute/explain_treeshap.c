/* explain_treeshap.c: Family `explain_treeshap`: Shapley values of tree models. */
#include <string.h>

#include "compute/models.h"
#include "compute/values.h"
#include "methods/explain/coalition.h"
#include "methods/explain/tree_shap.h"

/* What a case asks for. */
struct treeshap_work {
	const struct compute_case *one;
	const struct predictor *predictor;
	struct compute_table rows, background; /* background: without rows where it is path-dependent */
	size_t outputs, features;
	double *contributions; /* [rows][outputs][features] */
	const double *base;    /* [outputs] */
};

static bool treeshap_width_check(const struct treeshap_work *work, const struct compute_table *rows, struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(work->predictor);
	return rows->rows == 0 || rows->columns == traits->features || (traits->wider && rows->columns > traits->features) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "rows have %zu numbers, and the model takes %zu", rows->columns,
			 traits->features);
}

static bool treeshap_room(struct treeshap_work *work, struct error *error)
{
	work->contributions = ARENA_ARRAY(work->one->arena, double, work->rows.rows * work->outputs * work->features);
	return work->contributions || error_memory(error, ERROR_LIMIT, "explaining rows");
}

/* ---- margins ---- */

/* Features that the model ignores, behind those that it takes, contribute nothing. */
static void treeshap_widen(struct treeshap_work *work, size_t taken)
{
	for (size_t i = work->rows.rows * work->outputs; taken < work->features && i-- > 0;) {
		double *row = work->contributions + i * work->features;
		memmove(row, work->contributions + i * taken, taken * sizeof *row);
		memset(row + taken, 0, (work->features - taken) * sizeof *row);
	}
}

static bool treeshap_margins(struct treeshap_work *work, struct error *error)
{
	const struct tree_shap *shap = tree_shap_open(work->one->arena, work->predictor, work->background.items,
						      work->background.rows, work->background.columns, error);
	if (!shap)
		return false;
	const struct tree_shap_size size = tree_shap_size(shap);
	double *scratch = ARENA_ARRAY(work->one->arena, double, size.scratch);
	work->outputs = size.outputs;
	work->features = work->rows.rows && work->rows.columns > size.features ? work->rows.columns : size.features;
	work->base = tree_shap_base(shap);
	if (!scratch || !treeshap_room(work, error))
		return error_memory(error, ERROR_LIMIT, "explaining rows");
	for (size_t i = 0; i < work->rows.rows; i++)
		tree_shap_explain(shap, work->rows.items + i * work->rows.columns,
				  work->contributions + i * size.outputs * size.features, scratch);
	treeshap_widen(work, size.features);
	return true;
}

/* ---- probabilities: no sum of trees, so all coalitions are asked for ---- */

struct treeshap_asked {
	double *rows, *margins, *answers, *scratch, *values;
};

static bool treeshap_enumerate(struct treeshap_work *work, const struct coalition_game *game, const struct treeshap_asked *asked,
			       double *base, double *contributions)
{
	const size_t outputs = work->outputs;
	const size_t coalitions = (size_t)1 << game->players;
	for (size_t output = 0; output < outputs; output++) {
		for (uint64_t coalition = 0; coalition < coalitions; coalition++) {
			coalition_rows(game, &coalition, asked->rows);
			predictor_margins(work->predictor, asked->rows, game->features, game->background_rows, asked->margins,
					  asked->scratch);
			predictor_answers(work->predictor, asked->margins, game->background_rows, asked->answers);
			asked->values[coalition] = coalition_value(game, asked->answers + output, outputs);
		}
		coalition_shapley(asked->values, game->players, contributions + output * game->players);
		base[output] = asked->values[0];
	}
	return true;
}

static bool treeshap_answers(struct treeshap_work *work, struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(work->predictor);
	struct arena *arena = work->one->arena;
	struct coalition_game game = {
		.features = work->rows.columns,
		.background_rows = work->background.rows,
		.background = work->background.items,
		.players = work->rows.columns,
	};
	if (!coalition_check(&game, error))
		return false;
	if (game.players > COALITION_EXACT_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE, "%zu features are more than the %d of exact probabilities",
				       game.players, COALITION_EXACT_MAX);
	work->outputs = traits->outputs;
	work->features = game.players;
	const size_t count = game.background_rows;
	const struct treeshap_asked asked = {
		ARENA_ARRAY(arena, double, count *game.features),
		ARENA_ARRAY(arena, double, count * traits->margins),
		ARENA_ARRAY(arena, double, count * traits->outputs),
		ARENA_ARRAY(arena, double, predictor_scratch(work->predictor, count)),
		ARENA_ARRAY(arena, double, (size_t)1 << game.players),
	};
	double *base = ARENA_ARRAY(arena, double, work->outputs);
	if (!treeshap_room(work, error) || arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "explaining rows");
	for (size_t i = 0; i < work->rows.rows; i++) {
		game.row = work->rows.items + i * game.features;
		treeshap_enumerate(work, &game, &asked, base, work->contributions + i * work->outputs * work->features);
	}
	work->base = base;
	return true;
}

/* ---- results ---- */

/* [features], or [outputs][features], of one row. */
static json_t *treeshap_row_written(const struct treeshap_work *work, size_t row)
{
	const double *numbers = work->contributions + row * work->outputs * work->features;
	return work->outputs == 1 ? compute_write_row(numbers, work->features)
				  : compute_write_table(numbers, work->outputs, work->features);
}

static json_t *treeshap_base_written(const struct treeshap_work *work)
{
	return work->outputs == 1 ? compute_write(*work->base) : compute_write_row(work->base, work->outputs);
}

/* A row's contributions, and its base value behind them. */
static json_t *treeshap_with_base(const struct treeshap_work *work, size_t row)
{
	json_t *all = json_array();
	for (size_t output = 0; output < work->outputs; output++) {
		json_t *numbers =
			compute_write_row(work->contributions + (row * work->outputs + output) * work->features, work->features);
		json_array_append_new(numbers, compute_write(work->base[output]));
		if (work->outputs == 1) {
			json_decref(all);
			return numbers;
		}
		json_array_append_new(all, numbers);
	}
	return all;
}

static json_t *treeshap_written(const struct treeshap_work *work, bool path_dependent, struct error *error)
{
	json_t *result = json_object(), *values = json_array(), *bases = json_array(), *contributions = json_array();
	for (size_t i = 0; i < work->rows.rows; i++) {
		json_array_append_new(values, treeshap_row_written(work, i));
		json_array_append_new(bases, treeshap_base_written(work));
		json_array_append_new(contributions, treeshap_with_base(work, i));
	}
	compute_put(result, "shap_values", values, error);
	if (path_dependent) {
		compute_put(result, "base_values", bases, error);
		compute_put(result, "xgboost_pred_contribs", contributions, error);
	} else {
		json_decref(bases);
		json_decref(contributions);
		compute_put(result, "base_value", treeshap_base_written(work), error);
	}
	return compute_made(result, error);
}

static json_t *treeshap_run(const struct compute_case *one, struct error *error)
{
	struct treeshap_work work = {.one = one, .predictor = compute_model(one, one->input, error)};
	const char *algorithm = compute_text_or(one->params, "algorithm", "path_dependent", error);
	const char *output = compute_text_or(one->params, "output", "margin", error);
	const bool path_dependent = strcmp(algorithm, "path_dependent") == 0, margin = strcmp(output, "margin") == 0;
	if (!work.predictor || !compute_table(one, one->input, "x", &work.rows, error) ||
	    !treeshap_width_check(&work, &work.rows, error))
		return NULL;
	if ((!path_dependent && strcmp(algorithm, "interventional") != 0) || (path_dependent && !margin) ||
	    (!margin && strcmp(output, "probability") != 0)) {
		error_set(error, ERROR_INPUT, PLACE_NONE,
			  "`algorithm` %.32s of `output` %.32s is not known; write path_dependent of margin, or interventional of "
			  "margin or probability",
			  algorithm, output);
		return NULL;
	}
	if (!path_dependent && (!compute_table(one, one->input, "background", &work.background, error) ||
				!treeshap_width_check(&work, &work.background, error)))
		return NULL;
	if (!path_dependent && work.background.rows == 0) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`background` has no rows; interventional values need at least one");
		return NULL;
	}
	return (margin ? treeshap_margins(&work, error) : treeshap_answers(&work, error))
		       ? treeshap_written(&work, path_dependent, error)
		       : NULL;
}

static const struct compute_method methods[] = {
	{"path_dependent", "a feature that is left out goes both ways of a split, by the covers of the file (sum_hessian, counts, "
			   "n_samples); integrated by Gauss and Legendre, in double"},
	{"interventional", "a feature that is left out has the value of a background row; mean over these"},
	{"probability", "interventional, of the answers instead of the margins; all coalitions"},
	{"base_values", "one for each row; `base_value` of interventional values"},
	{NULL, NULL},
};

const struct compute_family compute_explain_treeshap = {
	.name = "explain_treeshap",
	.summary = "contributions to what trees answer: `model_file`, rows `x`, `background`",
	.methods = methods,
	.parameters = "algorithm output",
	.run = treeshap_run,
};
