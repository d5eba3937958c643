/* alert_feed.c: see alert_feed.h. */
#include "compiler/conditions/alert_feed.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number/number.h"
#include "base/table.h"

#define HASH_DIGITS 16

static const char *const prefixes[] = {[ALERT_KEY_FIRING] = "alert/",
				       [ALERT_KEY_NOTICE] = "notice/",
				       [ALERT_KEY_BEGINNING] = "began/",
				       [ALERT_KEY_RECEIVERS] = "receivers/"};

/* ---- keys ---- */

static uint64_t names_hash(const struct alert_message *message, struct text group)
{
	const struct text names[] = {message->namespace, message->pipeline, message->alert, group};
	uint64_t hash = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		hash = hash_text_next(names[i], hash);
	return hash;
}

static void firing_key(enum alert_key kind, const struct alert_message *message, char key[ALERT_KEY_BYTES])
{
	struct alert_message shared = *message;
	char id[ALERT_ID_BYTES];
	shared.is_shared = true;
	notice_firing_id(&shared, id);
	(void)snprintf(key, ALERT_KEY_BYTES, "%s%0*" PRIx64 "/%s", prefixes[kind], HASH_DIGITS, names_hash(message, message->group),
		       id);
}

void alert_firing_key(const struct alert_message *message, char key[ALERT_KEY_BYTES])
{
	firing_key(ALERT_KEY_FIRING, message, key);
}

void alert_beginning_key(const struct alert_message *message, char key[ALERT_KEY_BYTES])
{
	firing_key(ALERT_KEY_BEGINNING, message, key);
}

void alert_notice_key(uint64_t action, const char *id, char key[ALERT_KEY_BYTES])
{
	(void)snprintf(key, ALERT_KEY_BYTES, "%s%0*" PRIx64 "/%s", prefixes[ALERT_KEY_NOTICE], HASH_DIGITS, action, id);
}

void alert_receivers_key(const struct alert_message *names, char key[ALERT_KEY_BYTES])
{
	(void)snprintf(key, ALERT_KEY_BYTES, "%s%0*" PRIx64, prefixes[ALERT_KEY_RECEIVERS], HASH_DIGITS,
		       names_hash(names, (struct text){0}));
}

enum alert_key alert_key_kind(struct text key)
{
	for (enum alert_key kind = ALERT_KEY_FIRING; kind <= ALERT_KEY_RECEIVERS; kind++)
		if (key.length < ALERT_KEY_BYTES && key.length > strlen(prefixes[kind]) &&
		    text_starts_with(key, text_of(prefixes[kind])))
			return kind;
	return ALERT_KEY_NONE;
}

/* ---- reading ---- */

struct alert_feed *alert_feed_open(void)
{
	struct alert_feed *feed = memory_take(1, sizeof *feed);
	if (!feed || (feed->by_key = table_open()))
		return feed;
	memory_give(feed);
	return NULL;
}

struct feed_alert *alert_feed_find(const struct alert_feed *feed, const char *key)
{
	struct feed_alert *found;
	struct text value;
	if (!table_read(feed->by_key, text_of(key), &value))
		return NULL;
	memcpy(&found, value.bytes, sizeof found);
	return found;
}

static void feed_alert_remove(struct alert_feed *feed, struct feed_alert *alert)
{
	feed->ended_count -= alert->node.list == &feed->ended;
	(void)table_put(feed->by_key, text_of(alert->key), (struct text){0}, false);
	list_remove(&alert->node);
	memory_give(alert);
}

void alert_feed_close(struct alert_feed *feed)
{
	if (!feed)
		return;
	while (feed->alerts.first)
		feed_alert_remove(feed, feed_alert_of(feed->alerts.first));
	while (feed->ended.first)
		feed_alert_remove(feed, feed_alert_of(feed->ended.first));
	table_close(feed->by_key);
	memory_give(feed);
}

static uint64_t action_read(const char *key)
{
	uint64_t action = 0;
	const char *digits = key + strlen(prefixes[ALERT_KEY_NOTICE]);
	for (size_t i = 0; i < HASH_DIGITS && digit_value(digits[i]) >= 0; i++)
		action = action << 4 | (uint64_t)digit_value(digits[i]);
	return action;
}

/* Whether the key is that of the record's names: else it is of no engine. */
static bool key_fits(const struct feed_alert *alert)
{
	const struct alert_read *read = &alert->read;
	const struct alert_message message = {.status = read->fires ? "firing" : "resolved",
					      .namespace = read->namespace,
					      .pipeline = read->pipeline,
					      .alert = read->alert,
					      .group = read->group,
					      .is_shared = true,
					      .fired_at_ms = read->fired_at_ms};
	char key[ALERT_KEY_BYTES], id[NOTICE_ID_BYTES];
	notice_id(&message, id);
	if (alert->kind == ALERT_KEY_NOTICE)
		alert_notice_key(alert->action, id, key);
	else
		firing_key(alert->kind, &message, key);
	return strcmp(key, alert->key) == 0 && (alert->kind == ALERT_KEY_NOTICE || read->fires);
}

static bool record_fits(struct feed_alert *alert)
{
	struct error damaged = {0};
	return alert->kind == ALERT_KEY_RECEIVERS ||
	       (alert_record_is(alert->record) && alert_record_decode(alert->record, &alert->read, &damaged) && key_fits(alert));
}

/* It takes the place of `former`, if that is not NULL. False: memory ran out. */
static bool feed_alert_put(struct alert_feed *feed, struct feed_alert *former, struct feed_alert *made)
{
	struct list *list = made->record.bytes ? &feed->alerts : &feed->ended;
	list_add_behind(list, former && former->node.list == list ? &former->node : list->last, &made->node);
	feed->ended_count += list == &feed->ended;
	if (former)
		feed_alert_remove(feed, former);
	if (!table_put(feed->by_key, text_of(made->key), (struct text){(const char *)&made, sizeof made}, false)) {
		feed_alert_remove(feed, made);
		return false;
	}
	if (feed->ended_count > ALERT_FEED_ENDED_MAX)
		feed_alert_remove(feed, feed_alert_of(feed->ended.first));
	return true;
}

bool alert_feed_take(struct alert_feed *feed, struct text key, struct text value)
{
	const enum alert_key kind = alert_key_kind(key);
	if (kind == ALERT_KEY_NONE)
		return true;
	struct feed_alert *made = memory_take(1, sizeof *made + value.length + 1);
	if (!made)
		return false;
	made->kind = kind;
	memcpy(made->key, key.bytes, key.length);
	made->action = kind == ALERT_KEY_NOTICE ? action_read(made->key) : 0;
	if (value.bytes)
		made->record = (struct text){memcpy(made + 1, value.bytes, value.length), value.length};
	struct feed_alert *former = alert_feed_find(feed, made->key);
	if (value.bytes ? record_fits(made) : kind == ALERT_KEY_FIRING)
		return feed_alert_put(feed, former, made);
	if (!value.bytes && former)
		feed_alert_remove(feed, former);
	memory_give(made);
	return true;
}
