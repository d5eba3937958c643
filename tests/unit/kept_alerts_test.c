/* kept_alerts_test.c: Tests of the records of alerts in a feed: their keys, and how they are folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "compiler/conditions/notice_services.h"
#include "base/memory.h"
#include "monitor/alerts/alert_parts.h"

#define FIRED_MS INT64_C(1767225600250)

static int64_t fired_ms = FIRED_MS; /* of keys and records */

/* The key of a group's firing; or with an action, of its notice. */
static const char *key_of(const char *group, const char *action)
{
	static char keys[8][KEPT_KEY_BYTES];
	static size_t next;
	const struct alert_message message = {
		.status = "firing", .alert = TEXT("a"), .group = text_of(group), .is_shared = true, .fired_at_ms = fired_ms};
	char id[NOTICE_ID_BYTES], *key = keys[next++ % 8];
	notice_id(&message, id);
	if (action)
		(void)snprintf(key, KEPT_KEY_BYTES, "notice/%s/%s", action, id);
	else
		kept_firing_key(&message, key);
	return key;
}

/* A record of the group under that key; status NULL: without bytes. */
static void kept_take(struct kept_alerts *kept, const char *key, const char *group, const char *status)
{
	const struct alert_message message = {
		.status = status ? status : "", .alert = TEXT("a"), .group = text_of(group), .fired_at_ms = fired_ms};
	struct error error = {0};
	struct buffer record;
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &record, &error));
	assert_true(kept_alerts_take(kept, text_of(key), status ? buffer_view(&record) : (struct text){0}));
	buffer_close(&record);
}

static void expect_kept_as(const struct kept_alerts *kept, size_t place, const char *key, bool fires)
{
	struct kept_alert *at = kept_alert_of(kept->alerts.first);
	for (size_t i = 0; i < place; i++)
		at = kept_alert_of(at->node.next);
	assert_string_equal(at->key, key);
	assert_ptr_equal(kept_alert_find(kept, key), at);
	assert_int_equal(at->read != NULL, fires);
}

static void records_are_folded_by_their_keys(void **state)
{
	(void)state;
	struct kept_alerts *kept = memory_take(1, sizeof *kept);
	const char *firing = key_of("g", NULL), *first = key_of("g", "00000000000000ff"), *second = key_of("h", "0000000000000010");
	kept_take(kept, first, "g", "firing");
	kept_take(kept, firing, "g", "firing");
	kept_take(kept, second, "h", "firing");
	assert_int_equal(list_length(&kept->alerts), 3);
	expect_kept_as(kept, 0, first, true);
	expect_kept_as(kept, 1, firing, true);
	expect_kept_as(kept, 2, second, true);
	assert_int_equal(kept_alert_find(kept, first)->action, 0xff);
	assert_int_equal(kept_alert_find(kept, firing)->read->fired_at_ms, FIRED_MS);
	kept_take(kept, first, "g", NULL);
	kept_take(kept, key_of("never", "00000000000000ff"), "never", NULL);
	kept_take(kept, firing, "g", NULL);
	kept_take(kept, key_of("h", NULL), "h", NULL);
	assert_int_equal(list_length(&kept->alerts), 3);
	assert_null(kept_alert_find(kept, first));
	expect_kept_as(kept, 0, firing, false);
	expect_kept_as(kept, 2, key_of("h", NULL), false);
	kept_take(kept, firing, "g", "firing");
	expect_kept_as(kept, 0, firing, true);
	while (kept->alerts.first)
		kept_alert_remove(kept, kept_alert_of(kept->alerts.first));
	assert_null(kept->alerts.first);
	assert_null(kept_alert_find(kept, firing));
	kept_alerts_free(kept);
}

static void firings_of_a_group_are_known_by_their_ids_in_their_order(void **state)
{
	(void)state;
	struct kept_alerts *kept = memory_take(1, sizeof *kept);
	const struct alert_message names = {.alert = TEXT("a"), .group = TEXT("g")}, others = {.alert = TEXT("a")};
	const char *keys[3];
	for (size_t i = 0; i < 3; i++) { /* times of day say nothing of the order */
		fired_ms = FIRED_MS - (int64_t)i;
		keys[i] = key_of("g", NULL);
		kept_take(kept, keys[i], "g", "firing");
	}
	assert_string_equal(kept_firing_first(kept, &names)->key, keys[0]);
	fired_ms = FIRED_MS;
	kept_take(kept, keys[0], "g", "firing"); /* again: it keeps its place */
	assert_string_equal(kept_firing_first(kept, &names)->key, keys[0]);
	kept_take(kept, keys[0], "g", NULL);
	assert_string_equal(kept_firing_first(kept, &names)->key, keys[1]);
	assert_null(kept_alert_find(kept, keys[0])->read);
	kept_alert_remove(kept, kept_alert_find(kept, keys[1]));
	assert_string_equal(kept_firing_first(kept, &names)->key, keys[2]);
	kept_take(kept, keys[2], "g", NULL);
	assert_null(kept_firing_first(kept, &names));
	assert_null(kept_firing_first(kept, &others));
	kept_alerts_free(kept);
}

static size_t longest_chain(const struct kept_alerts *kept)
{
	size_t longest = 0;
	for (size_t i = 0; i < KEPT_BUCKETS; i++) {
		size_t length = 0;
		for (const struct kept_alert *at = kept->buckets[i]; at; at = at->chained)
			length++;
		longest = length > longest ? length : longest;
	}
	return longest;
}

/* A feed that is not compacted has an end for each firing of a group that flaps. */
static void the_ends_of_a_group_that_flaps_make_no_search_long_and_are_bounded(void **state)
{
	(void)state;
	enum { BEYOND = 100 };
	struct kept_alerts *kept = memory_take(1, sizeof *kept);
	const struct alert_message names = {.alert = TEXT("a"), .group = TEXT("g")};
	for (size_t i = 0; i < KEPT_ENDED_MAX + BEYOND; i++) {
		fired_ms = FIRED_MS + (int64_t)i;
		assert_true(kept_alerts_take(kept, text_of(key_of("g", NULL)), (struct text){0}));
	}
	assert_in_range(longest_chain(kept), 1, 32);
	assert_int_equal(list_length(&kept->alerts), KEPT_ENDED_MAX);
	assert_non_null(kept_alert_find(kept, key_of("g", NULL))); /* the last ones are known */
	fired_ms = FIRED_MS + BEYOND;
	assert_non_null(kept_alert_find(kept, key_of("g", NULL)));
	fired_ms = FIRED_MS + BEYOND - 1;
	assert_null(kept_alert_find(kept, key_of("g", NULL)));
	kept_take(kept, key_of("g", NULL), "g", "firing");
	assert_string_equal(kept_firing_first(kept, &names)->key, key_of("g", NULL));
	while (kept->alerts.first)
		kept_alert_remove(kept, kept_alert_of(kept->alerts.first));
	assert_int_equal(kept->ended_count, 0);
	assert_null(kept_firing_first(kept, &names));
	kept_alerts_free(kept);
	fired_ms = FIRED_MS;
}

static void records_under_keys_of_others_are_left_out(void **state)
{
	(void)state;
	struct kept_alerts *kept = memory_take(1, sizeof *kept);
	char longest[KEPT_KEY_BYTES + 1];
	(void)snprintf(longest, sizeof longest, "alert/%0*d", (int)(sizeof longest - sizeof "alert/"), 1);
	kept_take(kept, key_of("g", NULL), "h", "firing");
	kept_take(kept, key_of("g", NULL), "g", "resolved");
	kept_take(kept, key_of("g", "00000000000000ff"), "h", "firing");
	kept_take(kept, key_of("g", "00000000000000ff"), "g", "test");
	kept_take(kept, key_of("g", "ff"), "g", "firing");
	kept_take(kept, "alert/", "g", "firing");
	kept_take(kept, "drift/p/s", "g", "firing");
	kept_take(kept, longest, "g", "firing");
	assert_true(kept_alerts_take(kept, text_of(key_of("g", NULL)), TEXT("no record")));
	assert_true(kept_alerts_take(kept, (struct text){0}, TEXT("no record")));
	assert_null(kept->alerts.first);
	kept_alerts_free(kept);
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
	const struct alert_spec spec = {.actions = {sizeof actions / sizeof *actions, actions}};
	for (size_t i = 0; i < spec.actions.count; i++)
		for (size_t j = 0; j < spec.actions.count; j++)
			assert_int_equal(alert_action_hash(&spec, i) == alert_action_hash(&spec, j), i == j);
	const uint64_t before = alert_action_hash(&spec, 0);
	actions[0].body = "{}";
	actions[0].format = NOTICE_SLACK;
	assert_int_equal(alert_action_hash(&spec, 0), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_folded_by_their_keys),
		cmocka_unit_test(firings_of_a_group_are_known_by_their_ids_in_their_order),
		cmocka_unit_test(the_ends_of_a_group_that_flaps_make_no_search_long_and_are_bounded),
		cmocka_unit_test(records_under_keys_of_others_are_left_out),
		cmocka_unit_test(actions_are_told_apart_by_their_receivers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
