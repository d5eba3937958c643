/* told_receivers.c: see told_receivers.h. */
#include "monitor/alerts/told_receivers.h"

#include "compiler/conditions/notice_format.h"
#include "base/hash.h"
#include "message/avro/avro.h"
#include "message/avro/avro_wire.h"
#include "monitor/alerts/alert_receivers.h"

#define RECORD_BYTES_MAX ((size_t)256 << 10)
#define ARENA_BYTES ((size_t)4 << 20)
#define ACTION_LONGS 4 /* of an action beside its texts: its numbers, and the ends of its list */
#define RECORD_LONGS 2

static struct alert_message names_of(const struct judged_alert *alert)
{
	return (struct alert_message){.namespace = text_of(alert->watched.namespace),
				      .pipeline = text_of(alert->watched.pipeline),
				      .alert = text_of(alert->watched.name)};
}

/* ---- the record ---- */

struct action_texts {
	struct text items[4];
};

static struct action_texts texts_of(const struct alert_action *action)
{
	return (struct action_texts){
		{text_of(action->url), text_of(action->body), text_of(action->secret), text_of(action->experiment.text)}};
}

static size_t action_bytes(const struct alert_action *action)
{
	const struct action_texts texts = texts_of(action);
	size_t bytes = ACTION_LONGS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < sizeof texts.items / sizeof *texts.items; i++)
		bytes += avro_text_room(texts.items[i]);
	for (size_t i = 0; i < action->recipients.count; i++)
		bytes += avro_text_room(text_of(action->recipients.items[i].text));
	return bytes;
}

static char *action_put(char *to, const struct alert_action *action)
{
	const struct action_texts texts = texts_of(action);
	to = avro_put_long(to, action->type);
	to = avro_put_long(to, action->format);
	for (size_t i = 0; i < sizeof texts.items / sizeof *texts.items; i++)
		to = avro_put_bytes(to, texts.items[i]);
	if (action->recipients.count)
		to = avro_put_small(to, action->recipients.count);
	for (size_t i = 0; i < action->recipients.count; i++)
		to = avro_put_bytes(to, text_of(action->recipients.items[i].text));
	return avro_put_small(to, 0);
}

/* False: it does not fit, or memory ran out. */
static bool record_encode(const struct pipeline_plan *plan, const struct judged_alert *alert, const struct alert_spec *spec,
			  struct buffer *out)
{
	const struct alert_action *actions = spec->actions.items;
	const struct alert_message names = names_of(alert);
	const struct text texts[] = {names.namespace, names.pipeline, names.alert, text_of(plan_topic_of(plan, TOPIC_ALERTS))};
	const uint64_t fingerprint = avro_alert_receivers_fingerprint();
	const size_t count = alert_action_count(spec);
	size_t bytes = AVRO_SINGLE_OBJECT_BYTES + RECORD_LONGS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		bytes += avro_text_room(texts[i]);
	for (size_t i = 0; i < count; i++)
		bytes += action_bytes(&actions[i]);
	char *begin = fingerprint ? buffer_room(out, bytes) : NULL;
	if (!begin)
		return false;
	char *to = avro_put_single_object(begin, fingerprint);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		to = avro_put_bytes(to, texts[i]);
	if (count)
		to = avro_put_small(to, count);
	for (size_t i = 0; i < count; i++)
		to = action_put(to, &actions[i]);
	to = avro_put_small(to, 0);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}

/* NULL: it is empty, or the arena is full. */
static const char *string_read(struct avro_cursor *cursor, struct arena *arena)
{
	const struct text text = avro_read_bytes(cursor);
	return text.length > 0 && !avro_failed(cursor) ? arena_copy(arena, text.bytes, text.length) : NULL;
}

static void recipients_read(struct avro_cursor *cursor, struct arena *arena, struct name_list *recipients)
{
	for (size_t left = avro_read_block(cursor); left > 0 && !avro_failed(cursor); left = avro_read_block(cursor)) {
		struct name *items = ARENA_ARRAY(arena, struct name, recipients->count + left);
		for (size_t i = 0; items && i < recipients->count; i++)
			items[i] = recipients->items[i];
		for (; left > 0 && items && !avro_failed(cursor); left--)
			items[recipients->count++] = (struct name){.text = string_read(cursor, arena)};
		recipients->items = items;
		if (!items)
			avro_fail(cursor);
	}
}

/* Whether it could be one of files: the feed may have what a stranger wrote. */
static bool action_is_whole(const struct alert_action *action)
{
	return action->type >= 0 && action->type <= ALERT_ROLLBACK && action->format >= 0 &&
	       action->format <= NOTICE_ALERTMANAGER && (action->type != ALERT_WEBHOOK || action->url) &&
	       (action->type != ALERT_EMAIL || action->recipients.count > 0) &&
	       (action->type != ALERT_ROLLBACK || action->experiment.text);
}

static struct alert_action action_read(struct avro_cursor *cursor, struct place here, struct arena *arena)
{
	struct alert_action action = {.here = here};
	action.type = (int)avro_read_long(cursor);
	action.format = (int)avro_read_long(cursor);
	action.url = string_read(cursor, arena);
	action.body = string_read(cursor, arena);
	action.secret = string_read(cursor, arena);
	action.experiment.text = string_read(cursor, arena);
	recipients_read(cursor, arena, &action.recipients);
	if (!action_is_whole(&action))
		avro_fail(cursor);
	return action;
}

/* The outline of the alert when the record was written: all but its receivers is as it is now. NULL: the record is damaged, of a
 * newer version, or memory ran out. */
static const struct alert_outline *record_decode(struct text record, const struct alert_outline *now, struct arena *arena)
{
	struct alert_action actions[ALERT_ACTIONS_MAX];
	struct topic topic = {.role = TOPIC_ALERTS};
	struct alert_spec spec = {.name = now->spec.name, .resolve_after_ns = now->spec.resolve_after_ns, .actions.items = actions};
	struct pipeline_plan plan = now->plan;
	if (!avro_is_single_object(record, avro_alert_receivers_fingerprint()))
		return NULL;
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(record));
	for (size_t i = 0; i < 3; i++) /* the names, by which it was found */
		(void)avro_read_bytes(&cursor);
	topic.name = string_read(&cursor, arena);
	plan.topics = &topic;
	plan.topic_count = topic.name != NULL;
	for (size_t left = avro_read_block(&cursor); left > 0 && !avro_failed(&cursor); left = avro_read_block(&cursor))
		for (; left > 0 && !avro_failed(&cursor); left--) {
			if (spec.actions.count == ALERT_ACTIONS_MAX)
				return NULL;
			actions[spec.actions.count++] = action_read(&cursor, now->spec.name.place, arena);
		}
	return avro_failed(&cursor) ? NULL : alert_outline_make(&plan, &spec, now->condition_words, arena);
}

/* ---- writing ---- */

/* Of all that the record has of the receivers. */
static uint64_t receivers_hash(const struct alert_spec *spec)
{
	const struct alert_action *actions = spec->actions.items;
	uint64_t hash = 1;
	for (size_t i = 0; i < alert_action_count(spec); i++) {
		hash = hash_text_next(text_of(actions[i].body), hash ^ alert_action_hash(spec, i));
		hash = hash_text_next(text_of(actions[i].secret), hash + (uint64_t)actions[i].format);
	}
	return hash;
}

/* Whether the feed has the ends that are owed to former receivers. */
static bool ends_are_kept(const struct judged_alert *alert)
{
	bool kept = true;
	for (const struct former_receivers *formers = alert->formers; formers; formers = formers->next)
		for (const struct alert_group *end = formers->ends.first; end; end = end->next)
			kept = kept && (end->is_kept || !end->owed);
	return kept;
}

void told_receivers_write(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
			  const struct alert_spec *spec)
{
	const struct alert_message names = names_of(alert);
	const uint64_t hash = receivers_hash(spec);
	bool fires = false, kept = true;
	char key[KEPT_KEY_BYTES];
	struct buffer record;
	for (const struct alert_group *group = alert->shared.first; group; group = group->next) {
		fires = fires || group->alert.is_announced;
		kept = kept && (group->is_kept || !group->owed);
	}
	if (alert->told_receivers == (fires ? hash : 0) || !kept || !ends_are_kept(alert))
		return;
	kept_receivers_key(&names, key);
	buffer_open(&record, RECORD_BYTES_MAX);
	if (!fires)
		(void)alert_store_write(watch->takeover.store, key, (struct text){0}, NULL);
	else if (record_encode(plan, alert, spec, &record))
		(void)alert_store_write(watch->takeover.store, key, buffer_view(&record), NULL);
	alert->told_receivers = fires ? hash : 0;
	buffer_close(&record);
}

/* ---- taking over ---- */

static struct text record_find(const struct alert_watch *watch, const struct judged_alert *alert)
{
	const struct alert_message names = names_of(alert);
	char key[KEPT_KEY_BYTES];
	kept_receivers_key(&names, key);
	return watch->takeover.kept ? kept_receivers_find(watch->takeover.kept, key) : (struct text){0};
}

void told_receivers_begin(const struct alert_watch *watch, struct judged_alert *alert)
{
	alert->told_receivers = 0;
	alert->receivers_due = alert->outline && record_find(watch, alert).bytes;
	if (!alert->receivers_due)
		return;
	for (struct former_receivers *formers = alert->formers; formers; formers = formers->next)
		alert_groups_clear(&formers->ends);
	for (struct alert_group *group = alert->shared.first; group; group = group->next)
		group->added = 0;
}

void told_receivers_compare(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms)
{
	struct arena *arena = alert->receivers_due ? arena_open(ARENA_BYTES) : NULL;
	const struct alert_outline *before = arena ? record_decode(record_find(watch, alert), alert->outline, arena) : NULL;
	alert->receivers_due = false;
	if (before) {
		alert_receivers_change(watch, alert, before, now_ms);
		alert->told_receivers = receivers_hash(&before->spec);
	}
	arena_close(arena);
}
