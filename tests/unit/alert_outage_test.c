/* alert_outage_test.c: Tests of alerts that begin to fire while engines cannot reach Kafka, so that each sends a notice with an id
 * of its own (tests/unit/alert_stand.h): each id gets an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
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

/* The id of a notice of the firing that began then. */
static bool is_notice(const struct web_receiver *receiver, size_t number, int64_t fired_at_ms, const char *status)
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
	return strstr(web_receiver_id(receiver, number), id);
}

/* How often it came: a notice whose receipt is not in the feed yet may come again. */
static size_t notices_of(const struct web_receiver *receiver, int64_t fired_at_ms, const char *status)
{
	size_t count = 0;
	for (size_t i = 0; i < receiver->count; i++)
		count += is_notice(receiver, i, fired_at_ms, status);
	return count;
}

/* Until one of two firings has an end. Returns when it began. */
static int64_t engines_turn_until_an_end(struct engine_stand *const stands[2], const int64_t fired_at_ms[2], int64_t now_ms,
					 const struct web_receiver *receiver)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; clock_ms() < until_ms; nanosleep(&pause, NULL)) {
		for (size_t i = 0; i < 2 && stands[i]; i++)
			engine_turn(stands[i], fired_at_ms[i], now_ms);
		if (notices_of(receiver, FIRED_MS, "resolved") > 0)
			return FIRED_MS;
		if (notices_of(receiver, LATER_MS, "resolved") > 0)
			return LATER_MS;
	}
	fail_msg("no end among %zu notices", (size_t)receiver->count);
	return 0;
}

/* It does not fire any more. */
static void engine_ends_the_firing(struct engine_stand *stand, int64_t now_ms, const struct web_receiver *receiver,
				   int64_t fired_at_ms)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	assert_int_equal(notices_of(receiver, fired_at_ms, "resolved"), 0);
	group_fires(stand, "g", 0, now_ms);
	engine_looks(stand, now_ms);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; notices_of(receiver, fired_at_ms, "resolved") == 0;
	     nanosleep(&pause, NULL))
		assert_true(clock_ms() < until_ms);
	expect_kept(0, 0);
}

/* Each of the two firings has its notice and its end, and there is nothing else. */
static void expect_both(const struct web_receiver *receiver)
{
	size_t known = 0;
	static const int64_t fired[] = {FIRED_MS, LATER_MS};
	for (size_t i = 0; i < 2; i++) {
		assert_true(notices_of(receiver, fired[i], "firing") > 0 && notices_of(receiver, fired[i], "resolved") > 0);
		known += notices_of(receiver, fired[i], "firing") + notices_of(receiver, fired[i], "resolved");
	}
	assert_int_equal(known, receiver->count);
}

/* Whichever was first in the feed goes on; the other one gets an end at once. */
static void two_engines_that_fire_alone_send_an_end_for_each_of_their_ids(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *const stands[2] = {engine_start("one", receiver), engine_start("two", receiver)};
	const int64_t fired[2] = {FIRED_MS, LATER_MS};
	kafka_is_away(true);
	for (size_t i = 0; i < 2; i++)
		engine_fires_alone(stands[i], fired[i]);
	web_receiver_await(receiver, 2);
	kafka_is_away(false);
	stands[1]->sends = false; /* the other one is the keeper's */
	const int64_t ended_ms = engines_turn_until_an_end(stands, fired, BACK_MS, receiver);
	const int64_t goes_on_ms = ended_ms == FIRED_MS ? LATER_MS : FIRED_MS;
	expect_kept(1, 0);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; shared(stands[1], "g")->alert.fired_at_ms != goes_on_ms;) {
		engine_turn(stands[1], fired[1], BACK_MS);
		assert_true(clock_ms() < until_ms);
	}
	assert_int_equal(shared(stands[0], "g")->alert.fired_at_ms, goes_on_ms);
	group_fires(stands[1], "g", 0, BACK_MS + 1);
	engine_ends_the_firing(stands[0], BACK_MS + 1, receiver, goes_on_ms);
	engine_end(stands[0]);
	engine_end(stands[1]);
	expect_both(receiver);
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
	assert_int_equal(engines_turn_until_an_end(stands, fired, BACK_MS, receiver), LATER_MS);
	expect_kept(1, 0);
	assert_int_equal(shared(two, "g")->alert.fired_at_ms, FIRED_MS); /* and so do its next reports */
	for (int64_t now_ms = BACK_MS; now_ms < BACK_MS + 100000; now_ms += 10000)
		engine_turn(one, FIRED_MS, now_ms); /* which is not concerned */
	engine_ends_the_firing(one, BACK_MS + 100001, receiver, FIRED_MS);
	engine_end(one);
	engine_end(two);
	expect_both(receiver);
	web_receiver_close(receiver);
}

/* It has read the feed before the outage, and sends before and after it. */
static void the_engine_that_sends_ends_its_own_firing_that_came_second(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	struct engine_stand *const stands[2] = {one};
	const int64_t fired[2] = {LATER_MS};
	engine_take_over(one);
	engine_look(one, 1);
	engine_take_over(two);
	group_fires(two, "g", FIRED_MS, 1);
	engine_looks(two, 1);
	expect_kept(1, 0);
	kafka_is_away(true);
	engine_fires_alone(one, LATER_MS);
	web_receiver_await(receiver, 2);
	kafka_is_away(false);
	assert_int_equal(engines_turn_until_an_end(stands, fired, BACK_MS, receiver), LATER_MS);
	expect_kept(1, 0);
	assert_int_equal(shared(one, "g")->alert.fired_at_ms, FIRED_MS);
	engine_end(two);
	engine_ends_the_firing(one, BACK_MS + 1, receiver, FIRED_MS);
	engine_end(one);
	expect_both(receiver);
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
	assert_int_equal(engines_turn_until_an_end(stands, fired, BACK_MS, receiver), LATER_MS);
	expect_kept(1, 0);
	assert_int_equal(shared(two, "g")->alert.fired_at_ms, FIRED_MS);
	engine_ends_the_firing(two, BACK_MS + 1, receiver, FIRED_MS);
	engine_end(two);
	expect_both(receiver);
	web_receiver_close(receiver);
}

/* A second engine that sends notices has a firing of its own in the feed, and ends. */
static void another_engine_leaves_a_firing(struct engine_stand *another)
{
	another->config.instance = "ended";
	struct alert_group group = {.name = TEXT("g"), .alert.fired_at_ms = LATER_MS, .notice = NOTICE_FIRING};
	alert_keep(&another->watch, another->pipelines, &another->alert, &group, &another->spec, 2);
	expect_kept(2, 0);
	engine_end(another);
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
	another_engine_leaves_a_firing(one);
	engine_take_over(two);
	engine_turn(two, FIRED_MS, 2);
	engine_turn(two, FIRED_MS, 30000);
	expect_kept(2, 0);
	assert_int_equal(receiver->count, 1);
	assert_int_equal(engines_turn_until_an_end(stands, fired, 30001, receiver), LATER_MS);
	expect_kept(1, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

static void a_firing_whose_end_finds_no_memory_is_ended_later(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("ended", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	expect_kept(1, 0);
	another_engine_leaves_a_firing(one);
	engine_turn(two, FIRED_MS, 1);
	engine_take_over(two);
	memory_fail_at(1);
	engine_look(two, 2);
	memory_fail_at(0);
	engine_looks(two, 3);
	web_receiver_await(receiver, 2);
	assert_true(is_notice(receiver, 1, LATER_MS, "resolved"));
	expect_kept(1, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* The feed was being read for that when another engine began to send. */
static void an_engine_that_sends_again_waits_again_for_the_others(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	expect_kept(1, 0);
	another_engine_leaves_a_firing(one);
	engine_take_over(two);
	engine_turn(two, FIRED_MS, 2);
	group_fires(two, "g", FIRED_MS, 30001);
	engine_look(two, 30001); /* it asks */
	two->sends = false;
	alert_takeover_turn(&two->watch, 30002);
	engine_take_over(two);
	engine_turn(two, FIRED_MS, 30000);
	engine_turn(two, FIRED_MS, 30000);
	expect_kept(2, 0);
	engine_end(two);
	assert_int_equal(receiver->count, 1);
	web_receiver_close(receiver);
}

/* A notice of the end of a firing of that engine waits in the feed. */
static void end_append(const struct engine_stand *stand, const char *engine)
{
	struct error error = {0};
	struct buffer record;
	char key[KEPT_KEY_BYTES], id[NOTICE_ID_BYTES];
	const struct alert_message message = {.status = "resolved",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = TEXT("gone"),
					      .group = TEXT("g"),
					      .engine = text_of(engine),
					      .is_shared = true,
					      .fired_at_ms = LATER_MS,
					      .at_ms = time_of_day_ms()};
	buffer_open(&record, NOTICE_BYTES_MAX);
	notice_id(&message, id);
	kept_notice_key(alert_action_hash(&stand->spec, 0), id, key);
	assert_true(alert_record_encode(&message, &record, &error));
	mock_append(&alert_mock, FEED, text_of(key), buffer_view(&record));
	buffer_close(&record);
}

static void await_takeover(struct engine_stand *stand, uint64_t number, int64_t now_ms)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; stand->watch.takeover.number < number; nanosleep(&pause, NULL)) {
		alert_takeover_turn(&stand->watch, now_ms);
		assert_true(clock_ms() < until_ms);
	}
}

/* The engine that sends reads the feed again meanwhile. */
static void a_notice_that_another_engine_sends_is_left_to_it_for_a_while(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	engine_take_over(one);
	engine_look(one, 1);
	end_append(one, "two");
	one->watch.takeover.is_check_due = true;
	await_takeover(one, 2, 2);
	engine_look(one, 2);
	engine_look(one, 30001);
	expect_kept(0, 1);
	assert_int_equal(receiver->count, 0);
	engine_look(one, 30002);
	await_takeover(one, 3, 30002);
	engine_look(one, 30003);
	web_receiver_await(receiver, 1);
	expect_kept(0, 0);
	engine_end(one);
	assert_int_equal(receiver->count, 1);
	web_receiver_close(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_engines_that_fire_alone_send_an_end_for_each_of_their_ids, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(an_engine_that_was_cut_off_ends_its_own_firing, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(the_engine_that_sends_ends_its_own_firing_that_came_second, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(an_engine_that_starts_without_the_feed_goes_on_with_the_firing_of_the_former_one,
						alert_stand_setup, alert_stand_teardown),
		cmocka_unit_test_setup_teardown(the_firing_of_an_engine_that_has_ended_is_ended_by_the_one_that_sends,
						alert_stand_setup, alert_stand_teardown),
		cmocka_unit_test_setup_teardown(a_firing_whose_end_finds_no_memory_is_ended_later, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(an_engine_that_sends_again_waits_again_for_the_others, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(a_notice_that_another_engine_sends_is_left_to_it_for_a_while, alert_stand_setup,
						alert_stand_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
