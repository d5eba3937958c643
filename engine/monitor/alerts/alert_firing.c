/* alert_firing.c: Alerts of a pipeline that fire, for reporters: since when, and for which groups. */
#include "base/clock.h"
#include "base/number/moment.h"
#include "base/quote.h"
#include "monitor/alerts/alert_parts.h"

#define ALERTS_NAMED 5 /* of a pipeline; the others are counted */
#define GROUPS_NAMED 3 /* of an alert; likewise */

/* When the first of those groups that fire began to. */
static int64_t fired_first_ms(const struct alert_groups *groups)
{
	int64_t first_ms = INT64_MAX;
	for (const struct alert_group *group = groups->first; group; group = group->next)
		if (group->alert.phase == ALERT_FIRING && group->alert.fired_at_ms < first_ms)
			first_ms = group->alert.fired_at_ms;
	return first_ms;
}

/* The feature that has drifted most in the last window by which the condition held. */
static void drift_write(const struct judged_alert *alert, const struct alert_group *group, struct buffer *out)
{
	const char *drift = alert_condition_drift(&alert->condition, &group->values);
	buffer_string(out, drift[0] ? ": " : "");
	buffer_shown(out, text_of(drift));
}

static void groups_write(const struct judged_alert *alert, const struct alert_groups *groups, size_t count, struct buffer *out)
{
	size_t named = 0;
	buffer_print(out, " for %zu group%s (", count, count > 1 ? "s" : "");
	for (const struct alert_group *group = groups->first; group && named < GROUPS_NAMED; group = group->next) {
		if (group->alert.phase != ALERT_FIRING)
			continue;
		buffer_string(out, named++ > 0 ? ", " : "");
		buffer_shown(out, group->name);
		drift_write(alert, group, out);
	}
	if (count > named)
		buffer_print(out, " and %zu more", count - named);
	buffer_byte(out, ')');
}

static void firing_write(const struct judged_alert *alert, const struct alert_groups *groups, size_t count, struct buffer *out)
{
	char moment[MOMENT_BYTES];
	moment_print(fired_first_ms(groups), moment);
	buffer_print(out, "the alert %s has fired since %s", alert->watched.name, moment);
	if (alert->group_by > 0)
		groups_write(alert, groups, count, out);
	else
		drift_write(alert, groups->first, out);
	if (!silence_is_in_force(alert->watched.silenced_until_ms, time_of_day_ms()))
		return;
	moment_print(alert->watched.silenced_until_ms, moment);
	buffer_print(out, " (silenced until %s)", moment);
}

static size_t firing_count(const struct judged_alert *alert)
{
	return alert_groups_in(&alert->groups, ALERT_FIRING);
}

/* By one pass over all alerts: most pipelines have none that fires, and each asks every second while somebody watches. */
static bool any_fires(const struct alert_watch *watch, const char *pipeline)
{
	for (const struct watched_alert *watched = watch->alerts; watched; watched = watched->next)
		if (firing_count((const struct judged_alert *)watched) > 0 && strcmp(watched->pipeline, pipeline) == 0)
			return true;
	return false;
}

void alert_watch_write_firing(const struct alert_watch *watch, const struct pipeline_plan *plan, struct buffer *out)
{
	const struct item_list *alerts = &plan->graph->spec->alerts;
	size_t fire = 0;
	if (alerts->count == 0 || !any_fires(watch, plan->graph->name))
		return;
	for (size_t i = 0; i < alerts->count; i++) {
		const char *name = ((const struct alert_spec *)alerts->items)[i].name.text;
		const struct judged_alert *alert = name ? alert_named(watch, plan->graph->name, name) : NULL;
		const size_t count = alert ? firing_count(alert) : 0;
		if (count == 0 || ++fire > ALERTS_NAMED)
			continue;
		buffer_string(out, fire > 1 ? "; " : "");
		firing_write(alert, &alert->groups, count, out);
	}
	if (fire > ALERTS_NAMED)
		buffer_print(out, "; and %zu other%s", fire - ALERTS_NAMED, fire - ALERTS_NAMED > 1 ? "s" : "");
}
