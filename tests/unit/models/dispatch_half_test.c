/* dispatch_half_test.c: models that fail a part of what they get and answer the rest: they are not away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dispatch_servers.h"
#include "models/calls/retry_budget.h"

#define CALLS 3000
#define HALF 500 /* in a thousand */
#define GOOD 1
#define BAD 2

static struct call *calls[CALLS];

/* One each `gap_us`, with so long until its deadline; 0: none. Every other one is bad. */
static void ask_all(int64_t gap_us, int64_t time_ms)
{
	for (size_t i = 0; i < CALLS; i++) {
		calls[i] = servers_ask(i % 2 ? BAD : GOOD, 1, time_ms ? servers.now_us / 1000 + time_ms : 0);
		if (gap_us > 0)
			servers_run_for(gap_us);
	}
}

static void expect_all_tries_of_what_failed(void)
{
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i]->error.kind != ERROR_NONE)
			servers_expect_error(calls[i], ERROR_REMOTE, "it was tried 3 times");
}

static void expect_repetitions_within_their_budget(int64_t us)
{
	int64_t most = BUDGET_MOST + (us / SECOND + 1) * BUDGET_A_SECOND + CALLS * BUDGET_SHARE / BUDGET_COST;
	assert_in_range(dispatch_counts(servers.dispatch).repeated, 1, most);
}

static void begin_where_bad_calls_fail(void)
{
	servers.poison = BAD;
	servers.poisoned = FAILS;
	servers_begin(1);
}

static void calls_that_always_fail_keep_no_other_from_its_answer(void **state)
{
	(void)state;
	begin_where_bad_calls_fail();
	ask_all(0, 10000);
	servers_run_for(5 * (int64_t)SECOND);
	assert_int_equal(servers.answered, CALLS / 2);
	expect_repetitions_within_their_budget(5 * (int64_t)SECOND);
}

static void calls_that_always_fail_end_after_their_tries(void **state)
{
	(void)state;
	begin_where_bad_calls_fail();
	ask_all(10000, 2000);
	servers_run_for(2 * (int64_t)SECOND);
	assert_int_equal(servers.answered, CALLS / 2);
	assert_int_equal(servers.failed, CALLS / 2);
	expect_all_tries_of_what_failed();
	expect_repetitions_within_their_budget((CALLS / 100 + 2) * (int64_t)SECOND);
}

/* Of 3,000 an eighth is to be expected, 375, and the deviation of that is 18. */
static void chance_that_fails_every_other_attempt_costs_who_meets_it_three_times(void **state)
{
	(void)state;
	servers_begin(1);
	servers.fail_in_thousand[0] = HALF;
	ask_all(20000, 2000);
	servers_run_for(2 * (int64_t)SECOND);
	assert_int_equal(servers.answered + servers.failed, CALLS);
	assert_in_range(servers.failed, 375 - 4 * 18, 375 + 4 * 18);
	expect_all_tries_of_what_failed();
}

static void a_model_that_failed_half_and_then_goes_away_is_away(void **state)
{
	(void)state;
	servers_begin(1);
	servers.fail_in_thousand[0] = HALF;
	ask_all(20000, 0);
	assert_null(dispatch_away(servers.dispatch));
	servers.moods[0] = FAILS;
	uint64_t sent = servers.sent[0];
	for (size_t i = 0; i < 500; i++)
		servers_ask(GOOD, 1, 0);
	servers_run_for(300 * (int64_t)SECOND);
	assert_non_null(dispatch_away(servers.dispatch));
	assert_in_range(servers.sent[0] - sent, 1, 400); /* at most a hundred until then, and one each few seconds */
	servers.moods[0] = ANSWERS;
	servers.fail_in_thousand[0] = 0;
	servers_run_for(60 * (int64_t)SECOND);
	assert_null(dispatch_away(servers.dispatch));
}

static void a_server_that_fails_half_beside_a_good_one_costs_no_call(void **state)
{
	(void)state;
	servers_begin(2);
	servers.fail_in_thousand[0] = HALF;
	ask_all(10000, 2000);
	servers_run_for(2 * (int64_t)SECOND);
	assert_int_equal(servers.answered, CALLS);
	assert_in_range(servers.sent[0], CALLS / 10, CALLS / 2); /* it is asked on, and no more than the other */
	expect_repetitions_within_their_budget((CALLS / 100 + 2) * (int64_t)SECOND);
}

static void a_merged_call_that_fails_goes_to_another_server_in_its_parts(void **state)
{
	(void)state;
	const uint64_t rounds = 20, members = 4;
	servers.model.batching.rows_most = members;
	servers_begin(2);
	servers.moods[1] = FAILS;
	for (uint64_t i = 0; i < rounds * members; i++) {
		servers_ask(GOOD, 1, 0);
		if (i % members == members - 1)
			servers_run_for(SECOND);
	}
	assert_int_equal(servers.answered, rounds * members);
	assert_true(servers.sent[1] > 0);
	assert_int_equal(servers.sent[0], rounds - servers.sent[1] + members * servers.sent[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(calls_that_always_fail_keep_no_other_from_its_answer),
		STORY(calls_that_always_fail_end_after_their_tries),
		STORY(chance_that_fails_every_other_attempt_costs_who_meets_it_three_times),
		STORY(a_model_that_failed_half_and_then_goes_away_is_away),
		STORY(a_server_that_fails_half_beside_a_good_one_costs_no_call),
		STORY(a_merged_call_that_fails_goes_to_another_server_in_its_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
