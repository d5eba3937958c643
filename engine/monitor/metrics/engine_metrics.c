/* engine_metrics.c: see engine_metrics.h. A scrape lists the subjects of each scope in an arena, and writes them. */
#include "monitor/metrics/engine_metrics.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/run/worker_threads.h"
#include "engine/setup/group_setup.h"
#include "monitor/alerts/alert_watch.h"
#include "monitor/declared_metrics.h"
#include "monitor/metrics/board_metrics.h"
#include "monitor/metrics/metrics_push.h"
#include "monitor/metrics/seldon_metrics.h"
#include "monitor/mirror_metrics.h"
#include "monitor/namespace_load.h"
#include "monitor/subject_list.h"

/* Metrics of an engine's workers, and of the Kafka clients of each. */
struct worker_subject {
	struct worker_counts counts;
	struct worker_state state;
};

static void write_workers(const struct group *groups, int64_t now_ms, struct arena *arena, struct exposition *exposition)
{
	struct subject_list counts, states;
	size_t count = 0;
	for (const struct group *group = groups; group; group = group->next)
		count += group->worker_count;
	if (!subject_list_open(&counts, count, arena) || !subject_list_open(&states, count, arena))
		return;
	for (const struct group *group = groups; group; group = group->next)
		for (size_t i = 0; i < group->worker_count; i++) {
			const struct worker *worker = worker_threads_worker(group, i);
			struct worker_subject *subject = ARENA_NEW(arena, struct worker_subject);
			const char *number = arena_print(arena, "%zu", i);
			if (!subject || !number)
				return;
			int64_t turned_ms = worker_turned_ms(worker);
			subject->counts = worker_counts(worker);
			double age_ms = turned_ms > 0 && now_ms > turned_ms ? (double)(now_ms - turned_ms) : 0;
			subject->state.turn_age_seconds = age_ms / MS_PER_S;
			struct metric_subject of = {{text_of(group->name), text_of(number)}, &subject->counts};
			subject_list_add(&counts, of);
			of.values = &subject->state;
			subject_list_add(&states, of);
		}
	exposition_write(exposition, SCOPE_WORKER, counts.items, counts.count);
	exposition_write(exposition, SCOPE_WORKER_NOW, states.items, states.count);
}

struct client_subject {
	struct client_counts counts;
	struct client_state state;
};

static void list_clients(const struct group *group, size_t number, struct arena *arena, struct subject_list *counts,
			 struct subject_list *states)
{
	static const char *const clients[] = {"consumer", "producer"};
	const struct worker *worker = worker_threads_worker(group, number);
	for (size_t i = 0; i < 2; i++) {
		struct client_subject *subject = ARENA_NEW(arena, struct client_subject);
		const char *text = arena_print(arena, "%zu", number);
		if (!subject || !text)
			return;
		subject->counts = worker_client_counts(worker, i == 1);
		subject->state = client_state_of(&subject->counts);
		struct metric_subject of = {{text_of(group->name), text_of(text), text_of(clients[i])}, &subject->counts};
		subject_list_add(counts, of);
		of.values = &subject->state;
		subject_list_add(states, of);
	}
}

static void write_clients(const struct group *groups, struct arena *arena, struct exposition *exposition)
{
	struct subject_list counts, states;
	size_t count = 0;
	for (const struct group *group = groups; group; group = group->next)
		count += 2 * group->worker_count;
	if (!subject_list_open(&counts, count, arena) || !subject_list_open(&states, count, arena))
		return;
	for (const struct group *group = groups; group; group = group->next)
		for (size_t i = 0; i < group->worker_count; i++)
			list_clients(group, i, arena, &counts, &states);
	exposition_write(exposition, SCOPE_CLIENT, counts.items, counts.count);
	exposition_write(exposition, SCOPE_CLIENT_NOW, states.items, states.count);
}

/* Writes those of the groups' workers. `now_ms` is of the loop's clock. Scratch memory is in the arena, whose failure means that
 * some are missing. */
static void worker_metrics_write(const struct group *groups, int64_t now_ms, struct arena *arena, struct exposition *exposition)
{
	write_workers(groups, now_ms, arena, exposition);
	write_clients(groups, arena, exposition);
}

#define SCRAPE_BYTES ((size_t)64 << 20) /* of the subjects and their sums: at most 20 KiB for a pipeline */
#define REASON_BYTES 1024
#define FOLLOW_EVERY_MS 1000

struct engine_metrics {
	struct engine *engine;
	const struct engine_config *config;
	const struct alert_watch *alerts;  /* NULL: none */
	struct arena *arena;		   /* of one scrape */
	bool has_seldon;		   /* the files ask for Seldon's names */
	struct metrics_listener *listener; /* NULL: none */
	struct metrics_push *push;	   /* NULL: none */
	struct lag_watch *lags;
	struct namespace_loads *loads;
	uint64_t followed; /* number of the revision whose pipelines the lag watch has; 0: none yet */
	struct loop_timer follow_timer;
	char reason[REASON_BYTES];
};

/* ---- pipelines ---- */

struct pipeline_subject {
	struct engine_counts counts;
	struct pipeline_state state;
};

/* The lag is not known if Kafka has not answered recently. */
static void lag_take(const struct engine_metrics *metrics, const char *pipeline, struct pipeline_state *state)
{
	struct group_lag_state lag;
	if (lag_watch_read(metrics->lags, pipeline, LAG_OBSERVES, &lag))
		state->observers_lag_records = (double)lag.records;
	if (lag_watch_read(metrics->lags, pipeline, LAG_EXPLAINS, &lag))
		state->explainers_lag_records = (double)lag.records;
	if (!lag_watch_read(metrics->lags, pipeline, LAG_ANSWERS, &lag))
		return;
	state->lag_records = (double)lag.records;
	if (lag.records == 0 || lag.age_ms != LAG_AGE_NONE)
		state->lag_seconds = lag.records > 0 ? (double)lag.age_ms / MS_PER_S : 0;
}

static void write_pipelines(const struct engine_metrics *metrics, const struct plan *plan, struct exposition *exposition)
{
	struct subject_list sums, states;
	struct arena *arena = metrics->arena;
	if (!subject_list_open(&sums, plan->count, arena) || !subject_list_open(&states, plan->count, arena))
		return;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		struct pipeline_subject *subject = ARENA_NEW(arena, struct pipeline_subject);
		if (!subject || !engine_counts(metrics->engine, pipeline->graph->name, &subject->counts))
			continue;
		subject->state = (struct pipeline_state){.lag_records = NAN,
							 .lag_seconds = NAN,
							 .observers_lag_records = NAN,
							 .explainers_lag_records = NAN,
							 .waiting = engine_counts_wait(&subject->counts),
							 .unobserved = subject->counts.observers_absent.topic ||
								       subject->counts.observers_former > 0,
							 .models_away = (double)subject->counts.models_away};
		lag_take(metrics, pipeline->graph->name, &subject->state);
		struct metric_subject of = {{text_of(pipeline->namespace), text_of(pipeline->graph->name)}, &subject->counts.sums};
		subject_list_add(&sums, of);
		of.values = &subject->state;
		subject_list_add(&states, of);
	}
	exposition_write(exposition, SCOPE_PIPELINE, sums.items, sums.count);
	exposition_write(exposition, SCOPE_PIPELINE_NOW, states.items, states.count);
}

/* ---- steps ---- */

static const struct counted *steps_of(const struct group *group, const char *pipeline)
{
	const struct counted_pipeline *found = counted_pipeline_find(group, pipeline);
	return found ? found->steps : NULL;
}

size_t pipeline_steps_most(size_t drifts, size_t weighers, size_t mirrors, size_t alerts, size_t metrics, bool has_seldon)
{
	const size_t before =
		metric_series_count(SCOPE_PIPELINE) + metric_series_count(SCOPE_PIPELINE_NOW) +
		(metric_series_count(SCOPE_DRIFT) + metric_series_count(SCOPE_DRIFT_FEATURE)) * drifts +
		IMPORTANCE_SERIES * metric_series_count(SCOPE_IMPORTANCE) * weighers +
		metric_series_count(SCOPE_MIRROR) * mirrors + metric_series_count(SCOPE_ALERT) * alerts + PIPELINE_MODEL_SERIES +
		PIPELINE_GATEWAY_SERIES + (metrics > 0 ? PIPELINE_METRIC_SERIES + metric_series_count(SCOPE_METRIC) * metrics : 0) +
		(has_seldon ? PIPELINE_SELDON_SERIES : 0);
	const size_t most = before < PIPELINE_SERIES_MAX ? (PIPELINE_SERIES_MAX - before) / metric_series_count(SCOPE_STEP) : 0;
	return most > 0 ? most : 1;
}

/* The groups of the callers also count a pipeline that others call. */
static void list_steps(const struct engine_metrics *metrics, const struct pipeline_plan *pipeline, struct subject_list *steps)
{
	const struct graph *graph = pipeline->graph;
	size_t first = steps->count;
	struct subject_list its = {.items = steps->items + first, .capacity = graph->count};
	for (size_t i = 0; i < graph->count; i++)
		its.items[its.count++] = (struct metric_subject){
			{text_of(pipeline->namespace), text_of(graph->name), text_of(graph->steps[i].name)}, NULL};
	for (const struct group *group = engine_groups(metrics->engine); group; group = group->next)
		for (const struct counted *step = steps_of(group, graph->name); step; step = step->next)
			for (size_t i = 0; i < its.count; i++)
				if (text_is(its.items[i].labels[2], step->name))
					its.items[i].values =
						workers_sum(step->counts, group->worker_count, sizeof(struct step_counts),
							    COUNT_WORDS_APART(struct step_counts),
							    (void *)(uintptr_t)its.items[i].values, metrics->arena);
	size_t kept = 0;
	for (size_t i = 0; i < its.count; i++)
		if (its.items[i].values)
			its.items[kept++] = its.items[i];
	const size_t most =
		pipeline_steps_most(graph_count_observers(graph), graph_count_weighers(graph), graph_count_mirrors(graph),
				    graph->spec->alerts.count, pipeline->metric_count, metrics->has_seldon);
	steps->count +=
		metric_subjects_fold(its.items, kept, most, SCOPE_STEP, COUNT_WORDS_APART(struct step_counts), metrics->arena);
}

/* ---- alerts ---- */

static void write_alerts(const struct engine_metrics *metrics, struct exposition *exposition)
{
	struct subject_list states;
	size_t count = 0;
	const int64_t now_ms = time_of_day_ms();
	const struct watched_alert *first = metrics->alerts ? alert_watch_first(metrics->alerts) : NULL;
	for (const struct watched_alert *alert = first; alert; alert = alert->next)
		count++;
	if (!subject_list_open(&states, count, metrics->arena))
		return;
	for (const struct watched_alert *alert = first; alert; alert = alert->next) {
		struct alert_state *state = alert->is_present ? ARENA_NEW(metrics->arena, struct alert_state) : NULL;
		if (!state)
			continue;
		*state = (struct alert_state){.firing = (double)alert->firing,
					      .pending = (double)alert->pending,
					      .silenced = silence_is_in_force(alert->silenced_until_ms, now_ms),
					      .missing = alert->missing,
					      .beyond = alert->beyond,
					      .sent = count_read(&alert->notices->sent),
					      .failed = count_read(&alert->notices->failed),
					      .dropped = count_read(&alert->notices->dropped),
					      .rejected = count_read(&alert->notices->rejected)};
		subject_list_add(&states,
				 (struct metric_subject){
					 {text_of(alert->namespace), text_of(alert->pipeline), text_of(alert->name)}, state});
	}
	exposition_write(exposition, SCOPE_ALERT, states.items, states.count);
}

static void write_receivers(const struct engine_metrics *metrics, const struct plan *plan, struct exposition *exposition)
{
	const struct receiver_reports reports =
		metrics->alerts ? alert_watch_receivers(metrics->alerts, plan, metrics->arena) : (struct receiver_reports){0};
	struct subject_list states;
	if (reports.count == 0 || !subject_list_open(&states, reports.count, metrics->arena))
		return;
	for (size_t i = 0; i < reports.count; i++) {
		const struct receiver_report *report = &reports.items[i];
		struct receiver_state *state = ARENA_NEW(metrics->arena, struct receiver_state);
		if (!state)
			continue;
		*state = (struct receiver_state){
			.waiting = (double)report->waiting,
			.oldest_seconds = (double)report->oldest_ms / MS_PER_S,
			.failing_seconds = report->waiting > 0 && !report->refuses ? (double)report->failing_ms / MS_PER_S : 0,
			.failures = report->failures,
		};
		subject_list_add(&states, (struct metric_subject){{text_of(report->name), text_of(report->action)}, state});
	}
	exposition_write(exposition, SCOPE_RECEIVER, states.items, states.count);
}

static void write_steps(const struct engine_metrics *metrics, const struct plan *plan, struct exposition *exposition)
{
	struct subject_list steps;
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++)
		count += plan->pipelines[i].graph->count;
	if (!subject_list_open(&steps, count, metrics->arena))
		return;
	for (size_t i = 0; i < plan->count; i++)
		list_steps(metrics, &plan->pipelines[i], &steps);
	exposition_write(exposition, SCOPE_STEP, steps.items, steps.count);
}

/* ---- models ---- */

/* The namespace of the group's pipelines; NULL: the group has no pipelines any more. */
static const char *group_namespace(const struct group *group, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->pipelines[i].group, group->name) == 0)
			return plan->pipelines[i].namespace;
	return NULL;
}

static void list_models(const struct engine_metrics *metrics, const struct plan *plan, const char *namespace,
			struct subject_list *models)
{
	size_t pipelines = 0;
	struct subject_list its = {.items = models->items + models->count, .capacity = models->capacity - models->count};
	for (size_t i = 0; i < plan->count; i++)
		pipelines += strcmp(plan->pipelines[i].namespace, namespace) == 0;
	for (const struct group *group = engine_groups(metrics->engine); group; group = group->next) {
		const char *theirs = group_namespace(group, plan);
		if (!theirs || strcmp(theirs, namespace) != 0)
			continue;
		for (const struct counted *model = group->models; model; model = model->next) {
			struct metric_subject *subject = subject_list_find(&its, 1, model->name);
			if (!subject)
				return;
			subject->labels[0] = text_of(namespace);
			subject->values = workers_sum(model->counts, group->worker_count, sizeof(struct model_counts),
						      COUNT_WORDS_APART(struct model_counts), (void *)(uintptr_t)subject->values,
						      metrics->arena);
		}
	}
	const size_t series = metric_series_count(SCOPE_MODEL) + (metrics->has_seldon ? SELDON_MODEL_SERIES : 0);
	models->count += metric_subjects_fold(its.items, its.count, pipelines * PIPELINE_MODEL_SERIES / series, SCOPE_MODEL,
					      COUNT_WORDS_APART(struct model_counts), metrics->arena);
}

static void write_models(const struct engine_metrics *metrics, const struct plan *plan, struct exposition *exposition)
{
	struct subject_list models;
	size_t count = 0;
	for (const struct group *group = engine_groups(metrics->engine); group; group = group->next)
		for (const struct counted *model = group->models; model; model = model->next)
			count++;
	if (!subject_list_open(&models, count, metrics->arena))
		return;
	for (size_t i = 0; i < plan->count; i++)
		if (plan_is_first_of_namespace(plan, i))
			list_models(metrics, plan, plan->pipelines[i].namespace, &models);
	if (arena_failed(metrics->arena))
		return;
	exposition_write(exposition, SCOPE_MODEL, models.items, models.count);
	if (metrics->has_seldon)
		seldon_metrics_write(plan, metrics->config->instance, models.items, models.count, metrics->arena, exposition);
}

/* ---- namespaces ---- */

static void write_namespaces(const struct engine_metrics *metrics, const struct plan *plan, struct exposition *exposition)
{
	struct subject_list namespaces;
	if (!subject_list_open(&namespaces, plan->count, metrics->arena))
		return;
	for (size_t i = 0; i < plan->count; i++) {
		bool first = plan_is_first_of_namespace(plan, i);
		struct namespace_state *state = first ? ARENA_NEW(metrics->arena, struct namespace_state) : NULL;
		if (!state)
			continue;
		*state = namespace_load_state(metrics->loads, plan->pipelines[i].namespace);
		subject_list_add(&namespaces, (struct metric_subject){{text_of(plan->pipelines[i].namespace)}, state});
	}
	exposition_write(exposition, SCOPE_NAMESPACE, namespaces.items, namespaces.count);
}

static void write_control(const struct control_state *control, struct exposition *exposition)
{
	if (control)
		exposition_write(exposition, SCOPE_CONTROL, &(struct metric_subject){{text_of(control->namespace)}, control}, 1);
}

/* ---- callbacks of the listener ---- */

static void on_write(void *context, struct exposition *exposition)
{
	struct engine_metrics *metrics = context;
	const struct plan *plan = &engine_revision(metrics->engine)->plan;
	arena_reset(metrics->arena);
	metrics->has_seldon = seldon_metrics_are_wanted(plan);
	write_namespaces(metrics, plan, exposition);
	write_pipelines(metrics, plan, exposition);
	write_steps(metrics, plan, exposition);
	mirror_metrics_write(metrics->engine, plan, metrics->arena, exposition);
	board_metrics_write(metrics->engine, plan, metrics->arena, exposition);
	write_alerts(metrics, exposition);
	write_receivers(metrics, plan, exposition);
	declared_metrics_write(plan, engine_groups(metrics->engine), metrics->arena, exposition);
	write_models(metrics, plan, exposition);
	worker_metrics_write(engine_groups(metrics->engine), loop_now_ms(engine_loop(metrics->engine)), metrics->arena, exposition);
	write_control(metrics->config->control, exposition);
	if (metrics->config->write_metrics)
		metrics->config->write_metrics(metrics->config->context, exposition);
	if (arena_failed(metrics->arena))
		exposition->out->failed = true;
}

static const char *on_unready(void *context)
{
	struct engine_metrics *metrics = context;
	const struct plan *plan = &engine_revision(metrics->engine)->plan;
	if (engine_is_stopping(metrics->engine))
		return "the engine is stopping";
	for (size_t i = 0; i < plan->count; i++) {
		struct engine_counts counts;
		const char *name = plan->pipelines[i].graph->name;
		if (!engine_counts(metrics->engine, name, &counts) || !counts.waits_for)
			continue;
		(void)snprintf(metrics->reason, sizeof metrics->reason, "pipeline %s waits: %s", name, counts.waits_for);
		return metrics->reason;
	}
	return NULL;
}

/* The wait of the first pipeline whose requests wait: the others answer, so the engine stays ready. */
static const char *on_remark(void *context)
{
	struct engine_metrics *metrics = context;
	const struct plan *plan = &engine_revision(metrics->engine)->plan;
	for (size_t i = 0; i < plan->count; i++) {
		struct engine_counts counts;
		char words[ERROR_TEXT_MAX];
		const char *name = plan->pipelines[i].graph->name;
		if (!engine_counts(metrics->engine, name, &counts) ||
		    !engine_held_up(metrics->engine, name, &counts, words, sizeof words))
			continue;
		(void)snprintf(metrics->reason, sizeof metrics->reason, "pipeline %s waits: %s", name, words);
		return metrics->reason;
	}
	return NULL;
}

/* ---- opening and closing ---- */

/* Passes new pipelines to the lag watch after a reload. */
static void on_follow_due(void *context)
{
	struct engine_metrics *metrics = context;
	const struct revision *revision = engine_revision(metrics->engine);
	struct loop *loop = engine_loop(metrics->engine);
	struct error error = {0};
	if (revision->number != metrics->followed && lag_watch_follow(metrics->lags, &revision->plan))
		metrics->followed = revision->number;
	(void)loop_timer_set(loop, &metrics->follow_timer, loop_now_ms(loop) + FOLLOW_EVERY_MS, &error);
}

static void on_push_reported(void *context, const char *reason)
{
	const struct engine_metrics *metrics = context;
	if (reason)
		log_say(metrics->config->log, LOG_LEVEL_WARN, NULL, "metrics cannot be pushed to %s", reason);
	else
		log_say(metrics->config->log, LOG_LEVEL_INFO, NULL, "metrics are pushed again");
}

/* Only if the files name a Pushgateway. */
static bool push_open(struct engine_metrics *metrics, const struct metrics_owner *owner, struct error *error)
{
	const struct metrics_push_config config = {.address = runtime_pushgateway(engine_revision(metrics->engine)->runtime),
						   .instance = metrics->config->instance,
						   .owner = *owner,
						   .reported = on_push_reported,
						   .context = metrics};
	return !config.address || (metrics->push = metrics_push_open(engine_loop(metrics->engine), &config, error));
}

static bool metrics_set_up(struct engine_metrics *metrics, const struct metrics_config *listening, struct error *error)
{
	const struct metrics_owner owner = {on_write, on_unready, metrics, on_remark};
	struct loop *loop = engine_loop(metrics->engine);
	metrics->follow_timer = (struct loop_timer){.due = on_follow_due, .context = metrics};
	return (metrics->arena || error_memory(error, ERROR_SYSTEM, "opening the metrics of an engine")) &&
	       (metrics->lags = lag_watch_open(metrics->config, loop, error)) &&
	       (metrics->loads = namespace_loads_open(metrics->engine, metrics->config, metrics->lags, error)) &&
	       loop_timer_set(loop, &metrics->follow_timer, loop_now_ms(loop), error) &&
	       (!listening->asked->address || (metrics->listener = metrics_listener_open(loop, listening, &owner, error))) &&
	       push_open(metrics, &owner, error);
}

struct engine_metrics *engine_metrics_open(struct engine *engine, const struct engine_config *config,
					   const struct alert_watch *alerts, const struct metrics_config *listening,
					   struct error *error)
{
	char url[METRICS_URL_BYTES_MAX];
	struct engine_metrics *metrics = memory_take(1, sizeof *metrics);
	if (!metrics) {
		error_memory(error, ERROR_SYSTEM, "opening the metrics of an engine");
		return NULL;
	}
	*metrics = (struct engine_metrics){.engine = engine, .config = config, .alerts = alerts, .arena = arena_open(SCRAPE_BYTES)};
	if (metrics_set_up(metrics, listening, error)) {
		if (metrics->listener)
			log_say(config->log, LOG_LEVEL_INFO, NULL, "metrics are at %s",
				metrics_listener_url(metrics->listener, url));
		return metrics;
	}
	engine_metrics_close(metrics);
	return NULL;
}

void engine_metrics_close(struct engine_metrics *metrics)
{
	if (!metrics)
		return;
	loop_timer_stop(engine_loop(metrics->engine), &metrics->follow_timer);
	metrics_push_close(metrics->push);
	metrics_listener_close(metrics->listener);
	namespace_loads_close(metrics->loads);
	lag_watch_close(metrics->lags);
	arena_close(metrics->arena);
	memory_give(metrics);
}
