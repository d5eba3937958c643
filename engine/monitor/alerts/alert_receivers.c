/* alert_receivers.c: see alert_receivers.h. */
#include "monitor/alerts/alert_receivers.h"

#include "base/memory.h"

static uint32_t bit_of(size_t index)
{
	return (uint32_t)1 << index;
}

/* How the actions of two revisions correspond. */
struct receiver_change {
	const struct alert_spec *before, *after;
	uint32_t dropped; /* of `before` */
	uint32_t added;	  /* of `after`; a rollback is commanded by the beginning of a firing alone */
};

static struct receiver_change change_find(const struct alert_spec *before, const struct alert_spec *after)
{
	struct receiver_change change = {.before = before, .after = after};
	const struct alert_action *actions = after->actions.items;
	for (size_t i = 0; i < alert_action_count(before); i++)
		if (alert_action_index(after, alert_action_hash(before, i)) == alert_action_count(after))
			change.dropped |= bit_of(i);
	for (size_t i = 0; i < alert_action_count(after); i++)
		if (actions[i].type != ALERT_ROLLBACK &&
		    alert_action_index(before, alert_action_hash(after, i)) == alert_action_count(before))
			change.added |= bit_of(i);
	return change;
}

/* The bits of the actions that stay, in their new places. */
static uint32_t bits_move(const struct receiver_change *change, uint32_t bits)
{
	uint32_t moved = 0;
	for (size_t i = 0; i < alert_action_count(change->after); i++) {
		const size_t former = alert_action_index(change->before, alert_action_hash(change->after, i));
		if (former < alert_action_count(change->before) && (bits & bit_of(former)))
			moved |= bit_of(i);
	}
	return moved;
}

/* An end for those of the dropped actions that were given the firing. Without memory there is none. */
static void end_owe(struct former_receivers *formers, const struct alert_group *of, uint32_t owed, int64_t now_ms)
{
	struct alert_group *end =
		owed && formers ? alert_group_judge(&formers->ends, of->name, (struct alert_judgement){.held = true}) : NULL;
	if (!end)
		return;
	end->alert.fired_at_ms = of->alert.fired_at_ms;
	end->values = of->values;
	end->notice = NOTICE_RESOLVED;
	end->reason = of->alert.phase == ALERT_FIRING ? NOTICE_DROPPED : NULL;
	end->owed = owed;
	end->sent_ms = now_ms;
}

static void group_change(const struct alert_watch *watch, const struct receiver_change *change, struct former_receivers *formers,
			 struct alert_group *group, int64_t now_ms)
{
	const bool sends = !alert_is_shared(watch) || watch->takeover.is_done;
	const uint32_t told = sends ? group->told : ALERT_ALL_ACTIONS;
	if (group->alert.is_announced)
		end_owe(formers, group, change->dropped & told, now_ms);
	else if (group->notice == NOTICE_RESOLVED)
		end_owe(formers, group, change->dropped & group->owed, now_ms);
	const bool fires = group->alert.phase == ALERT_FIRING && group->alert.is_announced;
	group->told = bits_move(change, told);
	group->owed = bits_move(change, group->owed);
	group->added = bits_move(change, group->added) | (fires ? change->added : 0);
	if (!fires || !change->added)
		return;
	group->owed |= group->added;
	group->notice = NOTICE_FIRING;
	group->is_kept = group->is_tried = false;
	group->sent_ms = now_ms;
}

static struct former_receivers *formers_make(struct judged_alert *alert, const struct alert_outline *outline, int64_t now_ms)
{
	struct former_receivers *made = memory_take(1, sizeof *made);
	struct removed_alert *removed = made ? alert_removed_make(outline, now_ms) : NULL;
	if (!removed) {
		memory_give(made);
		return NULL;
	}
	*made = (struct former_receivers){.next = alert->formers, .removed = removed};
	alert->formers = made;
	return made;
}

void alert_receivers_change(struct alert_watch *watch, struct judged_alert *alert, const struct alert_outline *before,
			    int64_t now_ms)
{
	struct alert_groups *groups = alert_is_shared(watch) ? &alert->shared : &alert->groups;
	if (!before || !alert->outline)
		return;
	const struct receiver_change change = change_find(&before->spec, &alert->outline->spec);
	struct former_receivers *formers = change.dropped ? formers_make(alert, before, now_ms) : NULL;
	for (struct alert_group *group = groups->first; group; group = group->next)
		group_change(watch, &change, formers, group, now_ms);
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	if (change.dropped && alert_groups_in(groups, ALERT_FIRING) > 0)
		log_say(watch->config->log, LOG_LEVEL_WARN, &fields,
			"%s: a receiver of the alert %s was removed while it fires; %s", alert->watched.pipeline,
			alert->watched.name,
			formers ? "it gets the notice of the end"
				: "memory ran out, so it gets no notice of the end: close its incidents there");
}

static void former_free(struct former_receivers *formers)
{
	arena_close(formers->removed->arena);
	alert_groups_clear(&formers->ends);
	memory_give(formers);
}

static void ends_send(struct alert_watch *watch, struct judged_alert *alert, struct former_receivers *formers, int64_t now_ms)
{
	const struct alert_outline *outline = formers->removed->outline;
	for (struct alert_group *end = formers->ends.first; end; end = end->next) {
		if (alert_is_shared(watch) && !end->is_kept)
			alert_end_keep(watch, &outline->plan, alert, end, &outline->spec, now_ms);
		if (end->owed && (!alert_is_shared(watch) || alert_is_kept(watch, end, now_ms)))
			alert_announce(watch, &outline->plan, alert, end, &outline->spec);
	}
	alert_groups_settle(&formers->ends);
}

void alert_receivers_send(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms)
{
	const struct alert_takeover *takeover = &watch->takeover;
	for (struct former_receivers **at = &alert->formers; *at;) {
		struct former_receivers *formers = *at;
		const int64_t age_ms = now_ms - formers->removed->since_ms;
		if (!alert_is_shared(watch) || takeover->is_done)
			ends_send(watch, alert, formers, now_ms);
		else if (!takeover->is_due && age_ms > ALERT_KEPT_MS)
			alert_groups_clear(&formers->ends);
		if (formers->ends.count > 0 || (alert_is_shared(watch) && age_ms < ALERT_UNCLAIMED_MS)) {
			at = &formers->next;
			continue;
		}
		*at = formers->next;
		former_free(formers);
	}
}

void alert_receivers_drop(struct judged_alert *alert)
{
	while (alert->formers) {
		struct former_receivers *formers = alert->formers;
		alert->formers = formers->next;
		former_free(formers);
	}
}
