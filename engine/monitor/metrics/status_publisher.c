/* status_publisher.c: see status_publisher.h. */
#include "monitor/metrics/status_publisher.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number/moment.h"
#include "kafka/produce/best_effort.h"
#include "kafka/kafka_log.h"
#include "monitor/alerts/alert_watch.h"
#include "monitor/failure_watch.h"
#include "monitor/lag_watch.h"
#include "monitor/model_watch.h"
#include "engine/setup/topic_difference.h"
#include "monitor/watching_log.h"

#define TURNS (STATUS_QUIET_MS / STATUS_EVERY_MS) /* seconds in which each pipeline has its turn */

struct status_turn status_turn_begin(struct status_turns *turns, size_t pipelines, bool watched, int64_t at_ms)
{
	const struct status_turn turn = {.first = turns->next < pipelines ? turns->next : 0,
					 .count = (pipelines + TURNS - 1) / TURNS,
					 .pipelines = pipelines,
					 .watched = watched,
					 .at_ms = at_ms};
	turns->next = pipelines > 0 ? (turn.first + turn.count) % pipelines : 0;
	return turn;
}

static bool has_its_turn(const struct status_turn *turn, size_t index)
{
	return (index + turn->pipelines - turn->first) % turn->pipelines < turn->count;
}

static bool has_changed(const struct status_facts *now, const struct status_facts *reported)
{
	return now->ready != reported->ready || now->version != reported->version || strcmp(now->state, reported->state) != 0;
}

bool status_is_due(const struct status_turn *turn, size_t index, const struct status_facts *now,
		   const struct status_facts *reported, int64_t reported_ms)
{
	assert(index < turn->pipelines);
	if (turn->watched || !reported->state || has_its_turn(turn, index))
		return true;
	return !status_is_well(now->ready, text_of(now->state)) || has_changed(now, reported) ||
	       turn->at_ms - reported_ms >= STATUS_QUIET_MS;
}

#define ARENA_BYTES ((size_t)64 << 20) /* names, and counts of each pipeline: some KiB */
#define QUEUE_BYTES ((size_t)1 << 20)  /* records of a second for a thousand pipelines */
#define STATUS_BYTES ((size_t)64 << 10)
#define WHY_BYTES 640
#define VERSION_BYTES 17 /* in hexadecimal */

/* A pipeline: how it is in this second, and its last record. */
struct announced {
	const char *name;
	uint32_t topic;
	struct engine_counts counts;
	struct status_facts facts;
	bool slow;		  /* a model that it calls is */
	bool blind;		  /* a step that watches data watches nothing */
	bool known;		  /* the engine runs it */
	uint64_t failed_in_a_row; /* errors since the last result without an error */
	struct engine_counts reported_counts;
	struct status_facts reported; /* without a state: there is no record yet */
	int64_t reported_ms;
	struct failure_watch watch;
	struct announced *next, *next_in_list;
};

#define ANNOUNCED_LISTS 4096 /* of pipelines by hashes of their names, each of which is found once a second */

struct status_publisher {
	struct engine *engine;
	const struct engine_config *config;
	struct best_effort *producer;
	struct arena *arena;
	struct alert_watch *alerts; /* NULL: none */
	struct buffer text, names, receivers, firing, drift;
	char why[WHY_BYTES];
	char blind[BLIND_WHY_BYTES];
	struct loop_timer timer;
	int64_t started_ms;
	struct status_turns turns;
	uint64_t pipeline_count, unwell; /* in this second */
	struct outage_watch outage;
	struct model_watch *models;
	struct watching_log *watching;
	bool stopped;
	char rejected[WHY_BYTES]; /* that the last reload was; empty: it was not */
	struct announced *pipelines;
	struct announced *lists[ANNOUNCED_LISTS]; /* of the same */
	const char **topics; /* of the namespaces */
	size_t topic_count;
};

static void status_publisher_on_due(void *context);

/* ---- names and topics ---- */

static bool find_topic(struct status_publisher *status_publisher, const struct pipeline_plan *plan, uint32_t *number)
{
	struct error error = {0};
	const char *name = topic_status_name(status_publisher->arena, plan->prefix, plan->namespace);
	for (*number = 0; name && *number < status_publisher->topic_count; ++*number)
		if (strcmp(status_publisher->topics[*number], name) == 0)
			return true;
	const char **topics = ARENA_ARRAY(status_publisher->arena, const char *, status_publisher->topic_count + 1);
	if (!name || !topics)
		return false;
	if (status_publisher->topic_count > 0)
		memcpy(topics, status_publisher->topics, status_publisher->topic_count * sizeof *topics);
	topics[status_publisher->topic_count] = name;
	status_publisher->topics = topics;
	return best_effort_topics(status_publisher->producer, topics, ++status_publisher->topic_count, &error);
}

static struct announced *announced_as(struct status_publisher *status_publisher, const struct pipeline_plan *plan)
{
	struct announced **list = &status_publisher->lists[hash_key(text_of(plan->graph->name)) % ANNOUNCED_LISTS];
	struct announced *pipeline = *list;
	while (pipeline && strcmp(pipeline->name, plan->graph->name) != 0)
		pipeline = pipeline->next_in_list;
	if (pipeline)
		return pipeline;
	pipeline = ARENA_NEW(status_publisher->arena, struct announced);
	if (!pipeline || !find_topic(status_publisher, plan, &pipeline->topic))
		return NULL;
	pipeline->name = arena_copy(status_publisher->arena, plan->graph->name, strlen(plan->graph->name));
	pipeline->reported_ms = time_of_day_ms() - STATUS_EVERY_MS;
	pipeline->watch = (struct failure_watch){.since_ms = loop_now_ms(engine_loop(status_publisher->engine)), .is_quiet = true};
	if (!pipeline->name)
		return NULL;
	pipeline->next = status_publisher->pipelines;
	pipeline->next_in_list = *list;
	status_publisher->pipelines = *list = pipeline;
	return pipeline;
}

/* ---- contents of a status ---- */

static double quantile_ms(const struct histogram *histogram, double share)
{
	return (double)histogram_quantile(histogram, share) / 1000;
}

/* Counts errors in a row. The order of the results within a second is not known, so one success ends the row. */
static void count_row(struct announced *pipeline, const struct engine_counts *now)
{
	if (now->sums.succeeded > pipeline->counts.sums.succeeded)
		pipeline->failed_in_a_row = 0;
	else
		pipeline->failed_in_a_row += now->sums.failed - pipeline->counts.sums.failed;
}

static bool is_failing(const struct announced *pipeline)
{
	return pipeline->failed_in_a_row >= STATUS_FAILING_LEAST;
}

static const char *state_of(const struct announced *pipeline, const struct engine_counts *now)
{
	if (engine_counts_wait(now))
		return "waiting";
	if (is_failing(pipeline))
		return "failing";
	if (pipeline->slow)
		return "slow";
	if (now->observers_absent.topic || now->observers_former > 0 || pipeline->blind)
		return STATE_UNOBSERVED;
	return now->sums.pauses > pipeline->counts.sums.pauses ? "paused" : "running";
}

static bool is_slow(struct status_publisher *status_publisher, const struct pipeline_plan *plan, const struct engine_counts *now)
{
	return now->sums.in_flight > 0 &&
	       model_watch_slow(status_publisher->models, plan, status_publisher->why, sizeof status_publisher->why);
}

/* Looks how the pipeline is now. */
static void pipeline_look(struct status_publisher *status_publisher, const struct pipeline_plan *plan, struct announced *pipeline)
{
	struct engine_counts now;
	pipeline->known = engine_counts(status_publisher->engine, pipeline->name, &now);
	if (!pipeline->known)
		return;
	count_row(pipeline, &now);
	pipeline->slow = is_slow(status_publisher, plan, &now);
	pipeline->blind = watching_log_is_blind(status_publisher->watching, pipeline->name, status_publisher->blind);
	pipeline->facts = (struct status_facts){!now.waits_for && !now.absent.topic, state_of(pipeline, &now), now.version};
	pipeline->counts = now;
	status_publisher->pipeline_count++;
	status_publisher->unwell += !status_is_well(pipeline->facts.ready, text_of(pipeline->facts.state));
}

static void pipelines_look(struct status_publisher *status_publisher, const struct plan *plan)
{
	status_publisher->pipeline_count = status_publisher->unwell = 0;
	for (struct announced *pipeline = status_publisher->pipelines; pipeline; pipeline = pipeline->next)
		pipeline->known = false;
	for (size_t i = 0; i < plan->count; i++) {
		struct announced *pipeline = announced_as(status_publisher, &plan->pipelines[i]);
		if (pipeline)
			pipeline_look(status_publisher, &plan->pipelines[i], pipeline);
	}
}

/* The first secret that is withheld from the pipeline, or from what many pipelines use. */
static const char *withheld_why(const struct revision *revision, const char *pipeline)
{
	static const char kind[] = "Pipeline/";
	const size_t length = strlen(pipeline);
	for (size_t i = 0; i < revision->withheld_count; i++) {
		const char *document = revision->withheld[i].document, *name = document + strlen(kind);
		if (strncmp(document, kind, strlen(kind)) != 0 || (strncmp(name, pipeline, length) == 0 && name[length] == '@'))
			return revision->withheld[i].why;
	}
	return NULL;
}

/* Of a pipeline whose answers go on. */
static const char *running_why(struct status_publisher *status_publisher, const struct announced *pipeline)
{
	static const char words[] = "its answers go on, and its observers wait: ";
	const struct engine_counts *now = &pipeline->counts;
	char *why = status_publisher->why + sizeof words - 1;
	const size_t size = sizeof status_publisher->why - sizeof words + 1;
	memcpy(status_publisher->why, words, sizeof words);
	if (now->observers_absent.topic) {
		topic_absence_write(&now->observers_absent, why, size);
		return status_publisher->why;
	}
	if (now->observers_former > 0 && engine_former(status_publisher->engine, pipeline->name, true, why, size) > 0)
		return status_publisher->why;
	if (pipeline->blind && watching_log_is_blind(status_publisher->watching, pipeline->name, status_publisher->blind)) {
		(void)snprintf(status_publisher->why, sizeof status_publisher->why, "its answers go on, and its %s",
			       status_publisher->blind);
		return status_publisher->why;
	}
	if (status_publisher->rejected[0])
		return status_publisher->rejected;
	return withheld_why(engine_revision(status_publisher->engine), pipeline->name);
}

static const char *why_of(struct status_publisher *status_publisher, const struct pipeline_plan *plan,
			  const struct announced *pipeline)
{
	const struct engine_counts *now = &pipeline->counts;
	if (now->absent.topic) {
		topic_absence_write(&now->absent, status_publisher->why, sizeof status_publisher->why);
		return status_publisher->why;
	}
	if (now->waits_for)
		return now->waits_for;
	if (engine_held_up(status_publisher->engine, pipeline->name, now, status_publisher->why, sizeof status_publisher->why))
		return status_publisher->why;
	if (!is_failing(pipeline) && pipeline->slow && is_slow(status_publisher, plan, now))
		return status_publisher->why;
	if (!is_failing(pipeline))
		return running_why(status_publisher, pipeline);
	snprintf(status_publisher->why, sizeof status_publisher->why,
		 "the last %" PRIu64 " results are errors; `sluice errors list %s` shows the reasons", pipeline->failed_in_a_row,
		 pipeline->name);
	return status_publisher->why;
}

/* Nothing, if it is too long. */
static struct text text_written(const struct buffer *out)
{
	return buffer_failed(out) ? TEXT("") : buffer_view(out);
}

/* The names of the topics whose records it takes and commits, separated by spaces. */
static struct text reads_of(struct status_publisher *status_publisher, const struct pipeline_plan *plan)
{
	struct buffer *names = &status_publisher->names;
	buffer_clear(names);
	pipeline_reads(plan, plan->group, names);
	return text_written(names);
}

/* Which receivers of its alerts take no notices, and why. */
static struct text receivers_of(struct status_publisher *status_publisher, const struct pipeline_plan *plan)
{
	struct buffer *receivers = &status_publisher->receivers;
	buffer_clear(receivers);
	if (status_publisher->alerts)
		alert_watch_write_failing(status_publisher->alerts, plan, receivers);
	return text_written(receivers);
}

/* Which of its alerts fire. */
static struct text firing_of(struct status_publisher *status_publisher, const struct pipeline_plan *plan)
{
	struct buffer *firing = &status_publisher->firing;
	buffer_clear(firing);
	if (status_publisher->alerts)
		alert_watch_write_firing(status_publisher->alerts, plan, firing);
	return text_written(firing);
}

/* Which of its steps have found drift, and in which feature most. */
static struct text drift_of(struct status_publisher *status_publisher, const struct pipeline_plan *plan)
{
	struct buffer *drift = &status_publisher->drift;
	buffer_clear(drift);
	watching_log_write_drift(status_publisher->watching, plan->graph->name, drift);
	return text_written(drift);
}

static double rate_of(const struct pipeline_plan *plan, const struct engine_counts *now, const struct engine_counts *before,
		      int64_t passed_ms)
{
	uint64_t count = plan->graph->has_output ? now->sums.answered - before->sums.answered
						 : now->sums.ended - before->sums.ended;
	return (double)count * MS_PER_S / (double)passed_ms;
}

static void status_publisher_write(struct status_publisher *status_publisher, const struct pipeline_plan *plan,
				   struct announced *pipeline, int64_t at_ms)
{
	struct histogram latency;
	const struct engine_counts *now = &pipeline->counts, *before = &pipeline->reported_counts;
	const int64_t passed_ms = at_ms > pipeline->reported_ms ? at_ms - pipeline->reported_ms : 1;
	histogram_since(&now->latency, &before->latency, &latency);
	char version[VERSION_BYTES] = "";
	if (now->version != 0)
		snprintf(version, sizeof version, "%016" PRIx64, now->version);
	const struct status status = {
		.instance = text_of(status_publisher->config->instance),
		.pipeline = text_of(pipeline->name),
		.namespace = text_of(plan->namespace),
		.at_ms = at_ms,
		.started_ms = status_publisher->started_ms,
		.ready = pipeline->facts.ready,
		.state = text_of(pipeline->facts.state),
		.stopped = status_publisher->stopped,
		.why = text_of(why_of(status_publisher, plan, pipeline)),
		.sums = now->sums,
		.version = text_of(version),
		.group = text_of(plan->group),
		.reads = reads_of(status_publisher, plan),
		.lag = -1,
		.rate = rate_of(plan, now, before, passed_ms),
		.p50_ms = quantile_ms(&latency, 0.5),
		.p95_ms = quantile_ms(&latency, 0.95),
		.p99_ms = quantile_ms(&latency, 0.99),
		.pipelines = status_publisher->pipeline_count,
		.unwell = status_publisher->unwell,
		.receivers = receivers_of(status_publisher, plan),
		.firing = firing_of(status_publisher, plan),
		.drift = drift_of(status_publisher, plan),
		.failure = text_of(status_publisher->stopped ? engine_failure(status_publisher->engine) : ""),
	};
	char key[256];
	int length = snprintf(key, sizeof key, "%s/%s", status_publisher->config->instance, pipeline->name);
	buffer_clear(&status_publisher->text);
	status_write(&status, &status_publisher->text);
	const struct outgoing record = {
		.topic = pipeline->topic,
		.key = {key, (size_t)length < sizeof key ? (size_t)length : sizeof key - 1},
		.value = buffer_view(&status_publisher->text),
	};
	if (buffer_failed(&status_publisher->text) || !best_effort_produce(status_publisher->producer, &record))
		return;
	pipeline->reported_counts = pipeline->counts;
	pipeline->reported = pipeline->facts;
	pipeline->reported_ms = at_ms;
}

/* ---- log lines ---- */

static void log_failures(const struct status_publisher *status_publisher, struct announced *pipeline, bool at_end)
{
	const struct engine_counts *now = &pipeline->counts;
	struct failure_window window;
	struct last_failure last = {0};
	int64_t now_ms = loop_now_ms(engine_loop(status_publisher->engine));
	if (!failure_watch_look(&pipeline->watch, now->sums.failed, now->sums.succeeded, now_ms, at_end, &window))
		return;
	bool known = engine_last_failure(status_publisher->engine, pipeline->name, &last);
	const struct log_fields fields = {.pipeline = pipeline->name, .step = last.step[0] ? last.step : NULL,
					  .kind = known ? error_kind_name(last.kind) : NULL};
	log_say(status_publisher->config->log, LOG_LEVEL_WARN, &fields,
		"%s: %" PRIu64 " of %" PRIu64 " requests failed in %" PRId64 " s%s%s", pipeline->name, window.failed, window.of,
		(window.lasted_ms + MS_PER_S - 1) / MS_PER_S, known ? "; the last: " : "", last.text);
}

/* Logs the begin and the end of an outage of Kafka. Some status record is produced each second, so their
 * acknowledgements show whether Kafka works. */
static void log_outage(struct status_publisher *status_publisher)
{
	int64_t lasted_ms, now_ms = loop_now_ms(engine_loop(status_publisher->engine));
	const struct log_sink *log = status_publisher->config->log;
	switch (outage_watch_look(&status_publisher->outage, best_effort_acknowledged(status_publisher->producer), now_ms,
				  &lasted_ms)) {
	case OUTAGE_BEGAN:
		log_say(log, LOG_LEVEL_WARN, NULL,
			"Kafka has acknowledged nothing for %" PRId64 " s: requests and answers wait for it",
			lasted_ms / MS_PER_S);
		break;
	case OUTAGE_ENDED:
		log_say(log, LOG_LEVEL_INFO, NULL, "Kafka is back: it acknowledges again, after %" PRId64 " s",
			lasted_ms / MS_PER_S);
		kafka_log_recover();
		break;
	case OUTAGE_NONE:
		break;
	}
}

/* Logs the failures since the last line, and writes the last record of each pipeline. */
static void say_the_end(struct status_publisher *status_publisher)
{
	const struct plan *plan = &engine_revision(status_publisher->engine)->plan;
	status_publisher->stopped = true;
	pipelines_look(status_publisher, plan);
	for (struct announced *pipeline = status_publisher->pipelines; pipeline; pipeline = pipeline->next) {
		const struct pipeline_plan *planned = plan_find(plan, pipeline->name);
		if (!pipeline->known)
			continue;
		log_failures(status_publisher, pipeline, true);
		if (planned)
			status_publisher_write(status_publisher, planned, pipeline, time_of_day_ms());
	}
}

/* Without a control plane nobody could say that somebody watches. */
static bool is_watched(const struct status_publisher *status_publisher)
{
	const struct control_state *control = status_publisher->config->control;
	return !control || (control->watched_ms > 0 && clock_ms() - control->watched_ms < STATUS_WATCH_MS);
}

static void status_publisher_on_due(void *context)
{
	struct status_publisher *status_publisher = context;
	const struct plan *plan = &engine_revision(status_publisher->engine)->plan;
	struct loop *loop = engine_loop(status_publisher->engine);
	struct error error = {0};
	const int64_t at_ms = time_of_day_ms();
	model_watch_look(status_publisher->models, loop_now_ms(loop));
	watching_log_look(status_publisher->watching, plan, engine_revision(status_publisher->engine)->number, loop_now_ms(loop));
	pipelines_look(status_publisher, plan);
	const struct status_turn turn =
		status_turn_begin(&status_publisher->turns, plan->count, is_watched(status_publisher), at_ms);
	for (size_t i = 0; i < plan->count; i++) {
		struct announced *pipeline = announced_as(status_publisher, &plan->pipelines[i]);
		if (!pipeline || !pipeline->known)
			continue;
		if (status_is_due(&turn, i, &pipeline->facts, &pipeline->reported, pipeline->reported_ms))
			status_publisher_write(status_publisher, &plan->pipelines[i], pipeline, at_ms);
		log_failures(status_publisher, pipeline, false);
	}
	log_outage(status_publisher);
	loop_timer_set(loop, &status_publisher->timer, loop_now_ms(loop) + STATUS_EVERY_MS, &error);
}

/* ---- opening and closing ---- */

struct status_publisher *status_publisher_open(struct engine *engine, const struct engine_config *config, struct error *error)
{
	const struct best_effort_config producer = {.brokers = config->brokers,
						    .queue_bytes = QUEUE_BYTES,
						    .batches = config->batches,
						    .properties = config->producer,
						    .counts = true};
	struct status_publisher *status_publisher = memory_take(1, sizeof *status_publisher);
	if (!status_publisher) {
		error_memory(error, ERROR_SYSTEM, "reporting the state of pipelines");
		return NULL;
	}
	struct loop *loop = engine_loop(engine);
	*status_publisher = (struct status_publisher){.engine = engine, .config = config, .arena = arena_open(ARENA_BYTES)};
	status_publisher->timer = (struct loop_timer){.due = status_publisher_on_due, .context = status_publisher};
	status_publisher->started_ms = time_of_day_ms();
	buffer_open(&status_publisher->text, STATUS_BYTES);
	buffer_open(&status_publisher->names, STATUS_BYTES);
	buffer_open(&status_publisher->receivers, STATUS_BYTES);
	buffer_open(&status_publisher->firing, STATUS_BYTES);
	buffer_open(&status_publisher->drift, STATUS_BYTES);
	if (status_publisher->arena &&
	    (status_publisher->models = model_watch_open(engine, config->log, status_publisher->arena)) &&
	    (status_publisher->watching = watching_log_open(engine_board(engine), config->log, status_publisher->arena)) &&
	    (status_publisher->producer = best_effort_open(&producer, error)) &&
	    loop_timer_set(loop, &status_publisher->timer, loop_now_ms(loop) + STATUS_EVERY_MS, error))
		return status_publisher;
	error_memory(error, ERROR_SYSTEM, "reporting the state of pipelines");
	status_publisher_close(status_publisher);
	return NULL;
}

bool status_publisher_post(struct status_publisher *status_publisher, const struct pipeline_plan *plan, struct text key,
			   struct text value)
{
	const struct announced *pipeline = announced_as(status_publisher, plan);
	const struct outgoing record = {.topic = pipeline ? pipeline->topic : 0, .key = key, .value = value};
	return pipeline && best_effort_produce(status_publisher->producer, &record);
}

void status_publisher_set_alerts(struct status_publisher *status_publisher, struct alert_watch *alerts)
{
	status_publisher->alerts = alerts;
}

const struct model_watch *status_publisher_models(const struct status_publisher *status_publisher)
{
	return status_publisher->models;
}

void status_publisher_close(struct status_publisher *status_publisher)
{
	if (!status_publisher)
		return;
	loop_timer_stop(engine_loop(status_publisher->engine), &status_publisher->timer);
	say_the_end(status_publisher);
	best_effort_close(status_publisher->producer);
	buffer_close(&status_publisher->text);
	buffer_close(&status_publisher->names);
	buffer_close(&status_publisher->receivers);
	buffer_close(&status_publisher->firing);
	buffer_close(&status_publisher->drift);
	arena_close(status_publisher->arena);
	memory_give(status_publisher);
}

void status_publisher_note_reload(struct status_publisher *status_publisher, bool rejected)
{
	char moment[MOMENT_BYTES];
	status_publisher->rejected[0] = '\0';
	if (!rejected)
		return;
	moment_print(time_of_day_ms(), moment);
	(void)snprintf(status_publisher->rejected, sizeof status_publisher->rejected,
		       "its engine runs the former files: those of %s have errors, which are in its log", moment);
}
