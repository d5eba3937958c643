/* alert_watch.c: see alert_watch.h. */
#include "monitor/alerts/alert_watch.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/secret.h"
#include "observe/verdict_board.h"
#include "monitor/alerts/alert_parts.h"
#include "monitor/alerts/notice_receiver.h"

#define LASTING_BYTES ((size_t)64 << 20) /* names and states */
#define JUDGING_BYTES ((size_t)4 << 20)	 /* of one condition */

/* ---- alerts of the running revision ---- */

static struct judged_alert *alert_of(struct alert_watch *watch, const struct pipeline_plan *plan, const struct alert_spec *spec)
{
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next)
		if (strcmp(alert->pipeline, plan->graph->name) == 0 && strcmp(alert->name, spec->name.text) == 0)
			return (struct judged_alert *)alert;
	struct judged_alert *made = ARENA_NEW(watch->lasting, struct judged_alert);
	if (!made)
		return NULL;
	made->watched.namespace = arena_copy(watch->lasting, plan->namespace, strlen(plan->namespace));
	made->watched.pipeline = arena_copy(watch->lasting, plan->graph->name, strlen(plan->graph->name));
	made->watched.name = arena_copy(watch->lasting, spec->name.text, strlen(spec->name.text));
	made->absence.ended_ms = loop_now_ms(engine_loop(watch->engine));
	made->watched.notices = notifier_counts(watch->notifier, text_of(plan->graph->name), text_of(spec->name.text));
	if (arena_failed(watch->lasting) || !made->watched.notices)
		return NULL;
	made->watched.next = watch->alerts;
	watch->alerts = &made->watched;
	return made;
}

static bool window_open(struct judged_alert *alert, int64_t over_ms)
{
	if (!alert->window)
		alert->window = memory_take(1, sizeof *alert->window);
	if (alert->window && alert->window->over_ms != over_ms)
		*alert->window = (struct figure_window){.over_ms = over_ms};
	return alert->window;
}

static bool uses_lag(const struct alert_condition *condition)
{
	for (size_t i = 0; i < condition->name_count; i++)
		if (text_is(condition->names[i], "lag"))
			return condition->of_figures;
	return false;
}

/* A firing goes on. What is pending in a group begins anew: a false judgement of a group is counted only where a true one was. */
static void groups_renew(struct judged_alert *alert, bool goes_on)
{
	for (struct alert_group *group = alert->groups.first; group; group = group->next)
		if (!goes_on || (alert->group_by > 0 && group->alert.phase == ALERT_PENDING))
			group->alert.phase = ALERT_INACTIVE;
}

/* An alert that is new, comes back, or has another condition begins inactive. If it was firing, the end of that is due. Workers may
 * have counted for it since the revision began, before its first look here: all that its counter has is its own. */
static void alert_renew(struct alert_watch *watch, struct judged_alert *alert, const struct alert_spec *spec, const char *pipeline)
{
	const uint64_t meaning = alert_meaning(spec, alert->group_by);
	const bool goes_on = alert->revision + 1 == watch->followed && alert->meaning == meaning;
	const uint64_t before = alert->counted_since;
	alert->counter = spec->condition && alert_is_counted(&alert->condition)
				 ? alert_counter_find(engine_alert_counters(watch->engine),
						      alert_counter_meaning(pipeline, spec, &alert->condition))
				 : NULL;
	alert->counted_since = alert->counter ? alert_counter_since(alert->counter) : 0;
	alert->revision = watch->followed;
	alert->meaning = meaning;
	if (goes_on && alert->counted_since == before)
		return;
	groups_renew(alert, goes_on);
	alert->judged = (struct judged_counts){0};
	memset(alert->said_missed, 0, sizeof alert->said_missed);
	if (alert->window)
		*alert->window = (struct figure_window){.over_ms = alert->window->over_ms};
}

/* CONFIG: the action can roll nothing back. */
static bool rollback_check(const struct alert_watch *watch, const struct graph *graph, const struct alert_action *action,
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

static void action_log(const struct alert_watch *watch, const struct pipeline_plan *plan, const char *alert,
		       const struct alert_action *action, const struct error *error)
{
	const struct log_fields fields = {.pipeline = plan->graph->name, .place = action->here};
	arena_reset(watch->judging);
	log_say(watch->config->log, LOG_LEVEL_WARN, &fields, "%s: notices of the alert %s cannot be sent to %s: %s",
		plan->graph->name, alert,
		notice_receiver_name(action, plan_topic_of(plan, TOPIC_ALERTS), watch->settings->smtp, watch->judging),
		error->text);
}

/* Says which of its notices cannot be sent, before the first one is due. */
static void receivers_check(const struct alert_watch *watch, const struct pipeline_plan *plan, const struct alert_spec *spec)
{
	const struct alert_action *actions = spec->actions.items;
	for (size_t i = 0; i < spec->actions.count; i++) {
		struct error error = {0};
		if (actions[i].type == ALERT_EMAIL && !watch->settings->smtp)
			error_set(&error, ERROR_CONFIG, PLACE_NONE, "there is no mail server; name one with --smtp");
		else if (actions[i].type == ALERT_ROLLBACK)
			(void)rollback_check(watch, plan->graph, &actions[i], &error);
		else if (actions[i].secret)
			(void)secret_fetch_key(watch->settings->secrets, actions[i].secret, "secret", actions[i].here,
					       watch->revised, &error);
		if (error.kind != ERROR_NONE)
			action_log(watch, plan, spec->name.text, &actions[i], &error);
	}
}

/* Prepares an alert for the running revision. */
static bool alert_prepare(struct alert_watch *watch, const struct pipeline_plan *plan, size_t index, bool *needs_lag)
{
	const struct alert_spec *spec = &((const struct alert_spec *)plan->graph->spec->alerts.items)[index];
	struct judged_alert *alert = alert_of(watch, plan, spec);
	int64_t absent_ns = 0;
	struct text absent;
	if (!alert)
		return false;
	alert->watched.is_present = true;
	alert->watched.silenced_until_ms =
		alert_silenced_until(engine_revision(watch->engine)->plan.spec, plan->namespace, plan->graph->name, spec);
	alert->condition = (struct alert_condition){0};
	alert->condition_words = alert_condition_words(spec, watch->revised);
	alert->group_by = 0;
	receivers_check(watch, plan, spec);
	if (!spec->condition) {
		alert_renew(watch, alert, spec, plan->graph->name);
		if (!alert_absence_read(text_of(spec->absent.text), &absent, &absent_ns))
			return true;
		alert->absence.duration_ms = absent_ns / NS_PER_MS;
		alert->absent = text_of(arena_copy(watch->revised, absent.bytes, absent.length));
		return !arena_failed(watch->revised);
	}
	const struct alert_sources sources = graph_figures(plan->graph);
	if (!alert_condition_make(&alert->condition, spec->condition, &sources, watch->revised))
		return false;
	alert->group_by = alert_group_by(plan->graph->spec, spec, &alert->condition);
	alert_renew(watch, alert, spec, plan->graph->name);
	*needs_lag |= uses_lag(&alert->condition);
	return !alert->condition.of_figures || window_open(alert, spec->over_ns / NS_PER_MS);
}

static void follow_lags(struct alert_watch *watch, bool needs_lag)
{
	struct error error = {0};
	if (needs_lag && !watch->lags && !(watch->lags = lag_watch_open(watch->config, engine_loop(watch->engine), &error)))
		log_say(watch->config->log, LOG_LEVEL_WARN, NULL, "conditions on `lag` are not judged: %s", error.text);
	if (watch->lags)
		(void)lag_watch_follow(watch->lags, &engine_revision(watch->engine)->plan);
}

/* Alerts that are in no file any more keep their names and counts. */
static void absent_release(struct alert_watch *watch)
{
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next) {
		struct judged_alert *judged = (struct judged_alert *)alert;
		if (alert->is_present)
			continue;
		memory_give(judged->window);
		judged->window = NULL;
		judged->condition = (struct alert_condition){0};
		judged->condition_words = TEXT("");
		alert->firing = alert->pending = 0;
		alert_groups_clear(&judged->groups);
	}
}

/* Takes the alerts of a new revision. False: memory ran out, and it is tried again. */
static bool revision_follow(struct alert_watch *watch)
{
	const struct revision *revision = engine_revision(watch->engine);
	bool needs_lag = false, good = true;
	if (revision->number == watch->revision)
		return true;
	watch->followed++;
	arena_reset(watch->revised);
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next)
		alert->is_present = false;
	for (size_t i = 0; i < revision->plan.count; i++)
		for (size_t j = 0; j < revision->plan.pipelines[i].graph->spec->alerts.count && j < ALERTS_MAX; j++)
			good &= alert_prepare(watch, &revision->plan.pipelines[i], j, &needs_lag);
	follow_lags(watch, needs_lag);
	absent_release(watch);
	watch->revision = good ? revision->number : 0;
	if (!good && !watch->has_failed)
		log_say(watch->config->log, LOG_LEVEL_ERROR, NULL,
			"alerts are not judged: memory ran out; use fewer alerts, or restart the engine");
	watch->has_failed = !good;
	return good;
}

static void alert_look(struct alert_watch *watch, const struct pipeline_plan *plan, size_t index,
		       const struct engine_counts *counts)
{
	const struct alert_spec *spec = &((const struct alert_spec *)plan->graph->spec->alerts.items)[index];
	const struct alert_rule rule = {spec->for_ns / NS_PER_MS, spec->resolve_after_ns / NS_PER_MS};
	const struct alert_time time = {loop_now_ms(engine_loop(watch->engine)), time_of_day_ms()};
	struct judged_alert *alert = alert_of(watch, plan, spec);
	if (!alert)
		return;
	alert_judgements_read(watch, plan, index, alert, counts);
	for (struct alert_group *group = alert->groups.first; group; group = group->next)
		alert_judge(&group->alert, &rule, group->judged, time);
	alert->watched.firing = alert_groups_in(&alert->groups, ALERT_FIRING);
	alert->watched.pending = alert_groups_in(&alert->groups, ALERT_PENDING);
	alert_resume_former(watch, alert, time);
	alert_report(watch, plan, alert, time.now_ms);
	alert_report_presence(watch, plan, alert, time.now_ms);
	alert_groups_settle(&alert->groups);
}

static void alert_watch_on_due(void *context)
{
	struct alert_watch *watch = context;
	const struct plan *plan = &engine_revision(watch->engine)->plan;
	struct loop *loop = engine_loop(watch->engine);
	struct error error = {0};
	bool good = revision_follow(watch);
	verdict_board_turn(engine_board(watch->engine));
	alert_own_follow(watch, (struct alert_time){loop_now_ms(loop), time_of_day_ms()});
	for (size_t i = 0; i < plan->count && good; i++) {
		struct engine_counts counts;
		const size_t count = plan->pipelines[i].graph->spec->alerts.count;
		if (count == 0 || !engine_counts(watch->engine, plan->pipelines[i].graph->name, &counts))
			continue;
		for (size_t j = 0; j < count && j < ALERTS_MAX; j++)
			alert_look(watch, &plan->pipelines[i], j, &counts);
	}
	alert_own_turn(watch, (struct alert_time){loop_now_ms(loop), time_of_day_ms()});
	/* The timer's slot in the heap is free again, so this needs no memory. */
	(void)loop_timer_set(loop, &watch->timer, loop_now_ms(loop) + ALERT_EVERY_MS, &error);
}

/* ---- opening and closing ---- */

void alert_watch_share(struct alert_watch *watch, struct alert_outlet outlet)
{
	watch->outlet = outlet;
}

struct notifier *alert_watch_notifier(const struct alert_watch *watch)
{
	return watch->notifier;
}

const struct watched_alert *alert_watch_first(const struct alert_watch *watch)
{
	return watch->alerts;
}

struct alert_watch *alert_watch_open(struct engine *engine, const struct engine_config *config,
				     const struct notifier_settings *settings, const struct model_watch *models,
				     struct error *error)
{
	struct alert_watch *watch = memory_take(1, sizeof *watch);
	struct loop *loop = engine_loop(engine);
	if (!watch) {
		error_memory(error, ERROR_SYSTEM, "watching alerts");
		return NULL;
	}
	*watch = (struct alert_watch){.engine = engine,
				      .config = config,
				      .settings = settings,
				      .models = models,
				      .kafka = {config->brokers, config->producer},
				      .lasting = arena_open(LASTING_BYTES),
				      .revised = arena_open(LASTING_BYTES),
				      .judging = arena_open(JUDGING_BYTES),
				      .segments = arena_open(JUDGING_BYTES),
				      .failing.arena = arena_open(JUDGING_BYTES)};
	watch->timer = (struct loop_timer){.due = alert_watch_on_due, .context = watch};
	verdict_board_turn(engine_board(engine)); /* from now on, windows are kept for the first look */
	if (!watch->lasting || !watch->revised || !watch->judging || !watch->segments || !watch->failing.arena)
		error_memory(error, ERROR_SYSTEM, "watching alerts");
	else if (alert_own_open(watch, error) &&
		 (watch->notifier = notifier_open(settings, &watch->kafka, config->log, error)) &&
		 loop_timer_set(loop, &watch->timer, loop_now_ms(loop), error))
		return watch;
	alert_watch_close(watch);
	return NULL;
}

void alert_watch_close(struct alert_watch *watch)
{
	if (!watch)
		return;
	loop_timer_stop(engine_loop(watch->engine), &watch->timer);
	notifier_close(watch->notifier);
	alert_own_close(&watch->own);
	alert_formers_clear(watch);
	lag_watch_close(watch->lags);
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next) {
		memory_give(((struct judged_alert *)alert)->window);
		alert_groups_clear(&((struct judged_alert *)alert)->groups);
	}
	arena_close(watch->lasting);
	arena_close(watch->revised);
	arena_close(watch->judging);
	arena_close(watch->segments);
	arena_close(watch->failing.arena);
	memory_give(watch);
}
