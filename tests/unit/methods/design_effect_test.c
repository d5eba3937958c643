/* design_effect_test.c: Tests of the design effect of a rate: 1 of independent trials, the size of clusters whose trials are equal,
 * and between them the definition, whatever is known of it. */
#include "methods/statistics/design_effect.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"

#define RUNS 200

static bool is_near(double number, double expected, double share)
{
	return fabs(number - expected) <= share * expected;
}

/* Clusters of one size, in groups at random. Each fails as a whole with one chance, and each trial of the others with another. */
static struct cluster_mean clusters_draw(struct random *random, size_t clusters, uint64_t size, double whole, double each)
{
	double failed[DESIGN_GROUPS] = {0};
	uint64_t trials[DESIGN_GROUPS] = {0};
	struct cluster_mean mean = {0};
	for (size_t i = 0; i < clusters; i++) {
		const size_t group = random_below(random, DESIGN_GROUPS);
		const bool fails = (double)random_below(random, 1 << 30) < whole * (1 << 30);
		trials[group] += size;
		for (uint64_t j = 0; j < size; j++)
			failed[group] += fails || (double)random_below(random, 1 << 30) < each * (1 << 30);
	}
	for (size_t i = 0; i < DESIGN_GROUPS; i++)
		if (trials[i] > 0)
			cluster_mean_add_whole(&mean, failed[i], trials[i]);
	return mean;
}

static double effect_safe(const struct cluster_mean *successes, uint64_t alone)
{
	static const struct cluster_mean none;
	return design_effect_safe((struct clustered_rate){successes, alone}, (struct clustered_rate){&none, 0});
}

static double effect_shown(const struct cluster_mean *successes)
{
	return design_effect_shown((struct clustered_rate){successes, 0});
}

static double effect_on_average(size_t clusters, uint64_t size, double whole, double each)
{
	struct random random = {1};
	double sum = 0;
	for (size_t i = 0; i < RUNS; i++) {
		const struct cluster_mean mean = clusters_draw(&random, clusters, size, whole, each);
		sum += effect_safe(&mean, 0);
	}
	return sum / RUNS;
}

static void trials_without_a_cluster_are_independent(void **state)
{
	struct cluster_mean mean = {0};
	(void)state;
	assert_true(effect_safe(&mean, 0) == 1);
	cluster_mean_add_alone(&mean, 1, 30);
	cluster_mean_add_alone(&mean, 0, 970);
	assert_true(effect_safe(&mean, 1000) == 1);
}

/* It is never below 1, so that of independent trials is a little more on average: 0.4 times its standard error of 18%. */
static void of_clusters_it_is_what_their_trials_share(void **state)
{
	const double rate = 0.1 + 0.9 * 0.1, shared = 0.1 * 0.9 * 0.81 / (rate * (1 - rate)); /* correlation of two trials */
	(void)state;
	assert_true(is_near(effect_on_average(20000, 1, 0, 0.1), 1.07, 0.02));
	assert_true(is_near(effect_on_average(2000, 20, 0, 0.1), 1.07, 0.03));
	assert_true(is_near(effect_on_average(2000, 20, 0.1, 0), 20, 0.03));
	assert_true(is_near(effect_on_average(2000, 20, 0.1, 0.1), 1 + 19 * shared, 0.03));
}

/* Then it is that of clusters whose trials are equal. */
static void what_is_not_known_is_taken_to_be_the_most(void **state)
{
	struct random random = {2};
	(void)state;
	const struct cluster_mean unfailing = clusters_draw(&random, 2000, 20, 0, 0);
	assert_true(is_near(effect_safe(&unfailing, 0), 20, 0.4));
	assert_true(is_near(effect_on_average(2000, 20, 0, 0), 20, 0.03));
	assert_true(is_near(effect_on_average(20, 20, 0, 0.2), 20, 0.05)); /* of few clusters */
	assert_true(effect_on_average(200, 20, 0, 0.2) < 1.2);
}

/* That is what harm is inferred with: of a few clusters that fail alike, and of a single one, trials are independent. */
static void few_clusters_show_what_they_share(void **state)
{
	struct random random = {4};
	double alike = 0;
	(void)state;
	for (size_t i = 0; i < RUNS; i++) {
		const struct cluster_mean all = clusters_draw(&random, 8, 1000, 0, 0.3),
					  one = clusters_draw(&random, 1, 1000, 0, 0.3);
		alike += effect_shown(&all);
		assert_true(effect_shown(&one) == 1);
	}
	assert_in_range((int64_t)(alike / RUNS * 100), 100, 150);
	struct cluster_mean whole = {0};
	for (size_t i = 0; i < 8; i++)
		cluster_mean_add_whole(&whole, i == 0 ? 1000 : 0, 1000);
	assert_true(is_near(effect_shown(&whole), 1000 * 8.0 / 7, 0.001));
}

/* A candidate without errors is not judged as if its errors were of whole clusters when those of the other variant are not. */
static void a_rate_beside_tells_what_clusters_share(void **state)
{
	struct random random = {5};
	(void)state;
	const struct cluster_mean unfailing = clusters_draw(&random, 2000, 20, 0, 0);
	const struct cluster_mean scattered = clusters_draw(&random, 2000, 20, 0, 0.02);
	const struct cluster_mean whole = clusters_draw(&random, 2000, 20, 0.02, 0);
	const struct clustered_rate none = {&unfailing, 0};
	assert_true(design_effect_safe(none, (struct clustered_rate){&scattered, 0}) < 1.7);
	assert_true(design_effect_safe(none, (struct clustered_rate){&whole, 0}) > 12);
	assert_true(design_effect_safe((struct clustered_rate){&whole, 0}, (struct clustered_rate){&scattered, 0}) > 12);
}

static void those_without_a_cluster_count_beside_the_others(void **state)
{
	struct random random = {3};
	double sum = 0;
	(void)state;
	for (size_t i = 0; i < RUNS; i++) {
		struct cluster_mean mean = clusters_draw(&random, 1000, 20, 0.1, 0);
		cluster_mean_add_alone(&mean, 1, 2000);
		cluster_mean_add_alone(&mean, 0, 18000);
		sum += effect_safe(&mean, 20000);
	}
	assert_true(is_near(sum / RUNS, (20 + 1) / 2.0, 0.03));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trials_without_a_cluster_are_independent),
		cmocka_unit_test(of_clusters_it_is_what_their_trials_share),
		cmocka_unit_test(what_is_not_known_is_taken_to_be_the_most),
		cmocka_unit_test(few_clusters_show_what_they_share),
		cmocka_unit_test(a_rate_beside_tells_what_clusters_share),
		cmocka_unit_test(those_without_a_cluster_count_beside_the_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
