/* alert_actions.c: see alert_actions.h. */
#include "monitor/alerts/alert_actions.h"

#include "base/hash.h"
#include "message/record_form.h"
#include "message/rows.h"

#define ACTIONS_BYTES ((size_t)4 << 20) /* of one alert, with their templates */

/* Another form of a notice is for the same receiver: it is often corrected while notices wait. */
static uint64_t receiver_hash(const struct alert_action *action)
{
	uint64_t hash = hash_text_next(text_of(action->url), (uint64_t)action->type);
	hash = hash_text_next(text_of(action->experiment.text), hash);
	for (size_t i = 0; i < action->recipients.count; i++)
		hash = hash_text_next(text_of(action->recipients.items[i].text), hash);
	return hash;
}

uint64_t alert_receiver_id(const struct alert_action *actions, size_t index)
{
	const uint64_t hash = receiver_hash(&actions[index]);
	uint64_t before = 0;
	for (size_t i = 0; i < index; i++)
		before += receiver_hash(&actions[i]) == hash;
	return hash + before;
}

struct alert_copy *alert_actions_find(struct alert_actions *actions, uint64_t hash)
{
	for (size_t i = 0; i < actions->count; i++)
		if (actions->items[i].hash == hash)
			return &actions->items[i];
	return NULL;
}

void alert_actions_clear(struct alert_actions *actions)
{
	arena_close(actions->arena);
	*actions = (struct alert_actions){0};
}

static struct name_list names_copy(struct arena *arena, struct name_list names)
{
	struct name *items = ARENA_ARRAY(arena, struct name, names.count + 1);
	for (size_t i = 0; items && i < names.count; i++)
		items[i] = (struct name){.text = arena_copy_string(arena, names.items[i].text), .place = names.items[i].place};
	return (struct name_list){items ? names.count : 0, items};
}

static void copy_add(struct alert_actions *to, const struct alert_action *action, uint64_t hash, bool is_former)
{
	struct alert_copy *copy = &to->items[to->count++];
	*copy = (struct alert_copy){.hash = hash, .is_former = is_former, .action = *action};
	copy->action.here.file = arena_copy_string(to->arena, action->here.file);
	copy->action.url = arena_copy_string(to->arena, action->url);
	copy->action.body = arena_copy_string(to->arena, action->body);
	copy->action.secret = arena_copy_string(to->arena, action->secret);
	copy->action.experiment.text = arena_copy_string(to->arena, action->experiment.text);
	copy->action.recipients = names_copy(to->arena, action->recipients);
}

bool alert_actions_make(struct alert_actions *actions, const struct alert_actions *former, const struct item_list *in_force,
			const char *topic, bool (*needs)(const void *context, uint64_t hash), const void *context)
{
	struct alert_actions made = {.arena = arena_open(ACTIONS_BYTES)};
	const struct alert_action *items = in_force->items;
	if (!made.arena)
		return false;
	made.topic = arena_copy_string(made.arena, topic ? topic : former->topic);
	made.items = ARENA_ARRAY(made.arena, struct alert_copy, in_force->count + former->count + 1);
	for (size_t i = 0; made.items && i < in_force->count && i < ALERT_ACTIONS_MAX; i++)
		copy_add(&made, &items[i], alert_receiver_id(items, i), false);
	for (size_t i = 0; made.items && i < former->count && made.count < ALERT_COPIES_MAX; i++)
		if (!alert_actions_find(&made, former->items[i].hash) && needs(context, former->items[i].hash))
			copy_add(&made, &former->items[i].action, former->items[i].hash, true);
	if (arena_failed(made.arena)) {
		arena_close(made.arena);
		return false;
	}
	*actions = made;
	return true;
}

/* ---- the record ---- */

struct receivers_record {
	struct text namespace, pipeline, alert;
	const char *topic;
	size_t action_count;
	struct alert_action actions[ALERT_ACTIONS_MAX];
};

static const struct record_field recipient_fields[] = {RECORD_ROW(STRING, struct name, text), RECORD_END};

static const struct record_field action_fields[] = {
	RECORD_ROW(INT, struct alert_action, type),
	RECORD_ROW(INT, struct alert_action, format),
	RECORD_ROW(STRING, struct alert_action, url),
	RECORD_ROW(STRING, struct alert_action, body),
	RECORD_ROW(STRING, struct alert_action, secret),
	RECORD_ROW(STRING, struct alert_action, experiment.text),
	RECORD_LIST(struct alert_action, recipients.count, recipients.items, recipient_fields, struct name),
	RECORD_END,
};

static const struct record_field receivers_fields[] = {
	RECORD_ROW(TEXT, struct receivers_record, namespace),
	RECORD_ROW(TEXT, struct receivers_record, pipeline),
	RECORD_ROW(TEXT, struct receivers_record, alert),
	RECORD_ROW(STRING, struct receivers_record, topic),
	RECORD_ARRAY(struct receivers_record, action_count, actions, action_fields),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form receivers_form = {.schema = "alert_receivers",
						  .called = "record of receivers",
						  .fields = receivers_fields,
						  .bytes = sizeof(struct receivers_record),
						  .schema_name = &schema_name};

bool alert_actions_encode(const struct alert_actions *actions, const struct alert_message *names, struct buffer *out)
{
	struct error none = {0};
	struct receivers_record record = {
		.namespace = names->namespace, .pipeline = names->pipeline, .alert = names->alert, .topic = actions->topic};
	for (size_t i = 0; i < actions->count && record.action_count < ALERT_ACTIONS_MAX; i++)
		record.actions[record.action_count++] = actions->items[i].action;
	return record_encode(&receivers_form, &record, out, &none);
}

static const char *string_or_none(const char *string)
{
	return string && *string ? string : NULL;
}

/* As of a file: without empty texts. False: it could be none, since the feed may have what a stranger wrote. */
static bool action_complete(struct alert_action *action)
{
	action->url = string_or_none(action->url);
	action->body = string_or_none(action->body);
	action->secret = string_or_none(action->secret);
	action->experiment.text = string_or_none(action->experiment.text);
	return action->type >= 0 && action->type <= ALERT_ROLLBACK && action->format >= 0 &&
	       action->format <= NOTICE_ALERTMANAGER && (action->type != ALERT_WEBHOOK || action->url) &&
	       (action->type != ALERT_EMAIL || action->recipients.count > 0) &&
	       (action->type != ALERT_ROLLBACK || action->experiment.text);
}

static bool actions_take(struct alert_actions *actions, struct receivers_record *record, struct alert_message *names)
{
	for (size_t i = 0; i < record->action_count; i++)
		if (!action_complete(&record->actions[i]))
			return false;
	const struct alert_actions none = {0};
	const struct item_list in_force = {record->action_count, record->actions};
	if (!alert_actions_make(actions, &none, &in_force, string_or_none(record->topic), NULL, NULL))
		return false;
	names->namespace = text_copied(actions->arena, record->namespace);
	names->pipeline = text_copied(actions->arena, record->pipeline);
	names->alert = text_copied(actions->arena, record->alert);
	if (!arena_failed(actions->arena))
		return true;
	alert_actions_clear(actions);
	return false;
}

bool alert_actions_decode(struct alert_actions *actions, struct text record, struct alert_message *names)
{
	struct receivers_record read;
	struct error none = {0};
	struct arena *arena = arena_open(ACTIONS_BYTES);
	const bool good =
		arena && record_decode(&receivers_form, record, arena, &read, &none) && actions_take(actions, &read, names);
	arena_close(arena);
	return good;
}
