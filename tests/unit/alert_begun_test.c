/* alert_begun_test.c: Tests of firings that messages began in an engine which was killed before it reported them: the next one that
 * sends finds them in the feed (tests/unit/alert_stand.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/alert_stand.h"

/* The record that a message leaves in the feed, in an engine that is killed before it reports. */
static void message_begins(const char *group, int64_t fired_ms)
{
	const struct alert_message message = {.status = "firing",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = TEXT("gone"),
					      .engine = TEXT("killed"),
					      .group = text_of(group),
					      .is_shared = true,
					      .fired_at_ms = fired_ms,
					      .at_ms = fired_ms};
	struct error error = {0};
	struct buffer record;
	char key[KEPT_KEY_BYTES];
	kept_beginning_key(&message, key);
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &record, &error));
	mock_append(&alert_mock, FEED, text_of(key), buffer_view(&record));
	buffer_close(&record);
}

/* How many such records the feed has, of firings that no engine which sends has taken. */
static size_t beginnings_kept(void)
{
	struct kept_alerts *kept = feed_read();
	const size_t count = list_length(&kept->begun);
	kept_alerts_free(kept);
	return count;
}

static void beginnings_await(size_t count)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	while (beginnings_kept() != count)
		assert_true(clock_ms() < until_ms);
}

static void a_firing_that_no_engine_has_reported_is_sent_by_the_next_one(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	message_begins("g", FIRED_MS);
	message_begins("g", LATER_MS); /* of the same firing, in another engine */
	struct engine_stand *one = engine_start("one", receiver);
	engine_take_over(one);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	assert_non_null(strstr(web_receiver_id(receiver, 0), "-firing"));
	beginnings_await(0);
	engine_looks(one, 2 + ALERT_SILENT_MS);
	web_receiver_await(receiver, 2);
	assert_non_null(strstr(web_receiver_id(receiver, 1), "-resolved"));
	expect_kept(0, 0);
	engine_end(one);

	struct engine_stand *two = engine_start("two", receiver);
	engine_take_over(two);
	engine_looks(two, 1);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* Its end was kept, and the engine that sent was killed before it ended the beginning. */
static void a_beginning_whose_firing_has_ended_is_not_sent_again(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	group_fires(one, "g", 0, 2);
	engine_looks(one, 2);
	web_receiver_await(receiver, 2);
	expect_kept(0, 0);
	engine_end(one);
	message_begins("g", FIRED_MS);
	engine_take_over(two);
	engine_looks(two, 3);
	beginnings_await(0);
	assert_null(shared(two, "g"));
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* An engine that sends gets it by the feed, before or after the report. */
static void a_beginning_and_a_report_are_one_firing(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	const struct alert_read first = report_of("g", FIRED_MS), second = report_of("h", FIRED_MS);
	engine_take_over(one);
	alert_reports_take_beginning(&one->alert.reports, &first, true, 1);
	group_fires(one, "g", FIRED_MS, 1);
	group_fires(one, "h", FIRED_MS, 1);
	engine_looks(one, 1);
	alert_reports_take_beginning(&one->alert.reports, &second, true, 2);
	engine_looks(one, 2);
	assert_null(one->alert.reports.begun);
	web_receiver_await(receiver, 2);
	group_fires(one, "g", 0, 3);
	group_fires(one, "h", 0, 3);
	engine_looks(one, 3);
	web_receiver_await(receiver, 4);
	expect_kept(0, 0);
	engine_end(one);
	assert_int_equal(receiver->count, 4);
	web_receiver_close(receiver);
}

/* A feed that is slow gives it to the engine that sends behind both reports. */
static void a_beginning_behind_the_end_of_its_firing_does_not_prolong_it(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	const struct alert_read begins = report_of("g", FIRED_MS);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	group_fires(one, "g", 0, 1);
	alert_reports_take_beginning(&one->alert.reports, &begins, true, 1);
	engine_looks(one, 2);
	web_receiver_await(receiver, 1);
	engine_looks(one, 3);
	assert_null(shared(one, "g"));
	web_receiver_await(receiver, 2);
	assert_non_null(strstr(web_receiver_id(receiver, 1), "-resolved"));
	expect_kept(0, 0);
	engine_end(one);
	web_receiver_close(receiver);
}

/* Else nobody would know of the firing if this engine ended now. */
static void a_beginning_is_kept_while_the_end_before_it_is_due(void **state)
{
	struct alert_reports reports = {0};
	struct alert_groups groups = {0};
	const struct alert_read begins = report_of("g", LATER_MS);
	(void)state;
	alert_reports_take_beginning(&reports, &begins, true, 1);
	struct alert_group *group = alert_group_judge(&groups, TEXT("g"), (struct alert_judgement){.held = true});
	group->alert = (struct alert){.phase = ALERT_INACTIVE, .is_announced = true};
	assert_null(alert_beginning_judged(&reports, &groups));
	group->alert.is_announced = false;
	struct alert_beginning *judged = alert_beginning_judged(&reports, &groups);
	assert_true(judged && text_is(judged->group, "g"));
	memory_give(judged);
	alert_reports_clear(&reports);
	alert_groups_clear(&groups);
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, alert_stand_setup, alert_stand_teardown)
	const struct CMUnitTest tests[] = {
		STORY(a_firing_that_no_engine_has_reported_is_sent_by_the_next_one),
		STORY(a_beginning_whose_firing_has_ended_is_not_sent_again),
		STORY(a_beginning_and_a_report_are_one_firing),
		STORY(a_beginning_behind_the_end_of_its_firing_does_not_prolong_it),
		STORY(a_beginning_is_kept_while_the_end_before_it_is_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
