/* dispatch_overload_test.c: calls with a deadline, when more come than their model can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dispatch_servers.h"

#define LANES 8
#define WORK_US 20000 /* so 400 a second */
#define CAPACITY (LANES * SECOND / WORK_US)

static void serve_abreast(void)
{
	servers.model.concurrency_least = servers.model.concurrency_most = LANES;
	servers_begin(1);
	servers.latency_us[0] = WORK_US;
	for (int i = 0; i < LANES; i++)
		servers_ask(1, 1, 0);
	servers_run_for(SECOND); /* by now it is known what a call takes */
	servers.answered = servers.failed = 0;
}

/* So many a second, for so long, each with so much time. */
static void ask_for(size_t rate, int64_t us, int64_t time_ms)
{
	int64_t until_us = servers.now_us + us, pause_us = SECOND / (int64_t)rate;
	while (servers.now_us < until_us) {
		(void)servers_ask(1, 1, servers.now_us / 1000 + time_ms);
		servers_run_for(pause_us);
	}
}

static void ten_times_the_load_is_answered_as_far_as_it_can_be_done(void **state)
{
	(void)state;
	serve_abreast();
	ask_for((size_t)10 * CAPACITY, 10 * (int64_t)SECOND, 500);
	assert_in_range(servers.answered, 9 * CAPACITY, 10 * CAPACITY);
	size_t waiting = dispatch_counts(servers.dispatch).waiting;
	assert_in_range(waiting, 1, CAPACITY / 4 + LANES); /* no more than are answered in half of the time */
	servers_run_for(SECOND);
	servers.answered = servers.failed = 0;
	ask_for(CAPACITY / 2, SECOND, 500);
	servers_run_for(SECOND);
	assert_int_equal(servers.failed, 0);
}

static void who_cannot_be_answered_in_time_hears_so_at_once(void **state)
{
	(void)state;
	serve_abreast();
	for (size_t i = 0; i < LANES + CAPACITY; i++)
		servers_ask(1, 1, 0); /* a second's work in line */
	struct call *hurried = servers_ask(2, 1, servers.now_us / 1000 + 1000);
	struct call *patient = servers_ask(3, 1, servers.now_us / 1000 + 3000);
	servers_run_for(1);
	servers_expect_error(hurried, ERROR_LIMIT, "the model is overloaded");
	servers_run_for(2 * (int64_t)SECOND);
	servers_expect_error(patient, ERROR_NONE, "");
	assert_int_equal(servers.failed, 1);
}

static void without_a_deadline_nobody_is_refused(void **state)
{
	(void)state;
	serve_abreast();
	for (size_t i = 0; i < (size_t)10 * CAPACITY; i++)
		servers_ask(1, 1, 0);
	servers_run_for(11 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 10 * CAPACITY);
}

static void what_no_answer_can_reach_in_time_is_not_sent(void **state)
{
	(void)state;
	serve_abreast();
	for (int i = 0; i < LANES; i++)
		servers_ask(1, 1, 0);
	servers_run_for(WORK_US / 2);
	uint64_t sent = servers.sent[0];
	struct call *late = servers_ask(2, 1, servers.now_us / 1000 + WORK_US / 1000); /* half of that is spent in line */
	servers_ask(3, 1, 0);
	servers_run_for(WORK_US);
	servers_expect_error(late, ERROR_LIMIT, "no time left");
	servers_run_for(SECOND);
	assert_int_equal(servers.sent[0], sent + 1);
}

/* Each hangs for as long as its caller waits, which is less than the model may take. */
static void deadlines_that_are_short_do_not_make_the_model_ill(void **state)
{
	(void)state;
	serve_abreast();
	servers.moods[0] = HANGS;
	for (int i = 0; i < 20; i++) {
		servers_ask(1, 1, servers.now_us / 1000 + WORK_US / 1000);
		servers_run_for(WORK_US * 2);
	}
	assert_int_equal(servers.failed, 20);
	assert_int_equal(servers.last->error.kind, ERROR_LIMIT);
	servers.moods[0] = ANSWERS;
	struct call *call = servers_ask(1, 1, servers.now_us / 1000 + 500);
	servers_run_for(WORK_US + 1);
	servers_expect_error(call, ERROR_NONE, "");
	assert_int_equal(servers.answered, 1);
}

static void a_model_that_hangs_is_still_told_by_calls_that_had_time(void **state)
{
	(void)state;
	serve_abreast();
	servers.moods[0] = HANGS;
	for (int i = 0; i < 6; i++)
		servers_ask(1, 1, servers.now_us / 1000 + 500);
	servers_run_for(SECOND);
	assert_int_equal(servers.failed, 6);
	assert_non_null(dispatch_away(servers.dispatch));
}

/* Ten calls a second, each with less time than the model may take. */
static void ask_briefly_for(int64_t us)
{
	for (int64_t until_us = servers.now_us + us; servers.now_us < until_us; servers_run_for(SECOND / 10))
		(void)servers_ask(1, 1, servers.now_us / 1000 + WORK_US / 1000);
}

/* Nobody has more time: or the breaker would stay closed for ever, and each call wait for its whole deadline. */
static void a_model_that_is_silent_for_seconds_is_ill_however_short_deadlines_are(void **state)
{
	(void)state;
	serve_abreast();
	servers.moods[0] = HANGS;
	ask_briefly_for(4 * (int64_t)SECOND);
	assert_null(dispatch_away(servers.dispatch));
	servers.moods[0] = ANSWERS; /* one call is answered, so it is not silent */
	servers_ask(1, 1, servers.now_us / 1000 + 500);
	servers_run_for(SECOND);
	servers.moods[0] = HANGS;
	ask_briefly_for(4 * (int64_t)SECOND);
	assert_null(dispatch_away(servers.dispatch));
	ask_briefly_for(2 * (int64_t)SECOND);
	assert_non_null(dispatch_away(servers.dispatch));
	const uint64_t sent = servers.sent[0];
	ask_briefly_for(10 * (int64_t)SECOND);
	assert_in_range(servers.sent[0] - sent, 1, 20); /* of a hundred: probes */
	servers.moods[0] = ANSWERS;
	servers_run_for(6 * (int64_t)SECOND); /* longer than any pause of the breaker */
	struct call *call = servers_ask(1, 1, servers.now_us / 1000 + 500);
	servers_run_for(SECOND);
	servers_expect_error(call, ERROR_NONE, "");
}

#define QUICK_US 1000

static void ask_with_ten_seconds(size_t count)
{
	for (size_t i = 0; i < count; i++)
		servers_ask(1, 1, servers.now_us / 1000 + 10000);
}

/* Those in flight then take a tenth of a second once; all are done in half of one. */
static void slow_for_a_moment(size_t rows)
{
	servers.model.concurrency_least = servers.model.concurrency_most = LANES;
	servers.model.batching.rows_most = rows;
	servers_begin(1);
	servers.latency_us[0] = QUICK_US;
	ask_with_ten_seconds(1000 * rows);
	servers_run_for(SECOND);
	servers.latency_us[0] = 100 * QUICK_US;
	ask_with_ten_seconds(2000 * rows);
	servers_run_for(0);
	servers.latency_us[0] = QUICK_US;
	servers_run_for(100 * (int64_t)QUICK_US);
	ask_with_ten_seconds(2000 * rows);
	servers_run_for(10 * (int64_t)SECOND);
	assert_int_equal(servers.failed, 0);
	assert_int_equal(servers.answered, 5000 * rows);
}

static void one_slow_moment_refuses_nobody(void **state)
{
	(void)state;
	slow_for_a_moment(1);
}

static void nor_where_calls_are_merged(void **state)
{
	(void)state;
	slow_for_a_moment(4);
}

/* A quarter of the queue shows it. */
static void a_model_that_becomes_slow_is_found_slow_before_its_queue_ends(void **state)
{
	(void)state;
	serve_abreast();
	for (size_t i = 0; i < 2 * (size_t)CAPACITY; i++)
		servers_ask(1, 1, 0);
	servers_run_for(3 * (int64_t)SECOND);
	servers.latency_us[0] = 10 * (int64_t)WORK_US;
	for (size_t i = 0; i < CAPACITY; i++)
		servers_ask(1, 1, 0);
	struct call *early = servers_ask(1, 1, servers.now_us / 1000 + 6000);
	servers_run_for(25 * (int64_t)SECOND / 10); /* a hundred */
	struct call *refused = servers_ask(1, 1, servers.now_us / 1000 + 6000);
	servers_run_for(1);
	assert_int_equal(early->error.kind, ERROR_NONE);
	servers_expect_error(refused, ERROR_LIMIT, "the model is overloaded");
}

static void a_model_that_is_quick_again_is_found_quick_at_once(void **state)
{
	(void)state;
	serve_abreast();
	servers.latency_us[0] = 10 * (int64_t)WORK_US;
	for (size_t i = 0; i < CAPACITY; i++)
		servers_ask(1, 1, 0);
	servers_run_for(11 * (int64_t)SECOND);
	servers.latency_us[0] = WORK_US;
	for (size_t i = 0; i < 4 * (size_t)LANES; i++)
		servers_ask(1, 1, 0);
	servers_run_for(4 * (int64_t)WORK_US);
	for (size_t i = 0; i < CAPACITY; i++)
		servers_ask(1, 1, 0);
	struct call *call = servers_ask(1, 1, servers.now_us / 1000 + 3000);
	servers_run_for(1);
	assert_int_equal(call->error.kind, ERROR_NONE);
}

/* A model that does one call after the other. It was asked so until now, and then by many at once. */
static void calls_one_at_a_time_show_what_many_take(void **state)
{
	(void)state;
	servers.model.concurrency_least = servers.model.concurrency_most = LANES;
	servers_begin(1);
	servers.latency_us[0] = QUICK_US;
	for (int i = 0; i < 1000; i++) {
		servers_ask(1, 1, 0);
		servers_run_for(QUICK_US);
	}
	assert_int_equal(servers.answered, 1000);
	servers.latency_us[0] = (int64_t)LANES * QUICK_US;
	for (int i = 0; i < 1000; i++)
		servers_ask(1, 1, 0);
	servers_run_for(3 * servers.latency_us[0]); /* three times as many as at once */
	struct call *hurried = servers_ask(1, 1, servers.now_us / 1000 + 900);
	struct call *patient = servers_ask(1, 1, servers.now_us / 1000 + 2500);
	servers_run_for(1);
	servers_expect_error(hurried, ERROR_LIMIT, "the model is overloaded");
	assert_int_equal(patient->error.kind, ERROR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(ten_times_the_load_is_answered_as_far_as_it_can_be_done),
		STORY(who_cannot_be_answered_in_time_hears_so_at_once),
		STORY(without_a_deadline_nobody_is_refused),
		STORY(what_no_answer_can_reach_in_time_is_not_sent),
		STORY(deadlines_that_are_short_do_not_make_the_model_ill),
		STORY(one_slow_moment_refuses_nobody),
		STORY(nor_where_calls_are_merged),
		STORY(a_model_that_becomes_slow_is_found_slow_before_its_queue_ends),
		STORY(a_model_that_is_quick_again_is_found_quick_at_once),
		STORY(calls_one_at_a_time_show_what_many_take),
		STORY(a_model_that_is_silent_for_seconds_is_ill_however_short_deadlines_are),
		STORY(a_model_that_hangs_is_still_told_by_calls_that_had_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
