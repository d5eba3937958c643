/* window_sketches_test.c: Tests of the sketches of windows: quantile_sketch.h and distinct_sketch.h. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "comparison/numeric/ddsketch.h"
#include "methods/numeric/distinct_sketch.h"
#include "methods/numeric/quantile_sketch.h"

#define NUMBERS 4000
#define SHARES 101

static double share(size_t i)
{
	return (double)i / (SHARES - 1);
}

static double draw(struct random *random, double magnitudes)
{
	double uniform = (double)(random_next(random) >> 11) / 0x1p53;
	double number = exp((uniform - 0.5) * magnitudes);
	unsigned kind = (unsigned)(random_next(random) % 8);
	return kind == 0 ? 0 : kind < 4 ? -number : number;
}

static int compare_numbers(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;
	return (one > other) - (one < other);
}

static struct quantile_sketch *sketch_of(const double *numbers, size_t count)
{
	struct quantile_sketch *sketch = calloc(1, sizeof *sketch);
	assert_non_null(sketch);
	for (size_t i = 0; i < count; i++)
		quantile_sketch_add(sketch, numbers[i]);
	return sketch;
}

/* The span of the buckets is 20 magnitudes of e: within it, and far beyond it. */
static const double magnitudes[] = {1, 18, 40, 1400};

static void it_answers_as_a_ddsketch_of_as_many_buckets(void **state)
{
	(void)state;
	for (size_t m = 0; m < sizeof magnitudes / sizeof *magnitudes; m++)
		for (uint64_t seed = 1; seed <= 20; seed++) {
			struct random random = {seed};
			double numbers[NUMBERS];
			struct ddsketch other;
			ddsketch_open(&other, QUANTILE_SKETCH_ALPHA, QUANTILE_SKETCH_BUCKETS);
			for (size_t i = 0; i < NUMBERS; i++)
				assert_true(ddsketch_add(&other, numbers[i] = draw(&random, magnitudes[m])));
			struct quantile_sketch *sketch = sketch_of(numbers, NUMBERS);
			for (size_t i = 0; i < SHARES; i++)
				assert_true(quantile_sketch_quantile(sketch, share(i)) == ddsketch_quantile(&other, share(i)));
			free(sketch);
			ddsketch_close(&other);
		}
}

static void a_quantile_is_within_the_error_of_the_number_of_its_rank(void **state)
{
	(void)state;
	for (size_t m = 0; m < sizeof magnitudes / sizeof *magnitudes; m++) {
		struct random random = {m + 7};
		double numbers[NUMBERS];
		for (size_t i = 0; i < NUMBERS; i++)
			numbers[i] = draw(&random, magnitudes[m]);
		struct quantile_sketch *sketch = sketch_of(numbers, NUMBERS);
		qsort(numbers, NUMBERS, sizeof *numbers, compare_numbers);
		for (size_t i = 0; i < SHARES; i++) {
			double exact = numbers[(size_t)floor(share(i) * (NUMBERS - 1))], got;
			double most = fabs(exact < 0 ? numbers[0] : numbers[NUMBERS - 1]);
			double allowed = fmax(QUANTILE_SKETCH_ALPHA * fabs(exact) * (1 + 1e-9), most / QUANTILE_SKETCH_SPAN);
			got = quantile_sketch_quantile(sketch, share(i));
			if (!(fabs(got - exact) <= allowed))
				fail_msg("%g: %.17g in place of %.17g", share(i), got, exact);
		}
		free(sketch);
	}
}

static void parts_merge_to_the_sketch_of_all(void **state)
{
	(void)state;
	for (size_t m = 0; m < sizeof magnitudes / sizeof *magnitudes; m++) {
		struct random random = {m + 70};
		double numbers[NUMBERS];
		for (size_t i = 0; i < NUMBERS; i++)
			numbers[i] = draw(&random, magnitudes[m]);
		struct quantile_sketch *all = sketch_of(numbers, NUMBERS), *nothing = sketch_of(numbers, 0);
		struct quantile_sketch *one = sketch_of(numbers, 1000), *rest = sketch_of(numbers + 1000, NUMBERS - 1000);
		quantile_sketch_merge(one, rest);
		quantile_sketch_merge(one, nothing);
		quantile_sketch_merge(nothing, one);
		for (size_t i = 0; i < SHARES; i++) {
			assert_true(quantile_sketch_quantile(one, share(i)) == quantile_sketch_quantile(all, share(i)));
			assert_true(quantile_sketch_quantile(nothing, share(i)) == quantile_sketch_quantile(all, share(i)));
		}
		free(all);
		free(nothing);
		free(one);
		free(rest);
	}
}

static void infinities_are_exact_and_nan_is_left_out(void **state)
{
	(void)state;
	const double inf = (double)INFINITY;
	const double numbers[] = {inf, (double)NAN, -inf, 0, -inf};
	struct quantile_sketch *sketch = sketch_of(numbers, 0);
	assert_true(isnan(quantile_sketch_quantile(sketch, 0.5)));
	free(sketch);
	sketch = sketch_of(numbers, sizeof numbers / sizeof *numbers);
	assert_true(quantile_sketch_quantile(sketch, 0) == -inf);
	assert_true(quantile_sketch_quantile(sketch, 0.34) == -inf);
	assert_true(quantile_sketch_quantile(sketch, 0.67) == 0);
	assert_true(quantile_sketch_quantile(sketch, 1) == inf);
	free(sketch);
}

static void a_full_bucket_counts_no_further(void **state)
{
	(void)state;
	const double one = 1;
	struct quantile_sketch *sketch = sketch_of(&one, 1), *other = sketch_of(&one, 1);
	other->positive.counts[QUANTILE_SKETCH_BUCKETS / 2] = UINT32_MAX - 1;
	quantile_sketch_merge(sketch, other);
	assert_int_equal(sketch->positive.counts[QUANTILE_SKETCH_BUCKETS / 2], UINT32_MAX);
	quantile_sketch_add(sketch, 1);
	assert_int_equal(sketch->positive.counts[QUANTILE_SKETCH_BUCKETS / 2], UINT32_MAX);
	free(sketch);
	free(other);
}

/* ---- different numbers ---- */

static struct distinct_sketch distinct_of(size_t from, size_t to)
{
	struct distinct_sketch sketch = {0};
	for (size_t i = from; i < to; i++)
		distinct_sketch_add(&sketch, (double)i * 0.37);
	return sketch;
}

static void a_count_is_within_some_standard_errors(void **state)
{
	(void)state;
	double squares = 0;
	size_t looks = 0;
	for (size_t n = 1; n <= 2000000; n = n * 3 / 2 + 1, looks++) {
		struct distinct_sketch sketch = distinct_of(n, 2 * n);
		double error = distinct_sketch_count(&sketch) / (double)n - 1;
		if (!(fabs(error) <= 3.5 * DISTINCT_SKETCH_ERROR))
			fail_msg("of %zu numbers: error %g", n, error);
		squares += error * error;
	}
	assert_true(sqrt(squares / (double)looks) <= DISTINCT_SKETCH_ERROR);
}

static void few_numbers_are_nearly_exact_and_none_are_none(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 40; n++) {
		struct distinct_sketch sketch = distinct_of(100, 100 + n);
		assert_true(fabs(distinct_sketch_count(&sketch) - (double)n) <= 1);
	}
}

static void a_number_counts_once(void **state)
{
	(void)state;
	struct distinct_sketch once = distinct_of(0, 1000), twice = distinct_of(0, 1000), merged = distinct_of(0, 600);
	const struct distinct_sketch rest = distinct_of(400, 1000);
	for (size_t i = 0; i < 1000; i++)
		distinct_sketch_add(&twice, (double)i * 0.37);
	distinct_sketch_add(&twice, -0.0);
	distinct_sketch_add(&twice, (double)NAN);
	assert_memory_equal(&once, &twice, sizeof once);
	distinct_sketch_merge(&merged, &rest);
	assert_memory_equal(&once, &merged, sizeof once);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_answers_as_a_ddsketch_of_as_many_buckets),
		cmocka_unit_test(a_quantile_is_within_the_error_of_the_number_of_its_rank),
		cmocka_unit_test(parts_merge_to_the_sketch_of_all),
		cmocka_unit_test(infinities_are_exact_and_nan_is_left_out),
		cmocka_unit_test(a_full_bucket_counts_no_further),
		cmocka_unit_test(a_count_is_within_some_standard_errors),
		cmocka_unit_test(few_numbers_are_nearly_exact_and_none_are_none),
		cmocka_unit_test(a_number_counts_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
