/* cluster_mean_test.c: Tests of the mean of numbers in clusters against its definition, whatever their order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "methods/bandits/best_arm.h"
#include "base/number/random.h"
#include "methods/statistics/cluster_mean.h"

#define CLUSTERS 40
#define NUMBERS 1000

static double variance_of_mean(const struct cluster_mean *mean)
{
	const struct moments moments = cluster_mean_moments(mean);
	return moments_variance(&moments, 1) / (double)moments.count;
}

/* Of clusters c with sums S and sizes n: C / (C - 1) x the sum of (S - n x mean)^2, by the square of all numbers' count. */
static void the_variance_is_that_of_clusters(void **state)
{
	struct random random = {5};
	struct cluster_mean mean = {0};
	double sums[CLUSTERS] = {0}, all = 0, away = 0;
	uint64_t sizes[CLUSTERS] = {0};
	(void)state;
	for (size_t i = 0; i < NUMBERS; i++) {
		const size_t cluster = i < CLUSTERS ? i : random_below(&random, 1 + random_below(&random, CLUSTERS));
		const double number = (double)cluster / 10 + normal_draw(&random);
		cluster_mean_add(&mean, number, sums[cluster], sizes[cluster]);
		sums[cluster] += number;
		sizes[cluster]++;
		all += number;
	}
	for (size_t i = 0; i < CLUSTERS; i++) {
		const double beside = sums[i] - (double)sizes[i] * all / NUMBERS;
		away += beside * beside;
	}
	const double expected = away * CLUSTERS / (CLUSTERS - 1) / NUMBERS / NUMBERS;
	assert_int_equal(mean.clusters, CLUSTERS);
	assert_true(fabs(cluster_mean_moments(&mean).mean - all / NUMBERS) < 1e-12);
	assert_true(fabs(variance_of_mean(&mean) - expected) < 1e-9 * expected);
}

/* Clusters that come as a whole, and many of one number each, are as those that grow. */
static void whole_clusters_and_single_numbers_are_as_those_that_grow(void **state)
{
	struct cluster_mean grown = {0}, whole = {0};
	double sum = 0;
	(void)state;
	for (uint64_t i = 0; i < 5; i++) {
		cluster_mean_add(&grown, (double)i, sum, i);
		sum += (double)i;
	}
	for (size_t i = 0; i < 7; i++)
		cluster_mean_add(&grown, 3, 0, 0);
	cluster_mean_add_alone(&whole, 3, 7);
	cluster_mean_add_whole(&whole, sum, 5);
	assert_int_equal(whole.count, grown.count);
	assert_int_equal(whole.clusters, 8);
	assert_int_equal(grown.clusters, 8);
	assert_true(whole.sum == grown.sum && whole.squares == grown.squares && whole.products == grown.products &&
		    whole.sizes == grown.sizes);
}

static void of_single_numbers_it_is_the_usual_one(void **state)
{
	struct random random = {6};
	struct cluster_mean mean = {0};
	struct moments moments = {0};
	(void)state;
	assert_int_equal(cluster_mean_moments(&mean).count, 0);
	for (size_t i = 0; i < NUMBERS; i++) {
		const double number = normal_draw(&random);
		cluster_mean_add(&mean, number, 0, 0);
		moments_add(&moments, number);
	}
	const double expected = moments_variance(&moments, 1) / NUMBERS;
	assert_true(fabs(variance_of_mean(&mean) - expected) < 1e-9 * expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_variance_is_that_of_clusters),
		cmocka_unit_test(whole_clusters_and_single_numbers_are_as_those_that_grow),
		cmocka_unit_test(of_single_numbers_it_is_the_usual_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
