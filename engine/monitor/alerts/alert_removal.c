/* alert_removal.c: Removal of alerts from the files that run: one that fires ends, and its receivers get the notice of that by its
 * outline (alert_outline.h). */
#include "base/clock.h"
#include "monitor/alerts/alert_receivers.h"

static void removal_log(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_groups *groups)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	const bool is_told = alert->removed;
	size_t announced = 0;
	for (const struct alert_group *group = groups->first; group; group = group->next)
		announced += group->alert.is_announced;
	if (announced > 0)
		log_say(watch->config->log, LOG_LEVEL_WARN, &fields, "%s: the alert %s was removed while it fires; %s",
			alert->watched.pipeline, alert->watched.name,
			is_told ? "its receivers get the notice of the end"
				: "memory ran out, so its receivers get no notice of the end: close its incidents there");
}

void alert_remove(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms)
{
	struct alert_groups *groups = alert_is_shared(watch) ? &alert->shared : &alert->groups;
	alert->watched.firing = alert->watched.pending = 0;
	alert->condition = (struct alert_condition){0};
	if (alert->removed)
		return;
	alert->removed = alert->outline ? alert_removed_make(alert->outline, now_ms) : NULL;
	alert->outline = NULL;
	alert->condition_words = alert->removed ? alert->removed->outline->condition_words : TEXT("");
	removal_log(watch, alert, groups);
	if (alert->removed)
		return;
	alert_forget(watch, alert);
	alert_groups_clear(groups);
}

/* No report counts any more: an engine that still has the alert ends it soon, too. */
static void groups_end(struct alert_groups *groups)
{
	for (struct alert_group *group = groups->first; group; group = group->next)
		group->alert.phase = ALERT_INACTIVE;
}

static void removed_send(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms)
{
	const struct alert_outline *outline = alert->removed->outline;
	if (alert_is_shared(watch)) {
		alert_reports_clear(&alert->reports);
		groups_end(&alert->shared);
		alert_send_shared(watch, &outline->plan, alert, &outline->spec, now_ms);
		if (alert->shared.count == 0 && now_ms - alert->removed->since_ms >= ALERT_UNCLAIMED_MS)
			alert_removed_drop(alert);
		return;
	}
	groups_end(&alert->groups);
	alert_send_own(watch, &outline->plan, alert, &outline->spec, now_ms);
	alert_groups_settle(&alert->groups);
	if (alert->groups.count == 0)
		alert_removed_drop(alert);
}

void alerts_send_removed(struct alert_watch *watch, int64_t now_ms)
{
	for (struct watched_alert *watched = watch->alerts; watched; watched = watched->next) {
		struct judged_alert *alert = (struct judged_alert *)watched;
		if (alert->removed)
			removed_send(watch, alert, now_ms);
		if (!watched->is_present)
			alert_receivers_send(watch, alert, now_ms);
	}
}
