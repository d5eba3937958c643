/* alert_states_test.c: Tests of the states of alerts: reports of engines, what the next keeper finds in the feed, and notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "monitor/alerts/alert_states.h"

#define FIRED_MS INT64_C(1767225600250)
#define RECORDS_MAX 200
#define WRITTEN_A_TRANSACTION 3

/* A record of the feed, without compaction. */
struct feed_entry {
	char key[ALERT_KEY_BYTES], *value;
	size_t bytes;
};

/* A keeper with the alerts `large` and `other` of the pipeline `p`, and what it has handed over: "firing g to a", and so on. */
struct keeper_stand {
	struct alert_states *states;
	struct alert_action actions[3];
	struct alert_definition items[2];
	struct group_silence silence;
	struct alert_definitions definitions;
	struct feed_entry feed[RECORDS_MAX];
	size_t feed_count;
	char handed[2000], keys[100][ALERT_KEY_BYTES];
	size_t handed_count;
	bool refuses; /* the sender takes nothing */
	int64_t now_ms, at_ms;
};

static const struct alert_states_config shared = {.engine = "keeper", .is_shared = true}, alone = {.engine = "lone"};
static struct keeper_stand *stand;

static struct alert_time now(void)
{
	return (struct alert_time){stand->now_ms, stand->at_ms};
}

static int stand_open(void **state)
{
	struct error error = {0};
	(void)state;
	stand = calloc(1, sizeof *stand);
	stand->now_ms = 1000;
	stand->at_ms = FIRED_MS + 1000;
	stand->actions[0] = (struct alert_action){.type = ALERT_WEBHOOK, .url = "a"};
	stand->actions[1] = (struct alert_action){.type = ALERT_WEBHOOK, .url = "b"};
	stand->actions[2] = (struct alert_action){.type = ALERT_ROLLBACK, .experiment.text = "e"};
	for (size_t i = 0; i < 2; i++)
		stand->items[i] = (struct alert_definition){.namespace = "default",
							    .pipeline = "p",
							    .name = i == 0 ? "large" : "other",
							    .resolve_after_ms = 20000,
							    .actions = {1, stand->actions}};
	stand->items[1].actions.count = 0;
	stand->definitions = (struct alert_definitions){2, 0, stand->items, &stand->silence};
	stand->states = alert_states_open(&shared, &error);
	return stand->states ? 0 : -1;
}

static int stand_close(void **state)
{
	(void)state;
	alert_states_close(stand->states);
	for (size_t i = 0; i < stand->feed_count; i++)
		free(stand->feed[i].value);
	free(stand);
	return 0;
}

static void begin(const struct alert_feed *feed)
{
	struct error error = {0};
	assert_true(alert_states_begin(stand->states, feed, &stand->definitions, now(), &error));
}

static void define(void)
{
	struct error error = {0};
	assert_true(alert_states_define(stand->states, &stand->definitions, now(), &error));
}

static struct text record_of(const char *alert, const char *group, const char *engine, int64_t fired_ms, struct buffer *record)
{
	const struct alert_message message = {.status = fired_ms > 0 ? "firing" : "resolved",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = text_of(alert),
					      .group = text_of(group),
					      .engine = text_of(engine),
					      .condition = TEXT("y > 1"),
					      .fired_at_ms = fired_ms};
	struct error error = {0};
	buffer_open(record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, record, &error));
	return buffer_view(record);
}

/* The engine reports; time 0: the group does not fire any more. */
static void report(const char *alert, const char *group, const char *engine, int64_t fired_ms)
{
	struct error error = {0};
	struct buffer record;
	assert_true(alert_states_report(stand->states, record_of(alert, group, engine, fired_ms, &record), now(), &error));
	buffer_close(&record);
}

static bool take(void *context, const struct due_notice *due, struct error *error)
{
	char words[200];
	(void)context;
	if (stand->refuses)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "too many wait");
	(void)snprintf(words, sizeof words, "%s " TEXT_FORMAT " to %s%s" TEXT_FORMAT "; ", due->message->status,
		       TEXT_ARGUMENTS(due->message->group), due->action->url ? due->action->url : "rollback",
		       due->message->reason.length > 0 ? ": " : "", TEXT_ARGUMENTS(due->message->reason));
	(void)snprintf(stand->handed + strlen(stand->handed), sizeof stand->handed - strlen(stand->handed), "%s", words);
	(void)snprintf(stand->keys[stand->handed_count++], ALERT_KEY_BYTES, "%s", due->key);
	return true;
}

static void feed_append(const char *key, struct text value)
{
	struct feed_entry *entry = &stand->feed[stand->feed_count++];
	assert_true(stand->feed_count < RECORDS_MAX);
	(void)snprintf(entry->key, sizeof entry->key, "%s", key);
	entry->bytes = value.length;
	entry->value = value.bytes ? memcpy(malloc(value.length), value.bytes, value.length) : NULL;
}

/* Writes at most so many transactions; false: some are left. */
static bool records_write(size_t transactions)
{
	struct outgoing records[WRITTEN_A_TRANSACTION];
	size_t count = 0;
	while (transactions-- > 0 && (count = alert_states_records(stand->states, records, WRITTEN_A_TRANSACTION)) > 0) {
		for (size_t i = 0; i < count; i++)
			feed_append(records[i].key.bytes, records[i].value);
		alert_states_written(stand->states, count);
	}
	return alert_states_records(stand->states, records, 1) == 0;
}

static void hand(void)
{
	struct error error = {0};
	assert_true(alert_states_hand(stand->states, take, NULL, now(), &error));
}

static void tick(int64_t after_ms)
{
	struct error error = {0};
	stand->now_ms += after_ms;
	stand->at_ms += after_ms;
	assert_true(alert_states_tick(stand->states, now(), &error));
	(void)records_write(SIZE_MAX);
	hand();
	(void)records_write(SIZE_MAX);
}

static void expect_handed(const char *words)
{
	assert_string_equal(stand->handed, words);
	stand->handed[0] = '\0';
}

/* Those that were handed over were delivered. */
static void deliver(void)
{
	struct error error = {0};
	while (stand->handed_count > 0)
		assert_true(alert_states_settle(stand->states, stand->keys[--stand->handed_count], &error));
	(void)records_write(SIZE_MAX);
}

/* What the feed has under keys of that prefix, without what has ended. */
static size_t feed_count(const char *prefix)
{
	size_t count = 0;
	for (size_t i = 0; i < stand->feed_count; i++) {
		bool is_last = stand->feed[i].value && strncmp(stand->feed[i].key, prefix, strlen(prefix)) == 0;
		for (size_t j = i + 1; j < stand->feed_count; j++)
			is_last = is_last && strcmp(stand->feed[j].key, stand->feed[i].key) != 0;
		count += is_last;
	}
	return count;
}

/* The keeper is killed. The next one begins with what the feed has. */
static void keeper_replace(void)
{
	struct error error = {0};
	struct alert_feed *feed = alert_feed_open();
	alert_states_close(stand->states);
	stand->states = alert_states_open(&shared, &error);
	stand->handed_count = 0;
	for (size_t i = 0; i < stand->feed_count; i++)
		assert_true(alert_feed_take(feed, text_of(stand->feed[i].key),
					     (struct text){stand->feed[i].value, stand->feed[i].bytes}));
	begin(feed);
	alert_feed_close(feed);
}

/* ---- stories ---- */

static void engines_that_report_the_same_have_one_notice(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "two", FIRED_MS + 5);
	expect_handed("");
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
	assert_int_equal(feed_count("alert/"), 1);
	assert_int_equal(feed_count("notice/"), 1);
	assert_int_equal(feed_count("receivers/"), 1);
	deliver();
	assert_int_equal(feed_count("notice/"), 0);
	report("large", "g", "one", 0);
	tick(ALERT_TICK_MS);
	expect_handed("");
	report("large", "g", "two", 0);
	tick(ALERT_TICK_MS);
	expect_handed("resolved g to a; ");
	assert_int_equal(feed_count("alert/"), 0);
	deliver();
	assert_int_equal(feed_count(""), 0);
	tick(ALERT_TICK_MS);
	assert_int_equal(alert_states_due_ms(stand->states), INT64_MAX);
}

static void a_firing_that_ends_at_once_has_both_notices_and_the_next_one_its_own(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; resolved g to a; ");
	assert_string_not_equal(stand->keys[0], stand->keys[1]);
	report("large", "g", "one", FIRED_MS + 1);
	tick(ALERT_SETTLE_MS);
	report("large", "g", "one", 0);
	report("large", "g", "one", FIRED_MS + 2); /* before anything was decided */
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; resolved g to a; firing g to a; ");
	assert_string_not_equal(stand->keys[2], stand->keys[4]);
	assert_int_equal(feed_count("alert/"), 1);
}

static void an_engine_that_is_silent_counts_until_its_alert_would_have_resolved(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
	tick(20000 - ALERT_SETTLE_MS);
	expect_handed("");
	tick(1);
	expect_handed("resolved g to a; ");
}

static void a_silence_or_another_alert_holds_back_a_notice_and_no_end(void **state)
{
	(void)state;
	struct name inhibitor = {.text = "other"};
	stand->silence = (struct group_silence){.alert = "large", .group = "g", .until_ms = stand->at_ms + 5000};
	stand->definitions.silence_count = 1;
	stand->items[0].inhibited_by = (struct name_list){1, &inhibitor};
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	assert_int_equal(feed_count(""), 0);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing h to a; ");
	report("other", "", "one", FIRED_MS);
	tick(5000);
	expect_handed(""); /* the silence is over, and the other alert fires */
	report("large", "h", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved h to a; ");
	report("other", "", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
}

static void a_silence_of_others_holds_back_nothing(void **state)
{
	(void)state;
	const struct group_silence others[] = {{.alert = "other", .until_ms = INT64_MAX},
					       {.alert = "large", .pipeline = "q", .until_ms = INT64_MAX},
					       {.alert = "large", .namespace = "staging", .until_ms = INT64_MAX},
					       {.alert = "large", .group = "h", .until_ms = INT64_MAX},
					       {.alert = "large", .until_ms = stand->at_ms + ALERT_SETTLE_MS}}; /* it ends then */
	stand->definitions.silences = others;
	stand->definitions.silence_count = 5;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
}

static void an_inhibitor_of_the_same_groups_holds_back_its_own(void **state)
{
	(void)state;
	struct name inhibitor = {.text = "other"};
	stand->items[0].inhibited_by = (struct name_list){1, &inhibitor};
	stand->items[0].group_by = stand->items[1].group_by = 7;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	report("other", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing h to a; ");
}

static void a_removed_alert_ends_for_those_that_had_it(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	stand->definitions = (struct alert_definitions){0};
	stand->handed[0] = '\0';
	deliver();
	define();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a: the alert was removed; ");
	report("large", "g", "one", FIRED_MS); /* of an engine that still has it */
	tick(ALERT_TICK_MS);
	expect_handed("");
	assert_int_equal(feed_count("receivers/"), 1); /* who is owed the end, for the next keeper */
	deliver();
	tick(ALERT_TICK_MS);
	assert_int_equal(feed_count(""), 0);
}

static void receivers_that_change_get_the_end_and_the_firing(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	expect_handed("firing g to a; ");
	stand->items[0].actions = (struct item_list){2, stand->actions + 1}; /* with a rollback, which only a beginning commands */
	define();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a: no longer a receiver of this alert; firing g to b; ");
	keeper_replace(); /* before they were delivered */
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a: no longer a receiver of this alert; firing g to b; ");
	deliver();
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to b; ");
	deliver();
	tick(ALERT_TICK_MS);
	assert_int_equal(feed_count(""), 0);
}

static void receivers_that_change_without_a_keeper_get_theirs_from_the_next(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	stand->handed[0] = '\0';
	stand->items[0].actions.items = stand->actions + 1;
	keeper_replace();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a: no longer a receiver of this alert; firing g to b; ");
	deliver();
	tick(0);
	stand->definitions.count = 0;
	keeper_replace();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to b: the alert was removed; ");
}

static void the_next_keeper_goes_on_and_ends_what_no_engine_reports(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	stand->handed[0] = '\0';
	keeper_replace();
	report("large", "g", "one", FIRED_MS + 9);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	report("large", "g", "one", FIRED_MS + 9);
	tick(19000);
	report("large", "g", "one", FIRED_MS + 9);
	expect_handed("");
	tick(1000);
	expect_handed("resolved h to a; ");
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a; ");
}

/* Whatever was written when the keeper is killed: no firing is without its end, and no notice lost. */
static void a_keeper_that_is_killed_between_two_transactions_loses_nothing(void **state)
{
	for (size_t transactions = 0; transactions < 6; transactions++) {
		struct error error = {0};
		begin(NULL);
		report("large", "g", "one", FIRED_MS);
		report("large", "h", "one", FIRED_MS);
		report("large", "i", "one", FIRED_MS);
		stand->now_ms += ALERT_SETTLE_MS;
		assert_true(alert_states_tick(stand->states, now(), &error));
		const bool written = records_write(transactions);
		keeper_replace();
		for (size_t i = 0; i < 3; i++)
			report("large", (const char *[]){"g", "h", "i"}[i], "one", FIRED_MS);
		tick(ALERT_SETTLE_MS);
		assert_int_equal(stand->handed_count, 3); /* nothing was handed over before */
		assert_true(written == (transactions >= 3));
		deliver();
		assert_int_equal(feed_count("alert/"), 3);
		assert_int_equal(feed_count("notice/"), 0);
		for (size_t i = 0; i < 3; i++)
			report("large", (const char *[]){"g", "h", "i"}[i], "one", 0);
		tick(ALERT_SETTLE_MS);
		assert_int_equal(stand->handed_count, 3);
		deliver();
		tick(ALERT_TICK_MS);
		assert_int_equal(feed_count(""), 0);
		(void)stand_close(state);
		assert_int_equal(stand_open(state), 0);
	}
}

static void what_began_and_ended_without_a_keeper_has_both_notices(void **state)
{
	(void)state;
	struct error error = {0};
	report("large", "g", "one", FIRED_MS);
	stand->now_ms += ALERT_TICK_MS;
	assert_true(alert_states_tick(stand->states, now(), &error)); /* of a candidate */
	report("large", "g", "one", 0);
	report("unknown", "g", "one", FIRED_MS);
	begin(NULL);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; resolved g to a; ");
}

static void what_a_former_keeper_has_ended_is_over_for_the_next(void **state)
{
	(void)state;
	struct alert_feed *feed = alert_feed_open();
	const struct alert_message names = {.namespace = TEXT("default"),
					    .pipeline = TEXT("p"),
					    .alert = TEXT("large"),
					    .group = TEXT("g"),
					    .fired_at_ms = FIRED_MS};
	char key[ALERT_KEY_BYTES];
	alert_firing_key(&names, key);
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	assert_true(alert_feed_take(feed, text_of(key), (struct text){0}));
	begin(feed);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	alert_feed_close(feed);
}

static void a_message_that_began_a_firing_is_a_report_once(void **state)
{
	(void)state;
	struct error error = {0};
	struct buffer record;
	struct alert_message names = {.namespace = TEXT("default"),
				      .pipeline = TEXT("p"),
				      .alert = TEXT("large"),
				      .group = TEXT("g"),
				      .fired_at_ms = FIRED_MS};
	char key[ALERT_KEY_BYTES];
	const struct text bytes = record_of("large", "g", "one", FIRED_MS, &record);
	alert_beginning_key(&names, key);
	feed_append(key, bytes);
	keeper_replace(); /* it was there before the keeper */
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
	assert_int_equal(feed_count("began/"), 0);
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a; ");
	assert_true(alert_states_beginning(stand->states, text_of(key), bytes, now(), &error)); /* late */
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	names.fired_at_ms++;
	alert_beginning_key(&names, key);
	struct buffer next;
	const struct text later = record_of("large", "g", "one", FIRED_MS + 1, &next);
	feed_append(key, later);
	assert_true(alert_states_beginning(stand->states, text_of(key), later, now(), &error));
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
	assert_int_equal(feed_count("began/"), 0);
	buffer_close(&record);
	buffer_close(&next);
}

static void a_notice_waits_for_room_and_a_firing_that_ends_meanwhile_has_none(void **state)
{
	(void)state;
	begin(NULL);
	stand->refuses = true;
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	assert_int_equal(feed_count("notice/"), 1);
	assert_int_equal(feed_count("alert/"), 1);
	stand->refuses = false;
	tick(ALERT_TICK_MS);
	expect_handed("firing h to a; ");
}

static void a_notice_is_given_up_after_a_day_of_all_keepers(void **state)
{
	(void)state;
	begin(NULL);
	stand->refuses = true;
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	stand->at_ms += INT64_C(24) * 3600 * 1000;
	stand->refuses = false;
	keeper_replace();
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	assert_int_equal(feed_count("notice/"), 0);
}

static void a_rollback_is_commanded_by_a_beginning_and_while_it_fires(void **state)
{
	(void)state;
	stand->items[0].actions = (struct item_list){1, stand->actions + 2};
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to rollback; ");
	deliver();
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	stand->refuses = true;
	report("large", "g", "one", FIRED_MS + 1);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	report("large", "g", "one", 0);
	stand->refuses = false;
	tick(ALERT_TICK_MS);
	expect_handed("firing h to rollback; ");
}

/* As during an outage of engines that announced by ids that all share. */
static void a_second_firing_of_a_group_in_the_feed_ends(void **state)
{
	(void)state;
	struct alert_message names = {
		.namespace = TEXT("default"), .pipeline = TEXT("p"), .alert = TEXT("large"), .group = TEXT("g")};
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	stand->handed[0] = '\0';
	struct buffer record;
	char key[ALERT_KEY_BYTES];
	names.fired_at_ms = FIRED_MS + 7;
	alert_firing_key(&names, key);
	feed_append(key, record_of("large", "g", "two", FIRED_MS + 7, &record));
	buffer_close(&record);
	keeper_replace();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a; ");
	assert_int_equal(feed_count("alert/"), 1);
}

static void an_engine_alone_keeps_no_records_and_rolls_nothing_back(void **state)
{
	(void)state;
	struct error error = {0};
	struct outgoing none[1];
	alert_states_close(stand->states);
	stand->states = alert_states_open(&alone, &error);
	stand->items[0].actions.count = 3;
	define();
	report("large", "g", "one", FIRED_MS);
	assert_true(alert_states_tick(stand->states, now(), &error));
	assert_int_equal(alert_states_records(stand->states, none, 1), 0);
	hand();
	expect_handed("firing g to a; firing g to b; ");
	assert_true(alert_states_end(stand->states, now(), &error));
	hand();
	expect_handed("resolved g to a; resolved g to b; ");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(engines_that_report_the_same_have_one_notice),
		STORY(a_firing_that_ends_at_once_has_both_notices_and_the_next_one_its_own),
		STORY(an_engine_that_is_silent_counts_until_its_alert_would_have_resolved),
		STORY(a_silence_or_another_alert_holds_back_a_notice_and_no_end),
		STORY(a_silence_of_others_holds_back_nothing),
		STORY(an_inhibitor_of_the_same_groups_holds_back_its_own),
		STORY(a_removed_alert_ends_for_those_that_had_it),
		STORY(receivers_that_change_get_the_end_and_the_firing),
		STORY(receivers_that_change_without_a_keeper_get_theirs_from_the_next),
		STORY(the_next_keeper_goes_on_and_ends_what_no_engine_reports),
		STORY(a_keeper_that_is_killed_between_two_transactions_loses_nothing),
		STORY(what_began_and_ended_without_a_keeper_has_both_notices),
		STORY(what_a_former_keeper_has_ended_is_over_for_the_next),
		STORY(a_message_that_began_a_firing_is_a_report_once),
		STORY(a_notice_waits_for_room_and_a_firing_that_ends_meanwhile_has_none),
		STORY(a_notice_is_given_up_after_a_day_of_all_keepers),
		STORY(a_rollback_is_commanded_by_a_beginning_and_while_it_fires),
		STORY(a_second_firing_of_a_group_in_the_feed_ends),
		STORY(an_engine_alone_keeps_no_records_and_rolls_nothing_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
