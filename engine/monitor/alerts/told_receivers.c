/* told_receivers.c: see told_receivers.h. */
#include "monitor/alerts/told_receivers.h"

#include "compiler/conditions/notice_format.h"
#include "base/hash.h"
#include "message/record_form.h"
#include "monitor/alerts/alert_receivers.h"

#define RECORD_BYTES_MAX ((size_t)256 << 10)
#define ARENA_BYTES ((size_t)4 << 20)

static struct alert_message names_of(const struct judged_alert *alert)
{
	return (struct alert_message){.namespace = text_of(alert->watched.namespace),
				      .pipeline = text_of(alert->watched.pipeline),
				      .alert = text_of(alert->watched.name)};
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

/* False: it does not fit, or memory ran out. */
static bool receivers_encode(const struct pipeline_plan *plan, const struct judged_alert *alert, const struct alert_spec *spec,
			     struct buffer *out)
{
	const struct alert_message names = names_of(alert);
	struct error none = {0};
	struct receivers_record record = {.namespace = names.namespace,
					  .pipeline = names.pipeline,
					  .alert = names.alert,
					  .topic = plan_topic_of(plan, TOPIC_ALERTS),
					  .action_count = alert_action_count(spec)};
	const struct alert_action *actions = spec->actions.items;
	for (size_t i = 0; i < record.action_count; i++)
		record.actions[i] = actions[i];
	return record_encode(&receivers_form, &record, out, &none);
}

static const char *string_or_none(const char *string)
{
	return *string ? string : NULL;
}

/* As of a file: without empty texts. False: it could be none, since the feed may have what a stranger wrote. */
static bool action_complete(struct alert_action *action, struct place here)
{
	action->here = here;
	action->url = string_or_none(action->url);
	action->body = string_or_none(action->body);
	action->secret = string_or_none(action->secret);
	action->experiment.text = string_or_none(action->experiment.text);
	return action->type >= 0 && action->type <= ALERT_ROLLBACK && action->format >= 0 &&
	       action->format <= NOTICE_ALERTMANAGER && (action->type != ALERT_WEBHOOK || action->url) &&
	       (action->type != ALERT_EMAIL || action->recipients.count > 0) &&
	       (action->type != ALERT_ROLLBACK || action->experiment.text);
}

/* The outline of the alert when the record was written: all but its receivers is as it is now. NULL: the record is damaged, of a
 * newer version, or memory ran out. */
static const struct alert_outline *outline_read(struct text bytes, const struct alert_outline *now, struct arena *arena)
{
	struct receivers_record record;
	struct error none = {0};
	struct topic topic = {.role = TOPIC_ALERTS};
	struct alert_spec spec = {.name = now->spec.name, .resolve_after_ns = now->spec.resolve_after_ns};
	struct pipeline_plan plan = now->plan;
	if (!record_decode(&receivers_form, bytes, arena, &record, &none))
		return NULL;
	for (size_t i = 0; i < record.action_count; i++)
		if (!action_complete(&record.actions[i], now->spec.name.place))
			return NULL;
	topic.name = string_or_none(record.topic);
	plan.topics = &topic;
	plan.topic_count = topic.name != NULL;
	spec.actions.count = record.action_count;
	spec.actions.items = record.actions;
	return alert_outline_make(&plan, &spec, now->condition_words, arena);
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
	else if (receivers_encode(plan, alert, spec, &record))
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
	const struct alert_outline *before = arena ? outline_read(record_find(watch, alert), alert->outline, arena) : NULL;
	alert->receivers_due = false;
	if (before) {
		alert_receivers_change(watch, alert, before, now_ms);
		alert->told_receivers = receivers_hash(&before->spec);
	}
	arena_close(arena);
}
