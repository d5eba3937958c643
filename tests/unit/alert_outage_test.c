/* alert_outage_test.c: Tests of alerts that begin to fire while engines cannot reach Kafka, so that each sends a notice with an id
 * of its own (tests/unit/alert_stand.h): each id gets an end, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/alert_stand.h"

#define SENT_MS 30001 /* from then on a notice is sent although Kafka has no record of it */
#define BACK_MS 31000

static void kafka_is_away(bool is_away)
{
	rd_kafka_mock_topic_set_error(alert_mock.cluster, FEED,
				      is_away ? RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED : RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void engine_turn(struct engine_stand *stand, int64_t fired_at_ms, int64_t now_ms)
{
	group_fires(stand, "g", fired_at_ms, now_ms);
	alert_takeover_turn(&stand->watch, now_ms);
	engine_look(stand, now_ms);
}

/* The engine is to send, cannot reach Kafka, and sends the notice of a firing nevertheless. */
static void engine_fires_alone(struct engine_stand *stand, int64_t fired_at_ms)
{
	stand->sends = true;
	for (int64_t now_ms = 1; now_ms < SENT_MS + 1000; now_ms += 1000)
		engine_turn(stand, fired_at_ms, now_ms);
	assert_true(stand->watch.takeover.is_done);
	assert_int_equal(shared(stand, "g")->owed, 0);
	assert_int_equal(shared(stand, "g")->alert.fired_at_ms, fired_at_ms);
}

static void engines_turn_until(struct engine_stand *const stands[2], const int64_t fired_at_ms[2], int64_t now_ms,
			       struct web_receiver *receiver, size_t count)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; receiver->count < count; nanosleep(&pause, NULL)) {
		for (size_t i = 0; i < 2 && stands[i]; i++)
			engine_turn(stands[i], fired_at_ms[i], now_ms);
		if (clock_ms() > until_ms)
			fail_msg("%zu notices, not %zu", (size_t)receiver->count, count);
	}
}

/* Of a firing that began then. */
static void expect_notice(const struct web_receiver *receiver, size_t number, int64_t fired_at_ms, const char *status)
{
	const struct alert_message message = {.status = status,
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = TEXT("gone"),
					      .group = TEXT("g"),
					      .is_shared = true,
					      .fired_at_ms = fired_at_ms};
	char id[NOTICE_ID_BYTES];
	notice_id(&message, id);
	assert_non_null(strstr(web_receiver_id(receiver, number), id));
}

/* Whichever was first in the feed goes on; the other one gets an end at once. */
static void two_engines_that_fire_alone_send_an_end_for_each_of_their_ids(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *const stands[2] = {engine_start("one", receiver), engine_start("two", receiver)};
	const int64_t fired[2] = {FIRED_MS, LATER_MS}, over[2] = {0};
	kafka_is_away(true);
	for (size_t i = 0; i < 2; i++)
		engine_fires_alone(stands[i], fired[i]);
	web_receiver_await(receiver, 2);
	kafka_is_away(false);
	stands[1]->sends = false; /* the other one is the keeper's */
	engines_turn_until(stands, fired, BACK_MS, receiver, 3);
	expect_kept(1, 0);
	const int64_t goes_on_ms = shared(stands[0], "g")->alert.fired_at_ms;
	assert_int_equal(shared(stands[1], "g")->alert.fired_at_ms, goes_on_ms);
	expect_notice(receiver, 2, goes_on_ms == FIRED_MS ? LATER_MS : FIRED_MS, "resolved");
	engines_turn_until(stands, over, BACK_MS + 1000, receiver, 4);
	expect_notice(receiver, 3, goes_on_ms, "resolved");
	expect_kept(0, 0);
	engine_end(stands[0]);
	engine_end(stands[1]);
	assert_int_equal(receiver->count, 4);
	web_receiver_close(receiver);
}

/* The engine that sends could reach Kafka all the time. */
static void an_engine_that_was_cut_off_ends_its_own_firing(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	struct engine_stand *const stands[2] = {two};
	const int64_t fired[2] = {LATER_MS};
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	expect_kept(1, 0);
	kafka_is_away(true);
	engine_fires_alone(two, LATER_MS);
	web_receiver_await(receiver, 2);
	kafka_is_away(false);
	two->sends = false;
	engines_turn_until(stands, fired, BACK_MS, receiver, 3);
	expect_notice(receiver, 2, LATER_MS, "resolved");
	expect_kept(1, 0);
	assert_int_equal(shared(two, "g")->alert.fired_at_ms, FIRED_MS); /* and so do its next reports */
	for (int64_t now_ms = BACK_MS; now_ms < BACK_MS + 100000; now_ms += 10000)
		engine_turn(one, FIRED_MS, now_ms); /* which is not concerned */
	group_fires(one, "g", 0, BACK_MS + 100001);
	engine_looks(one, BACK_MS + 100001);
	web_receiver_await(receiver, 4);
	expect_notice(receiver, 3, FIRED_MS, "resolved");
	expect_kept(0, 0);
	engine_end(one);
	engine_end(two);
	assert_int_equal(receiver->count, 4);
	web_receiver_close(receiver);
}

static void an_engine_that_starts_without_the_feed_goes_on_with_the_firing_of_the_former_one(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two;
	struct engine_stand *stands[2] = {0};
	const int64_t fired[2] = {LATER_MS};
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	expect_kept(1, 0);
	engine_end(one);
	kafka_is_away(true);
	stands[0] = two = engine_start("two", receiver);
	engine_fires_alone(two, LATER_MS);
	web_receiver_await(receiver, 2);
	kafka_is_away(false);
	engines_turn_until(stands, fired, BACK_MS, receiver, 3);
	expect_notice(receiver, 2, LATER_MS, "resolved");
	expect_kept(1, 0);
	assert_int_equal(shared(two, "g")->alert.fired_at_ms, FIRED_MS);
	group_fires(two, "g", 0, BACK_MS + 1);
	engine_looks(two, BACK_MS + 1);
	web_receiver_await(receiver, 4);
	expect_notice(receiver, 3, FIRED_MS, "resolved");
	expect_kept(0, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 4);
	web_receiver_close(receiver);
}

/* It ended before it did, or is frozen: the engine that sends waits for it a while. */
static void the_firing_of_an_engine_that_has_ended_is_ended_by_the_one_that_sends(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	struct engine_stand *const stands[2] = {two};
	const int64_t fired[2] = {FIRED_MS};
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	expect_kept(1, 0);
	one->config.instance = "ended";
	const struct alert_group other = {.name = TEXT("g"), .alert.fired_at_ms = LATER_MS, .notice = NOTICE_FIRING};
	struct alert_group group = other;
	alert_keep(&one->watch, one->pipelines, &one->alert, &group, &one->spec, 2);
	expect_kept(2, 0);
	engine_end(one);
	engine_take_over(two);
	engine_turn(two, FIRED_MS, 2);
	engine_turn(two, FIRED_MS, 30000);
	expect_kept(2, 0);
	assert_int_equal(receiver->count, 1);
	engines_turn_until(stands, fired, 30001, receiver, 2);
	expect_notice(receiver, 1, LATER_MS, "resolved");
	expect_kept(1, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_engines_that_fire_alone_send_an_end_for_each_of_their_ids, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(an_engine_that_was_cut_off_ends_its_own_firing, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(an_engine_that_starts_without_the_feed_goes_on_with_the_firing_of_the_former_one,
						alert_stand_setup, alert_stand_teardown),
		cmocka_unit_test_setup_teardown(the_firing_of_an_engine_that_has_ended_is_ended_by_the_one_that_sends,
						alert_stand_setup, alert_stand_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
