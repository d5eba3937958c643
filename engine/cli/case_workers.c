/* case_workers.c: see case_workers.h. The clocks of Kafka and of all loops are one, and work takes no time. */
#include "cli/case_workers.h"

#include "base/memory.h"
#include "observe/verdict_board.h"
#include "runtime/group_setup.h"
#include "simulation/case_stubs.h"
#include "simulation/simulated_kafka.h"

#define MS INT64_C(1000) /* in microseconds */
#define TURN_US 20	 /* between two turns of a worker that has work */
#define BEGIN_US ((CASE_START_MS - LOOP_VIRTUAL_EPOCH_MS) * MS)
#define JOIN_US (60000 * MS) /* for all groups to have their partitions; it takes some seconds */
#define LASTING_BYTES_MAX ((size_t)1 << 30)
#define STATE_BYTES ((size_t)256 << 20)
#define SNAPSHOT_MS 60000
#define SNAPSHOT_CHANGES 1000
#define ORIGINS_MAX 256 /* stages of pipelines that read each other, one after the other */
#define TOPIC_BYTES 256
#define QUIET_BETWEEN_MS 200 /* between two requests that are sent one by one: a commit, and a turn of a consumer */
#define SEED 1			    /* the same for all cases */
#define STUB_ADDRESS "http://stub" /* nothing connects to it */

struct workers_point {
	struct simulated_topic *topic; /* NULL: there is none */
	int64_t offset;
	bool requests;
};

/* A consumer group, with one worker. */
struct workers_group {
	struct group group;
	struct case_workers *workers;
	struct worker_config config;
	struct worker_ground ground;
	struct simulated_host *host;
	struct loop *loop;
	struct worker *worker;
	int64_t free_us; /* its next turn is not before */
};

/* A request, where it was sent. */
struct workers_sent {
	const struct simulated_topic *topic;
	int64_t offset;
};

struct case_workers {
	const struct case_engine_config *config;
	struct engine_config engine_config;
	struct revision *revision;
	struct arena *lasting;
	struct simulated_kafka *kafka;
	struct verdict_board *board;
	struct case_stubs stubs;
	size_t group_count;
	struct workers_group *groups;
	atomic_size_t users;
	struct workers_point *points;
	struct workers_sent *sent;
	size_t sent_count;
	int64_t now_us, last_us; /* when the last record came */
};

/* ---- platform ---- */

static struct loop *ground_loop(void *context, struct error *error)
{
	struct workers_group *its = context;
	return its->loop = loop_open_virtual(its->workers->now_us / MS, error);
}

static struct consumer *ground_consumer(void *context, struct loop *loop, const struct consumer_config *config, struct error *error)
{
	const struct workers_group *its = context;
	return simulated_consumer_open(its->host, loop, config, error);
}

static struct output *ground_output(void *context, struct loop *loop, const struct transaction_config *config,
				    const struct consumer *consumer, struct error *error)
{
	const struct workers_group *its = context;
	return simulated_output_open(its->host, loop, config, consumer, error);
}

static struct archive *ground_archive(void *context, struct loop *loop, const struct archive_config *config,
				      const struct consumer *consumer, struct error *error)
{
	const struct workers_group *its = context;
	(void)config;
	return simulated_archive_open(its->host, loop, consumer, error);
}

static struct best_effort *ground_best_effort(void *context, const struct best_effort_config *config, struct error *error)
{
	const struct workers_group *its = context;
	(void)config;
	return simulated_best_effort_open(its->host, error);
}

/* ---- which request made it ---- */

static const struct case_send *sent_at(const struct case_workers *workers, const struct simulated_topic *topic, int64_t offset)
{
	for (size_t i = 0; i < workers->sent_count; i++)
		if (workers->sent[i].offset == offset && workers->sent[i].topic == topic)
			return &workers->config->sends[i];
	return NULL;
}

/* The group whose pipeline writes to a topic. */
static const struct workers_group *group_writing(const struct case_workers *workers, struct text topic)
{
	const struct plan *plan = &workers->revision->plan;
	const char *name = NULL;
	for (size_t i = 0; i < plan->count && !name; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count && !name; j++)
			if (!plan->pipelines[i].topics[j].bound && text_is(topic, plan->pipelines[i].topics[j].name))
				name = plan->pipelines[i].group;
	for (size_t i = 0; name && i < workers->group_count; i++)
		if (strcmp(workers->groups[i].group.name, name) == 0)
			return &workers->groups[i];
	return NULL;
}

/* Follows what a record answers back to a request. NULL: there is none. */
static const struct case_send *request_behind(const struct case_workers *workers, const struct simulated_topic *topic,
					      int64_t offset)
{
	for (int depth = 0; topic && depth < ORIGINS_MAX; depth++) {
		const struct case_send *found = sent_at(workers, topic, offset);
		const struct workers_group *its = found ? NULL : group_writing(workers, simulated_topic_name(topic));
		if (!its)
			return found;
		const struct position origin = simulated_origin(topic, 0, offset);
		if (origin.offset < 0 || origin.topic >= its->group.reads.count)
			return NULL;
		topic = simulated_find(workers->kafka, its->group.reads.names[origin.topic]);
		offset = origin.offset;
	}
	return NULL;
}

static void on_alert_judged(void *context, const struct message *message, const char *name, bool held)
{
	const struct case_workers *workers = ((const struct workers_group *)context)->workers;
	const struct origin *origin = &message_root(message)->origin;
	char topic[TOPIC_BYTES];
	snprintf(topic, sizeof topic, TEXT_FORMAT, TEXT_ARGUMENTS(origin->topic));
	const struct case_send *of = request_behind(workers, simulated_find(workers->kafka, topic), origin->offset);
	if (of)
		workers->config->alert_judged(workers->config->context, of, name, held);
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
	bool good = true;
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++)
			good = good && topic_ensure(workers, plan->pipelines[i].topics[j].name);
	return good;
}

static bool setup_make(struct workers_group *its, struct error *error)
{
	struct case_workers *workers = its->workers;
	struct worker_setup *setup = group_setup_make(&its->group, workers->revision, &workers->engine_config, &workers->users,
						      workers->revision->arena, workers->lasting, error);
	if (!setup)
		return false;
	group_setup_follow(&its->group, setup);
	return (topics_ensure_all(workers, setup->reads) && topics_ensure_all(workers, setup->writes) &&
		topics_ensure_all(workers, setup->taps) && (!setup->replies || topic_ensure(workers, setup->replies))) ||
	       error_memory(error, ERROR_SYSTEM, "preparing workers");
}

static bool group_open(struct case_workers *workers, const struct pipeline_plan *pipeline, struct error *error)
{
	struct workers_group *its = &workers->groups[workers->group_count++];
	its->workers = workers;
	its->group.name = pipeline->group;
	its->group.exactly_once = pipeline->delivery == DELIVERY_EXACTLY_ONCE;
	its->group.worker_count = 1;
	its->group.board = workers->board;
	its->group.reads.arena = its->group.writes.arena = its->group.taps.arena = workers->lasting;
	if (!setup_make(its, error))
		return false;
	its->ground = (struct worker_ground){.loop_open = ground_loop,
					     .consumer_open = ground_consumer,
					     .output_open = ground_output,
					     .archive_open = ground_archive,
					     .best_effort_open = ground_best_effort,
					     .context = its};
	its->config = (struct worker_config){
		.consumer = {.group = its->group.name, .instance = its->group.name},
		.transaction = {.id = its->group.exactly_once ? its->group.name : NULL},
		.setup = *its->group.setup,
		.limits = worker_limits_usual,
		.partition_state = {.bytes_max = STATE_BYTES, .snapshot_ms = SNAPSHOT_MS, .snapshot_changes = SNAPSHOT_CHANGES},
		.ground = &its->ground,
		.alert_judged = on_alert_judged,
		.alert_context = its,
	};
	its->free_us = workers->now_us;
	its->host = simulated_host_open(workers->kafka, its->group.name);
	its->worker = its->host ? worker_open(&its->config, error) : NULL;
	return its->worker || error->kind != ERROR_NONE || error_memory(error, ERROR_SYSTEM, "preparing workers");
}

static bool has_group(const struct case_workers *workers, const char *name)
{
	size_t i = 0;
	while (i < workers->group_count && strcmp(workers->groups[i].group.name, name) != 0)
		i++;
	return i < workers->group_count;
}

static bool groups_open(struct case_workers *workers, struct error *error)
{
	const struct plan *plan = &workers->revision->plan;
	workers->groups = ARENA_ARRAY(workers->lasting, struct workers_group, plan->count);
	for (size_t i = 0; workers->groups && i < plan->count; i++)
		if (!has_group(workers, plan->pipelines[i].group) && !group_open(workers, &plan->pipelines[i], error))
			return false;
	return workers->groups || error_memory(error, ERROR_SYSTEM, "preparing workers");
}

static bool points_open(struct case_workers *workers, struct error *error)
{
	const struct case_engine_config *config = workers->config;
	workers->points = ARENA_ARRAY(workers->lasting, struct workers_point, config->point_count);
	for (size_t i = 0; workers->points && i < config->point_count; i++) {
		const struct topic *topic = case_engine_topic(&workers->revision->plan, config->points[i]);
		if (topic)
			workers->points[i] = (struct workers_point){.topic = simulated_find(workers->kafka, topic->name),
								    .requests = topic->role == TOPIC_INPUTS};
	}
	return workers->points || error_memory(error, ERROR_SYSTEM, "reading a case's topics");
}

/* The first fault says why files are refused. */
static void on_faults(void *context, const struct faults *faults)
{
	struct error *error = context;
	for (size_t i = 0; i < faults_total(faults) && error->kind == ERROR_NONE; i++) {
		const struct fault *fault = faults_at(faults, i);
		if (fault->code->severity == SEVERITY_ERROR)
			error_set(error, ERROR_CONFIG, fault->place, "%s", fault->message);
	}
}

static void on_note(void *context, const char *line)
{
	(void)context, (void)line;
}

static bool revision_make(struct case_workers *workers, struct error *error)
{
	const struct case_engine_config *config = workers->config;
	const struct revision_options files = {
		.kinds = config->session->kinds,
		.names = config->session->arena,
		.report = {.faults = on_faults, .note = on_note, .context = error},
		.paths = &config->pipeline,
		.path_count = 1,
		.built_in = STUB_ADDRESS,
		.built_in_only = true,
		.servers = case_stubs_offered(workers->stubs.world->files, STUB_ADDRESS, config->arena),
		.namespace_forced = config->namespace,
		.models_asked = config->models_asked,
		.lineage_full = true,
		.insecure = true};
	workers->revision = revision_open(&files, error);
	if (workers->revision)
		*error = (struct error){0}; /* a pipeline that is refused alone is left out */
	return workers->revision != NULL;
}

static bool open_all(struct case_workers *workers, struct case_world *played, struct error *error)
{
	const struct simulated_config kafka = {.seed = SEED, .even = true};
	workers->now_us = BEGIN_US;
	workers->lasting = arena_open(LASTING_BYTES_MAX);
	workers->board = verdict_board_open();
	workers->kafka = simulated_open(&kafka);
	workers->stubs = (struct case_stubs){.world = played, .arena = workers->lasting};
	workers->engine_config = (struct engine_config){.kinds = workers->config->session->kinds,
							.workers = 1,
							.wire = &case_stubs_wire,
							.wire_context = &workers->stubs,
							.seed = SEED};
	if (!workers->lasting || !workers->board || !workers->kafka)
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	simulated_advance(workers->kafka, workers->now_us);
	if (!revision_make(workers, error))
		return false;
	if (!topics_of_plan(workers))
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	return groups_open(workers, error) && points_open(workers, error);
}

struct case_workers *case_workers_open(const struct case_engine_config *config, struct case_world *played,
				       struct error *error)
{
	struct case_workers *workers = ARENA_NEW(config->arena, struct case_workers);
	if (!workers) {
		error_memory(error, ERROR_SYSTEM, "preparing workers");
		return NULL;
	}
	workers->config = config;
	if (open_all(workers, played, error))
		return workers;
	case_workers_close(workers);
	return NULL;
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

/* Lets what is due next happen. */
static bool step(struct case_workers *workers, struct error *error)
{
	int64_t due_us = simulated_due_us(workers->kafka);
	for (size_t i = 0; i < workers->group_count; i++) {
		int64_t its_us = group_due_us(&workers->groups[i]);
		due_us = its_us < due_us ? its_us : due_us;
	}
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
	return true;
}

static bool have_partitions(const struct case_workers *workers)
{
	bool have = true;
	for (size_t i = 0; i < workers->group_count; i++)
		have &= worker_has_partitions(workers->groups[i].worker);
	return have;
}

static bool send_next(struct case_workers *workers, struct error *error)
{
	const struct case_engine_config *config = workers->config;
	const struct case_send *send = &config->sends[workers->sent_count];
	const struct pipeline_plan *pipeline = plan_find(&workers->revision->plan, send->pipeline);
	struct outgoing outgoing = {.key = send->key, .value = send->body};
	if (!pipeline)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "there is no pipeline `%s` to send to", send->pipeline);
	struct simulated_topic *topic = simulated_find(workers->kafka, pipeline->topics[0].name);
	bool made = case_send_headers(config, send, LOOP_VIRTUAL_EPOCH_MS + workers->now_us / MS, &outgoing.headers);
	int64_t offset = made ? simulated_append(workers->kafka, topic, &outgoing) : -1;
	if (offset < 0)
		return error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
	workers->sent[workers->sent_count++] = (struct workers_sent){topic, offset};
	return true;
}

static bool read_all(struct case_workers *workers, struct error *error)
{
	for (size_t i = 0; i < workers->config->point_count; i++) {
		struct workers_point *point = &workers->points[i];
		struct record record;
		while (point->topic && simulated_read(point->topic, 0, point->offset, &record)) {
			point->offset = record.offset + 1;
			workers->last_us = workers->now_us;
			const struct case_send *of = request_behind(workers, point->topic, record.offset);
			if (!case_record_take(workers->config, i, point->requests, &record, of, error))
				return false;
		}
	}
	return true;
}

static bool join_all(struct case_workers *workers, struct error *error)
{
	while (!have_partitions(workers))
		if (!step(workers, error) || workers->now_us - BEGIN_US > JOIN_US)
			return error->kind != ERROR_NONE ? false
							 : error_set(error, ERROR_SYSTEM, PLACE_NONE,
								     "the simulated Kafka gave a group no partitions");
	return true;
}

/* Whether the workers have let go of all that they took. */
static bool is_idle(const struct case_workers *workers)
{
	bool idle = true;
	for (size_t i = 0; i < workers->group_count; i++) {
		const struct worker_counts counts = worker_counts(workers->groups[i].worker);
		idle &= counts.taken == counts.released + counts.dropped_in_flight;
	}
	return idle;
}

/* Runs until nothing has come for a time, and what was awaited has come; or until it has taken too long. */
static bool run_until_quiet(struct case_workers *workers, int64_t quiet_ms, bool (*done)(const struct case_workers *workers),
			    struct error *error)
{
	uint64_t changes = 0;
	int64_t begun_us = workers->last_us = workers->now_us;
	while (workers->now_us - begun_us < workers->config->patience_ms * MS) {
		if (!step(workers, error))
			return false;
		if (simulated_changes(workers->kafka) != changes && !read_all(workers, error))
			return false;
		changes = simulated_changes(workers->kafka);
		if (workers->now_us - workers->last_us > quiet_ms * MS && done(workers))
			break;
	}
	return true;
}

static bool is_complete(const struct case_workers *workers)
{
	return workers->config->complete(workers->config->context);
}

bool case_workers_run(struct case_workers *workers, struct error *error)
{
	const struct case_engine_config *config = workers->config;
	workers->sent = ARENA_ARRAY(workers->lasting, struct workers_sent, config->send_count);
	if (!workers->sent)
		return error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
	if (!join_all(workers, error))
		return false;
	while (workers->sent_count < config->send_count)
		if (!send_next(workers, error) ||
		    (config->one_by_one && !run_until_quiet(workers, QUIET_BETWEEN_MS, is_idle, error)))
			return false;
	return run_until_quiet(workers, config->quiet_ms, is_complete, error) &&
	       (!simulated_failed(workers->kafka) || error_memory(error, ERROR_SYSTEM, "running a case"));
}

int64_t case_workers_calls(const struct case_workers *workers, const char *model)
{
	return case_stubs_calls(&workers->stubs, model);
}
