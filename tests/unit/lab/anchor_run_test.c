/* anchor_run_test.c: anchors of rows whose model is asked in batches, beside the best rule among all of them. */
#include "methods/explain/anchor_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "comparison/explain/explanations.h"
#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"

#define FEATURES 5
#define ROWS 243 /* all of three values each */
#define BATCH 300

static struct error error;
static double background[ROWS][FEATURES];
static const double row[FEATURES] = {1, 2, 0, 1, 2};
static const struct text names[FEATURES] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}};

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)64 << 20);
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0, rest = i; j < FEATURES; j++, rest /= 3)
			background[i][j] = (double)(rest % 3);
	return arena ? 0 : 1;
}

static const struct anchor_table usual = {
	.features = FEATURES, .count = ROWS, .row = row, .background = background[0], .names = names, .most = 51200, .seed = 7};

typedef double model(const double *numbers);

/* Asks until the search is over; of every `failing`th row nothing is known, and every `missing`th batch fails. */
static struct explanation explain(const struct anchor_table *table, model *answer, bool classes, size_t failing, size_t missing)
{
	struct explanation made = {0};
	double rows[BATCH * FEATURES], answers[BATCH];
	struct anchor_run *run = anchor_run_open(arena, table, &error);
	if (!run)
		fail_msg("it was refused: %s", error.text);
	for (size_t count, batch = 0, asked = 0; (count = anchor_run_next(run, BATCH)) > 0; asked += count, batch++) {
		assert_true(count <= BATCH && batch < 10000);
		if (missing && batch > 0 && batch % missing == 0) {
			anchor_run_miss(run);
			continue;
		}
		anchor_run_fill(run, rows);
		for (size_t i = 0; i < count; i++)
			answers[i] = failing && (asked + i) % failing == 1 ? (double)NAN : answer(rows + i * FEATURES);
		if (!anchor_run_take(run, answers, classes, &error))
			fail_msg("it failed: %s", error.text);
	}
	if (!anchor_run_explain(run, &made, arena, &error))
		fail_msg("it failed: %s", error.text);
	return made;
}

/* ---- all rules of a small model ---- */

static uint64_t table_of_answers;

/* A model of the first three features with any answers. */
static double any_model(const double *numbers)
{
	const unsigned cell = (unsigned)(numbers[0] + 3 * numbers[1] + 9 * numbers[2]);
	return (double)(table_of_answers >> cell & 1);
}

static struct anchor_rule as_rule(const struct explanation_rule *rule)
{
	struct anchor_rule made = {.count = rule->count};
	for (size_t i = 0; i < rule->count; i++)
		made.features[i] = rule->features[i];
	return made;
}

static void a_run_finds_the_best_of_all_rules(void **state)
{
	static bool same[ROWS * FEATURES], agrees[ROWS];
	const struct anchor_rows rows = {.count = ROWS, .features = FEATURES, .matches = same};
	struct random random = {3};
	size_t rules_of_size[FEATURES + 1] = {0};
	(void)state;
	assert_true(anchor_match(row, background[0], ROWS, FEATURES, same, arena, &error));
	for (int i = 0; i < 60; i++) {
		table_of_answers = random_next(&random) | (i % 3 ? random_next(&random) : 0) | (i % 2 ? random_next(&random) : 0);
		for (size_t j = 0; j < ROWS; j++)
			agrees[j] = any_model(background[j]) == any_model(row);
		struct anchor_measure best;
		anchor_best(&rows, agrees, ANCHOR_THRESHOLD, FEATURES, &best);
		const struct explanation made = explain(&usual, any_model, true, 0, 0);
		const struct anchor_rule found = as_rule(made.rule);
		const struct anchor_measure truth = anchor_measure(&rows, agrees, &found);
		assert_true(made.rule->holds && made.answered == made.asked);
		assert_true(truth.precision >= ANCHOR_THRESHOLD && truth.coverage == best.coverage);
		assert_true(made.rule->coverage == truth.coverage && fabs(made.rule->precision - truth.precision) < 0.03);
		rules_of_size[found.count]++;
		arena_reset(arena);
	}
	assert_true(rules_of_size[1] > 0 && rules_of_size[2] > 5 && rules_of_size[3] > 5);
}

/* ---- numbers, failures, limits ---- */

static double steps_of_two(const double *numbers)
{
	return 10 * numbers[1] + numbers[4];
}

static void expect_both(const struct explanation *made)
{
	assert_int_equal(made->method, EXPLANATION_ANCHORS);
	assert_int_equal(made->rule->count, 2);
	assert_string_equal(made->rule->conditions[0].bytes, "1 < b <= 2");
	assert_string_equal(made->rule->conditions[1].bytes, "1 < e <= 2");
	assert_true(made->rule->holds && made->rule->precision > 0.94 && fabs(made->rule->coverage - 1.0 / 9) < 1e-12);
}

/* Nine answers that differ make up the highest decile, above 22. */
static double one_decile(const double *numbers)
{
	if (numbers[1] == 2 && numbers[3] == 1 && numbers[4] == 2)
		return 100 + 0.1 * numbers[0] + 0.01 * numbers[2];
	return 10 * numbers[1] + numbers[4];
}

static void numbers_are_alike_in_a_decile_of_the_background(void **state)
{
	(void)state;
	const struct explanation made = explain(&usual, steps_of_two, false, 0, 0);
	expect_both(&made);
	assert_true(made.prediction[0] == 22 && fabs(made.base[0] - 11) < 1e-9);
	assert_true(fabs(made.residual[0] - 11) < 1e-6);
	assert_int_equal(made.features, 0);
	const struct explanation decile = explain(&usual, one_decile, false, 0, 0);
	assert_int_equal(decile.rule->count, 3);
	assert_true(decile.rule->features[0] == 1 && decile.rule->features[1] == 3 && decile.rule->features[2] == 4);
	const struct explanation each = explain(&usual, one_decile, true, 0, 0); /* as classes they are all different */
	assert_int_equal(each.rule->count, FEATURES);
	const struct explanation classes = explain(&usual, any_model, true, 0, 0);
	assert_true(isnan(classes.base[0]));
}

static void answers_that_fail_are_left_out(void **state)
{
	(void)state;
	const struct explanation rows_failed = explain(&usual, steps_of_two, false, 3, 0);
	expect_both(&rows_failed);
	const struct explanation batches_failed = explain(&usual, steps_of_two, false, 0, 3);
	expect_both(&batches_failed);
}

static void a_run_asks_for_no_more_than_it_may(void **state)
{
	struct anchor_table poor = usual;
	poor.most = 150;
	(void)state;
	const struct explanation made = explain(&poor, steps_of_two, false, 0, 0);
	assert_int_equal(made.rule->perturbations, 150);
	assert_true(made.asked > made.answered && !made.rule->holds);
	poor.most = 0;
	const struct explanation none = explain(&poor, steps_of_two, false, 0, 0);
	assert_true(none.asked > none.answered && isnan(none.rule->precision));
}

static void a_row_without_an_answer_has_no_anchor(void **state)
{
	double answers[1 + ROWS];
	struct explanation made;
	(void)state;
	for (size_t i = 0; i <= ROWS; i++)
		answers[i] = (double)(i % 7);
	struct anchor_run *run = anchor_run_open(arena, &usual, &error);
	assert_int_equal(anchor_run_next(run, 10), 1 + ROWS); /* the first batch is whole */
	assert_false(anchor_run_explain(run, &made, arena, &error));
	answers[0] = (double)NAN;
	error = (struct error){0};
	assert_false(anchor_run_take(run, answers, false, &error));
	expect_words(error.text, "the model answers no number to the row");
	answers[0] = 1;
	for (size_t i = 1; i <= ROWS / 2 + 1; i++)
		answers[i] = (double)NAN;
	error = (struct error){0};
	assert_false(anchor_run_take(run, answers, false, &error));
	expect_words(error.text, "less than half of the background");
	answers[1] = 1;
	assert_true(anchor_run_take(run, answers, false, &error)); /* 122 of 243 */
}

/* ---- perturbations and conditions ---- */

static void perturbations_under_a_rule_are_in_the_bins_of_the_row(void **state)
{
	enum { MANY = 200 };
	static double wide[MANY][2];
	const double asked[2] = {30, (double)NAN};
	struct anchor_table table = {
		.features = 2, .count = MANY, .row = asked, .background = wide[0], .names = names, .most = 2000, .seed = 1};
	double rows[2 * (1 + MANY)], answers[1 + MANY];
	size_t bound = 0, others = 0;
	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		wide[i][0] = (double)(i % 100);
		wide[i][1] = i < 20 ? (double)NAN : 1;
	}
	struct anchor_run *run = anchor_run_open(arena, &table, &error);
	for (size_t count; (count = anchor_run_next(run, 100)) > 0;) {
		anchor_run_fill(run, rows);
		for (size_t i = 0; i < count; i++) /* the same where the first is within its quartile, 24.75 to 49.5 */
			answers[i] = rows[2 * i] > 24.75 && rows[2 * i] <= 49.5;
		bool within = count == 100;
		for (size_t i = 0; i < count; i++)
			within = within && answers[i] == 1;
		for (size_t i = 0; within && i < count; i++) {
			bound++;
			others += rows[2 * i] != 30;
		}
		assert_true(anchor_run_take(run, answers, true, &error));
	}
	assert_true(bound > 0 && others > bound / 2); /* not all as in the row */
	struct explanation made;
	assert_true(anchor_run_explain(run, &made, arena, &error));
	assert_int_equal(made.rule->count, 1);
	assert_string_equal(made.rule->conditions[0].bytes, "24.75 < a <= 49.5");
}

static double missing_decides(const double *numbers)
{
	return isnan(numbers[1]);
}

static void missing_numbers_are_a_condition(void **state)
{
	static double gaps[ROWS][FEATURES];
	const double asked[FEATURES] = {1, (double)NAN, 0, 1, 2};
	struct anchor_table table = usual;
	(void)state;
	memcpy(gaps, background, sizeof gaps);
	for (size_t i = 0; i < ROWS; i++)
		gaps[i][1] = i % 4 ? gaps[i][1] : (double)NAN;
	table.background = gaps[0];
	table.row = asked;
	const struct explanation made = explain(&table, missing_decides, true, 0, 0);
	assert_int_equal(made.rule->count, 1);
	assert_string_equal(made.rule->conditions[0].bytes, "b is missing");
}

static void too_many_features_are_refused(void **state)
{
	struct anchor_table wide = usual;
	(void)state;
	wide.features = 10000;
	assert_null(anchor_run_open(arena, &wide, &error));
	expect_words(error.text, "10000 features are more than the 512");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_run_finds_the_best_of_all_rules, set_up, arena_end),
		cmocka_unit_test_setup_teardown(numbers_are_alike_in_a_decile_of_the_background, set_up, arena_end),
		cmocka_unit_test_setup_teardown(answers_that_fail_are_left_out, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_run_asks_for_no_more_than_it_may, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_row_without_an_answer_has_no_anchor, set_up, arena_end),
		cmocka_unit_test_setup_teardown(perturbations_under_a_rule_are_in_the_bins_of_the_row, set_up, arena_end),
		cmocka_unit_test_setup_teardown(missing_numbers_are_a_condition, set_up, arena_end),
		cmocka_unit_test_setup_teardown(too_many_features_are_refused, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
