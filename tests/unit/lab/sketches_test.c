/* sketches_test.c: quantile sketches held against the numbers themselves, and their
 * merges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/number/random.h"
#include "comparison/numeric/ddsketch.h"
#include "comparison/numeric/hdr_histogram.h"
#include "methods/numeric/moments.h"
#include "methods/numeric/quantile.h"
#include "comparison/numeric/tdigest.h"

#define MANY 20000

static void near(double got, double wanted, double away)
{
	if (!(fabs(got - wanted) <= away))
		fail_msg("%.17g is not within %g of %.17g", got, away, wanted);
}

static double share(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

static void fill(double *numbers, uint64_t seed, double (*number)(double u))
{
	struct random random = {seed};
	for (size_t i = 0; i < MANY; i++)
		numbers[i] = number(share(&random));
}

static double wide(double u)
{
	return u < 0.1 ? 0 : (u < 0.5 ? -1 : 1) * exp(40 * u - 20);
}

static double dice(double u)
{
	return 1 + floor(6 * u);
}

static double smooth(double u)
{
	return -log1p(-u);
}

static const double shares[] = {0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1};
#define SHARES (sizeof shares / sizeof *shares)

static void a_ddsketch_is_within_alpha_of_every_quantile(void **state)
{
	(void)state;
	static double numbers[MANY];
	struct ddsketch sketch;
	fill(numbers, 5, wide);
	ddsketch_open(&sketch, 0.01, DDSKETCH_BUCKETS);
	for (size_t i = 0; i < MANY; i++)
		assert_true(ddsketch_add(&sketch, numbers[i]));
	assert_true(ddsketch_add(&sketch, (double)NAN) && ddsketch_add(&sketch, (double)INFINITY));
	assert_int_equal(ddsketch_count(&sketch), MANY);
	(void)quantile_sort(numbers, MANY);
	for (size_t i = 0; i < SHARES; i++) {
		double exact = quantile_sorted(numbers, MANY, shares[i], QUANTILE_LOWER);
		assert_true(fabs(ddsketch_quantile(&sketch, shares[i]) - exact) <= 0.01 * fabs(exact) * (1 + 1e-12));
	}
	ddsketch_close(&sketch);
}

static void a_fine_ddsketch_has_room_for_every_double(void **state)
{
	(void)state;
	struct ddsketch sketch;
	ddsketch_open(&sketch, 0.001, DDSKETCH_BUCKETS);
	for (int i = -300; i <= 300; i++)
		assert_true(ddsketch_add(&sketch, pow(10, i)));
	for (int i = 0; i <= 600; i++)
		near(ddsketch_quantile(&sketch, i / 600.0) / pow(10, floor(i / 600.0 * 600) - 300), 1, 0.001001);
	ddsketch_close(&sketch);
}

static void a_full_ddsketch_gives_up_the_smallest_sizes_alone(void **state)
{
	(void)state;
	struct ddsketch sketch;
	ddsketch_open(&sketch, 0.01, 100);
	for (int i = 300; i >= -300; i -= 3)
		assert_true(ddsketch_add(&sketch, exp(i * sketch.log_gamma)));
	assert_true(ddsketch_add(&sketch, exp(305 * sketch.log_gamma)));
	assert_int_equal(sketch.positive.length, 100);
	assert_int_equal(ddsketch_count(&sketch), 202);
	near(ddsketch_quantile(&sketch, 1) / exp(305 * sketch.log_gamma), 1, 0.010001);
	near(ddsketch_quantile(&sketch, 0.9) / exp(240 * sketch.log_gamma), 1, 0.010001);
	near(ddsketch_quantile(&sketch, 0) / exp(206 * sketch.log_gamma), 1, 0.010001);
	ddsketch_close(&sketch);
}

static void merged_ddsketches_count_as_one_does(void **state)
{
	(void)state;
	static double numbers[MANY];
	struct ddsketch one, parts[3];
	fill(numbers, 6, wide);
	ddsketch_open(&one, 0.02, DDSKETCH_BUCKETS);
	for (size_t i = 0; i < 3; i++)
		ddsketch_open(&parts[i], 0.02, DDSKETCH_BUCKETS);
	for (size_t i = 0; i < MANY; i++)
		assert_true(ddsketch_add(&one, numbers[i]) && ddsketch_add(&parts[i * 7 % 3], numbers[i]));
	assert_true(ddsketch_merge(&parts[0], &parts[1]) && ddsketch_merge(&parts[0], &parts[2]));
	for (size_t i = 0; i < SHARES; i++)
		assert_true(ddsketch_quantile(&one, shares[i]) == ddsketch_quantile(&parts[0], shares[i]));
	for (size_t i = 0; i < 3; i++)
		ddsketch_close(&parts[i]);
	ddsketch_close(&one);
}

static void digest_holds(struct tdigest *digest, const double *sorted)
{
	for (size_t i = 0; i < SHARES; i++) {
		double q = shares[i], off = (0.02 + 2.4 * q * (1 - q)) / 100 + 3.0 / MANY, got = tdigest_quantile(digest, q);
		assert_true(got >= quantile_sorted(sorted, MANY, fmax(q - off, 0), QUANTILE_LOWER));
		assert_true(got <= quantile_sorted(sorted, MANY, fmin(q + off, 1), QUANTILE_HIGHER));
	}
}

static void a_tdigest_answers_near_the_rank_asked_for_also_when_merged(void **state)
{
	(void)state;
	static double numbers[MANY];
	double (*const streams[])(double u) = {smooth, dice};
	for (size_t stream = 0; stream < 2; stream++) {
		struct tdigest one, parts[4];
		fill(numbers, 9, streams[stream]);
		tdigest_open(&one, TDIGEST_COMPRESSION);
		for (size_t i = 0; i < 4; i++)
			tdigest_open(&parts[i], TDIGEST_COMPRESSION);
		for (size_t i = 0; i < MANY; i++)
			assert_true(tdigest_add(&one, numbers[i]) && tdigest_add(&parts[i % 4], numbers[i]));
		for (size_t i = 1; i < 4; i++)
			assert_true(tdigest_merge(&parts[0], &parts[i]));
		assert_true(tdigest_add(&one, (double)NAN));
		assert_int_equal(one.weight, MANY);
		(void)quantile_sort(numbers, MANY);
		digest_holds(&one, numbers);
		digest_holds(&parts[0], numbers);
		assert_true(one.settled < 1000);
		for (size_t i = 0; i < 4; i++)
			tdigest_close(&parts[i]);
		tdigest_close(&one);
	}
}

static void the_ends_of_a_tdigest_are_the_least_and_the_most(void **state)
{
	(void)state;
	struct random random = {11};
	for (int round = 0; round < 1000; round++) {
		struct tdigest digest;
		double least = INFINITY, most = -INFINITY;
		tdigest_open(&digest, TDIGEST_COMPRESSION);
		for (int i = 0; i < 2 + round % 40; i++) {
			double number = pow(1 - share(&random), -1 / 1.5);
			least = fmin(least, number);
			most = fmax(most, number);
			assert_true(tdigest_add(&digest, number));
		}
		assert_true(tdigest_quantile(&digest, 0) == least && tdigest_quantile(&digest, 1) == most);
		tdigest_close(&digest);
	}
}

static double two_heaps(double u)
{
	return u < 0.5 ? 2 * u : 1000 + u;
}

/* Of 1,000 numbers in two heaps, the median is of one of them where the gap is 8 ranks away. */
static void a_gap_of_the_stream_is_smeared_over_few_ranks(void **state)
{
	(void)state;
	struct random random = {3};
	for (int round = 0; round < 300; round++) {
		double numbers[1000];
		struct tdigest digest;
		tdigest_open(&digest, TDIGEST_COMPRESSION);
		for (size_t i = 0; i < 1000; i++) {
			numbers[i] = two_heaps(share(&random));
			assert_true(tdigest_add(&digest, numbers[i]));
		}
		(void)quantile_sort(numbers, 1000);
		double median = tdigest_quantile(&digest, 0.5);
		assert_true(median >= numbers[491] && median <= numbers[508]);
		tdigest_close(&digest);
	}
}

static void an_hdr_histogram_keeps_its_digits_over_its_range(void **state)
{
	(void)state;
	struct hdr_histogram histogram, other;
	assert_true(hdr_histogram_open(&histogram, 1, INT64_C(3600000000), 3));
	for (int64_t number = 0; number <= 3600000000; number = number * 5 / 4 + 1)
		assert_true(hdr_histogram_add(&histogram, number));
	uint64_t rank = 0;
	for (int64_t number = 0; number <= 3600000000; number = number * 5 / 4 + 1) {
		double percentile = 100 * (double)++rank / (double)histogram.total;
		int64_t got = hdr_histogram_percentile(&histogram, percentile);
		assert_true(got >= number && (double)(got - number) <= (double)number / 1000);
	}
	assert_false(hdr_histogram_add(&histogram, -1));
	assert_false(hdr_histogram_add(&histogram, INT64_C(3600000001)));
	assert_int_equal(histogram.total, rank);
	assert_true(hdr_histogram_open(&other, 1, 3600000000, 2));
	assert_false(hdr_histogram_merge(&histogram, &other));
	hdr_histogram_close(&other);
	assert_false(hdr_histogram_open(&other, 0, 100, 2));
	hdr_histogram_close(&other);
	hdr_histogram_close(&histogram);
}

static void quantiles_of_nothing_or_beyond_a_share_are_nan(void **state)
{
	(void)state;
	double one[] = {3};
	struct ddsketch sketch;
	struct tdigest digest;
	ddsketch_open(&sketch, 0.01, DDSKETCH_BUCKETS);
	tdigest_open(&digest, TDIGEST_COMPRESSION);
	assert_true(isnan(quantile_sorted(one, 0, 0.5, QUANTILE_LINEAR)));
	assert_true(isnan(quantile_sorted(one, 1, 1.5, QUANTILE_LINEAR)));
	assert_true(isnan(quantile_sorted(one, 1, (double)NAN, QUANTILE_LINEAR)));
	assert_true(quantile_sorted(one, 1, 0.7, QUANTILE_HAZEN) == 3);
	assert_true(isnan(ddsketch_quantile(&sketch, 0.5)) && isnan(tdigest_quantile(&digest, 0.5)));
	ddsketch_close(&sketch);
	tdigest_close(&digest);
}

/* The sum would be 0 without what is kept beside it. */
static void a_sum_keeps_what_is_small_beside_what_is_large(void **state)
{
	(void)state;
	struct sum sum = {0};
	const double terms[] = {1, 1e100, 1, -1e100};
	for (size_t i = 0; i < 4; i++)
		sum_add(&sum, terms[i]);
	assert_true(sum_value(&sum) == 2);
	sum_add(&sum, (double)INFINITY);
	assert_true(isinf(sum_value(&sum)));
}

static void moments_merge_to_those_of_all(void **state)
{
	(void)state;
	struct moments all = {0}, left = {0}, right = {0};
	for (int i = 0; i < 10; i++) {
		double number = 1e9 + i; /* far from 0, so that squares would not do */
		moments_add(&all, number);
		moments_add(i < 3 ? &left : &right, number);
	}
	moments_merge(&left, &right);
	assert_int_equal(left.count, 10);
	near(left.mean, 1e9 + 4.5, 1e-6);
	near(moments_variance(&left, 1), 55.0 / 6, 1e-9);
	near(moments_variance(&all, 0), 8.25, 1e-9);
	assert_true(isnan(moments_variance(&(struct moments){.count = 1}, 1)));
	assert_true(isnan(moments_variance(&(struct moments){0}, 0)));
}

/* An addition that found no memory says so, and what was counted stays. */
static void without_memory_a_sketch_stays_as_it_was(void **state)
{
	(void)state;
	struct ddsketch sketch;
	struct tdigest digest;
	ddsketch_open(&sketch, 0.01, DDSKETCH_BUCKETS);
	tdigest_open(&digest, TDIGEST_COMPRESSION);
	assert_true(ddsketch_add(&sketch, 1));
	memory_fail_at(1);
	assert_false(ddsketch_add(&sketch, 1e6));
	memory_fail_at(1);
	assert_false(tdigest_add(&digest, 1));
	memory_fail_at(0);
	assert_int_equal(ddsketch_count(&sketch), 1);
	assert_int_equal(digest.weight, 0);
	ddsketch_close(&sketch);
	tdigest_close(&digest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ddsketch_is_within_alpha_of_every_quantile),
		cmocka_unit_test(a_fine_ddsketch_has_room_for_every_double),
		cmocka_unit_test(a_full_ddsketch_gives_up_the_smallest_sizes_alone),
		cmocka_unit_test(merged_ddsketches_count_as_one_does),
		cmocka_unit_test(a_tdigest_answers_near_the_rank_asked_for_also_when_merged),
		cmocka_unit_test(the_ends_of_a_tdigest_are_the_least_and_the_most),
		cmocka_unit_test(a_gap_of_the_stream_is_smeared_over_few_ranks),
		cmocka_unit_test(an_hdr_histogram_keeps_its_digits_over_its_range),
		cmocka_unit_test(quantiles_of_nothing_or_beyond_a_share_are_nan),
		cmocka_unit_test(a_sum_keeps_what_is_small_beside_what_is_large),
		cmocka_unit_test(moments_merge_to_those_of_all),
		cmocka_unit_test(without_memory_a_sketch_stays_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
