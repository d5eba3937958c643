/* case_workers.c: see case_workers.h. The clocks of Kafka and of all loops are one, and work takes no time. */
#include "tools/test/case_workers.h"

#include <stdio.h>

#include "engine/setup/group_setup.h"
#include "engine/setup/revision.h"
#include "engine/worker/worker.h"
#include "observe/verdict_board.h"
#include "tools/test/case_origins.h"
#include "tools/test/case_stubs.h"
#include "tools/test/simulated/simulated_kafka.h"

#define MS INT64_C(1000) /* in microseconds */
#define DAY_US (24 * 3600 * 1000 * MS)
#define TURN_US 20	 /* between two turns of a worker that has work */
#define START_US ((CASE_START_MS - LOOP_VIRTUAL_EPOCH_MS) * MS)
#define JOIN_US (60000 * MS)		/* for all groups to have their partitions; it takes some seconds */
#define BEGIN_US (START_US - JOIN_US)
#define LASTING_BYTES_MAX ((size_t)1 << 30)
#define STATE_BYTES ((size_t)1 << 30)
#define SNAPSHOT_MS 60000
#define SNAPSHOT_CHANGES 1000
#define TOPIC_BYTES 256
#define QUIET_MS 1000	     /* beyond any join's window: a commit, a turn of a consumer, a retry's pause are within it */
#define QUIET_BETWEEN_MS 200 /* between two requests that are sent one by one: a commit, and a turn of a consumer */
#define SEED 1			    /* the same for all cases */
#define STUB_ADDRESS "http://stub" /* nothing connects to it */
#define NAMESPACE "test" /* names of topics decide where requests without a key go: always the same */

/* Where a point is read. */
struct workers_point {
	struct simulated_topic *topic; /* NULL: there is none */
	int64_t offset;
};

/* A consumer group, with one worker. */
struct workers_group {
	struct group group;
	struct case_workers *workers;
	struct case_reads reads;
	struct worker_config config;
	struct worker_platform platform;
	struct simulated_host *host;
	struct loop *loop;
	struct worker *worker;
	int64_t free_us; /* its next turn is not before */
};

struct case_workers {
	const struct case_workers_config *config;
	struct engine_config engine_config;
	struct revision *revision;
	struct arena *lasting;
	struct simulated_kafka *kafka;
	struct verdict_board *board;
	struct case_stubs stubs;
	size_t group_count;
	struct workers_group *groups;
	atomic_size_t users;
	struct case_origins origins;
	const struct case_points *points;
	struct workers_point *readings; /* of each point */
	const struct case_sends *sends;
	struct case_results *results;
	uint64_t events; /* steps in which something happened to a request */
	int64_t quiet_ms;	 /* after which nothing more comes */
	int64_t now_us, last_us; /* when something last happened to a request */
	uint64_t attempts, changes; /* when they were last looked at */
};

/* ---- platform ---- */

static struct loop *platform_loop(void *context, struct error *error)
{
	struct workers_group *its = context;
	return its->loop = loop_open_virtual(its->workers->now_us / MS, error);
}

static struct consumer *platform_consumer(void *context, struct loop *loop, const struct consumer_config *config,
					  struct error *error)
{
	const struct workers_group *its = context;
	return simulated_consumer_open(its->host, loop, config, error);
}

static struct output *platform_output(void *context, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error)
{
	const struct workers_group *its = context;
	return simulated_output_open(its->host, loop, config, consumer, error);
}

static struct archive *platform_archive(void *context, struct loop *loop, const struct archive_config *config,
					const struct consumer *consumer, struct error *error)
{
	const struct workers_group *its = context;
	(void)config;
	return simulated_archive_open(its->host, loop, consumer, error);
}

static struct best_effort *platform_best_effort(void *context, const struct best_effort_config *config, struct error *error)
{
	const struct workers_group *its = context;
	(void)config;
	return simulated_best_effort_open(its->host, error);
}

/* ---- alerts ---- */

static void on_alert_judged(void *context, const struct message *message, const char *name, bool held)
{
	const struct case_workers *workers = ((const struct workers_group *)context)->workers;
	const struct origin *origin = &message_root(message)->origin;
	char topic[TOPIC_BYTES];
	snprintf(topic, sizeof topic, TEXT_FORMAT, TEXT_ARGUMENTS(origin->topic));
	const struct case_send *of = case_origins_find(&workers->origins, simulated_find(workers->kafka, topic), origin->offset);
	if (of)
		case_alert_note(workers->results, of->request->id, (size_t)(of - workers->sends->items), name, held);
}

/* ---- opening ---- */

static bool topic_ensure(struct case_workers *workers, const char *name)
{
	return simulated_find(workers->kafka, name) || simulated_topic(workers->kafka, name, 1);
}

static bool topics_ensure_all(struct case_workers *workers, struct topic_list list)
{
	bool good = true;
	for (size_t i = 0; i < list.count; i++)
		good = good && topic_ensure(workers, list.names[i]);
	return good;
}

static bool topics_of_plan(struct case_workers *workers)
{
	const struct plan *plan = &workers->revision->plan;
	size_t count = 0;
	bool good = true;
	for (size_t i = 0; i < plan->count; i++) {
		count += plan->pipelines[i].topic_count;
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++)
			good = good && topic_ensure(workers, plan->pipelines[i].topics[j].name);
	}
	return good && case_origins_open(&workers->origins, count, workers->lasting);
}

static const struct workers_group *group_named(const struct case_workers *workers, const char *name)
{
	size_t i = 0;
	while (i < workers->group_count && strcmp(workers->groups[i].group.name, name) != 0)
		i++;
	return i < workers->group_count ? &workers->groups[i] : NULL;
}

static const char *writing_group(const struct pipeline_plan *plan, enum topic_role role)
{
	if (role == TOPIC_VERDICTS && plan->observers_group)
		return plan->observers_group;
	if ((role == TOPIC_EXPLANATIONS || role == TOPIC_IMPORTANCE) && plan->explainers_group)
		return plan->explainers_group;
	return plan->group;
}

static void writers_find(struct case_workers *workers)
{
	const struct plan *plan = &workers->revision->plan;
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++) {
			const struct topic *topic = &plan->pipelines[i].topics[j];
			const struct workers_group *writer =
				group_named(workers, writing_group(&plan->pipelines[i], topic->role));
			if (writer && (!topic->bound || topic->role == TOPIC_OUTPUTS))
				case_origins_written(&workers->origins, simulated_find(workers->kafka, topic->name),
						     &writer->reads);
		}
}

static bool setup_make(struct workers_group *its, struct error *error)
{
	struct case_workers *workers = its->workers;
	struct worker_setup *setup = group_setup_make(&its->group, workers->revision, &workers->engine_config, &workers->users,
						      workers->revision->arena, workers->lasting, error);
	if (!setup)
		return false;
	group_setup_follow(&its->group, setup);
	const struct topic_list reads = setup->reads;
	its->reads = (struct case_reads){reads.count, ARENA_ARRAY(workers->lasting, struct simulated_topic *, reads.count)};
	if (!its->reads.topics || !topics_ensure_all(workers, reads) || !topics_ensure_all(workers, setup->writes) ||
	    !topics_ensure_all(workers, setup->taps) || (setup->replies && !topic_ensure(workers, setup->replies)))
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	for (size_t i = 0; i < reads.count; i++)
		its->reads.topics[i] = simulated_find(workers->kafka, reads.names[i]);
	return true;
}

static bool group_open(struct case_workers *workers, const struct plan_group *group, struct error *error)
{
	struct workers_group *its = &workers->groups[workers->group_count++];
	its->workers = workers;
	its->group.name = group->name;
	its->group.exactly_once = group->exactly_once;
	its->group.observes = group->observes;
	its->group.worker_count = 1;
	its->group.board = workers->board;
	its->group.reads.arena = its->group.writes.arena = its->group.taps.arena = workers->lasting;
	if (!setup_make(its, error))
		return false;
	its->platform = (struct worker_platform){.loop_open = platform_loop,
						 .consumer_open = platform_consumer,
						 .output_open = platform_output,
						 .archive_open = platform_archive,
						 .best_effort_open = platform_best_effort,
						 .context = its};
	its->config = (struct worker_config){
		.consumer = {.group = its->group.name, .instance = its->group.name},
		.transaction = {.id = its->group.exactly_once ? its->group.name : NULL},
		.setup = *its->group.setup,
		.limits = worker_limits_usual,
		.time_is_virtual = true,
		.partition_state = {.bytes_max = STATE_BYTES, .snapshot_ms = SNAPSHOT_MS, .snapshot_changes = SNAPSHOT_CHANGES},
		.platform = &its->platform,
		.alert_judged = on_alert_judged,
		.alert_context = its,
	};
	its->free_us = workers->now_us;
	its->host = simulated_host_open(workers->kafka, its->group.name);
	its->worker = its->host ? worker_open(&its->config, error) : NULL;
	if (!its->worker && error->kind == ERROR_NONE)
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	return its->worker;
}

static bool groups_open(struct case_workers *workers, struct error *error)
{
	const struct plan *plan = &workers->revision->plan;
	struct plan_group groups[PLAN_GROUPS_MAX];
	workers->groups = ARENA_ARRAY(workers->lasting, struct workers_group, plan->count * PLAN_GROUPS_MAX);
	for (size_t i = 0; workers->groups && i < plan->count; i++)
		for (size_t j = 0; j < plan_pipeline_groups(&plan->pipelines[i], groups); j++)
			if (!group_named(workers, groups[j].name) && !group_open(workers, &groups[j], error))
				return false;
	return workers->groups || error_memory(error, ERROR_SYSTEM, "preparing workers");
}

/* How long a join of the pipelines waits for what has not come. */
static int64_t longest_window_ms(const struct plan *plan)
{
	int64_t longest_ms = 0;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const struct externals *both[] = {&pipeline->graph->inputs, &pipeline->graph->triggers};
		for (size_t j = 0; j < 2; j++)
			if (both[j]->count > 1 && both[j]->window_ms > longest_ms)
				longest_ms = both[j]->window_ms;
		for (size_t j = 0; j < pipeline->stage_count; j++) {
			const struct graph_part *part = pipeline->stages[j].graph->part;
			if (part && part->parent_count > 1 && part->window_ms > longest_ms)
				longest_ms = part->window_ms;
		}
	}
	return longest_ms;
}

/* The first fault says why files are refused. */
static void case_workers_on_faults(void *context, const struct faults *faults)
{
	struct error *error = context;
	for (size_t i = 0; i < faults_total(faults) && error->kind == ERROR_NONE; i++) {
		const struct fault *fault = faults_at(faults, i);
		if (fault->code->severity == SEVERITY_ERROR)
			error_set(error, ERROR_CONFIG, fault->place, "%s", fault->message);
	}
}

static void case_workers_on_note(void *context, const char *line)
{
	(void)context, (void)line;
}

static bool revision_make(struct case_workers *workers, struct error *error)
{
	const struct case_workers_config *config = workers->config;
	const struct revision_options files = {.kinds = config->kinds,
					       .names = config->arena,
					       .report = {.faults = case_workers_on_faults,
							  .note = case_workers_on_note,
							  .warning = case_workers_on_note,
							  .context = error},
					       .paths = &config->files->pipeline,
					       .path_count = 1,
					       .secrets = config->files->secrets,
					       .built_in = STUB_ADDRESS,
					       .built_in_only = true,
					       .servers = stub_file_offered(&config->files->stubs, STUB_ADDRESS, config->arena),
					       .namespace_forced = NAMESPACE,
					       .models_asked = config->models_asked,
					       .lineage_full = true,
					       .insecure = true};
	workers->revision = revision_open(&files, error);
	if (workers->revision)
		*error = (struct error){0}; /* a pipeline that is refused alone is left out */
	return workers->revision != NULL;
}

static bool open_all(struct case_workers *workers, struct error *error)
{
	const struct simulated_config kafka = {.seed = SEED, .even = true};
	workers->now_us = BEGIN_US;
	workers->lasting = arena_open(LASTING_BYTES_MAX);
	workers->board = verdict_board_open();
	workers->kafka = simulated_open(&kafka);
	case_stubs_open(&workers->stubs, workers->config->files, workers->lasting);
	workers->engine_config = (struct engine_config){.kinds = workers->config->kinds,
							.workers = 1,
							.wire = &case_stubs_wire,
							.wire_context = &workers->stubs,
							.seed = SEED};
	if (!workers->lasting || !workers->board || !workers->kafka)
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	simulated_advance(workers->kafka, workers->now_us);
	if (!revision_make(workers, error))
		return false;
	workers->stubs.plan = &workers->revision->plan;
	workers->quiet_ms = longest_window_ms(&workers->revision->plan) + QUIET_MS;
	if (!topics_of_plan(workers))
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	if (!groups_open(workers, error))
		return false;
	writers_find(workers);
	return true;
}

struct case_workers *case_workers_open(const struct case_workers_config *config, struct error *error)
{
	assert(config->arena);
	struct case_workers *workers = ARENA_NEW(config->arena, struct case_workers);
	if (!workers)
		return error_null(error_memory(error, ERROR_SYSTEM, "preparing workers"));
	workers->config = config;
	if (open_all(workers, error))
		return workers;
	case_workers_close(workers);
	return NULL;
}

const struct plan *case_workers_plan(const struct case_workers *workers)
{
	return &workers->revision->plan;
}

int64_t case_workers_took_ms(const struct case_workers *workers)
{
	return (workers->last_us - START_US) / MS;
}

void case_workers_close(struct case_workers *workers)
{
	if (!workers)
		return;
	for (size_t i = 0; i < workers->group_count; i++)
		worker_close(workers->groups[i].worker);
	simulated_close(workers->kafka);
	revision_close(workers->revision);
	verdict_board_close(workers->board);
	arena_close(workers->lasting);
}

/* ---- running ---- */

static int64_t group_due_us(const struct workers_group *its)
{
	int64_t wake_ms = loop_wake_ms(its->loop);
	int64_t due_us = wake_ms == INT64_MAX ? INT64_MAX : wake_ms * MS;
	return due_us > its->free_us ? due_us : its->free_us;
}

static int64_t next_due_us(const struct case_workers *workers)
{
	int64_t due_us = simulated_due_us(workers->kafka);
	for (size_t i = 0; i < workers->group_count; i++) {
		const int64_t its_us = group_due_us(&workers->groups[i]);
		due_us = its_us < due_us ? its_us : due_us;
	}
	return due_us;
}

/* Lets what is due next happen. */
static bool case_workers_step(struct case_workers *workers, struct error *error)
{
	const int64_t due_us = next_due_us(workers);
	workers->now_us = due_us > workers->now_us ? due_us : workers->now_us;
	simulated_advance(workers->kafka, workers->now_us);
	for (size_t i = 0; i < workers->group_count; i++) {
		struct workers_group *its = &workers->groups[i];
		bool over = false;
		if (group_due_us(its) > workers->now_us)
			continue;
		loop_wake(its->loop, workers->now_us / MS);
		if (!worker_turn(its->worker, &over, error))
			return false;
		its->free_us = workers->now_us + TURN_US;
	}
	return !simulated_failed(workers->kafka) || error_memory(error, ERROR_SYSTEM, "simulating Kafka");
}

static bool have_partitions(const struct case_workers *workers)
{
	bool have = true;
	for (size_t i = 0; i < workers->group_count; i++)
		have &= worker_has_partitions(workers->groups[i].worker);
	return have;
}

/* Runs until the groups have their partitions, and to the time at which requests are sent. */
static bool join_all(struct case_workers *workers, struct error *error)
{
	while (!have_partitions(workers) || next_due_us(workers) < START_US)
		if (!case_workers_step(workers, error) || workers->now_us > START_US)
			return error->kind != ERROR_NONE ? false
							 : error_set(error, ERROR_SYSTEM, PLACE_NONE,
								     "the simulated Kafka gave a group no partitions");
	workers->now_us = START_US;
	simulated_advance(workers->kafka, workers->now_us);
	return true;
}

static bool send_one(struct case_workers *workers, const struct case_send *send, struct error *error)
{
	const struct pipeline_plan *pipeline = plan_find(&workers->revision->plan, send->pipeline);
	struct outgoing outgoing = {.key = send->request->key, .value = send->request->body};
	if (!pipeline)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "there is no pipeline `%s` to send to", send->pipeline);
	struct simulated_topic *topic = simulated_find(workers->kafka, pipeline->topics[0].name);
	const int64_t now_ms = LOOP_VIRTUAL_EPOCH_MS + workers->now_us / MS;
	const bool made = case_send_headers(send, now_ms, workers->lasting, &outgoing.headers);
	const int64_t offset = made ? simulated_append(workers->kafka, topic, &outgoing) : -1;
	return (offset >= 0 && case_origins_sent(&workers->origins, topic, offset, send, workers->sends->count)) ||
	       error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
}

static bool read_all(struct case_workers *workers, struct error *error)
{
	for (size_t i = 0; i < workers->points->count; i++) {
		struct workers_point *reading = &workers->readings[i];
		struct record record;
		while (reading->topic && simulated_read(reading->topic, 0, reading->offset, &record)) {
			struct case_came came;
			reading->offset = record.offset + 1;
			if (!case_record_read(&workers->points->items[i], &record, workers->config->arena, &came, error))
				return false;
			case_came_take(workers->results, &workers->points->items[i],
				       case_origins_find(&workers->origins, reading->topic, record.offset), &came);
		}
	}
	return true;
}

/* Whether the workers have let go of all that they took, and no model is asked. */
static bool is_idle(const struct case_workers *workers)
{
	bool idle = workers->stubs.outstanding == 0;
	for (size_t i = 0; i < workers->group_count; i++) {
		const struct worker_counts counts = worker_counts(workers->groups[i].worker);
		idle &= counts.taken == counts.released + counts.dropped_in_flight;
	}
	return idle;
}

/* Runs until all is idle, and nothing has happened for a time. A step may be long: what ended with it ended just now. */
static bool run_until_quiet(struct case_workers *workers, int64_t quiet_ms, struct error *error)
{
	workers->last_us = workers->now_us;
	while (workers->now_us - workers->last_us <= quiet_ms * MS) {
		const bool was_idle = is_idle(workers);
		if (!case_workers_step(workers, error))
			return false;
		const uint64_t changes = simulated_change_count(workers->kafka);
		if (changes != workers->changes && !read_all(workers, error))
			return false;
		const bool happened = changes != workers->changes || workers->stubs.attempts != workers->attempts;
		workers->events += happened;
		if (workers->events > CASE_EVENTS_MAX || workers->now_us - START_US > CASE_DAYS_MAX * DAY_US)
			return error_set(error, ERROR_LIMIT, PLACE_NONE, "%s does not end", workers->config->files->folder);
		if (happened || !was_idle || !is_idle(workers))
			workers->last_us = workers->now_us;
		workers->changes = changes;
		workers->attempts = workers->stubs.attempts;
	}
	return true;
}

/* What an observer has seen marks later messages: there it is to have seen all that came before. */
static bool has_observer(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].graph->count; j++)
			if (plan->pipelines[i].graph->steps[j].key)
				return true;
	return false;
}

static bool readings_open(struct case_workers *workers, const struct case_points *points)
{
	workers->points = points;
	workers->readings = ARENA_ARRAY(workers->lasting, struct workers_point, points->count);
	for (size_t i = 0; workers->readings && i < points->count; i++)
		if (points->items[i].topic)
			workers->readings[i].topic = simulated_find(workers->kafka, points->items[i].topic->name);
	return workers->readings;
}

static bool send_all(struct case_workers *workers, struct error *error)
{
	const struct plan *plan = &workers->revision->plan;
	const bool one_by_one = has_observer(plan);
	for (size_t i = 0; i < workers->sends->count; i++) {
		const struct case_send *send = &workers->sends->items[i];
		const struct pipeline_plan *pipeline = send->pipeline ? plan_find(plan, send->pipeline) : NULL;
		if (pipeline)
			case_alerts_await(workers->results, pipeline->graph, send->request->id, i);
		if (send->pipeline && (!send_one(workers, send, error) ||
				       (one_by_one && !run_until_quiet(workers, QUIET_BETWEEN_MS, error))))
			return false;
	}
	return true;
}

/* A case without all its records would be judged, and printed, as if its steps had given less. */
static bool taps_are_whole(const struct case_workers *workers, struct error *error)
{
	uint64_t lost = 0;
	for (size_t i = 0; i < workers->group_count; i++)
		lost += worker_counts(workers->groups[i].worker).taps_lost;
	return lost == 0 || error_set(error, ERROR_LIMIT, PLACE_NONE, "%llu records of step topics were left out: memory ran out",
				      (unsigned long long)lost);
}

bool case_workers_run(struct case_workers *workers, const struct case_sends *sends, const struct case_points *points,
		      struct case_results *results, struct error *error)
{
	workers->sends = sends;
	workers->results = results;
	if (!readings_open(workers, points))
		return error_memory(error, ERROR_SYSTEM, "reading a case's topics");
	if (!join_all(workers, error) || !send_all(workers, error) || !run_until_quiet(workers, workers->quiet_ms, error))
		return false;
	case_stubs_count(&workers->stubs, results);
	if (simulated_failed(workers->kafka) || workers->stubs.failed || results->failed)
		return error_memory(error, ERROR_SYSTEM, "running a case");
	return taps_are_whole(workers, error);
}
