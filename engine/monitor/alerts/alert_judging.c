/* alert_judging.c: Judgements of the alerts of an engine's pipelines: by figures, by what workers have noted, or by absence. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "experiments/rollouts/rollout_board.h"
#include "monitor/alerts/alert_parts.h"
#include "monitor/declared_metrics.h"
#include "monitor/alerts/drift_figures.h"
#include "monitor/mirror_metrics.h"

/* ---- figures ---- */

static void rollouts_read(const struct alert_watch *watch, const struct graph *graph, struct alert_values *values)
{
	for (size_t i = 0; i < graph->reachable_count; i++)
		rollout_board_figures(engine_rollouts(watch->engine), graph->reachable[i]->name, values);
}

/* The figures of the pipeline, without those of drift. */
static void figures_read(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
			 const struct engine_counts *counts, struct alert_values *values)
{
	const struct judged_counts flags = alert_counter_sum(alert->counter);
	const struct mirror_counts mirrors = mirror_counts_now(watch->engine, plan->graph->name);
	struct figure_sample sample = {.now_ms = loop_now_ms(engine_loop(watch->engine)),
				       .succeeded = counts->sums.succeeded,
				       .failed = counts->sums.failed,
				       .flagged = flags.held,
				       .unflagged = flags.broken,
				       .alike = mirrors.agreed,
				       .different = mirrors.disagreed,
				       .left_out = mirrors.left_out,
				       .latency = counts->latency};
	struct group_lag_state lag;
	char slow[SLOW_WORDS_BYTES];
	for (size_t i = 0; i < alert->condition.metric_count; i++)
		sample.metrics[sample.metric_count++] =
			declared_metric_sum(plan, engine_groups(watch->engine), alert->condition.metrics[i]);
	figure_window_add(alert->window, &sample, values);
	rollouts_read(watch, plan->graph, values);
	values->model_unreachable = counts->models_away > 0;
	values->model_slow = model_watch_slow(watch->models, plan, slow, sizeof slow);
	if (watch->lags && lag_watch_read(watch->lags, plan->graph->name, LAG_ANSWERS, &lag))
		values->lag = (double)lag.records;
}

struct figures_judging {
	struct alert_watch *watch;
	struct judged_alert *alert;
};

/* Judges a group by its figures. Its notice has those by which it was held, if it was. */
static void group_judge(void *context, struct text name, const struct alert_values *values, bool is_present)
{
	const struct figures_judging *judging = context;
	struct judged_alert *alert = judging->alert;
	struct arena *arena = judging->watch->judging;
	arena_reset(arena);
	const struct alert_judgement judgement =
		alert_condition_of_figures(&alert->condition, values, alert->watched.pipeline, time_of_day_ms(), arena);
	alert->watched.missing += is_present && !judgement.held && !judgement.broken;
	struct alert_group *group = alert_group_judge(&alert->groups, name, judgement);
	if (!group || (!judgement.held && group->judged.held))
		return;
	char drift[DRIFT_CAUSE_WORDS_BYTES];
	memcpy(drift, group->values.drift, sizeof drift);
	group->values = *values;
	if (!judgement.held) /* the feature is that of the last window by which it was held */
		memcpy(group->values.drift, drift, sizeof drift);
}

static void judge_figures(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
			  const struct alert_spec *spec, const struct engine_counts *counts)
{
	struct alert_values values;
	struct figures_judging judging = {watch, alert};
	figures_read(watch, plan, alert, counts, &values);
	drift_figures_each(&(struct drift_figures){.board = engine_board(watch->engine),
						   .graph = plan->graph,
						   .segments_of = alert->group_by > 0 ? spec : NULL,
						   .others = &values,
						   .arena = watch->segments,
						   .context = &judging,
						   .take = group_judge});
}

static void on_group_taken(void *context, struct text group, struct alert_judgement judgement)
{
	(void)alert_group_judge(context, group, judgement);
}

static void missed_say(const struct alert_watch *watch, const struct alert_spec *spec, const struct judged_alert *alert,
		       enum group_miss miss)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	const struct place place = expression_place(spec->group_by);
	char cause[128];
	static const char *const next_steps[GROUP_MISSES] = {
		[GROUP_MISS_FULL] = "use a `groupBy` with fewer values",
		[GROUP_MISS_LONG] = "use a `groupBy` with shorter values, as `text(hash(...))` of a long text",
		[GROUP_MISS_NAMELESS] = "use a `groupBy` that gives one value for each message"};
	if (miss == GROUP_MISS_FULL)
		(void)snprintf(cause, sizeof cause, "has %d groups, and more have come", ALERT_GROUPS_MAX);
	else if (miss == GROUP_MISS_LONG)
		(void)snprintf(cause, sizeof cause, "has messages whose value of `groupBy` is longer than %d bytes",
			       ALERT_GROUP_BYTES_MAX);
	else
		(void)snprintf(cause, sizeof cause, "has messages without a value of `groupBy`");
	log_say(watch->config->log, LOG_LEVEL_WARN, &fields,
		"%s: the alert %s (%s:%u:%u) %s: it does not judge them, and sluice_alert_beyond_groups_total counts them; %s",
		alert->watched.pipeline, spec->name.text, place.file, place.line, place.column, cause, next_steps[miss]);
}

void alert_missed_look(const struct alert_watch *watch, const struct alert_spec *spec, struct judged_alert *alert,
		       const struct missed_groups *missed)
{
	alert->watched.beyond = 0;
	for (size_t i = 0; i < GROUP_MISSES; i++) {
		const uint64_t count = missed->of[i] + (i == GROUP_MISS_FULL ? alert->groups.beyond : 0);
		alert->watched.beyond += count;
		if (count > 0 && !alert->said_missed[i])
			missed_say(watch, spec, alert, (enum group_miss)i);
		alert->said_missed[i] = count > 0;
	}
}

static void judge_messages(struct alert_watch *watch, const struct alert_spec *spec, struct judged_alert *alert)
{
	const struct judged_counts now = alert_counter_sum(alert->counter), before = alert->judged;
	const struct missed_groups missed = alert_counter_groups_take(alert->counter, on_group_taken, &alert->groups);
	const bool held = now.held > before.held;
	const struct alert_judgement judgement = {.held = held,
						  .broken = now.broken > before.broken,
						  .at_ms = held ? alert_counter_first_take(alert->counter) : 0};
	alert->watched.missing += now.missing > before.missing ? now.missing - before.missing : 0;
	alert->judged = now;
	if (alert->group_by > 0)
		alert_missed_look(watch, spec, alert, &missed);
	else
		(void)alert_group_judge(&alert->groups, TEXT(""), judgement);
}

static void judge_absence(struct alert_watch *watch, struct judged_alert *alert)
{
	const int64_t now_ms = loop_now_ms(engine_loop(watch->engine));
	struct engine_counts counts = {0};
	(void)engine_counts(watch->engine, alert->absent.bytes, &counts);
	const bool held = alert_absence_look(&alert->absence, counts.sums.ended, alert_is_shared(watch), now_ms);
	(void)alert_group_judge(&alert->groups, TEXT(""), (struct alert_judgement){.held = held, .broken = !held});
}

void alert_judgements_read(struct alert_watch *watch, const struct pipeline_plan *plan, size_t index, struct judged_alert *alert,
			   const struct engine_counts *counts)
{
	const struct alert_spec *spec = &((const struct alert_spec *)plan->graph->spec->alerts.items)[index];
	for (struct alert_group *group = alert->groups.first; group; group = group->next)
		group->judged = (struct alert_judgement){0};
	if (!spec->condition)
		judge_absence(watch, alert);
	else if (alert->condition.of_figures)
		judge_figures(watch, plan, alert, spec, counts);
	else
		judge_messages(watch, spec, alert);
}
