/* alert_receivers_test.c: Tests of receivers that are replaced while their alert fires: the former one gets the end with the
 * reason, and the new one the firing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/conditions/notice_services.h"
#include "base/clock.h"
#include "monitor/alerts/alert_receivers.h"
#include "monitor/alerts/told_receivers.h"
#include "tests/unit/alert_stand.h"
#include "tests/unit/letters.h"

#define STORY(test) cmocka_unit_test_setup_teardown(test, alert_stand_setup, alert_stand_teardown)

/* The engine follows a revision in which the alert has another receiver; the memory of the one before is gone then. */
static void receiver_replace(struct engine_stand *stand, const struct web_receiver *receiver, int64_t now_ms)
{
	struct arena *revisions[2] = {arena_open((size_t)1 << 20), arena_open((size_t)1 << 20)};
	const struct alert_outline *before = alert_outline_make(stand->pipelines, &stand->spec, TEXT("c"), revisions[0]);
	(void)snprintf(stand->url, sizeof stand->url, "http://127.0.0.1:%d/", receiver->port);
	stand->alert.outline = alert_outline_make(stand->pipelines, &stand->spec, TEXT("c"), revisions[1]);
	assert_true(before && stand->alert.outline);
	alert_receivers_change(&stand->watch, &stand->alert, before, now_ms);
	stand->alert.outline = NULL;
	arena_close(revisions[0]);
	arena_close(revisions[1]);
}

/* Looks until nothing is owed; also before Kafka can have taken what was written. */
static void engine_settles(struct engine_stand *stand, int64_t now_ms)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	bool owes = true;
	while (owes) {
		engine_looks(stand, now_ms);
		for (int i = 0; i < 3; i++)
			alert_receivers_send(&stand->watch, &stand->alert, now_ms);
		owes = stand->alert.formers && stand->alert.formers->ends.count > 0;
		assert_true(clock_ms() < until_ms);
		nanosleep(&pause, NULL);
	}
}

static void stand_end(struct engine_stand *stand)
{
	alert_receivers_drop(&stand->alert);
	engine_end(stand);
}

static void expect_notice(const struct web_receiver *receiver, size_t number, const char *status, const char *reason)
{
	char words[128];
	(void)snprintf(words, sizeof words, "\"reason\": \"%s\"", reason);
	assert_non_null(strstr(web_receiver_id(receiver, number), status));
	assert_non_null(strstr(receiver->heard[number], words));
}

#define LATER (ALERT_KEPT_MS + 4)
#define DROPPED "no longer a receiver of this alert"

static void a_former_receiver_gets_the_end_and_the_new_one_the_firing(void **state)
{
	(void)state;
	struct web_receiver *former = web_receiver_open(ANSWERS), *present = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", former);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(former, 1);
	receiver_replace(one, present, 2);
	engine_settles(one, 2);
	web_receiver_await(former, 2);
	web_receiver_await(present, 1);
	expect_notice(former, 1, "-resolved", DROPPED);
	expect_notice(present, 0, "-firing", "");
	assert_memory_equal(web_receiver_id(former, 0), web_receiver_id(present, 0), sizeof "Idempotency-Key: " - 1 + 16);
	expect_kept(1, 0); /* it fires on */
	group_fires(one, "g", 0, 3);
	engine_settles(one, 3);
	web_receiver_await(present, 2);
	expect_notice(present, 1, "-resolved", "");
	expect_kept(0, 0);
	stand_end(one);
	assert_int_equal(former->count, 2);
	assert_int_equal(present->count, 2);
	assert_int_equal(feed_count("-resolved", true), 2); /* one for each receiver */
	web_receiver_close(former);
	web_receiver_close(present);
}

/* The engine that sends ends before it has followed the revision. */
static void another_engine_tells_both(void **state)
{
	(void)state;
	struct web_receiver *former = web_receiver_open(ANSWERS), *present = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", former), *two = engine_start("two", former);
	engine_take_over(one);
	for (int i = 0; i < 2; i++)
		group_fires(i ? two : one, "g", FIRED_MS, 1);
	engine_look(two, 1);
	engine_looks(one, 1);
	web_receiver_await(former, 1);
	receiver_replace(two, present, 2);
	alert_receivers_send(&two->watch, &two->alert, 2);
	expect_kept(1, 0);
	stand_end(one);
	assert_int_equal(former->count, 1);
	engine_take_over(two);
	engine_settles(two, 3);
	web_receiver_await(former, 2);
	web_receiver_await(present, 1);
	expect_notice(former, 1, "-resolved", DROPPED);
	expect_notice(present, 0, "-firing", "");
	expect_kept(1, 0);
	stand_end(two);
	assert_int_equal(former->count, 2);
	assert_int_equal(present->count, 1);
	web_receiver_close(former);
	web_receiver_close(present);
}

/* The end is in the feed when the engine ends, and the receiver does not have it. */
static void another_engine_sends_the_end_that_waits(void **state)
{
	(void)state;
	struct web_receiver *former = web_receiver_open(ANSWERS), *present = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", former), *two = engine_start("two", former);
	engine_take_over(one);
	for (int i = 0; i < 2; i++)
		group_fires(i ? two : one, "g", FIRED_MS, 1);
	engine_look(two, 1);
	engine_looks(one, 1);
	web_receiver_await(former, 1);
	receiver_replace(one, present, 2);
	receiver_replace(two, present, 2);
	alert_receivers_send(&one->watch, &one->alert, 2); /* its record is not in Kafka yet, so it is not sent */
	expect_kept(1, 1);
	stand_end(one);
	assert_int_equal(former->count, 1);
	engine_take_over(two);
	engine_settles(two, 3);
	web_receiver_await(former, 2);
	expect_notice(former, 1, "-resolved", DROPPED);
	expect_kept(1, 0);
	stand_end(two);
	assert_int_equal(former->count, 2);
	assert_int_equal(feed_count("-resolved", true), 1);
	web_receiver_close(former);
	web_receiver_close(present);
}

/* The files that an engine has, as its watch keeps them; until the arena is closed. */
static void outline_set(struct engine_stand *stand, struct arena *arena)
{
	stand->alert.outline = alert_outline_make(stand->pipelines, &stand->spec, TEXT("c"), arena);
	assert_non_null(stand->alert.outline);
}

/* No engine ran when the receiver was replaced. */
static void the_engine_that_starts_tells_both(void **state)
{
	(void)state;
	struct arena *files = arena_open((size_t)1 << 20);
	struct web_receiver *former = web_receiver_open(ANSWERS), *present = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", former);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(former, 1);
	expect_kept(1, 0);
	stand_end(one);
	struct engine_stand *two = engine_start("two", present);
	outline_set(two, files);
	engine_take_over(two);
	engine_settles(two, 3);
	web_receiver_await(former, 2);
	web_receiver_await(present, 1);
	expect_notice(former, 1, "-resolved", DROPPED);
	expect_notice(present, 0, "-firing", "");
	expect_kept(1, 0);
	group_fires(two, "g", 0, LATER); /* the report of the engine that ended counts no more */
	engine_settles(two, LATER);
	web_receiver_await(present, 2);
	expect_notice(present, 1, "-resolved", "");
	expect_kept(0, 0);
	stand_end(two);
	assert_int_equal(former->count, 2);
	assert_int_equal(present->count, 2);
	web_receiver_close(former);
	web_receiver_close(present);
	arena_close(files);
}

/* The engine that sent has followed the revision, and ended before the end was in the feed. */
static void an_end_that_nobody_kept_is_told(void **state)
{
	(void)state;
	struct arena *files = arena_open((size_t)1 << 20);
	struct web_receiver *former = web_receiver_open(ANSWERS), *present = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", former);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	web_receiver_await(former, 1);
	receiver_replace(one, present, 2);
	engine_looks(one, 2);
	web_receiver_await(present, 1);
	expect_kept(1, 0);
	stand_end(one);
	assert_int_equal(former->count, 1);
	struct engine_stand *two = engine_start("two", present);
	outline_set(two, files);
	engine_take_over(two);
	engine_settles(two, 3);
	web_receiver_await(former, 2);
	expect_notice(former, 1, "-resolved", DROPPED);
	expect_kept(1, 0);
	stand_end(two);
	web_receiver_close(former);
	web_receiver_close(present);
	arena_close(files);
}

/* The engine that sent has told both, and the next one has followed the revision, too. */
static void nobody_is_told_twice(void **state)
{
	(void)state;
	struct arena *files = arena_open((size_t)1 << 20);
	struct web_receiver *former = web_receiver_open(ANSWERS), *present = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", former), *two = engine_start("two", former);
	engine_take_over(one);
	for (int i = 0; i < 2; i++)
		group_fires(i ? two : one, "g", FIRED_MS, 1);
	engine_look(two, 1);
	engine_looks(one, 1);
	web_receiver_await(former, 1);
	receiver_replace(one, present, 2);
	receiver_replace(two, present, 2);
	engine_settles(one, 2);
	web_receiver_await(former, 2);
	web_receiver_await(present, 1);
	expect_kept(1, 0);
	stand_end(one);
	outline_set(two, files);
	engine_take_over(two);
	engine_settles(two, 3);
	expect_kept(1, 0);
	stand_end(two); /* which sends what it has */
	assert_int_equal(former->count, 2);
	assert_int_equal(present->count, 1);
	web_receiver_close(former);
	web_receiver_close(present);
	arena_close(files);
}

/* In this engine, which has sent it and sends again; or in the feed, where it is to be taken over. */
static void an_end_that_waits_already_is_not_written_again(void **state)
{
	(void)state;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	struct alert_takeover *takeover = &one->watch.takeover;
	engine_take_over(one);
	for (int i = 0; i < 2; i++) {
		struct alert_group end = {
			.name = TEXT("g"), .alert.fired_at_ms = FIRED_MS + i, .notice = NOTICE_RESOLVED, .owed = 1};
		const struct alert_message message =
			alert_message_of(&one->watch, one->pipelines, &one->alert, &end, NOTICE_RESOLVED);
		struct error error = {0};
		struct buffer record;
		char id[NOTICE_ID_BYTES], key[KEPT_KEY_BYTES];
		buffer_open(&record, NOTICE_BYTES_MAX);
		notice_id(&message, id);
		kept_notice_key(alert_action_hash(&one->spec, 0), id, key);
		assert_true(alert_record_encode(&message, &record, &error));
		if (i == 0)
			alert_store_await(takeover->store, key, true);
		else
			assert_true(kept_alerts_take(takeover->kept, text_of(key), buffer_view(&record)));
		alert_end_keep(&one->watch, one->pipelines, &one->alert, &end, &one->spec, 1);
		assert_int_equal(end.owed, 0);
		buffer_close(&record);
	}
	engine_end(one);
	assert_int_equal(feed_count("-resolved", true), 0);
	web_receiver_close(receiver);
}

/* ---- the record of who was told ---- */

/* The record in the feed that has so many receivers. */
static void record_await(struct letter *letter, size_t receivers)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	char key[KEPT_KEY_BYTES];
	size_t count = 0;
	kept_receivers_key(&(struct alert_message){.namespace = TEXT("default"), .pipeline = TEXT("p"), .alert = TEXT("gone")},
			   key);
	while (true) {
		struct kept_alerts *kept = feed_read();
		const struct text record = kept_receivers_find(kept, key);
		avro_value_t list;
		if (record.bytes) {
			letter_open_as(letter, "alert_receivers", record);
			assert_int_equal(avro_value_get_by_name(&letter->value, "receivers", &list, NULL), 0);
			assert_int_equal(avro_value_get_size(&list, &count), 0);
		}
		kept_alerts_free(kept);
		if (count == receivers)
			return;
		if (record.bytes)
			letter_close(letter);
		assert_true(clock_ms() < until_ms);
	}
}

/* A receiver of the record by its place. */
static void expect_receiver(const struct letter *letter, size_t place, const struct alert_action *action)
{
	const char *const names[] = {"url", "body", "secret", "experiment"};
	const char *const texts[] = {action->url, action->body, action->secret, action->experiment.text};
	avro_value_t list, receiver, field, item;
	int64_t type = -1, format = -1;
	size_t count = 0, size = 0;
	const char *text = NULL;
	assert_int_equal(avro_value_get_by_name(&letter->value, "receivers", &list, NULL), 0);
	assert_int_equal(avro_value_get_by_index(&list, place, &receiver, NULL), 0);
	assert_int_equal(avro_value_get_by_name(&receiver, "type", &field, NULL), 0);
	assert_int_equal(avro_value_get_long(&field, &type), 0);
	assert_int_equal(avro_value_get_by_name(&receiver, "format", &field, NULL), 0);
	assert_int_equal(avro_value_get_long(&field, &format), 0);
	assert_true(type == action->type && format == action->format);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(avro_value_get_by_name(&receiver, names[i], &field, NULL), 0);
		assert_int_equal(avro_value_get_string(&field, &text, &size), 0);
		assert_string_equal(text, texts[i] ? texts[i] : "");
	}
	assert_int_equal(avro_value_get_by_name(&receiver, "recipients", &field, NULL), 0);
	assert_int_equal(avro_value_get_size(&field, &count), 0);
	assert_int_equal(count, action->recipients.count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(avro_value_get_by_index(&field, i, &item, NULL), 0);
		assert_int_equal(avro_value_get_string(&item, &text, &size), 0);
		assert_string_equal(text, action->recipients.items[i].text);
	}
}

static void another_reader_finds_who_was_told(void **state)
{
	(void)state;
	struct name recipients[] = {{.text = "ops@example.org"}, {.text = "night@example.org"}};
	struct alert_action actions[] = {
		{.type = ALERT_WEBHOOK,
		 .url = "https://a.example/b",
		 .format = NOTICE_JSON,
		 .body = "{{ alert }}",
		 .secret = "env:SLUICE_SECRET_K"},
		{.type = ALERT_EMAIL, .recipients = {2, recipients}},
		{.type = ALERT_TOPIC},
		{.type = ALERT_ROLLBACK, .experiment = {.text = "candidates"}},
		{.type = ALERT_WEBHOOK, .url = "https://pager.example/", .format = NOTICE_PAGERDUTY, .secret = "file:/k"},
	};
	struct topic topic = {.role = TOPIC_ALERTS, .name = "p.alerts"};
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver);
	struct letter letter;
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	record_await(&letter, 1);
	assert_true(text_equal(letter_text(&letter, "topic"), TEXT("")));
	expect_receiver(&letter, 0, &one->action);
	letter_close(&letter);
	const struct alert_spec spec = {.name.text = "gone", .actions = {sizeof actions / sizeof *actions, actions}};
	one->pipelines[0].topics = &topic;
	one->pipelines[0].topic_count = 1;
	told_receivers_write(&one->watch, one->pipelines, &one->alert, &spec);
	record_await(&letter, spec.actions.count);
	assert_true(text_equal(letter_text(&letter, "namespace"), TEXT("default")));
	assert_true(text_equal(letter_text(&letter, "pipeline"), TEXT("p")));
	assert_true(text_equal(letter_text(&letter, "alert"), TEXT("gone")));
	assert_true(text_equal(letter_text(&letter, "topic"), TEXT("p.alerts")));
	for (size_t i = 0; i < spec.actions.count; i++)
		expect_receiver(&letter, i, &actions[i]);
	letter_close(&letter);
	stand_end(one);
	web_receiver_close(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_former_receiver_gets_the_end_and_the_new_one_the_firing),
		STORY(another_engine_tells_both),
		STORY(another_engine_sends_the_end_that_waits),
		STORY(the_engine_that_starts_tells_both),
		STORY(an_end_that_nobody_kept_is_told),
		STORY(nobody_is_told_twice),
		STORY(an_end_that_waits_already_is_not_written_again),
		STORY(another_reader_finds_who_was_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
