/* When failed requests, and an outage of Kafka, are told. */
#include "monitor/failure_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "observe/last_failure.h"

#define S 1000

static void the_first_failure_is_told_at_once_and_then_each_half_minute(void **state)
{
	(void)state;
	struct failure_watch watch = {.since_ms = 0, .is_quiet = true};
	struct failure_window window;
	assert_false(failure_watch_look(&watch, 0, 10, 7 * S, false, &window));
	assert_true(failure_watch_look(&watch, 2, 18, 8 * S, false, &window));
	assert_int_equal(window.failed, 2);
	assert_int_equal(window.of, 20);
	assert_int_equal(window.lasted_ms, 8 * S);
	assert_false(failure_watch_look(&watch, 5, 20, 9 * S, false, &window));
	assert_false(failure_watch_look(&watch, 7, 20, 8 * S + FAILURE_WINDOW_MS - 1, false, &window));
	assert_true(failure_watch_look(&watch, 7, 21, 8 * S + FAILURE_WINDOW_MS, false, &window));
	assert_int_equal(window.failed, 5);
	assert_int_equal(window.of, 8);
	assert_int_equal(window.lasted_ms, FAILURE_WINDOW_MS);
}

static void failures_after_a_quiet_window_are_told_at_once_again(void **state)
{
	(void)state;
	struct failure_watch watch = {.since_ms = 0, .is_quiet = true};
	struct failure_window window;
	assert_true(failure_watch_look(&watch, 1, 0, 1 * S, false, &window));
	assert_false(failure_watch_look(&watch, 1, 0, 1 * S + FAILURE_WINDOW_MS, false, &window));
	assert_true(failure_watch_look(&watch, 2, 3, 2 * S + FAILURE_WINDOW_MS, false, &window));
	assert_int_equal(window.failed, 1);
	assert_int_equal(window.of, 4);
	assert_int_equal(window.lasted_ms, 1 * S);
}

static void what_is_left_is_told_at_the_end(void **state)
{
	(void)state;
	struct failure_watch watch = {.since_ms = 0, .is_quiet = true};
	struct failure_window window;
	assert_true(failure_watch_look(&watch, 1, 0, 1 * S, false, &window));
	assert_true(failure_watch_look(&watch, 2, 0, 2 * S, true, &window));
	assert_int_equal(window.failed, 1);
	assert_false(failure_watch_look(&watch, 2, 1, 3 * S, true, &window));
}

static void an_outage_begins_after_seconds_without_an_acknowledgement_and_ends_with_one(void **state)
{
	(void)state;
	struct outage_watch watch = {0};
	int64_t lasted_ms;
	for (int64_t now = 1; now < 20; now++)
		assert_int_equal(outage_watch_look(&watch, 0, now * S, &lasted_ms), OUTAGE_NONE);
	assert_int_equal(outage_watch_look(&watch, 1, 20 * S, &lasted_ms), OUTAGE_NONE);
	assert_int_equal(outage_watch_look(&watch, 1, 20 * S + OUTAGE_MS - 1, &lasted_ms), OUTAGE_NONE);
	assert_int_equal(outage_watch_look(&watch, 1, 20 * S + OUTAGE_MS, &lasted_ms), OUTAGE_BEGAN);
	assert_int_equal(lasted_ms, OUTAGE_MS);
	assert_int_equal(outage_watch_look(&watch, 1, 60 * S, &lasted_ms), OUTAGE_NONE);
	assert_int_equal(outage_watch_look(&watch, 2, 61 * S, &lasted_ms), OUTAGE_ENDED);
	assert_int_equal(lasted_ms, 41 * S);
	assert_int_equal(outage_watch_look(&watch, 3, 62 * S, &lasted_ms), OUTAGE_NONE);
}

static void the_newest_failure_is_kept_with_its_step(void **state)
{
	(void)state;
	struct last_failure one = {0}, other = {0}, copy;
	struct error error = {.kind = ERROR_REMOTE, .text = "refused"}, next = {.kind = ERROR_INPUT, .text = "no shape"};
	assert_false(last_failure_read(&one, &copy));
	last_failure_note(&one, &error, "score");
	last_failure_note(&other, &error, NULL);
	last_failure_note(&one, &next, NULL);
	assert_true(last_failure_read(&other, &copy));
	uint64_t before = copy.number;
	assert_string_equal(copy.text, "refused");
	assert_true(last_failure_read(&one, &copy));
	assert_true(copy.number > before);
	assert_int_equal(copy.kind, ERROR_INPUT);
	assert_string_equal(copy.text, "no shape");
	assert_string_equal(copy.step, "");
}

#define NOTES 20000

static void *note_both(void *context)
{
	static const struct error errors[] = {{.kind = ERROR_REMOTE, .text = "one"}, {.kind = ERROR_INPUT, .text = "two"}};
	for (int i = 0; i < NOTES; i++)
		last_failure_note(context, &errors[i % 2], i % 2 ? "second" : "first");
	return NULL;
}

static void a_reader_sees_no_half_of_a_failure(void **state)
{
	(void)state;
	struct last_failure last = {0}, copy = {0};
	pthread_t thread;
	size_t seen = 0;
	assert_int_equal(pthread_create(&thread, NULL, note_both, &last), 0);
	for (int i = 0; i < NOTES; i++) {
		if (!last_failure_read(&last, &copy))
			continue;
		seen++;
		assert_string_equal(copy.step, strcmp(copy.text, "one") == 0 ? "first" : "second");
	}
	pthread_join(thread, NULL);
	/* A reader that was kept from its processor may have had every failure passed over. */
	note_both(&last);
	assert_true(last_failure_read(&last, &copy));
	assert_true(seen < NOTES + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_failure_is_told_at_once_and_then_each_half_minute),
		cmocka_unit_test(failures_after_a_quiet_window_are_told_at_once_again),
		cmocka_unit_test(what_is_left_is_told_at_the_end),
		cmocka_unit_test(an_outage_begins_after_seconds_without_an_acknowledgement_and_ends_with_one),
		cmocka_unit_test(the_newest_failure_is_kept_with_its_step),
		cmocka_unit_test(a_reader_sees_no_half_of_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
