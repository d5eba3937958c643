/* Quantiles of how long things took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "observe/histogram.h"

static void quantiles_are_good_to_an_eighth(void **state)
{
	(void)state;
	struct histogram histogram = {0};
	for (uint64_t us = 1; us <= 100000; us++)
		histogram_record(&histogram, us);
	static const double shares[] = {0.01, 0.5, 0.95, 0.99, 1};
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		double exact = shares[i] * 100000, said = (double)histogram_quantile(&histogram, shares[i]);
		assert_true(said >= exact && said <= exact * 1.125);
	}
}

static void small_numbers_are_exact(void **state)
{
	(void)state;
	for (uint64_t us = 0; us < 16; us++) {
		struct histogram histogram = {0};
		histogram_record(&histogram, us);
		assert_int_equal(histogram_quantile(&histogram, 0.5), us);
	}
}

static void each_bucket_ends_where_the_next_begins(void **state)
{
	(void)state;
	size_t before = 0;
	for (uint64_t us = 0; us < 1u << 20; us++) {
		size_t bucket = histogram_bucket(us);
		assert_true(bucket == before || bucket == before + 1);
		before = bucket;
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void what_was_recorded_since_is_a_difference(void **state)
{
	(void)state;
	struct histogram now = {0}, since;
	for (unsigned i = 0; i < 10; i++)
		histogram_record(&now, 5);
	struct histogram earlier = now;
	histogram_record(&now, 1000);
	histogram_since(&now, &earlier, &since);
	assert_int_equal(since.count, 1);
	assert_true(histogram_quantile(&since, 0.5) >= 1000);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		assert_int_equal(earlier.buckets[i] + since.buckets[i], now.buckets[i]);
}

static void nothing_took_no_time(void **state)
{
	(void)state;
	struct histogram histogram = {0};
	assert_int_equal(histogram_quantile(&histogram, 0.99), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_good_to_an_eighth),
		cmocka_unit_test(small_numbers_are_exact),
		cmocka_unit_test(each_bucket_ends_where_the_next_begins),
		cmocka_unit_test(what_was_recorded_since_is_a_difference),
		cmocka_unit_test(nothing_took_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
