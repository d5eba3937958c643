/* alert_watch.c: see alert_watch.h. */
#include "runtime/alert_watch.h"

#include <math.h>

#include "alerts/figure_window.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/secret.h"
#include "experiments/rollout_board.h"
#include "observe/verdict_board.h"
#include "runtime/group_setup.h"
#include "runtime/lag_watch.h"

#define LASTING_BYTES ((size_t)64 << 20) /* names and states */
#define JUDGING_BYTES ((size_t)4 << 20)	 /* of one condition */

/* An alert with what it is judged by; `watched` is its first member. */
struct judged_alert {
	struct watched_alert watched;
	struct alert_condition condition;   /* of the running revision; of an absence: no expression */
	struct figure_window *window;	    /* NULL: it uses no figures */
	struct judged_counts judged;	    /* at the last look */
	uint64_t ended;			    /* requests of the pipeline that may be absent */
	int64_t ended_ms;		    /* when they last changed */
	struct alert_values values;	    /* of the last look */
	struct text absent;		    /* its name */
	int64_t absent_ms;
	uint64_t meaning;	     /* of its condition; it begins anew when that changes */
	uint64_t revision;	     /* in which it was present last */
	enum alert_notice notice;    /* the last one that was due */
	uint32_t owed;		     /* actions that could not take it, a bit each: they are asked again */
	bool has_failed;	     /* one could not, which is logged once */
};

struct alert_watch {
	struct engine *engine;
	const struct engine_config *config;
	const struct notifier_settings *settings;
	const struct model_watch *models;
	struct notice_topic_config kafka;
	struct notifier *notifier;
	struct lag_watch *lags; /* NULL: no condition uses the lag */
	struct arena *lasting, *revised, *judging; /* `revised`: conditions of the running revision */
	uint64_t revision; /* its number; 0: none yet */
	uint64_t followed; /* number of revisions so far */
	bool has_failed;   /* memory ran out, which is logged once */
	struct watched_alert *alerts;
	struct loop_timer timer;
};

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
	made->ended_ms = loop_now_ms(engine_loop(watch->engine));
	if (arena_failed(watch->lasting))
		return NULL;
	made->watched.next = watch->alerts;
	watch->alerts = &made->watched;
	return made;
}

static struct judged_counts judged_now(const struct engine *engine, const char *pipeline, size_t place)
{
	struct judged_counts sum = {0};
	for (const struct group *group = engine_groups(engine); group; group = group->next)
		for (const struct served *served = served_first(group, pipeline); served; served = served_next(served))
			for (size_t i = 0; i < group->worker_count; i++) {
				sum.held += count_read(&served->counts[i].alerts[place].held);
				sum.broken += count_read(&served->counts[i].alerts[place].broken);
			}
	return sum;
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

/* Judgements of messages are counted by the alert's place in the list. */
static uint64_t meaning_of(const struct alert_spec *spec, const struct alert_condition *condition, size_t counted_at)
{
	const bool counts = !condition->of_figures || condition->uses_rate;
	const size_t place = condition->expression && counts ? counted_at : 0;
	const struct text source = spec->condition ? expression_source(spec->condition) : text_of(spec->absent.text);
	const int64_t numbers[] = {spec->over_ns, spec->for_ns, (int64_t)place};
	return hash_bytes(source.bytes, source.length, hash_bytes(numbers, sizeof numbers, 0));
}

/* An alert that is new, comes back, or has another condition begins inactive: what was judged before does not count for it. If it
 * was firing, the end of that is due. */
static void alert_renew(struct alert_watch *watch, struct judged_alert *alert, const struct alert_spec *spec, const char *pipeline,
			size_t place)
{
	const uint64_t meaning = meaning_of(spec, &alert->condition, place);
	const bool goes_on = alert->revision + 1 == watch->followed && alert->meaning == meaning;
	alert->revision = watch->followed;
	alert->meaning = meaning;
	if (goes_on)
		return;
	alert->watched.alert.phase = ALERT_INACTIVE;
	alert->judged = judged_now(watch->engine, pipeline, place);
	if (alert->window)
		*alert->window = (struct figure_window){.over_ms = alert->window->over_ms};
}

/* Says which of its notices cannot be sent, before the first one is due. */
static void receivers_check(const struct alert_watch *watch, const struct pipeline_plan *plan, const struct alert_spec *spec)
{
	const struct alert_action *actions = spec->actions.items;
	const struct log_fields fields = {.pipeline = plan->graph->name};
	for (size_t i = 0; i < spec->actions.count; i++) {
		struct error error = {0};
		if (actions[i].type == ALERT_EMAIL && !watch->settings->smtp)
			error_set(&error, ERROR_CONFIG, PLACE_NONE, "there is no mail server; name one with --smtp");
		else if (actions[i].secret)
			(void)secret_fetch(actions[i].secret, "secret", actions[i].here, watch->revised, &error);
		if (error.kind != ERROR_NONE)
			log_say(watch->config->log, LOG_LEVEL_WARN, &fields, "%s: notices of the alert %s cannot be sent: %s",
				plan->graph->name, spec->name.text, error.text);
	}
}

/* Prepares an alert for the running revision. */
static bool alert_prepare(struct alert_watch *watch, const struct pipeline_plan *plan, size_t place, bool *needs_lag)
{
	const struct alert_spec *spec = &((const struct alert_spec *)plan->graph->spec->alerts.items)[place];
	struct judged_alert *alert = alert_of(watch, plan, spec);
	int64_t absent_ns = 0;
	struct text absent;
	if (!alert)
		return false;
	alert->watched.is_present = true;
	alert->watched.silenced_until_ms =
		spec_silenced_until(engine_revision(watch->engine)->plan.spec, plan->namespace, plan->graph->name, spec->name.text);
	alert->condition = (struct alert_condition){0};
	receivers_check(watch, plan, spec);
	if (!spec->condition) {
		alert_renew(watch, alert, spec, plan->graph->name, place);
		if (!alert_absence_read(text_of(spec->absent.text), &absent, &absent_ns))
			return true;
		alert->absent_ms = absent_ns / NS_PER_MS;
		alert->absent = text_of(arena_copy(watch->revised, absent.bytes, absent.length));
		return !arena_failed(watch->revised);
	}
	if (!alert_condition_make(&alert->condition, spec->condition, graph_figures(plan->graph), watch->revised))
		return false;
	alert_renew(watch, alert, spec, plan->graph->name, place);
	*needs_lag |= uses_lag(&alert->condition);
	return !alert->condition.of_figures || window_open(alert, spec->over_ns / NS_PER_MS);
}

static void follow_lags(struct alert_watch *watch, bool needs_lag)
{
	struct error error = {0};
	if (needs_lag && !watch->lags && !(watch->lags = lag_watch_open(watch->config, &error)))
		log_say(watch->config->log, LOG_LEVEL_WARN, NULL, "conditions on `lag` are not judged: %s", error.text);
	if (watch->lags)
		(void)lag_watch_follow(watch->lags, &engine_revision(watch->engine)->plan);
}

/* Alerts that are in no file any more keep their names and counts alone. */
static void windows_release(struct alert_watch *watch)
{
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next) {
		struct judged_alert *judged = (struct judged_alert *)alert;
		if (alert->is_present)
			continue;
		memory_give(judged->window);
		judged->window = NULL;
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
	windows_release(watch);
	watch->revision = good ? revision->number : 0;
	if (!good && !watch->has_failed)
		log_say(watch->config->log, LOG_LEVEL_ERROR, NULL,
			"alerts are not judged: memory ran out; use fewer alerts, or restart the engine");
	watch->has_failed = !good;
	return good;
}

/* ---- judging ---- */

/* The worst of the pipeline's steps `drift`. */
static void drift_read(const struct alert_watch *watch, const struct graph *graph, struct alert_values *values)
{
	struct last_verdict worst = verdict_unknown();
	for (size_t i = 0; i < graph->count; i++) {
		struct verdict_entry *entry =
			graph_step_watches(graph, i)
				? verdict_board_entry(engine_board(watch->engine), graph->name, graph->steps[i].name)
				: NULL;
		const struct last_verdict last = entry ? verdict_entry_sum(entry).last : worst;
		verdict_fold(&worst, &last);
	}
	if (worst.verdict != DRIFT_LEARNING) {
		values->drift_score = worst.score;
		values->is_drift = worst.verdict == DRIFT_FOUND;
	}
	values->quality_alarm = worst.quality_alarm;
	values->missing_share = worst.missing_share;
	values->outside_share = worst.outside_share;
	values->unseen_share = worst.unseen_share;
	values->estimated_accuracy = worst.accuracy;
	values->estimated_precision = worst.precision;
	values->estimated_recall = worst.recall;
}

static void rollouts_read(const struct alert_watch *watch, const struct graph *graph, struct alert_values *values)
{
	for (size_t i = 0; i < graph->experiment_count; i++)
		rollout_board_figures(engine_rollouts(watch->engine), graph->experiments[i]->name, values);
}

static struct alert_judgement judge_figures(struct alert_watch *watch, const struct pipeline_plan *plan, size_t place,
					    struct judged_alert *alert, const struct engine_counts *counts)
{
	const struct judged_counts flags = judged_now(watch->engine, plan->graph->name, place);
	const struct figure_sample sample = {.now_ms = loop_now_ms(engine_loop(watch->engine)), .succeeded = counts->sums.succeeded,
					     .failed = counts->sums.failed, .flagged = flags.held, .unflagged = flags.broken,
					     .latency = counts->latency};
	struct backlog_state lag;
	char slow[SLOW_WORDS_BYTES];
	figure_window_add(alert->window, &sample, &alert->values);
	drift_read(watch, plan->graph, &alert->values);
	rollouts_read(watch, plan->graph, &alert->values);
	alert->values.model_unreachable = counts->models_away > 0;
	alert->values.model_slow = model_watch_slow(watch->models, plan, slow, sizeof slow);
	if (watch->lags && lag_watch_read(watch->lags, plan->graph->name, false, &lag))
		alert->values.lag = (double)lag.records;
	arena_reset(watch->judging);
	return alert_condition_of_figures(&alert->condition, &alert->values, plan->graph->name, watch->judging);
}

static struct alert_judgement judge_messages(struct alert_watch *watch, const char *pipeline, size_t place,
					     struct judged_alert *alert)
{
	const struct judged_counts now = judged_now(watch->engine, pipeline, place), before = alert->judged;
	alert->judged = now;
	return (struct alert_judgement){.held = now.held > before.held, .broken = now.broken > before.broken};
}

static struct alert_judgement judge_absence(struct alert_watch *watch, struct judged_alert *alert)
{
	const int64_t now_ms = loop_now_ms(engine_loop(watch->engine));
	struct engine_counts counts = {0};
	(void)engine_counts(watch->engine, alert->absent.bytes, &counts);
	if (counts.sums.ended != alert->ended)
		alert->ended_ms = now_ms;
	alert->ended = counts.sums.ended;
	bool held = now_ms - alert->ended_ms >= alert->absent_ms;
	return (struct alert_judgement){.held = held, .broken = !held};
}

/* ---- notices ---- */

static bool is_firing(const struct alert_watch *watch, const char *pipeline, const char *name)
{
	for (const struct watched_alert *alert = watch->alerts; alert; alert = alert->next)
		if (alert->is_present && strcmp(alert->pipeline, pipeline) == 0 && strings_equal(alert->name, name))
			return alert->alert.phase == ALERT_FIRING;
	return false;
}

static bool is_muted(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_spec *spec,
		     int64_t at_ms)
{
	int64_t until_ms = 0;
	if (spec->silence.until.text && moment_read(text_of(spec->silence.until.text), &until_ms) &&
	    silence_is_in_force(until_ms, at_ms))
		return true;
	if (silence_is_in_force(alert->watched.silenced_until_ms, at_ms))
		return true;
	for (size_t i = 0; i < spec->inhibited_by.count; i++)
		if (is_firing(watch, alert->watched.pipeline, spec->inhibited_by.items[i].text))
			return true;
	return false;
}

static void failure_log(const struct alert_watch *watch, struct judged_alert *alert, const struct error *error)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	if (!alert->has_failed)
		log_say(watch->config->log, LOG_LEVEL_ERROR, &fields,
			"%s: a notice of the alert %s cannot be sent, and is tried again: %s", alert->watched.pipeline,
			alert->watched.name, error->text);
	alert->has_failed = true;
}

static const char *topic_of_alerts(const struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == TOPIC_ALERTS)
			return plan->topics[i].name;
	return NULL;
}

/* Gives the notice to the actions that it is owed. */
static void announce(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		     const struct alert_spec *spec, int64_t at_ms)
{
	const struct alert_action *actions = spec->actions.items;
	const struct alert_message message = {
		.status = alert->notice == NOTICE_FIRING ? "firing" : "resolved",
		.namespace = text_of(alert->watched.namespace),
		.pipeline = text_of(alert->watched.pipeline),
		.alert = text_of(alert->watched.name),
		.engine = text_of(watch->config->instance),
		.condition = spec->condition ? expression_source(spec->condition) : text_of(spec->absent.text),
		.fired_at_ms = alert->watched.alert.fired_at_ms,
		.at_ms = at_ms,
		.figures_of = alert->condition.of_figures ? &alert->condition : NULL,
		.values = alert->values,
		.topic = topic_of_alerts(plan),
	};
	struct error error = {0};
	for (size_t i = 0; i < spec->actions.count && i < ALERT_ACTIONS_MAX; i++) {
		const uint32_t bit = (uint32_t)1 << i;
		if (alert->owed & bit && notifier_notify(watch->notifier, &actions[i], &message, &alert->watched.notices, &error))
			alert->owed &= ~bit;
	}
	if (error.kind != ERROR_NONE)
		failure_log(watch, alert, &error);
}

static void notice_begin(const struct alert_watch *watch, struct judged_alert *alert, const struct alert_spec *spec,
			 enum alert_notice notice)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	const struct text condition = spec->condition ? expression_source(spec->condition) : text_of(spec->absent.text);
	alert->notice = notice;
	alert->owed = ((uint32_t)1 << spec->actions.count) - 1;
	alert->has_failed = false;
	log_say(watch->config->log, notice == NOTICE_FIRING ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, &fields,
		"%s: the alert %s is %s: " TEXT_FORMAT, alert->watched.pipeline, alert->watched.name,
		notice == NOTICE_FIRING ? "firing" : "resolved", TEXT_ARGUMENTS(condition));
}

static void alert_look(struct alert_watch *watch, const struct pipeline_plan *plan, size_t place,
		       const struct engine_counts *counts)
{
	const struct alert_spec *spec = &((const struct alert_spec *)plan->graph->spec->alerts.items)[place];
	const struct alert_rule rule = {spec->for_ns / NS_PER_MS, spec->resolve_after_ns / NS_PER_MS};
	const struct alert_time time = {loop_now_ms(engine_loop(watch->engine)), time_of_day_ms()};
	struct judged_alert *alert = alert_of(watch, plan, spec);
	struct alert_judgement judgement;
	if (!alert)
		return;
	if (!spec->condition)
		judgement = judge_absence(watch, alert);
	else if (alert->condition.of_figures)
		judgement = judge_figures(watch, plan, place, alert, counts);
	else
		judgement = judge_messages(watch, plan->graph->name, place, alert);
	alert_judge(&alert->watched.alert, &rule, judgement, time);
}

/* After all alerts of the pipeline were judged, because one may inhibit another. */
static void alert_speak(struct alert_watch *watch, const struct pipeline_plan *plan, size_t place)
{
	const struct alert_spec *spec = &((const struct alert_spec *)plan->graph->spec->alerts.items)[place];
	const int64_t at_ms = time_of_day_ms();
	struct judged_alert *alert = alert_of(watch, plan, spec);
	enum alert_notice notice =
		alert ? alert_notice_due(&alert->watched.alert, is_muted(watch, alert, spec, at_ms)) : NOTICE_NONE;
	if (notice != NOTICE_NONE)
		notice_begin(watch, alert, spec, notice);
	if (alert && alert->owed)
		announce(watch, plan, alert, spec, at_ms);
}

static void on_due(void *context)
{
	struct alert_watch *watch = context;
	const struct plan *plan = &engine_revision(watch->engine)->plan;
	struct loop *loop = engine_loop(watch->engine);
	struct error error = {0};
	bool good = revision_follow(watch);
	for (size_t i = 0; i < plan->count && good; i++) {
		struct engine_counts counts;
		const size_t count = plan->pipelines[i].graph->spec->alerts.count;
		if (count == 0 || !engine_counts(watch->engine, plan->pipelines[i].graph->name, &counts))
			continue;
		for (size_t j = 0; j < count && j < ALERTS_MAX; j++)
			alert_look(watch, &plan->pipelines[i], j, &counts);
		for (size_t j = 0; j < count && j < ALERTS_MAX; j++)
			alert_speak(watch, &plan->pipelines[i], j);
	}
	/* The timer's slot in the heap is free again, so this needs no memory. */
	(void)loop_timer_set(loop, &watch->timer, loop_now_ms(loop) + ALERT_EVERY_MS, &error);
}

/* ---- opening and closing ---- */

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
				      .judging = arena_open(JUDGING_BYTES)};
	watch->timer = (struct loop_timer){.due = on_due, .context = watch};
	if (!watch->lasting || !watch->revised || !watch->judging)
		error_memory(error, ERROR_SYSTEM, "watching alerts");
	else if ((watch->notifier = notifier_open(settings, &watch->kafka, config->log, error)) &&
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
	lag_watch_close(watch->lags);
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next)
		memory_give(((struct judged_alert *)alert)->window);
	arena_close(watch->lasting);
	arena_close(watch->revised);
	arena_close(watch->judging);
	memory_give(watch);
}
