/* process_control.c: `sluice run --control`: an engine that runs what is in force in the control plane of its namespace. */
#include <pthread.h>

#include "base/memory.h"
#include "tools/process/process_parts.h"
#include "control/records/control_topics.h"
#include "control/engine/document_files.h"
#include "control/engine/follower.h"
#include "control/keeper/keeper_service.h"
#include "compiler/conditions/alert_feed.h"
#include "kafka/kafka_wait.h"
#include "monitor/alerts/alert_watch.h"
#include "engine/run/group_migration.h"
#include "engine/run/group_mover.h"
#include "monitor/metrics/status_publisher.h"
#include "tools/process/waiting_listener.h"

#define ALIASES_BYTES ((size_t)64 << 20) /* a hundred thousand */

struct process_control {
	struct engine_process *running;
	struct control_topics topics;
	struct follower_config follower_config;
	struct control_state state;
	struct keeper_service_config keeper_config;
	struct follower *follower;
	struct keeper_service *keeper;
	struct group_mover *mover;
	bool is_served; /* the gateway serves the revision that runs */
	struct waiting_listener *waiting; /* at the gateway's ports; NULL: there is a gateway */
	pthread_mutex_t lock; /* of the two below */
	struct files *fetched; /* that the task downloads now; NULL: none */
	bool is_given_up;
	struct artifact_topic artifacts;
	struct artifact_index index; /* of `artifacts` */
	struct kafka_wait wait; /* of the task */
	const char *artifact_folder;
};

/* ---- the task: compiles documents ---- */

struct compile_report {
	const struct workspace *workspace;
	const struct log_sink *log;
	struct error *error;
};

/* Logs the faults; the first that is an error is the reason. */
static void compile_faults(void *context, const struct faults *faults)
{
	const struct compile_report *report = context;
	workspace_faults(report->workspace, faults);
	for (size_t i = 0; i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		if (fault->code->severity == SEVERITY_ERROR)
			error_set(report->error, ERROR_CONFIG, fault->place, "%s (%s)", fault->message, fault->code->code);
	}
}

static void compile_note(void *context, const char *line)
{
	const struct compile_report *report = context;
	workspace_note(report->workspace, "%s", line);
}

static void compile_warning(void *context, const char *line)
{
	const struct compile_report *report = context;
	workspace_warn(report->workspace, "%s", line);
}

static void compile_failure(void *context, const struct error *error)
{
	const struct compile_report *report = context;
	log_say(report->log, LOG_LEVEL_WARN, NULL, "%s", error->text);
}

/* Downloads remote files; `compile_give_up` ends it. */
static void files_download(struct process_control *control, struct files *files)
{
	pthread_mutex_lock(&control->lock);
	control->fetched = files;
	bool is_given_up = control->is_given_up;
	pthread_mutex_unlock(&control->lock);
	if (!is_given_up)
		files_fetch_left(files);
	pthread_mutex_lock(&control->lock);
	control->fetched = NULL;
	pthread_mutex_unlock(&control->lock);
}

static void compile_give_up(void *context)
{
	struct process_control *control = context;
	pthread_mutex_lock(&control->lock);
	control->is_given_up = true;
	atomic_store(&control->wait.stopping, true);
	if (control->fetched)
		files_give_up(control->fetched);
	pthread_mutex_unlock(&control->lock);
}

static struct revision *documents_compile(struct process_control *control, const struct control_documents *documents,
					  const struct file_alias *aliases, struct error *error)
{
	const struct engine_process *running = control->running;
	struct compile_report report = {running->workspace, running->engine.log, error};
	struct files *files = NULL;
	struct revision_options options = running->files;
	options.kinds = running->workspace->kinds;
	options.namespace = control->follower_config.namespace;
	options.prefix = control->topics.prefix;
	control_documents_want(documents, &options);
	options.aliases = aliases;
	options.alias_count = documents->file_count;
	options.may_be_empty = true;
	options.has_keeper = true;
	options.models_must_answer = documents->change != CONTROL_IN_FORCE;
	options.before = &engine_revision(running->live)->plan;
	options.remote_files = &files;
	options.report = (struct fault_report){compile_faults, compile_note, compile_warning, compile_failure, &report};
	struct revision *revision = revision_open(&options, error);
	if (!revision && files && error->kind == ERROR_NONE) {
		files_download(control, files);
		revision = revision_open(&options, error);
	}
	files_close(files);
	if (!revision)
		error_set(error, ERROR_CONFIG, PLACE_NONE, "the documents have errors");
	return revision;
}

static bool revision_prepare(struct engine_process *running, struct revision *revision, struct error *error)
{
	const struct plan *before = &engine_revision(running->live)->plan;
	process_gateway_choose(running, revision);
	return state_check_reload(before, &revision->plan, &running->state_history, running->asked->new_state, true, error) &&
	       process_kafka_topics(running, revision, before, error) &&
	       group_migration_prepare(&running->engine, before, revision, error) &&
	       process_gateway_check(running, revision, error);
}

static struct revision *control_compile(void *context, const struct control_documents *documents, struct error *error)
{
	struct process_control *control = context;
	struct arena *arena = arena_open(ALIASES_BYTES);
	struct file_alias *aliases;
	struct revision *revision = NULL;
	kafka_wait_bound(&control->wait);
	if (!arena)
		error_memory(error, ERROR_SYSTEM, "fetching files of documents");
	else if (document_files_fetch(documents, &control->artifacts, control->artifact_folder, arena, &aliases, error))
		revision = documents_compile(control, documents, aliases, error);
	arena_close(arena);
	if (revision && !revision_prepare(control->running, revision, error)) {
		revision_close(revision);
		revision = NULL;
	}
	kafka_wait_bound(NULL);
	if (revision)
		document_files_sweep(documents, control->artifact_folder);
	return revision;
}

/* ---- the loop: runs them ---- */

static const char *control_unready(void *context)
{
	const struct process_control *control = context;
	return follower_unready(control->follower);
}

/* Answers probes at the gateway's port, until documents are in force. */
static bool control_listen(struct process_control *control, struct error *error)
{
	const struct engine_process *running = control->running;
	const struct waiting_listener_config config = {.workspace = running->workspace,
						       .listening = &running->asked->gateway.listening,
						       .hosts = running->asked->gateway.hosts,
						       .http_port = running->http_port,
						       .grpc_port = running->grpc_port,
						       .unready = control_unready,
						       .context = control};
	return (control->waiting = waiting_listener_open(engine_loop(running->live), &config, error));
}

/* Opens the gateway with the first documents, because their runtime may protect it. */
static bool control_serve(void *context, struct error *error)
{
	struct process_control *control = context;
	struct engine_process *running = control->running;
	const struct revision *revision = engine_revision(running->live);
	if (control->is_served)
		return true;
	control->is_served = true;
	if (running->gateway.gateway) {
		process_gateway_reread(running, true);
		return true;
	}
	if (revision->plan.count == 0)
		return true;
	waiting_listener_close(control->waiting);
	control->waiting = NULL;
	if (process_gateway_begin(running, revision, error) && process_gateway_start(running, running->live, error))
		return true;
	gateway_service_close(&running->gateway);
	running->gateway = (struct gateway_service){0};
	control->is_served = false;
	(void)control_listen(control, error);
	return false;
}

static void control_lost(void *context)
{
	struct process_control *control = context;
	keeper_service_end_term(control->keeper);
}

static bool control_activate(void *context, struct revision *revision, struct error *error)
{
	struct process_control *control = context;
	struct engine_process *running = control->running;
	const struct revision *before = engine_revision(running->live);
	if (!group_migration_hold(before, revision, error) ||
	    !state_history_note(&running->state_history, &before->plan, &revision->plan, error)) {
		revision_close(revision);
		return false;
	}
	process_gateway_share(running);
	if (!engine_reload(running->live, revision, error))
		return false;
	group_mover_follow(control->mover);
	control->is_served = false;
	return true;
}

/* ---- alerts, which the engines of the namespace share ---- */

static bool alert_post(void *context, const struct pipeline_plan *plan, struct text key, struct text value)
{
	struct process_control *control = context;
	return status_publisher_post(control->running->watchers.status, plan, key, value);
}

static int64_t keeper_silent_ms(void *context)
{
	const struct process_control *control = context;
	return control->state.silent_ms;
}

static void alert_take_report(void *context, const struct alert_read *report)
{
	struct process_control *control = context;
	alert_watch_take_report(control->running->watchers.alerts, report);
}

static void alert_take_record(void *context, struct text key, struct text record, bool is_former)
{
	struct process_control *control = context;
	if (alert_key_kind(key) == ALERT_KEY_FIRING)
		alert_watch_take_firing(control->running->watchers.alerts, key, record, is_former);
	else if (control->keeper)
		keeper_service_take_beginning(control->keeper, key, record);
}

/* ---- opening and closing ---- */

static void control_configure(struct process_control *control)
{
	struct engine_process *running = control->running;
	const struct engine_config *engine = &running->engine;
	const char *namespace = namespace_or_default(running->asked->namespace);
	control->follower_config = (struct follower_config){
		.brokers = engine->brokers,
		.consumer = engine->consumer,
		.producer = engine->producer,
		.batches = engine->batches,
		.namespace = namespace,
		.engine = engine->instance,
		.control = control->topics.control,
		.status = control->topics.status,
		.feed = control->topics.feed,
		.log = engine->log,
		.names = running->workspace->arena,
		.topics_of_control = &control->topics,
		.work = {control_compile, compile_give_up, control_activate, control_serve, control_lost, control},
		.take_alert_report = alert_take_report,
		.take_alert_record = alert_take_record,
		.alerts = control,
		.state = &control->state,
	};
	control->artifacts = (struct artifact_topic){.brokers = engine->brokers,
						     .consumer = engine->consumer,
						     .producer = engine->producer,
						     .name = control->topics.artifacts,
						     .index = &control->index,
						     .stopping = &control->wait.stopping};
	running->engine.control = &control->state;
	running->engine.feed = control->topics.feed;
	control->keeper_config = (struct keeper_service_config){
		.brokers = engine->brokers,
		.consumer = engine->consumer,
		.producer = engine->producer,
		.topics = control->topics,
		.namespace = namespace,
		.engine = engine->instance,
		.kinds = engine->kinds,
		.log = engine->log,
		.notices = &running->notices,
	};
}

struct process_control *process_control_open(struct engine_process *running, struct error *error)
{
	const struct engine_config *engine = &running->engine;
	const char *namespace = namespace_or_default(running->asked->namespace);
	if (strlen(engine->instance) > CONTROL_NAME_BYTES_MAX)
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
					    "--instance has %zu bytes, and %d are the most; give a shorter name",
					    strlen(engine->instance), CONTROL_NAME_BYTES_MAX));
	struct process_control *control = memory_take(1, sizeof *control);
	if (!control)
		return error_null(error_memory(error, ERROR_SYSTEM, "following the control plane"));
	*control = (struct process_control){.running = running, .lock = PTHREAD_MUTEX_INITIALIZER};
	const char *prefix = prefix_choose(&running->asked->prefix, NULL, error);
	const bool creates = running->asked->topics == TOPICS_CREATE;
	control->artifact_folder = document_files_folder(running->asked->artifact_folder, running->asked->state_folder,
							 namespace, running->arena);
	running->cancels_topic = prefix ? topic_cancels_name(running->arena, prefix, namespace) : NULL;
	if (!control->artifact_folder)
		error_memory(error, ERROR_SYSTEM, "following the control plane");
	else if (prefix && control_topics_name(&control->topics, prefix, namespace, running->arena, error) &&
	    control_topics_ensure(&control->topics, engine->brokers, engine->producer, 0, creates, error) &&
	    control_topics_ensure_artifacts(&control->topics, engine->brokers, engine->producer, 0, creates, error)) {
		control_configure(control);
		control->follower = follower_open(&control->follower_config, error);
	}
	if (control->follower)
		return control;
	process_control_close(control);
	return NULL;
}

bool process_control_start(struct process_control *control, struct engine *engine, struct error *error)
{
	control->running->live = engine;
	control->follower_config.topics = control->running->topics;
	control->follower_config.models = status_publisher_models(control->running->watchers.status);
	control->mover = group_mover_open(&control->running->engine, engine, error);
	control->follower_config.mover = control->mover;
	alert_watch_share(control->running->watchers.alerts, (struct alert_outlet){control, alert_post, keeper_silent_ms});
	control->keeper_config.notifier = alert_watch_notifier(control->running->watchers.alerts);
	if (control->mover)
		control->keeper = keeper_service_open(&control->keeper_config, error);
	return control->keeper && control_listen(control, error) && follower_start(control->follower, engine, error);
}

void process_control_reread(struct process_control *control)
{
	if (control->running->gateway.gateway)
		(void)gateway_service_reread(&control->running->gateway);
	follower_reread(control->follower);
}

void process_control_close(struct process_control *control)
{
	if (!control)
		return;
	waiting_listener_close(control->waiting);
	follower_close(control->follower);
	group_mover_close(control->mover);
	if (control->keeper) /* which ends the notices that were delivered */
		notifier_stop(control->keeper_config.notifier);
	keeper_service_close(control->keeper);
	artifact_index_close(&control->index);
	control->running->engine.control = NULL;
	control->running->engine.feed = NULL;
	memory_give(control);
}
