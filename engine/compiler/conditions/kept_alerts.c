/* kept_alerts.c: see kept_alerts.h. */
#include "compiler/conditions/kept_alerts.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number/number.h"

#define FIRING_PREFIX "alert/"
#define NOTICE_PREFIX "notice/"
#define RECEIVERS_PREFIX "receivers/"
#define BEGINNING_PREFIX "began/"
#define HASH_DIGITS 16

static uint64_t group_hash(const struct alert_message *message)
{
	const struct text names[] = {message->namespace, message->pipeline, message->alert, message->group};
	uint64_t hash = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		hash = hash_text_next(names[i], hash);
	return hash;
}

/* What the keys of all firings of a group begin with. */
static void group_key(const struct alert_message *message, char key[KEPT_KEY_BYTES])
{
	(void)snprintf(key, KEPT_KEY_BYTES, FIRING_PREFIX "%0*" PRIx64, HASH_DIGITS, group_hash(message));
}

static void id_key(const char *prefix, const struct alert_message *message, char key[KEPT_KEY_BYTES])
{
	struct alert_message shared = *message;
	char id[ALERT_ID_BYTES];
	shared.is_shared = true;
	notice_firing_id(&shared, id);
	(void)snprintf(key, KEPT_KEY_BYTES, "%s%0*" PRIx64 "/%s", prefix, HASH_DIGITS, group_hash(message), id);
}

void kept_firing_key(const struct alert_message *message, char key[KEPT_KEY_BYTES])
{
	id_key(FIRING_PREFIX, message, key);
}

void kept_beginning_key(const struct alert_message *message, char key[KEPT_KEY_BYTES])
{
	id_key(BEGINNING_PREFIX, message, key);
}

void kept_notice_key(uint64_t action, const char *id, char key[KEPT_KEY_BYTES])
{
	(void)snprintf(key, KEPT_KEY_BYTES, NOTICE_PREFIX "%0*" PRIx64 "/%s", HASH_DIGITS, action, id);
}

void kept_receivers_key(const struct alert_message *names, char key[KEPT_KEY_BYTES])
{
	struct alert_message of = *names;
	of.group = (struct text){0};
	(void)snprintf(key, KEPT_KEY_BYTES, RECEIVERS_PREFIX "%0*" PRIx64, HASH_DIGITS, group_hash(&of));
}

/* ---- reading ---- */

static bool key_begins(struct text key, struct text prefix)
{
	return key.length > prefix.length && key.length < KEPT_KEY_BYTES && memcmp(key.bytes, prefix.bytes, prefix.length) == 0;
}

bool kept_key_is_notice(struct text key)
{
	return key_begins(key, TEXT(NOTICE_PREFIX));
}

bool kept_key_is_beginning(struct text key)
{
	return key_begins(key, TEXT(BEGINNING_PREFIX));
}

static size_t bucket_index(struct text key)
{
	return hash_key(key) % KEPT_BUCKETS;
}

/* Of the group of a firing, by the key of either. */
static size_t group_index(struct text key)
{
	const size_t of_group = sizeof FIRING_PREFIX - 1 + HASH_DIGITS;
	return bucket_index((struct text){key.bytes, key.length < of_group ? key.length : of_group});
}

static bool is_live(const struct kept_alert *alert)
{
	return !alert->is_notice && !alert->is_beginning && alert->read;
}

struct kept_alert *kept_alert_find(const struct kept_alerts *kept, const char *key)
{
	struct kept_alert *alert = kept->buckets[bucket_index(text_of(key))];
	while (alert && strcmp(alert->key, key) != 0)
		alert = alert->chained;
	return alert;
}

struct kept_alert *kept_firing_first(const struct kept_alerts *kept, const struct alert_message *names)
{
	char key[KEPT_KEY_BYTES];
	struct kept_alert *first = NULL;
	group_key(names, key);
	for (struct kept_alert *at = kept->groups[group_index(text_of(key))]; at; at = at->peer)
		if (key_begins(text_of(at->key), text_of(key)) && (!first || at->order < first->order))
			first = at;
	return first;
}

void kept_alert_remove(struct kept_alerts *kept, struct kept_alert *alert)
{
	struct kept_alert **at = &kept->buckets[bucket_index(text_of(alert->key))];
	while (*at != alert)
		at = &(*at)->chained;
	*at = alert->chained;
	at = &kept->groups[group_index(text_of(alert->key))];
	while (is_live(alert) && *at != alert)
		at = &(*at)->peer;
	if (is_live(alert))
		*at = alert->peer;
	kept->ended_count -= alert->ended.list != NULL;
	list_remove(&alert->ended);
	list_remove(&alert->node);
	memory_give(alert);
}

static struct kept_receivers *receivers_find(const struct kept_alerts *kept, const char *key)
{
	for (struct list_node *node = kept->receivers.first; node; node = node->next) {
		struct kept_receivers *at = LIST_OWNER(node, struct kept_receivers, node);
		if (strcmp(at->key, key) == 0)
			return at;
	}
	return NULL;
}

struct text kept_receivers_find(const struct kept_alerts *kept, const char *key)
{
	const struct kept_receivers *found = receivers_find(kept, key);
	return found ? found->record : (struct text){0};
}

static void receivers_remove(struct kept_receivers *receivers)
{
	if (!receivers)
		return;
	list_remove(&receivers->node);
	memory_give(receivers);
}

/* False: memory ran out. */
static bool receivers_take(struct kept_alerts *kept, struct text key, struct text record)
{
	struct kept_receivers *made = record.bytes ? memory_take(1, sizeof *made + record.length + 1) : NULL;
	if (record.bytes && !made)
		return false;
	if (made) {
		memcpy(made->key, key.bytes, key.length);
		made->record = (struct text){memcpy(made + 1, record.bytes, record.length), record.length};
	}
	char name[KEPT_KEY_BYTES] = {0};
	memcpy(name, key.bytes, key.length);
	receivers_remove(receivers_find(kept, name));
	if (made)
		list_add(&kept->receivers, &made->node);
	return true;
}

void kept_alerts_free(struct kept_alerts *kept)
{
	while (kept && kept->receivers.first)
		receivers_remove(LIST_OWNER(kept->receivers.first, struct kept_receivers, node));
	while (kept && kept->alerts.first)
		kept_alert_remove(kept, kept_alert_of(kept->alerts.first));
	while (kept && kept->begun.first)
		kept_alert_remove(kept, kept_alert_of(kept->begun.first));
	memory_give(kept);
}

/* Whether the key is that of the record's names: else it is of no engine. */
static bool key_fits(const struct kept_alert *kept)
{
	const struct alert_read *read = kept->read;
	const struct alert_message message = {.status = read->fires ? "firing" : "resolved",
					      .namespace = read->namespace,
					      .pipeline = read->pipeline,
					      .alert = read->alert,
					      .group = read->group,
					      .is_shared = true,
					      .fired_at_ms = read->fired_at_ms};
	char key[KEPT_KEY_BYTES], id[NOTICE_ID_BYTES];
	notice_id(&message, id);
	if (kept->is_notice)
		kept_notice_key(kept->action, id, key);
	else
		(kept->is_beginning ? kept_beginning_key : kept_firing_key)(&message, key);
	return strcmp(key, kept->key) == 0 && (kept->is_notice || read->fires);
}

/* It takes the place of `former`, if that is not NULL. */
static void alert_put(struct kept_alerts *kept, struct kept_alert *former, struct kept_alert *made)
{
	made->order = former ? former->order : kept->taken;
	struct list *list = made->is_beginning ? &kept->begun : &kept->alerts;
	list_add_behind(list, former ? &former->node : list->last, &made->node);
	if (former)
		kept_alert_remove(kept, former);
	struct kept_alert **bucket = &kept->buckets[bucket_index(text_of(made->key))];
	made->chained = *bucket;
	*bucket = made;
	if (is_live(made)) {
		bucket = &kept->groups[group_index(text_of(made->key))];
		made->peer = *bucket;
		*bucket = made;
	} else if (!made->is_notice && !made->is_beginning) {
		list_add(&kept->ended, &made->ended);
		if (++kept->ended_count > KEPT_ENDED_MAX)
			kept_alert_remove(kept, LIST_OWNER(kept->ended.first, struct kept_alert, ended));
	}
}

/* One piece of memory: the alert, and with bytes its record and its fields. */
static bool alert_add(struct kept_alerts *kept, struct kept_alert *former, const struct kept_alert *as, struct text value)
{
	struct error damaged = {0};
	const size_t more = value.bytes ? sizeof(struct alert_read) + value.length : 0;
	struct kept_alert *made = memory_take(1, sizeof *made + more);
	if (!made)
		return false;
	*made = *as;
	if (value.bytes) {
		made->read = (struct alert_read *)(made + 1);
		char *bytes = memcpy(made->read + 1, value.bytes, value.length);
		if (!alert_record_decode((struct text){bytes, value.length}, made->read, &damaged) || !key_fits(made)) {
			memory_give(made);
			return true;
		}
	}
	alert_put(kept, former, made);
	return true;
}

static uint64_t action_read(const char *key)
{
	uint64_t action = 0;
	const char *digits = key + sizeof NOTICE_PREFIX - 1;
	for (size_t i = 0; i < HASH_DIGITS && digit_value(digits[i]) >= 0; i++)
		action = action << 4 | (uint64_t)digit_value(digits[i]);
	return action;
}

bool kept_alerts_take(struct kept_alerts *kept, struct text key, struct text value)
{
	struct kept_alert made = {.is_notice = kept_key_is_notice(key), .is_beginning = kept_key_is_beginning(key)};
	const bool is_firing = !made.is_notice && !made.is_beginning;
	kept->taken++;
	if (key_begins(key, TEXT(RECEIVERS_PREFIX)))
		return receivers_take(kept, key, value);
	if (is_firing && !key_begins(key, TEXT(FIRING_PREFIX)))
		return true;
	if (value.bytes && !alert_record_is(value))
		return true;
	memcpy(made.key, key.bytes, key.length);
	made.action = made.is_notice ? action_read(made.key) : 0;
	struct kept_alert *former = kept_alert_find(kept, made.key);
	if (is_firing || value.bytes)
		return alert_add(kept, former, &made, value);
	if (former)
		kept_alert_remove(kept, former);
	return true;
}
