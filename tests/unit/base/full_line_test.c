/* full_line_test.c: Tests of which waits in the line of a model are of its own making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/dispatch_servers.h"

#include <cmocka.h>

/* Asks by a request that was written so long ago. */
static const struct call *ask_aged(int64_t age_us)
{
	struct message *message = ARENA_NEW(servers.arena, struct message);
	struct error error = {0};
	message->written_ms = (servers.now_us - age_us) / 1000;
	struct call *call = servers_make(1, 1, message);
	assert_true(dispatch_call(servers.dispatch, call, servers.now_us, &error));
	return call;
}

/* 100 calls a second; returns the last. The first one's request has just been written, and that of each is older than the one
 * before by so much. The model takes one at a time. */
static const struct call *ask_later_and_later(int calls, int64_t step_us)
{
	const struct call *last = NULL;
	for (int i = 0; i < calls; i++) {
		last = ask_aged(i * step_us);
		servers_run_for(10000);
	}
	return last;
}

static const struct call *ask_steadily(int calls)
{
	return ask_later_and_later(calls, 0);
}

/* What came in an outage of 2.5 s is taken at once. */
static void ask_backlog(void)
{
	for (int i = 0; i < 250; i++)
		(void)ask_aged(2500000 - i * 10000);
}

static void model_begin(int64_t latency_us)
{
	servers.model.concurrency_least = servers.model.concurrency_most = 1;
	servers.latency_us[0] = latency_us;
	servers_begin(1);
}

/* Of 100 calls a second the model takes 50, so that at t a call waits for t. The first 5 s may be a peak: of a wait from 4 s until
 * 8 s only the first is not the model's own. */
static void what_calls_wait_since_their_model_takes_too_few_is_its_own(void **state)
{
	(void)state;
	model_begin(20000);
	for (int i = 0; i < 2; i++) {
		const struct call *peak = ask_steadily(400), *last = ask_steadily(400);
		servers_run_for(30 * SECOND);
		assert_in_range(peak->waited_ms, 950, 1050);
		assert_int_equal(last->waited_ms, 0);
		const struct call *after = ask_steadily(1); /* the line has had room */
		servers_run_for(SECOND);
		assert_int_equal(after->waited_ms, 0);
	}
}

/* The model has 8 ms for each, so what comes loads it to 80%: at t a call waits for 2 s - t / 5, behind the backlog. */
static void what_calls_wait_for_a_backlog_is_not_their_model_s_own(void **state)
{
	(void)state;
	model_begin(8000);
	ask_backlog();
	const struct call *soon = ask_steadily(100), *later = ask_steadily(600);
	servers_run_for(30 * SECOND);
	assert_in_range(soon->waited_ms, 1750, 1850);
	assert_in_range(later->waited_ms, 550, 650);
	servers.latency_us[0] = 20000; /* the backlog is over: its allowance is, too */
	const struct call *last = ask_steadily(800);
	servers_run_for(30 * SECOND);
	assert_non_null(last->reply);
	assert_int_equal(last->waited_ms, 0);
}

/* While the line is as long as it may be, the engine takes requests later and later. */
static void what_was_written_since_the_line_is_full_is_no_backlog(void **state)
{
	(void)state;
	model_begin(20000);
	const struct call *last = ask_later_and_later(1000, 9000);
	servers_run_for(30 * SECOND);
	assert_int_equal(last->waited_ms, 0);
}

/* With 20 ms for each it never catches up: at t a call waits for 5 s + t. Ten times the age of the backlog is its allowance, so of
 * a wait from 15 s until 35 s the first 10 s are the backlog's. */
static void a_model_that_never_catches_up_with_a_backlog_takes_too_few(void **state)
{
	(void)state;
	model_begin(20000);
	ask_backlog();
	const struct call *soon = ask_steadily(500), *later = ask_steadily(1000), *last = ask_steadily(1200);
	servers_run_for(60 * SECOND);
	assert_in_range(soon->waited_ms, 9900, 10100);
	assert_in_range(later->waited_ms, 9900, 10100);
	assert_int_equal(last->waited_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_calls_wait_since_their_model_takes_too_few_is_its_own),
		STORY(what_calls_wait_for_a_backlog_is_not_their_model_s_own),
		STORY(what_was_written_since_the_line_is_full_is_no_backlog),
		STORY(a_model_that_never_catches_up_with_a_backlog_takes_too_few),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
