/* drift_test.c: edges of the drift tests that the reference numbers of tests/oracles do not have. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "methods/drift/tests/adwin.h"
#include "methods/drift/tests/binned.h"
#include "comparison/drift/binned_distances.h"
#include "comparison/drift/correction.h"
#include "comparison/drift/distance.h"
#include "comparison/drift/kernel_test.h"
#include "comparison/drift/kolmogorov_smirnov.h"
#include "comparison/drift/online_charts.h"
#include "methods/outliers/outlier.h"
#include "comparison/drift/rank_test.h"
#include "tests/unit/arena_fixture.h"

static void assert_near(double got, double wanted, double by)
{
	if (!(fabs(got - wanted) <= by))
		fail_msg("%.17g is not %.17g", got, wanted);
}

/* All ways to mix two samples are as likely: of the 6 of 2 and 2, two are apart. */
static void exact_chances_count_arrangements(void **state)
{
	(void)state;
	assert_near(ks_p_exact(1, 2, 2, true, arena), 2.0 / 6, 1e-15);
	assert_near(ks_p_exact(1, 2, 2, false, arena), 1.0 / 6, 1e-15);
	assert_near(ks_p_exact(0.5, 2, 2, true, arena), 1, 1e-15);
	assert_near(ks_p_exact(0.5, 2, 1, true, arena), 1, 1e-15);
	assert_near(ks_p_exact(1, 2, 1, true, arena), 2.0 / 3, 1e-15);
	struct sorted low = {2, (double[]){1, 2}}, high = {2, (double[]){3, 4}};
	assert_near(cramer_von_mises_p_exact(cramer_von_mises(&low, &high), 2, 2, arena), 2.0 / 6, 1e-15);
	assert_near(cramer_von_mises_p_exact(0, 2, 2, arena), 1, 1e-15);
}

/* The law of the limit by mpmath: one minus the series of its distribution function, with 60 digits. With 100 values in each
 * sample, the statistic has this mean and variance. */
static void far_tails_of_cramer_von_mises_have_their_digits(void **state)
{
	(void)state;
	static const double known[][2] = {{0.3, 0.13517126880510580},  {0.5, 0.039833217565607595},  {1, 0.0024604521801339640},
					  {5, 3.0539290331033875e-12}, {14, 9.4649318837144148e-32}, {20, 1.0972093165653878e-44}};
	const double all = 200, product = 1e4, mean = (1 + 1 / all) / 6;
	const double variance = (all + 1) * (4 * product * all - 6e4 - 2 * product) / (45 * all * all * 4 * product);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const double statistic = mean + (known[i][0] - 1.0 / 6) * sqrt(45 * variance);
		assert_near(cramer_von_mises_p_limit(statistic, 100, 100) / known[i][1], 1, 1e-11);
	}
	assert_true(cramer_von_mises_p_limit(1e4, 100, 100) == 0);
}

static void sizes_beyond_the_exact_ones_have_no_exact_chance(void **state)
{
	(void)state;
	assert_true(isnan(ks_p_exact(0.1, KS_EXACT_SIZE_MAX + 1, 5, true, arena)));
	assert_true(!isnan(ks_p_exact(0.1, KS_EXACT_SIZE_MAX, 5, true, arena)));
	assert_true(isnan(cramer_von_mises_p_exact(0.1, CVM_EXACT_SIZE_MAX + 1, 5, arena)));
	assert_true(!isnan(cramer_von_mises_p_exact(0.1, CVM_EXACT_SIZE_MAX, 5, arena)));
}

/* For one value the distance is max(u, 1 - u) of a uniform number. */
static void the_one_sample_law_holds_at_both_ends(void **state)
{
	(void)state;
	assert_near(ks_one_sample_sf(0.75, 1, arena), 0.5, 1e-12);
	assert_near(ks_one_sample_sf(0.5, 1, arena), 1, 1e-12);
	assert_near(ks_one_sample_sf(1, 1, arena), 0, 0);
	assert_true(isnan(ks_one_sample_sf(0.5, 0, arena)));
	/* 0.4 of two values: 1 - 2 (2 * 0.4 - 0.5)^2 (Kolmogorov's own recursion) */
	assert_near(ks_one_sample_sf(0.4, 2, arena), 1 - 2 * 0.3 * 0.3, 1e-12);
}

/* What scipy 1.17.1 calls the asymptotic law (scipy.stats.kstwo.sf): on both sides of where its methods change. */
static void the_one_sample_law_is_that_of_scipy(void **state)
{
	(void)state;
	static const struct {
		size_t count;
		double distance, chance;
	} rows[] = {
		{140, 0.12, 0.03252638258561632},
		{141, 0.12056737588652482, 0.03039003372198157},
		{141, 0.03, 0.9992107601012719},
		{160, 0.115625, 0.025498649923683003},
		{166, 0.048048048048048075, 0.8201742807979422},
		{500, 0.025, 0.9055831013543145},
		{1000, 0.012, 0.9984464668620097},
		{5000, 0.018, 0.07738201887398022},
		{20000, 0.0081, 0.14413043343262377},
		{20000, 0.004, 0.9048968240702959},
		{200000, 0.002, 0.39995085369038097},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_near(ks_one_sample_sf(rows[i].distance, rows[i].count, arena) / rows[i].chance, 1, 1e-8);
}

static void distances_of_points_are_plain(void **state)
{
	(void)state;
	struct weighed two[] = {{0, 1}, {1, 3}}, one[] = {{2, 5}};
	struct distances distances = distances_of(two, 2, one, 1);
	assert_near(distances.wasserstein, 0.25 * 2 + 0.75 * 1, 1e-15);
	assert_near(distances.energy, sqrt(2 * (0.25 * 0.25 + 1)), 1e-15);
}

static void bins_have_their_upper_edge(void **state)
{
	(void)state;
	struct sorted constant = {3, (double[]){5, 5, 5}};
	struct bins bins = bins_of_quantiles(&constant, 10, arena);
	assert_int_equal(bins.count, 1);
	assert_int_equal(bins_find(&bins, 5), 0);
	assert_int_equal(bins_find(&bins, 5.1), 1);
	struct chi_square_test test;
	double reference[] = {3, 0}, unseen[] = {3, 1}, seen[] = {4, 0};
	assert_false(binned_fit(&(struct binned){2, reference, unseen}, &test));
	assert_true(binned_fit(&(struct binned){2, reference, seen}, &test));
	assert_true(isnan(test.p));
}

static void a_kernel_test_of_too_many_rows_is_refused(void **state)
{
	(void)state;
	struct error error = {0};
	struct kernel_test test;
	struct table many = {KERNEL_ROWS_MAX, 1, NULL}, few = {1, 1, NULL};
	assert_false(kernel_test_run(&many, &few, 1, 10, 1, arena, &test, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_true(isnan(kernel_width_reference(&few, arena)));
}

/* The width is 0, and the test says that nothing has changed. */
static void a_kernel_test_of_rows_that_are_all_equal_finds_nothing(void **state)
{
	(void)state;
	struct error error = {0};
	struct kernel_test test;
	double values[6] = {2, 2, 2, 2, 2, 2};
	struct table reference = {4, 1, values}, current = {2, 1, values};
	assert_true(kernel_test_run(&reference, &current, kernel_width_pooled(&reference, &current, arena), 99, 1, arena, &test,
				    &error));
	assert_near(test.unbiased, 0, 1e-15);
	assert_near(test.p, 1, 0);
}

static void corrections_keep_the_order_of_the_tests(void **state)
{
	(void)state;
	double p[] = {0.04, 0.01, 0.03}, adjusted[3];
	assert_true(correction_adjust(CORRECTION_HOLM, p, 3, adjusted, arena));
	assert_near(adjusted[0], 0.06, 1e-15);
	assert_near(adjusted[1], 0.03, 1e-15);
	assert_near(adjusted[2], 0.06, 1e-15);
	assert_true(correction_adjust(CORRECTION_BH, p, 3, p, arena));
	assert_near(p[2], 0.04, 1e-15);
}

static void adwin_forgets_what_was_before_an_alarm(void **state)
{
	(void)state;
	struct adwin *adwin = adwin_open(arena, &(struct adwin_options){0.002, 32, 5, 5, 10, 1});
	size_t alarms = 0;
	for (size_t i = 0; i < 2000; i++)
		alarms += adwin_add(adwin, (i < 1000 ? 0 : 5) + (double)(i % 7) / 7);
	assert_int_equal(alarms, 1);
}

static void ddm_warns_before_its_alarm(void **state)
{
	(void)state;
	struct ddm ddm;
	enum online_verdict verdict = ONLINE_STABLE;
	size_t warnings = 0, at = 0;
	ddm_begin(&ddm, &(struct ddm_options){30, 2, 3});
	for (; at < 1000 && verdict != ONLINE_ALARM; at++) {
		verdict = ddm_add(&ddm, at < 500 ? at % 10 == 0 : at % 3 == 0);
		warnings += verdict == ONLINE_WARNING;
	}
	assert_in_range(at, 500, 600);
	assert_true(warnings > 5);
	assert_int_equal(ddm_add(&ddm, true), ONLINE_STABLE); /* it starts anew */
}

static void eddm_finds_errors_that_come_closer(void **state)
{
	(void)state;
	struct eddm eddm;
	size_t at = 0, warned = 0;
	enum online_verdict verdict = ONLINE_STABLE;
	eddm_begin(&eddm, &(struct eddm_options){30, 0.95, 0.9});
	/* Errors at each tenth number have the distance 10, and from 600 on 5. So 60 errors of 10, and then n of 5: at the first
	 * alarm their mean and twice their deviation are below 0.9 of 10, at the first warning below 0.95. */
	for (; at < 2000 && verdict != ONLINE_ALARM; at++) {
		verdict = eddm_add(&eddm, at < 600 ? at % 10 == 9 : at % 5 == 4);
		warned += verdict == ONLINE_WARNING;
		assert_true(at >= 600 || verdict == ONLINE_STABLE);
	}
	assert_in_range(at, 600, 1999);
	assert_true(warned >= 5); /* it stands until the next error */
	assert_int_equal(eddm_add(&eddm, true), ONLINE_STABLE);
}

typedef enum online_verdict hddm_add(struct hddm *detector, bool wrong);

static size_t hddm_alarm(hddm_add *add, bool both_sides, bool rises, enum online_verdict *last)
{
	struct hddm hddm;
	size_t at = 0;
	hddm_begin(&hddm, &(struct hddm_options){0.005, 0.001, 0.05, both_sides});
	for (*last = ONLINE_STABLE; at < 2000 && *last != ONLINE_ALARM; at++)
		*last = add(&hddm, (at < 500) != rises ? at % 2 == 0 : at % 10 == 0);
	if (*last == ONLINE_ALARM)
		assert_int_equal(add(&hddm, true), ONLINE_STABLE); /* it starts anew */
	return at;
}

static void hddm_finds_a_rate_that_falls_where_it_is_asked_to(void **state)
{
	(void)state;
	static hddm_add *const forms[] = {hddm_a_add, hddm_w_add};
	enum online_verdict last;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		assert_in_range(hddm_alarm(forms[i], false, true, &last), 501, 600);
		assert_in_range(hddm_alarm(forms[i], true, false, &last), 501, 600);
		assert_int_equal(hddm_alarm(forms[i], false, false, &last), 2000);
		assert_int_not_equal(last, ONLINE_ALARM);
	}
}

static void columns_that_depend_on_each_other_need_a_ridge(void **state)
{
	(void)state;
	struct covariance covariance;
	struct mahalanobis fitted;
	struct error error = {0}, none = {0};
	assert_true(covariance_open(&covariance, 5, arena));
	for (size_t i = 0; i < 50; i++) {
		double x = (double)(i * 37 % 50), y = (double)(i * 11 % 13), z = (double)(i % 7);
		covariance_add(&covariance, (double[]){x, y, z, x + y, 1});
	}
	assert_false(mahalanobis_fit(&fitted, &covariance, 1, 0, arena, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_true(mahalanobis_fit(&fitted, &covariance, 1, 0.1, arena, &none));
	assert_near(mahalanobis_squared(&fitted, covariance.mean), 0, 1e-20);
	assert_true(isnan(mahalanobis_squared(&fitted, (double[]){1, 2, (double)NAN, 4, 5})));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(exact_chances_count_arrangements, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(far_tails_of_cramer_von_mises_have_their_digits, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(sizes_beyond_the_exact_ones_have_no_exact_chance, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(the_one_sample_law_holds_at_both_ends, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(the_one_sample_law_is_that_of_scipy, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(distances_of_points_are_plain, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(bins_have_their_upper_edge, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(a_kernel_test_of_too_many_rows_is_refused, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(a_kernel_test_of_rows_that_are_all_equal_finds_nothing, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(corrections_keep_the_order_of_the_tests, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(adwin_forgets_what_was_before_an_alarm, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(ddm_warns_before_its_alarm, arena_begin, arena_end),
		cmocka_unit_test(eddm_finds_errors_that_come_closer),
		cmocka_unit_test(hddm_finds_a_rate_that_falls_where_it_is_asked_to),
		cmocka_unit_test_setup_teardown(columns_that_depend_on_each_other_need_a_ridge, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
