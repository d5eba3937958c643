/* outlier_observer_test.c: a step `outlier` whose reference is the past of its stream: what its observer learns, what other engines
 * know of it by the feed, and what marks messages get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "methods/statistics/distribution.h"
#include "tests/unit/observed.h"

#define PAST "reference: {past: 32m}" /* a block is a minute: 60 messages */
#define CELL 0.5		      /* the variance of what observed_rows() draws: six times 1/12 */

static struct tensor row_of(const double *numbers, const int64_t *shape)
{
	return (struct tensor){.name = TEXT("x"),
			       .datatype = DATATYPE_FP64,
			       .shape = shape,
			       .rank = 2,
			       .data = numbers,
			       .count = (size_t)(shape[0] * shape[1])};
}

/* Sends a row of two numbers. */
static void row_send(struct observed *observed, double a, double b)
{
	const double numbers[] = {a, b};
	static const int64_t shape[] = {1, 2};
	const struct tensor tensor = row_of(numbers, shape);
	observed_send(observed, &tensor);
}

/* What `sluice_outlier_learning` and `sluice_outlier_unfit` are made of. */
static void expect_knowledge(const struct observed *observed, enum outlier_knowledge knowledge)
{
	assert_int_equal(verdict_entry_knowledge(verdict_board_entry(observed->board, observed->planning.graph->name, "watch")),
			 knowledge);
}

static void expect_marks(const struct observed *observed, const char *state, bool flagged)
{
	assert_string_equal(observed->state, state);
	assert_int_equal(observed->flagged, flagged);
	assert_int_equal(isnan(observed->score), strcmp(state, "known") != 0);
}

/* ---- what is learnt ---- */

static void nothing_is_judged_before_there_are_rows_enough(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, PAST);
	expect_knowledge(&observed, OUTLIER_UNASKED);
	observed_rows(&observed, 199, 1, 0);
	row_send(&observed, 100, 100); /* the 200th row: it goes past the step before the observer has it */
	expect_marks(&observed, "learning", false);
	expect_knowledge(&observed, OUTLIER_LEARNING);
	row_send(&observed, 0, 0);
	expect_marks(&observed, "known", false);
	expect_knowledge(&observed, OUTLIER_KNOWN);
	assert_int_equal(observed.learnt_count, 1);
	assert_int_equal(observed.learnt.rows, 200);
	assert_int_equal(observed.count, 0); /* there are no verdicts on windows */
	observed_close(&observed);
}

/* The mean and the covariance of what came, and the limit of normal rows. */
static void what_is_learnt_is_the_covariance_of_the_rows(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, PAST);
	observed_rows(&observed, 1600, 1, 4);
	assert_true(fabs(observed.learnt.mean[0] - 4) < 0.1 && fabs(observed.learnt.mean[1]) < 0.1);
	assert_true(fabs(observed.learnt.covariance[0] / CELL - 1) < 0.15);
	assert_true(fabs(observed.learnt.covariance[1]) < 0.1 * CELL);
	assert_true(fabs(observed.learnt.covariance[2] / CELL - 1) < 0.15);
	const double a = 5 - observed.learnt.mean[0], b = -1 - observed.learnt.mean[1];
	const double *s = observed.learnt.covariance;
	row_send(&observed, 5, -1);
	const double wanted = (a * a * s[2] - 2 * a * b * s[1] + b * b * s[0]) / (s[0] * s[2] - s[1] * s[1]);
	assert_true(fabs(observed.score / wanted - 1) < 1e-9);
	row_send(&observed, 4 + 3 * sqrt(CELL), 0);
	expect_marks(&observed, "known", false); /* 9: usual, as the limit is about 13.8 */
	row_send(&observed, 4 + 4 * sqrt(CELL), 0);
	expect_marks(&observed, "known", true); /* 16 */
	observed_close(&observed);
}

static void a_limit_of_the_step_is_kept(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, "limit: 20, " PAST);
	observed_rows(&observed, 1600, 1, 0);
	row_send(&observed, 4 * sqrt(CELL), 0);
	expect_marks(&observed, "known", false);
	row_send(&observed, 6 * sqrt(CELL), 0);
	expect_marks(&observed, "known", true);
	observed_close(&observed);
}

/* At 200, 400, 800 rows, and with the first row of each minute from then on. */
static void what_is_learnt_is_given_out_seldom(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, PAST);
	observed_rows(&observed, 239, 1, 0);
	assert_int_equal(observed.learnt_count, 1);
	observed_rows(&observed, 2, 1, 0); /* the fifth minute begins */
	assert_int_equal(observed.learnt_count, 2);
	assert_int_equal(observed.learnt.rows, 241);
	observed_rows(&observed, 59, 1, 0);
	assert_int_equal(observed.learnt_count, 2);
	observed_rows(&observed, 1, 1, 0);
	assert_int_equal(observed.learnt_count, 3);
	observed_close(&observed);
}

static void what_is_older_than_the_past_is_forgotten(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, PAST);
	observed_rows(&observed, 40 * 60, 1, 0);
	assert_in_range(observed.learnt.rows, 32 * 60, 34 * 60);
	observed_rows(&observed, 40 * 60, 1, 9);
	assert_true(fabs(observed.learnt.mean[0] - 9) < 0.1);
	assert_true(fabs(observed.learnt.covariance[0] / CELL - 1) < 0.15);
	row_send(&observed, 0, 0);
	expect_marks(&observed, "known", true);
	observed_close(&observed);
}

/* A past that is longer keeps what it had; a shorter one goes on from there, and what it had is in force meanwhile. */
static void a_clock_that_jumps_back_a_day_leaves_a_reference_in_force(void **state)
{
	(void)state;
	static const char *const pasts[] = {"reference: {past: 7d}", PAST};
	for (size_t i = 0; i < 2; i++) {
		struct observed observed;
		observed_open_outliers(&observed, pasts[i]);
		observed_rows(&observed, 600, 1, 0);
		for (int days = -1; days <= 1; days += 2) {
			observed.time_ms += days * DAY_MS;
			for (int minute = 0; minute < 10; minute++) {
				observed_rows(&observed, 60, 1, 0);
				row_send(&observed, 9, 9);
				expect_marks(&observed, "known", true);
			}
		}
		if (i == 0)
			assert_true(observed.learnt.rows >= 1200);
		observed_close(&observed);
	}
}

/* ---- rows that cannot be learnt ---- */

static void rows_without_a_number_are_not_learnt(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, PAST);
	observed_rows(&observed, 150, 1, 0);
	for (int i = 0; i < 90; i++)
		row_send(&observed, i % 2 ? 1e200 : (double)NAN, i % 3 ? 0 : -(double)INFINITY);
	assert_int_equal(observed.learnt_count, 0);
	observed_rows(&observed, 51, 1, 0);
	assert_int_equal(observed.learnt_count, 1);
	expect_marks(&observed, "known", false);
	row_send(&observed, NAN, 0);
	assert_string_equal(observed.state, "known");
	assert_true(isnan(observed.score) && !observed.flagged);
	observed_close(&observed);
}

static void columns_that_follow_from_one_another_are_said_to_be_unfit(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, PAST);
	for (int i = 0; i < 201; i++)
		row_send(&observed, i % 7, 5);
	expect_marks(&observed, "unfit", false);
	expect_knowledge(&observed, OUTLIER_UNFIT);
	observed_rows(&observed, 61, 1, 0); /* they vary: what the next minute has learnt can be used */
	expect_marks(&observed, "known", false);
	observed_close(&observed);
}

static void other_columns_are_not_judged_until_they_are_what_is_usual(void **state)
{
	(void)state;
	static const int64_t shape[] = {1, 3};
	struct observed observed;
	observed_open_outliers(&observed, PAST);
	observed_rows(&observed, 300, 1, 0);
	for (int i = 0; i < 600; i++) {
		const double numbers[] = {i % 7, i % 11, i % 13};
		const struct tensor tensor = row_of(numbers, shape);
		if (i == 199)
			row_send(&observed, 0, 0); /* one that fits shows that the stream is still what it was */
		observed_send(&observed, &tensor);
		if (i <= 199 + 200)
			expect_marks(&observed, "learning", false);
	}
	expect_marks(&observed, "known", false);
	assert_int_equal(observed.learnt.columns, 3);
	row_send(&observed, 0, 0);
	expect_marks(&observed, "learning", false);
	observed_close(&observed);
}

/* ---- slices ---- */

static void a_slice_is_learnt_as_its_messages(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open_outliers(&one, PAST);
	observed_open_outliers(&two, PAST);
	observed_rows(&one, 1200, 1, 0);
	observed_slices(&two, 1200, 100, 0);
	assert_int_equal(one.learnt.rows, 1141); /* when the last minute begins */
	assert_int_equal(two.learnt.rows, 1200); /* and at the end of the slice in which it does */
	row_send(&one, 1, 1);
	row_send(&two, 1, 1);
	assert_true(fabs(one.score / two.score - 1) < 0.05);
	observed_misfits(&two, 5, 2, 4); /* only the engine writes slices: this one is left out */
	observed_close(&one);
	observed_close(&two);
}

/* ---- engines ---- */

static void an_engine_that_takes_over_knows_what_was_learnt(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, PAST);
	observed_rows(&observed, 500, 1, 0);
	observed_engine_close(&observed);
	verdict_board_close(observed.board);
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	const size_t before = observed.learnt_count;
	row_send(&observed, 0, 0);
	expect_marks(&observed, "learning", false); /* the observer has not run yet */
	row_send(&observed, 9, 0);
	expect_marks(&observed, "known", true);
	assert_int_equal(observed.learnt_count, before); /* the feed has it already */
	observed_close(&observed);
}

/* Another engine, whose board only the feed sets. */
static void other_engines_know_it_by_the_feed(void **state)
{
	(void)state;
	struct observed observed;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *others = verdict_board_entry(board, "trading", "watch");
	observed_open_outliers(&observed, PAST);
	observed.others = others;
	observed_rows(&observed, 199, 1, 0);
	assert_null(verdict_entry_hold_outliers(others));
	verdict_entry_release_outliers(others);
	observed_rows(&observed, 2, 1, 0);
	struct verdict_entry *own = verdict_board_entry(observed.board, observed.planning.graph->name, "watch");
	const struct outlier_in_force *fed = verdict_entry_hold_outliers(others), *set = verdict_entry_hold_outliers(own);
	assert_true(fed && set && fed->identity == set->identity && fed->limit == set->limit && !fed->is_unfit);
	const double row[] = {1, -2};
	assert_true(fabs(mahalanobis_squared(&fed->distance, row) / mahalanobis_squared(&set->distance, row) - 1) < 1e-12);
	verdict_entry_release_outliers(others);
	verdict_entry_release_outliers(own);
	observed_close(&observed);
	verdict_board_close(board);
}

/* A step with another past is not judged by what was learnt for this one, until its own observer has learnt. */
static void another_past_is_learnt_anew(void **state)
{
	(void)state;
	struct observed observed, other;
	observed_open_outliers(&observed, PAST);
	observed_open_outliers(&other, "reference: {past: 1h}");
	observed_rows(&observed, 300, 1, 0);
	observed_rows(&other, 300, 1, 0);
	assert_true(observed.learnt.identity != other.learnt.identity);
	observed_engine_close(&other);
	store_close(other.store);
	other.store = observed.store; /* as after a reload */
	observed_engine_close(&observed);
	observed_engine_open(&other);
	const size_t before = other.learnt_count;
	observed_rows(&other, 199, 1, 0);
	assert_int_equal(other.learnt_count, before);
	observed_rows(&other, 1, 1, 0);
	assert_int_equal(other.learnt_count, before + 1);
	assert_int_equal(other.learnt.rows, 200);
	observed.store = NULL;
	observed_engine_open(&observed);
	observed_close(&observed);
	observed_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_judged_before_there_are_rows_enough),
		cmocka_unit_test(what_is_learnt_is_the_covariance_of_the_rows),
		cmocka_unit_test(a_limit_of_the_step_is_kept),
		cmocka_unit_test(what_is_learnt_is_given_out_seldom),
		cmocka_unit_test(what_is_older_than_the_past_is_forgotten),
		cmocka_unit_test(a_clock_that_jumps_back_a_day_leaves_a_reference_in_force),
		cmocka_unit_test(rows_without_a_number_are_not_learnt),
		cmocka_unit_test(columns_that_follow_from_one_another_are_said_to_be_unfit),
		cmocka_unit_test(other_columns_are_not_judged_until_they_are_what_is_usual),
		cmocka_unit_test(a_slice_is_learnt_as_its_messages),
		cmocka_unit_test(an_engine_that_takes_over_knows_what_was_learnt),
		cmocka_unit_test(other_engines_know_it_by_the_feed),
		cmocka_unit_test(another_past_is_learnt_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
