/* namespace_load.c: see namespace_load.h. */
#include "monitor/namespace_load.h"

#include <math.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "engine/setup/group_setup.h"
#include "engine/run/process_usage.h"

#define REPLICAS_CATCH_UP_S 30 /* target time for processing the lag */
#define REPLICAS_USE 0.8       /* target share of an engine's capacity */
#define REPLICAS_CPU_LEAST 0.05 /* minimum for extrapolation: a smaller share is taken as this one */

static double capacity_seen(const struct replica_load *load)
{
	double share = fmin(fmax(load->cpu_share, REPLICAS_CPU_LEAST), 1);
	return load->lag > load->ended ? load->ended : load->ended / share;
}

size_t replicas_wanted(const struct replica_load *load, double *capacity)
{
	if (load->ended > 0)
		*capacity = capacity_seen(load);
	if (load->busy_partitions == 0)
		return 0;
	double work = load->arrived + load->lag / REPLICAS_CATCH_UP_S;
	double wanted = *capacity > 0 ? ceil(work / (REPLICAS_USE * *capacity)) : 1;
	wanted = fmin(fmax(wanted, 1), (double)load->busy_partitions);
	return (size_t)wanted;
}

struct namespace_load {
	char *name;
	uint64_t ended;
	int64_t ends;
	uint64_t revision; /* of which pipelines these are sums */
	bool sampled; /* both values are known */
	double capacity;
	struct namespace_state state;
	struct namespace_load *next;
};

struct namespace_loads {
	struct engine *engine;
	const struct engine_config *config;
	struct lag_watch *lags;
	struct loop_timer timer;
	int64_t sampled_ms;
	double cpu_seconds;
	struct namespace_load *first;
};

static const struct namespace_state state_unknown = {NAN, NAN, NAN, NAN};

static struct namespace_load *load_named(const struct namespace_loads *loads, const char *name)
{
	struct namespace_load *load = loads->first;
	while (load && strcmp(load->name, name) != 0)
		load = load->next;
	return load;
}

/* Finds or makes the load of a namespace. NULL: no memory. */
static struct namespace_load *load_of(struct namespace_loads *loads, const char *name)
{
	struct namespace_load *load = load_named(loads, name);
	size_t size = strlen(name) + 1;
	if (load)
		return load;
	load = memory_take(1, sizeof *load);
	char *copy = load ? memory_take_raw(size) : NULL;
	if (!copy) {
		memory_give(load);
		return NULL;
	}
	*load = (struct namespace_load){.name = memcpy(copy, name, size), .state = state_unknown, .next = loads->first};
	return loads->first = load;
}

/* Sum over one pipeline, or over all pipelines of a namespace. */
struct load_sum {
	uint64_t ended;
	int64_t ends, records;
	size_t busy;
	bool known;
};

static struct load_sum load_sum_of(const struct namespace_loads *loads, const struct plan *plan, const char *namespace)
{
	struct load_sum sum = {.known = true};
	for (size_t i = 0; i < plan->count; i++) {
		struct engine_counts counts;
		struct group_lag_state lag;
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		if (strcmp(pipeline->namespace, namespace) != 0 || !engine_counts(loads->engine, pipeline->graph->name, &counts))
			continue;
		bool known = lag_watch_read(loads->lags, pipeline->graph->name, LAG_ANSWERS, &lag);
		sum.known = sum.known && known;
		sum.ended += counts.sums.released;
		sum.ends += known ? lag.ends : 0;
		sum.records += known ? lag.records : 0;
		sum.busy += known ? lag.busy : 0;
	}
	return sum;
}

/* Between sums of two revisions there are no rates: the pipelines may be others. */
static void load_sample(struct namespace_load *load, struct load_sum sum, uint64_t revision, double passed_s, double cpu_share)
{
	if (!sum.known) {
		load->state = state_unknown;
		load->sampled = false;
		return;
	}
	load->state.lag_records = (double)sum.records;
	load->state.busy_partitions = (double)sum.busy;
	if (load->sampled && load->revision == revision) {
		/* A topic that was deleted and made again has lower ends. */
		const struct replica_load seen = {.ended = (double)(sum.ended - load->ended) / passed_s,
						  .arrived = fmax(0, (double)(sum.ends - load->ends) / passed_s),
						  .lag = (double)sum.records,
						  .cpu_share = cpu_share,
						  .busy_partitions = sum.busy};
		load->state.replicas_wanted = (double)replicas_wanted(&seen, &load->capacity);
		load->state.capacity = load->capacity > 0 ? load->capacity : NAN;
	}
	load->ended = sum.ended;
	load->ends = sum.ends;
	load->revision = revision;
	load->sampled = true;
}

static size_t workers_counted(const struct namespace_loads *loads)
{
	size_t count = 0;
	for (const struct group *group = engine_groups(loads->engine); group; group = group->next)
		count += group->worker_count;
	return count > 0 ? count : 1;
}

static void on_sample_due(void *context)
{
	struct namespace_loads *loads = context;
	const struct revision *revision = engine_revision(loads->engine);
	const struct plan *plan = &revision->plan;
	struct loop *loop = engine_loop(loads->engine);
	struct error error = {0};
	int64_t now_ms = loop_now_ms(loop);
	double cpu_seconds = process_usage().cpu_seconds, passed_s = (double)(now_ms - loads->sampled_ms) / MS_PER_S;
	passed_s = passed_s > 0 ? passed_s : 1;
	double share = (cpu_seconds - loads->cpu_seconds) / passed_s / (double)workers_counted(loads);
	for (size_t i = 0; i < plan->count; i++) {
		struct namespace_load *load =
			plan_is_first_of_namespace(plan, i) ? load_of(loads, plan->pipelines[i].namespace) : NULL;
		if (load)
			load_sample(load, load_sum_of(loads, plan, load->name), revision->number, passed_s, share);
	}
	loads->sampled_ms = now_ms;
	loads->cpu_seconds = cpu_seconds;
	(void)loop_timer_set(loop, &loads->timer, now_ms + LOAD_EVERY_MS, &error);
}

struct namespace_loads *namespace_loads_open(struct engine *engine, const struct engine_config *config, struct lag_watch *lags,
					     struct error *error)
{
	struct namespace_loads *loads = memory_take(1, sizeof *loads);
	struct loop *loop = engine_loop(engine);
	if (!loads) {
		error_memory(error, ERROR_SYSTEM, "sampling the load of namespaces");
		return NULL;
	}
	*loads = (struct namespace_loads){.engine = engine,
					  .config = config,
					  .lags = lags,
					  .timer = {.due = on_sample_due, .context = loads},
					  .sampled_ms = loop_now_ms(loop),
					  .cpu_seconds = process_usage().cpu_seconds};
	if (loop_timer_set(loop, &loads->timer, loads->sampled_ms + LOAD_EVERY_MS, error))
		return loads;
	memory_give(loads);
	return NULL;
}

void namespace_loads_close(struct namespace_loads *loads)
{
	if (!loads)
		return;
	loop_timer_stop(engine_loop(loads->engine), &loads->timer);
	while (loads->first) {
		struct namespace_load *load = loads->first;
		loads->first = load->next;
		memory_give(load->name);
		memory_give(load);
	}
	memory_give(loads);
}

struct namespace_state namespace_load_state(const struct namespace_loads *loads, const char *namespace)
{
	const struct namespace_load *load = load_named(loads, namespace);
	return load ? load->state : state_unknown;
}
