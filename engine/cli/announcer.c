/* announcer.c: see announcer.h. */
#include "cli/announcer.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/side.h"
#include "observe/status.h"

#define MODEL_AWAY "a model that it calls is away; the engine's log says which, and why"
#define ARENA_BYTES ((size_t)64 << 20) /* names, and a last count of each pipeline: a KiB */
#define QUEUE_BYTES ((size_t)1 << 20)  /* a second of a thousand pipelines */
#define STATUS_BYTES ((size_t)64 << 10)
#define WHY_BYTES 512
#define VERSION_BYTES 17 /* in hexadecimal */

/* A pipeline as it was announced last. */
struct announced {
	const char *name;
	uint32_t topic;
	struct crew_counts counts;
	uint64_t failed_in_a_row; /* errors since the last result that was none */
	struct announced *next;
};

struct announcer {
	struct crew *crew;
	const struct crew_config *config;
	struct side *side;
	struct arena *arena;
	struct buffer text, names;
	char why[WHY_BYTES];
	struct loop_timer timer;
	int64_t started_ms, last_ms;
	struct announced *pipelines;
	const char **topics; /* of the namespaces */
	size_t topic_count;
};

static void on_due(void *context);

/* ---- whose it is ---- */

static bool find_topic(struct announcer *announcer, const struct pipeline_plan *plan, uint32_t *number)
{
	struct error error = {0};
	const char *name = topic_status_name(announcer->arena, plan->prefix, plan->namespace);
	for (*number = 0; name && *number < announcer->topic_count; ++*number)
		if (strcmp(announcer->topics[*number], name) == 0)
			return true;
	const char **topics = ARENA_ARRAY(announcer->arena, const char *, announcer->topic_count + 1);
	if (!name || !topics)
		return false;
	if (announcer->topic_count > 0)
		memcpy(topics, announcer->topics, announcer->topic_count * sizeof *topics);
	topics[announcer->topic_count] = name;
	announcer->topics = topics;
	return side_topics(announcer->side, topics, ++announcer->topic_count, &error);
}

static struct announced *announced_as(struct announcer *announcer, const struct pipeline_plan *plan)
{
	struct announced *pipeline = announcer->pipelines;
	while (pipeline && strcmp(pipeline->name, plan->graph->name) != 0)
		pipeline = pipeline->next;
	if (pipeline)
		return pipeline;
	pipeline = ARENA_NEW(announcer->arena, struct announced);
	if (!pipeline || !find_topic(announcer, plan, &pipeline->topic))
		return NULL;
	pipeline->name = arena_copy(announcer->arena, plan->graph->name, strlen(plan->graph->name));
	pipeline->next = announcer->pipelines;
	announcer->pipelines = pipeline;
	return pipeline->name ? pipeline : NULL;
}

/* ---- what is said ---- */

static double quantile_ms(const struct histogram *histogram, double share)
{
	return (double)histogram_quantile(histogram, share) / 1000;
}

/* An engine whose model is away is well: it is ready, and what was asked waits in it. */
static bool calls_wait(const struct crew_counts *now)
{
	return now->models_away > 0 && now->in_flight > 0;
}

/* Whether results of a second were errors or not is known, their order is not: one that is none ends the row. */
static void count_row(struct announced *pipeline, const struct crew_counts *now)
{
	if (now->succeeded > pipeline->counts.succeeded)
		pipeline->failed_in_a_row = 0;
	else
		pipeline->failed_in_a_row += now->failed - pipeline->counts.failed;
}

static bool is_failing(const struct announced *pipeline)
{
	return pipeline->failed_in_a_row >= STATUS_FAILING_LEAST;
}

static const char *state_of(const struct announced *pipeline, const struct crew_counts *now)
{
	if (now->waits_for || calls_wait(now))
		return "waiting";
	if (is_failing(pipeline))
		return "failing";
	return now->pauses > pipeline->counts.pauses ? "paused" : "running";
}

static const char *why_of(struct announcer *announcer, const struct announced *pipeline, const struct crew_counts *now)
{
	if (now->waits_for || calls_wait(now))
		return now->waits_for ? now->waits_for : MODEL_AWAY;
	if (!is_failing(pipeline))
		return NULL;
	snprintf(announcer->why, sizeof announcer->why,
		 "the last %" PRIu64 " results are errors; `sluice errors list %s` says why", pipeline->failed_in_a_row,
		 pipeline->name);
	return announcer->why;
}

/* The topics from which it takes records that it commits, a blank between. */
static struct text reads_of(struct announcer *announcer, const struct pipeline_plan *plan)
{
	struct buffer *names = &announcer->names;
	buffer_clear(names);
	for (size_t i = 0; i < plan->topic_count; i++) {
		bool read = false;
		for (size_t stage = 0; stage < plan->stage_count; stage++)
			read = read || (plan->topics[i].role != TOPIC_STATE && stage_reads_topic(plan, stage, i));
		if (read)
			buffer_print(names, "%s%s", names->length > 0 ? " " : "", plan->topics[i].name);
	}
	return buffer_failed(names) ? TEXT("") : buffer_view(names);
}

static double rate_of(const struct pipeline_plan *plan, const struct crew_counts *now, const struct crew_counts *before,
		      int64_t passed_ms)
{
	uint64_t count = plan->graph->has_output ? now->answered - before->answered : now->ended - before->ended;
	return (double)count * MS_PER_S / (double)passed_ms;
}

static void say(struct announcer *announcer, const struct pipeline_plan *plan, const struct announced *pipeline,
		const struct crew_counts *now, int64_t at_ms)
{
	struct histogram latency;
	int64_t passed_ms = at_ms > announcer->last_ms ? at_ms - announcer->last_ms : 1;
	histogram_since(&now->latency, &pipeline->counts.latency, &latency);
	char version[VERSION_BYTES] = "";
	if (now->version != 0)
		snprintf(version, sizeof version, "%016" PRIx64, now->version);
	const struct status status = {
		.instance = text_of(announcer->config->instance),
		.pipeline = text_of(pipeline->name),
		.namespace = text_of(plan->namespace),
		.at_ms = at_ms,
		.started_ms = announcer->started_ms,
		.ready = !now->waits_for,
		.state = text_of(state_of(pipeline, now)),
		.why = text_of(why_of(announcer, pipeline, now)),
		.taken = now->taken,
		.ended = now->ended,
		.answered = now->answered,
		.failed = now->failed,
		.dropped = now->dropped,
		.dead_letters = now->dead_letters,
		.resets = now->resets,
		.skipped = now->skipped,
		.in_flight = now->in_flight,
		.version = text_of(version),
		.group = text_of(plan->group),
		.reads = reads_of(announcer, plan),
		.lag = -1,
		.rate = rate_of(plan, now, &pipeline->counts, passed_ms),
		.p50_ms = quantile_ms(&latency, 0.5),
		.p95_ms = quantile_ms(&latency, 0.95),
		.p99_ms = quantile_ms(&latency, 0.99),
	};
	char key[256];
	int length = snprintf(key, sizeof key, "%s/%s", announcer->config->instance, pipeline->name);
	buffer_clear(&announcer->text);
	status_write(&status, &announcer->text);
	const struct outgoing record = {
		.topic = pipeline->topic,
		.key = {key, (size_t)length < sizeof key ? (size_t)length : sizeof key - 1},
		.value = buffer_view(&announcer->text),
	};
	if (!buffer_failed(&announcer->text))
		(void)side_produce(announcer->side, &record);
}

static void on_due(void *context)
{
	struct announcer *announcer = context;
	const struct plan *plan = &crew_deployment(announcer->crew)->plan;
	struct loop *loop = crew_loop(announcer->crew);
	struct error error = {0};
	int64_t at_ms = time_of_day_ms();
	for (size_t i = 0; i < plan->count; i++) {
		struct announced *pipeline = announced_as(announcer, &plan->pipelines[i]);
		struct crew_counts now;
		if (!pipeline || !crew_counts(announcer->crew, pipeline->name, &now))
			continue;
		count_row(pipeline, &now);
		say(announcer, &plan->pipelines[i], pipeline, &now, at_ms);
		pipeline->counts = now;
	}
	announcer->last_ms = at_ms;
	loop_timer_set(loop, &announcer->timer, loop_now_ms(loop) + STATUS_EVERY_MS, &error);
}

/* ---- opening and closing ---- */

struct announcer *announcer_open(struct crew *crew, const struct crew_config *config, struct error *error)
{
	const struct side_config side = {.brokers = config->brokers,
					 .queue_bytes = QUEUE_BYTES,
					 .batches = config->batches,
					 .properties = config->producer};
	struct announcer *announcer = memory_take(1, sizeof *announcer);
	if (!announcer) {
		error_memory(error, ERROR_SYSTEM, "telling how pipelines are");
		return NULL;
	}
	struct loop *loop = crew_loop(crew);
	*announcer = (struct announcer){.crew = crew, .config = config, .arena = arena_open(ARENA_BYTES)};
	announcer->timer = (struct loop_timer){.due = on_due, .context = announcer};
	announcer->started_ms = announcer->last_ms = time_of_day_ms();
	buffer_open(&announcer->text, STATUS_BYTES);
	buffer_open(&announcer->names, STATUS_BYTES);
	if (announcer->arena && (announcer->side = side_open(&side, error)) &&
	    loop_timer_set(loop, &announcer->timer, loop_now_ms(loop) + STATUS_EVERY_MS, error))
		return announcer;
	error_memory(error, ERROR_SYSTEM, "telling how pipelines are");
	announcer_close(announcer);
	return NULL;
}

void announcer_close(struct announcer *announcer)
{
	if (!announcer)
		return;
	loop_timer_stop(crew_loop(announcer->crew), &announcer->timer);
	side_close(announcer->side);
	buffer_close(&announcer->text);
	buffer_close(&announcer->names);
	arena_close(announcer->arena);
	memory_give(announcer);
}
