/* alert_notices.c: Notices of alerts: which are due, what holds them back, and who gets them. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/quote.h"
#include "monitor/alerts/alert_parts.h"
#include "monitor/alerts/notice_receiver.h"

bool alert_rollback_check(const struct alert_watch *watch, const struct graph *graph, const struct alert_action *action,
			  struct error *error)
{
	const struct graph_experiment *experiment =
		action->experiment.text ? graph_reachable_experiment(graph, action->experiment.text) : NULL;
	if (!experiment || !experiment_is_rolled_out(experiment->spec))
		return error_set(error, ERROR_CONFIG, action->here,
				 "the pipeline has no experiment `%s` with a rollout; name one that has a `default`, and "
				 "`progressiveDeployment` or `promotionPolicy`",
				 action->experiment.text ? action->experiment.text : "");
	return alert_is_shared(watch) ||
	       error_set(error, ERROR_CONFIG, action->here, "only a keeper can roll `%s` back; run the engines with --control",
			 action->experiment.text);
}

struct judged_alert *alert_named(const struct alert_watch *watch, const char *pipeline, const char *name)
{
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next)
		if (alert->is_present && strcmp(alert->pipeline, pipeline) == 0 && strings_equal(alert->name, name))
			return (struct judged_alert *)alert;
	return NULL;
}

/* The states by which notices are sent: those of all engines, or of this one. */
static const struct alert_groups *groups_announced(const struct alert_watch *watch, const struct judged_alert *alert)
{
	return alert_is_shared(watch) ? &alert->shared : &alert->groups;
}

/* Whether the alert fires: the same group of it, if both have the same groups; else any group. */
static bool inhibitor_fires(const struct alert_watch *watch, const struct judged_alert *inhibitor, const struct judged_alert *alert,
			    struct text group)
{
	const struct alert_groups *groups = groups_announced(watch, inhibitor);
	const bool same = inhibitor->is_grouped && alert->is_grouped && inhibitor->group_by == alert->group_by;
	const struct alert_group *its = same ? alert_group_find(groups, group) : NULL;
	return same ? its && its->alert.phase == ALERT_FIRING : alert_groups_in(groups, ALERT_FIRING) > 0;
}

static bool is_muted(const struct alert_watch *watch, const struct pipeline_plan *plan, const struct judged_alert *alert,
		     const struct alert_spec *spec, struct text group, int64_t at_ms)
{
	if (silence_is_in_force(alert->watched.silenced_until_ms, at_ms))
		return true;
	if (alert->is_grouped && silence_is_in_force(spec_silenced_until(engine_revision(watch->engine)->plan.spec, plan->namespace,
									 plan->graph->name, spec->name.text, group),
						     at_ms))
		return true;
	for (size_t i = 0; i < spec->inhibited_by.count; i++) {
		const struct judged_alert *inhibitor =
			alert_named(watch, alert->watched.pipeline, spec->inhibited_by.items[i].text);
		if (inhibitor && inhibitor_fires(watch, inhibitor, alert, group))
			return true;
	}
	return false;
}

const char *alert_receiver_name(const struct alert_watch *watch, const struct pipeline_plan *plan,
				const struct alert_action *action)
{
	arena_reset(watch->judging);
	return notice_receiver_name(action, plan_topic_of(plan, TOPIC_ALERTS), watch->settings->smtp, watch->judging);
}

void alert_action_log(const struct alert_watch *watch, enum log_level level, const struct pipeline_plan *plan, const char *alert,
		      const struct alert_action *action, const char *then, const struct error *error)
{
	const struct log_fields fields = {.pipeline = plan->graph->name, .place = action->here};
	log_say(watch->config->log, level, &fields, "%s: notices of the alert %s cannot be sent to %s%s: %s", plan->graph->name,
		alert, alert_receiver_name(watch, plan, action), then, error->text);
}

struct alert_message alert_message_of(const struct alert_watch *watch, const struct pipeline_plan *plan,
				      const struct judged_alert *alert, const struct alert_group *group, enum alert_notice notice)
{
	return (struct alert_message){
		.status = notice == NOTICE_FIRING ? "firing" : "resolved",
		.namespace = text_of(alert->watched.namespace),
		.pipeline = text_of(alert->watched.pipeline),
		.alert = text_of(alert->watched.name),
		.group = group->name,
		.reason = notice != NOTICE_RESOLVED ? TEXT("")
			  : group->reason	    ? text_of(group->reason)
			  : alert->removed	    ? TEXT(NOTICE_REMOVED)
						    : TEXT(""),
		.is_shared = alert_is_shared(watch),
		.engine = text_of(watch->config->instance),
		.condition = alert->condition_words,
		.fired_at_ms = group->alert.fired_at_ms,
		.at_ms = time_of_day_ms(),
		.figures_of = alert->condition.of_figures ? &alert->condition : NULL,
		.values = group->values,
		.topic = plan_topic_of(plan, TOPIC_ALERTS),
	};
}

/* Queues the command that rolls the experiment back. The end of a firing, and the group of the default, command nothing. */
static bool roll_back(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		      const struct alert_action *action, const struct alert_message *message, const struct notice_receipt *receipt,
		      struct error *error)
{
	const struct graph_experiment *experiment = graph_reachable_experiment(plan->graph, action->experiment.text);
	char id[NOTICE_ID_BYTES];
	struct buffer record;
	if (!alert_is_shared(watch) || !experiment || strcmp(message->status, "firing") != 0 ||
	    (alert->is_grouped && text_is(message->group, experiment->spec->default_name.text))) {
		if (receipt)
			receipt->settled(receipt->context, receipt->key);
		return true;
	}
	notice_id(message, id);
	arena_reset(watch->judging);
	struct ready_notice notice = {.subject = arena_print(watch->judging, "%s: the rollback of %s by the alert %s",
							     alert->watched.pipeline, experiment->name, alert->watched.name),
				      .id = id,
				      .key = id};
	buffer_open(&record, NOTICE_BYTES_MAX);
	const bool good =
		(notice.subject || error_memory(error, ERROR_SYSTEM, "rolling back")) &&
		watch->sharing.roll_back(watch->sharing.context, experiment->name, message, &record, &notice.topic, error);
	notice.body = buffer_view(&record);
	const bool queued = good && notifier_post(watch->notifier, &notice, &alert->watched.notices, receipt, error);
	buffer_close(&record);
	return queued;
}

/* Another form of a notice is for the same receiver: it is often corrected while notices wait. */
uint64_t alert_receiver_hash(const struct alert_action *action)
{
	uint64_t hash = hash_text_next(text_of(action->url), (uint64_t)action->type);
	hash = hash_text_next(text_of(action->experiment.text), hash);
	for (size_t i = 0; i < action->recipients.count; i++)
		hash = hash_text_next(text_of(action->recipients.items[i].text), hash);
	return hash;
}

uint64_t alert_action_hash(const struct alert_spec *spec, size_t index)
{
	const struct alert_action *actions = spec->actions.items;
	const uint64_t hash = alert_receiver_hash(&actions[index]);
	uint64_t before = 0;
	for (size_t i = 0; i < index; i++)
		before += alert_receiver_hash(&actions[i]) == hash;
	return hash + before;
}

bool alert_notify(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		  const struct alert_spec *spec, size_t index, const struct alert_message *message, bool is_written,
		  struct error *error)
{
	const struct alert_action *action = &((const struct alert_action *)spec->actions.items)[index];
	struct alert_store *store = watch->takeover.store;
	struct notice_receipt receipt = {.settled = alert_store_settle,
					 .leave = alert_store_leave,
					 .fate = is_written ? NOTICE_IS_KEPT : NOTICE_MAY_BE_KEPT,
					 .context = store};
	const struct notice_receipt *wanted = store ? &receipt : NULL;
	char id[NOTICE_ID_BYTES];
	notice_id(message, id);
	kept_notice_key(alert_action_hash(spec, index), id, receipt.key);
	if (store)
		alert_store_await(store, receipt.key, is_written);
	const bool taken = action->type == ALERT_ROLLBACK
				   ? roll_back(watch, plan, alert, action, message, wanted, error)
				   : notifier_notify(watch->notifier, action, message, &alert->watched.notices, wanted, error);
	if (!taken && store)
		alert_store_unawait(store, receipt.key);
	return taken;
}

/* A notice is being sent whose record, of that number, Kafka does not have: other engines may send one of their own. */
static void unwritten_note(struct alert_takeover *takeover, uint64_t number)
{
	alert_store_hold(takeover->store, number);
	takeover->is_check_due = true;
	takeover->check_after = number > takeover->check_after ? number : takeover->check_after;
}

/* The action has the notice. */
static void action_give(struct alert_group *group, uint32_t bit)
{
	group->owed &= ~bit;
	group->added &= ~bit;
	group->told |= group->notice == NOTICE_FIRING ? bit : 0;
}

void alert_announce(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		    struct alert_group *group, const struct alert_spec *spec)
{
	const struct alert_message message = alert_message_of(watch, plan, alert, group, group->notice);
	const bool is_written = group->kept_number > 0 && watch->takeover.store &&
				alert_store_state(watch->takeover.store, group->kept_number) != ALERT_RECORD_WAITS;
	const struct alert_action *actions = spec->actions.items;
	if (group->kept_number > 0 && watch->takeover.store && !is_written)
		unwritten_note(&watch->takeover, group->kept_number);
	for (size_t i = 0; i < spec->actions.count && i < ALERT_ACTIONS_MAX; i++) {
		const uint32_t bit = (uint32_t)1 << i;
		struct error error = {0};
		if ((group->owed & bit) && alert_notify(watch, plan, alert, spec, i, &message, is_written, &error))
			action_give(group, bit);
		if (error.kind != ERROR_NONE && !(alert->failed & bit))
			alert_action_log(watch, LOG_LEVEL_ERROR, plan, alert->watched.name, &actions[i], ", and are tried again",
					 &error);
		alert->failed |= error.kind != ERROR_NONE ? bit : 0;
	}
	group->is_tried = true;
}

static enum log_level notice_level(enum alert_notice notice)
{
	return notice == NOTICE_FIRING ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
}

void alert_notice_log(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_group *group,
		      enum alert_notice notice, struct alert_lines *lines)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	const bool is_further = lines->of[notice]++ >= ALERT_LINES_MAX;
	const char *drift = notice == NOTICE_FIRING ? alert_condition_drift(&alert->condition, &group->values) : "";
	arena_reset(watch->judging);
	log_say(watch->config->log, is_further ? LOG_LEVEL_DEBUG : notice_level(notice), &fields,
		"%s: the alert %s is %s%s%s: " TEXT_FORMAT "%s%s", alert->watched.pipeline, alert->watched.name,
		notice == NOTICE_FIRING ? "firing" : "resolved", alert->is_grouped ? " for " : "",
		alert->is_grouped ? text_shown(group->name, watch->judging) : "", TEXT_ARGUMENTS(alert->condition_words),
		drift[0] ? "; " : "", drift);
}

void alert_lines_end(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_lines *lines)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	for (enum alert_notice notice = NOTICE_FIRING; notice <= NOTICE_RESOLVED; notice++)
		if (lines->of[notice] > ALERT_LINES_MAX)
			log_say(watch->config->log, notice_level(notice), &fields,
				"%s: the alert %s is %s for %zu further groups; %zu fire now. Its notices name each of them, and "
				"so does --log-level debug",
				alert->watched.pipeline, alert->watched.name, notice == NOTICE_FIRING ? "firing" : "resolved",
				lines->of[notice] - ALERT_LINES_MAX, alert_groups_in(&alert->groups, ALERT_FIRING));
}

void alert_notice_owe(struct alert_group *group, const struct alert_spec *spec, enum alert_notice notice, int64_t now_ms)
{
	if (notice == NOTICE_FIRING && group->notice != NOTICE_FIRING) /* else it is owed again */
		group->told = 0;
	group->notice = notice;
	group->is_tried = false;
	group->owed = ((uint32_t)1 << spec->actions.count) - 1;
	group->is_kept = false;
	group->sent_ms = now_ms;
}

void alert_end_narrow(struct alert_group *group)
{
	if (group->notice == NOTICE_RESOLVED)
		group->owed &= group->told;
}

enum alert_notice alert_group_due(const struct alert_watch *watch, const struct pipeline_plan *plan,
				  const struct judged_alert *alert, const struct alert_spec *spec, struct alert_group *group)
{
	const bool begins = group->alert.phase == ALERT_FIRING && !group->alert.is_announced;
	return alert_notice_due(&group->alert, begins && is_muted(watch, plan, alert, spec, group->name, time_of_day_ms()));
}

void alert_send_own(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		    const struct alert_spec *spec, int64_t now_ms)
{
	struct alert_lines lines = {0};
	for (struct alert_group *group = alert->groups.first; group; group = group->next) {
		const enum alert_notice notice = alert_group_due(watch, plan, alert, spec, group);
		if (notice != NOTICE_NONE) {
			alert_notice_log(watch, alert, group, notice, &lines);
			alert_notice_owe(group, spec, notice, now_ms);
			alert_end_narrow(group);
		}
		if (group->owed)
			alert_announce(watch, plan, alert, group, spec);
	}
	alert_lines_end(watch, alert, &lines);
	alert->failed = alert_groups_owe(&alert->groups) ? alert->failed : 0;
}
