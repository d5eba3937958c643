/* audience_test.c: Tests of the audience of an experiment: parts of a layer, and holdouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "compiler/step/experiment.h"

#define UNITS 1000000
#define DEVIATIONS 4.0 /* exceeded by chance once in 16,000 */

static const struct origin nowhere = {{"in", 2}, 0, 1};

static struct layer_part part_of(const char *layer, double from, double share)
{
	return (struct layer_part){.here = {.line = 1}, .name = {.text = layer}, .from = from, .share = share};
}

static struct text unit_of(char text[static 32], size_t unit)
{
	return (struct text){text, (size_t)snprintf(text, 32, "customer-%zu", unit)};
}

static void expect_share(size_t count, double share)
{
	const double expected = share * UNITS, deviation = sqrt(expected * (1 - share));
	if (fabs((double)count - expected) > DEVIATIONS * deviation)
		fail_msg("%zu of %d units, and %g were expected", count, UNITS, expected);
}

static void two_experiments_of_a_layer_have_no_unit_of_a_million_in_common(void **state)
{
	(void)state;
	const struct layer_part left = part_of("search", 0, 0.3), right = part_of("search", 0.3, 0.7);
	const struct layer_part apart = part_of("prices", 0, 0.3);
	const struct audience a = audience_of(&left, 0), b = audience_of(&right, 0), c = audience_of(&apart, 0);
	size_t in_a = 0, in_b = 0, in_both = 0, in_a_and_c = 0;
	for (size_t i = 0; i < UNITS; i++) {
		char text[32];
		const struct text unit = unit_of(text, i);
		const bool has_a = audience_has(&a, unit, &nowhere) == AUDIENCE_IN;
		const bool has_b = audience_has(&b, unit, &nowhere) == AUDIENCE_IN;
		in_a += has_a;
		in_b += has_b;
		in_both += has_a && has_b;
		in_a_and_c += has_a && audience_has(&c, unit, &nowhere) == AUDIENCE_IN;
	}
	assert_int_equal(in_both, 0);
	assert_int_equal(in_a + in_b, UNITS);
	expect_share(in_a, 0.3);
	expect_share(in_a_and_c, 0.09); /* layers are independent */
}

static void a_smaller_holdout_is_within_a_larger_one_and_comes_before_the_layer(void **state)
{
	(void)state;
	const struct layer_part none = {0}, half = part_of("search", 0, 0.5);
	const struct audience five = audience_of(&none, 0.05), ten = audience_of(&half, 0.1);
	size_t held_five = 0, held_ten = 0, in_half = 0;
	for (size_t i = 0; i < UNITS; i++) {
		char text[32];
		const struct text unit = unit_of(text, i);
		const enum audience_verdict one = audience_has(&five, unit, &nowhere), two = audience_has(&ten, unit, &nowhere);
		assert_true(one == AUDIENCE_IN || (one == AUDIENCE_HELD && two == AUDIENCE_HELD));
		held_five += one == AUDIENCE_HELD;
		held_ten += two == AUDIENCE_HELD;
		in_half += two == AUDIENCE_IN;
	}
	expect_share(held_five, 0.05);
	expect_share(held_ten, 0.1);
	expect_share(in_half, 0.45);
}

static void the_choice_of_a_candidate_is_independent_of_the_audience(void **state)
{
	(void)state;
	const struct layer_part part = part_of("e", 0.2, 0.3); /* the layer has the name of the experiment */
	const struct audience audience = audience_of(&part, 0.1);
	const uint64_t seed = hash_bytes("e", 1, 0);
	size_t within = 0, first = 0;
	for (size_t i = 0; i < UNITS; i++) {
		char text[32];
		const struct text unit = unit_of(text, i);
		if (audience_has(&audience, unit, &nowhere) != AUDIENCE_IN)
			continue;
		within++;
		first += assignment_bucket(seed, unit) < ASSIGNMENT_BUCKETS / 2;
	}
	assert_true(fabs((double)first - (double)within / 2) < DEVIATIONS * sqrt((double)within) / 2);
}

static void without_a_unit_the_origin_decides(void **state)
{
	(void)state;
	const struct layer_part half = part_of("search", 0.5, 0.5);
	const struct audience audience = audience_of(&half, 0);
	size_t within = 0;
	for (int64_t offset = 0; offset < 1000; offset++) {
		const struct origin origin = {{"in", 2}, 3, offset};
		within += audience_has(&audience, (struct text){0}, &origin) == AUDIENCE_IN;
	}
	assert_in_range(within, 437, 563);
}

static void parts_that_share_a_bucket_overlap(void **state)
{
	static const struct {
		const char *layer;
		double from, share;
		bool overlaps; /* with 30% to 60% of `search` */
	} rows[] = {
		{"search", 0, 0.3, false},    {"search", 0, 0.3001, true}, {"search", 0.6, 0.4, false},
		{"search", 0.5999, 0.1, true}, {"search", 0.4, 0.1, true},  {"search", 0, 1, true},
		{"prices", 0, 1, false},
	};
	(void)state;
	const struct layer_part middle = part_of("search", 0.3, 0.3), none = {0};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct layer_part other = part_of(rows[i].layer, rows[i].from, rows[i].share);
		assert_int_equal(layer_parts_overlap(&middle, &other), rows[i].overlaps);
		assert_int_equal(layer_parts_overlap(&other, &middle), rows[i].overlaps);
	}
	assert_false(layer_parts_overlap(&middle, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_experiments_of_a_layer_have_no_unit_of_a_million_in_common),
		cmocka_unit_test(a_smaller_holdout_is_within_a_larger_one_and_comes_before_the_layer),
		cmocka_unit_test(the_choice_of_a_candidate_is_independent_of_the_audience),
		cmocka_unit_test(without_a_unit_the_origin_decides),
		cmocka_unit_test(parts_that_share_a_bucket_overlap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
