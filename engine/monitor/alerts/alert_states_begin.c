/* alert_states_begin.c: Begin of a term of the states of alerts: what a former keeper left in the feed. */
#include "monitor/alerts/alert_states_parts.h"

#include "base/memory.h"

static struct alert_message read_names(const struct alert_read *read)
{
	return (struct alert_message){.namespace = read->namespace,
				      .pipeline = read->pipeline,
				      .alert = read->alert,
				      .group = read->group,
				      .fired_at_ms = read->fired_at_ms};
}

static bool receivers_restore(struct alert_states *states, struct text record, struct error *error)
{
	struct alert_actions actions = {0};
	struct alert_message names = {0};
	if (!alert_actions_decode(&actions, record, &names))
		return true;
	struct state_alert *alert = state_alert_open(states, &names);
	if (!alert) {
		alert_actions_clear(&actions);
		return states_memory_failed(error);
	}
	alert_actions_clear(&alert->actions);
	alert->actions = actions;
	alert->has_actions = true;
	alert->written = state_receivers_hash(record);
	return true;
}

/* A second firing of a group, of engines that could not reach Kafka, ends: its receivers may have both. */
static bool firing_supersede(struct alert_states *states, struct state_alert *alert, struct state_group *group,
			     const struct feed_alert *former, struct alert_time time, struct error *error)
{
	struct state_group second = {.name = group->name, .fired_at_ms = former->read.fired_at_ms, .is_announced = true};
	if (!state_group_keep(&second, former->record))
		return states_memory_failed(error);
	const bool good = state_firing_end(states, alert, &second, "", time, error);
	memory_give(second.record);
	return good;
}

static bool firing_restore(struct alert_states *states, struct state_alert *alert, const struct feed_alert *former,
			   struct alert_time time, struct error *error)
{
	struct state_group *group = state_group_open(states, alert, former->read.group);
	if (!group)
		return true;
	if (group->is_announced)
		return group->fired_at_ms == former->read.fired_at_ms ||
		       firing_supersede(states, alert, group, former, time, error);
	group->is_announced = true;
	group->fired_at_ms = former->read.fired_at_ms;
	group->until_ms = group->reports ? 0 : 1; /* until the definition says how long */
	return group->record || state_group_keep(group, former->record) || states_memory_failed(error);
}

/* Firings of former keepers go on without a report for as long as one would count. */
static void firings_prolong(struct alert_states *states, struct alert_time time)
{
	for (struct state_alert *alert = states->alerts; alert; alert = alert->next)
		for (struct state_group *group = alert->groups; group && alert->definition; group = group->next)
			if (group->until_ms > 0)
				group->until_ms = time.now_ms + state_silent_ms(alert->definition);
}

static bool firing_has_ended(const struct alert_feed *feed, const struct alert_message *names)
{
	char key[ALERT_KEY_BYTES];
	alert_firing_key(names, key);
	const struct feed_alert *firing = alert_feed_find(feed, key);
	return firing && !firing->record.bytes;
}

/* What a former keeper has ended is over, whatever engines reported of it. */
static void reports_forget_ended(struct alert_states *states, const struct alert_feed *feed)
{
	for (struct state_alert *alert = states->alerts; alert; alert = alert->next)
		for (struct state_group *group = alert->groups; group; group = group->next) {
			const struct alert_message names = {.namespace = alert->namespace,
							    .pipeline = alert->pipeline,
							    .alert = alert->name,
							    .group = group->name,
							    .fired_at_ms = group->fired_at_ms};
			if (firing_has_ended(feed, &names))
				group->begun_ms = 0;
		}
}

static bool feed_alert_restore(struct alert_states *states, const struct feed_alert *former, struct alert_time time,
			       struct error *error)
{
	const struct alert_message names = read_names(&former->read);
	struct state_alert *alert = state_alert_open(states, &names);
	if (!alert)
		return states_memory_failed(error);
	return former->kind == ALERT_KEY_NOTICE ? notice_restore(states, alert, former, error)
						: firing_restore(states, alert, former, time, error);
}

static bool feed_restore(struct alert_states *states, const struct alert_feed *feed, struct alert_time time, struct error *error)
{
	reports_forget_ended(states, feed);
	for (const struct feed_alert *at = feed_alert_of(feed->alerts.first); at; at = feed_alert_of(at->node.next))
		if (at->kind == ALERT_KEY_RECEIVERS && !receivers_restore(states, at->record, error))
			return false;
	for (const struct feed_alert *at = feed_alert_of(feed->alerts.first); at; at = feed_alert_of(at->node.next))
		if ((at->kind == ALERT_KEY_NOTICE || at->kind == ALERT_KEY_FIRING) &&
		    !feed_alert_restore(states, at, time, error))
			return false;
	return true;
}

static bool beginnings_restore(struct alert_states *states, const struct alert_feed *feed, struct alert_time time,
			       struct error *error)
{
	for (const struct feed_alert *at = feed_alert_of(feed->alerts.first); at; at = feed_alert_of(at->node.next)) {
		const struct alert_message names = read_names(&at->read);
		if (at->kind != ALERT_KEY_BEGINNING)
			continue;
		if (firing_has_ended(feed, &names))
			state_ended_note(states, &names);
		if (!alert_states_beginning(states, text_of(at->key), at->record, time, error))
			return false;
	}
	return true;
}

bool alert_states_begin(struct alert_states *states, const struct alert_feed *feed, const struct alert_definitions *definitions,
			struct alert_time time, struct error *error)
{
	if ((feed && !feed_restore(states, feed, time, error)) || !alert_states_define(states, definitions, time, error))
		return false;
	firings_prolong(states, time);
	return !feed || beginnings_restore(states, feed, time, error);
}
