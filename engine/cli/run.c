/* run.c: `sluice run`: an engine on Kafka, from reading the files to the end of its workers. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include "base/duration.h"
#include "cli/command.h"
#include "cli/fetching.h"
#include "cli/gateway_service.h"
#include "cli/log_writer.h"
#include "cli/run_limits.h"
#include "cli/session_revision.h"
#include "cli/stop_signal.h"
#include "runtime/engine.h"
#include "runtime/engine_metrics.h"
#include "runtime/group_migration.h"
#include "runtime/liveness.h"
#include "runtime/revision_topics.h"
#include "runtime/state_check.h"
#include "runtime/status_publisher.h"
#include "serving/chaos.h"

#define RUN_ARENA_BYTES ((size_t)64 << 20) /* paths and settings */
#define WORKERS_MAX 256
#define HTTP_PORT 8080 /* of serviceConfig.http without one */
#define PORT_MOST 65535
#define DRAIN_LOOK_MS 50

enum topics_choice { TOPICS_CREATE, TOPICS_CHECK };

struct run_options {
	const char *namespace;
	struct kafka_asked kafka;
	int topics;
	const char *instance;
	int64_t workers;
	double memory_bytes;
	const char *state_folder;
	double state_bytes;
	int64_t snapshot_ns;
	struct name_list new_state;
	struct name_list servers;
	int64_t commit_ns;
	int64_t drain_ns;
	const char *chaos;
	int64_t http_port; /* 0: not given */
	struct gateway_asked gateway;
	const char *health_socket;
	const char *metrics;
	int log_level;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(run_options, namespace),
	KAFKA_ROWS(struct run_options, kafka),
	ROW("topics", CHOICE, struct run_options, topics, .choices = "create check", .fallback = "create",
	    .help = "Whether missing topics are created, or are an error."),
	ROW("instance", TEXT, struct run_options, instance,
	    .help = "The engine's name in its groups: unique, and the same after a restart; default: the host's name."),
	ROW("workers", INTEGER, struct run_options, workers, .word = "N", .fallback = "1", .least = 1, .most = WORKERS_MAX,
	    .help = "Threads for each delivery, which share the partitions of all its pipelines."),
	ROW("memory", QUANTITY, struct run_options, memory_bytes, .word = "SIZE", .fallback = "256Mi",
	    .help = "The memory that messages may use; beyond it, requests wait in Kafka."),
	ROW("state", TEXT, struct run_options, state_folder, .word = "DIR",
	    .help = "A folder, used by this engine only, for snapshots of the state of steps. They shorten a restart."),
	ROW("state-memory", QUANTITY, struct run_options, state_bytes, .word = "SIZE", .fallback = "1Gi",
	    .help = "The memory for the state of a pipeline in one partition, in addition to --memory; beyond it, requests are "
		    "answered with LIMIT."),
	ROW("snapshot-every", DURATION, struct run_options, snapshot_ns, .word = "TIME", .fallback = "1m",
	    .help = "The least time between two snapshots of a partition."),
	ROW("new-state", NAMES, struct run_options, new_state, .word = "PIPELINE",
	    .help = "Accepts that state of this pipeline was lost, and starts with the present content of its changelogs; for "
		    "one start. May be given for several pipelines."),
	ROW("server", NAMES, struct run_options, servers, .word = "NAME=URL",
	    .help = "The address of the server or model of that name, also of a stub. Given several times for one name: its "
		    "replicas."),
	ROW("commit", DURATION, struct run_options, commit_ns, .word = "TIME",
	    .help = "Time between two commits; default: from 10 to 100 ms, by the duration of a commit."),
	ROW("drain", DURATION, struct run_options, drain_ns, .word = "TIME", .fallback = "10s",
	    .help = "The longest time to finish requests in flight when it is stopped."),
	ROW("chaos", TEXT, struct run_options, chaos, .word = "RULES",
	    .help = "Injects failures into calls of models: \"model scorer: 5% 503, +200ms; models: 1% lost, 2% silent, 10% "
		    "+2s\"; also `refused`."),
	ROW("http", INTEGER, struct run_options, http_port, .word = "PORT", .least = 1, .most = PORT_MOST,
	    .help = "The port of a gateway in this process, as `sluice gateway` is one; default: the files' serviceConfig.http, "
		    "else there is none."),
	GATEWAY_ROWS(struct run_options, gateway),
	ROW("insecure-ignore-security", FLAG, struct run_options, gateway.listening.insecure,
	    .help = "Runs although the files ask for protection that is not in force yet; and its gateway listens beyond this "
		    "machine (`--host`), although callers are not asked who they are."),
	ROW("health-socket", TEXT, struct run_options, health_socket, .word = "PATH",
	    .help = "A Unix socket for `sluice health --socket PATH`, which checks without Kafka whether the process runs."),
	COMMAND_METRICS(run_options, metrics),
	COMMAND_LOG_LEVEL(run_options, log_level),
	COMMAND_FORM(run_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_run;

/* What `run` has at hand, from the first reading of the files to the last. */
struct run_engine {
	struct session *session;
	const struct run_options *options;
	struct revision_options files;
	struct arena *arena;
	struct properties topic_settings;
	struct batch_limit batches;
	struct engine_config engine;
	struct liveness *liveness; /* NULL: nobody asks */
	struct engine *live;	   /* NULL: nothing runs yet */
	struct state_history state_history;
	struct gateway_service gateway; /* has none if its `gateway` is NULL */
	int http_port;			/* 0: none */
	struct loop_timer drain_timer;
	int64_t drain_until_ms;
	struct fetching fetching;
	struct files *elsewhere; /* that are fetched, or still have to be; NULL: none */
	bool stopped;		 /* before anything began */
};

/* ---- Kafka ---- */

/* Files that are read again may say otherwise, but clients stay as they were opened. */
static struct properties properties_kept(struct properties properties, struct arena *arena)
{
	struct property *items = ARENA_ARRAY(arena, struct property, properties.count);
	for (size_t i = 0; items && i < properties.count; i++) {
		const struct property *from = &properties.items[i];
		items[i].name = arena_copy(arena, from->name, strlen(from->name));
		items[i].value = from->value ? arena_copy(arena, from->value, strlen(from->value)) : NULL;
	}
	return (struct properties){items ? properties.count : 0, items};
}

static const char *text_kept(const char *text, struct arena *arena)
{
	return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

static struct registry_config registry_kept(const struct registry_access *access, struct arena *arena)
{
	struct tls_files *files = ARENA_NEW(arena, struct tls_files);
	if (files)
		*files = (struct tls_files){text_kept(access->files.authorities, arena),
					    text_kept(access->files.certificate, arena), text_kept(access->files.key, arena)};
	return (struct registry_config){
		.url = text_kept(access->url, arena), .login = text_kept(access->login, arena), .files = files};
}

static bool configure_kafka(struct run_engine *running, const struct revision *revision, struct error *error)
{
	const struct run_options *self = running->options;
	struct arena *arena = running->arena;
	struct kafka kafka;
	if (!kafka_find(revision->runtime, &self->kafka, arena, &kafka, error))
		return false;
	running->engine.brokers = arena_copy(arena, kafka.brokers, strlen(kafka.brokers));
	running->engine.consumer = properties_kept(kafka.consumer, arena);
	running->engine.producer = properties_kept(kafka.producer, arena);
	running->engine.registry = registry_kept(&kafka.registry, arena);
	running->topic_settings = properties_kept(kafka.topics, arena);
	running->engine.instance = engine_name(self->instance, arena, error);
	if (!running->engine.instance)
		return false;
	log_writer_name(running->session->log, running->engine.instance);
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading kafkaConfig");
}

/* Batches of records are no larger than each topic takes that is written. */
static bool limit_batches(struct run_engine *running, const struct revision *revision, struct wanted_topics wanted,
			  struct error *error)
{
	size_t count = 0, before = atomic_load(&running->batches.bytes);
	const char **names = ARENA_ARRAY(revision->arena, const char *, wanted.count + 1);
	if (!names)
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	for (size_t i = 0; i < wanted.count; i++)
		if (wanted.items[i].written)
			names[count++] = wanted.items[i].name;
	if (!batch_limit_read(&running->batches, running->engine.brokers, running->engine.producer, names, count, error))
		return false;
	running->engine.batches = &running->batches;
	size_t bytes = atomic_load(&running->batches.bytes);
	if (bytes != before && bytes > 0 && bytes < BATCH_USUAL_BYTES)
		log_say(running->engine.log, LOG_LEVEL_INFO, NULL,
			"batches of records have at most %zu bytes, the smallest max.message.bytes of the topics", bytes);
	return true;
}

static bool ensure_replies(const struct run_engine *running, const struct revision *revision, struct error *error)
{
	size_t made = 0;
	struct wanted_topic replies;
	if (!running->http_port || revision->plan.count == 0)
		return true;
	replies = gateway_replies_topic(revision, running->topic_settings);
	return (replies.name || error_memory(error, ERROR_SYSTEM, "listing topics")) &&
	       topics_ensure(running->engine.brokers, running->engine.producer, (struct wanted_topics){1, &replies},
			     running->options->topics == TOPICS_CREATE, &made, error);
}

/* Topics of a pipeline that a worker writes or reads. `before`: what runs; NULL at the start. */
static bool ensure_topics(struct run_engine *running, const struct revision *revision, const struct plan *before,
			  struct error *error)
{
	size_t made = 0;
	bool create = running->options->topics == TOPICS_CREATE;
	struct wanted_topics wanted;
	if (!revision_topics(revision, running->topic_settings, create, running->options->new_state, &wanted, error) ||
	    (before && !state_check_changelogs(&running->engine, before, wanted, error)) ||
	    !topics_ensure(running->engine.brokers, running->engine.producer, wanted, create, &made, error))
		return false;
	if (made > 0)
		log_say(running->engine.log, LOG_LEVEL_INFO, NULL, "%zu of %zu topics created", made, wanted.count);
	return limit_batches(running, revision, wanted, error) && ensure_replies(running, revision, error);
}

/* Before anything is read: the topics, and from where in them. */
static bool prepare_kafka(struct run_engine *running, const struct revision *revision, const struct plan *before,
			  struct error *error)
{
	return ensure_topics(running, revision, before, error) &&
	       group_migration_carry_out(&running->engine, &revision->plan, before == NULL, error);
}

/* ---- the gateway inside ---- */

/* What is asked of callers, before anything is opened. */
static bool gateway_begin(struct run_engine *running, const struct revision *revision, struct error *error)
{
	const struct run_options *self = running->options;
	const struct listener_spec *http = revision->runtime ? &revision->runtime->http : NULL;
	running->http_port = (int)self->http_port;
	if (!running->http_port && http && listener_is_wanted(http))
		running->http_port = http->port > 0 ? (int)http->port : HTTP_PORT;
	return !running->http_port ||
	       (gateway_asked_check(&self->gateway, error) &&
		gateway_service_begin(&running->gateway, running->session, &self->gateway, revision, error));
}

static bool gateway_start(struct run_engine *running, struct engine *engine, struct error *error)
{
	const struct engine_config *config = &running->engine;
	const struct gateway_config ports = {.http_port = running->http_port,
					     .brokers = config->brokers,
					     .consumer = config->consumer,
					     .producer = config->producer};
	if (!running->http_port)
		return true;
	if (!gateway_service_open(&running->gateway, engine_loop(engine), &ports, &engine_revision(engine)->plan, error))
		return false;
	log_say(config->log, LOG_LEVEL_INFO, NULL, "pipelines are served at http%s://%s:%d",
		running->options->gateway.listening.certificate ? "s" : "", running->options->gateway.listening.host,
		gateway_http_port(running->gateway.gateway));
	return true;
}

/* A plan that is gone cannot be served: without a gateway the engine still runs. Unless it `is_reloaded` the plan stays. */
static void gateway_reread(struct run_engine *running, bool is_reloaded)
{
	struct error error = {0};
	if (!running->gateway.gateway)
		return;
	(void)gateway_service_reread(&running->gateway);
	if (!is_reloaded || gateway_service_follow(&running->gateway, engine_revision(running->live), &error))
		return;
	gateway_service_close(&running->gateway);
	(void)command_failed(running->session, &error);
	log_say(running->engine.log, LOG_LEVEL_ERROR, NULL, "the gateway has stopped: it cannot serve the new files. Restart the "
							    "engine to have one again.");
}

static void gateway_drain_look(void *context)
{
	struct run_engine *running = context;
	struct loop *loop = engine_loop(running->live);
	struct error error = {0};
	bool is_over = !running->gateway.gateway || gateway_drain(running->gateway.gateway) ||
		       loop_now_ms(loop) >= running->drain_until_ms;
	if (is_over || !loop_timer_set(loop, &running->drain_timer, loop_now_ms(loop) + DRAIN_LOOK_MS, &error))
		engine_stop(running->live);
}

/* Open calls are answered by the engine, which therefore stops after the gateway. */
static void asked_to_stop(void *context, struct engine *engine)
{
	struct run_engine *running = context;
	running->live = engine;
	running->drain_until_ms = loop_now_ms(engine_loop(engine)) + running->engine.drain_ms;
	gateway_drain_look(running);
}

/* ---- the engine ---- */

static void follow_with(void *context, struct files *fetched);

/* What runs goes on meanwhile, and signals are heeded. False: they have not to be, or cannot. */
static bool fetch_first(struct run_engine *running, struct error *error)
{
	struct files *files = running->elsewhere;
	running->elsewhere = NULL;
	return files && fetching_start(&running->fetching, engine_loop(running->live), files, follow_with, running, error);
}

/* The files are read again. What is wrong with them is said, and nothing changes. */
static void follow(struct run_engine *running)
{
	struct error error = {0};
	struct revision_options files = running->files;
	files.before = &engine_revision(running->live)->plan;
	files.elsewhere = &running->elsewhere;
	struct revision *revision = session_revision_open(running->session, &files, &error);
	if (fetch_first(running, &error))
		return;
	bool good =
		revision && group_migration_refuse(files.before, &revision->plan, &error) &&
		state_check_reload(files.before, &revision->plan, &running->state_history, running->options->new_state, &error) &&
		prepare_kafka(running, revision, files.before, &error);
	good = good && (!running->gateway.gateway || gateway_service_check(&running->gateway, revision, &error));
	if (good)
		good = state_history_note(&running->state_history, files.before, &revision->plan, &error);
	if (good)
		good = engine_reload(running->live, revision, &error);
	else
		revision_close(revision);
	if (error.kind != ERROR_NONE)
		(void)command_failed(running->session, &error);
	if (good)
		log_say(running->engine.log, LOG_LEVEL_INFO, NULL, "the files were reloaded");
	else
		log_say(running->engine.log, LOG_LEVEL_ERROR, NULL,
			"reload rejected: the files have errors. The running version is unchanged");
	gateway_reread(running, good);
}

static void follow_with(void *context, struct files *fetched)
{
	struct run_engine *running = context;
	running->elsewhere = fetched;
	follow(running);
}

/* SIGHUP. */
static void reread(void *context, struct engine *engine)
{
	struct run_engine *running = context;
	running->live = engine;
	fetching_close(&running->fetching);
	follow(running);
}

/* Signals are taken by the engine alone: every thread made from here on leaves them. Takes
 * the revision. */
static bool run_engine(struct run_engine *running, struct revision *revision, struct error *error)
{
	sigset_t before;
	running->session->fault_pages = false;
	engine_block_signals(&before);
	/* Fetch buffers come and go by the megabyte: the heap keeps them. */
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
	struct engine *engine = engine_open(revision, &running->engine, error);
	struct status_publisher *status_publisher = engine ? status_publisher_open(engine, &running->engine, error) : NULL;
	const char *address = running->options->metrics;
	struct engine_metrics *metrics =
		status_publisher && address ? engine_metrics_open(engine, &running->engine, address, error) : NULL;
	bool good = status_publisher && (metrics || !address) &&
		    (!running->liveness || liveness_watch(running->liveness, engine, error)) &&
		    gateway_start(running, engine, error) && engine_run(engine, error);
	liveness_forget(running->liveness);
	fetching_close(&running->fetching);
	gateway_service_close(&running->gateway);
	engine_metrics_close(metrics);
	status_publisher_close(status_publisher);
	engine_close(engine);
	state_history_close(&running->state_history);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return good;
}

static bool rehearse(struct run_engine *running, struct error *error)
{
	const char *rules = running->options->chaos;
	if (!rules)
		return true;
	running->engine.chaos = chaos_read(rules, running->arena, error);
	if (running->engine.chaos)
		log_say(running->engine.log, LOG_LEVEL_WARN, NULL, "failures are injected into calls of models (%s)", rules);
	return running->engine.chaos;
}

static bool answer_probes(struct run_engine *running, struct error *error)
{
	const char *path = running->options->health_socket;
	running->liveness = path ? liveness_open(path, running->engine.instance, error) : NULL;
	return !path || running->liveness;
}

/* Takes the revision. */
static bool run_files(struct run_engine *running, struct revision *revision, struct error *error)
{
	const struct run_options *self = running->options;
	running->engine.kinds = running->session->kinds;
	running->engine.workers = (size_t)self->workers;
	running->engine.memory_bytes = (size_t)self->memory_bytes;
	running->engine.state_folder = self->state_folder;
	running->engine.state_bytes = (size_t)self->state_bytes;
	running->engine.snapshot_ms = self->snapshot_ns / NS_PER_MS;
	running->engine.new_state = self->new_state;
	running->engine.commit_ms = self->commit_ns / NS_PER_MS;
	running->engine.drain_ms = self->drain_ns / NS_PER_MS;
	running->engine.reread = reread;
	running->engine.asked_to_stop = asked_to_stop;
	running->engine.context = running;
	running->drain_timer = (struct loop_timer){.due = gateway_drain_look, .context = running};
	if (run_limits_check((size_t)self->memory_bytes, true, (size_t)self->workers, error) && rehearse(running, error) &&
	    configure_kafka(running, revision, error) && gateway_begin(running, revision, error) && answer_probes(running, error) &&
	    prepare_kafka(running, revision, NULL, error))
		return run_engine(running, revision, error);
	revision_close(revision);
	return false;
}

/* Until files elsewhere are there. False: it failed, or was told to stop, when `stopped` is set. */
static bool wait_for_fetched(struct run_engine *running, struct error *error)
{
	struct stop_signal stop = {0};
	struct loop *loop = loop_open(error);
	bool good = loop && stop_signal_open(&stop, loop, error) && fetching_await(loop, &running->elsewhere, &stop.asked, error);
	running->stopped = stop.asked;
	stop_signal_close(&stop);
	loop_close(loop);
	return good && !running->stopped;
}

static struct revision *read_first_files(struct run_engine *running, struct error *error)
{
	struct revision_options files = running->files;
	files.elsewhere = &running->elsewhere;
	struct revision *revision = session_revision_open(running->session, &files, error);
	while (!revision && running->elsewhere && wait_for_fetched(running, error))
		revision = session_revision_open(running->session, &files, error);
	files_close(running->elsewhere);
	running->elsewhere = NULL;
	return revision;
}

static int run(struct session *session, const void *given, const char *const *arguments, size_t count)
{
	const struct run_options *self = given;
	int misuse = command_servers_misused(session, &command_run, &self->servers);
	if (misuse)
		return misuse;
	struct run_engine running = {.session = session,
				     .options = self,
				     .files = {.paths = arguments,
					       .path_count = count,
					       .namespace = self->namespace,
					       .servers = self->servers,
					       .insecure = self->gateway.listening.insecure,
					       .has_gateway = self->http_port > 0,
					       .may_have_gateway = true,
					       .survey = true}};
	struct error error = {0};
	running.arena = arena_open(RUN_ARENA_BYTES);
	struct revision *revision = NULL;
	int code = EXIT_GOOD;
	struct log_writer log;
	command_log_begin(session, &log, self->log_level);
	running.engine.log = &log.sink;
	session->fault_pages = self->form == OUTPUT_TEXT; /* until an engine runs */
	if (!running.arena)
		error_memory(&error, ERROR_SYSTEM, "beginning to run");
	if (error.kind != ERROR_NONE) {
		code = command_failed(session, &error);
	} else if (count == 0) {
		code = command_misuse(session, &command_run,
				      "the pipelines are missing: give files or folders, as in -f "
				      "pipelines/");
	} else if (!(revision = read_first_files(&running, &error))) {
		if (!running.stopped)
			code = error.kind == ERROR_NONE ? EXIT_FAULTS : command_refused(session, &command_run, &error);
	} else if (!run_files(&running, revision, &error)) {
		code = command_failed(session, &error);
	}
	gateway_service_close(&running.gateway);
	liveness_close(running.liveness);
	command_log_end(session);
	arena_close(running.arena);
	return code;
}

const struct command command_run = {
	.name = "run",
	.arguments = "[FILE]...",
	.summary = "Runs pipelines on Kafka until it is stopped.",
	.help = "Reads files, or folders of them, creates or checks their topics, and runs the pipelines: all pipelines of a "
		"delivery on the same workers. On SIGTERM and SIGINT it finishes the requests in flight. On SIGHUP it reads "
		"the files again: unchanged pipelines go on, others change without losing a message, and if there is a fault "
		"nothing changes. To share the work among several machines, start it on each with its own --instance. "
		"Pipelines that sluice cannot run yet are refused, with the reason, before anything starts.\n"
		"\n"
		"With --http, or serviceConfig.http of the files, it has a gateway: `sluice help gateway` says what that does. On "
		"SIGTERM the gateway is not ready any more and ends its open calls, and then the engine stops; each has the time "
		"of --drain.\n"
		"\n"
		"  sluice run -f runtime.yaml -f pipelines/\n"
		"  sluice run -f pipeline.yaml --brokers localhost:9092 --server scorer=http://localhost:8080\n",
	.options = options,
	.options_size = sizeof(struct run_options),
	.group = "run",
	.run = run,
};
