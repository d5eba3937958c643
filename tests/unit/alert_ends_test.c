/* alert_ends_test.c: Tests of ends of firings that the engine which takes over has not announced itself: a receiver gets the end of
 * a firing if it may have its notice, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/alert_stand.h"

#define STORY(test) cmocka_unit_test_setup_teardown(test, alert_stand_setup, alert_stand_teardown)

/* `two` has a time of its own for firings that `one`, which sends, announces and ends; then `one` goes. */
static void one_ends_what_two_knows_by_another_time(struct engine_stand *one, struct engine_stand *two, int64_t until_ms)
{
	engine_take_over(one);
	group_fires(one, "owed", FIRED_MS, 1);
	group_fires(one, "due", FIRED_MS, 1);
	engine_looks(one, 1);
	group_fires(two, "owed", LATER_MS, 2);
	group_fires(two, "due", LATER_MS, 2);
	engine_look(two, 2);
	group_fires(two, "owed", LATER_MS, until_ms);
	group_fires(two, "due", LATER_MS, until_ms);
	engine_look(two, until_ms);
	group_fires(one, "owed", 0, 3);
	group_fires(one, "due", 0, 3);
	engine_looks(one, 3);
	expect_kept(0, 0);
	engine_end(one);
	group_fires(two, "owed", 0, until_ms + 1);
	engine_look(two, until_ms + 1);
	assert_true(shared(two, "owed")->owed);
	group_fires(two, "due", 0, until_ms + 2); /* before it has read the feed */
	engine_take_over(two);
	alert_reports_judge(&two->alert.reports, &two->alert.shared, 0, (struct alert_time){until_ms + 2, LATER_MS});
	assert_int_equal(shared(two, "due")->alert.phase, ALERT_INACTIVE);
	engine_looks(two, until_ms + 3);
	assert_null(shared(two, "owed"));
	assert_null(shared(two, "due"));
}

static void the_end_of_a_firing_that_another_engine_knew_otherwise_is_not_sent(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	one_ends_what_two_knows_by_another_time(one, two, 2 + ALERT_KEPT_MS);
	expect_kept(0, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 4);
	web_receiver_close(receiver);
}

/* The engine that sends was slow: both reports came before its next look. */
static void a_firing_that_has_ended_before_the_sender_looks_is_sent_and_its_end(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	group_fires(one, "g", 0, 2);
	engine_looks(one, 3);
	web_receiver_await(receiver, 1);
	engine_looks(one, 4);
	web_receiver_await(receiver, 2);
	assert_non_null(strstr(web_receiver_id(receiver, 0), "-firing"));
	assert_non_null(strstr(web_receiver_id(receiver, 1), "-resolved"));
	assert_null(shared(one, "g"));
	expect_kept(0, 0);
	engine_end(one);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* The notice of the firing, and then that of its end, by one id. */
static void expect_pair(const struct web_receiver *receiver, size_t first)
{
	const size_t bytes = sizeof "Idempotency-Key: " - 1 + ALERT_ID_BYTES - 1;
	assert_non_null(strstr(web_receiver_id(receiver, first), "-firing"));
	assert_non_null(strstr(web_receiver_id(receiver, first + 1), "-resolved"));
	assert_memory_equal(web_receiver_id(receiver, first), web_receiver_id(receiver, first + 1), bytes);
}

/* It may have been announced by nobody: the engine that sends may have gone before it knew. So no receiver may know its id, and
 * each gets the notice of the firing before its end. */
static void a_firing_that_was_too_short_for_another_engine_to_have_known_it_is_sent_with_its_end(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	one_ends_what_two_knows_by_another_time(one, two, ALERT_KEPT_MS); /* its last look is a millisecond later */
	web_receiver_await(receiver, 8);
	size_t ends = 0;
	for (size_t i = 4; i < 8; i++)
		ends += strstr(web_receiver_id(receiver, i), "-resolved") != NULL;
	assert_int_equal(ends, 2);
	expect_kept(0, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 8);
	web_receiver_close(receiver);
}

/* The former firing was known for long; this one began with the end of the engine that sends. */
static void a_short_firing_after_one_that_was_known_is_sent_with_its_end(void **state)
{
	(void)state;
	const int64_t ended_ms = 3 + ALERT_KEPT_MS;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *two = engine_start("two", receiver);
	group_fires(two, "g", FIRED_MS, 2);
	engine_look(two, 2);
	group_fires(two, "g", FIRED_MS, 2 + ALERT_KEPT_MS);
	engine_look(two, 2 + ALERT_KEPT_MS);
	group_fires(two, "g", 0, ended_ms);
	engine_look(two, ended_ms);
	two->sends = true;
	alert_takeover_turn(&two->watch, ended_ms); /* it begins to read the feed */
	group_fires(two, "g", LATER_MS, ended_ms + 1);
	engine_look(two, ended_ms + 1);
	group_fires(two, "g", 0, ended_ms + 2);
	engine_look(two, ended_ms + 2);
	engine_take_over(two);
	engine_looks(two, ended_ms + 3);
	web_receiver_await(receiver, 2);
	expect_pair(receiver, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* Nor is there an end of a firing that was silenced as long as it lasted. */
static void a_short_firing_that_was_silenced_is_not_sent(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *two = engine_start("two", receiver);
	two->alert.watched.silenced_until_ms = INT64_MAX;
	two->sends = true;
	alert_takeover_turn(&two->watch, 1); /* it begins to read the feed */
	group_fires(two, "g", FIRED_MS, 1);
	engine_look(two, 1);
	group_fires(two, "g", 0, 2);
	engine_look(two, 2);
	engine_take_over(two);
	engine_looks(two, 3);
	assert_null(shared(two, "g"));
	engine_end(two);
	assert_int_equal(receiver->count, 0);
	web_receiver_close(receiver);
}

/* Kafka takes its record only after the firing has ended. */
static void an_end_does_not_take_the_place_of_the_notice_that_nobody_has_yet(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_look(one, 1);
	assert_true(shared(one, "g")->owed);
	group_fires(one, "g", 0, 2);
	engine_looks(one, 2);
	web_receiver_await(receiver, 2);
	expect_pair(receiver, 0);
	expect_kept(0, 0);
	engine_end(one);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* Looks follow each other while Kafka has not taken a record yet. */
static void looks_follow(struct engine_stand *stand, int64_t now_ms)
{
	for (int i = 0; i < 3; i++)
		engine_look(stand, now_ms);
	engine_looks(stand, now_ms);
}

static void a_firing_and_its_end_are_each_written_once(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	looks_follow(one, 1);
	web_receiver_await(receiver, 1);
	group_fires(one, "g", 0, 2);
	looks_follow(one, 2);
	web_receiver_await(receiver, 2);
	expect_pair(receiver, 0);
	expect_kept(0, 0);
	engine_end(one);
	assert_int_equal(feed_count("-firing", true), 1);
	assert_int_equal(feed_count("-firing", false), 1);
	assert_int_equal(feed_count("-resolved", true), 1);
	assert_int_equal(feed_count("-resolved", false), 1);
	assert_int_equal(feed_count("alert/", true), 1);
	assert_int_equal(feed_count("alert/", false), 1);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_firing_that_has_ended_before_the_sender_looks_is_sent_and_its_end),
		STORY(the_end_of_a_firing_that_another_engine_knew_otherwise_is_not_sent),
		STORY(a_firing_that_was_too_short_for_another_engine_to_have_known_it_is_sent_with_its_end),
		STORY(a_short_firing_after_one_that_was_known_is_sent_with_its_end),
		STORY(a_short_firing_that_was_silenced_is_not_sent),
		STORY(an_end_does_not_take_the_place_of_the_notice_that_nobody_has_yet),
		STORY(a_firing_and_its_end_are_each_written_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
