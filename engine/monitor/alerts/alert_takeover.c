/* alert_takeover.c: Takeover of shared alerts: an engine that begins to send takes over the firings and the waiting notices that
 * the one before it has kept in the feed. */
#include "monitor/alerts/notice_queue.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/quote.h"
#include "monitor/alerts/alert_outline.h"
#include "monitor/alerts/told_receivers.h"

#define TAKEOVER_MS 15000 /* a feed that is not read by then delays no notice any longer */
#define FULL_RECEIVERS 16
#define OTHERS_MS 30000	     /* in which an engine that runs ends its own firing, and sends that, if another of its group goes on */

/* ---- taking over ---- */

static void kept_drop(struct alert_takeover *takeover)
{
	kept_alerts_free(takeover->kept);
	takeover->kept = NULL;
}

static void takeover_log(const struct alert_watch *watch, const struct kept_alerts *kept)
{
	size_t firings = 0, notices = 0;
	for (struct kept_alert *at = kept_alert_of(kept->alerts.first); at; at = kept_alert_of(at->node.next)) {
		firings += !at->is_notice && at->read;
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
	if (kept && !takeover->is_done)
		takeover_log(watch, kept);
	else if (!kept)
		log_say(watch->config->log, LOG_LEVEL_WARN, NULL,
			"%s is not read within %d s: this engine sends the notices of all alerts that fire, perhaps again",
			takeover->config.feed, TAKEOVER_MS / MS_PER_S);
	kept_drop(takeover);
	takeover->kept = kept;
	takeover->kept_ms = now_ms;
	takeover->has_failed = false;
	takeover->is_checking = false;
	takeover->ends_others = takeover->ends_others_next;
	takeover->ends_others_next = false;
	takeover->number++;
	takeover->is_again = takeover->is_done;
	takeover->is_done = true;
}

static void check_begin(struct alert_takeover *takeover)
{
	if (!takeover->is_check_due || alert_store_state(takeover->store, takeover->check_after) == ALERT_RECORD_WAITS)
		return;
	takeover->is_check_due = false;
	takeover->is_checking = true;
	alert_store_ask(takeover->store);
}

/* The answer of a check, in an engine that does not send. */
static void check_take(struct alert_takeover *takeover)
{
	struct kept_alerts *kept = takeover->is_checking ? alert_store_answer(takeover->store) : NULL;
	if (!kept)
		return;
	takeover->is_checking = false;
	kept_drop(takeover);
	takeover->kept = kept;
	takeover->is_new = true;
}

void alert_takeover_turn(struct alert_watch *watch, int64_t now_ms)
{
	struct alert_takeover *takeover = &watch->takeover;
	const bool is_due = watch->sharing.is_sender(watch->sharing.context);
	takeover->is_check_due = takeover->is_check_due || (takeover->is_done && !is_due);
	takeover->is_done = takeover->is_done && is_due && takeover->is_due;
	if (takeover->is_due && !is_due) {
		kept_drop(takeover);
		takeover->ends_others = takeover->ends_others_next = false;
	}
	check_begin(takeover);
	takeover->asked_ms = is_due && takeover->is_due ? takeover->asked_ms : 0;
	takeover->is_due = is_due;
	if (!is_due) {
		notifier_leave(watch->notifier);
		alert_store_yield(takeover->store);
		check_take(takeover);
		return;
	}
	if (takeover->asked_ms == 0) {
		takeover->asked_ms = now_ms;
		alert_store_ask(takeover->store);
	}
	struct kept_alerts *kept = alert_store_answer(takeover->store);
	if (kept || (!takeover->is_done && now_ms - takeover->asked_ms >= TAKEOVER_MS))
		takeover_begin(watch, kept, now_ms);
}

/* The end of a firing which is not in the feed, as it began and ended while no engine sent, or by another id. Whoever gave the
 * notice of the firing has the end; if nobody did, the notice comes before it. */
static void end_reconcile(struct alert_group *group)
{
	const bool is_due = group->alert.is_announced || group->owed; /* else it was silenced all the time */
	group->told = group->is_known ? ALERT_ALL_ACTIONS : group->told;
	if (group->told || !is_due)
		return;
	group->is_untold = true;
	group->notice = NOTICE_NONE;
	group->owed = 0;
}

/* A group that fires and was kept as firing goes on with the time of that, and its notice is not due again: what waits of it was
 * kept, too. The notice of one that fires and was not kept is due, unless its record was left out: then it was sent. An end that
 * was kept is not due again. Nor is that of a firing which nobody has kept by this id, although another engine has announced it:
 * that has ended it by its own id. Any other end is due: of the firing that was kept, or one that no engine sent anything of. */
static void group_reconcile(const struct alert_takeover *takeover, const struct judged_alert *alert, struct alert_group *group)
{
	const struct alert_message names = alert_firing_names(alert, group);
	char key[KEPT_KEY_BYTES];
	kept_firing_key(&names, key);
	const struct kept_alert *kept = takeover->kept ? kept_alert_find(takeover->kept, key) : NULL;
	const struct kept_alert *first = takeover->kept ? kept_firing_first(takeover->kept, &names) : NULL;
	const bool fires = group->alert.phase == ALERT_FIRING;
	const bool has_ended = kept && !kept->read;
	const bool has_ended_otherwise = takeover->kept && !kept && !first && group->is_known && group->kept_ms == 0;
	if (first) {
		group->alert.fired_at_ms = first->read->fired_at_ms;
		group->told = ALERT_ALL_ACTIONS & ~group->added;
	}
	if (!fires && (has_ended || has_ended_otherwise)) {
		group->alert.is_announced = false;
		group->notice = NOTICE_NONE;
		group->owed = 0;
	} else if (!fires && !first) {
		end_reconcile(group);
	} else if (fires && first) {
		group->alert.is_announced = true;
		group->is_kept = group->added == 0;
		group->notice = NOTICE_FIRING;
		group->owed = group->added;
	} else if (fires &&
		   (!group->is_kept || has_ended ||
		    (takeover->kept && !kept && alert_store_state(takeover->store, group->kept_number) == ALERT_RECORD_WRITTEN))) {
		group->alert.is_announced = false;
		group->owed = 0;
	}
}

void alert_untold_owe(struct alert_group *group, const struct alert_spec *spec, int64_t now_ms)
{
	const struct alert_action *actions = spec->actions.items;
	group->is_untold = false;
	group->alert.is_announced = true;
	alert_notice_owe(group, spec, NOTICE_FIRING, now_ms);
	for (size_t i = 0; i < spec->actions.count && i < ALERT_ACTIONS_MAX; i++)
		if (actions[i].type == ALERT_ROLLBACK)
			group->owed &= ~((uint32_t)1 << i);
}

/* It counts as reported by an engine, which may report it again. False: there are too many groups now. */
static bool firing_restore(struct judged_alert *alert, const struct alert_read *read, struct alert_time time)
{
	struct alert_group *group = alert_group_judge(&alert->shared, read->group, (struct alert_judgement){.held = true});
	if (!group)
		return false;
	alert_reports_take(&alert->reports, read, time.now_ms);
	alert_resume(&group->alert, read->fired_at_ms, time);
	group->values = read->values;
	group->notice = NOTICE_FIRING;
	group->sent_ms = time.now_ms;
	group->is_kept = group->is_restored = true;
	group->told = ALERT_ALL_ACTIONS;
	return true;
}

/* Of an alert that runs, or that was removed not long ago. */
struct kept_owner {
	const struct pipeline_plan *plan;
	const struct alert_spec *spec;
	struct judged_alert *alert; /* NULL: none has those names */
};

static struct kept_owner owner_find(const struct alert_watch *watch, const struct plan *plan, const struct alert_read *read)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const struct item_list alerts = pipeline->graph->spec->alerts;
		const struct alert_spec *specs = alerts.items;
		for (size_t j = 0; j < alerts.count && text_is(read->pipeline, pipeline->graph->name); j++)
			if (text_is(read->alert, specs[j].name.text) && text_is(read->namespace, pipeline->namespace))
				return (struct kept_owner){pipeline, &specs[j],
							   alert_named(watch, pipeline->graph->name, specs[j].name.text)};
	}
	struct kept_owner removed = {0};
	for (struct watched_alert *alert = watch->alerts; alert && !removed.alert; alert = alert->next)
		if (alert_removed_find((struct judged_alert *)alert, read, &removed.plan, &removed.spec))
			removed.alert = (struct judged_alert *)alert;
	return removed;
}

/* Of a notice whose receiver is another one now. While the alert fires, its present receivers get it. */
static void notice_readdress(const struct alert_watch *watch, const struct kept_owner *owner, const struct kept_alert *kept)
{
	const struct log_fields fields = {.pipeline = owner->alert->watched.pipeline};
	struct alert_group *group = alert_group_find(&owner->alert->shared, kept->read->group);
	const bool fires = kept->read->fires && group && group->alert.phase == ALERT_FIRING &&
			   group->alert.fired_at_ms == kept->read->fired_at_ms;
	if (fires)
		group->alert.is_announced = false;
	log_say(watch->config->log, LOG_LEVEL_WARN, &fields,
		"%s: the receiver of a notice of the alert %s is not among its actions any more: %s",
		owner->alert->watched.pipeline, owner->alert->watched.name, fires ? "those that are get it" : "it is not sent");
	alert_store_settle(watch->takeover.store, kept->key);
}

/* Its age counts through all engines. */
static bool notice_is_too_old(const struct alert_watch *watch, const struct kept_owner *owner, const struct alert_action *action,
			      const struct kept_alert *kept)
{
	const struct log_fields fields = {.pipeline = owner->alert->watched.pipeline, .place = action->here};
	if (time_of_day_ms() - kept->read->at_ms < NOTICE_AGE_MS_MAX)
		return false;
	log_say(watch->config->log, LOG_LEVEL_WARN, &fields,
		"%s: a notice of the alert %s was not delivered to %s within a day, and is given up",
		owner->alert->watched.pipeline, owner->alert->watched.name, alert_receiver_name(watch, owner->plan, action));
	alert_store_settle(watch->takeover.store, kept->key);
	return true;
}

/* A rollback is of the rollout that the alert was about, which may have ended with the firing. */
static bool rollback_is_over(const struct kept_owner *owner, const struct alert_action *action, const struct alert_read *read)
{
	const struct alert_group *group = alert_group_find(&owner->alert->shared, read->group);
	return action->type == ALERT_ROLLBACK &&
	       !(group && group->alert.phase == ALERT_FIRING && group->alert.fired_at_ms == read->fired_at_ms);
}

/* Receivers for which too many notices wait: none overtakes those. */
struct full_receivers {
	size_t count; /* beyond the array: all are */
	uint64_t hashes[FULL_RECEIVERS];
};

static bool receiver_is_full(const struct full_receivers *full, uint64_t receiver)
{
	bool is = full->count > FULL_RECEIVERS;
	for (size_t i = 0; i < full->count && i < FULL_RECEIVERS; i++)
		is = is || full->hashes[i] == receiver;
	return is;
}

static void receiver_note_full(struct full_receivers *full, uint64_t receiver)
{
	if (full->count < FULL_RECEIVERS)
		full->hashes[full->count] = receiver;
	full->count++;
}

/* Ends a firing of a group of which another one goes on: its receivers may have both. The notices of that wait in `into`. False:
 * memory ran out. */
static bool firing_supersede(struct alert_watch *watch, const struct kept_owner *owner, const struct kept_alert *kept,
			     struct kept_alerts *into)
{
	const struct alert_read *read = kept->read;
	const struct log_fields fields = {.pipeline = owner->alert->watched.pipeline};
	const struct alert_group group = {.name = read->group, .alert.fired_at_ms = read->fired_at_ms, .values = read->values};
	struct alert_message message = alert_message_of(watch, owner->plan, owner->alert, &group, NOTICE_RESOLVED);
	struct alert_takeover *takeover = &watch->takeover;
	struct error error = {0};
	char key[KEPT_KEY_BYTES], id[NOTICE_ID_BYTES], firing[ALERT_ID_BYTES];
	struct buffer record;
	message.condition = read->condition;
	notice_id(&message, id);
	notice_firing_id(&message, firing);
	buffer_open(&record, NOTICE_BYTES_MAX);
	bool good = alert_record_encode(&message, &record, &error);
	for (size_t i = 0; good && i < owner->spec->actions.count && i < ALERT_ACTIONS_MAX; i++) {
		kept_notice_key(alert_action_hash(owner->spec, i), id, key);
		alert_store_hold(takeover->store, alert_store_write(takeover->store, key, buffer_view(&record), NULL));
		good = kept_alerts_take(into, text_of(key), buffer_view(&record));
	}
	buffer_close(&record);
	if (!good)
		return false;
	alert_store_hold(takeover->store, alert_store_write(takeover->store, kept->key, (struct text){0}, NULL));
	log_say(watch->config->log, LOG_LEVEL_INFO, &fields,
		"%s: engines that could not reach Kafka sent notices of one firing of the alert %s with different ids. "
		"The first firing goes on, and the end of %s is sent",
		owner->alert->watched.pipeline, owner->alert->watched.name, firing);
	return true;
}

/* Whether another engine, which does not send the others, may be sending it: that of the end of its own firing. */
static bool notice_is_of_others(const struct alert_watch *watch, const struct alert_read *read)
{
	const struct alert_takeover *takeover = &watch->takeover;
	return takeover->is_done && takeover->is_again && !takeover->ends_others && !text_is(read->engine, watch->config->instance);
}

static void takeover_fails(struct alert_watch *watch, const struct kept_owner *owner, const struct alert_action *action,
			   const struct error *error)
{
	const struct log_fields fields = {.pipeline = owner->alert->watched.pipeline, .place = action->here};
	if (!watch->takeover.has_failed)
		log_say(watch->config->log, LOG_LEVEL_ERROR, &fields,
			"notices that wait in %s cannot be sent now, and are tried again; the first is of the alert %s of the "
			"pipeline %s, to %s: %s",
			watch->takeover.config.feed, owner->alert->watched.name, owner->alert->watched.pipeline,
			alert_receiver_name(watch, owner->plan, action), error->text);
	watch->takeover.has_failed = true;
}

/* Sends a notice that waits to that action, if its receiver is not full. False: it is not taken now. */
static bool notice_resend(struct alert_watch *watch, const struct kept_owner *owner, const struct kept_alert *kept, size_t index,
			  struct full_receivers *full)
{
	const struct alert_read *read = kept->read;
	const struct alert_group group = {.name = read->group, .alert.fired_at_ms = read->fired_at_ms, .values = read->values};
	const struct alert_action *action = &((const struct alert_action *)owner->spec->actions.items)[index];
	const uint64_t receiver = alert_receiver_hash(action);
	struct alert_message message =
		alert_message_of(watch, owner->plan, owner->alert, &group, read->fires ? NOTICE_FIRING : NOTICE_RESOLVED);
	struct error error = {0};
	message.condition = read->condition;
	message.reason = read->reason;
	message.at_ms = read->at_ms;
	const bool taken = !receiver_is_full(full, receiver) && alert_notify(watch, owner->plan, owner->alert, owner->spec, index,
									     &message, watch->takeover.is_done, &error);
	if (error.kind == ERROR_REMOTE)
		receiver_note_full(full, receiver);
	if (!taken && error.kind != ERROR_NONE)
		takeover_fails(watch, owner, action, &error);
	return taken;
}

/* Sends a notice that waits, if it does not wait in this engine. False: it is not taken now. */
static bool notice_take_over(struct alert_watch *watch, const struct kept_owner *owner, const struct kept_alert *kept,
			     struct full_receivers *full)
{
	const struct alert_spec *spec = owner->spec;
	const struct alert_action *actions = spec->actions.items;
	size_t index = alert_action_index(spec, kept->action);
	const bool has_action = index < alert_action_count(spec);
	if (alert_store_awaits(watch->takeover.store, kept->key) ||
	    (has_action && notice_is_too_old(watch, owner, &actions[index], kept)))
		return true;
	if (notice_is_of_others(watch, kept->read))
		return false;
	struct kept_owner former = *owner;
	if (!has_action && !kept->read->fires &&
	    alert_former_find(owner->alert, kept->action, &former.plan, &former.spec, &index)) {
		alert_former_take(owner->alert, kept);
		return notice_resend(watch, &former, kept, index, full);
	}
	if (!has_action) {
		notice_readdress(watch, owner, kept);
		return true;
	}
	if (rollback_is_over(owner, &actions[index], kept->read)) {
		alert_store_settle(watch->takeover.store, kept->key);
		return true;
	}
	return notice_resend(watch, owner, kept, index, full);
}

/* Those of alerts that run. What is not taken is tried again at the next look. */
static void notices_take_over(struct alert_watch *watch, const struct plan *plan)
{
	struct kept_alerts *all = watch->takeover.kept;
	struct full_receivers full = {0};
	struct kept_alert *next;
	for (struct kept_alert *kept = kept_alert_of(all->alerts.first); kept; kept = next) {
		next = kept_alert_of(kept->node.next);
		const struct kept_owner owner = kept->is_notice ? owner_find(watch, plan, kept->read) : (struct kept_owner){0};
		if (owner.alert && notice_take_over(watch, &owner, kept, &full))
			kept_alert_remove(all, kept);
	}
}

/* Ends what nobody has claimed for so long: its alert is in no file any more. */
static void unclaimed_end(struct alert_watch *watch, const struct plan *plan, int64_t now_ms)
{
	struct alert_takeover *takeover = &watch->takeover;
	struct kept_alert *next;
	if (now_ms - takeover->kept_ms < ALERT_UNCLAIMED_MS)
		return;
	takeover->kept_ms = now_ms;
	for (struct kept_alert *kept = kept_alert_of(takeover->kept->alerts.first); kept; kept = next) {
		next = kept_alert_of(kept->node.next);
		if (owner_find(watch, plan, kept->read).alert)
			continue;
		log_say(watch->config->log, LOG_LEVEL_WARN, NULL,
			"%s of the alert %s of the pipeline %s is not sent: no file has that alert any more",
			kept->is_notice ? "a notice" : "the end", text_shown(kept->read->alert, watch->judging),
			text_shown(kept->read->pipeline, watch->judging));
		(void)alert_store_write(takeover->store, kept->key, (struct text){0}, NULL);
		kept_alert_remove(takeover->kept, kept);
	}
}

/* False: it stays kept, because it is of an engine that may end it itself, or there are too many groups, or memory ran out. */
static bool firing_take_over(struct alert_watch *watch, const struct kept_owner *owner, const struct kept_alert *kept,
			     struct alert_time time)
{
	const struct alert_read *read = kept->read;
	const struct alert_group *group = alert_group_find(&owner->alert->shared, read->group);
	if (!group)
		return firing_restore(owner->alert, read, time);
	if (group->alert.fired_at_ms == read->fired_at_ms)
		return true;
	if (!watch->takeover.ends_others && !text_is(read->engine, watch->config->instance))
		return false;
	return firing_supersede(watch, owner, kept, watch->takeover.kept);
}

/* Which of them fire; what has ended is not needed any more. */
static void firings_take_over(struct alert_watch *watch, const struct plan *plan, struct alert_time time)
{
	struct kept_alerts *all = watch->takeover.kept;
	struct kept_alert *next;
	for (struct kept_alert *kept = all ? kept_alert_of(all->alerts.first) : NULL; kept; kept = next) {
		const bool is_live = !kept->is_notice && kept->read;
		const struct kept_owner owner = is_live ? owner_find(watch, plan, kept->read) : (struct kept_owner){0};
		const bool is_taken = owner.alert && firing_take_over(watch, &owner, kept, time);
		next = kept_alert_of(kept->node.next); /* which may be a notice that took the place of another one */
		if (is_taken || (!kept->is_notice && !kept->read))
			kept_alert_remove(all, kept);
	}
}

/* Whether the firing was kept, and has ended. */
static bool beginning_is_over(const struct kept_alerts *kept, const struct alert_read *read)
{
	const struct alert_message names = {.namespace = read->namespace,
					    .pipeline = read->pipeline,
					    .alert = read->alert,
					    .group = read->group,
					    .fired_at_ms = read->fired_at_ms};
	char key[KEPT_KEY_BYTES];
	kept_firing_key(&names, key);
	const struct kept_alert *firing = kept_alert_find(kept, key);
	return firing && !firing->read;
}

/* Firings that messages began, and that no engine which sent has taken: they fire now. Those of alerts in no file end at last. */
static void beginnings_take_over(struct alert_watch *watch, const struct plan *plan, int64_t now_ms)
{
	struct alert_takeover *takeover = &watch->takeover;
	struct kept_alert *next;
	for (struct kept_alert *kept = takeover->kept ? kept_alert_of(takeover->kept->begun.first) : NULL; kept; kept = next) {
		const struct kept_owner owner = owner_find(watch, plan, kept->read);
		const bool is_over = beginning_is_over(takeover->kept, kept->read) ||
				     (owner.alert && !owner.alert->watched.is_present) ||
				     (!owner.alert && now_ms - takeover->kept_ms >= ALERT_UNCLAIMED_MS);
		next = kept_alert_of(kept->node.next);
		if (is_over)
			(void)alert_store_write(takeover->store, kept->key, (struct text){0}, NULL);
		else if (owner.alert)
			alert_reports_take_beginning(&owner.alert->reports, kept->read, true, now_ms);
		if (is_over || owner.alert)
			kept_alert_remove(takeover->kept, kept);
	}
}

/* Reads the feed again, to see which firings no engine has ended, and which notices none has sent. */
static void others_check(struct alert_watch *watch, const struct plan *plan, int64_t now_ms)
{
	struct alert_takeover *takeover = &watch->takeover;
	bool any = false;
	if (takeover->ends_others || takeover->ends_others_next || now_ms - takeover->kept_ms < OTHERS_MS)
		return;
	for (struct kept_alert *kept = kept_alert_of(takeover->kept->alerts.first); kept && !any;
	     kept = kept_alert_of(kept->node.next)) {
		const struct kept_owner owner = owner_find(watch, plan, kept->read);
		any = owner.alert && (kept->is_notice ? notice_is_of_others(watch, kept->read)
						      : alert_group_find(&owner.alert->shared, kept->read->group) != NULL);
	}
	takeover->ends_others_next = any;
	if (any)
		alert_store_ask(takeover->store);
}

/* Groups go on with the first of their firings in the feed. */
static void groups_adopt(struct alert_watch *watch, const struct kept_alerts *kept)
{
	for (struct watched_alert *watched = watch->alerts; watched; watched = watched->next) {
		struct judged_alert *alert = (struct judged_alert *)watched;
		for (struct alert_group *group = alert->shared.first; group; group = group->next) {
			const struct alert_message names = alert_firing_names(alert, group);
			const struct kept_alert *first = kept_firing_first(kept, &names);
			group->alert.fired_at_ms = first ? first->read->fired_at_ms : group->alert.fired_at_ms;
		}
	}
}

/* In an engine that does not send: of what was read, its own firings end where another one of the group goes on. Only the notices
 * of that stay kept. */
static void own_firings_check(struct alert_watch *watch, const struct plan *plan)
{
	struct alert_takeover *takeover = &watch->takeover;
	struct kept_alerts *read = takeover->kept, *ends = memory_take(1, sizeof *ends);
	groups_adopt(watch, read);
	for (struct kept_alert *kept = kept_alert_of(read->alerts.first); kept && ends; kept = kept_alert_of(kept->node.next)) {
		const bool is_own = !kept->is_notice && kept->read && text_is(kept->read->engine, watch->config->instance);
		const struct kept_owner owner = is_own ? owner_find(watch, plan, kept->read) : (struct kept_owner){0};
		if (!owner.alert)
			continue;
		const struct alert_group group = {.name = kept->read->group};
		const struct alert_message names = alert_firing_names(owner.alert, &group);
		if (kept_firing_first(read, &names) != kept) /* without memory the engine that sends does it */
			(void)firing_supersede(watch, &owner, kept, ends);
	}
	kept_drop(takeover);
	takeover->kept = ends;
}

void alerts_take_over(struct alert_watch *watch, const struct plan *plan, struct alert_time time)
{
	struct alert_takeover *takeover = &watch->takeover;
	if (!takeover->is_done && takeover->is_new)
		own_firings_check(watch, plan);
	takeover->is_new = false;
	if (!takeover->is_done) {
		if (takeover->kept)
			notices_take_over(watch, plan);
		return;
	}
	for (struct watched_alert *watched = watch->alerts; watched; watched = watched->next) {
		struct judged_alert *alert = (struct judged_alert *)watched;
		if ((!watched->is_present && !alert->removed) || alert->taken_over == takeover->number)
			continue;
		if (!takeover->is_again ||
		    alert->taken_over + 1 != takeover->number) /* else this engine knows better than the feed */
			told_receivers_begin(watch, alert);
		alert->taken_over = takeover->number;
		for (struct alert_group *group = alert->shared.first; group; group = group->next)
			group_reconcile(takeover, alert, group);
	}
	beginnings_take_over(watch, plan, time.now_ms); /* while it is known which firings have ended */
	firings_take_over(watch, plan, time);
	for (struct watched_alert *watched = watch->alerts; watched; watched = watched->next)
		told_receivers_compare(watch, (struct judged_alert *)watched, time.now_ms);
	if (takeover->kept) {
		notices_take_over(watch, plan);
		others_check(watch, plan, time.now_ms);
		unclaimed_end(watch, plan, time.now_ms);
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
