/* preprocess_numbers_test.c: Tests of what the numbers of preprocessing mean where the reference
 * numbers say nothing: nothing learnt, NaN, edges, ties. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "methods/numeric/binning.h"
#include "methods/numeric/categories.h"
#include "methods/numeric/imputing.h"
#include "methods/numeric/murmur.h"
#include "methods/numeric/polynomial.h"
#include "methods/numeric/power.h"
#include "methods/numeric/ranks.h"
#include "methods/numeric/scaling.h"
#include "tests/unit/arena_fixture.h"

static void a_column_without_a_number_teaches_nothing(void **state)
{
	(void)state;
	double values[] = {NAN, 1, NAN, 3}, center[2], scale[2];
	const struct table table = {2, 2, values};
	scaling_fit_standard(&table, center, scale);
	assert_true(isnan(center[0]) && center[1] == 2 && scale[1] == 1);
	scaling_fit_min_max(&table, center, scale);
	assert_true(isnan(center[0]) && center[1] == 1 && scale[1] == 2);
	scaling_fit_max_abs(&table, center, scale);
	assert_true(isnan(center[0]) && center[1] == 0 && scale[1] == 3);
	assert_true(imputing_fit(&table, IMPUTE_MEDIAN, center, arena));
	assert_true(isnan(center[0]) && center[1] == 2);
}

static void a_large_mean_costs_the_deviation_no_digits(void **state)
{
	(void)state;
	double values[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}, center, scale;
	scaling_fit_standard(&(struct table){4, 1, values}, &center, &scale);
	assert_true(center == 1e9 + 10);
	assert_true(fabs(scale - sqrt(22.5)) < 1e-12);
}

static void a_scale_of_zero_counts_as_one(void **state)
{
	(void)state;
	double values[] = {5, 7};
	scaling_apply(&(struct table){1, 2, values}, (double[]){5, 5}, (double[]){0, 2}, true);
	assert_true(values[0] == 0 && values[1] == 1);
}

static void a_row_as_good_as_zeros_stays_as_it_is(void **state)
{
	(void)state;
	/* sklearn.preprocessing.normalize takes a norm below 10 times the epsilon of a double for 1 */
	double values[] = {3e-16, -4e-16, 3e-15, -4e-15, 0, 0};
	rows_normalise(&(struct table){3, 2, values}, NORM_L2);
	assert_true(values[0] == 3e-16 && values[1] == -4e-16 && values[4] == 0);
	assert_true(fabs(values[2] - 0.6) < 1e-15 && fabs(values[3] + 0.8) < 1e-15);
}

static void an_edge_is_where_it_is_said_to_be_and_nan_in_no_bin(void **state)
{
	(void)state;
	const double edges[] = {0, 1};
	assert_int_equal(bin_of(edges, 2, 0, true), 1);
	assert_int_equal(bin_of(edges, 2, 0, false), 0);
	assert_int_equal(bin_of(edges, 2, NAN, true), -1);
	assert_int_equal(bin_of(edges, 0, 5, true), 0);
}

static void edges_that_fall_together_are_one(void **state)
{
	(void)state;
	double values[] = {1, 1, 1, 1, 1, 1, 1, 9};
	const struct sorted column = {8, values};
	const struct edges edges = bins_fit(&column, 4, BINNING_QUANTILE, QUANTILE_LINEAR, arena);
	assert_int_equal(edges.count, 2);
	assert_true(edges.items[0] == 1 && edges.items[1] == 9);
	assert_int_equal(bin_within(&edges, -100), 0);
	assert_int_equal(bin_within(&edges, 100), 0);
	double same[] = {3, 3};
	const struct edges one = bins_fit(&(struct sorted){2, same}, 4, BINNING_UNIFORM, QUANTILE_LINEAR, arena);
	assert_int_equal(one.count, 2);
	assert_true(isinf(one.items[0]) && isinf(one.items[1]));
}

/* Columns narrower than what parts two edges, or than the distance of two doubles. */
static void learnt_edges_ascend_however_narrow_the_column(void **state)
{
	(void)state;
	double columns[][3] = {{1e-320, 1e-308, 1e-308}, {0, 0, 5e-324},	 {1, 1, 1 + 1e-9},
			       {1e16, 1e16 + 2, 1e16 + 2}, {-1e300, -1e300, 1e300}, {0, 1e-8, 3e-8}};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		for (enum binning by = BINNING_UNIFORM; by <= BINNING_KMEANS; by++) {
			const struct edges edges = bins_fit(&(struct sorted){3, columns[i]}, 4, by, QUANTILE_LINEAR, arena);
			assert_true(edges.count >= 2);
			for (size_t k = 1; k < edges.count; k++)
				assert_true(edges.items[k - 1] < edges.items[k]);
			assert_true(bin_within(&edges, columns[i][0]) >= 0);
			assert_true(bin_within(&edges, columns[i][2]) <= (int64_t)edges.count - 2);
		}
}

static void means_of_clusters_part_them_in_the_middle(void **state)
{
	(void)state;
	double values[] = {0, 1, 2, 40, 41, 42, 100};
	const struct edges edges = bins_fit(&(struct sorted){7, values}, 3, BINNING_KMEANS, QUANTILE_LINEAR, arena);
	assert_int_equal(edges.count, 4); /* the clusters' means are 1, 41 and 100 */
	assert_true(edges.items[1] == 21 && edges.items[2] == 70.5);
}

/* The middle center of three has no number at first: it takes one from the end. */
static void a_center_that_has_nothing_takes_what_is_farthest_from_its_own(void **state)
{
	(void)state;
	double numbers[] = {0, 0, 1, 1.5, 10};
	const struct sorted column = {.values = numbers, .count = 5};
	const struct edges edges = bins_fit(&column, 3, BINNING_KMEANS, QUANTILE_LINEAR, arena);
	assert_int_equal(edges.count, 4);
	assert_true(edges.items[1] == 0.625 && edges.items[2] == 5.625);
}

static void quantiles_of_types_2_and_3_are_those_of_hyndman_and_fan(void **state)
{
	(void)state;
	const double four[] = {1, 2, 3, 4};
	assert_true(quantile_sorted(four, 4, 0.5, QUANTILE_AVERAGED) == 2.5); /* n q is whole: the middle of two */
	assert_true(quantile_sorted(four, 4, 0.6, QUANTILE_AVERAGED) == 3);
	assert_true(quantile_sorted(four, 4, 1, QUANTILE_AVERAGED) == 4);
	assert_true(quantile_sorted(four, 4, 0, QUANTILE_AVERAGED) == 1);
	assert_true(quantile_sorted(four, 4, 0.375, QUANTILE_CLOSEST) ==
		    2); /* n q = 1.5, between the first and the second: the even one */
	assert_true(quantile_sorted(four, 4, 0.625, QUANTILE_CLOSEST) == 2); /* n q = 2.5 */
	assert_true(quantile_sorted(four, 4, 0.7, QUANTILE_CLOSEST) == 3);
}

#define MANY_NUMBERS 3000

static double number_of_form(size_t form, size_t at, size_t count, uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	const double drawn = (double)(*seed >> 40);
	const double forms[] = {drawn, 7, (double)at, -(double)at, (double)(at < count / 2 ? at : count - at), (double)(at % 3),
				drawn > 100 ? (double)INFINITY : -drawn, drawn * 1e300};
	return forms[form];
}

/* Selected, a quantile is what it is of the same numbers sorted, to the last bit, and takes a few rounds. */
static void a_selected_quantile_is_that_of_sorted_numbers(void **state)
{
	(void)state;
	static double numbers[MANY_NUMBERS], sorted[MANY_NUMBERS];
	static const double shares[] = {0, 0.001, 0.25, 0.5, 0.9, 0.9995, 1};
	uint64_t seed = 5;
	for (size_t round = 0; round < 8 * 7 * 40; round++) {
		const size_t form = round % 8, count = 1 + seed % (round % 3 ? 60 : MANY_NUMBERS);
		const double share = shares[round / 8 % 7];
		size_t steps = 0;
		for (size_t i = 0; i < count; i++)
			numbers[i] = sorted[i] = number_of_form(form, i, count, &seed);
		assert_int_equal(quantile_sort(sorted, count), count);
		const double expected = quantile_sorted(sorted, count, share, QUANTILE_LINEAR);
		const double selected = quantile_selected(numbers, count, share, &steps);
		if (selected != expected && !(isnan(selected) && isnan(expected)))
			fail_msg("form %zu, %zu numbers, share %g: %.17g and not %.17g", form, count, share, selected, expected);
		assert_in_range(steps, 0, 8 * count);
		assert_int_equal(quantile_sort(numbers, count), count);
		assert_memory_equal(numbers, sorted, count * sizeof *numbers);
	}
	size_t steps = 0;
	assert_true(isnan(quantile_selected(numbers, 0, 0.5, &steps)));
	assert_true(isnan(quantile_selected(numbers, 1, 1.5, &steps)));
}

static void ranks_of_ties_are_in_their_middle(void **state)
{
	(void)state;
	const double quantiles[] = {0, 1, 1, 1, 2};
	assert_true(rank_of(quantiles, 5, 1) == 0.5);
	assert_true(rank_of(quantiles, 5, 0) == 0 && rank_of(quantiles, 5, 2) == 1);
	assert_true(rank_of(quantiles, 5, -1) == 0 && rank_of(quantiles, 5, 3) == 1);
	assert_true(isnan(rank_of(quantiles, 5, NAN)));
}

static void ranks_of_what_does_not_vary_or_was_never_seen(void **state)
{
	(void)state;
	const double one[] = {3}, same[] = {3, 3, 3}, huge[] = {4e11, 4e11, 4e11}, never[] = {NAN, NAN};
	assert_true(rank_of(one, 1, 2) == 0 && rank_of(one, 1, 3) == 0 && rank_of(one, 1, 4) == 0);
	assert_true(rank_of(same, 3, 2) == 0 && rank_of(same, 3, 3) == 0 && rank_of(same, 3, 4) == 1);
	assert_true(rank_normal(huge, 3, 4e11) == 0); /* where 1e-7 is nothing it is no end, but the middle */
	assert_true(isnan(rank_of(never, 2, 1)) && isnan(rank_normal(never, 2, 1)));
}

/* 10 numbers, 10 quantiles: numpy's rounding takes the fourth a little below the -1 that it is. */
static void quantiles_for_ranks_are_rounded_as_those_of_numpy(void **state)
{
	(void)state;
	double numbers[] = {-3, -3, -2, -1, -1, 0, 0, 0, 3, 3}, quantiles[10];
	const struct sorted column = {.values = numbers, .count = 10};
	ranks_fit(&column, quantiles, 10);
	assert_true(rank_of(quantiles, 10, -1) == 4.0 / 9);
}

static void normal_quantiles_are_those_of_the_tables(void **state)
{
	(void)state;
	assert_true(normal_quantile(0.5) == 0);
	assert_true(fabs(normal_quantile(0.975) - 1.959963984540054) < 1e-14);
	assert_true(fabs(normal_quantile(1e-12) + 7.034483824301135) < 1e-9);
	assert_true(isinf(normal_quantile(0)) && isinf(normal_quantile(1)));
	const double quantiles[] = {0, 1};
	assert_true(fabs(rank_normal(quantiles, 2, 2) - 5.19933758) < 1e-7); /* as far out as scikit-learn lets it */
}

static void a_power_is_continuous_where_its_exponent_vanishes(void **state)
{
	(void)state;
	assert_true(fabs(power_of(3, 1e-9, POWER_YEO_JOHNSON) - log(4)) < 1e-8);
	assert_true(power_of(3, 0, POWER_YEO_JOHNSON) == log1p(3));
	assert_true(fabs(power_of(-3, 2 - 1e-9, POWER_YEO_JOHNSON) + log(4)) < 1e-8);
	assert_true(isnan(power_of(-1, 0.5, POWER_BOX_COX)) && isnan(power_of(NAN, 0.5, POWER_YEO_JOHNSON)));
}

/* The logarithms of these are even steps, so that the best exponent of Box and Cox is near 0. */
static void the_exponent_learnt_makes_a_column_symmetric(void **state)
{
	(void)state;
	double values[41], lambda;
	for (int i = 0; i < 41; i++)
		values[i] = exp((i - 20) / 10.0);
	const struct sorted column = {41, values};
	assert_true(power_fit(&column, POWER_BOX_COX, &lambda, arena));
	assert_true(fabs(lambda) < 1e-6);
	double same[] = {2, 2};
	assert_true(power_fit(&(struct sorted){2, same}, POWER_YEO_JOHNSON, &lambda, arena) && lambda == 1);
}

static void products_come_by_degree_and_by_columns(void **state)
{
	(void)state;
	double values[] = {2, 3}, out[10];
	const struct polynomial cubic = {.degree = 3}, pairs = {.degree = 2, .bias = true, .interactions = true};
	static const double expected[] = {2, 3, 4, 6, 9, 8, 12, 18, 27};
	assert_int_equal(polynomial_columns(&cubic, 2), 9);
	assert_true(polynomial_apply(&cubic, &(struct table){1, 2, values}, out, arena));
	assert_memory_equal(out, expected, sizeof expected);
	assert_int_equal(polynomial_columns(&pairs, 2), 4); /* 1, a, b, ab */
	assert_int_equal(polynomial_columns(&cubic, 1000), 0);
}

static void hashes_are_the_published_ones(void **state)
{
	(void)state;
	bool negative;
	assert_int_equal(murmur3(TEXT(""), 0), 0);
	assert_int_equal((uint32_t)murmur3(TEXT(""), 1), 0x514e28b7);
	assert_int_equal((uint32_t)murmur3(TEXT("test"), 0), 0xba6bd213);
	assert_int_equal((uint32_t)murmur3(TEXT("Hello, world!"), 0), 0xc0363e43);
	assert_int_equal(feature_column(TEXT(""), 16, &negative), 0);
	assert_false(negative);
}

static void a_category_is_found_as_text_and_as_number(void **state)
{
	(void)state;
	const struct text items[] = {TEXT("red"), TEXT("2"), TEXT("-0.0"), TEXT("2.50")};
	struct categories categories;
	int64_t twice;
	assert_true(categories_make(&categories, items, 4, arena, &twice));
	assert_int_equal(twice, -1);
	assert_int_equal(categories_text(&categories, TEXT("red")), 0);
	assert_int_equal(categories_text(&categories, TEXT("re")), -1);
	assert_int_equal(categories_number(&categories, 2), 1);
	assert_int_equal(categories_number(&categories, 0), 2);
	assert_int_equal(categories_number(&categories, 2.5), 3);
	assert_int_equal(categories_number(&categories, NAN), -1);
	const struct text repeated[] = {TEXT("a"), TEXT("b"), TEXT("a")};
	assert_true(categories_make(&categories, repeated, 3, arena, &twice));
	assert_int_equal(twice, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_column_without_a_number_teaches_nothing),
		cmocka_unit_test(a_large_mean_costs_the_deviation_no_digits),
		cmocka_unit_test(a_scale_of_zero_counts_as_one),
		cmocka_unit_test(a_row_as_good_as_zeros_stays_as_it_is),
		cmocka_unit_test(an_edge_is_where_it_is_said_to_be_and_nan_in_no_bin),
		cmocka_unit_test(edges_that_fall_together_are_one),
		cmocka_unit_test(learnt_edges_ascend_however_narrow_the_column),
		cmocka_unit_test(means_of_clusters_part_them_in_the_middle),
		cmocka_unit_test(quantiles_of_types_2_and_3_are_those_of_hyndman_and_fan),
		cmocka_unit_test(a_selected_quantile_is_that_of_sorted_numbers),
		cmocka_unit_test(ranks_of_ties_are_in_their_middle),
		cmocka_unit_test(a_center_that_has_nothing_takes_what_is_farthest_from_its_own),
		cmocka_unit_test(ranks_of_what_does_not_vary_or_was_never_seen),
		cmocka_unit_test(quantiles_for_ranks_are_rounded_as_those_of_numpy),
		cmocka_unit_test(normal_quantiles_are_those_of_the_tables),
		cmocka_unit_test(a_power_is_continuous_where_its_exponent_vanishes),
		cmocka_unit_test(the_exponent_learnt_makes_a_column_symmetric),
		cmocka_unit_test(products_come_by_degree_and_by_columns),
		cmocka_unit_test(hashes_are_the_published_ones),
		cmocka_unit_test(a_category_is_found_as_text_and_as_number),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
