/* alert_keeping.c: What outlasts an engine of the alerts that engines share: the engine that sends the notices keeps which fire,
 * and which notices wait, and the next one takes that over. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "runtime/alert_parts.h"

#define TAKEOVER_MS 15000    /* a feed that is not read by then delays no notice any longer */
#define UNCLAIMED_MS 3600000 /* pipelines come into force within minutes */

/* ---- keeping ---- */

static uint64_t text_hash(const char *text, uint64_t seed)
{
	return text ? hash_bytes(text, strlen(text) + 1, seed) : hash_bytes(NULL, 0, seed + 1);
}

uint64_t alert_action_hash(const struct alert_action *action)
{
	uint64_t hash = text_hash(action->url, (uint64_t)action->type);
	hash = text_hash(action->body, hash + (uint64_t)action->format);
	hash = text_hash(action->experiment.text, hash);
	for (size_t i = 0; i < action->recipients.count; i++)
		hash = text_hash(action->recipients.items[i].text, hash);
	return hash;
}

static void firing_key(const struct judged_alert *alert, struct text group, char key[KEPT_KEY_BYTES])
{
	const struct alert_message names = {.namespace = text_of(alert->watched.namespace),
					    .pipeline = text_of(alert->watched.pipeline),
					    .alert = text_of(alert->watched.name),
					    .group = group};
	kept_firing_key(&names, key);
}

void alert_keep(struct alert_watch *watch, const struct pipeline_plan *plan, const struct judged_alert *alert,
		struct alert_group *group, const struct alert_spec *spec)
{
	const struct alert_message message = alert_message_of(watch, plan, alert, group, spec, group->notice);
	const struct alert_action *actions = spec->actions.items;
	struct error error = {0};
	char id[NOTICE_ID_BYTES], key[KEPT_KEY_BYTES];
	struct buffer record;
	if (group->is_kept)
		return;
	group->is_kept = true;
	buffer_open(&record, NOTICE_BYTES_MAX);
	if (alert_record_encode(&message, &record, &error)) {
		notice_id(&message, id);
		for (size_t i = 0; i < spec->actions.count && i < ALERT_ACTIONS_MAX; i++) {
			kept_notice_key(alert_action_hash(&actions[i]), id, key);
			if (group->owed & (uint32_t)1 << i)
				alert_store_write(watch->takeover.store, key, buffer_view(&record));
		}
		firing_key(alert, group->name, key);
		alert_store_write(watch->takeover.store, key,
				  group->notice == NOTICE_FIRING ? buffer_view(&record) : (struct text){0});
	}
	buffer_close(&record);
}

void alert_keep_no_more(struct alert_watch *watch, struct judged_alert *alert)
{
	char key[KEPT_KEY_BYTES];
	for (struct alert_group *group = alert->shared.first; group; group = group->next) {
		firing_key(alert, group->name, key);
		if (watch->takeover.is_done && group->alert.is_announced)
			alert_store_write(watch->takeover.store, key, (struct text){0});
	}
	alert_groups_clear(&alert->shared);
	alert_reports_clear(&alert->reports);
}

/* ---- taking over ---- */

static void kept_drop(struct alert_takeover *takeover)
{
	if (takeover->kept)
		kept_alerts_clear(takeover->kept);
	memory_give(takeover->kept);
	takeover->kept = NULL;
}

/* Ends what nobody has claimed: its alert is in no file any more. */
static void unclaimed_end(struct alert_watch *watch)
{
	struct alert_takeover *takeover = &watch->takeover;
	struct kept_alert *next;
	for (struct kept_alert *kept = kept_alert_of(takeover->kept->alerts.first); kept; kept = next) {
		next = kept_alert_of(kept->node.next);
		if (kept->has_ended)
			continue;
		if (kept->is_notice)
			log_say(watch->config->log, LOG_LEVEL_WARN, NULL,
				"a notice of the alert " TEXT_FORMAT " of the pipeline " TEXT_FORMAT " is not sent: no file has "
				"that alert any more",
				TEXT_ARGUMENTS(kept->read.alert), TEXT_ARGUMENTS(kept->read.pipeline));
		alert_store_write(takeover->store, kept->key, (struct text){0});
	}
	kept_drop(takeover);
}

static void takeover_log(const struct alert_watch *watch, const struct kept_alerts *kept)
{
	size_t firings = 0, notices = 0;
	for (struct kept_alert *at = kept_alert_of(kept->alerts.first); at; at = kept_alert_of(at->node.next)) {
		firings += !at->is_notice && !at->has_ended;
		notices += at->is_notice;
	}
	if (firings + notices > 0)
		log_say(watch->config->log, LOG_LEVEL_INFO, NULL,
			"this engine sends the notices of alerts now; by %s, %zu fire, and %zu notices wait",
			watch->takeover.config.feed, firings, notices);
}

static void takeover_begin(struct alert_watch *watch, struct kept_alerts *kept, int64_t now_ms)
{
	struct alert_takeover *takeover = &watch->takeover;
	if (kept)
		takeover_log(watch, kept);
	kept_drop(takeover);
	takeover->kept = kept;
	takeover->kept_ms = now_ms;
	takeover->number++;
	takeover->is_done = true;
}

void alert_takeover_turn(struct alert_watch *watch, int64_t now_ms)
{
	struct alert_takeover *takeover = &watch->takeover;
	const bool is_due = watch->sharing.is_sender(watch->sharing.context);
	takeover->is_done = takeover->is_done && is_due && takeover->is_due;
	takeover->asked_ms = is_due && takeover->is_due ? takeover->asked_ms : 0;
	takeover->is_due = is_due;
	if (!is_due || !watch->alerts)
		return;
	if (takeover->asked_ms == 0) {
		takeover->asked_ms = now_ms;
		alert_store_ask(takeover->store);
	}
	struct kept_alerts *kept = alert_store_answer(takeover->store);
	if (kept || (!takeover->is_done && now_ms - takeover->asked_ms >= TAKEOVER_MS))
		takeover_begin(watch, kept, now_ms);
	if (takeover->kept && now_ms - takeover->kept_ms >= UNCLAIMED_MS)
		unclaimed_end(watch);
}

static bool is_of(const struct kept_alert *kept, const struct judged_alert *alert)
{
	return kept->read.alert.bytes && text_is(kept->read.alert, alert->watched.name) &&
	       text_is(kept->read.pipeline, alert->watched.pipeline) && text_is(kept->read.namespace, alert->watched.namespace);
}

/* A group that fires and was kept as firing goes on with the time of that, and its notice is not due again: what waits of it was
 * kept, too. One that fires and was not kept owes its notice. The end of one that was kept is not due again. */
static void group_reconcile(const struct alert_takeover *takeover, const struct judged_alert *alert, struct alert_group *group,
			    const struct alert_spec *spec, int64_t now_ms)
{
	char key[KEPT_KEY_BYTES];
	firing_key(alert, group->name, key);
	const struct kept_alert *kept = takeover->kept ? kept_alert_find(takeover->kept, key) : NULL;
	const bool was_firing = kept && !kept->has_ended;
	if (group->alert.phase != ALERT_FIRING) {
		if (kept && kept->has_ended && kept->written_ms >= group->alert.fired_at_ms)
			group->owed = 0;
	} else if (was_firing) {
		group->alert.fired_at_ms = kept->read.fired_at_ms;
		group->alert.is_announced = group->is_kept = true;
		group->notice = NOTICE_FIRING;
		group->owed = 0;
	} else if (group->alert.is_announced && !group->is_kept) {
		alert_notice_owe(group, spec, NOTICE_FIRING, now_ms);
	}
}

/* It counts as reported by an engine, which may report it again. */
static void firing_restore(struct judged_alert *alert, const struct alert_read *read, struct alert_time time)
{
	if (alert_group_find(&alert->shared, read->group))
		return;
	struct alert_group *group = alert_group_judge(&alert->shared, read->group, (struct alert_judgement){.held = true});
	if (!group)
		return;
	alert_reports_take(&alert->reports, read, time.now_ms);
	alert_resume(&group->alert, read->fired_at_ms, time);
	group->values = read->values;
	group->notice = NOTICE_FIRING;
	group->sent_ms = time.now_ms;
	group->is_kept = group->is_restored = true;
}

static const struct alert_action *action_of(const struct alert_spec *spec, uint64_t hash)
{
	const struct alert_action *actions = spec->actions.items;
	for (size_t i = 0; i < spec->actions.count && i < ALERT_ACTIONS_MAX; i++)
		if (alert_action_hash(&actions[i]) == hash)
			return &actions[i];
	return NULL;
}

/* Sends a notice that waits, if it does not wait in this engine. False: it is not taken now. */
static bool notice_take_over(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
			     const struct alert_spec *spec, const struct kept_alert *kept)
{
	const struct alert_read *read = &kept->read;
	const struct alert_action *action = action_of(spec, kept->action);
	const struct alert_group group = {.name = read->group, .alert.fired_at_ms = read->fired_at_ms, .values = read->values};
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	struct error error = {0};
	if (alert_store_awaits(watch->takeover.store, kept->key))
		return true;
	struct alert_message message =
		alert_message_of(watch, plan, alert, &group, spec, read->fires ? NOTICE_FIRING : NOTICE_RESOLVED);
	message.condition = read->condition;
	message.at_ms = read->at_ms;
	if (action)
		return alert_notify(watch, plan, alert, action, &message, &error);
	log_say(watch->config->log, LOG_LEVEL_WARN, &fields,
		"%s: a notice of the alert %s is not sent: its receiver is not among the alert's actions any more",
		alert->watched.pipeline, alert->watched.name);
	alert_store_settle(watch->takeover.store, kept->key);
	return true;
}

void alert_take_over(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		     const struct alert_spec *spec, struct alert_time time)
{
	struct alert_takeover *takeover = &watch->takeover;
	struct kept_alert *next;
	if (!takeover->is_done)
		return;
	if (alert->taken_over != takeover->number)
		for (struct alert_group *group = alert->shared.first; group; group = group->next)
			group_reconcile(takeover, alert, group, spec, time.now_ms);
	alert->taken_over = takeover->number;
	if (!takeover->kept)
		return;
	for (struct kept_alert *kept = kept_alert_of(takeover->kept->alerts.first); kept; kept = next) {
		next = kept_alert_of(kept->node.next);
		if (!is_of(kept, alert))
			continue;
		if (!kept->is_notice && !kept->has_ended)
			firing_restore(alert, &kept->read, time);
		if (!kept->is_notice || notice_take_over(watch, plan, alert, spec, kept))
			kept_alert_remove(takeover->kept, kept);
	}
}

void alert_resume_own(struct judged_alert *alert, struct alert_time time)
{
	for (struct alert_group *group = alert->groups.first; group; group = group->next) {
		const struct alert_group *shared =
			group->alert.phase == ALERT_PENDING ? alert_group_find(&alert->shared, group->name) : NULL;
		if (shared && shared->is_restored && shared->alert.phase == ALERT_FIRING)
			alert_resume(&group->alert, shared->alert.fired_at_ms, time);
	}
}

void alert_takeover_close(struct alert_takeover *takeover)
{
	alert_store_close(takeover->store);
	kept_drop(takeover);
}
