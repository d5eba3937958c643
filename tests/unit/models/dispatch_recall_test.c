/* dispatch_recall_test.c: Recall of calls that a server was given and does not answer, while other servers of
 * its model do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dispatch_servers.h"
#include "models/calls/health.h"

static void what_a_hung_server_was_given_goes_to_another(void **state)
{
	(void)state;
	servers_begin(2);
	servers_warm();
	servers.moods[1] = HANGS;
	for (int i = 0; i < 5000; i++) {
		servers_ask((float)i, 1, 0);
		servers_run_for(1000);
	}
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 5000);
	assert_int_equal(servers.withdrawn, servers.sent[1]);
	assert_in_range(servers.longest_us, 200000, SECOND / 2);
	assert_null(dispatch_away(servers.dispatch));
}

/* The keys of what a server holds wait behind it, so it may be all there is. */
static void it_takes_no_other_call_to_find_a_server_hung(void **state)
{
	(void)state;
	servers_begin(2);
	servers_warm();
	servers.moods[1] = HANGS;
	for (int i = 0; i < 10; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(SECOND);
	assert_true(servers.sent[1] > 0);
	assert_int_equal(servers.answered, 10);
	assert_in_range(servers.longest_us, 200000, SECOND / 2);
}

static void two_of_three_that_hang_give_back_what_they_hold(void **state)
{
	(void)state;
	servers_begin(3);
	servers_warm();
	servers.moods[0] = servers.moods[2] = HANGS;
	for (int i = 0; i < 60; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(2 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 60);
	assert_in_range(servers.longest_us, 200000, SECOND);
}

static void the_only_server_keeps_what_it_was_given(void **state)
{
	(void)state;
	servers_begin(1);
	servers_warm();
	servers.moods[0] = HANGS;
	struct call *call = servers_ask(1, 1, 0);
	servers_run_for(29 * (int64_t)SECOND);
	assert_int_equal(servers.sent[0], 1);
	servers_run_for(90 * (int64_t)SECOND);
	assert_int_equal(servers.withdrawn, 0);
	servers_expect_error(call, ERROR_REMOTE, "no answer within 30000 ms (there); it was tried 3 times");
}

static void servers_that_all_become_slow_keep_what_they_were_given(void **state)
{
	(void)state;
	servers_begin(2);
	servers_warm();
	servers.latency_us[0] = servers.latency_us[1] = 5 * (int64_t)SECOND;
	for (int i = 0; i < 10; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(6 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 10);
	assert_int_equal(servers.withdrawn, 0);
}

static void what_a_server_that_is_left_out_will_soon_answer_stays_with_it(void **state)
{
	(void)state;
	servers_begin(2);
	servers_warm();
	servers.latency_us[1] = 150000;
	while (servers.sent[1] < 4)
		servers_ask(1, 1, 0);
	for (size_t i = 0; i < servers.flight_count; i++)
		if (servers.flights[i].queued_call->replica == 1) {
			servers.flights[i].due_us = servers.now_us; /* one is refused, which leaves it out */
			break;
		}
	servers.moods[1] = REFUSES;
	servers_step(servers.now_us);
	servers.moods[1] = ANSWERS;
	servers_run_for(SECOND);
	assert_int_equal(servers.withdrawn, 0);
	assert_int_equal(servers.failed, 0);
}

static void a_recalled_call_keeps_its_deadline(void **state)
{
	(void)state;
	servers_begin(2);
	servers_warm();
	servers.moods[1] = HANGS;
	struct call *calls[10];
	for (int i = 0; i < 10; i++)
		calls[i] = servers_ask((float)i, 1, servers.now_us / 1000 + (i % 2 ? 600 : 100));
	servers_run_for(SECOND);
	assert_in_range(servers.failed, 1, 5);
	assert_int_equal(servers.answered + servers.failed, 10);
	for (int i = 0; i < 10; i++)
		if (calls[i]->error.kind != ERROR_NONE || i % 2)
			servers_expect_error(calls[i], i % 2 ? ERROR_NONE : ERROR_LIMIT, i % 2 ? "" : "deadline");
}

static void a_copy_is_not_sent_a_second_time(void **state)
{
	(void)state;
	struct error error = {0};
	servers_begin(2);
	servers_warm();
	servers.moods[1] = HANGS;
	struct message message = {0};
	while (servers.sent[1] == 0) {
		struct call *copy = servers_make(1, 1, &message);
		copy->once = true;
		assert_true(dispatch_call(servers.dispatch, copy, servers.now_us, &error));
	}
	servers_run_for(40 * (int64_t)SECOND);
	assert_int_equal(servers.withdrawn, 0);
	assert_int_equal(servers.failed, 1);
	assert_int_equal(servers.last->attempts, 1);
}

/* What makes each server hang that gets it must not go through them all, again and again. */
static void a_call_is_recalled_twice_at_most(void **state)
{
	(void)state;
	servers_begin(3);
	servers_warm();
	servers.poison = 666;
	servers.poisoned = HANGS;
	struct call *call = servers_ask(666, 1, 0);
	for (int i = 0; i < 25000; i++) {
		servers_ask(1, 1, 0);
		servers_run_for(1000);
	}
	assert_int_equal(servers.withdrawn, 2);
	assert_int_equal(servers.answered, 25000);
	assert_int_equal(call->attempts, 0);
	servers_run_for(100 * (int64_t)SECOND);
	servers_expect_error(call, ERROR_REMOTE, "no answer within 30000 ms (there); it was tried 3 times");
}

static void a_recall_takes_nothing_of_what_repetitions_may_cost(void **state)
{
	(void)state;
	servers.model.concurrency_least = servers.model.concurrency_most = 400;
	servers_begin(2);
	servers_warm();
	servers.moods[1] = HANGS;
	for (int i = 0; i < 400; i++) /* more than are saved up */
		servers_ask((float)i, 1, 0);
	assert_in_range(servers.sent[1], 100, 300);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 400);
	assert_in_range(servers.longest_us, 200000, SECOND / 2);
	assert_int_equal(dispatch_counts(servers.dispatch).repeated, servers.sent[1]);
}

static void merged_calls_are_recalled_together(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 10};
	servers_begin(2);
	servers_warm();
	servers.moods[1] = HANGS;
	for (int i = 0; i < 200; i++)
		servers_ask((float)i, 1 + i % 3, 0); /* each answer is checked to be its own */
	servers_run_for(SECOND);
	assert_true(servers.sent[1] > 0);
	assert_int_equal(servers.answered, 200);
	assert_in_range(servers.sent[0], 400 / 16, 60);
	assert_in_range(servers.longest_us, 200000, SECOND / 2);
}

static void a_merged_call_of_which_one_is_forgotten_is_recalled_for_the_others(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 10};
	servers_begin(2);
	servers_warm();
	servers.moods[0] = servers.moods[1] = HANGS;
	struct call *calls[16];
	for (int i = 0; i < 16; i++)
		calls[i] = servers_ask((float)i, 1, 0);
	servers_step(servers.now_us);
	assert_int_equal(servers.flight_count, 1);
	servers.moods[servers.flights[0].queued_call->replica == 0] = ANSWERS;
	dispatch_forget(servers.dispatch, calls[3]);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 15);
}

/* Where the one that was asked first hangs, another shows that the model is back. */
static void a_probe_that_hangs_leaves_its_place_to_another(void **state)
{
	(void)state;
	size_t withdrawn = 0;
	servers.model.concurrency_most = 4; /* so that no server fails often enough to be left out */
	for (uint64_t seed = 1; seed < 9; seed++) {
		dispatch_close(servers.dispatch);
		servers.config.seed = seed;
		servers.answered = 0;
		servers.moods[0] = servers.moods[1] = ANSWERS;
		servers_begin(2);
		servers_warm();
		servers.moods[0] = servers.moods[1] = FAILS;
		for (int i = 0; i < 10; i++)
			servers_ask((float)i, 1, 0);
		servers_run_for(SECOND);
		assert_non_null(dispatch_away(servers.dispatch));
		servers.moods[0] = HANGS;
		servers.moods[1] = ANSWERS;
		servers_run_for(10 * (int64_t)SECOND);
		assert_int_equal(servers.answered, 10);
		withdrawn += servers.withdrawn;
	}
	assert_true(withdrawn > 0);
}

/* Why a model is away, by its last reply. */
static void expect_reason(struct attempt attempt, const char *reason)
{
	struct replica one = {.in_flight = 1};
	struct health health;
	health_open(&health, (struct replicas){.count = 1, .items = &one}, 1, 8, 1, 0);
	for (int i = 0; i < BREAKER_FAILURES; i++) {
		one.in_flight = 1;
		(void)health_learn(&health, &attempt, 0, false, (struct health_latency){.us = -1}, false, 0);
	}
	assert_string_equal(health.words, reason);
}

static void the_reason_of_an_outage_has_the_status_and_the_address(void **state)
{
	(void)state;
	expect_reason((struct attempt){.status = 502, .words = TEXT("a page"), .where = "http://m:1"},
		      "a page (status 502, http://m:1)");
	expect_reason((struct attempt){.status = 502, .words = TEXT("a page")}, "a page (status 502)");
	expect_reason((struct attempt){.status = 503, .where = "http://m:1"}, "status 503, http://m:1");
	expect_reason((struct attempt){.end = ATTEMPT_REFUSED, .words = TEXT("connection refused"), .where = "http://m:1"},
		      "connection refused");
}

static void a_probe_that_is_recalled_says_nothing_when_the_model_is_back_meanwhile(void **state)
{
	(void)state;
	struct replica two[2] = {0};
	struct health health;
	health_open(&health, (struct replicas){.count = 2, .items = two}, 1, 8, 1, 0);
	for (int i = 0; i < BREAKER_FAILURES; i++)
		breaker_failed(&health.breaker, false, 0, 0);
	assert_true(breaker_admits(&health.breaker, SECOND));
	two[0].in_flight = 1;
	assert_true(health_recalled(&health, 0, true, SECOND));
	assert_string_equal(health.words, "no answer in time");
	assert_true(breaker_admits(&health.breaker, 3 * (int64_t)SECOND));
	breaker_succeeded(&health.breaker); /* by what was sent before */
	two[0].in_flight = 1;
	assert_false(health_recalled(&health, 0, true, 4 * (int64_t)SECOND));
	assert_int_equal(health.breaker.state, BREAKER_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_a_hung_server_was_given_goes_to_another),
		STORY(it_takes_no_other_call_to_find_a_server_hung),
		STORY(two_of_three_that_hang_give_back_what_they_hold),
		STORY(the_only_server_keeps_what_it_was_given),
		STORY(servers_that_all_become_slow_keep_what_they_were_given),
		STORY(what_a_server_that_is_left_out_will_soon_answer_stays_with_it),
		STORY(a_recalled_call_keeps_its_deadline),
		STORY(a_copy_is_not_sent_a_second_time),
		STORY(a_call_is_recalled_twice_at_most),
		STORY(a_recall_takes_nothing_of_what_repetitions_may_cost),
		STORY(merged_calls_are_recalled_together),
		STORY(a_merged_call_of_which_one_is_forgotten_is_recalled_for_the_others),
		STORY(a_probe_that_hangs_leaves_its_place_to_another),
		cmocka_unit_test(the_reason_of_an_outage_has_the_status_and_the_address),
		STORY(a_probe_that_is_recalled_says_nothing_when_the_model_is_back_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
