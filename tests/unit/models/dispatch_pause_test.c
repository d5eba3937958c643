/* dispatch_pause_test.c: the process stood still for a while, or worked, and models answered meanwhile: that is not how
 * long they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dispatch_servers.h"
#include "models/calls/concurrency_limit.h"

#define LANES 8
#define WORK_US 20000
#define PAUSE_US (10 * (int64_t)SECOND)

static void serve(size_t replicas)
{
	servers_begin(replicas);
	for (size_t i = 0; i < replicas; i++)
		servers.latency_us[i] = WORK_US;
	servers_warm();
}

static void serve_abreast(void)
{
	servers.model.concurrency_least = servers.model.concurrency_most = LANES;
	serve(1);
}

/* What ends meanwhile is told behind it. */
static void stand_still(int64_t us)
{
	servers.now_us += us;
	dispatch_paused(servers.dispatch, us, servers.now_us);
}

static void ask(size_t count, int64_t time_ms)
{
	int64_t deadline_ms = time_ms > 0 ? servers.now_us / 1000 + time_ms : 0;
	for (size_t i = 0; i < count; i++)
		servers_ask((float)i, 1, deadline_ms);
}

/* 100 are done in a quarter of a second. */
static void nobody_is_refused_for_a_pause(void **state)
{
	(void)state;
	serve_abreast();
	ask(LANES, 0);
	servers_run_for(WORK_US / 2);
	stand_still(PAUSE_US);
	servers_run_for(0);
	ask(100, 1000);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, LANES + 100);
	assert_int_equal(servers.failed, 0);
}

/* Nothing is known yet that a call could be said to take as usual. */
static void nor_where_it_falls_upon_the_first_calls(void **state)
{
	(void)state;
	servers.model.concurrency_least = servers.model.concurrency_most = LANES;
	servers_begin(1);
	servers.latency_us[0] = WORK_US;
	ask(LANES, 0);
	servers_run_for(WORK_US / 2);
	stand_still(PAUSE_US);
	servers_run_for(0);
	ask(100, 1000);
	servers_run_for(SECOND);
	assert_int_equal(servers.failed, 0);
}

/* For a second before it, so it does take a second. */
static void a_model_that_was_slow_already_is_found_slow(void **state)
{
	(void)state;
	serve_abreast();
	servers.latency_us[0] = SECOND + WORK_US;
	for (int i = 0; i < 4; i++) {
		ask(LANES, 0);
		servers_run_for(SECOND);
		stand_still(PAUSE_US);
		servers_run_for(0);
	}
	ask(100, 1500);
	struct call *refused = servers_ask(1, 1, servers.now_us / 1000 + 1500);
	servers_run_for(1);
	servers_expect_error(refused, ERROR_LIMIT, "the model is overloaded");
}

static void a_deadline_that_passes_in_a_pause_has_passed(void **state)
{
	(void)state;
	serve_abreast();
	ask(LANES, 0);
	struct call *late = servers_ask(1, 1, servers.now_us / 1000 + 500);
	uint64_t sent = servers.sent[0];
	stand_still(PAUSE_US);
	servers_run_for(SECOND);
	servers_expect_error(late, ERROR_LIMIT, "no time left");
	assert_int_equal(servers.sent[0], sent);
}

static void the_pace_is_kept_through_a_pause(void **state)
{
	(void)state;
	serve(1);
	ask(500, 0);
	servers_run_for(SECOND);
	size_t limit = dispatch_counts(servers.dispatch).limit;
	assert_true(limit > 16); /* it has grown from where it began */
	ask(limit + 1, 0);
	servers_run_for(WORK_US / 2);
	stand_still(2 * (int64_t)SECOND); /* not so long that the least time would be looked for anew */
	servers_run_for(0);
	assert_true(dispatch_counts(servers.dispatch).limit >= limit);
}

/* The other has nothing to do, so it is not the model that is silent. */
static void no_server_is_left_out_or_asked_for_a_pause(void **state)
{
	(void)state;
	serve(2);
	ask(1, 0);
	assert_int_equal(servers.sent[0] + servers.sent[1], 1);
	stand_still(PAUSE_US);
	dispatch_turn(servers.dispatch, servers.now_us); /* our own time comes before their answer */
	servers_run_for(SECOND);
	assert_int_equal(servers.asked, 0);
	assert_int_equal(servers.withdrawn, 0);
	assert_int_equal(servers.answered, 1);
	ask(40, 0);
	servers_run_for(SECOND);
	assert_int_equal(servers.asked, 0); /* nor is one of them an outlier by what it took */
	assert_true(servers.sent[0] > 5 && servers.sent[1] > 5);
}

static void a_server_that_hangs_is_found_by_the_time_that_we_ran(void **state)
{
	(void)state;
	serve(2);
	servers.moods[1] = HANGS;
	ask(10, 0);
	servers_run_for(SECOND / 10);
	stand_still(PAUSE_US);
	servers_run_for(0);
	assert_int_equal(servers.withdrawn, 0);
	servers_run_for(SECOND / 2);
	assert_int_equal(servers.withdrawn, servers.sent[1]);
	assert_int_equal(servers.answered, 10);
}

static void time_outs_of_a_pause_do_not_make_the_model_ill(void **state)
{
	(void)state;
	servers.model.timeout_ms = 5000;
	serve_abreast();
	servers.moods[0] = HANGS;
	ask(LANES, 0);
	servers_run_for(2 * (int64_t)SECOND);
	stand_still(PAUSE_US);
	servers.latency_us[0] = 0;
	servers_run_for(0);
	assert_null(dispatch_away(servers.dispatch));
	servers.moods[0] = ANSWERS;
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, LANES);
	assert_int_equal(servers.last->attempts, 2);
}

static void a_model_that_hung_before_the_pause_is_ill(void **state)
{
	(void)state;
	servers.model.timeout_ms = 5000;
	serve_abreast();
	servers.moods[0] = HANGS;
	ask(LANES, 0);
	servers_run_for(3 * (int64_t)SECOND);
	stand_still(2 * (int64_t)SECOND);
	servers_run_for(0);
	assert_non_null(dispatch_away(servers.dispatch));
}

#define QUICK_US 1000
#define TURN_US 50000 /* of an engine that takes in a backlog, on a busy machine */

/* All 8,000 are done in a second, by 8 at once. */
static void nobody_is_refused_for_our_own_work(void **state)
{
	(void)state;
	serve(1);
	servers.latency_us[0] = QUICK_US;
	servers_warm();
	for (int turn = 0; turn < 16; turn++) {
		ask(500, 10000);
		servers_work_for(TURN_US);
	}
	servers_run_for(10 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 8000);
	assert_int_equal(servers.failed, 0);
}

static void nor_are_fewer_called_at_once_for_it(void **state)
{
	(void)state;
	serve(1);
	servers.latency_us[0] = QUICK_US;
	servers_warm();
	size_t limit = dispatch_counts(servers.dispatch).limit;
	ask(2000, 0);
	for (int turn = 0; turn < 30; turn++)
		servers_work_for(TURN_US);
	assert_true(dispatch_counts(servers.dispatch).limit > limit);
}

/* 400 are done in 25 milliseconds. */
static void first_calls_beside_much_work_tell_nothing(void **state)
{
	(void)state;
	servers_begin(1);
	servers.latency_us[0] = QUICK_US;
	ask(CONCURRENCY_START, 0);
	servers_work_for(TURN_US);
	ask(400, 1000);
	servers_run_for(SECOND);
	assert_int_equal(servers.failed, 0);
}

static void nor_do_many_of_them_hide_that_the_model_is_slow(void **state)
{
	(void)state;
	servers.model.concurrency_least = servers.model.concurrency_most = LANES;
	servers_begin(1);
	servers.latency_us[0] = QUICK_US;
	for (int turn = 0; turn < 30; turn++) {
		ask(LANES, 0);
		servers_work_for(TURN_US);
	}
	servers.latency_us[0] = SECOND;
	ask(LANES, 0);
	servers_run_for(SECOND);
	ask((size_t)100 * LANES, 0);
	struct call *refused = servers_ask(1, 1, servers.now_us / 1000 + 100000);
	servers_run_for(1);
	servers_expect_error(refused, ERROR_LIMIT, "the model is overloaded");
}

/* They were sent towards the end of that work, and took a millisecond in all. */
static void first_calls_beside_work_take_no_longer_than_until_they_are_read(void **state)
{
	(void)state;
	servers.model.concurrency_least = servers.model.concurrency_most = LANES;
	servers_begin(1);
	servers.latency_us[0] = QUICK_US;
	servers.busy_us = TURN_US;
	ask(LANES, 0);
	servers_run_for(QUICK_US);
	ask((size_t)1000 * LANES, 0);
	struct call *refused = servers_ask(1, 1, servers.now_us / 1000 + 1500);
	servers_run_for(1);
	servers_expect_error(refused, ERROR_LIMIT, "the model is overloaded");
}

/* What they take is the model's, but for the last turn. */
static void a_slow_model_is_found_slow_beside_our_own_work(void **state)
{
	(void)state;
	servers.model.concurrency_least = servers.model.concurrency_most = LANES;
	servers_begin(1);
	servers.latency_us[0] = SECOND;
	ask((size_t)4 * LANES, 0);
	for (int turn = 0; turn < 100; turn++)
		servers_work_for(TURN_US);
	assert_int_equal(servers.answered, 4 * LANES);
	ask(100, 0);
	struct call *refused = servers_ask(1, 1, servers.now_us / 1000 + 15000);
	struct call *patient = servers_ask(1, 1, servers.now_us / 1000 + 30000);
	servers_run_for(1);
	servers_expect_error(refused, ERROR_LIMIT, "the model is overloaded");
	assert_int_equal(patient->error.kind, ERROR_NONE);
}

static void no_time_is_below_nothing(void **state)
{
	(void)state;
	struct queued_call before = {.at_us = 1000}, within = {.at_us = 5000};
	queued_call_paused(&before, 8000, 10000);
	queued_call_paused(&within, 8000, 10000);
	assert_int_equal(before.at_us, 9000);
	assert_int_equal(before.paused_us, 8000);
	assert_int_equal(within.at_us, 10000);
	assert_int_equal(within.paused_us, 5000);
	assert_true(queued_call_lay_still(&before, 10000));
	assert_false(queued_call_lay_still(&before, 17000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(nobody_is_refused_for_a_pause),
		STORY(nor_where_it_falls_upon_the_first_calls),
		STORY(a_model_that_was_slow_already_is_found_slow),
		STORY(a_deadline_that_passes_in_a_pause_has_passed),
		STORY(the_pace_is_kept_through_a_pause),
		STORY(no_server_is_left_out_or_asked_for_a_pause),
		STORY(a_server_that_hangs_is_found_by_the_time_that_we_ran),
		STORY(time_outs_of_a_pause_do_not_make_the_model_ill),
		STORY(a_model_that_hung_before_the_pause_is_ill),
		STORY(nobody_is_refused_for_our_own_work),
		STORY(nor_are_fewer_called_at_once_for_it),
		STORY(first_calls_beside_much_work_tell_nothing),
		STORY(nor_do_many_of_them_hide_that_the_model_is_slow),
		STORY(first_calls_beside_work_take_no_longer_than_until_they_are_read),
		STORY(a_slow_model_is_found_slow_beside_our_own_work),
		cmocka_unit_test(no_time_is_below_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
