/* case_engine.c: see case_engine.h. A timer of the engine's loop sends requests and reads answers. The model servers
 * run on that loop too. */
#include "tools/test/case_engine.h"

#include <stdio.h>

#include "kafka/consume/reader.h"
#include "kafka/produce/sender.h"
#include "engine/run/engine.h"
#include "engine/setup/revision_topics.h"
#include "models/server/model_server.h"

#define TICK_MS 20
#define SEND_MS 10000 /* for Kafka to accept a request */
#define DRAIN_MS 2000
#define COMMIT_MS 10
#define INCOMPLETE_MS 20000 /* time without records after which missing answers count as missing */
#define MEMORY_BYTES ((size_t)256 << 20)
#define STATE_BYTES ((size_t)256 << 20)
#define ADDRESS_BYTES 64
#define REQUEST_BYTES_MAX "64000000"

struct case_engine {
	const struct case_engine_config *config;
	struct loop *loop;
	struct model_server *models;
	char address[ADDRESS_BYTES];
	struct engine_config engine_config;
	struct engine *engine;
	size_t topic_count;
	const char **topics; /* topics created for the case */
	struct case_points points;
	struct reader **readers; /* of each point; NULL: nothing can be read from its topic */
	struct sender **senders; /* by pipeline of the plan */
	size_t sender_count;
	struct loop_timer timer;
	size_t sent_count;
	bool sent, over;
	int64_t begun_ms, last_ms;
	struct error error;
};

/* ---- opening ---- */

/* One partition is enough: requests of a case are in one order. */
static bool make_topics(struct case_engine *engine, const struct revision *revision, struct error *error)
{
	const struct property largest = {"max.message.bytes", REQUEST_BYTES_MAX};
	struct wanted_topics wanted;
	if (!revision_topics(revision, (struct properties){1, &largest}, false, (struct name_list){0}, false, &wanted, error))
		return false;
	struct wanted_topic *items = ARENA_ARRAY(revision->arena, struct wanted_topic, wanted.count);
	engine->topics = ARENA_ARRAY(engine->config->arena, const char *, wanted.count);
	for (size_t i = 0; items && engine->topics && i < wanted.count; i++) {
		const char *name = wanted.items[i].name;
		items[i] = wanted.items[i];
		items[i].partitions = 1;
		items[i].replication = 0;
		if (!items[i].bound && (name = arena_copy(engine->config->arena, name, strlen(name))) != NULL)
			engine->topics[engine->topic_count++] = name;
	}
	if (arena_failed(revision->arena) || arena_failed(engine->config->arena))
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	wanted.items = items;
	return topics_ensure(engine->config->brokers, engine->engine_config.producer, wanted, true, NULL, error);
}

static bool open_readers(struct case_engine *engine, const struct plan *plan, struct error *error)
{
	const struct case_engine_config *config = engine->config;
	if (!case_points_find(&engine->points, plan, config->files, config->sends, false, config->arena, error))
		return false;
	engine->readers = ARENA_ARRAY(config->arena, struct reader *, engine->points.count);
	if (!engine->readers)
		return error_memory(error, ERROR_SYSTEM, "reading a case's topics");
	for (size_t i = 0; i < engine->points.count; i++) {
		const struct topic *topic = engine->points.items[i].topic;
		const struct reader_config reader = {
			.brokers = config->brokers, .topic = topic ? topic->name : NULL, .from_beginning = true};
		struct reader_config *kept = ARENA_NEW(config->arena, struct reader_config);
		if (!topic)
			continue;
		if (!kept)
			return error_memory(error, ERROR_SYSTEM, "reading a case's topics");
		*kept = reader;
		if (!(engine->readers[i] = reader_open(kept, error)))
			return false;
	}
	return true;
}

static void case_engine_on_refused(void *context, uint64_t number, const char *reason)
{
	struct case_engine *engine = context;
	error_set(&engine->error, ERROR_SYSTEM, PLACE_NONE, "Kafka refuses request %llu of the case: %s",
		  (unsigned long long)number, reason);
}

static bool open_senders(struct case_engine *engine, const struct plan *plan, struct error *error)
{
	static const struct property largest = {"message.max.bytes", REQUEST_BYTES_MAX};
	const struct case_engine_config *config = engine->config;
	engine->senders = ARENA_ARRAY(config->arena, struct sender *, plan->count);
	engine->sender_count = engine->senders ? plan->count : 0;
	for (size_t i = 0; engine->senders && i < config->sends->count; i++) {
		const char *name = config->sends->items[i].pipeline;
		const struct pipeline_plan *pipeline = name ? plan_find(plan, name) : NULL;
		size_t at = pipeline ? (size_t)(pipeline - plan->pipelines) : 0;
		struct sender_config *sender = ARENA_NEW(config->arena, struct sender_config);
		if (!pipeline || engine->senders[at] || !sender)
			continue;
		*sender = (struct sender_config){.brokers = config->brokers,
						 .topic = pipeline->topics[0].name,
						 .timeout_ms = SEND_MS,
						 .properties = {1, &largest},
						 .refused = case_engine_on_refused,
						 .context = engine};
		if (!(engine->senders[at] = sender_open(sender, error)))
			return false;
	}
	return !arena_failed(config->arena) || error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
}

static bool open_models(struct case_engine *engine, struct error *error)
{
	const struct case_engine_config *config = engine->config;
	struct model_server_config *models = ARENA_NEW(config->arena, struct model_server_config);
	if (!models)
		return error_memory(error, ERROR_SYSTEM, "serving the models of a case");
	*models = (struct model_server_config){.paths = &config->files->pipeline, .path_count = 1, .stubs = config->files->folder};
	engine->models = model_server_open(config->workspace, engine->loop, models, error);
	if (engine->models)
		snprintf(engine->address, sizeof engine->address, "grpc://127.0.0.1:%d", model_server_grpc_port(engine->models));
	return engine->models;
}

static void close_clients(struct case_engine *engine)
{
	for (size_t i = 0; engine->readers && i < engine->points.count; i++)
		reader_close(engine->readers[i]);
	for (size_t i = 0; i < engine->sender_count; i++)
		sender_close(engine->senders[i]);
	engine->readers = NULL;
	engine->sender_count = 0;
}

static bool open_all(struct case_engine *engine, struct error *error)
{
	const struct case_engine_config *config = engine->config;
	struct revision_options files = {.paths = &config->files->pipeline,
					 .path_count = 1,
					 .secrets = config->files->secrets,
					 .built_in = engine->address,
					 .built_in_only = true,
					 .namespace_forced = config->namespace,
					 .lineage_full = true,
					 .insecure = true};
	if (!(engine->loop = loop_open(error)) || !open_models(engine, error))
		return false;
	files.servers = stub_file_offered(&config->files->stubs, engine->address, config->arena);
	struct revision *revision = revision_open_in_workspace(config->workspace, &files, error);
	if (!revision)
		return false;
	engine->engine_config = (struct engine_config){.brokers = config->brokers,
						       .instance = config->namespace,
						       .kinds = config->workspace->kinds,
						       .workers = 1,
						       .memory_bytes = MEMORY_BYTES,
						       .state_bytes = STATE_BYTES,
						       .commit_ms = COMMIT_MS,
						       .drain_ms = DRAIN_MS,
						       .log = config->log,
						       .loop = engine->loop};
	if (make_topics(engine, revision, error) && open_readers(engine, &revision->plan, error) &&
	    open_senders(engine, &revision->plan, error))
		return (engine->engine = engine_open(revision, &engine->engine_config, error)) != NULL;
	close_clients(engine); /* they borrow the names of their topics */
	revision_close(revision);
	return false;
}

struct case_engine *case_engine_open(const struct case_engine_config *config, struct error *error)
{
	assert(config->arena && config->workspace && config->log);
	struct case_engine *engine = ARENA_NEW(config->arena, struct case_engine);
	if (!engine)
		return error_null(error_memory(error, ERROR_SYSTEM, "preparing an engine"));
	engine->config = config;
	if (open_all(engine, error))
		return engine;
	case_engine_close(engine);
	return NULL;
}

void case_engine_close(struct case_engine *engine)
{
	if (!engine)
		return;
	struct error left = {0}; /* a case is judged by its answers, not by topics that remain */
	close_clients(engine);
	engine_close(engine->engine);
	if (engine->topic_count > 0)
		(void)topics_remove(engine->config->brokers, engine->engine_config.producer, engine->topics, engine->topic_count,
				    &left);
	model_server_close(engine->models);
	loop_close(engine->loop);
}

/* ---- sending ---- */

static bool send_all(struct case_engine *engine)
{
	const struct case_engine_config *config = engine->config;
	const struct plan *plan = &engine_revision(engine->engine)->plan;
	for (size_t i = 0; i < config->sends->count; i++) {
		const struct case_send *send = &config->sends->items[i];
		const struct pipeline_plan *pipeline = send->pipeline ? plan_find(plan, send->pipeline) : NULL;
		struct outgoing outgoing = {.key = send->request->key, .value = send->request->body};
		if (!send->pipeline)
			continue;
		if (!pipeline)
			return error_set(&engine->error, ERROR_CONFIG, PLACE_NONE, "there is no pipeline `%s` to send to",
					 send->pipeline);
		if (!case_send_headers(send, loop_time_of_day_ms(engine->loop), config->arena, &outgoing.headers))
			return error_memory(&engine->error, ERROR_SYSTEM, "sending the requests of a case");
		if (!sender_send(engine->senders[pipeline - plan->pipelines], &outgoing, i, &engine->error))
			return false;
		engine->sent_count++;
	}
	return true;
}

static bool is_settled(struct case_engine *engine)
{
	bool settled = true;
	for (size_t i = 0; i < engine->sender_count; i++)
		if (engine->senders[i])
			settled &= sender_settled(engine->senders[i], 0);
	return settled;
}

/* Whether the workers have taken and released every request that Kafka accepted. */
static bool is_idle(struct case_engine *engine)
{
	const struct plan *plan = &engine_revision(engine->engine)->plan;
	uint64_t taken = 0, entered = 0, left = 0;
	struct engine_counts counts;
	for (size_t i = 0; i < plan->count; i++)
		if (engine_counts(engine->engine, plan->pipelines[i].graph->name, &counts)) {
			taken += counts.sums.taken - counts.called;
			entered += counts.entered;
			left += counts.sums.released;
		}
	return is_settled(engine) && taken >= engine->sent_count && entered == left;
}

/* ---- reading ---- */

static bool read_all(struct case_engine *engine)
{
	const struct case_engine_config *config = engine->config;
	for (size_t i = 0; i < engine->points.count; i++) {
		const struct case_point *point = &engine->points.items[i];
		for (struct record record = {.held = NULL}; engine->readers[i];) {
			struct case_came came;
			if (!reader_next(engine->readers[i], 0, &record, &engine->error))
				return false;
			if (!record.held)
				break;
			const bool read = case_record_read(point, &record, config->arena, &came, &engine->error);
			engine->last_ms = loop_now_ms(engine->loop);
			record_release(&record);
			if (!read)
				return false;
			config->came(config->context, point, i, &came);
		}
	}
	return true;
}

/* ---- the clock ---- */

static bool is_over(struct case_engine *engine)
{
	int64_t now_ms = loop_now_ms(engine->loop);
	int64_t quiet_ms = now_ms - engine->last_ms;
	bool complete = engine->config->complete(engine->config->context);
	if (is_idle(engine) && quiet_ms >= (complete ? engine->config->quiet_ms : INCOMPLETE_MS))
		return true;
	if (now_ms - engine->begun_ms < engine->config->patience_ms)
		return false;
	error_set(&engine->error, ERROR_LIMIT, PLACE_NONE, "not all requests were done after %lld ms",
		  (long long)(now_ms - engine->begun_ms));
	return true;
}

static void case_engine_on_tick(void *context)
{
	struct case_engine *engine = context;
	bool good = engine->sent || send_all(engine);
	if (!engine->sent)
		engine->begun_ms = engine->last_ms = loop_now_ms(engine->loop);
	engine->sent = true;
	engine->over = !good || !read_all(engine) || is_over(engine) || engine->error.kind != ERROR_NONE ||
		       !loop_timer_set(engine->loop, &engine->timer, loop_now_ms(engine->loop) + TICK_MS, &engine->error);
	if (engine->over)
		engine_stop(engine->engine);
}

bool case_engine_run(struct case_engine *engine, struct error *error)
{
	engine->timer = (struct loop_timer){.due = case_engine_on_tick, .context = engine};
	bool good =
		loop_timer_set(engine->loop, &engine->timer, loop_now_ms(engine->loop), error) && engine_run(engine->engine, error);
	loop_timer_stop(engine->loop, &engine->timer);
	if (engine->error.kind != ERROR_NONE) {
		*error = engine->error;
		return false;
	}
	return good && (engine->over || error_set(error, ERROR_SYSTEM, PLACE_NONE, "it was stopped"));
}

uint64_t case_engine_calls(struct case_engine *engine, const char *model, const char **name)
{
	return model_server_calls(engine->models, model, name);
}
