/* alert_removal_test.c: Tests of alerts that engines share, and that leave the files while they fire: their receivers get the end,
 * also where another engine has to send it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor/alerts/alert_outline.h"
#include "tests/unit/alert_stand.h"

/* The engine follows a revision without the alert, whose own memory is gone then. */
static void engine_remove(struct engine_stand *stand, int64_t now_ms)
{
	struct arena *revision = arena_open((size_t)1 << 20);
	stand->alert.outline = alert_outline_make(stand->pipelines, &stand->spec, TEXT("absent: q for 1m"), revision);
	assert_non_null(stand->alert.outline);
	stand->alert.watched.is_present = false;
	stand->plan.count = 0;
	alert_remove(&stand->watch, &stand->alert, now_ms);
	arena_close(revision);
	memset(stand->url, 0, sizeof stand->url);
	stand->action = (struct alert_action){0};
	stand->spec = (struct alert_spec){0};
}

static void removed_look(struct engine_stand *stand, int64_t now_ms)
{
	alerts_take_over(&stand->watch, &stand->plan, (struct alert_time){now_ms, time_of_day_ms()});
	alerts_send_removed(&stand->watch, now_ms);
}

/* Until nothing is owed to a receiver. */
static void removed_looks(struct engine_stand *stand, int64_t now_ms)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	for (removed_look(stand, now_ms); alert_groups_owe(&stand->alert.shared); removed_look(stand, now_ms)) {
		assert_true(clock_ms() < until_ms);
		nanosleep(&pause, NULL);
	}
}

static void expect_end(const struct web_receiver *receiver)
{
	assert_non_null(strstr(web_receiver_id(receiver, 1), "-resolved"));
	assert_memory_equal(web_receiver_id(receiver, 0), web_receiver_id(receiver, 1), sizeof "Idempotency-Key: " - 1 + 16);
	assert_non_null(strstr(receiver->heard[1], "\"condition\": \"absent: q for 1m\""));
	assert_non_null(strstr(receiver->heard[1], "\"reason\": \"the alert was removed\""));
}

static void the_engine_that_sends_ends_an_alert_that_is_removed(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	group_fires(two, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	engine_look(two, 1);
	web_receiver_await(receiver, 1);
	engine_remove(one, 2);
	engine_remove(two, 2);
	const struct alert_read late = report_of("g", FIRED_MS); /* of an engine that still has the alert */
	alert_watch_take_report(&one->watch, &late);
	removed_look(two, 3);
	removed_looks(one, 3);
	web_receiver_await(receiver, 2);
	expect_end(receiver);
	expect_kept(0, 0);
	engine_take_over(two); /* it has nothing to send */
	removed_looks(two, 4);
	assert_null(shared(one, "g"));
	assert_null(shared(two, "g"));
	engine_end(one);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* The engine that sends ends before it has followed the revision. */
static void another_engine_sends_the_end_of_an_alert_that_is_removed(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	engine_remove(two, 2); /* which has no report of it */
	removed_look(two, 3);
	expect_kept(1, 0);
	engine_end(one);
	engine_take_over(two);
	removed_looks(two, 4);
	web_receiver_await(receiver, 2);
	expect_end(receiver);
	expect_kept(0, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* The engine that sends ends when the notice is in the feed, and the receiver does not have it. */
static void another_engine_sends_the_notice_that_waits_of_an_alert_that_is_removed(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	expect_kept(1, 0);
	engine_remove(one, 2);
	engine_remove(two, 2);
	removed_look(one, 3); /* its record is not in Kafka yet, so it is not sent */
	expect_kept(0, 1);
	engine_end(one);
	assert_int_equal(receiver->count, 1);
	engine_take_over(two);
	removed_looks(two, 4);
	web_receiver_await(receiver, 2);
	expect_end(receiver);
	expect_kept(0, 0);
	removed_look(two, 4 + ALERT_UNCLAIMED_MS); /* it is not needed any more */
	assert_null(two->alert.removed);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_engine_that_sends_ends_an_alert_that_is_removed, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(another_engine_sends_the_end_of_an_alert_that_is_removed, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(another_engine_sends_the_notice_that_waits_of_an_alert_that_is_removed,
						alert_stand_setup, alert_stand_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
