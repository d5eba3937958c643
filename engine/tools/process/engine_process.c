/* engine_process.c: see engine_process.h. */
#include "tools/process/engine_process.h"

#include <pthread.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "tools/process/process_parts.h"
#include "engine/run/group_migration.h"
#include "engine/run/log_writer.h"
#include "engine/setup/process_memory.h"
#include "engine/setup/run_limits.h"
#include "tools/process/start_wait.h"
#include "models/calls/chaos.h"
#include "compiler/yaml/fault_codes.h"

#define PROCESS_ARENA_BYTES ((size_t)64 << 20) /* paths and settings */
#define ATTEMPT_BYTES ((size_t)128 << 20)      /* names of all topics */

static void follow(struct engine_process *running);
static void follow_with(void *context, struct files *fetched);

/* Starts a fetch of remote files. The running version continues meanwhile, and signals are handled. False: none must
 * be fetched, or the fetch failed. */
static bool fetch_first(struct engine_process *running, struct error *error)
{
	struct files *files = running->remote_files;
	running->remote_files = NULL;
	return files && remote_download_start(&running->fetching, engine_loop(running->live), files, follow_with, running, error);
}

static void reload_end(struct engine_process *running, struct revision *revision, bool is_prepared, struct error *error)
{
	const struct plan *before = &engine_revision(running->live)->plan;
	bool good = is_prepared && (!running->gateway.gateway || gateway_service_check(&running->gateway, revision, error)) &&
		    state_history_note(&running->state_history, before, &revision->plan, error);
	const bool is_remote = error->kind == ERROR_REMOTE;
	if (good)
		good = engine_reload(running->live, revision, error);
	else
		revision_close(revision);
	if (error->kind != ERROR_NONE)
		workspace_failed(running->workspace, error);
	if (good)
		log_say(running->engine.log, LOG_LEVEL_INFO, NULL, "the files were reloaded");
	else
		log_say(running->engine.log, LOG_LEVEL_ERROR, NULL, "reload rejected: %s. The running version is unchanged",
			is_remote ? "the files are valid, but what they need cannot be had now" : "the files have errors");
	status_publisher_note_reload(running->watchers.status, !good);
	process_gateway_reread(running, good);
}

static void reload_run(void *context)
{
	struct engine_process *running = context;
	struct reload *reload = &running->reload;
	kafka_wait_bound(&reload->wait);
	(void)process_kafka_prepare(running, reload->revision, reload->before, &reload->error);
	kafka_wait_bound(NULL);
}

static void reload_on_done(void *context)
{
	struct engine_process *running = context;
	struct reload *reload = &running->reload;
	struct revision *revision = reload->revision;
	reload->revision = NULL;
	if (engine_is_stopping(running->live)) {
		revision_close(revision);
		return;
	}
	reload_end(running, revision, reload->error.kind == ERROR_NONE, &reload->error);
	if (reload->is_asked_again)
		follow(running);
}

/* Ends one whose task runs. */
static void reload_close(struct engine_process *running)
{
	atomic_store(&running->reload.wait.stopping, true);
	loop_task_end(&running->reload.task);
	revision_close(running->reload.revision);
	running->reload.revision = NULL;
}

/* Reloads the files. If they have errors, these are reported and nothing changes. Kafka is prepared beside the loop, which answers
 * callers and probes meanwhile. */
static void follow(struct engine_process *running)
{
	struct error error = {0};
	struct reload *reload = &running->reload;
	struct revision_options files = running->files;
	reload->is_asked_again = loop_task_is_running(&reload->task);
	if (reload->is_asked_again)
		return;
	files.before = &engine_revision(running->live)->plan;
	files.remote_files = &running->remote_files;
	struct revision *revision = revision_open_in_workspace(running->workspace, &files, &error);
	if (fetch_first(running, &error))
		return;
	reload->task = (struct loop_task){.run = reload_run, .done = reload_on_done, .context = running};
	reload->revision = revision;
	reload->before = files.before;
	reload->error = (struct error){0};
	if (revision && group_migration_refuse(files.before, &revision->plan, &error) &&
	    state_check_reload(files.before, &revision->plan, &running->state_history, running->asked->new_state, false, &error) &&
	    loop_task_start(&reload->task, engine_loop(running->live), "prepares a reload", &error))
		return;
	reload->revision = NULL;
	reload_end(running, revision, false, &error);
}

static void follow_with(void *context, struct files *fetched)
{
	struct engine_process *running = context;
	running->remote_files = fetched;
	follow(running);
}

/* Handles SIGHUP. */
static void reread(void *context, struct engine *engine)
{
	struct engine_process *running = context;
	if (running->control) {
		process_control_reread(running->control);
		return;
	}
	running->live = engine;
	remote_download_close(&running->fetching);
	follow(running);
}

static bool topics_watch(struct engine_process *running, struct engine *engine, struct error *error)
{
	running->topics_config = (struct topic_watch_config){.brokers = running->engine.brokers,
							     .properties = running->engine.producer,
							     .settings = running->topic_settings,
							     .log = running->engine.log};
	running->topics = topic_watch_open(&running->topics_config, engine, error);
	return running->topics;
}

/* Opens what the engine has beside its workers before it is opened itself. */
static bool watchers_prepare(struct engine_process *running, const struct revision *revision, struct error *error)
{
	const struct plan *plan = &revision->plan;
	if (plan->count > 0 && !running->cancels_topic)
		running->cancels_topic =
			topic_cancels_name(running->arena, plan->pipelines[0].prefix, plan->pipelines[0].namespace);
	return engine_watchers_prepare(&running->watchers, &running->engine, error);
}

/* Runs the engine. Only the engine handles signals: all threads started from here on block them. Takes the revision. */
static bool run_engine(struct engine_process *running, struct revision *revision, struct error *error)
{
	sigset_t before;
	running->config.began(running->config.context);
	engine_block_signals(&before);
	allocator_keep_blocks();
	struct heap_trim trim = {0};
	const bool is_prepared = watchers_prepare(running, revision, error);
	if (!is_prepared)
		revision_close(revision);
	struct engine_watchers *watchers = &running->watchers;
	const struct metrics_config metrics = {
		.asked = &running->asked->metrics, .workspace = running->workspace, .hosts = running->asked->gateway.hosts};
	struct engine *engine = is_prepared ? engine_open(revision, &running->engine, error) : NULL;
	bool good = engine && engine_watchers_open(watchers, engine, &running->engine, &running->notices, &metrics, error) &&
		    (!running->liveness || liveness_watch(running->liveness, engine, error)) &&
		    heap_trim_start(&trim, engine_loop(engine), error) && topics_watch(running, engine, error) &&
		    engine_watchers_read_cancels(watchers, engine, &running->engine, running->cancels_topic, error) &&
		    (running->control ? process_control_start(running->control, engine, error)
				      : process_gateway_start(running, engine, error)) &&
		    engine_run(engine, error);
	heap_trim_stop(&trim);
	process_control_close(running->control);
	topic_watch_close(running->topics);
	liveness_forget(running->liveness);
	remote_download_close(&running->fetching);
	reload_close(running);
	gateway_service_close(&running->gateway);
	engine_watchers_stop(watchers);
	engine_close(engine);
	engine_watchers_close(watchers);
	state_history_close(&running->state_history);
	stop_signals_restore(&before);
	return good;
}

static bool rehearse(struct engine_process *running, struct error *error)
{
	const char *rules = running->asked->chaos;
	if (!rules)
		return true;
	running->engine.chaos = chaos_read(rules, running->arena, error);
	if (running->engine.chaos)
		log_say(running->engine.log, LOG_LEVEL_WARN, NULL, "failures are injected into calls of models (%s)", rules);
	return running->engine.chaos;
}

static bool answer_probes(struct engine_process *running, struct error *error)
{
	const char *path = running->asked->health_socket;
	running->liveness = path ? liveness_open(path, running->engine.instance, error) : NULL;
	return !path || running->liveness;
}

static void rollouts_warn(const struct engine_process *running, const struct faults *faults)
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

/* Prepares what the engine needs of Kafka when it starts: the step of start_wait_run(). Lists of an attempt are in an arena of
 * their own: Kafka may be away for long. */
static bool prepare_attempt(void *context, struct error *error)
{
	struct engine_process *running = context;
	if (running->asked->control)
		return (running->control = process_control_open(running, error));
	struct revision attempt = *running->first;
	attempt.arena = arena_open(ATTEMPT_BYTES);
	const bool good = attempt.arena ? process_kafka_prepare(running, &attempt, NULL, error)
					: error_memory(error, ERROR_SYSTEM, "listing topics");
	arena_close(attempt.arena);
	return good;
}

static bool prepare_first(struct engine_process *running, const struct revision *revision, struct error *error)
{
	const struct start_wait_config wait = {.workspace = running->workspace,
					       .log = running->engine.log,
					       .listening = &running->asked->gateway.listening,
					       .hosts = running->asked->gateway.hosts,
					       .http_port = running->http_port,
					       .grpc_port = running->grpc_port,
					       .metrics = &running->asked->metrics,
					       .step = prepare_attempt,
					       .context = running};
	if (!running->asked->control)
		rollouts_warn(running, revision->plan.spec->faults);
	running->first = revision;
	const enum start_end end = start_wait_run(&wait, error);
	running->stopped = end == START_STOPPED;
	if (running->stopped)
		process_control_close(running->control);
	return end == START_DONE;
}

/* No machine has more, and sums of it stay far from the end of a size. */
#define AMOUNT_MOST_TIB 1024
#define AMOUNT_MOST "1024Ti"
#define TIB ((double)((uint64_t)1 << 40))

static bool amounts_check(const struct run_asked *asked, struct error *error)
{
	const bool of_messages = asked->memory_bytes > AMOUNT_MOST_TIB * TIB;
	if (of_messages || asked->state_bytes > AMOUNT_MOST_TIB * TIB)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s is at most " AMOUNT_MOST,
				 of_messages ? "--memory" : "--state-memory");
	if (asked->state_bytes < 1)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "--state-memory is 0, with which no step could keep any state; leave it out for 1Gi");
	return true;
}

/* Takes the revision. */
static bool run_files(struct engine_process *running, struct revision *revision, struct error *error)
{
	const struct run_asked *self = running->asked;
	if (!amounts_check(self, error)) {
		revision_close(revision);
		return false;
	}
	running->engine.kinds = running->workspace->kinds;
	running->engine.workers = (size_t)self->workers;
	const size_t limit_bytes = memory_cgroup_limit("");
	running->memory_bytes = memory_choose((size_t)self->memory_bytes, limit_bytes, self->namespace_count);
	running->engine.memory_bytes = running->memory_bytes;
	memory_log(running->engine.log, (size_t)self->memory_bytes, running->memory_bytes, limit_bytes);
	running->engine.state_folder = self->state_folder;
	running->engine.state_bytes = (size_t)self->state_bytes;
	running->engine.snapshot_ms = self->snapshot_ns / NS_PER_MS;
	running->engine.new_state = self->new_state;
	running->engine.commit_ms = self->commit_ns / NS_PER_MS;
	running->engine.drain_ms = self->drain_ns / NS_PER_MS;
	running->engine.observers_off = self->observers == OBSERVERS_OFF;
	running->engine.reread = reread;
	running->engine.asked_to_stop = process_gateway_stop;
	running->engine.write_metrics = process_gateway_metrics;
	running->engine.context = running;
	process_gateway_choose(running, revision);
	if (run_limits_check(running->memory_bytes, true, (size_t)self->workers, error) &&
	    metrics_asked_check(&self->metrics, error) && rehearse(running, error) &&
	    process_kafka_configure(running, revision->runtime, error) &&
	    (self->control ? gateway_asked_check(&self->gateway, error) : process_gateway_begin(running, revision, error)) &&
	    answer_probes(running, error) && prepare_first(running, revision, error))
		return run_engine(running, revision, error);
	revision_close(revision);
	return false;
}

/* Waits for remote files. False: the fetch failed, or a signal stopped it, in which case `stopped` is set. */
static bool wait_for_fetched(struct engine_process *running, struct error *error)
{
	struct stop_signal stop = {0};
	struct loop *loop = loop_open(error);
	bool good = loop && stop_signal_open(&stop, loop, error) &&
		    remote_download_await(loop, &running->remote_files, &stop.asked, error);
	running->stopped = stop.asked;
	stop_signal_close(&stop);
	loop_close(loop);
	return good && !running->stopped;
}

/* With a control plane the engine starts without pipelines, and gets those in force from its loop. */
static struct revision *open_empty(struct engine_process *running, struct error *error)
{
	struct revision_options nothing = running->files;
	nothing.may_be_empty = true;
	nothing.survey = false;
	return revision_open_in_workspace(running->workspace, &nothing, error);
}

static struct revision *read_first_files(struct engine_process *running, struct error *error)
{
	struct revision_options files = running->files;
	files.remote_files = &running->remote_files;
	struct revision *revision = revision_open_in_workspace(running->workspace, &files, error);
	while (!revision && running->remote_files && wait_for_fetched(running, error))
		revision = revision_open_in_workspace(running->workspace, &files, error);
	files_close(running->remote_files);
	running->remote_files = NULL;
	return revision;
}

struct engine_process *engine_process_open(const struct process_config *config, struct error *error)
{
	const struct run_asked *asked = config->asked;
	struct engine_process *process = memory_take(1, sizeof *process);
	struct arena *arena = process ? arena_open(PROCESS_ARENA_BYTES) : NULL;
	if (!arena) {
		memory_give(process);
		return error_null(error_memory(error, ERROR_SYSTEM, "beginning to run"));
	}
	*process = (struct engine_process){.config = *config,
					   .workspace = config->workspace,
					   .asked = asked,
					   .arena = arena,
					   .files = {.paths = config->paths,
						     .path_count = config->path_count,
						     .namespace = asked->namespace,
						     .secrets = asked->kafka.secrets,
						     .servers = asked->servers,
						     .insecure = asked->gateway.listening.insecure,
						     .has_gateway = asked->http_port > 0 || asked->grpc_port > 0,
						     .may_have_gateway = true,
						     .metrics = &asked->metrics,
						     .survey = true}};
	process->engine.log = &config->log->sink;
	return process;
}

enum process_end engine_process_run(struct engine_process *process, struct error *error)
{
	stop_signal_hold_hangup();
	if (!alert_settings_make(&process->asked->alerts, process->asked->kafka.secrets, process->arena, &process->notices, error))
		return PROCESS_FAILED;
	process->files.receivers = process->notices.allowed;
	process->files.receiver_count = process->notices.allowed_count;
	struct revision *revision = process->asked->control ? open_empty(process, error) : read_first_files(process, error);
	if (!revision)
		return process->stopped ? PROCESS_ENDED : PROCESS_UNREAD;
	return run_files(process, revision, error) || process->stopped ? PROCESS_ENDED : PROCESS_FAILED;
}

void engine_process_close(struct engine_process *process)
{
	if (!process)
		return;
	gateway_service_close(&process->gateway);
	liveness_close(process->liveness);
	arena_close(process->arena);
	memory_give(process);
}
