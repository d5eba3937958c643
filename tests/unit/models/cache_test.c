/* cache_test.c: replies that are used again, kept in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/cache_stand.h"

static void an_equal_request_is_answered_without_the_model(void **state)
{
	(void)state;
	struct call *first = cache_ask(1);
	assert_int_equal(cache_stand.asked_count, 1);
	cache_model_says(11);
	struct call *second = cache_ask(1);
	assert_int_equal(cache_stand.answered, 1); /* not before the caller has returned */
	cache_turn(1);
	assert_int_equal(cache_stand.answered, 2);
	assert_int_equal(cache_stand.asked_count, 0);
	assert_float_equal(cache_said(first), 11, 0);
	assert_float_equal(cache_said(second), 11, 0);
	assert_true(text_is(second->reply->model_name, "m"));
}

/* As after a reload, by which the model may be another. */
static void a_cache_does_not_have_the_replies_of_others_in_its_memory(void **state)
{
	(void)state;
	cache_ask(1);
	cache_model_says(11);
	cache_close(cache_stand.cache);
	cache_stand.cache = NULL;
	struct call *again = cache_ask(1);
	assert_int_equal(cache_stand.asked_count, 1);
	cache_model_says(12);
	assert_float_equal(cache_said(again), 12, 0);
}

static void another_request_is_another(void **state)
{
	(void)state;
	cache_ask(1);
	cache_model_says(11);
	cache_ask(2);
	assert_int_equal(cache_stand.asked_count, 1);
}

static void a_reply_has_its_time(void **state)
{
	(void)state;
	cache_stand.model.cache.ttl_ms = 1;
	cache_ask(1);
	cache_model_says(11);
	usleep(5000);
	cache_turn(1);
	cache_ask(1);
	assert_int_equal(cache_stand.asked_count, 1);
}

static void a_call_gets_no_reply_that_another_keeps_for_longer(void **state)
{
	(void)state;
	cache_ask_kept(1, 60000);
	cache_model_says(11);
	cache_ask_kept(1, 30000);
	assert_int_equal(cache_stand.asked_count, 1);
	cache_model_says(12);
	struct call *again = cache_ask_kept(1, 60000);
	cache_turn(1);
	assert_float_equal(cache_said(again), 11, 0);
}

static void a_calls_own_time_goes_before_the_models(void **state)
{
	(void)state;
	cache_ask_kept(1, 1);
	cache_model_says(11);
	usleep(5000);
	cache_turn(1);
	cache_ask_kept(1, 1);
	assert_int_equal(cache_stand.asked_count, 1);
}

static void a_call_that_keeps_nothing_is_asked_whatever_others_keep(void **state)
{
	(void)state;
	cache_stand.model.cache.ttl_ms = 0;
	cache_ask_kept(1, 60000);
	cache_model_says(11);
	struct call *call = cache_ask(1), *other = cache_ask(1);
	assert_int_equal(cache_stand.asked_count, 2);
	cache_model_says(12);
	assert_float_equal(cache_said(call), 12, 0);
	cache_forget(cache_stand.cache, other);
	assert_int_equal(cache_stand.asked_count, 0);
}

static void a_perturbation_neither_gets_nor_leaves_a_reply(void **state)
{
	(void)state;
	cache_ask(1);
	cache_model_says(11);
	struct call *same = cache_perturb(1), *other = cache_perturb(2), *again = cache_perturb(2);
	assert_int_equal(cache_stand.asked_count, 3); /* also beside an equal one */
	for (int i = 0; i < 3; i++)
		cache_model_says((float)(20 + i));
	assert_float_equal(cache_said(same), 20, 0);
	assert_float_equal(cache_said(other) + cache_said(again), 21 + 22, 0); /* one reply each */
	struct call *call = cache_ask(1);
	cache_turn(1);
	assert_float_equal(cache_said(call), 11, 0);
	cache_ask(2);
	assert_int_equal(cache_stand.asked_count, 1); /* nothing of it was kept */
	cache_model_says(30);
}

static void equal_requests_under_way_are_asked_once(void **state)
{
	(void)state;
	struct call *calls[4];
	for (int i = 0; i < 4; i++)
		calls[i] = cache_ask(1);
	assert_int_equal(cache_stand.asked_count, 1);
	cache_model_says(11);
	assert_int_equal(cache_stand.answered, 4);
	for (int i = 0; i < 4; i++)
		assert_float_equal(cache_said(calls[i]), 11, 0);
}

static void errors_are_told_to_all_and_not_kept(void **state)
{
	(void)state;
	cache_ask(1);
	cache_ask(1);
	cache_model_fails(ERROR_INPUT);
	assert_int_equal(cache_stand.failed, 2);
	cache_ask(1);
	assert_int_equal(cache_stand.asked_count, 1);
}

static void one_calls_own_limit_is_not_the_others(void **state)
{
	(void)state;
	cache_ask(1);
	struct call *second = cache_ask(1);
	cache_model_fails(ERROR_LIMIT);
	assert_int_equal(cache_stand.failed, 1);
	assert_int_equal(cache_stand.asked_count, 1);
	cache_model_says(11);
	assert_float_equal(cache_said(second), 11, 0);
}

/* For a call that cannot wait for its model something else answers, and for others nothing does. */
static void a_call_that_cannot_wait_neither_waits_with_others_nor_ends_them(void **state)
{
	(void)state;
	struct call *patient = cache_ask(1), *hasty = cache_ask_hurriedly(1);
	assert_int_equal(cache_stand.asked_count, 2);
	assert_ptr_equal(cache_stand.asked[1], hasty);
	cache_model_says(11);
	assert_float_equal(cache_said(patient), 11, 0);
	cache_model_fails(ERROR_REMOTE);
	assert_int_equal(cache_stand.failed, 1);
	cache_ask_hurriedly(2);
	patient = cache_ask(2);
	assert_int_equal(cache_stand.asked_count, 1);
	cache_model_fails(ERROR_REMOTE);
	assert_int_equal(cache_stand.failed, 2);
	assert_int_equal(cache_stand.asked_count, 1);
	cache_model_says(12);
	assert_float_equal(cache_said(patient), 12, 0);
}

static void when_the_first_is_forgotten_the_next_asks(void **state)
{
	(void)state;
	struct call *first = cache_ask(1), *second = cache_ask(1), *third = cache_ask(1);
	cache_forget(cache_stand.cache, third);
	cache_forget(cache_stand.cache, first);
	assert_int_equal(cache_stand.asked_count, 1);
	assert_ptr_equal(cache_stand.asked[0], second);
	cache_model_says(11);
	assert_int_equal(cache_stand.answered, 1);
	cache_ask(1);
	struct call *last = cache_ask(2);
	cache_forget(cache_stand.cache, &cache_stand.calls[3]); /* its reply was found, and waits for the turn */
	cache_forget(cache_stand.cache, last);
	cache_turn(2);
	assert_int_equal(cache_stand.answered, 1);
	assert_int_equal(cache_stand.asked_count, 0);
}

static void one_that_is_forgotten_by_anothers_answer_is_not_asked_for(void **state)
{
	(void)state;
	cache_ask(1);
	struct call *second = cache_ask(1), *third = cache_ask(1);
	cache_stand.forgets = second;
	cache_model_says(11);
	assert_int_equal(cache_stand.answered, 2);
	assert_int_equal(cache_stand.asked_count, 0);
	assert_float_equal(cache_said(third), 11, 0);
}

static void the_last_that_waits_may_be_forgotten_by_anothers_failure(void **state)
{
	(void)state;
	cache_ask(1);
	cache_stand.forgets = cache_ask(1);
	cache_model_fails(ERROR_REMOTE);
	assert_int_equal(cache_stand.answered, 1);
	struct call *other = cache_ask(2), *another = cache_ask(3);
	assert_int_equal(cache_stand.asked_count, 2);
	cache_model_says(13); /* to the one, or the other */
	cache_model_says(13);
	assert_int_equal(cache_stand.answered, 3);
	assert_float_equal(cache_said(other) + cache_said(another), 26, 0);
	struct call *again = cache_ask(2);
	cache_turn(1);
	assert_float_equal(cache_said(again), 13, 0);
}

static void on_nothing(void *context)
{
	(void)context;
}

static void who_waits_for_one_that_is_forgotten_is_told_when_there_is_no_memory(void **state)
{
	(void)state;
	struct loop_timer timers[15]; /* one more, and the loop needs memory for it */
	struct call *first = cache_ask(1), *second = cache_ask(1);
	for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
		timers[i] = (struct loop_timer){.due = on_nothing};
		assert_true(loop_timer_set(cache_stand.loop, &timers[i], INT64_MAX, &(struct error){0}));
	}
	cache_stand.no_memory = true;
	memory_fail_at(1);
	cache_forget(cache_stand.cache, first);
	memory_fail_at(0);
	assert_int_equal(cache_stand.answered, 0); /* it is entered by the loop alone */
	cache_turn(1);
	assert_int_equal(cache_stand.failed, 1);
	assert_int_equal(second->error.kind, ERROR_SYSTEM);
	cache_stand.no_memory = false;
	cache_ask(1);
	assert_int_equal(cache_stand.asked_count, 1);
	for (size_t i = 0; i < sizeof timers / sizeof *timers; i++)
		loop_timer_stop(cache_stand.loop, &timers[i]);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, cache_stand_open, cache_stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_equal_request_is_answered_without_the_model),
		STORY(a_cache_does_not_have_the_replies_of_others_in_its_memory),
		STORY(another_request_is_another),
		STORY(a_reply_has_its_time),
		STORY(a_call_gets_no_reply_that_another_keeps_for_longer),
		STORY(a_calls_own_time_goes_before_the_models),
		STORY(a_call_that_keeps_nothing_is_asked_whatever_others_keep),
		STORY(a_perturbation_neither_gets_nor_leaves_a_reply),
		STORY(equal_requests_under_way_are_asked_once),
		STORY(errors_are_told_to_all_and_not_kept),
		STORY(one_calls_own_limit_is_not_the_others),
		STORY(a_call_that_cannot_wait_neither_waits_with_others_nor_ends_them),
		STORY(when_the_first_is_forgotten_the_next_asks),
		STORY(one_that_is_forgotten_by_anothers_answer_is_not_asked_for),
		STORY(the_last_that_waits_may_be_forgotten_by_anothers_failure),
		STORY(who_waits_for_one_that_is_forgotten_is_told_when_there_is_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
