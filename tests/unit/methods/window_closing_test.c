/* window_closing_test.c: which windows an event falls into, when they close, and what is known of
 * them then. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "methods/numeric/window_closing.h"
#include "methods/numeric/summary.h"

#define ALL (SUMMARY_SUM | SUMMARY_SPREAD | SUMMARY_LEAST | SUMMARY_ENDS | SUMMARY_SQUARES)

static void starts_are_multiples_rounded_down_also_before_1970(void **state)
{
	(void)state;
	const struct closing hopping = {CLOSING_HOPPING, 1000, 250, 0};
	struct span span;
	assert_true(closing_window(&hopping, 999, 0, &span) && span.start == 750 && span.end == 1750);
	assert_true(closing_window(&hopping, 999, 3, &span) && span.start == 0 && span.end == 1000);
	assert_false(closing_window(&hopping, 999, 4, &span));
	assert_true(closing_window(&hopping, -1, 0, &span) && span.start == -250 && span.end == 750);
	assert_true(closing_window(&hopping, -250, 0, &span) && span.start == -250);
}

static void a_window_is_over_at_its_end_and_a_session_behind_its_gap(void **state)
{
	(void)state;
	const struct closing tumbling = {CLOSING_HOPPING, 1000, 1000, 500}, session = {CLOSING_SESSION, 300, 0, 100};
	const struct span window = {0, 1000};
	assert_false(closing_is_over(&tumbling, &window, 1499));
	assert_true(closing_is_over(&tumbling, &window, 1500));
	assert_false(closing_is_over(&session, &window, 1400));
	assert_true(closing_is_over(&session, &window, 1401));
}

static void an_event_joins_a_session_within_its_gap_on_either_side(void **state)
{
	(void)state;
	const struct closing form = {CLOSING_SESSION, 300, 0, 0};
	const struct span session = {1000, 2000};
	struct span joined;
	assert_true(closing_session_join(&form, &session, 2300, &joined) && joined.start == 1000 && joined.end == 2300);
	assert_true(closing_session_join(&form, &session, 700, &joined) && joined.start == 700 && joined.end == 2000);
	assert_true(closing_session_join(&form, &session, 1500, &joined) && joined.start == 1000 && joined.end == 2000);
	assert_false(closing_session_join(&form, &session, 2301, &joined));
	assert_false(closing_session_join(&form, &session, 699, &joined));
}

static void times_at_the_end_of_their_range_do_not_wrap(void **state)
{
	(void)state;
	const struct closing form = {CLOSING_HOPPING, 1000, 1000, INT64_MAX};
	struct span span;
	assert_true(closing_window(&form, INT64_MAX - 1, 0, &span) && span.end == INT64_MAX);
	assert_false(closing_is_over(&form, &span, INT64_MAX - 1));
	assert_true(closing_window(&form, INT64_MIN, 0, &span) && span.start == INT64_MIN);
	assert_false(closing_window(&form, INT64_MIN, 1, &span));
}

static void forms_without_sense_are_not_sound(void **state)
{
	(void)state;
	assert_true(closing_is_sound(&(struct closing){CLOSING_HOPPING, 1000, 1, 0}));
	assert_false(closing_is_sound(&(struct closing){CLOSING_HOPPING, 1001, 1, 0}));
	assert_false(closing_is_sound(&(struct closing){CLOSING_HOPPING, 10, 11, 0}));
	assert_false(closing_is_sound(&(struct closing){CLOSING_HOPPING, 10, 0, 0}));
	assert_false(closing_is_sound(&(struct closing){CLOSING_SESSION, 0, 0, 0}));
	assert_false(closing_is_sound(&(struct closing){CLOSING_SESSION, 1, 0, -1}));
}

struct room {
	_Alignas(double) char bytes[128];
};

static void equals(double got, double wanted)
{
	if (!(fabs(got - wanted) <= 1e-12 * fabs(wanted)))
		fail_msg("%.17g is not %.17g", got, wanted);
}

static void two_summaries_merge_to_that_of_all(void **state)
{
	(void)state;
	struct room left = {0}, right = {0}, none = {0};
	assert_true(summary_bytes(ALL) <= sizeof left.bytes);
	summary_add(ALL, left.bytes, 20, 3);
	summary_add(ALL, left.bytes, 10, 5);
	summary_add(ALL, left.bytes, 15, (double)NAN);
	summary_add(ALL, right.bytes, 5, -4);
	summary_add(ALL, right.bytes, 20, 8);
	summary_merge(ALL, left.bytes, right.bytes);
	summary_merge(ALL, left.bytes, none.bytes);
	assert_int_equal(summary_count(left.bytes), 4);
	equals(summary_sum(ALL, left.bytes), 12);
	equals(summary_mean(ALL, left.bytes), 3);
	equals(summary_variance(ALL, left.bytes, 1), 26);
	equals(summary_variance(ALL, left.bytes, 0), 19.5);
	equals(summary_least(ALL, left.bytes), -4);
	equals(summary_greatest(ALL, left.bytes), 8);
	equals(summary_first(ALL, left.bytes), -4);
	equals(summary_last(ALL, left.bytes), 8);
	equals(summary_norm(ALL, left.bytes), sqrt(9 + 25 + 16 + 64));
	summary_merge(ALL, none.bytes, left.bytes);
	assert_memory_equal(&none, &left, summary_bytes(ALL));
}

static void a_large_offset_costs_the_spread_no_digits(void **state)
{
	(void)state;
	struct room left = {0}, right = {0};
	const double offset = 1e9, unit = 1.0 / 1024;
	summary_add(SUMMARY_SPREAD, left.bytes, 1, offset + 1 * unit);
	summary_add(SUMMARY_SPREAD, left.bytes, 2, offset + 2 * unit);
	summary_add(SUMMARY_SPREAD, right.bytes, 3, offset + 6 * unit);
	summary_add(SUMMARY_SPREAD, right.bytes, 4, offset + 3 * unit);
	equals(summary_variance(SUMMARY_SPREAD, left.bytes, 1), 0.5 * unit * unit);
	summary_merge(SUMMARY_SPREAD, left.bytes, right.bytes);
	equals(summary_variance(SUMMARY_SPREAD, left.bytes, 0), 3.5 * unit * unit);
}

static void sums_of_integers_are_exact_to_the_end_of_their_range(void **state)
{
	(void)state;
	struct room summary = {0};
	int64_t sum = 1;
	assert_true(summary_sum_whole(SUMMARY_SUM, summary.bytes, &sum) && sum == 0);
	summary_add(SUMMARY_SUM, summary.bytes, 1, 3);
	for (int i = 0; i < 1023; i++)
		summary_add(SUMMARY_SUM, summary.bytes, 1, 0x1p53 - 1);
	assert_true(summary_sum_whole(SUMMARY_SUM, summary.bytes, &sum) && sum == INT64_C(9007199254740991) * 1023 + 3);
	summary_add(SUMMARY_SUM, summary.bytes, 1, 0x1p53 - 1);
	assert_true(summary_sum_whole(SUMMARY_SUM, summary.bytes, &sum) && sum == INT64_MAX - 1020);
	summary_add(SUMMARY_SUM, summary.bytes, 1, 1020);
	assert_true(summary_sum_whole(SUMMARY_SUM, summary.bytes, &sum) && sum == INT64_MAX);
	summary_add(SUMMARY_SUM, summary.bytes, 1, 1);
	assert_false(summary_sum_whole(SUMMARY_SUM, summary.bytes, &sum));
}

static void of_equal_times_the_first_and_last_are_by_arrival(void **state)
{
	(void)state;
	struct room summary = {0};
	for (int i = 1; i <= 3; i++)
		summary_add(SUMMARY_ENDS, summary.bytes, 7, i);
	equals(summary_first(SUMMARY_ENDS, summary.bytes), 1);
	equals(summary_last(SUMMARY_ENDS, summary.bytes), 3);
}

static void of_nothing_all_is_nan_but_a_sum(void **state)
{
	(void)state;
	struct room summary = {0};
	summary_add(ALL, summary.bytes, 1, (double)NAN);
	assert_int_equal(summary_count(summary.bytes), 0);
	equals(summary_sum(ALL, summary.bytes), 0);
	assert_true(isnan(summary_mean(ALL, summary.bytes)) && isnan(summary_variance(ALL, summary.bytes, 0)));
	assert_true(isnan(summary_least(ALL, summary.bytes)) && isnan(summary_greatest(ALL, summary.bytes)));
	assert_true(isnan(summary_first(ALL, summary.bytes)) && isnan(summary_last(ALL, summary.bytes)));
	summary_add(ALL, summary.bytes, 1, -5);
	equals(summary_greatest(ALL, summary.bytes), -5);
	assert_true(isnan(summary_variance(ALL, summary.bytes, 1)));
	summary_add(ALL, summary.bytes, 1, (double)INFINITY);
	assert_true(isinf(summary_mean(ALL, summary.bytes)) && isnan(summary_variance(ALL, summary.bytes, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_are_multiples_rounded_down_also_before_1970),
		cmocka_unit_test(a_window_is_over_at_its_end_and_a_session_behind_its_gap),
		cmocka_unit_test(an_event_joins_a_session_within_its_gap_on_either_side),
		cmocka_unit_test(times_at_the_end_of_their_range_do_not_wrap),
		cmocka_unit_test(forms_without_sense_are_not_sound),
		cmocka_unit_test(two_summaries_merge_to_that_of_all),
		cmocka_unit_test(a_large_offset_costs_the_spread_no_digits),
		cmocka_unit_test(sums_of_integers_are_exact_to_the_end_of_their_range),
		cmocka_unit_test(of_equal_times_the_first_and_last_are_by_arrival),
		cmocka_unit_test(of_nothing_all_is_nan_but_a_sum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
