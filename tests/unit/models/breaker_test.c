/* breaker_test.c: Tests of whether a model that fails is still asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/calls/breaker.h"

static void five_failures_in_a_row_open_it(void **state)
{
	(void)state;
	struct breaker breaker = {0};
	for (int i = 0; i < 4; i++)
		breaker_failed(&breaker, false, 0, 0);
	breaker_succeeded(&breaker);
	for (int i = 0; i < 4; i++)
		breaker_failed(&breaker, false, 0, 0);
	assert_true(breaker_admits(&breaker, 0));
	breaker_failed(&breaker, false, 0, 0);
	assert_false(breaker_admits(&breaker, 0));
}

/* How many in a row it takes, after so many answers, each behind `before` failures. */
static unsigned row_that_opens(unsigned answers, unsigned before)
{
	struct breaker breaker = {0};
	unsigned row = 0;
	for (unsigned i = 0; i < answers; i++) {
		for (unsigned j = 0; j < before; j++)
			breaker_failed(&breaker, false, 0, 0);
		breaker_succeeded(&breaker);
	}
	for (; breaker_admits(&breaker, 0) && row < 1000; row++)
		breaker_failed(&breaker, false, 0, 0);
	return row;
}

static void a_row_is_long_beside_what_is_usual_for_the_model(void **state)
{
	(void)state;
	assert_int_equal(row_that_opens(1000, 0), BREAKER_FAILURES);
	assert_in_range(row_that_opens(1000, 1), BREAKER_FAILURES + BREAKER_FAILURES_USUAL - 1,
			BREAKER_FAILURES + BREAKER_FAILURES_USUAL);
	assert_in_range(row_that_opens(1000, 3), BREAKER_FAILURES + 3 * BREAKER_FAILURES_USUAL - 1,
			BREAKER_FAILURES + 3 * BREAKER_FAILURES_USUAL);
}

static void what_is_usual_is_forgotten_when_the_model_answers_again(void **state)
{
	(void)state;
	struct breaker breaker = {0};
	for (int i = 0; i < 1000; i++) {
		breaker_failed(&breaker, false, 0, 0);
		breaker_succeeded(&breaker);
	}
	for (int i = 0; i < 300; i++)
		breaker_succeeded(&breaker);
	for (int i = 0; i < BREAKER_FAILURES; i++)
		breaker_failed(&breaker, false, 0, 0);
	assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void no_model_is_asked_in_vain_without_end(void **state)
{
	(void)state;
	struct breaker breaker = {0};
	for (int i = 0; i < 1000; i++) { /* it fails ever longer, just short of opening */
		struct breaker next = breaker;
		for (breaker_failed(&next, false, 0, 0); next.state == BREAKER_CLOSED; breaker_failed(&next, false, 0, 0))
			breaker = next;
		breaker_succeeded(&breaker);
	}
	for (int i = 0; i < BREAKER_FAILURES_MOST - 1; i++)
		breaker_failed(&breaker, false, 0, 0);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	breaker_failed(&breaker, false, 0, 0);
	assert_int_equal(breaker.state, BREAKER_OPEN);
}

static struct breaker opened_at(int64_t now_us)
{
	struct breaker breaker = {0};
	for (int i = 0; i < BREAKER_FAILURES; i++)
		breaker_failed(&breaker, false, now_us, 1);
	return breaker;
}

static void after_a_pause_one_probe_goes_out(void **state)
{
	(void)state;
	struct breaker breaker = opened_at(1000);
	assert_in_range(breaker.again_us, 1000 + BREAKER_PAUSE_US * 3 / 4, 1000 + BREAKER_PAUSE_US * 5 / 4);
	assert_false(breaker_admits(&breaker, breaker.again_us - 1));
	assert_true(breaker_admits(&breaker, breaker.again_us));
	assert_false(breaker_admits(&breaker, breaker.again_us + 1));
	breaker_succeeded(&breaker);
	assert_true(breaker_admits(&breaker, 0));
	assert_true(breaker_admits(&breaker, 0));
}

static void a_probe_that_fails_makes_the_pause_longer_up_to_a_bound(void **state)
{
	(void)state;
	struct breaker breaker = opened_at(0);
	int64_t pause_us = breaker.again_us;
	for (int i = 0; i < 100; i++) {
		int64_t now_us = breaker.again_us;
		assert_true(breaker_admits(&breaker, now_us));
		breaker_failed(&breaker, true, now_us, 1);
		assert_true(i > 3 || breaker.again_us - now_us > pause_us);
		pause_us = breaker.again_us - now_us;
		assert_in_range(pause_us, 1, BREAKER_PAUSE_MAX_US * 5 / 4);
	}
}

static void what_was_sent_before_it_opened_says_nothing_new(void **state)
{
	(void)state;
	struct breaker breaker = opened_at(0);
	int64_t again_us = breaker.again_us;
	breaker_failed(&breaker, false, 100, 1);
	assert_int_equal(breaker.again_us, again_us);
}

static void a_probe_that_is_withdrawn_leaves_its_place(void **state)
{
	(void)state;
	struct breaker breaker = opened_at(0);
	assert_true(breaker_admits(&breaker, breaker.again_us));
	breaker_withdraw(&breaker);
	assert_true(breaker_admits(&breaker, breaker.again_us));
}

static void pauses_differ_by_chance(void **state)
{
	(void)state;
	struct breaker one = {.state = BREAKER_CLOSED, .failures = 4}, other = one;
	breaker_failed(&one, false, 0, 1);
	breaker_failed(&other, false, 0, 77777);
	assert_int_not_equal(one.again_us, other.again_us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_failures_in_a_row_open_it),
		cmocka_unit_test(a_row_is_long_beside_what_is_usual_for_the_model),
		cmocka_unit_test(what_is_usual_is_forgotten_when_the_model_answers_again),
		cmocka_unit_test(no_model_is_asked_in_vain_without_end),
		cmocka_unit_test(after_a_pause_one_probe_goes_out),
		cmocka_unit_test(a_probe_that_fails_makes_the_pause_longer_up_to_a_bound),
		cmocka_unit_test(what_was_sent_before_it_opened_says_nothing_new),
		cmocka_unit_test(a_probe_that_is_withdrawn_leaves_its_place),
		cmocka_unit_test(pauses_differ_by_chance),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
