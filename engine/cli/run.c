/* run.c: `sluice run`: an engine on Kafka, from reading the files to the end of its workers. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include "base/duration.h"
#include "cli/command.h"
#include "cli/run_namespaces.h"
#include "cli/run_parts.h"
#include "client/kafka.h"
#include "runtime/alert_watch.h"
#include "runtime/engine_metrics.h"
#include "runtime/group_migration.h"
#include "runtime/log_writer.h"
#include "runtime/run_limits.h"
#include "runtime/status_publisher.h"
#include "runtime/stop_signal.h"
#include "serving/chaos.h"
#include "spec/fault_codes.h"

#define RUN_ARENA_BYTES ((size_t)64 << 20) /* paths and settings */
#define WORKERS_MAX 256
#define PORT_MOST 65535

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(run_options, namespace),
	ROW("namespaces", TEXT, struct run_options, namespaces, .word = "NAMES",
	    .help = "With --control: the namespaces to serve, as in a,b. Each has a process of its own, which has its own workers "
		    "and its own --memory, and uses no topic of another namespace."),
	ROW("control", FLAG, struct run_options, control,
	    .help = "Runs what is in force in the control plane of the namespace (`sluice apply`), instead of files, and may "
		    "become its keeper."),
	{.name = "topic-prefix",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct run_options, prefix.prefix),
	 .word = "PREFIX",
	 .variable = "SLUICE_TOPIC_PREFIX",
	 .ambient_offset = offsetof(struct run_options, prefix.ambient),
	 .help = "With --control: the first part of the names of all topics; default: SLUICE_TOPIC_PREFIX, or `sluice`. Files "
		 "state it in their SeldonRuntime (`topicPrefix`)."},
	KAFKA_ROWS(struct run_options, kafka),
	ROW("topics", CHOICE, struct run_options, topics, .choices = "create check", .fallback = "create",
	    .help = "Whether missing topics are created, or are an error."),
	ROW("instance", TEXT, struct run_options, instance,
	    .help = "The engine's name in its groups: unique, and the same after a restart; default: the host's name."),
	ROW("workers", INTEGER, struct run_options, workers, .word = "N", .fallback = "1", .least = 1, .most = WORKERS_MAX,
	    .help = "Threads for each delivery, which share the partitions of all its pipelines."),
	ROW("memory", QUANTITY, struct run_options, memory_bytes, .word = "SIZE", .fallback = "256Mi",
	    .help = "The memory that messages may use; beyond it, requests wait in Kafka."),
	ROW("observers", CHOICE, struct run_options, observers, .choices = "on off", .fallback = "on",
	    .help = "`off`: this engine leaves observers, which delay no answer (`drift`), to other engines. If none runs them, "
		    "their records wait in their topics."),
	ROW("state", TEXT, struct run_options, state_folder, .word = "DIR",
	    .help = "A folder, used by this engine only, for snapshots of the state of steps. They shorten a restart."),
	ROW("artifacts", TEXT, struct run_options, artifact_folder, .word = "DIR",
	    .help = "With --control: a folder for the files that `sluice apply` sent with documents. Engines may share it. "
		    "Default: `artifacts` in the folder of --state, else `sluice-USERID/artifacts` in TMPDIR, or /tmp."),
	ROW("state-memory", QUANTITY, struct run_options, state_bytes, .word = "SIZE", .fallback = "1Gi",
	    .help = "The memory for the state of a pipeline in one partition, in addition to --memory; beyond it, requests are "
		    "answered with LIMIT."),
	ROW("snapshot-every", DURATION, struct run_options, snapshot_ns, .word = "TIME", .fallback = "1m",
	    .help = "The least time between two snapshots of a partition."),
	ROW("new-state", NAMES, struct run_options, new_state, .word = "PIPELINE",
	    .help = "Accepts that state of this pipeline was lost, and starts with the present content of its changelogs; for "
		    "one start."),
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
	    .help = "The port for REST of a gateway in this process, as `sluice gateway` is one; default: the files' "
		    "serviceConfig.http, else it serves no REST."),
	ROW("grpc", INTEGER, struct run_options, grpc_port, .word = "PORT", .least = 1, .most = PORT_MOST,
	    .help = "The port for gRPC of a gateway in this process, which may be that of --http; default: the files' "
		    "serviceConfig.grpc, else it serves no gRPC."),
	GATEWAY_ROWS(struct run_options, gateway),
	ROW("insecure-ignore-security", FLAG, struct run_options, gateway.listening.insecure,
	    .help = "Runs even if the files ask for protection that is not in force yet. Its gateway listens beyond this "
		    "machine (`--host`) without authentication of callers."),
	ROW("health-socket", TEXT, struct run_options, health_socket, .word = "PATH",
	    .help = "A Unix socket for `sluice health --socket PATH`, which checks without Kafka whether the process runs."),
	ALERT_ROWS(struct run_options, alerts),
	COMMAND_METRICS(run_options, metrics),
	COMMAND_LOG_LEVEL(run_options, log_level),
	COMMAND_FORM(run_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_run;

/* ---- the engine ---- */

static void follow_with(void *context, struct files *fetched);

/* Starts a fetch of remote files. The running version continues meanwhile, and signals are handled. False: none must
 * be fetched, or the fetch failed. */
static bool fetch_first(struct run_engine *running, struct error *error)
{
	struct files *files = running->elsewhere;
	running->elsewhere = NULL;
	return files && fetching_start(&running->fetching, engine_loop(running->live), files, follow_with, running, error);
}

/* Reloads the files. If they have errors, these are reported and nothing changes. */
static void follow(struct run_engine *running)
{
	struct error error = {0};
	struct revision_options files = running->files;
	files.before = &engine_revision(running->live)->plan;
	files.elsewhere = &running->elsewhere;
	struct revision *revision = revision_open_for(command_workspace(running->session), &files, &error);
	if (fetch_first(running, &error))
		return;
	bool good =
		revision && group_migration_refuse(files.before, &revision->plan, &error) &&
		state_check_reload(files.before, &revision->plan, &running->state_history, running->options->new_state, false,
				   &error) &&
		run_kafka_prepare(running, revision, files.before, &error);
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
	run_gateway_reread(running, good);
}

static void follow_with(void *context, struct files *fetched)
{
	struct run_engine *running = context;
	running->elsewhere = fetched;
	follow(running);
}

/* Handles SIGHUP. */
static void reread(void *context, struct engine *engine)
{
	struct run_engine *running = context;
	if (running->control) {
		run_control_reread(running->control);
		return;
	}
	running->live = engine;
	fetching_close(&running->fetching);
	follow(running);
}

static bool topics_watch(struct run_engine *running, struct engine *engine, struct error *error)
{
	running->topics_config = (struct topic_watch_config){.brokers = running->engine.brokers,
							     .properties = running->engine.producer,
							     .settings = running->topic_settings,
							     .log = running->engine.log};
	running->topics = topic_watch_open(&running->topics_config, engine, error);
	return running->topics;
}

/* Opens what the engine has beside its workers before it is opened itself. */
static bool boards_open(struct run_engine *running, const struct revision *revision, struct error *error)
{
	const struct plan *plan = &revision->plan;
	if (plan->count > 0 && !running->cancels_topic)
		running->cancels_topic =
			topic_cancels_name(running->arena, plan->pipelines[0].prefix, plan->pipelines[0].namespace);
	running->engine.cancels = running->cancels = cancel_board_open();
	if (!running->cancels)
		return error_memory(error, ERROR_SYSTEM, "preparing an engine");
	running->engine.direct = running->direct = direct_hub_open(error);
	return running->direct;
}

static bool cancels_follow(struct run_engine *running, struct engine *engine, struct error *error)
{
	const struct cancel_relay_config config = {.brokers = running->engine.brokers,
						   .topic = running->cancels_topic,
						   .consumer = running->engine.consumer,
						   .log = running->engine.log,
						   .board = running->cancels};
	if (config.topic)
		running->cancel_relay = cancel_relay_open(&config, engine_loop(engine), error);
	return running->cancel_relay || !config.topic;
}

/* Runs the engine. Only the engine handles signals: all threads started from here on block them. Takes the revision. */
static bool run_engine(struct run_engine *running, struct revision *revision, struct error *error)
{
	sigset_t before;
	running->session->fault_pages = false;
	engine_block_signals(&before);
	/* Fetch buffers of megabytes are allocated and freed often, so they stay in the heap. */
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
	const bool is_prepared = boards_open(running, revision, error);
	if (!is_prepared)
		revision_close(revision);
	struct engine *engine = is_prepared ? engine_open(revision, &running->engine, error) : NULL;
	struct status_publisher *status_publisher = engine ? status_publisher_open(engine, &running->engine, error) : NULL;
	struct alert_watch *alerts =
		status_publisher ? alert_watch_open(engine, &running->engine, &running->notices,
						    status_publisher_models(status_publisher), error)
				 : NULL;
	running->models = status_publisher ? status_publisher_models(status_publisher) : NULL;
	const char *address = running->options->metrics;
	const bool reports = address || runtime_pushgateway(revision->runtime);
	struct engine_metrics *metrics =
		alerts && reports ? engine_metrics_open(engine, &running->engine, alerts, address, error) : NULL;
	bool good = alerts && (metrics || !reports) &&
		    (!running->liveness || liveness_watch(running->liveness, engine, error)) &&
		    topics_watch(running, engine, error) && cancels_follow(running, engine, error) &&
		    (running->control ? run_control_start(running->control, engine, error)
				      : run_gateway_start(running, engine, error)) &&
		    engine_run(engine, error);
	run_control_close(running->control);
	topic_watch_close(running->topics);
	cancel_relay_close(running->cancel_relay);
	liveness_forget(running->liveness);
	fetching_close(&running->fetching);
	gateway_service_close(&running->gateway);
	engine_metrics_close(metrics);
	alert_watch_close(alerts);
	status_publisher_close(status_publisher);
	engine_close(engine);
	direct_hub_close(running->direct);
	cancel_board_close(running->cancels);
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

static void rollouts_warn(const struct run_engine *running, const struct faults *faults)
{
	for (size_t i = 0; i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		if (strcmp(fault->code->code, CODE_OF_KEEPER) == 0)
			log_say(running->engine.log, LOG_LEVEL_WARN, NULL,
				"%s:%u: no keeper acts on this rollout: the weights stay those of its first stage. Run the engines "
				"with --control, and apply the files",
				fault->place.file, fault->place.line);
	}
}

/* Prepares what the engine needs of Kafka when it starts. */
static bool prepare_first(struct run_engine *running, const struct revision *revision, struct error *error)
{
	if (!running->options->control)
		rollouts_warn(running, revision->plan.spec->faults);
	if (!running->options->control)
		return run_kafka_prepare(running, revision, NULL, error);
	running->control = run_control_open(running, error);
	return running->control;
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
	running->engine.observers_off = self->observers == OBSERVERS_OFF;
	running->engine.reread = reread;
	running->engine.asked_to_stop = run_gateway_stop;
	running->engine.write_metrics = run_gateway_metrics;
	running->engine.context = running;
	running->drain_timer = (struct loop_timer){.due = run_gateway_drain, .context = running};
	if (run_limits_check((size_t)self->memory_bytes, true, (size_t)self->workers, error) &&
	    alert_settings_make(&self->alerts, running->arena, &running->notices, error) && rehearse(running, error) &&
	    run_kafka_configure(running, revision->runtime, error) &&
	    (self->control ? gateway_asked_check(&self->gateway, error) : run_gateway_begin(running, revision, error)) &&
	    answer_probes(running, error) && prepare_first(running, revision, error))
		return run_engine(running, revision, error);
	revision_close(revision);
	return false;
}

/* Waits for remote files. False: the fetch failed, or a signal stopped it, in which case `stopped` is set. */
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

/* With a control plane the engine starts without pipelines, and gets those in force from its loop. */
static struct revision *open_empty(struct run_engine *running, struct error *error)
{
	struct revision_options nothing = running->files;
	nothing.may_be_empty = true;
	nothing.survey = false;
	return revision_open_for(command_workspace(running->session), &nothing, error);
}

static struct revision *read_first_files(struct run_engine *running, struct error *error)
{
	struct revision_options files = running->files;
	files.elsewhere = &running->elsewhere;
	struct revision *revision = revision_open_for(command_workspace(running->session), &files, error);
	while (!revision && running->elsewhere && wait_for_fetched(running, error))
		revision = revision_open_for(command_workspace(running->session), &files, error);
	files_close(running->elsewhere);
	running->elsewhere = NULL;
	return revision;
}

static int run_one(struct session *session, const struct run_options *self, const char *const *arguments, size_t count)
{
	struct run_engine running = {.session = session,
				     .options = self,
				     .files = {.paths = arguments,
					       .path_count = count,
					       .namespace = self->namespace,
					       .servers = self->servers,
					       .insecure = self->gateway.listening.insecure,
					       .has_gateway = self->http_port > 0 || self->grpc_port > 0,
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
	} else if (count == 0 && !self->control) {
		code = command_misuse(session, &command_run,
				      "the pipelines are missing: give files or folders, as in -f "
				      "pipelines/, or --control");
	} else if (self->prefix.prefix && !self->control) {
		code = command_misuse(session, &command_run,
				      "--topic-prefix is for --control; files state it in their SeldonRuntime (`topicPrefix`)");
	} else if (self->artifact_folder && !self->control) {
		code = command_misuse(session, &command_run, "--artifacts is for --control; files are read where they are");
	} else if (count > 0 && self->control) {
		code = command_misuse(session, &command_run,
				      "files and --control at once: give files, or apply them with `sluice apply -f` and give "
				      "--control alone");
	} else if (!(revision = self->control ? open_empty(&running, &error) : read_first_files(&running, &error))) {
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

struct run_several {
	struct session *session;
	const struct run_options *options;
};

static int serve_namespace(void *context, const char *namespace)
{
	const struct run_several *several = context;
	struct run_options own = *several->options;
	own.namespace = namespace;
	return run_one(several->session, &own, NULL, 0);
}

/* What only one process can have. */
static bool has_one_port(const struct run_options *self)
{
	return self->http_port > 0 || self->grpc_port > 0 || self->metrics || self->health_socket;
}

static int run_several(struct session *session, const struct run_options *self, size_t count)
{
	struct run_several several = {session, self};
	struct namespace_list list;
	struct error error = {0};
	if (!self->control || count > 0)
		return command_misuse(session, &command_run, "--namespaces is for --control; files state their namespaces");
	if (has_one_port(self))
		return command_misuse(session, &command_run,
				      "--http, --grpc, --metrics and --health-socket are of one engine, and --namespaces starts "
				      "several; leave them out, or start an engine for each namespace");
	if (!namespaces_read(self->namespaces, session->arena, &list, &error))
		return command_refused(session, &command_run, &error);
	return namespaces_run(session, &list, serve_namespace, &several);
}

static int run(struct session *session, const void *given, const char *const *arguments, size_t count)
{
	const struct run_options *self = given;
	const int misuse = command_servers_misused(session, &command_run, &self->servers);
	if (misuse)
		return misuse;
	return self->namespaces ? run_several(session, self, count) : run_one(session, self, arguments, count);
}

const struct command command_run = {
	.name = "run",
	.arguments = "[FILE]...",
	.summary = "Runs pipelines on Kafka until it is stopped.",
	.help = "Reads files, or folders of them, creates or checks their topics, and runs the pipelines: all pipelines of a "
		"delivery on the same workers. On SIGTERM and SIGINT it finishes the requests in flight. On SIGHUP it reads the "
		"files again: unchanged pipelines go on, others change without losing a message, and if there is a fault nothing "
		"changes. To share the work among several machines, start it on each with its own --instance. Pipelines that "
		"sluice cannot run yet are refused, with the reason, before anything starts.\n\n"
		"With --control it reads no files. It runs what is in force in the control plane of its namespace, and prepares "
		"changes before they become active: it reads and plans them, and creates their topics. While nothing is in force, "
		"it waits. While there is no keeper, it continues to run what it has. Each such engine can become the keeper, "
		"which decides what is accepted. Where Kafka is comes from the command line, the environment or the settings "
		"file.\n\n"
		"With --http or --grpc, or serviceConfig.http or serviceConfig.grpc of the files, it has a gateway: `sluice help "
		"gateway` says what that does. On SIGTERM the gateway is not ready any more and ends its open calls, and then the "
		"engine stops; each has the time of --drain.\n\n"
		"  sluice run -f runtime.yaml -f pipelines/\n"
		"  sluice run -f pipeline.yaml --brokers localhost:9092 --server scorer=http://localhost:8080\n"
		"  sluice run --control -n shop --brokers localhost:9092\n"
		"  sluice run --control --namespaces shop,bank --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct run_options),
	.group = "run",
	.run = run,
};
