/* dispatch_test.c: Tests of the queue of calls to one model: their order, their repetition, and the wait for a model that
 * is unreachable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/unit/dispatch_servers.h"

/* ---- the stories: one server ---- */

static void a_call_goes_out_at_once_and_is_answered_once(void **state)
{
	(void)state;
	servers_begin(1);
	servers_ask(1, 1, 0);
	assert_int_equal(servers.flight_count, 1);
	assert_int_equal(servers.answered, 0);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 1);
	assert_int_equal(servers.sent[0], 1);
}

static void the_limit_bounds_what_is_under_way_and_the_rest_goes_in_order(void **state)
{
	(void)state;
	static char names[] = "a\0b\0c\0d\0e";
	servers.model.concurrency_most = 2;
	servers_begin(1);
	for (int i = 0; i < 5; i++)
		servers_ask((float)i, 1, 0)->owner = names + 2 * i;
	servers_run_for(SECOND);
	assert_int_equal(servers.flights_most, 2);
	assert_string_equal(servers.order, "abcde");
}

/* Each waits for those before it: 0, 1 and 2 s. Time in an outage of the model is not among that, nor a second attempt. */
static void what_a_call_waits_for_others_is_told_from_its_model_s_time(void **state)
{
	(void)state;
	const struct call *calls[3];
	servers.model.concurrency_least = servers.model.concurrency_most = 1;
	servers_begin(1);
	servers.latency_us[0] = SECOND;
	for (int i = 0; i < 3; i++)
		calls[i] = servers_ask((float)i, 1, 0);
	servers_run_for(1500000);
	assert_int_equal(dispatch_waited_us(servers.dispatch, calls[2], servers.now_us), 1500000);
	assert_int_equal(dispatch_waited_us(servers.dispatch, calls[1], servers.now_us), SECOND);
	servers_run_for(10 * SECOND);
	for (int i = 0; i < 3; i++)
		assert_int_equal(calls[i]->waited_ms, 1000 * i);
	servers.moods[0] = REFUSES;
	servers_ask(7, 1, 0);
	servers_run_for(10 * SECOND);
	const struct call *kept = servers_ask(8, 1, 0);
	servers_run_for(20 * SECOND);
	assert_int_equal(dispatch_waited_us(servers.dispatch, kept, servers.now_us), 0);
	servers.moods[0] = ANSWERS;
	servers_run_for(120 * SECOND);
	assert_non_null(kept->reply);
	assert_true(kept->waited_ms <= 1000); /* behind the other, once the model is back */
}

/* Of three calls at once, a perturbation takes one, and the others go before those that wait. */
static void perturbations_wait_for_all_other_calls(void **state)
{
	(void)state;
	static char names[] = "a\0b\0c\0d\0e\0f";
	struct model_counts counts = {0};
	servers.model.concurrency_least = servers.model.concurrency_most = 3;
	servers_begin(1);
	servers.config.counts = &counts;
	servers.latency_us[0] = SECOND;
	for (int i = 0; i < 6; i++) {
		struct call *call = servers_make((float)i, 1, ARENA_NEW(servers.arena, struct message));
		struct error error = {0};
		call->owner = names + 2 * i;
		call->once = call->uncached = i < 3;
		assert_true(dispatch_call(servers.dispatch, call, servers.now_us, &error));
		assert_int_equal(servers.flight_count, i < 3 ? 1 : i < 5 ? i - 1 : 3);
		servers_run_for(1000);
	}
	servers_run_for(10 * SECOND);
	assert_string_equal(servers.order, "adefbc");
	assert_int_equal(counts.attempts, 3);
	uint64_t ended = 0;
	for (size_t protocol = 0; protocol < COUNTED_PROTOCOLS; protocol++)
		for (size_t code = 0; code < COUNTED_CODES; code++)
			for (size_t i = 0; i <= DURATION_LIMITS; i++)
				ended += counts.outcomes.ends[protocol][code].buckets[i];
	assert_int_equal(ended, 3);
}

static struct call *perturb(float value)
{
	struct call *call = servers_make(value, 1, ARENA_NEW(servers.arena, struct message));
	struct error error = {0};
	call->once = call->uncached = true;
	assert_true(dispatch_call(servers.dispatch, call, servers.now_us, &error));
	return call;
}

/* Other threads of the process have queues of the same model: what waits there goes before a perturbation here. */
static void perturbations_wait_for_calls_in_other_queues(void **state)
{
	(void)state;
	struct model_demand demand = {0};
	servers.config.demand = &demand;
	servers_begin(1);
	demand.waiting = 3;
	(void)perturb(1);
	servers_run_for(SECOND);
	assert_int_equal(servers.sent[0], 0);
	servers_ask(2, 1, 0); /* it waits for nobody */
	assert_int_equal(servers.sent[0], 1);
	servers_run_for(SECOND);
	assert_int_equal(servers.sent[0], 1);
	demand.waiting = 0;
	servers_run_for(10000);
	assert_int_equal(servers.sent[0], 2);
	assert_int_equal(servers.answered, 2);
}

static void a_queue_declares_the_calls_that_others_wait_for(void **state)
{
	(void)state;
	struct model_demand demand = {0};
	servers.config.demand = &demand;
	servers.model.concurrency_least = servers.model.concurrency_most = 2;
	servers_begin(1);
	servers.latency_us[0] = SECOND;
	(void)perturb(1);
	(void)perturb(2);
	assert_int_equal(demand.waiting, 0);
	struct call *last = NULL;
	for (int i = 0; i < 4; i++)
		last = servers_ask((float)i, 1, 0);
	servers_run_for(1000);
	assert_int_equal(demand.waiting, 3); /* one is sent, beside the perturbation */
	dispatch_forget(servers.dispatch, last);
	assert_int_equal(demand.waiting, 2);
	servers_run_for(SECOND);
	assert_int_equal(demand.waiting, 0);
	servers_ask(5, 1, 0);
	servers_run_for(1000);
	assert_int_equal(demand.waiting, 1);
	dispatch_close(servers.dispatch);
	servers.dispatch = NULL;
	assert_int_equal(demand.waiting, 0);
}

/* What a queue has declared are no calls of others: once they are sent, its perturbations go at once. */
static void perturbations_do_not_wait_for_what_their_own_queue_has_sent(void **state)
{
	(void)state;
	struct model_demand demand = {0};
	servers.config.demand = &demand;
	servers.model.batching = (struct model_batching){.rows_most = 4, .latency_ms = 10};
	servers_begin(1);
	servers.latency_us[0] = SECOND;
	servers_ask(1, 1, 0);
	(void)perturb(2);
	assert_int_equal(demand.waiting, 1);
	while (servers.flight_count == 0)
		assert_true(servers_step(servers.now_us + SECOND));
	assert_int_equal(servers.flight_count, 2);
}

/* A queue of perturbations alone learns no limit: theirs is half of that which other calls have found. */
static void perturbations_keep_to_the_limit_of_the_other_calls(void **state)
{
	(void)state;
	struct model_demand demand = {0};
	servers.config.demand = &demand;
	servers_begin(1);
	servers.latency_us[0] = SECOND;
	demand.limit = 6;
	for (int i = 0; i < 10; i++)
		(void)perturb((float)i);
	assert_int_equal(servers.flight_count, 3);
	servers_run_for(10 * SECOND);
	assert_int_equal(servers.flights_most, 3);
	assert_int_equal(demand.limit, 6);
	servers_ask(11, 1, 0);
	servers_run_for(2 * SECOND);
	assert_int_equal(demand.limit, dispatch_counts(servers.dispatch).limit);
}

static void a_call_says_where_it_is(void **state)
{
	(void)state;
	servers.model.concurrency_most = 1;
	servers_begin(1);
	servers.moods[0] = FAILS;
	struct call *first = servers_ask(1, 1, 0), *second = servers_ask(2, 1, 0);
	assert_int_equal(first->where, CALL_SENT);
	assert_int_equal(second->where, CALL_IN_LINE);
	servers_run_for(1500);
	assert_int_equal(first->where, CALL_PAUSED);
	assert_int_equal(second->where, CALL_SENT);
}

static void a_model_away_for_five_minutes_costs_no_record(void **state)
{
	(void)state;
	const size_t backlog = 100000, in_flight = 8192; /* as many as a worker has at once */
	size_t asked = 0;
	servers_begin(1);
	servers.moods[0] = REFUSES;
	int64_t back_us = servers.now_us + 300 * (int64_t)SECOND;
	for (; asked < in_flight; asked++)
		servers_ask((float)asked, 1, 0);
	servers_run_until(back_us);
	assert_string_equal(dispatch_away(servers.dispatch), "refused");
	assert_int_equal(servers.answered + servers.failed, 0);
	assert_in_range(servers.sent[0] + servers.asked, 1, 500); /* the wait is no storm */
	servers.moods[0] = ANSWERS;
	while (servers.answered < backlog && servers.now_us < back_us + 60 * (int64_t)SECOND) {
		for (; asked < backlog && asked - servers.answered < in_flight; asked++)
			servers_ask((float)asked, 1, 0);
		servers_step(back_us + 60 * (int64_t)SECOND);
	}
	assert_int_equal(servers.answered, backlog);
	assert_int_equal(servers.failed, 0);
}

static void a_proxy_that_says_503_for_five_minutes_costs_few_of_a_backlog(void **state)
{
	(void)state;
	servers_begin(1);
	servers.moods[0] = FAILS;
	for (int i = 0; i < 8192; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(300 * (int64_t)SECOND);
	servers.moods[0] = ANSWERS;
	servers_run_for(60 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 8192);
}

static void a_server_that_fails_everything_is_remote_after_three_tries(void **state)
{
	(void)state;
	servers_begin(1);
	servers.moods[0] = FAILS;
	struct call *call = servers_ask(1, 1, 0);
	servers_run_for(10 * (int64_t)SECOND);
	servers_expect_error(call, ERROR_REMOTE, "m : overloaded (status 503, there); it was tried 3 times");
	assert_int_equal(call->attempts, 3);
	assert_null(dispatch_away(servers.dispatch));
}

static void outage_may_be_a_dead_letter(void **state)
{
	(void)state;
	servers.config.outage_fails = true;
	servers_begin(1);
	servers.moods[0] = REFUSES;
	for (int i = 0; i < 20; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(10 * (int64_t)SECOND);
	assert_int_equal(servers.failed, 20);
	servers_expect_error(servers.last, ERROR_REMOTE, "refused");
	servers_expect_error(servers_ask(1, 1, 0), ERROR_NONE, "");
	servers_run_for(10 * (int64_t)SECOND);
	assert_int_equal(servers.failed, 21);
	assert_int_equal(servers.last->error.kind, ERROR_REMOTE);
}

/* A call of a candidate, in whose place another answers. */
static struct call *ask_hurriedly(float value)
{
	struct error error = {0};
	struct call *call = servers_make(value, 1, ARENA_NEW(servers.arena, struct message));
	call->outage_fails = true;
	assert_true(dispatch_call(servers.dispatch, call, servers.now_us, &error));
	return call;
}

static void a_call_for_which_another_answers_does_not_wait_for_the_model(void **state)
{
	(void)state;
	servers_begin(1);
	servers.moods[0] = REFUSES;
	struct call *patient = servers_ask(100, 1, 0);
	for (int i = 0; i < 40; i++)
		ask_hurriedly((float)i);
	servers_run_for(SECOND / 2);
	assert_int_equal(servers.failed, 40);
	for (int i = 0; i < 40; i++) { /* whatever the breaker does meanwhile */
		servers_run_for(SECOND / 4);
		ask_hurriedly((float)i);
	}
	servers_run_for(SECOND);
	assert_int_equal(servers.failed, 80);
	assert_int_equal(patient->error.kind, ERROR_NONE);
	assert_null(patient->reply);
}

/* While one call finds out whether the model is back, the others do not wait for what it finds. */
static void a_call_for_which_another_answers_does_not_wait_for_a_probe(void **state)
{
	(void)state;
	servers.model.timeout_ms = 1000;
	servers_begin(1);
	servers.moods[0] = HANGS;
	for (int i = 0; i < 8; i++)
		ask_hurriedly((float)i);
	servers_run_for(3 * (int64_t)SECOND);
	assert_int_equal(servers.failed, 8);
	assert_non_null(dispatch_away(servers.dispatch));
	for (int i = 0; i < 200; i++) {
		ask_hurriedly((float)i);
		servers_run_for(SECOND / 20);
		assert_true(servers.failed + 1 >= 8 + (size_t)i); /* it, and one that is asked for all */
	}
}

static void who_cannot_wait_for_the_model_hears_so_before_the_deadline(void **state)
{
	(void)state;
	servers_begin(1);
	servers.moods[0] = REFUSES;
	for (int i = 0; i < 8; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(20 * (int64_t)SECOND); /* by now it is asked every few seconds */
	struct call *call = servers_ask(9, 1, servers.now_us / 1000 + 300);
	servers_run_for(SECOND / 5);
	if (call->error.kind == ERROR_NONE) /* the next probe fell within its time */
		servers_run_for(SECOND);
	servers_expect_error(call, ERROR_REMOTE, "refused");
	assert_int_equal(servers.failed, 1);
}

static void who_paused_when_the_model_went_away_hears_so_before_the_deadline(void **state)
{
	(void)state;
	servers_begin(1);
	servers.moods[0] = FAILS;
	struct call *call = servers_ask(9, 1, servers.now_us / 1000 + 150);
	servers_run_for(1500);
	assert_int_equal(call->where, CALL_PAUSED);
	servers.moods[0] = REFUSES;
	for (int i = 0; i < 5; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(SECOND / 10);
	servers_expect_error(call, ERROR_REMOTE, "refused");
	assert_int_equal(servers.failed, 1);
}

static void a_call_that_is_late_is_never_sent(void **state)
{
	(void)state;
	servers.model.concurrency_most = 1;
	servers_begin(1);
	servers_ask(1, 1, 0);
	struct call *late = servers_ask(2, 1, servers.now_us / 1000 + 1);
	servers.flights[0].due_us += 5000;
	servers_run_for(SECOND);
	servers_expect_error(late, ERROR_LIMIT, "deadline");
	assert_int_equal(servers.sent[0], 1);
}

static void requests_that_break_a_server_that_is_ready_hold_up_nobody(void **state)
{
	(void)state;
	servers_begin(1);
	servers.poison = 666;
	servers.poisoned = SAYS_500;
	for (int i = 0; i < 1000; i++)
		servers_ask(666, 1, 0);
	for (int i = 0; i < 1000; i++)
		servers_ask(1, 1, 0);
	servers_run_for(2 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 1000);
	servers_run_for(300 * (int64_t)SECOND); /* what is repeated is kept to its budget */
	assert_int_equal(servers.failed, 1000);
	assert_int_equal(servers.last->attempts, 3);
}

static void a_server_that_answers_500_and_is_not_ready_is_waited_for(void **state)
{
	(void)state;
	servers_begin(1);
	servers.moods[0] = SAYS_500;
	servers.unready = true;
	for (int i = 0; i < 1000; i++)
		servers_ask((float)i, 1, 0);
	servers_run_for(60 * (int64_t)SECOND);
	assert_int_equal(servers.answered + servers.failed, 0);
	servers.moods[0] = ANSWERS;
	servers.unready = false;
	servers_run_for(60 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 1000);
}

static void a_call_that_kills_the_connection_alone_is_told_from_an_outage(void **state)
{
	(void)state;
	servers_begin(1);
	servers.poison = 666;
	servers.poisoned = LOSES;
	struct call *call = servers_ask(666, 1, 0);
	for (int i = 0; i < 200 && call->error.kind == ERROR_NONE; i++) {
		servers_ask((float)i, 1, 0);
		servers_run_for(SECOND / 10);
	}
	servers_expect_error(call, ERROR_REMOTE, "lost");
	assert_int_equal(servers.failed, 1);
}

/* The others are answered and go; what tells of the model names the one that stays. */
static void the_oldest_call_under_way_is_the_one_without_an_answer(void **state)
{
	(void)state;
	servers_begin(1);
	servers.poison = 7;
	servers.poisoned = HANGS;
	assert_int_equal(dispatch_counts(servers.dispatch).oldest_us, 0);
	servers_ask(1, 1, 0);
	servers_run_for(100000);
	assert_int_equal(dispatch_counts(servers.dispatch).oldest_us, 0);
	const int64_t sent_us = servers.now_us;
	servers_ask(7, 1, 0);
	for (int i = 0; i < 5; i++) {
		servers_run_for(100000);
		servers_ask(1, 1, 0);
	}
	assert_int_equal(dispatch_counts(servers.dispatch).oldest_us, sent_us);
}

static void repetitions_are_kept_to_a_share_of_the_work(void **state)
{
	(void)state;
	servers_begin(1);
	servers.poison = 1;
	servers.poisoned = FAILS;
	for (int i = 0; i < 2000; i++) {
		servers_ask(i % 2 ? 1 : 2, 1, 0); /* every other call fails: no five in a row */
		servers_run_for(1000);
	}
	struct dispatch_counts counts = dispatch_counts(servers.dispatch);
	assert_in_range(counts.repeated, 1, 100 + 2 * 100 + 400); /* to begin with, by time, a fifth of the calls */
	for (int i = 0; i < 20000; i++) {
		servers_ask(2, 1, 0);
		servers_run_for(10000);
	}
	assert_int_equal(servers.failed, 1000); /* later, but none for ever */
}

static void a_forgotten_call_is_never_answered_wherever_it_stands(void **state)
{
	(void)state;
	servers.model.concurrency_most = 1;
	servers_begin(1);
	servers.moods[0] = FAILS;
	struct call *paused = servers_ask(1, 1, 0);
	servers_run_for(1500);
	struct call *sent = servers_ask(2, 1, 0), *waiting = servers_ask(3, 1, 0), *last = servers_ask(4, 1, 0);
	servers.moods[0] = ANSWERS;
	dispatch_forget(servers.dispatch, waiting);
	dispatch_forget(servers.dispatch, sent);
	dispatch_forget(servers.dispatch, paused);
	servers_run_for(SECOND);
	assert_int_equal(servers.answered, 1);
	assert_ptr_equal(servers.last, last);
}

static void a_saturated_server_is_kept_at_its_knee(void **state)
{
	(void)state;
	const int64_t work_us = 2000; /* one at a time */
	servers_begin(1);
	int64_t free_us = servers.now_us;
	size_t asked = 0;
	for (; asked < 400; asked++)
		servers_ask(1, 1, 0);
	for (int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < servers.flight_count; j++)
			if (servers.flights[j].due_us - servers.now_us == servers.latency_us[0]) { /* just sent */
				free_us = (free_us > servers.now_us ? free_us : servers.now_us) + work_us;
				servers.flights[j].due_us = free_us;
			}
		servers_step(INT64_MAX - 1);
		for (; asked < servers.answered + 400; asked++)
			servers_ask(1, 1, 0);
	}
	assert_in_range(dispatch_counts(servers.dispatch).limit, 4, 12);
}

/* ---- several servers ---- */

static void the_faster_of_two_servers_does_more(void **state)
{
	(void)state;
	servers_begin(2);
	servers.latency_us[0] = 1000;
	servers.latency_us[1] = 8000;
	for (int i = 0; i < 2000; i++) {
		servers_ask(1, 1, 0);
		servers_run_for(500);
	}
	assert_true(servers.sent[0] > 3 * servers.sent[1]);
	assert_true(servers.sent[1] > 0);
}

static void a_server_that_is_gone_is_left_out_until_it_says_it_is_ready(void **state)
{
	(void)state;
	servers_begin(2);
	servers.moods[1] = REFUSES;
	for (int i = 0; i < 1000; i++) {
		servers_ask(1, 1, 0);
		servers_run_for(1000);
	}
	assert_int_equal(servers.failed, 0);
	assert_in_range(servers.sent[1], 1, 3);
	assert_true(servers.asked > 0);
	servers_run_for(SECOND);
	servers.moods[1] = ANSWERS;
	uint64_t before = servers.sent[1];
	for (int i = 0; i < 40000; i++) {
		servers_ask(1, 1, 0);
		servers_run_for(1000);
	}
	assert_true(servers.sent[1] > before + 1000);
	assert_int_equal(servers.answered, 41000);
}

static void a_server_that_fails_among_good_ones_costs_no_record(void **state)
{
	(void)state;
	servers_begin(3);
	servers.moods[2] = FAILS;
	for (int i = 0; i < 3000; i++) {
		servers_ask(1, 1, 0);
		servers_run_for(2000);
	}
	servers_run_for(60 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 3000);
	assert_in_range(servers.sent[2], 5, 60);
}

static void a_server_that_hangs_among_good_ones_holds_up_only_what_it_was_given(void **state)
{
	(void)state;
	servers_begin(2);
	servers.moods[1] = HANGS;
	for (int i = 0; i < 5000; i++) {
		servers_ask(1, 1, 0);
		servers_run_for(1000);
	}
	assert_in_range(servers.sent[1], 1, 30);
	assert_true(servers.answered + servers.sent[1] >= 4990);
	assert_null(dispatch_away(servers.dispatch));
	servers_run_for(40 * (int64_t)SECOND);
	assert_int_equal(servers.answered, 5000);
	assert_null(dispatch_away(servers.dispatch));
}

/* ---- what it costs ---- */

#ifndef ARENA_EVERY_ALLOCATION_APART
static void a_warm_dispatch_takes_nothing_from_the_heap(void **state)
{
	(void)state;
	servers_begin(1);
	struct message message = {0};
	for (int i = 0; i < 100; i++)
		servers_ask(1, 1, 0);
	servers_run_for(SECOND);
	struct call *call = servers_make(1, 1, &message);
	uint64_t before = memory_taken();
	for (int i = 0; i < 10; i++) {
		call->error.kind = ERROR_NONE;
		assert_true(dispatch_call(servers.dispatch, call, servers.now_us, &call->error));
		servers_run_for(SECOND);
	}
	assert_int_equal(memory_taken(), before);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_call_goes_out_at_once_and_is_answered_once),
		STORY(the_limit_bounds_what_is_under_way_and_the_rest_goes_in_order),
		STORY(what_a_call_waits_for_others_is_told_from_its_model_s_time),
		STORY(perturbations_wait_for_all_other_calls),
		STORY(perturbations_wait_for_calls_in_other_queues),
		STORY(a_queue_declares_the_calls_that_others_wait_for),
		STORY(perturbations_do_not_wait_for_what_their_own_queue_has_sent),
		STORY(perturbations_keep_to_the_limit_of_the_other_calls),
		STORY(a_call_says_where_it_is),
		STORY(a_model_away_for_five_minutes_costs_no_record),
		STORY(a_proxy_that_says_503_for_five_minutes_costs_few_of_a_backlog),
		STORY(a_server_that_fails_everything_is_remote_after_three_tries),
		STORY(outage_may_be_a_dead_letter),
		STORY(a_call_for_which_another_answers_does_not_wait_for_the_model),
		STORY(a_call_for_which_another_answers_does_not_wait_for_a_probe),
		STORY(who_cannot_wait_for_the_model_hears_so_before_the_deadline),
		STORY(who_paused_when_the_model_went_away_hears_so_before_the_deadline),
		STORY(a_call_that_is_late_is_never_sent),
		STORY(requests_that_break_a_server_that_is_ready_hold_up_nobody),
		STORY(a_server_that_answers_500_and_is_not_ready_is_waited_for),
		STORY(a_call_that_kills_the_connection_alone_is_told_from_an_outage),
		STORY(the_oldest_call_under_way_is_the_one_without_an_answer),
		STORY(repetitions_are_kept_to_a_share_of_the_work),
		STORY(a_forgotten_call_is_never_answered_wherever_it_stands),
		STORY(a_saturated_server_is_kept_at_its_knee),
		STORY(the_faster_of_two_servers_does_more),
		STORY(a_server_that_is_gone_is_left_out_until_it_says_it_is_ready),
		STORY(a_server_that_hangs_among_good_ones_holds_up_only_what_it_was_given),
		STORY(a_server_that_fails_among_good_ones_costs_no_record),
#ifndef ARENA_EVERY_ALLOCATION_APART
		STORY(a_warm_dispatch_takes_nothing_from_the_heap),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
