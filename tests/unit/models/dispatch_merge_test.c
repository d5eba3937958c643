/* dispatch_merge_test.c: calls of one model that go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dispatch_servers.h"

static void a_lone_call_waits_for_nobody(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	servers_begin(1);
	servers_ask(1, 1, 0);
	servers_step(servers.now_us);
	assert_int_equal(servers.flight_count, 1);
}

/* Else nobody sees that the batches of a model are of one row. */
static void rows_are_counted_of_calls_that_go_alone_too(void **state)
{
	struct model_counts counts = {0};
	uint64_t attempts = 0;
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	servers_begin(1);
	servers.config.counts = &counts;
	servers_ask(1, 1, 0);
	servers_run_for(SECOND);
	servers_ask(2, 3, 0);
	servers_run_for(SECOND);
	for (int i = 0; i < 5; i++)
		servers_ask((float)(10 * i), 1, 0);
	servers_run_for(SECOND);
	for (size_t i = 0; i <= SIZE_LIMITS; i++)
		attempts += counts.batch_rows.buckets[i];
	assert_int_equal(counts.attempts, 3);
	assert_int_equal(attempts, 3);
	assert_int_equal(counts.batch_rows.sum, 1 + 3 + 5);
}

static void rows_are_not_counted_where_no_calls_are_merged(void **state)
{
	struct model_counts counts = {0};
	(void)state;
	servers_begin(1);
	servers.config.counts = &counts;
	servers_ask(1, 3, 0);
	servers_run_for(SECOND);
	assert_int_equal(counts.attempts, 1);
	assert_int_equal(counts.batch_rows.sum, 0);
}

static void calls_that_come_together_go_together_and_come_back_apart(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	servers_begin(1);
	for (int i = 0; i < 5; i++)
		servers_ask((float)(10 * i), 1 + i % 2, 0); /* each answer is checked to be its own */
	servers_run_for(SECOND);
	assert_int_equal(servers.sent[0], 1);
	assert_int_equal(servers.most_rows, 7);
	assert_int_equal(servers.answered, 5);
}

static void no_merged_call_is_larger_than_allowed(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 8, .latency_ms = 10};
	servers_begin(1);
	for (int i = 0; i < 200; i++)
		servers_ask((float)i, 1 + i % 3, 0);
	servers_run_for(5 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 200);
	assert_in_range(servers.most_rows, 6, 8);
	assert_in_range(servers.sent[0], 400 / 8, 100);
}

static void what_does_not_fit_goes_apart(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	servers_begin(1);
	struct parameter parameter = {.name = TEXT("k"), .type = PARAMETER_INTEGER, .value.integer = 1};
	servers_ask(1, 1, 0);
	struct call *other = servers_ask(2, 1, 0);
	((struct payload *)(uintptr_t)other->request)->parameters = (struct parameters){1, &parameter};
	servers_ask(3, 1, 0);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 3);
	assert_int_equal(servers.sent[0], 2);
	assert_int_equal(servers.most_rows, 2);
}

static void a_poisoned_row_fails_alone(void **state)
{
	(void)state;
	static const enum mood moods[] = {SAYS_400, FAILS};
	for (size_t i = 0; i < 2; i++) {
		servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
		servers.answered = servers.failed = 0;
		servers_begin(1);
		servers.poison = 3;
		servers.poisoned = moods[i];
		struct call *poisoned = NULL;
		for (int j = 0; j < 5; j++) {
			struct call *call = servers_ask((float)j, 1, 0);
			poisoned = j == 3 ? call : poisoned;
		}
		servers_run_for(10 * (int64_t)SECOND);
		assert_int_equal(servers.answered, 4);
		assert_int_equal(poisoned->error.kind, i == 0 ? ERROR_INPUT : ERROR_REMOTE);
		if (i == 0)
			dispatch_close(servers.dispatch);
	}
}

static void a_reply_without_rows_is_nobodys_and_merging_ends(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	servers_begin(1);
	servers.moods[0] = ANSWERS_WITHOUT_ROWS;
	for (int i = 0; i < 4; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 4);
	assert_int_equal(servers.sent[0], 1 + 4);
	servers_ask(1, 1, 0);
	servers_ask(2, 1, 0);
	servers_run_for(SECOND);
	assert_int_equal(servers.sent[0], 5 + 2);
}

static void a_member_that_is_forgotten_leaves_the_others(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 16, .latency_ms = 100};
	servers_begin(1);
	struct call *calls[3];
	for (int i = 0; i < 3; i++)
		calls[i] = servers_ask((float)i, 1, 0);
	servers_step(servers.now_us);
	assert_int_equal(servers.flight_count, 1);
	dispatch_forget(servers.dispatch, calls[1]);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 2);
	for (int i = 0; i < 3; i++)
		calls[i] = servers_ask((float)i, 1, 0);
	servers_step(servers.now_us);
	for (int i = 0; i < 3; i++)
		dispatch_forget(servers.dispatch, calls[i]);
	assert_int_equal(servers.flight_count, 0);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 2);
}

static void a_merged_call_survives_an_outage_of_its_model(void **state)
{
	(void)state;
	servers.model.batching = (struct model_batching){.rows_most = 64, .latency_ms = 10};
	servers_begin(2);
	servers.moods[0] = servers.moods[1] = REFUSES;
	for (int i = 0; i < 3000; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(60 * (int64_t)SECOND);
	assert_int_equal(servers.answered + servers.failed, 0);
	servers.moods[0] = servers.moods[1] = ANSWERS;
	servers_run_for(60 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 3000);
}

/* It would turn without end: there is nothing to do before the others have come. */
static void who_waits_for_others_behind_an_open_breaker_is_not_due_before(void **state)
{
	(void)state;
	size_t steps = 0;
	servers.model.batching = (struct model_batching){.rows_most = 8, .latency_ms = 50};
	servers.has_readiness = false;
	servers.poison = 666;
	servers.poisoned = HANGS;
	servers_begin(1);
	for (int i = 0; i < 400; i++) /* so many that it pays to wait for others */
		servers_ask(1, 1, 0);
	servers_run_for(SECOND);
	servers_ask(666, 1, 0);
	servers_run_for(SECOND / 10);
	servers.moods[0] = FAILS;
	while (!dispatch_away(servers.dispatch)) {
		servers_ask(1, 1, 0);
		servers_ask(1, 1, 0);
		servers_run_for(SECOND / 10);
	}
	servers_run_for(4 * (int64_t)SECOND); /* those that waited have been tried since */
	assert_non_null(dispatch_away(servers.dispatch));
	int64_t again_us = dispatch_due_us(servers.dispatch, servers.now_us);
	servers_run_until(again_us - 5000);
	servers_ask(1, 1, 0);
	while (servers_step(again_us + SECOND / 10))
		assert_in_range(++steps, 0, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_lone_call_waits_for_nobody),
		STORY(rows_are_counted_of_calls_that_go_alone_too),
		STORY(rows_are_not_counted_where_no_calls_are_merged),
		STORY(calls_that_come_together_go_together_and_come_back_apart),
		STORY(no_merged_call_is_larger_than_allowed),
		STORY(what_does_not_fit_goes_apart),
		STORY(a_poisoned_row_fails_alone),
		STORY(a_reply_without_rows_is_nobodys_and_merging_ends),
		STORY(a_member_that_is_forgotten_leaves_the_others),
		STORY(a_merged_call_survives_an_outage_of_its_model),
		STORY(who_waits_for_others_behind_an_open_breaker_is_not_due_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
