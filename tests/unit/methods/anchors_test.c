/* anchors_test.c: anchors beside rules of which the best is known: measures, bins, and a
 * search whose perturbations are answered in batches. */
#include "methods/explain/anchors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"

#define FEATURES 5
#define ROWS 243 /* all of three values each */

static struct error error;
static double background[ROWS][FEATURES];
static bool matches[ROWS * FEATURES];
static const double row[FEATURES] = {1, 2, 0, 1, 2};

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)16 << 20);
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0, rest = i; j < FEATURES; j++, rest /= 3) {
			background[i][j] = (double)(rest % 3);
			matches[i * FEATURES + j] = background[i][j] == row[j];
		}
	return arena ? 0 : 1;
}

static const struct anchor_rows rows = {.count = ROWS, .features = FEATURES, .matches = matches};
static const struct anchor_options usual = {
	.threshold = 0.95, .confidence = 0.95, .most = 4, .beam = 3, .batch = 32, .patience = 512, .seed = 1};

/* What a model decides on. */
typedef bool decision(const double *numbers);

static bool decide_both(const double *numbers)
{
	return numbers[1] == 2 && numbers[4] == 2;
}

static bool decide_either(const double *numbers)
{
	return (numbers[0] == 1 && numbers[1] == 2) || numbers[3] == 1;
}

/* The first feature alone settles eight answers of nine. */
static bool decide_nearly(const double *numbers)
{
	return numbers[0] == 1 && !(numbers[1] == 0 && numbers[2] == 2);
}

static bool decide_nothing(const double *numbers)
{
	(void)numbers;
	return true;
}

/* Answers all questions; of every `failing`th nothing is known. */
static struct anchor_found search_for(decision *decide, const struct anchor_options *options, size_t most, size_t failing)
{
	struct anchor_search *search = anchor_search_open(arena, &rows, options, &error);
	struct anchor_question questions[200];
	bool agrees[200], known[200];
	if (!search)
		fail_msg("it was refused: %s", error.text);
	for (size_t count, asked = 0; (count = anchor_search_ask(search, questions, most)) > 0; asked += count) {
		assert_true(count <= most && asked < 100000);
		for (size_t i = 0; i < count; i++) {
			double numbers[FEATURES];
			memcpy(numbers, background[questions[i].row], sizeof numbers);
			for (size_t j = 0; j < questions[i].rule->count; j++)
				numbers[questions[i].rule->features[j]] = row[questions[i].rule->features[j]];
			known[i] = !failing || (asked + i) % failing != 0;
			agrees[i] = known[i] && decide(numbers) == decide(row);
		}
		anchor_search_answer(search, agrees, known, count);
	}
	return anchor_search_found(search);
}

static void expect_rule(const struct anchor_found *found, size_t count, const uint32_t *features)
{
	assert_int_equal(found->rule.count, count);
	assert_memory_equal(found->rule.features, features, count * sizeof *features);
	assert_true(found->settled);
}

static void a_search_finds_the_rule_that_settles_the_answer(void **state)
{
	(void)state;
	for (size_t most = 1; most <= 200; most += 66) {
		const struct anchor_found both = search_for(decide_both, &usual, most, 0);
		expect_rule(&both, 2, (const uint32_t[]){1, 4});
		assert_true(both.measure.precision == 1 && both.lower > 0.9);
		assert_true(fabs(both.measure.coverage - 1.0 / 9) < 1e-12);
	}
	const struct anchor_found either = search_for(decide_either, &usual, 100, 0);
	expect_rule(&either, 1, (const uint32_t[]){3});
	const struct anchor_found nearly = search_for(decide_nearly, &usual, 100, 0);
	assert_true(nearly.settled && nearly.rule.count == 2 && nearly.rule.features[0] == 0);
	const struct anchor_found nothing = search_for(decide_nothing, &usual, 100, 0);
	expect_rule(&nothing, 0, NULL);
	assert_true(nothing.measure.coverage == 1);
}

static void answers_that_fail_are_left_out(void **state)
{
	(void)state;
	const struct anchor_found found = search_for(decide_both, &usual, 64, 3);
	expect_rule(&found, 2, (const uint32_t[]){1, 4});
	const struct anchor_found none = search_for(decide_both, &usual, 64, 1);
	assert_false(none.settled);
	assert_true(isnan(none.measure.precision) && none.questions > 0);
}

static void a_search_that_may_not_go_far_enough_says_so(void **state)
{
	(void)state;
	struct anchor_options short_rules = usual;
	short_rules.most = 1;
	short_rules.patience = 4096;
	short_rules.threshold = 0.4; /* not far above what is found: that takes many questions */
	const struct anchor_found found = search_for(decide_both, &short_rules, 64, 0);
	assert_false(found.settled);
	assert_int_equal(found.rule.count, 1);
	assert_true(found.rule.features[0] == 1 || found.rule.features[0] == 4);
	assert_true(fabs(found.measure.precision - 1.0 / 3) < 0.04);
	assert_true(found.lower > 0.2);
}

static void questions_stay_until_they_are_answered(void **state)
{
	(void)state;
	struct anchor_search *search = anchor_search_open(arena, &rows, &usual, &error);
	struct anchor_question first[50], again[50];
	assert_int_equal(anchor_search_ask(search, first, 10), 10);
	assert_int_equal(anchor_search_ask(search, again, 50), 32); /* a batch about one rule */
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(first[i].row, again[i].row);
	const struct anchor_found found = anchor_search_found(search);
	assert_false(found.settled);
	assert_int_equal(found.questions, 0);
	const bool agrees[10] = {false};
	size_t same = 0;
	anchor_search_answer(search, agrees, NULL, 10);
	assert_int_equal(anchor_search_ask(search, again, 50), 22);
	for (size_t i = 0; i < 10; i++)
		same += first[i].row == again[i].row;
	assert_true(same < 5);
	bool all[32];
	memset(all, 1, sizeof all);
	search = anchor_search_open(arena, &rows, &usual, &error);
	assert_int_equal(anchor_search_ask(search, again, 50), 32);
	anchor_search_answer(search, all, NULL, 32);
	assert_true(anchor_search_found(search).measure.precision == 1);
	assert_false(anchor_search_found(search).settled); /* 32 answers are too few to tell */
}

static void bad_options_are_refused(void **state)
{
	(void)state;
	struct anchor_options bad = usual;
	bad.threshold = 1.5;
	assert_null(anchor_search_open(arena, &rows, &bad, &error));
	expect_words(error.text, "a threshold of 1.5");
	error = (struct error){0};
	bad = usual;
	bad.most = ANCHOR_SIZE_MAX + 1;
	assert_null(anchor_search_open(arena, &rows, &bad, &error));
	expect_words(error.text, "anchors of 9 features");
	error = (struct error){0};
	assert_null(anchor_search_open(arena, &(struct anchor_rows){.features = 3}, &usual, &error));
	expect_words(error.text, "the background has 0 of 3 columns");
	error = (struct error){0};
	assert_null(anchor_search_open(arena, &(struct anchor_rows){.count = 1, .features = 10000}, &usual, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	expect_words(error.text, "10000 features are more than the 512");
}

static void of_rules_that_are_precise_the_widest_then_the_shortest_is_best(void **state)
{
	(void)state;
	const struct anchor_rule one = {.count = 1}, two = {.count = 2, .features = {0, 1}};
	const struct anchor_measure wide = {0.96, 0.5}, narrow = {1, 0.4}, wrong = {0.9, 0.9}, worse = {0.8, 1};
	assert_true(anchor_better(&two, &wide, &one, &narrow, 0.95));
	assert_true(anchor_better(&one, &wide, &two, &wide, 0.95));
	assert_false(anchor_better(&two, &wide, &one, &wide, 0.95));
	assert_true(anchor_better(&two, &narrow, &one, &wrong, 0.95));
	assert_true(anchor_better(&two, &wrong, &one, &worse, 0.95));
}

static void bins_are_quartiles_and_missing_numbers_have_their_own(void **state)
{
	(void)state;
	static const double asked[2] = {2.5, (double)NAN};
	static const double columns[8][2] = {{1, 5}, {2, (double)NAN}, {3, 5}, {4, 5}, {5, 5}, {6, 5}, {7, 5}, {8, (double)NAN}};
	bool same[16];
	double edges[ANCHOR_BINS_MAX], deciles[11] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	assert_true(anchor_match(asked, columns[0], 8, 2, same, arena, &error));
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(same[2 * i], columns[i][0] <= 2.75);
		assert_int_equal(same[2 * i + 1], isnan(columns[i][1]) != 0);
	}
	assert_int_equal(anchor_edges(deciles, 11, ANCHOR_CLASSES, edges), 9);
	assert_int_equal(anchor_bin(edges, 9, 4.5), 4);
	assert_int_equal(anchor_bin(edges, 9, -7), 0);
	assert_int_equal(anchor_bin(edges, 9, 70), 9);
	double alike[3] = {2, 2, 2};
	assert_int_equal(anchor_edges(alike, 3, 4, edges), 1);
}

static void weights_of_rows_count(void **state)
{
	(void)state;
	static const bool same[4] = {true, true, false, false}, agrees[4] = {true, false, true, true};
	const struct anchor_rows weighted = {4, 1, same, (const double[]){3, 1, 2, 2}};
	const struct anchor_rule rule = {.count = 1};
	const struct anchor_measure measure = anchor_measure(&weighted, agrees, &rule);
	assert_true(measure.precision == 0.75 && measure.coverage == 0.5);
	assert_true(anchor_coverage(&weighted, &rule) == 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_search_finds_the_rule_that_settles_the_answer, set_up, arena_end),
		cmocka_unit_test_setup_teardown(answers_that_fail_are_left_out, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_search_that_may_not_go_far_enough_says_so, set_up, arena_end),
		cmocka_unit_test_setup_teardown(questions_stay_until_they_are_answered, set_up, arena_end),
		cmocka_unit_test_setup_teardown(bad_options_are_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(of_rules_that_are_precise_the_widest_then_the_shortest_is_best, set_up, arena_end),
		cmocka_unit_test_setup_teardown(bins_are_quartiles_and_missing_numbers_have_their_own, set_up, arena_end),
		cmocka_unit_test_setup_teardown(weights_of_rows_count, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
