/* When a model counts as slow. */
#include "monitor/slow_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define S 1000

static struct slow_model model;
static struct model_load load;
static int64_t now_ms, lasted_ms;

static int start(void **state)
{
	(void)state;
	model = (struct slow_model){.since_ms = now_ms = 7 * S};
	load = (struct model_load){0};
	return 0;
}

/* A second: so many calls end, each after `took_us`, and these wait and are in flight at its end. */
static enum slow_news second(uint64_t ended, uint64_t took_us, uint64_t waiting, uint64_t in_flight)
{
	load.calls += ended + waiting + in_flight - load.waiting - load.in_flight;
	load.attempts += ended;
	load.attempts_us += ended * took_us;
	load.waiting = waiting;
	load.in_flight = in_flight;
	return slow_model_look(&model, &load, now_ms += S, &lasted_ms);
}

static enum slow_news window(uint64_t ended, uint64_t took_us, uint64_t waiting, uint64_t in_flight)
{
	assert_int_equal(second(ended, took_us, waiting, in_flight), SLOW_NONE);
	assert_int_equal(second(ended, took_us, waiting, in_flight), SLOW_NONE);
	return second(ended, took_us, waiting, in_flight);
}

static void a_model_is_slow_when_calls_wait_for_more_than_a_second(void **state)
{
	(void)state;
	assert_int_equal(window(100, 19000, 0, 2), SLOW_NONE);
	assert_int_equal(window(16, 190000, 120, 8), SLOW_NONE); /* they did not wait at its begin */
	assert_int_equal(window(16, 512000, 120, 8), SLOW_BEGAN);
	char words[256];
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "512 ms a call (19 ms before), 8 at a time, 120 wait");
	assert_int_equal(window(16, 512000, 300, 8), SLOW_NONE);
	assert_true(model.is_slow);
}

static void the_wait_is_the_calls_that_wait_by_those_that_end(void **state)
{
	(void)state;
	(void)window(100, 1, 100, 1);
	assert_int_equal(window(100, 1, 100, 1), SLOW_NONE); /* a second */
	assert_int_equal(window(100, 1, 101, 1), SLOW_NONE); /* 100 at its begin */
	assert_int_equal(window(100, 1, 101, 1), SLOW_BEGAN);
	assert_int_equal(window(100, 1, 51, 1), SLOW_NONE);
	assert_int_equal(window(100, 1, 50, 1), SLOW_ENDED);
	assert_int_equal(lasted_ms, 2 * SLOW_WINDOW_MS);
	assert_int_equal(window(100, 1, 100, 1), SLOW_NONE);
}

static void a_model_is_slow_when_a_call_takes_many_times_as_long_as_before(void **state)
{
	(void)state;
	(void)window(33, 20000, 0, 1);
	(void)window(0, 0, 0, 1);			      /* a window counts when the next one is over */
	assert_int_equal(window(2, 900000, 0, 1), SLOW_NONE); /* of 99 attempts no mean is known */
	start(state);
	(void)window(34, 20000, 0, 1);
	(void)window(0, 0, 0, 1);
	assert_int_equal(window(1, 199999, 0, 1), SLOW_NONE);
	start(state);
	(void)window(33, 20000, 0, 1);
	(void)second(1, 20000, 0, 1); /* the hundredth */
	(void)second(0, 0, 0, 1);
	(void)second(0, 0, 0, 1);
	(void)window(0, 0, 0, 1);
	assert_int_equal(window(1, 200000, 0, 1), SLOW_BEGAN);
	char words[256];
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "200 ms a call (20 ms before), 1 at a time, 0 wait");
	assert_int_equal(window(1, 100000, 0, 1), SLOW_NONE);
	assert_int_equal(window(1, 99999, 0, 1), SLOW_ENDED);
	start(state);
	(void)window(34, 1000, 0, 1);
	(void)window(0, 0, 0, 1);
	assert_int_equal(window(1, SLOW_TOOK_US - 1, 0, 1), SLOW_NONE); /* too short to matter */
	start(state);
	(void)window(34, 1000, 0, 1);
	(void)window(0, 0, 0, 1);
	assert_int_equal(window(1, SLOW_TOOK_US, 0, 1), SLOW_BEGAN);
}

/* Some calls are answered as ever, and one never is. */
static void a_model_that_answers_only_some_calls_is_slow(void **state)
{
	(void)state;
	char words[256];
	(void)window(50, 20000, 0, 1);
	(void)window(50, 20000, 0, 1);
	load.oldest_us = (uint64_t)now_ms * 1000;
	assert_int_equal(second(50, 20000, 0, 1), SLOW_NONE);
	assert_int_equal(second(50, 20000, 0, 1), SLOW_NONE);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "20 ms a call (20 ms before), but one without a reply for 2000 ms, 1 at a time, 0 wait");
	assert_int_equal(second(50, 20000, 0, 1), SLOW_BEGAN);
	for (int i = 0; i < 9; i++)
		assert_int_equal(second(50, 20000, 0, 1), SLOW_NONE);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "20 ms a call (20 ms before), but one without a reply for 12 s, 1 at a time, 0 wait");
	load.oldest_us = (uint64_t)now_ms * 1000;
	assert_int_equal(window(50, 20000, 0, 1), SLOW_NONE); /* as old as the window */
	load.oldest_us = 0;
	assert_int_equal(window(50, 20000, 0, 0), SLOW_ENDED);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "20 ms a call (20 ms before), 0 at a time, 0 wait");
}

/* A call of 2 s is no sign where calls take 300 ms. */
static void a_call_that_is_open_for_some_times_the_mean_does_not_hang(void **state)
{
	(void)state;
	char words[256];
	(void)window(100, 300000, 0, 1);
	(void)window(100, 300000, 0, 1);
	load.oldest_us = (uint64_t)(now_ms + S) * 1000;
	assert_int_equal(window(100, 300000, 0, 1), SLOW_NONE);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "300 ms a call (300 ms before), 1 at a time, 0 wait");
}

static void a_moment_without_waiting_calls_is_enough(void **state)
{
	(void)state;
	(void)window(10, 1, 1000, 4);
	assert_int_equal(second(10, 1, 1000, 4), SLOW_NONE);
	assert_int_equal(second(10, 1, 0, 4), SLOW_NONE);
	assert_int_equal(second(10, 1, 1000, 4), SLOW_NONE);
	assert_int_equal(window(10, 1, 1000, 4), SLOW_BEGAN);
}

static void a_model_that_is_not_called_is_not_slow(void **state)
{
	(void)state;
	(void)window(10, 1, 1000, 4);
	assert_int_equal(window(0, 1, 1000, 0), SLOW_NONE); /* unreachable: the breaker is open */
	assert_int_equal(window(0, 1, 1000, 0), SLOW_NONE);
}

static void a_model_that_ends_no_call_is_slow(void **state)
{
	(void)state;
	(void)window(0, 0, 5, 4);
	assert_int_equal(window(0, 0, 5, 4), SLOW_BEGAN);
	char words[256];
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "no reply for 5000 ms, 4 calls open, 5 wait");
	assert_int_equal(window(1, 12000000, 5, 4), SLOW_NONE);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "12 s a call, 4 at a time, 5 wait");
	model.took_us = 900;
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "900 us a call, 4 at a time, 5 wait");
	model.took_us = 12000000;
	assert_int_equal(second(0, 0, 5, 4), SLOW_NONE); /* no longer than a call takes */
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "12 s a call, 4 at a time, 5 wait");
}

/* Its server was stopped: nothing comes back, and what came before was quick. */
static void a_model_that_hangs_is_said_not_to_reply(void **state)
{
	char words[256];
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(window(100, 532, 0, 1), SLOW_NONE);
	assert_int_equal(second(50, 128, 0, 5), SLOW_NONE);
	assert_int_equal(second(0, 0, 20, 5), SLOW_NONE);
	assert_int_equal(second(0, 0, 40, 5), SLOW_NONE); /* some have ended in this window */
	assert_int_equal(window(0, 0, 70, 5), SLOW_BEGAN);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "no reply for 5000 ms (532 us a call before), 5 calls open, 70 wait");
	for (int i = 0; i < 2; i++)
		assert_int_equal(window(0, 0, 70, 5), SLOW_NONE);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "no reply for 11 s (532 us a call before), 5 calls open, 70 wait");
	assert_int_equal(second(1, 11000000, 70, 5), SLOW_NONE);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "128 us a call (532 us before), 5 at a time, 70 wait");
}

/* Nobody waits for the one call that is open. */
static void a_call_that_is_open_many_times_as_long_as_before_makes_it_slow(void **state)
{
	char words[256];
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(window(100, 532, 0, 0), SLOW_NONE);
	assert_int_equal(second(0, 0, 0, 1), SLOW_NONE);
	assert_int_equal(second(0, 0, 0, 1), SLOW_NONE);
	assert_int_equal(second(0, 0, 0, 1), SLOW_BEGAN);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "no reply for 2000 ms (532 us a call before), 1 call open, 0 wait");
	start(state);
	for (int i = 0; i < 2; i++)
		assert_int_equal(window(100, 400000, 0, 1), SLOW_NONE);
	assert_int_equal(window(0, 0, 0, 1), SLOW_NONE); /* less than ten times 400 ms */
	assert_int_equal(window(0, 0, 0, 1), SLOW_BEGAN);
}

static void the_call_of_a_probe_is_not_slow(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(window(100, 532, 0, 0), SLOW_NONE);
	load.is_away = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(window(0, 0, 0, 1), SLOW_NONE);
}

/* The engine itself stood still, and has not read what came meanwhile. */
static void a_look_that_comes_late_is_no_silence_of_the_model(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(window(100, 532, 0, 1), SLOW_NONE);
	now_ms += 20 * S;
	assert_int_equal(second(0, 0, 0, 1), SLOW_NONE);
	assert_int_equal(window(100, 532, 0, 1), SLOW_NONE);
}

/* Twenty seconds of an outage, and what gathered meanwhile: calls wait for seconds, and the model is as quick as before. */
static void what_gathered_in_an_outage_makes_no_model_slow(void **state)
{
	(void)state;
	assert_int_equal(window(100, 19000, 0, 2), SLOW_NONE);
	load.is_away = true;
	for (int i = 0; i < 7; i++)
		assert_int_equal(window(0, 0, 900, 1), SLOW_NONE);
	load.is_away = false;
	for (int i = 0; i < 6; i++)
		assert_int_equal(window(100, 19000, 900, 8), SLOW_NONE);
	assert_int_equal(window(100, 19000, 0, 2), SLOW_NONE);
	assert_int_equal(window(100, 19000, 900, 8), SLOW_NONE); /* they did not wait at its begin */
	assert_int_equal(window(100, 19000, 900, 8), SLOW_BEGAN); /* what comes now has nothing to do with the outage */
}

static void waits_after_an_outage_are_excused_for_as_long_as_it_lasted(void **state)
{
	(void)state;
	assert_int_equal(window(100, 19000, 0, 2), SLOW_NONE);
	load.is_away = true;
	for (int i = 0; i < 5; i++)
		assert_int_equal(window(0, 0, 900, 1), SLOW_NONE);
	load.is_away = false;
	for (int i = 0; i < 5; i++)
		assert_int_equal(window(100, 19000, 900, 8), SLOW_NONE);
	assert_int_equal(window(100, 19000, 900, 8), SLOW_BEGAN);
}

/* It has come back, and each call takes many times as long as before: that is no backlog. */
static void a_model_that_is_slower_after_an_outage_is_slow(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(window(100, 19000, 0, 2), SLOW_NONE);
	load.is_away = true;
	assert_int_equal(window(0, 0, 900, 1), SLOW_NONE);
	load.is_away = false;
	assert_int_equal(window(16, 512000, 900, 8), SLOW_BEGAN);
}

/* It has come back after few calls or none, or after calls that hung, and takes seconds for each. */
static void a_model_that_takes_seconds_after_an_outage_is_slow(void **state)
{
	char words[256];
	assert_int_equal(window(3, 19000, 0, 2), SLOW_NONE);
	load.is_away = true;
	assert_int_equal(window(0, 0, 900, 1), SLOW_NONE);
	load.is_away = false;
	assert_int_equal(window(6, 4000000, 900, 8), SLOW_BEGAN);
	slow_model_words(&model, words, sizeof words);
	assert_string_equal(words, "4000 ms a call, 8 at a time, 900 wait");
	assert_int_equal(window(6, 600000, 900, 8), SLOW_NONE);
	assert_int_equal(window(6, 400000, 900, 8), SLOW_ENDED);
	start(state);
	load.is_away = true;
	for (int i = 0; i < 20; i++)
		assert_int_equal(window(8, 30000000, 900, 8), SLOW_NONE);
	load.is_away = false;
	for (int i = 0; i < 20; i++)
		assert_int_equal(window(100, 19000, 0, 1), SLOW_NONE);
	assert_int_equal(window(6, 4000000, 0, 8), SLOW_BEGAN);
}

/* What gathered waits for a model that has always taken seconds. */
static void a_model_that_takes_as_long_as_before_an_outage_is_not_slow(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		assert_int_equal(window(6, 4000000, 0, 8), SLOW_NONE);
	load.is_away = true;
	for (int i = 0; i < 7; i++)
		assert_int_equal(window(0, 0, 900, 1), SLOW_NONE);
	load.is_away = false;
	for (int i = 0; i < 5; i++)
		assert_int_equal(window(6, 7000000, 900, 8), SLOW_NONE);
	assert_int_equal(window(6, 9000000, 900, 8), SLOW_BEGAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_model_is_slow_when_calls_wait_for_more_than_a_second, start),
		cmocka_unit_test_setup(the_wait_is_the_calls_that_wait_by_those_that_end, start),
		cmocka_unit_test_setup(a_model_is_slow_when_a_call_takes_many_times_as_long_as_before, start),
		cmocka_unit_test_setup(a_model_that_answers_only_some_calls_is_slow, start),
		cmocka_unit_test_setup(a_call_that_is_open_for_some_times_the_mean_does_not_hang, start),
		cmocka_unit_test_setup(a_moment_without_waiting_calls_is_enough, start),
		cmocka_unit_test_setup(a_model_that_is_not_called_is_not_slow, start),
		cmocka_unit_test_setup(a_model_that_ends_no_call_is_slow, start),
		cmocka_unit_test_setup(a_model_that_hangs_is_said_not_to_reply, start),
		cmocka_unit_test_setup(a_call_that_is_open_many_times_as_long_as_before_makes_it_slow, start),
		cmocka_unit_test_setup(the_call_of_a_probe_is_not_slow, start),
		cmocka_unit_test_setup(a_look_that_comes_late_is_no_silence_of_the_model, start),
		cmocka_unit_test_setup(what_gathered_in_an_outage_makes_no_model_slow, start),
		cmocka_unit_test_setup(waits_after_an_outage_are_excused_for_as_long_as_it_lasted, start),
		cmocka_unit_test_setup(a_model_that_is_slower_after_an_outage_is_slow, start),
		cmocka_unit_test_setup(a_model_that_takes_seconds_after_an_outage_is_slow, start),
		cmocka_unit_test_setup(a_model_that_takes_as_long_as_before_an_outage_is_not_slow, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
