/* alert_keeping.c: Records in the feed of what fires and which notices wait, which the engine that sends writes before it sends. */
#include "monitor/alerts/alert_parts.h"

#define FEED_WRITE_MS 15000 /* a feed that does not take the record of a notice by then delays it no longer */

struct alert_message alert_firing_names(const struct judged_alert *alert, const struct alert_group *group)
{
	return (struct alert_message){.namespace = text_of(alert->watched.namespace),
				      .pipeline = text_of(alert->watched.pipeline),
				      .alert = text_of(alert->watched.name),
				      .group = group->name,
				      .fired_at_ms = group->alert.fired_at_ms};
}

/* Writes that of the group's last notice for each action that is owed it; without bytes, none is any more. */
static void owed_write(const struct alert_watch *watch, const struct alert_group *group, const struct alert_spec *spec,
		       struct text value, const struct recorded_alert *of)
{
	char key[KEPT_KEY_BYTES];
	for (size_t i = 0; i < spec->actions.count && i < ALERT_ACTIONS_MAX; i++) {
		if (!(group->owed & (uint32_t)1 << i))
			continue;
		kept_notice_key(alert_action_hash(spec, i), group->kept_id, key);
		(void)alert_store_write(watch->takeover.store, key, value, of);
	}
}

void alert_keep(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, struct alert_group *group,
		const struct alert_spec *spec, int64_t now_ms)
{
	const struct alert_message message = alert_message_of(watch, plan, alert, group, group->notice);
	const struct recorded_alert of = {alert->watched.pipeline, alert->watched.name, &alert->watched.notices};
	struct error error = {0};
	char key[KEPT_KEY_BYTES];
	struct buffer record;
	group->is_kept = true;
	group->kept_number = 0;
	group->kept_ms = now_ms;
	buffer_open(&record, NOTICE_BYTES_MAX);
	if (alert_record_encode(&message, &record, &error)) {
		notice_id(&message, group->kept_id);
		owed_write(watch, group, spec, buffer_view(&record), &of);
		kept_firing_key(&message, key);
		group->kept_number = alert_store_write(
			watch->takeover.store, key, group->notice == NOTICE_FIRING ? buffer_view(&record) : (struct text){0}, &of);
	}
	buffer_close(&record);
}

void alert_end_keep(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		    struct alert_group *end, const struct alert_spec *spec, int64_t now_ms)
{
	const struct alert_message message = alert_message_of(watch, plan, alert, end, NOTICE_RESOLVED);
	const struct recorded_alert of = {alert->watched.pipeline, alert->watched.name, &alert->watched.notices};
	const struct kept_alerts *kept = watch->takeover.kept;
	struct alert_store *store = watch->takeover.store;
	struct error error = {0};
	struct buffer record;
	char key[KEPT_KEY_BYTES];
	end->is_kept = true;
	end->kept_ms = now_ms;
	notice_id(&message, end->kept_id);
	buffer_open(&record, NOTICE_BYTES_MAX);
	const bool good = alert_record_encode(&message, &record, &error);
	for (size_t i = 0; good && i < spec->actions.count && i < ALERT_ACTIONS_MAX; i++) {
		kept_notice_key(alert_action_hash(spec, i), end->kept_id, key);
		if (alert_store_awaits(store, key) || (kept && kept_alert_find(kept, key)))
			end->owed &= ~((uint32_t)1 << i);
		else if (end->owed & (uint32_t)1 << i)
			end->kept_number = alert_store_write(store, key, buffer_view(&record), &of);
	}
	buffer_close(&record);
}

bool alert_is_kept(const struct alert_watch *watch, const struct alert_group *group, int64_t now_ms)
{
	return now_ms - group->kept_ms >= FEED_WRITE_MS ||
	       alert_store_state(watch->takeover.store, group->kept_number) != ALERT_RECORD_WAITS;
}

void alert_notice_replace(struct alert_watch *watch, const struct alert_group *group, const struct alert_spec *spec)
{
	if (group->is_kept)
		owed_write(watch, group, spec, (struct text){0}, NULL);
}

void alert_forget(struct alert_watch *watch, struct judged_alert *alert)
{
	char key[KEPT_KEY_BYTES];
	for (struct alert_group *group = alert->shared.first; group; group = group->next) {
		const struct alert_message names = alert_firing_names(alert, group);
		kept_firing_key(&names, key);
		if (watch->takeover.is_done && group->alert.is_announced)
			(void)alert_store_write(watch->takeover.store, key, (struct text){0}, NULL);
	}
	alert_groups_clear(&alert->shared);
	alert_reports_clear(&alert->reports);
}
