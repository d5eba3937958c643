/* alert_feed_test.c: Tests of the records of alerts in a feed: their keys, and how they are folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "compiler/conditions/notice_services.h"
#include "monitor/alerts/alert_parts.h"

#define FIRED_MS INT64_C(1767225600250)

static int64_t fired_ms = FIRED_MS; /* of keys and records */

/* The key of a group's firing; or with an action, of its notice. */
static const char *key_of(const char *group, const char *action)
{
	static char keys[8][ALERT_KEY_BYTES];
	static size_t next;
	const struct alert_message message = {
		.status = "firing", .alert = TEXT("a"), .group = text_of(group), .is_shared = true, .fired_at_ms = fired_ms};
	char id[NOTICE_ID_BYTES], *key = keys[next++ % 8];
	notice_id(&message, id);
	if (action)
		(void)snprintf(key, ALERT_KEY_BYTES, "notice/%s/%s", action, id);
	else
		alert_firing_key(&message, key);
	return key;
}

/* A record of the group under that key; status NULL: without bytes. */
static void feed_take(struct alert_feed *feed, const char *key, const char *group, const char *status)
{
	const struct alert_message message = {
		.status = status ? status : "", .alert = TEXT("a"), .group = text_of(group), .fired_at_ms = fired_ms};
	struct error error = {0};
	struct buffer record;
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &record, &error));
	assert_true(alert_feed_take(feed, text_of(key), status ? buffer_view(&record) : (struct text){0}));
	buffer_close(&record);
}

static void expect_fed(const struct alert_feed *feed, size_t place, const char *key)
{
	struct feed_alert *at = feed_alert_of(feed->alerts.first);
	for (size_t i = 0; i < place; i++)
		at = feed_alert_of(at->node.next);
	assert_string_equal(at->key, key);
	assert_ptr_equal(alert_feed_find(feed, key), at);
	assert_non_null(at->record.bytes);
}

static void records_are_folded_by_their_keys(void **state)
{
	(void)state;
	struct alert_feed *feed = alert_feed_open();
	const char *firing = key_of("g", NULL), *first = key_of("g", "00000000000000ff"), *second = key_of("h", "0000000000000010");
	feed_take(feed, first, "g", "firing");
	feed_take(feed, firing, "g", "firing");
	feed_take(feed, second, "h", "firing");
	feed_take(feed, first, "g", "firing"); /* again: it keeps its place */
	assert_int_equal(list_length(&feed->alerts), 3);
	expect_fed(feed, 0, first);
	expect_fed(feed, 1, firing);
	expect_fed(feed, 2, second);
	assert_int_equal(alert_feed_find(feed, first)->action, 0xff);
	assert_int_equal(alert_feed_find(feed, firing)->read.fired_at_ms, FIRED_MS);
	feed_take(feed, first, "g", NULL);
	feed_take(feed, key_of("never", "00000000000000ff"), "never", NULL);
	feed_take(feed, firing, "g", NULL);
	feed_take(feed, key_of("h", NULL), "h", NULL);
	assert_int_equal(list_length(&feed->alerts), 1);
	assert_int_equal(list_length(&feed->ended), 2); /* firings alone */
	assert_null(alert_feed_find(feed, first));
	assert_null(alert_feed_find(feed, firing)->record.bytes);
	feed_take(feed, firing, "g", "firing");
	expect_fed(feed, 1, firing);
	assert_int_equal(feed->ended_count, 1);
	alert_feed_close(feed);
}

static void receivers_are_folded_too(void **state)
{
	(void)state;
	struct alert_feed *feed = alert_feed_open();
	char key[ALERT_KEY_BYTES];
	alert_receivers_key(&(struct alert_message){.alert = TEXT("a")}, key);
	assert_true(alert_feed_take(feed, text_of(key), TEXT("first")) && alert_feed_take(feed, text_of(key), TEXT("second")));
	assert_int_equal(list_length(&feed->alerts), 1);
	assert_true(text_is(alert_feed_find(feed, key)->record, "second"));
	assert_true(alert_feed_take(feed, text_of(key), (struct text){0}));
	assert_null(alert_feed_find(feed, key));
	alert_feed_close(feed);
}

/* A feed that is not compacted has an end for each firing of a group that flaps. */
static void the_ends_of_a_group_that_flaps_are_bounded(void **state)
{
	(void)state;
	enum { BEYOND = 100 };
	struct alert_feed *feed = alert_feed_open();
	for (size_t i = 0; i < ALERT_FEED_ENDED_MAX + BEYOND; i++) {
		fired_ms = FIRED_MS + (int64_t)i;
		assert_true(alert_feed_take(feed, text_of(key_of("g", NULL)), (struct text){0}));
	}
	assert_int_equal(list_length(&feed->ended), ALERT_FEED_ENDED_MAX);
	assert_non_null(alert_feed_find(feed, key_of("g", NULL))); /* the last ones are known */
	fired_ms = FIRED_MS + BEYOND;
	assert_non_null(alert_feed_find(feed, key_of("g", NULL)));
	fired_ms = FIRED_MS + BEYOND - 1;
	assert_null(alert_feed_find(feed, key_of("g", NULL)));
	alert_feed_close(feed);
	fired_ms = FIRED_MS;
}

static void records_under_keys_of_others_are_left_out(void **state)
{
	(void)state;
	struct alert_feed *feed = alert_feed_open();
	char longest[ALERT_KEY_BYTES + 1];
	(void)snprintf(longest, sizeof longest, "alert/%0*d", (int)(sizeof longest - sizeof "alert/"), 1);
	feed_take(feed, key_of("g", NULL), "h", "firing");
	feed_take(feed, key_of("g", NULL), "g", "resolved");
	feed_take(feed, key_of("g", "00000000000000ff"), "h", "firing");
	feed_take(feed, key_of("g", "00000000000000ff"), "g", "test");
	feed_take(feed, key_of("g", "ff"), "g", "firing");
	feed_take(feed, "alert/", "g", "firing");
	feed_take(feed, "drift/p/s", "g", "firing");
	feed_take(feed, longest, "g", "firing");
	assert_true(alert_feed_take(feed, text_of(key_of("g", NULL)), TEXT("no record")));
	assert_true(alert_feed_take(feed, (struct text){0}, TEXT("no record")));
	assert_null(feed->alerts.first);
	alert_feed_close(feed);
}

static void actions_are_told_apart_by_their_receivers(void **state)
{
	(void)state;
	struct name ann = {.text = "ann@example.org"}, bob = {.text = "bob@example.org"}, both[] = {ann, bob};
	struct alert_action actions[] = {
		{.type = ALERT_WEBHOOK, .url = "http://a/"},	 {.type = ALERT_WEBHOOK, .url = "http://b/"},
		{.type = ALERT_WEBHOOK, .url = "http://a/"},	 {.type = ALERT_EMAIL, .recipients = {1, &ann}},
		{.type = ALERT_EMAIL, .recipients = {2, both}},	 {.type = ALERT_TOPIC},
		{.type = ALERT_ROLLBACK, .experiment.text = "e"}};
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		for (size_t j = 0; j < sizeof actions / sizeof *actions; j++)
			assert_int_equal(alert_receiver_id(actions, i) == alert_receiver_id(actions, j), i == j);
	const uint64_t before = alert_receiver_id(actions, 0);
	actions[0].body = "{}";
	actions[0].format = NOTICE_SLACK;
	assert_int_equal(alert_receiver_id(actions, 0), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_folded_by_their_keys),
		cmocka_unit_test(receivers_are_folded_too),
		cmocka_unit_test(the_ends_of_a_group_that_flaps_are_bounded),
		cmocka_unit_test(records_under_keys_of_others_are_left_out),
		cmocka_unit_test(actions_are_told_apart_by_their_receivers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
