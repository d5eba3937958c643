/* explain_kernelshap.c: Family `explain_kernelshap`: exact Shapley values of any model. */
#include <string.h>

#include "compute/models.h"
#include "comparison/explain/explanations.h"
#include "compute/values.h"
#include "methods/explain/coalition.h"

struct kernelshap_work {
	const struct compute_case *one;
	const struct compute_example *model;
	struct compute_table rows, background;
	struct compute_row weights;
	struct coalition_game game;
	double *asked, *answers, *values; /* room for one coalition's rows, and for all values */
};

/* ---- the kernel itself ---- */

static json_t *kernelshap_weights(const struct compute_case *one, struct error *error)
{
	int64_t players;
	if (!compute_integer(one->input, "d", &players, error))
		return NULL;
	if (players < 2 || players > COALITION_PLAYERS_MAX) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`d` is a number of features, from 2 to %d", COALITION_PLAYERS_MAX);
		return NULL;
	}
	const size_t sizes = (size_t)players - 1;
	double *weights = ARENA_ARRAY(one->arena, double, sizes), *leverages = ARENA_ARRAY(one->arena, double, sizes);
	if (!weights || !leverages) {
		error_memory(error, ERROR_LIMIT, "weighing coalitions");
		return NULL;
	}
	for (size_t i = 0; i < sizes; i++) {
		weights[i] = coalition_kernel_weight((size_t)players, i + 1);
		leverages[i] = coalition_leverage((size_t)players, i + 1);
	}
	json_t *result = json_object();
	compute_put(result, "weight_per_subset", compute_write_row(weights, sizes), error);
	compute_put(result, "leverage_score_per_subset", compute_write_row(leverages, sizes), error);
	return compute_made(result, error);
}

/* ---- a game ---- */

static bool kernelshap_groups_read(struct kernelshap_work *work, struct error *error)
{
	const json_t *given = json_object_get(work->one->input, "groups");
	struct arena *arena = work->one->arena;
	if (!given)
		return true;
	const size_t count = json_array_size(given), features = work->game.features;
	size_t **groups = ARENA_ARRAY(arena, size_t *, count), *sizes = ARENA_ARRAY(arena, size_t, count);
	uint32_t *player_of = ARENA_ARRAY(arena, uint32_t, features);
	for (size_t i = 0; groups && sizes && player_of && i < count; i++) {
		sizes[i] = json_array_size(json_array_get(given, i));
		groups[i] = ARENA_ARRAY(arena, size_t, sizes[i]);
		for (size_t j = 0; groups[i] && j < sizes[i]; j++) {
			const json_int_t number = json_integer_value(json_array_get(json_array_get(given, i), j));
			groups[i][j] = number < 0 ? SIZE_MAX : (size_t)number;
		}
	}
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "reading groups");
	work->game.players = count;
	work->game.player_of = player_of;
	return coalition_group((const size_t *const *)groups, sizes, count, features, player_of, error);
}

static bool kernelshap_game_read(struct kernelshap_work *work, struct error *error)
{
	const struct compute_case *one = work->one;
	const char *link = compute_text_or(one->params, "link", "identity", error);
	if (!compute_table(one, one->input, "x", &work->rows, error) ||
	    !compute_table(one, one->input, "background", &work->background, error) ||
	    (compute_has(one->input, "background_weights") &&
	     !compute_row(one, one->input, "background_weights", &work->weights, error)))
		return false;
	if (strcmp(link, "identity") != 0 && strcmp(link, "logit") != 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`link` is `%.64s`; known are identity and logit", link);
	if (work->rows.rows && work->background.rows && work->rows.columns != work->background.columns)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the background has %zu columns, and `x` has %zu; give it the same", work->background.columns,
				 work->rows.columns);
	if (work->weights.items && work->weights.count != work->background.rows)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`background_weights` has %zu numbers for %zu rows",
				 work->weights.count, work->background.rows);
	work->game = (struct coalition_game){
		.features = work->rows.columns,
		.background_rows = work->background.rows,
		.background = work->background.items,
		.weights = work->weights.items,
		.players = work->rows.columns,
		.link = strcmp(link, "logit") == 0 ? COALITION_LOGIT : COALITION_IDENTITY,
	};
	return kernelshap_groups_read(work, error) && coalition_check(&work->game, error);
}

static bool kernelshap_explain(struct kernelshap_work *work, double *contributions, struct error *error)
{
	const struct coalition_game *game = &work->game;
	for (uint64_t coalition = 0; coalition < (uint64_t)1 << game->players; coalition++) {
		coalition_rows(game, &coalition, work->asked);
		if (!compute_example_answer(work->model, work->one, work->asked, game->features, game->background_rows,
					    work->answers, error))
			return false;
		work->values[coalition] = coalition_value(game, work->answers, 1);
	}
	coalition_shapley(work->values, game->players, contributions);
	return true;
}

/* A row beside its own answers is a background of one. */
static bool kernelshap_answer(struct kernelshap_work *work, const double *row, double *answer, struct error *error)
{
	struct coalition_game alone = work->game;
	alone.background_rows = 1;
	alone.weights = NULL;
	if (!compute_example_answer(work->model, work->one, row, work->game.features, 1, answer, error))
		return false;
	*answer = coalition_value(&alone, answer, 1);
	return true;
}

static json_t *kernelshap_run(const struct compute_case *one, struct error *error)
{
	if (compute_has(one->input, "d"))
		return kernelshap_weights(one, error);
	struct kernelshap_work work = {.one = one, .model = compute_example(one, json_object_get(one->input, "model"), error)};
	if (!work.model || !kernelshap_game_read(&work, error))
		return NULL;
	const size_t players = work.game.players, rows = work.rows.rows;
	if (players > COALITION_EXACT_MAX) {
		error_set_limit(error, LIMIT_OF_ENGINE, "%zu features are more than the %d of exact values", players,
				COALITION_EXACT_MAX);
		return NULL;
	}
	double *contributions = ARENA_ARRAY(one->arena, double, rows *players), *answers = ARENA_ARRAY(one->arena, double, rows);
	work.asked = ARENA_ARRAY(one->arena, double, work.game.background_rows *work.game.features);
	work.answers = ARENA_ARRAY(one->arena, double, work.game.background_rows);
	work.values = ARENA_ARRAY(one->arena, double, (size_t)1 << players);
	if (!answers || arena_failed(one->arena)) {
		error_memory(error, ERROR_LIMIT, "explaining rows");
		return NULL;
	}
	bool good = true;
	for (size_t i = 0; good && i < rows; i++) {
		work.game.row = work.rows.items + i * work.game.features;
		good = kernelshap_answer(&work, work.game.row, &answers[i], error) &&
		       kernelshap_explain(&work, contributions + i * players, error);
	}
	if (!good)
		return NULL;
	json_t *result = json_object();
	compute_put(result, "shap_values", compute_write_table(contributions, rows, players), error);
	if (rows)
		compute_put(result, "base_value", compute_write(work.values[0]), error);
	compute_put(result, "fx", compute_write_row(answers, rows), error);
	return compute_made(result, error);
}

static const struct compute_method methods[] = {
	{"shap_values",
	 "over all coalitions S: (|S|-1)! (d-|S|)! / d! times what a feature adds; v(S) = link(weighted mean over the "
	 "background of f(x_S, b_rest)); one for each of `groups`, where there are some"},
	{"weight_per_subset", "of the Shapley kernel: (d-1) / (C(d,s) s (d-s)), for s from 1 to d-1"},
	{"leverage_score_per_subset", "1 / C(d,s)"},
	{NULL, NULL},
};

const struct compute_family compute_explain_kernelshap = {
	.name = "explain_kernelshap",
	.summary = "exact Shapley values of any model: `model`, rows `x`, `background`, `groups`",
	.methods = methods,
	.parameters = "link",
	.run = kernelshap_run,
};
