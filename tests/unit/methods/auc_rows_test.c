/* auc_rows_test.c: Tests of the exact area under the ROC curve, against the count of all pairs. */
#include "methods/drift/tests/auc_rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/number/random.h"

#define ROWS 1500

static struct random chance = {7};
static double probabilities[ROWS];
static bool positive[ROWS];

static double uniform(void)
{
	return ((double)(random_next(&chance) >> 11) + 0.5) * 0x1p-53;
}

static double area_by_pairs(size_t count)
{
	double ordered = 0, pairs = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			if (!positive[i] || positive[j])
				continue;
			pairs++;
			ordered += probabilities[i] > probabilities[j] ? 1 : probabilities[i] == probabilities[j] ? 0.5 : 0;
		}
	return ordered / pairs;
}

/* Scores from `middle` - `reach` to `middle` + `reach`; of `step` > 0 only multiples of it. */
static void rows_draw(double middle, double reach, double step)
{
	for (size_t i = 0; i < ROWS; i++) {
		const double score = 2 * uniform() - 1;
		probabilities[i] = middle + reach * score;
		if (step > 0)
			probabilities[i] = floor(probabilities[i] / step) * step;
		positive[i] = uniform() < 0.5 + 0.45 * score;
	}
}

static void expect_exact(struct auc_rows *rows)
{
	for (size_t i = 0; i < ROWS; i++)
		auc_rows_add(rows, probabilities[i], positive[i]);
	const struct auc_area area = auc_rows_area(rows);
	assert_int_equal(area.rows, ROWS);
	assert_true(fabs(area.value - area_by_pairs(ROWS)) < 1e-12);
}

/* Of bins of 1/8 of the log-odds, the first and the fourth of these have one or two. */
static void the_area_is_that_of_all_pairs(void **state)
{
	static const double drawn[][3] = {{0.5, 0.01, 0}, {0.5, 0.5, 0}, {0.5, 0.5, 0.125}, {1e-9, 1e-10, 0}, {0.5, 1e-14, 0}};
	struct auc_rows rows = {0};
	(void)state;
	for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++) {
		rows_draw(drawn[i][0], drawn[i][1], drawn[i][2]);
		expect_exact(&rows); /* again, in the same memory */
	}
	auc_rows_close(&rows);
}

static void certain_rows_count(void **state)
{
	struct auc_rows rows = {0};
	(void)state;
	auc_rows_add(&rows, 0, true);
	auc_rows_add(&rows, 0, false);
	auc_rows_add(&rows, 1, true);
	auc_rows_add(&rows, 1, false);
	assert_true(auc_rows_area(&rows).value == 0.5); /* (1/2 + 0 + 1 + 1/2) / 4 */
	auc_rows_close(&rows);
}

static void rows_of_one_class_have_no_area(void **state)
{
	struct auc_rows rows = {0};
	(void)state;
	assert_true(isnan(auc_rows_area(&rows).value));
	auc_rows_add(&rows, 0.5, true);
	auc_rows_add(&rows, (double)NAN, false);
	auc_rows_add(&rows, -0.5, false);
	auc_rows_add(&rows, 1.5, false);
	const struct auc_area area = auc_rows_area(&rows);
	assert_true(area.rows == 1 && isnan(area.value));
	auc_rows_close(&rows);
}

static void rows_that_were_stored_count_like_others(void **state)
{
	struct auc_rows rows = {0}, parts[2] = {{0}, {0}};
	(void)state;
	rows_draw(0.5, 0.01, 0);
	for (size_t i = 0; i < ROWS; i++)
		auc_rows_add(&parts[i % 2], probabilities[i], positive[i]);
	for (size_t i = 0; i < 2; i++) {
		auc_rows_add_bytes(&rows, auc_rows_bytes(&parts[i]));
		auc_rows_close(&parts[i]);
	}
	const struct auc_area area = auc_rows_area(&rows);
	assert_true(area.rows == ROWS && fabs(area.value - area_by_pairs(ROWS)) < 1e-12);
	auc_rows_close(&rows);
}

static void memory_that_runs_out_is_told(void **state)
{
	struct auc_rows rows = {0};
	(void)state;
	memory_fail_at(1);
	auc_rows_add(&rows, 0.5, true);
	memory_fail_at(0);
	assert_true(rows.failed && rows.count == 0);
	auc_rows_close(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_area_is_that_of_all_pairs),  cmocka_unit_test(certain_rows_count),
		cmocka_unit_test(rows_of_one_class_have_no_area), cmocka_unit_test(rows_that_were_stored_count_like_others),
		cmocka_unit_test(memory_that_runs_out_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
