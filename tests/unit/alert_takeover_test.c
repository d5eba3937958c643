/* alert_takeover_test.c: Tests of what outlasts an engine of the alerts that engines share (tests/unit/alert_stand.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "monitor/alerts/notice_queue.h"
#include "compiler/conditions/notice_services.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/number/moment.h"
#include "tests/unit/alert_stand.h"

#define STORY(test) cmocka_unit_test_setup_teardown(test, alert_stand_setup, alert_stand_teardown)

/* The field `at` of a notice. */
static int64_t notice_time(const char *heard)
{
	static const char field[] = "\"at\": \"";
	const char *at = strstr(heard, field);
	int64_t ms = 0;
	assert_non_null(at);
	assert_true(moment_read((struct text){at + sizeof field - 1, sizeof "2026-01-01T00:00:00.250Z" - 1}, &ms));
	return ms;
}

/* ---- an engine that ends ---- */

static void a_notice_that_waits_and_the_end_of_a_firing_outlast_the_engine(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	alert_reports_judge(&one->alert.reports, &one->alert.shared, 0, (struct alert_time){1, FIRED_MS});
	struct alert_group *group = alert_group_find(&one->alert.shared, TEXT("g"));
	assert_int_equal(alert_notice_due(&group->alert, false), NOTICE_FIRING);
	alert_notice_owe(group, &one->spec, NOTICE_FIRING, 1);
	alert_keep(&one->watch, one->pipelines, &one->alert, group, &one->spec, 1); /* and then it is killed */
	const int64_t kept_ms = time_of_day_ms();
	expect_kept(1, 1);
	engine_end(one);
	assert_int_equal(receiver->count, 0);

	engine_take_over(two);
	engine_looks(two, 100);
	expect_firing(two, "g", FIRED_MS);
	web_receiver_await(receiver, 1);
	assert_non_null(strstr(web_receiver_id(receiver, 0), "-firing"));
	assert_non_null(strstr(receiver->heard[0], "\"fired_at\": \"2026-01-01T00:00:00.250Z\""));
	assert_true(notice_time(receiver->heard[0]) <= kept_ms);
	expect_kept(1, 0);
	engine_look(two, 100 + ALERT_SILENT_MS); /* no engine reports it */
	expect_firing(two, "g", FIRED_MS);
	engine_looks(two, 101 + ALERT_SILENT_MS);
	web_receiver_await(receiver, 2);
	assert_non_null(strstr(web_receiver_id(receiver, 1), "-resolved"));
	assert_memory_equal(web_receiver_id(receiver, 0), web_receiver_id(receiver, 1), sizeof "Idempotency-Key: " - 1 + 16);
	expect_kept(0, 0);
	engine_looks(two, 102 + ALERT_SILENT_MS);
	assert_null(shared(two, "g"));
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

static void a_notice_that_waits_here_is_not_sent_twice_when_the_engine_is_the_sender_again(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(HANGS_ONCE);
	struct engine_stand *one = engine_start("one", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	expect_kept(1, 1);
	one->sends = false;
	alert_takeover_turn(&one->watch, 2);
	assert_false(one->watch.takeover.is_done);
	engine_take_over(one);
	engine_looks(one, 3);
	atomic_store(&receiver->released, true);
	web_receiver_await(receiver, 2); /* the same one again */
	expect_kept(1, 0);
	engine_end(one);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* ---- an engine that has reports when it begins to send ---- */

static void a_firing_that_was_kept_goes_on_and_one_that_was_not_is_sent(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "kept", FIRED_MS, 1);
	group_fires(one, "over", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 2);
	group_fires(two, "kept", LATER_MS, 2); /* after a restart */
	group_fires(two, "over", FIRED_MS, 2);
	engine_look(two, 2);
	group_fires(one, "over", 0, 3);
	engine_looks(one, 3);
	web_receiver_await(receiver, 3);
	expect_kept(1, 0);
	engine_end(one);
	group_fires(two, "over", 0, 3);
	group_fires(two, "new", LATER_MS, 3);
	engine_look(two, 3);
	assert_int_equal(receiver->count, 3);
	engine_take_over(two);
	engine_looks(two, 4);
	expect_firing(two, "kept", FIRED_MS);
	web_receiver_await(receiver, 4);
	assert_non_null(strstr(receiver->heard[3], "\"group\": \"new\""));
	assert_non_null(strstr(web_receiver_id(receiver, 3), "-firing"));
	expect_kept(2, 0);
	assert_null(shared(two, "over")); /* its end was sent */
	engine_end(two);
	assert_int_equal(receiver->count, 4);
	web_receiver_close(receiver);
}

static void an_end_that_nobody_has_sent_is_sent(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	expect_kept(1, 0);
	engine_end(one);
	group_fires(two, "g", FIRED_MS, 1);
	engine_look(two, 1);
	group_fires(two, "g", 0, 2);
	engine_look(two, 2);
	engine_take_over(two);
	engine_looks(two, 3);
	web_receiver_await(receiver, 2);
	assert_non_null(strstr(web_receiver_id(receiver, 1), "-resolved"));
	expect_kept(0, 0);
	engine_end(two);
	web_receiver_close(receiver);
}

static void without_kafka_notices_are_sent_after_a_while(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	rd_kafka_mock_topic_set_error(alert_mock.cluster, FEED, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	one->sends = true;
	group_fires(one, "g", FIRED_MS, 1);
	for (int64_t now_ms = 1; now_ms <= 15000; now_ms += 1000) {
		group_fires(one, "g", FIRED_MS, now_ms);
		alert_takeover_turn(&one->watch, now_ms);
		engine_look(one, now_ms);
		assert_false(one->watch.takeover.is_done);
	}
	alert_takeover_turn(&one->watch, 15001); /* the feed is not read */
	assert_true(one->watch.takeover.is_done);
	for (int64_t now_ms = 15001; now_ms <= 30000; now_ms += 1000) {
		group_fires(one, "g", FIRED_MS, now_ms);
		engine_look(one, now_ms);
		assert_int_not_equal(shared(one, "g")->owed, 0);
	}
	assert_int_equal(receiver->count, 0);
	engine_look(one, 30001); /* and nor is it written */
	web_receiver_await(receiver, 1);
	assert_int_equal(shared(one, "g")->owed, 0);
	engine_end(one);
	web_receiver_close(receiver);
}

/* Also where the inhibitor is below, and has no action of its own. */
static void an_alert_stays_inhibited_over_a_restart(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *const stands[] = {engine_start("one", receiver), engine_start("two", receiver)};
	struct judged_alert parents[2] = {0};
	struct alert_read report = report_of("", FIRED_MS);
	struct name parent = {.text = "parent"};
	struct alert_spec specs[] = {stands[0]->spec, {.name = parent, .absent.text = "q for 1m"}};
	specs[0].inhibited_by = (struct name_list){1, &parent};
	report.alert = text_of(parent.text);
	for (size_t i = 0; i < 2; i++) {
		parents[i].watched =
			(struct watched_alert){.namespace = "default", .pipeline = "p", .name = parent.text, .is_present = true};
		stands[i]->alert.watched.next = &parents[i].watched;
		stands[i]->pipeline.alerts = (struct item_list){2, specs};
		stands[i]->spec.inhibited_by = specs[0].inhibited_by;
		if (i == 0)
			alert_reports_take(&parents[i].reports, &report, 1); /* the other one judges it anew, for a while */
		group_fires(stands[i], "g", FIRED_MS, 1);
		engine_look(stands[i], 1); /* before it is to send */
		engine_take_over(stands[i]);
		engine_looks(stands[i], 2);
		alert_send_shared(&stands[i]->watch, stands[i]->pipelines, &parents[i], &specs[1], 2);
		engine_looks(stands[i], 3);
		if (i == 0)
			web_receiver_await(receiver, 1); /* the child spoke first */
		expect_kept(2, 0);
	}
	assert_int_equal(alert_groups_in(&parents[1].shared, ALERT_FIRING), 1);
	group_fires(stands[1], "h", LATER_MS, 4);
	engine_looks(stands[1], 4);
	assert_false(shared(stands[1], "h")->alert.is_announced);
	for (size_t i = 0; i < 2; i++) {
		engine_end(stands[i]);
		alert_groups_clear(&parents[i].shared);
		alert_reports_clear(&parents[i].reports);
	}
	assert_int_equal(receiver->count, 1);
	web_receiver_close(receiver);
}

/* ---- alerts and actions that are gone ---- */

static void a_notice_for_a_former_receiver_goes_to_the_present_ones_while_the_alert_fires(void **state)
{
	(void)state;
	struct web_receiver *hanging = web_receiver_open(HANGS_ONCE), *mended = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", hanging), *two = engine_start("two", mended);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	group_fires(one, "over", FIRED_MS, 1);
	engine_looks(one, 1);
	group_fires(one, "over", 0, 2);
	engine_looks(one, 2);
	web_receiver_await(hanging, 1);
	expect_kept(1, 3);
	engine_take_over(two);
	engine_looks(two, 1);
	engine_looks(two, 2);
	expect_firing(two, "g", FIRED_MS);
	web_receiver_await(mended, 1);
	assert_non_null(strstr(web_receiver_id(mended, 0), "-firing"));
	assert_non_null(strstr(mended->heard[0], "\"group\": \"g\""));
	expect_kept(1, 0);
	alert_forget(&two->watch, &two->alert); /* the alert is in no file any more */
	assert_null(shared(two, "g"));
	expect_kept(0, 0);
	atomic_store(&hanging->released, true);
	engine_end(two);
	engine_end(one);
	assert_int_equal(mended->count, 1);
	web_receiver_close(hanging);
	web_receiver_close(mended);
}

/* A notice that was never taken, as without its secret, is not sent after the one of the end. */
static void a_notice_whose_place_another_one_takes_waits_no_longer(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	one->action.secret = "env:SLUICE_SECRET_NOT_SET";
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_look(one, 1);
	expect_kept(1, 1);
	engine_look(one, 2);
	group_fires(one, "g", 0, 3);
	engine_look(one, 3);
	expect_kept(0, 0);
	one->action.secret = NULL;
	engine_looks(one, 4);
	engine_end(one);
	assert_int_equal(receiver->count, 0);
	web_receiver_close(receiver);
}

static _Atomic size_t error_lines;

static void on_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	error_lines += line->level == LOG_LEVEL_ERROR;
}

/* Kafka may have the records of the notices before the engine knows that it has them. */
static void errors_await(struct engine_stand *stand, int64_t now_ms, size_t lines)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; error_lines < lines; nanosleep(&pause, NULL)) {
		assert_true(clock_ms() < until_ms);
		engine_look(stand, now_ms);
	}
}

/* A thousand groups whose receiver is full are one fact. */
static void notices_that_cannot_be_sent_are_logged_once_for_an_alert(void **state)
{
	(void)state;
	static const struct log_sink sink = {on_line};
	static const char *const groups[] = {"f", "g", "h"};
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	one->config.log = &sink;
	error_lines = 0;
	engine_take_over(one);
	for (size_t times = 1; times <= 2; times++) {
		const int64_t now_ms = (int64_t)times * 10;
		one->action.secret = "env:SLUICE_SECRET_NOT_SET";
		for (size_t i = 0; i < 3; i++)
			group_fires(one, groups[i], times == 1 ? FIRED_MS : 0, now_ms);
		engine_look(one, now_ms);
		expect_kept(times == 1 ? 3 : 0, 3);
		errors_await(one, now_ms, times);
		for (int64_t later = 1; later < 4; later++)
			engine_look(one, now_ms + later);
		assert_int_equal(error_lines, times);
		one->action.secret = NULL;
		engine_looks(one, now_ms + 4);
		web_receiver_await(receiver, 3 * times);
	}
	engine_end(one);
	web_receiver_close(receiver);
}

static void each_receiver_that_cannot_get_notices_is_logged(void **state)
{
	(void)state;
	static const struct log_sink sink = {on_line};
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	struct alert_action actions[] = {
		{.type = ALERT_WEBHOOK, .url = "http://127.0.0.1:1/", .secret = "env:SLUICE_SECRET_NOT_SET"},
		one->action,
		one->action,
	};
	actions[2].secret = "env:SLUICE_SECRET_NOT_SET_EITHER";
	one->config.log = &sink;
	one->spec.actions = (struct item_list){3, actions};
	error_lines = 0;
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_look(one, 1);
	expect_kept(1, 3);
	errors_await(one, 1, 2);
	for (int64_t later = 2; later < 5; later++)
		engine_look(one, later);
	assert_int_equal(error_lines, 2);
	web_receiver_await(receiver, 1);
	engine_end(one);
	web_receiver_close(receiver);
}

/* Kafka has the record of a notice before the receiver has the notice. */
static void a_notice_is_sent_when_its_record_is_in_the_feed(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	engine_take_over(one);
	rd_kafka_mock_topic_set_error(alert_mock.cluster, FEED, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	group_fires(one, "g", FIRED_MS, 1);
	engine_look(one, 1);
	engine_look(one, 15000);
	assert_int_equal(shared(one, "g")->owed, 1);
	rd_kafka_mock_topic_set_error(alert_mock.cluster, FEED, RD_KAFKA_RESP_ERR_NO_ERROR);
	expect_kept(1, 1);
	engine_looks(one, 15000);
	web_receiver_await(receiver, 1);
	engine_end(one);
	web_receiver_close(receiver);
}

/* Its record is too large for the feed, or was not made. */
static void a_firing_that_cannot_be_kept_is_sent_once_by_an_engine_that_takes_over_again(void **state)
{
	(void)state;
	static char long_condition[3000];
	const struct property properties[] = {{"message.max.bytes", "2000"}, {"linger.ms", "0"}};
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	memset(long_condition, 'q', sizeof long_condition - 1);
	one->alert.condition_words = text_of(long_condition);
	one->watch.takeover.config.producer = (struct properties){2, properties};
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	expect_kept(0, 0);
	for (int64_t now_ms = 2; now_ms <= 3; now_ms++) {
		one->sends = false;
		alert_takeover_turn(&one->watch, now_ms);
		engine_take_over(one);
		engine_looks(one, now_ms);
		expect_firing(one, "g", FIRED_MS);
		assert_int_equal(count_read(&one->alert.watched.notices.rejected), 2); /* the firing, and its notice */
		alert_group_find(&one->alert.shared, TEXT("g"))->kept_number = 0;
	}
	engine_end(one);
	assert_int_equal(receiver->count, 1);
	web_receiver_close(receiver);
}

static void a_notice_waits_for_a_day_through_all_engines(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	struct error error = {0};
	struct buffer record;
	char key[KEPT_KEY_BYTES], id[NOTICE_ID_BYTES];
	struct alert_message message = {.status = "resolved",
					.namespace = TEXT("default"),
					.pipeline = TEXT("p"),
					.alert = TEXT("gone"),
					.is_shared = true,
					.at_ms = time_of_day_ms() - NOTICE_AGE_MS_MAX};
	buffer_open(&record, NOTICE_BYTES_MAX);
	const char *const groups[] = {"old", "young"};
	for (size_t i = 0; i < 2; i++, message.at_ms += 60000) {
		message.group = text_of(groups[i]);
		notice_id(&message, id);
		kept_notice_key(alert_action_hash(&one->spec, 0), id, key);
		record.length = 0;
		assert_true(alert_record_encode(&message, &record, &error));
		mock_append(&alert_mock, FEED, text_of(key), buffer_view(&record));
	}
	engine_take_over(one);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	assert_non_null(strstr(receiver->heard[0], "\"group\": \"young\""));
	expect_kept(0, 0);
	engine_end(one);
	assert_int_equal(receiver->count, 1);
	buffer_close(&record);
	web_receiver_close(receiver);
}

/* A receiver that is down, and two engines: what waits is sent by the one that sends now. */
static void a_notice_is_left_to_the_engine_that_sends_now(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(IS_BUSY_ONCE);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	char key[KEPT_KEY_BYTES];
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1); /* one tries it again in a second */
	kept_notice_key(alert_action_hash(&one->spec, 0), shared(one, "g")->kept_id, key);
	assert_true(alert_store_awaits(one->watch.takeover.store, key));
	one->sends = false;
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; alert_store_awaits(one->watch.takeover.store, key);) {
		alert_takeover_turn(&one->watch, 2);
		assert_true(clock_ms() < until_ms);
		nanosleep(&pause, NULL);
	}
	expect_kept(1, 1);
	engine_take_over(two);
	engine_looks(two, 3);
	web_receiver_await(receiver, 2);
	expect_kept(1, 0);
	engine_end(one);
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

static void a_notice_for_nobody_does_not_wait(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	struct alert_action actions[] = {{.type = ALERT_EMAIL}, {.type = ALERT_ROLLBACK, .experiment.text = "none"}, one->action};
	one->spec.actions = (struct item_list){3, actions}; /* there is no mail server, and no such experiment */
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	expect_kept(1, 0);
	engine_end(one);
	web_receiver_close(receiver);
}

static void what_no_pipeline_claims_is_kept_for_an_hour(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(HANGS_ONCE);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(receiver, 1);
	expect_kept(1, 1);
	two->alert.watched.name = "another";
	engine_take_over(two);
	engine_looks(two, 3600000);
	expect_kept(1, 1);
	engine_looks(two, 3600001);
	expect_kept(0, 0);
	assert_null(two->watch.takeover.kept->alerts.first);
	atomic_store(&receiver->released, true);
	engine_end(two);
	engine_end(one);
	web_receiver_close(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_notice_that_waits_and_the_end_of_a_firing_outlast_the_engine),
		STORY(a_notice_that_waits_here_is_not_sent_twice_when_the_engine_is_the_sender_again),
		STORY(a_firing_that_was_kept_goes_on_and_one_that_was_not_is_sent),
		STORY(an_end_that_nobody_has_sent_is_sent),
		STORY(without_kafka_notices_are_sent_after_a_while),
		STORY(an_alert_stays_inhibited_over_a_restart),
		STORY(a_notice_for_a_former_receiver_goes_to_the_present_ones_while_the_alert_fires),
		STORY(a_notice_whose_place_another_one_takes_waits_no_longer),
		STORY(each_receiver_that_cannot_get_notices_is_logged),
		STORY(notices_that_cannot_be_sent_are_logged_once_for_an_alert),
		STORY(a_notice_is_sent_when_its_record_is_in_the_feed),
		STORY(a_firing_that_cannot_be_kept_is_sent_once_by_an_engine_that_takes_over_again),
		STORY(a_notice_waits_for_a_day_through_all_engines),
		STORY(a_notice_is_left_to_the_engine_that_sends_now),
		STORY(a_notice_for_nobody_does_not_wait),
		STORY(what_no_pipeline_claims_is_kept_for_an_hour),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
