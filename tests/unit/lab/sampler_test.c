/* sampler_test.c: estimates of Shapley values within a budget: designs, exact values, errors
 * that hold, deadlines and failures; and runs of perturbations in batches. */
#include "methods/explain/sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "comparison/explain/explanations.h"
#include "methods/explain/coalition.h"
#include "methods/explain/perturbation.h"
#include "methods/explain/surrogate.h"
#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/explanation_sum.h"

static struct error error;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)512 << 20);
	return arena ? 0 : 1;
}

static const struct sampler *open_sampler(size_t players, size_t budget, uint64_t seed)
{
	const struct sampler *sampler = sampler_open(arena, players, budget, seed, &error);
	if (!sampler)
		fail_msg("it was refused: %s", error.text);
	return sampler;
}

/* ---- games ---- */

#define PLAYERS 10

/* A value with interactions of two and three players, of which the Shapley values are known by all coalitions. */
static double value_of(uint64_t coalition)
{
	double value = 1;
	for (size_t i = 0; i < PLAYERS; i++)
		value += coalition >> i & 1 ? 0.3 * (double)(i + 1) : 0;
	value += (coalition & 7) == 7 ? 4 : 0;
	value -= (coalition & 0x18) == 0x18 ? 2 : 0;
	return value + ((coalition & 0x280) == 0x80 ? 1.5 : 0);
}

static void exact_contributions(double contributions[PLAYERS])
{
	static double values[1 << PLAYERS];
	for (uint64_t coalition = 0; coalition < 1 << PLAYERS; coalition++)
		values[coalition] = value_of(coalition);
	coalition_shapley(values, PLAYERS, contributions);
}

struct estimate {
	double contributions[PLAYERS], errors[PLAYERS];
};

/* By the first `answered` coalitions; of which each `failing`th fails, unless it is 0. */
static struct estimate estimate_of(const struct sampler *sampler, size_t answered, size_t failing)
{
	struct estimate estimate;
	const size_t count = sampler_count(sampler);
	double *values = ARENA_ARRAY(arena, double, count);
	for (size_t i = 0; i < count; i++)
		values[i] = i < answered && !(failing && i % failing == 0) ? value_of(*sampler_coalition(sampler, i)) : (double)NAN;
	if (!sampler_estimate(sampler, values, value_of(0), value_of((1 << PLAYERS) - 1), estimate.contributions, estimate.errors,
			      arena, &error))
		fail_msg("no estimate: %s", error.text);
	return estimate;
}

static double mean_error(const struct estimate *estimate)
{
	double exact[PLAYERS], sum = 0;
	exact_contributions(exact);
	for (size_t i = 0; i < PLAYERS; i++)
		sum += fabs(estimate->contributions[i] - exact[i]) / PLAYERS;
	return sum;
}

static void expect_sum(const struct estimate *estimate)
{
	double sum = 0;
	for (size_t i = 0; i < PLAYERS; i++)
		sum += estimate->contributions[i];
	assert_true(fabs(sum - (value_of((1 << PLAYERS) - 1) - value_of(0))) < 1e-9);
}

/* ---- designs ---- */

static void a_design_has_pairs_of_all_sizes_and_none_twice(void **state)
{
	(void)state;
	enum { MANY = 70, BUDGET = 400 };
	const struct sampler *sampler = open_sampler(MANY, BUDGET, 3);
	size_t sizes[MANY + 1] = {0};
	assert_int_equal(sampler_count(sampler), BUDGET);
	for (size_t i = 0; i < BUDGET; i += 2) {
		const uint64_t *one = sampler_coalition(sampler, i), *rest = sampler_coalition(sampler, i + 1);
		assert_true((one[0] ^ rest[0]) == UINT64_MAX && (one[1] ^ rest[1]) == (1 << (MANY - 64)) - 1);
		sizes[__builtin_popcountll(one[0]) + __builtin_popcountll(one[1])]++;
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(sampler_coalition(sampler, j), one, 2 * sizeof *one);
	}
	assert_int_equal(sizes[0], 0);
	for (size_t size = 1; size < MANY / 2; size++)
		if (sizes[size] < 5 || sizes[size] > 7)
			fail_msg("%zu pairs have %zu players in one", sizes[size], size);
	assert_in_range(sizes[MANY / 2], 2, 4); /* these are pairs by themselves */
}

static void the_same_seed_gives_the_same_design(void **state)
{
	(void)state;
	const struct sampler *one = open_sampler(PLAYERS, 64, 3), *same = open_sampler(PLAYERS, 64, 3);
	const struct sampler *other = open_sampler(PLAYERS, 64, 4);
	size_t different = 0;
	for (size_t i = 0; i < 64; i++) {
		assert_int_equal(*sampler_coalition(one, i), *sampler_coalition(same, i));
		different += *sampler_coalition(one, i) != *sampler_coalition(other, i);
	}
	assert_true(different > 32);
}

/* ---- estimates ---- */

static void a_budget_for_all_coalitions_gives_exact_values(void **state)
{
	(void)state;
	for (size_t budget = 1022; budget <= 1500; budget += 478) {
		const struct sampler *sampler = open_sampler(PLAYERS, budget, 1);
		assert_int_equal(sampler_count(sampler), 1022);
		assert_true(sampler_is_exact(sampler));
		const struct estimate estimate = estimate_of(sampler, 1022, 0);
		assert_true(mean_error(&estimate) < 1e-12);
		for (size_t i = 0; i < PLAYERS; i++)
			assert_true(estimate.errors[i] == 0);
	}
	assert_false(sampler_is_exact(open_sampler(PLAYERS, 1021, 1)));
}

static void estimates_grow_better_with_the_budget_and_say_so(void **state)
{
	(void)state;
	double last = 1, last_standard_error = 1;
	for (size_t budget = 32; budget <= 256; budget *= 2) {
		double mean = 0, standard_error = 0;
		for (uint64_t seed = 1; seed <= 10; seed++) {
			const struct estimate estimate = estimate_of(open_sampler(PLAYERS, budget, seed), budget, 0);
			expect_sum(&estimate);
			mean += mean_error(&estimate) / 10;
			standard_error += estimate.errors[0] / 10;
		}
		assert_true(mean < 0.8 * last && standard_error < last_standard_error);
		last = mean;
		last_standard_error = standard_error;
	}
	assert_true(last < 0.01);
}

static void standard_errors_are_about_as_large_as_errors(void **state)
{
	(void)state;
	double exact[PLAYERS], errors = 0, standard_errors = 0;
	size_t beyond = 0;
	exact_contributions(exact);
	for (uint64_t seed = 1; seed <= 40; seed++) {
		const struct estimate estimate = estimate_of(open_sampler(PLAYERS, 64, seed), 64, 0);
		for (size_t i = 0; i < PLAYERS; i++) {
			const double mine = fabs(estimate.contributions[i] - exact[i]);
			errors += mine;
			standard_errors += estimate.errors[i];
			beyond += mine > 3 * estimate.errors[i];
		}
	}
	/* Of a normal distribution the mean absolute error is 0.8 standard errors. */
	if (!(errors > 0.4 * standard_errors && errors < 1.6 * standard_errors && beyond < 20))
		fail_msg("errors are %g of standard errors, %zu of 400 beyond three", errors / standard_errors, beyond);
}

static void errors_of_few_pairs_are_about_as_large_too(void **state)
{
	(void)state;
	double exact[PLAYERS];
	exact_contributions(exact);
	for (size_t budget = 2; budget <= 2 * PLAYERS + 4; budget += 2) {
		double errors = 0, standard_errors = 0;
		size_t beyond = 0;
		for (uint64_t seed = 1; seed <= 40; seed++) {
			const struct estimate estimate = estimate_of(open_sampler(PLAYERS, budget, seed), budget, 0);
			for (size_t i = 0; i < PLAYERS; i++) {
				const double mine = fabs(estimate.contributions[i] - exact[i]);
				errors += mine;
				standard_errors += estimate.errors[i];
				beyond += mine > 3 * estimate.errors[i];
			}
		}
		/* One interaction has a third of the sum, of which a few pairs may show nothing. */
		if (!(errors > 0.4 * standard_errors && errors < 1.6 * standard_errors && beyond < 80))
			fail_msg("by %zu coalitions errors are %g of standard errors, %zu of 400 beyond three", budget,
				 errors / standard_errors, beyond);
	}
}

static void a_linear_game_is_exact_with_a_pair_for_each_player(void **state)
{
	(void)state;
	const struct sampler *sampler = open_sampler(PLAYERS, 3 * PLAYERS, 9);
	double values[3 * PLAYERS], contributions[PLAYERS], errors[PLAYERS], all = 0;
	for (size_t i = 0; i < sampler_count(sampler); i++) {
		values[i] = 0;
		for (size_t j = 0; j < PLAYERS; j++)
			values[i] += coalition_has(sampler_coalition(sampler, i), j) ? (double)(j * j) : 0;
	}
	for (size_t j = 0; j < PLAYERS; j++)
		all += (double)(j * j);
	assert_true(sampler_estimate(sampler, values, 0, all, contributions, errors, arena, &error));
	for (size_t j = 0; j < PLAYERS; j++)
		assert_true(fabs(contributions[j] - (double)(j * j)) < 1e-6);
	values[4] = values[13] = (double)NAN;
	assert_true(sampler_estimate(sampler, values, 0, all, contributions, errors, arena, &error));
	for (size_t j = 0; j < PLAYERS; j++)
		assert_true(fabs(contributions[j] - (double)(j * j)) < 1e-6);
}

static void what_was_not_answered_costs_precision_alone(void **state)
{
	(void)state;
	const struct sampler *sampler = open_sampler(PLAYERS, 256, 1);
	const struct estimate early = estimate_of(sampler, 65, 0), failing = estimate_of(sampler, 256, 3),
			      all = estimate_of(sampler, 256, 0);
	const struct estimate least = estimate_of(sampler, 2, 0);
	expect_sum(&early);
	expect_sum(&failing);
	expect_sum(&least);
	assert_true(mean_error(&early) < 0.2 && mean_error(&failing) < 0.2);
	assert_true(mean_error(&all) < mean_error(&early) && mean_error(&all) < mean_error(&failing));
	/* The first 32 pairs are a design of their own. */
	const struct estimate small = estimate_of(open_sampler(PLAYERS, 64, 1), 64, 0);
	assert_true(mean_error(&early) < 3 * mean_error(&small));
}

static void a_failure_leaves_the_points_that_were_answered(void **state)
{
	(void)state;
	enum { PAIRS = 6 };
	const struct sampler *sampler = open_sampler(PLAYERS, 2 * PAIRS, 5);
	double values[2 * PAIRS], contributions[PLAYERS], errors[PLAYERS], wanted[PLAYERS], observed[PAIRS] = {0};
	uint64_t points[PAIRS] = {(1 << PLAYERS) - 1};
	const double all = value_of(points[0]);
	observed[0] = (all - value_of(0)) / 2;
	for (size_t i = 0; i < PAIRS; i++) {
		const uint64_t one = *sampler_coalition(sampler, 2 * i), rest = *sampler_coalition(sampler, 2 * i + 1);
		values[2 * i] = i == 1 ? (double)NAN : value_of(one);
		values[2 * i + 1] = value_of(rest);
		if (i == 1)
			continue;
		points[i ? i : 1] = one;
		observed[i ? i : 1] = (value_of(one) - value_of(rest)) / 2;
	}
	assert_true(sampler_estimate(sampler, values, value_of(0), all, contributions, errors, arena, &error));
	assert_true(surrogate_explain(&(struct surrogate_points){PAIRS, PLAYERS, points}, NULL, observed, wanted, errors, arena));
	for (size_t i = 0; i < PLAYERS; i++)
		assert_true(fabs(contributions[i] - wanted[i]) < 1e-3);
}

static void fewer_pairs_than_players_still_add_up(void **state)
{
	(void)state;
	for (size_t budget = 2; budget <= 20; budget += 2) {
		const struct estimate estimate = estimate_of(open_sampler(PLAYERS, budget, 2), budget, 0);
		expect_sum(&estimate);
		for (size_t i = 0; i < PLAYERS; i++)
			assert_true(isfinite(estimate.errors[i]) && fabs(estimate.contributions[i]) < 30);
	}
}

static void one_player_has_it_all(void **state)
{
	(void)state;
	const struct sampler *sampler = open_sampler(1, 2, 2);
	double contribution, standard_error;
	assert_int_equal(sampler_count(sampler), 0);
	assert_true(sampler_estimate(sampler, NULL, 1, 3.5, &contribution, &standard_error, arena, &error));
	assert_true(contribution == 2.5 && standard_error == 0);
}

/* ---- what is refused ---- */

static void expect_refused(size_t players, size_t budget, enum error_kind kind, const char *why)
{
	error = (struct error){0};
	assert_null(sampler_open(arena, players, budget, 1, &error));
	assert_int_equal(error.kind, kind);
	expect_words(error.text, why);
}

static void what_cannot_be_sampled_is_refused(void **state)
{
	(void)state;
	expect_refused(0, 64, ERROR_CONFIG, "no feature to explain");
	expect_refused(10000, 64, ERROR_LIMIT, "10000 features are more than the 512");
	expect_refused(COALITION_PLAYERS_MAX + 1, 64, ERROR_LIMIT, "513 features are more than the 512");
	expect_refused(5, 0, ERROR_CONFIG, "a budget of 0 coalitions explains nothing");
	expect_refused(5, 1, ERROR_CONFIG, "a budget of 1 coalitions explains nothing");
	expect_refused(5, SAMPLER_BUDGET_MAX + 1, ERROR_LIMIT, "a budget of 2049 coalitions is more than 2048");
	const struct sampler *widest = open_sampler(COALITION_PLAYERS_MAX, 8, 1);
	assert_int_equal(sampler_count(widest), 8);
}

static void an_estimate_of_nothing_is_refused(void **state)
{
	(void)state;
	const struct sampler *sampler = open_sampler(3, 4, 1);
	const double values[4] = {1, (double)NAN, (double)NAN, 2}, good[4] = {1, 2, 3, 4};
	double contributions[3], errors[3];
	assert_false(sampler_estimate(sampler, values, 0, 1, contributions, errors, arena, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	expect_words(error.text, "no pair of perturbations was answered");
	error = (struct error){0};
	assert_false(sampler_estimate(sampler, good, 0, (double)NAN, contributions, errors, arena, &error));
	expect_words(error.text, "gave no number for the row");
	error = (struct error){0};
	assert_false(sampler_estimate(sampler, good, (double)INFINITY, 1, contributions, errors, arena, &error));
	expect_words(error.text, "gave no number for the background");
}

/* ---- runs ---- */

enum { COLUMNS = 6, OUTPUTS = 2, BACKGROUND = 3 };

static const double row[COLUMNS] = {1, 2, -1, 0.5, 3, 7};
static const double background[BACKGROUND * COLUMNS] = {0, 1, 1, 0, 2, 7, 1, 0, 0, 1, -1, 7, -1, 2, 0.5, 0, 0, 7};

static void model_answer(const double *numbers, double answers[OUTPUTS])
{
	answers[0] = numbers[0] * numbers[1] + numbers[2] + numbers[5];
	answers[1] = 2 * numbers[3] - numbers[4] * numbers[2];
}

/* Answers the batch as the model would, but for each `failing`th row. */
static void batch_answer(struct perturbation_run *run, struct perturbation_batch batch, size_t failing)
{
	double *rows = ARENA_ARRAY(arena, double, batch.rows *COLUMNS), *answers = ARENA_ARRAY(arena, double, batch.rows *OUTPUTS);
	perturbation_fill(run, batch, rows);
	for (size_t i = 0; i < batch.rows; i++) {
		model_answer(rows + i * COLUMNS, answers + i * OUTPUTS);
		if (failing && (batch.first + i) % failing == failing - 1)
			answers[i * OUTPUTS] = answers[i * OUTPUTS + 1] = (double)NAN;
	}
	perturbation_take(run, batch, answers);
}

static const struct coalition_game game = {
	.features = COLUMNS, .row = row, .background_rows = BACKGROUND, .background = background, .players = COLUMNS};

static void expect_products(const struct explanation *explanation)
{
	/* x0 x1 by both orders, x2 and x5 by their distance from the mean. */
	double first = 0, second = 0;
	for (size_t i = 0; i < BACKGROUND; i++) {
		const double a = background[i * COLUMNS], b = background[i * COLUMNS + 1];
		first += ((row[0] - a) * (row[1] + b) / 2) / BACKGROUND;
		second += ((row[1] - b) * (row[0] + a) / 2) / BACKGROUND;
	}
	assert_true(fabs(explanation->contributions[0] - first) < 1e-9);
	assert_true(fabs(explanation->contributions[1] - second) < 1e-9);
	assert_true(fabs(explanation->contributions[2] + 1.5) < 1e-9);
	assert_true(explanation->contributions[5] == 0);
}

static void a_run_is_explained_whatever_its_batches(void **state)
{
	(void)state;
	const struct sampler *sampler = open_sampler(COLUMNS, 62, 1);
	for (size_t most = 1; most <= 1000; most = most * 3 + 1) {
		struct perturbation_run *run = perturbation_open(arena, &game, sampler, OUTPUTS, &error);
		struct explanation explanation;
		assert_non_null(run);
		size_t rows = 0;
		for (struct perturbation_batch batch; (batch = perturbation_next(run, most)).rows; rows += batch.rows) {
			assert_true(batch.rows <= most);
			batch_answer(run, batch, 0);
		}
		assert_int_equal(rows, 1 + 63 * BACKGROUND);
		assert_true(perturbation_explain(run, &explanation, arena, &error));
		assert_int_equal(explanation.method, EXPLANATION_EXACT);
		assert_int_equal(explanation.answered, 62);
		assert_true(explanation_adds_up(&explanation));
		assert_true(fabs(explanation.prediction[1] - 4) < 1e-12);
		expect_products(&explanation);
	}
}

/* Whose fault it is: the caller's, who sent no number, or the model's. A row that was not answered yet is neither. */
static void a_row_without_a_number_is_an_error_of_its_sender_or_of_the_model(void **state)
{
	(void)state;
	double given[COLUMNS];
	struct coalition_game other = game;
	const struct sampler *samplers[] = {open_sampler(COLUMNS, 62, 1), NULL};
	other.row = memcpy(given, row, sizeof given);
	for (size_t i = 0; i < 4; i++) {
		struct perturbation_run *run = perturbation_open(arena, &other, samplers[i % 2], OUTPUTS, &error);
		struct explanation explanation;
		given[2] = i < 2 ? row[2] : (double)NAN;
		batch_answer(run, perturbation_next(run, 1 + BACKGROUND), i < 2 ? 1 : 0);
		error = (struct error){0};
		assert_false(perturbation_explain(run, &explanation, arena, &error));
		assert_int_equal(error.kind, i < 2 ? ERROR_REMOTE : ERROR_INPUT);
		expect_words(error.text, i < 2 ? "the model gives no number for the row" : "feature 2 of the row is NaN");
	}
	error = (struct error){0};
}

/* By permutation each output is for itself: the loss of one needs no number of another. Without x0 the first output is off by 2, 0
 * and 4. */
static void an_output_without_a_number_leaves_the_importance_of_the_others(void **state)
{
	(void)state;
	const struct sampler *samplers[] = {NULL, open_sampler(COLUMNS, 62, 1)};
	for (size_t i = 0; i < 2; i++) {
		struct perturbation_run *run = perturbation_open(arena, &game, samplers[i], OUTPUTS, &error);
		struct explanation explanation;
		double answers[OUTPUTS];
		batch_answer(run, perturbation_next(run, 1000), 0);
		model_answer(row, answers);
		answers[1] = (double)NAN;
		perturbation_take(run, (struct perturbation_batch){0, 1}, answers);
		assert_int_equal(perturbation_explain(run, &explanation, arena, &error), i == 0);
		if (i > 0) { /* contributions add up to the answer */
			assert_int_equal(error.kind, ERROR_REMOTE);
			continue;
		}
		assert_true(fabs(explanation.contributions[0] - 20.0 / 3) < 1e-12);
		for (size_t player = 0; player < COLUMNS; player++)
			assert_true(isfinite(explanation.contributions[player]) &&
				    isnan(explanation.contributions[COLUMNS + player]));
	}
	error = (struct error){0};
}

static void a_run_outlives_failures_and_deadlines(void **state)
{
	(void)state;
	const struct sampler *sampler = open_sampler(COLUMNS, 40, 1);
	struct perturbation_run *run = perturbation_open(arena, &game, sampler, OUTPUTS, &error);
	struct explanation explanation;
	assert_false(perturbation_explain(run, &explanation, arena, &error));
	expect_words(error.text, "gave no number for the row");
	error = (struct error){0};
	batch_answer(run, perturbation_next(run, 1 + BACKGROUND), 0);
	assert_false(perturbation_explain(run, &explanation, arena, &error));
	expect_words(error.text, "no pair of perturbations was answered");
	error = (struct error){0};
	/* One in three fails: of each coalition two rows of three are left. */
	for (struct perturbation_batch batch; (batch = perturbation_next(run, 7)).rows;)
		batch_answer(run, batch, 3);
	assert_true(perturbation_explain(run, &explanation, arena, &error));
	assert_int_equal(explanation.method, EXPLANATION_SAMPLED);
	assert_int_equal(explanation.answered, explanation.asked);
	assert_true(explanation_adds_up(&explanation));
	assert_true(explanation.contributions[5] == 0 && explanation.errors[5] == 0);
	assert_true(explanation.errors[0] > 0);
}

/* Explains with all coalitions; answers of these rows of the run are missing. */
static void all_coalitions_explain(const struct coalition_game *of, const size_t *failed, size_t count, struct explanation *made)
{
	const struct sampler *sampler = open_sampler(COLUMNS, 62, 1);
	struct perturbation_run *run = perturbation_open(arena, of, sampler, OUTPUTS, &error);
	const double missing[OUTPUTS] = {(double)NAN, (double)NAN};
	assert_non_null(run);
	batch_answer(run, perturbation_next(run, 1000), 0);
	for (size_t i = 0; i < count; i++)
		perturbation_take(run, (struct perturbation_batch){failed[i], 1}, missing);
	assert_true(perturbation_explain(run, made, arena, &error));
}

static void a_background_row_that_failed_once_is_left_out_of_all(void **state)
{
	(void)state;
	double others[2 * COLUMNS];
	struct explanation explanation, expected;
	struct coalition_game rest = game;
	memcpy(others, background, COLUMNS * sizeof *others);
	memcpy(others + COLUMNS, background + 2 * COLUMNS, COLUMNS * sizeof *others);
	rest.background = others;
	rest.background_rows = 2;
	all_coalitions_explain(&rest, NULL, 0, &expected);
	all_coalitions_explain(&game, (const size_t[]){1 + 5 * BACKGROUND + 1}, 1, &explanation);
	assert_int_equal(explanation.method, EXPLANATION_EXACT);
	for (size_t i = 0; i < OUTPUTS; i++)
		assert_true(fabs(explanation.base[i] - expected.base[i]) < 1e-12);
	for (size_t i = 0; i < OUTPUTS * COLUMNS; i++)
		assert_true(fabs(explanation.contributions[i] - expected.contributions[i]) < 1e-12);
	/* No two of the three rows are left in all coalitions. */
	all_coalitions_explain(&game, (const size_t[]){1 + 5 * BACKGROUND + 1, 1 + 9 * BACKGROUND + 2}, 2, &explanation);
	assert_int_equal(explanation.method, EXPLANATION_SAMPLED);
	assert_int_equal(explanation.answered, explanation.asked);
	/* A coalition with too few answers of its own costs no row. */
	all_coalitions_explain(&game, (const size_t[]){1 + 5 * BACKGROUND, 2 + 5 * BACKGROUND}, 2, &explanation);
	assert_int_equal(explanation.answered, explanation.asked - 1);
	all_coalitions_explain(&game, NULL, 0, &expected);
	assert_true(fabs(explanation.base[0] - expected.base[0]) < 1e-12);
}

static void groups_and_links_are_heeded(void **state)
{
	(void)state;
	static const size_t first[] = {0, 1}, second[] = {2, 3, 4, 5}, twice[] = {1, 2};
	const size_t *const groups[] = {first, second}, *const doubled[] = {first, twice};
	uint32_t player_of[COLUMNS];
	assert_true(coalition_group(groups, (const size_t[]){2, 4}, 2, COLUMNS, player_of, &error));
	struct coalition_game grouped = game;
	grouped.players = 2;
	grouped.player_of = player_of;
	const struct sampler *sampler = open_sampler(2, 2, 1);
	struct perturbation_run *run = perturbation_open(arena, &grouped, sampler, OUTPUTS, &error);
	struct explanation explanation;
	batch_answer(run, perturbation_next(run, 1000), 0);
	assert_true(perturbation_explain(run, &explanation, arena, &error));
	assert_true(fabs(explanation.contributions[0] - 8.0 / 3) < 1e-12); /* 2 - mean(0, 0, -2) */
	assert_true(fabs(explanation.contributions[1] + 1.5) < 1e-12);
	assert_false(coalition_group(doubled, (const size_t[]){2, 2}, 2, COLUMNS, player_of, &error));
	expect_words(error.text, "feature 1 is named by two groups");
	error = (struct error){0};
	assert_false(coalition_group(groups, (const size_t[]){2, 3}, 2, COLUMNS, player_of, &error));
	expect_words(error.text, "feature 5 is in no group");
	const struct coalition_game linked = {.background_rows = 2, .link = COALITION_LOGIT, .weights = (const double[]){1, 3}};
	assert_true(fabs(coalition_value(&linked, (const double[]){0.2, 9, 0.6, 9}, 2) - 0) < 1e-12); /* of the mean, 0.5 */
}

static void a_game_without_a_background_is_refused(void **state)
{
	(void)state;
	struct coalition_game bad = game;
	bad.background_rows = 0;
	assert_false(coalition_check(&bad, &error));
	expect_words(error.text, "the background has no rows");
	error = (struct error){0};
	bad = game;
	bad.weights = (const double[]){0, 0, 0};
	assert_false(coalition_check(&bad, &error));
	expect_words(error.text, "add up to 0");
	error = (struct error){0};
	bad.weights = (const double[]){1, -1, 2};
	assert_false(coalition_check(&bad, &error));
	expect_words(error.text, "the weight of background row 1 is no number from 0 up");
	error = (struct error){0};
	bad = game;
	bad.background_rows = COALITION_BACKGROUND_MAX + 1;
	assert_false(coalition_check(&bad, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_design_has_pairs_of_all_sizes_and_none_twice, set_up, arena_end),
		cmocka_unit_test_setup_teardown(the_same_seed_gives_the_same_design, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_budget_for_all_coalitions_gives_exact_values, set_up, arena_end),
		cmocka_unit_test_setup_teardown(estimates_grow_better_with_the_budget_and_say_so, set_up, arena_end),
		cmocka_unit_test_setup_teardown(standard_errors_are_about_as_large_as_errors, set_up, arena_end),
		cmocka_unit_test_setup_teardown(errors_of_few_pairs_are_about_as_large_too, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_linear_game_is_exact_with_a_pair_for_each_player, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_was_not_answered_costs_precision_alone, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_failure_leaves_the_points_that_were_answered, set_up, arena_end),
		cmocka_unit_test_setup_teardown(fewer_pairs_than_players_still_add_up, set_up, arena_end),
		cmocka_unit_test_setup_teardown(one_player_has_it_all, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_cannot_be_sampled_is_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(an_estimate_of_nothing_is_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_run_is_explained_whatever_its_batches, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_row_without_a_number_is_an_error_of_its_sender_or_of_the_model, set_up,
						arena_end),
		cmocka_unit_test_setup_teardown(an_output_without_a_number_leaves_the_importance_of_the_others, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_run_outlives_failures_and_deadlines, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_background_row_that_failed_once_is_left_out_of_all, set_up, arena_end),
		cmocka_unit_test_setup_teardown(groups_and_links_are_heeded, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_game_without_a_background_is_refused, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
