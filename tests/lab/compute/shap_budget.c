/* shap_budget.c: Family `shap_budget`: estimates of Shapley values within budgets of coalitions. There are several
 * runs of each, to be scored against exact values. */
#include <stdio.h>
#include <string.h>

#include "compute/models.h"
#include "compute/values.h"
#include "methods/explain/coalition.h"
#include "methods/explain/sampler.h"

#define RUNS 20
#define WORKING_BYTES ((size_t)256 << 20) /* of one estimate */

struct budget_work {
	const struct compute_case *one;
	const struct predictor *predictor;
	struct compute_table rows, background;
	double *asked, *margins, *answers, *scratch, *values, *errors;
	bool margin;
	struct arena *run, *working; /* emptied for each run, and for each estimate */
};

static double budget_value(const struct budget_work *work, const struct coalition_game *game, const uint64_t *coalition)
{
	const struct predictor_traits *traits = predictor_traits(work->predictor);
	const size_t count = game->background_rows;
	coalition_rows(game, coalition, work->asked);
	predictor_margins(work->predictor, work->asked, game->features, count, work->margins, work->scratch);
	if (work->margin)
		return coalition_value(game, work->margins, traits->margins);
	predictor_answers(work->predictor, work->margins, count, work->answers);
	return coalition_value(game, work->answers + traits->outputs - 1, traits->outputs);
}

static bool budget_explain(struct budget_work *work, const struct sampler *sampler, size_t row, double *contributions,
			   struct error *error)
{
	const size_t features = work->rows.columns;
	const struct coalition_game game = {
		.features = features,
		.row = work->rows.items + row * features,
		.background_rows = work->background.rows,
		.background = work->background.items,
		.players = features,
	};
	uint64_t none[COALITION_PLAYERS_MAX / 64] = {0}, all[COALITION_PLAYERS_MAX / 64];
	memset(all, 0xff, sizeof all);
	for (size_t i = 0; i < sampler_count(sampler); i++)
		work->values[i] = budget_value(work, &game, sampler_coalition(sampler, i));
	arena_reset(work->working);
	return sampler_estimate(sampler, work->values, budget_value(work, &game, none), budget_value(work, &game, all),
				contributions, work->errors, work->working, error);
}

/* [run][row][feature] */
static json_t *budget_runs(struct budget_work *work, size_t budget, struct error *error)
{
	const size_t rows = work->rows.rows, features = work->rows.columns;
	double *contributions = ARENA_ARRAY(work->one->arena, double, rows *features);
	json_t *runs = json_array();
	bool good = contributions || error_memory(error, ERROR_LIMIT, "explaining rows");
	for (uint64_t seed = 1; good && seed <= RUNS; seed++) {
		arena_reset(work->run);
		const struct sampler *sampler = sampler_open(work->run, features, budget, seed, error);
		good = sampler != NULL;
		for (size_t i = 0; good && i < rows; i++)
			good = budget_explain(work, sampler, i, contributions + i * features, error);
		if (good)
			json_array_append_new(runs, compute_write_table(contributions, rows, features));
	}
	return runs;
}

static bool budget_read(struct budget_work *work, struct error *error)
{
	const struct compute_case *one = work->one;
	const json_t *model = json_object_get(one->input, "model");
	struct arena *arena = one->arena;
	work->predictor = compute_model(one, model, error);
	if (!work->predictor || !compute_table(one, one->input, "x", &work->rows, error) ||
	    !compute_table(one, one->input, "background", &work->background, error))
		return false;
	const struct predictor_traits *traits = predictor_traits(work->predictor);
	const size_t count = work->background.rows, features = work->rows.columns;
	if (count == 0 || features != traits->features || work->background.columns != features)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`x` has %zu columns, `background` has %zu, and the model takes %zu; give them the same", features,
				 work->background.columns, traits->features);
	work->margin = strcmp(compute_text_or(model, "output", "answer", error), "margin") == 0;
	work->asked = ARENA_ARRAY(arena, double, count *features);
	work->margins = ARENA_ARRAY(arena, double, count * traits->margins);
	work->answers = ARENA_ARRAY(arena, double, count * traits->outputs);
	work->scratch = ARENA_ARRAY(arena, double, predictor_scratch(work->predictor, count));
	work->values = ARENA_ARRAY(arena, double, SAMPLER_BUDGET_MAX);
	work->errors = ARENA_ARRAY(arena, double, features);
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "explaining rows");
}

static json_t *budget_estimates(struct budget_work *work, struct error *error)
{
	struct compute_row budgets;
	json_t *estimates = json_object();
	bool good = compute_row(work->one, work->one->params, "budgets", &budgets, error);
	for (size_t i = 0; good && i < budgets.count; i++) {
		char key[32];
		good = (budgets.items[i] >= 2 && budgets.items[i] <= SAMPLER_BUDGET_MAX) ||
		       error_set(error, ERROR_INPUT, PLACE_NONE, "`budgets` has %g; a budget is a number from 2 to %d",
				 budgets.items[i], SAMPLER_BUDGET_MAX);
		if (!good)
			break;
		(void)snprintf(key, sizeof key, "%zu", (size_t)budgets.items[i]);
		compute_put(estimates, key, budget_runs(work, (size_t)budgets.items[i], error), error);
		good = error->kind == ERROR_NONE;
	}
	return estimates;
}

static json_t *budget_run(const struct compute_case *one, struct error *error)
{
	struct budget_work work = {.one = one, .run = arena_open(WORKING_BYTES), .working = arena_open(WORKING_BYTES)};
	json_t *result = NULL;
	if (!work.run || !work.working)
		error_memory(error, ERROR_SYSTEM, "explaining rows");
	else if (budget_read(&work, error)) {
		result = json_object();
		compute_put(result, "estimates", budget_estimates(&work, error), error);
	}
	arena_close(work.working);
	arena_close(work.run);
	return compute_made(result, error);
}

static const struct compute_method methods[] = {
	{"estimates",
	 "for each of `budgets`, of 20 seeds: a contribution for each row and feature, of pairs of coalitions drawn by "
	 "leverage, and a Gaussian process of odd interactions between them"},
	{NULL, NULL},
};

const struct compute_family compute_shap_budget = {
	.name = "shap_budget",
	.summary = "contributions estimated within budgets of coalitions: `model`, rows `x`, `background`",
	.methods = methods,
	.parameters = "budgets",
	.run = budget_run,
};
