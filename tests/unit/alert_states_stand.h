/* alert_states_stand.h: For tests of the states of alerts: a keeper, reports of engines, the feed that it writes, and the notices
 * that it hands over. */
#pragma once

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
	bool refuses;	 /* the sender takes nothing, */
	size_t refusals; /* or not the next ones */
	int64_t now_ms, at_ms;
};

static const struct alert_states_config shared = {.engine = "keeper", .is_shared = true};
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
	if (stand->refuses || (stand->refusals > 0 && stand->refusals--))
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

#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)
