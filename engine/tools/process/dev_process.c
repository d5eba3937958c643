/* dev_process.c: see dev_process.h. */
#include "tools/process/dev_process.h"

#include <sys/stat.h>

#include "tools/client/kafka.h"
#include "gateway/gateway.h"
#include "gateway/server_metrics.h"
#include "kafka/embedded/embedded_broker.h"
#include "kafka/embedded/relay.h"
#include "tools/process/drained_stop.h"
#include "tools/process/engine_watchers.h"
#include "tools/process/service_ports.h"
#include "engine/run/file_watch.h"
#include "engine/run/log_writer.h"
#include "engine/setup/process_memory.h"
#include "engine/setup/run_limits.h"
#include "models/server/model_server.h"
#include "models/remote_download.h"
#include "models/server/stub_file.h"
#include "tools/view/dev_lines.h"

#define WORKERS 1
#define PARTITIONS 1 /* of every topic, whatever numPartitions says: one worker reads them all */
#define LINES_MS 1000
#define DRAIN_MS 5000
#define STATE_BYTES ((size_t)256 << 20) /* of a pipeline, all in one partition */
#define ADDRESS_BYTES 96

struct dev_process {
	const struct dev_config *asked;
	const struct workspace *workspace;
	struct revision_options files;
	char models[ADDRESS_BYTES]; /* of the built-in server */
	struct loop *loop;
	struct embedded_broker *broker;
	struct relay *relay; /* in front of the broker, for clients */
	struct model_server *server;
	struct engine_config config;
	struct engine *engine;
	struct gateway_config gateway_config;
	struct gateway *gateway; /* NULL: it could not be opened */
	struct drained_stop stop;
	struct notifier_settings notices;
	size_t memory_bytes; /* of the engine and the gateway */
	struct engine_watchers watchers;
	struct file_watch watch;
	struct remote_download fetching;
	struct files *remote_files; /* remote files to be fetched; NULL: none */
	bool edited;		 /* a file was edited during the first fetch */
	bool is_rejected;	 /* the last reload */
	struct dev_lines *lines;
	struct loop_timer ready_timer, lines_timer;
};

static void say_where_this_differs(const struct dev_process *dev, const struct revision *revision)
{
	const struct plan *plan = &revision->plan;
	log_say(dev->config.log, LOG_LEVEL_INFO, NULL,
		"An engine, a broker and a model server in one process, for development. Nothing is kept on disk, delivery is "
		"at least once, and each partition keeps about its newest 5 MB of records.");
	for (size_t i = 0; i < plan->count; i++) {
		const char *name = plan->pipelines[i].graph->name;
		if (plan->pipelines[i].delivery == DELIVERY_EXACTLY_ONCE)
			log_say(dev->config.log, LOG_LEVEL_INFO, &(struct log_fields){.pipeline = name},
				"%s: exactly once for `sluice run`; at least once here", name);
	}
}

/* ---- the files ---- */

static bool make_topics(const struct dev_process *dev, const struct revision *revision, struct error *error)
{
	for (size_t i = 0; i < revision->plan.count; i++) {
		const struct pipeline_plan *plan = &revision->plan.pipelines[i];
		const char *status = topic_status_name(revision->arena, plan->prefix, plan->namespace);
		if (!status)
			return error_memory(error, ERROR_SYSTEM, "naming topics");
		const char *replies = topic_replies_name(revision->arena, plan->prefix, plan->namespace);
		const char *claims = topic_claims_name(revision->arena, plan->prefix, plan->namespace);
		const char *cancels = topic_cancels_name(revision->arena, plan->prefix, plan->namespace);
		if (!replies || !claims || !cancels)
			return error_memory(error, ERROR_SYSTEM, "naming topics");
		if (!embedded_broker_topic(dev->broker, status, PARTITIONS, error) ||
		    !embedded_broker_topic(dev->broker, replies, PARTITIONS, error) ||
		    !embedded_broker_topic(dev->broker, claims, PARTITIONS, error) ||
		    !embedded_broker_topic(dev->broker, cancels, 1, error))
			return false;
		for (size_t j = 0; j < plan->topic_count; j++)
			if (!embedded_broker_topic(dev->broker, plan->topics[j].name, PARTITIONS, error))
				return false;
	}
	return true;
}

/* The models that a stubs.json in one of the folders offers: the model server has them. They live as long as the files. */
static bool stubs_offer(const struct dev_process *dev, struct name_list *servers, struct error *error)
{
	struct arena *arena = dev->workspace->arena;
	*servers = (struct name_list){0};
	for (size_t i = 0; i < dev->files.path_count; i++) {
		struct stub_file stubs;
		struct stat what;
		if (stat(dev->files.paths[i], &what) != 0 || !S_ISDIR(what.st_mode))
			continue;
		if (!stub_file_read(dev->files.paths[i], arena, &stubs, error))
			return false;
		const struct name_list more = stub_file_offered(&stubs, dev->models, arena);
		struct name *all = ARENA_ARRAY(arena, struct name, servers->count + more.count);
		if (!all)
			return error_memory(error, ERROR_SYSTEM, "reading stubs.json");
		if (servers->count > 0)
			memcpy(all, servers->items, servers->count * sizeof *all);
		if (more.count > 0)
			memcpy(all + servers->count, more.items, more.count * sizeof *all);
		*servers = (struct name_list){servers->count + more.count, all};
	}
	return true;
}

/* Reads the files. NULL: their faults were reported, or `error` is set, or remote files must be fetched first. */
static struct revision *read_files(struct dev_process *dev, struct error *error)
{
	struct revision_options files = dev->files;
	if (!stubs_offer(dev, &files.servers, error))
		return NULL;
	files.remote_files = &dev->remote_files;
	files.before = dev->engine ? &engine_revision(dev->engine)->plan : NULL;
	struct revision *revision = revision_open_in_workspace(dev->workspace, &files, error);
	if (revision && make_topics(dev, revision, error))
		return revision;
	revision_close(revision);
	return NULL;
}

static void reload_with(void *context, struct files *fetched);

/* Starts a fetch of remote files; the running version continues meanwhile. False: none must be fetched, or the fetch
 * failed. */
static bool fetch_first(struct dev_process *dev, struct error *error)
{
	struct files *files = dev->remote_files;
	dev->remote_files = NULL;
	if (!files || !remote_download_start(&dev->fetching, dev->loop, files, reload_with, dev, error))
		return false;
	workspace_note(dev->workspace, "fetching remote files that the files name; the running version is unchanged until then");
	return true;
}

static bool gateway_is_at(const struct dev_process *dev, const struct service_ports *ports)
{
	return dev->gateway && dev->gateway_config.http_port == ports->http && dev->gateway_config.grpc_port == ports->grpc;
}

/* Updates the gateway, or opens one: also where the files name other ports now. False: there is none, as the files contain what it
 * cannot serve, or its port is taken. */
static bool follow_gateway(struct dev_process *dev, struct error *error)
{
	const struct revision *revision = engine_revision(dev->engine);
	const struct plan *plan = &revision->plan;
	const struct service_ports ports = service_ports_choose(dev->asked->http_port, dev->asked->grpc_port, revision->runtime);
	const bool moves = dev->gateway && !gateway_is_at(dev, &ports);
	if (dev->gateway && !moves && gateway_follow(dev->gateway, plan, error))
		return true;
	gateway_close(dev->gateway);
	*error = (struct error){0};
	dev->gateway_config = (struct gateway_config){
		.serves_http = true,
		.http_port = ports.http,
		.serves_grpc = true,
		.grpc_port = ports.grpc,
		.brokers = embedded_broker_brokers(dev->broker),
		.consumer = embedded_consumer_settings,
		.producer = embedded_producer_settings,
		.direct = dev->watchers.direct,
		.hosts = dev->asked->hosts,
		.log = &dev->asked->log->sink,
		.memory_bytes = memory_of_gateway(dev->memory_bytes),
		.record_bytes = BATCH_TOPIC_BYTES, /* the simulated broker does not report settings of topics */
	};
	dev->gateway = gateway_open(dev->loop, &dev->gateway_config, plan, error);
	if (dev->gateway && moves)
		workspace_note(dev->workspace, "the gateway is at 127.0.0.1:%d for HTTP, and at 127.0.0.1:%d for gRPC now",
			       gateway_http_port(dev->gateway), gateway_grpc_port(dev->gateway));
	return dev->gateway != NULL;
}

/* The engine also runs without a gateway. */
static void follow_gateway_or_warn(struct dev_process *dev)
{
	struct error error = {0};
	if (!follow_gateway(dev, &error))
		log_say(dev->config.log, LOG_LEVEL_WARN, NULL, "there is no gateway: %s", error.text);
}

/* False: there is none, although the command line gives a port of it. */
static bool open_first_gateway(struct dev_process *dev, struct error *error)
{
	struct error reason = {0};
	if (dev->asked->http_port < 0 && dev->asked->grpc_port < 0)
		follow_gateway_or_warn(dev);
	else if (!follow_gateway(dev, &reason))
		return error_set(error, reason.kind, reason.place,
				 "there can be no gateway at the port of %s: %s. Correct that, or run without --http and --grpc, "
				 "which goes on without a gateway",
				 dev->asked->http_port < 0 ? "--grpc" : "--http", reason.text);
	return true;
}

/* The last word of a rejected reload is an error, so that the next one has a line in any case. */
static void reload_note(struct dev_process *dev, bool good, bool differs)
{
	if (!good)
		log_say(dev->config.log, LOG_LEVEL_ERROR, NULL,
			"reload rejected: the files have errors. The running version is unchanged; the next change is tried again");
	else if (dev->is_rejected)
		log_say(dev->config.log, LOG_LEVEL_INFO, NULL, "the files have no errors any more%s",
			differs ? "" : "; no pipeline has changed");
	dev->is_rejected = !good;
	if (dev->watchers.status)
		status_publisher_note_reload(dev->watchers.status, !good);
}

/* Reloads models before pipelines, because the new pipelines may call the new models. */
static void reload(struct dev_process *dev)
{
	struct error error = {0};
	dev_lines_clear(dev->lines);
	struct revision *revision = read_files(dev, &error);
	if (fetch_first(dev, &error))
		return;
	const bool differs = revision && revision_differs(engine_revision(dev->engine), revision, dev->config.kinds);
	bool good = revision && model_server_reread(dev->server, &error);
	if (good)
		good = engine_reload(dev->engine, revision, &error);
	else
		revision_close(revision);
	if (error.kind != ERROR_NONE)
		workspace_failed(dev->workspace, &error);
	if (good)
		follow_gateway_or_warn(dev);
	reload_note(dev, good, differs);
	fflush(dev->asked->err);
	dev_lines_show(dev->lines, dev->engine, loop_now_ms(dev->loop));
}

static void reload_with(void *context, struct files *fetched)
{
	struct dev_process *dev = context;
	dev->remote_files = fetched;
	reload(dev);
}

static void on_changed(void *context)
{
	struct dev_process *dev = context;
	remote_download_close(&dev->fetching);
	dev->edited = true;
	if (dev->watchers.status)
		reload(dev);
}

static bool watch_files(struct dev_process *dev, struct error *error)
{
	return dev->watch.loop ||
	       file_watch_open(&dev->watch, dev->loop, dev->files.paths, dev->files.path_count, on_changed, dev, error);
}

/* ---- start with remote files ---- */

/* Waits until the files are fetched, or an edit may have changed which are needed. A signal ends the fetch. */
static bool wait_for_fetched(struct dev_process *dev, struct error *error)
{
	dev->edited = false;
	return watch_files(dev, error) && remote_download_await(dev->loop, &dev->remote_files, &dev->edited, error);
}

static struct revision *read_first_files(struct dev_process *dev, struct error *error)
{
	struct revision *revision = read_files(dev, error);
	while (!revision && dev->remote_files && wait_for_fetched(dev, error))
		revision = read_files(dev, error);
	return revision;
}

/* ---- running ---- */

static void on_second(void *context)
{
	struct dev_process *dev = context;
	struct error error = {0};
	dev_lines_show(dev->lines, dev->engine, loop_now_ms(dev->loop));
	/* The timer's slot in the heap is free again, so this needs no memory. */
	(void)loop_timer_set(dev->loop, &dev->lines_timer, loop_now_ms(dev->loop) + LINES_MS, &error);
}

static bool open_servers(struct dev_process *dev, struct error *error)
{
	const struct model_server_config models = {
		.paths = dev->files.paths, .path_count = dev->files.path_count, .hosts = dev->asked->hosts, .keeps_removed = true};
	dev->loop = loop_open(error);
	dev->broker = dev->loop ? embedded_broker_open(error) : NULL;
	dev->relay = dev->broker ? relay_open(dev->loop, dev->broker, dev->asked->port, error) : NULL;
	dev->server = dev->relay ? model_server_open(dev->workspace, dev->loop, &models, error) : NULL;
	if (!dev->server)
		return false;
	snprintf(dev->models, sizeof dev->models, "grpc://127.0.0.1:%d", model_server_grpc_port(dev->server));
	dev->files.built_in = dev->models;
	return true;
}

static void write_other_metrics(void *context, struct exposition *exposition)
{
	const struct dev_process *dev = context;
	gateway_metrics_write(dev->gateway, exposition);
	served_metrics_write(dev->server, exposition);
}

static void dev_process_on_stop(void *context, struct engine *engine)
{
	struct dev_process *dev = context;
	drained_stop_begin(&dev->stop, engine, &dev->gateway, DRAIN_MS);
}

static bool open_engine(struct dev_process *dev, struct error *error)
{
	dev->config = (struct engine_config){
		.brokers = embedded_broker_brokers(dev->broker),
		.instance = engine_name(NULL, dev->workspace->arena, error),
		.consumer = embedded_consumer_settings,
		.producer = embedded_producer_settings,
		.kinds = dev->workspace->kinds,
		.workers = WORKERS,
		.memory_bytes = dev->memory_bytes - memory_of_gateway(dev->memory_bytes),
		.state_bytes = STATE_BYTES,
		.partitions = PARTITIONS,
		.at_least_once = true,
		.drain_ms = DRAIN_MS,
		.log = &dev->asked->log->sink,
		.loop = dev->loop,
		.asked_to_stop = dev_process_on_stop,
		.write_metrics = write_other_metrics,
		.context = dev,
	};
	if (!engine_watchers_prepare(&dev->watchers, &dev->config, error))
		return false;
	log_writer_name(dev->asked->log, dev->config.instance);
	struct revision *revision = dev->config.instance ? read_first_files(dev, error) : NULL;
	if (!revision)
		return false;
	say_where_this_differs(dev, revision);
	dev->engine = engine_open(revision, &dev->config, error);
	if (!dev->engine || !open_first_gateway(dev, error))
		return false;
	/* A `dev` has one namespace. */
	const struct plan *plan = &engine_revision(dev->engine)->plan;
	const char *cancels = plan->count > 0 ? topic_cancels_name(dev->workspace->arena, plan->pipelines[0].prefix,
								   plan->pipelines[0].namespace)
					      : NULL;
	const struct metrics_config metrics = {
		.asked = dev->asked->metrics, .workspace = dev->workspace, .hosts = dev->asked->hosts};
	return engine_watchers_read_cancels(&dev->watchers, dev->engine, &dev->config, cancels, error) &&
	       engine_watchers_open(&dev->watchers, dev->engine, &dev->config, &dev->notices, &metrics, error);
}

/* In the first turn of the engine's loop, after the engine's own first lines. */
static void dev_process_on_ready(void *context)
{
	const struct dev_process *dev = context;
	const struct dev_addresses at = {.arena = dev->workspace->arena,
					 .brokers = relay_brokers(dev->relay),
					 .models = dev->models,
					 .rest_port = model_server_rest_port(dev->server),
					 .has_gateway = dev->gateway != NULL,
					 .http_port = dev->gateway ? gateway_http_port(dev->gateway) : 0,
					 .grpc_port = dev->gateway ? gateway_grpc_port(dev->gateway) : 0};
	dev->asked->ready(dev->asked->context, &at, &engine_revision(dev->engine)->plan.pipelines[0]);
}

static bool run_engine(struct dev_process *dev, struct error *error)
{
	dev->ready_timer = (struct loop_timer){.due = dev_process_on_ready, .context = dev};
	dev->lines_timer = (struct loop_timer){.due = on_second, .context = dev};
	dev->lines = dev_lines_open(dev->asked->out, dev->asked->json, loop_now_ms(dev->loop), error);
	return dev->lines && watch_files(dev, error) &&
	       loop_timer_set(dev->loop, &dev->ready_timer, loop_now_ms(dev->loop), error) &&
	       loop_timer_set(dev->loop, &dev->lines_timer, loop_now_ms(dev->loop) + LINES_MS, error) &&
	       engine_run(dev->engine, error);
}

static void close_all(struct dev_process *dev)
{
	file_watch_close(&dev->watch);
	remote_download_close(&dev->fetching);
	files_close(dev->remote_files);
	engine_watchers_stop(&dev->watchers);
	gateway_close(dev->gateway);
	engine_close(dev->engine);
	engine_watchers_close(&dev->watchers);
	dev_lines_close(dev->lines);
	model_server_close(dev->server);
	relay_close(dev->relay);
	embedded_broker_close(dev->broker);
	loop_close(dev->loop);
}

bool dev_process_run(const struct dev_config *config, struct error *error)
{
	struct dev_process dev = {.asked = config,
				  .workspace = config->workspace,
				  .memory_bytes = memory_choose(0, memory_cgroup_limit(""), 1),
				  .files = {.paths = config->paths,
					    .path_count = config->path_count,
					    .namespace = config->namespace,
					    .secrets = config->secrets,
					    .one_namespace = true,
					    .insecure = true}};
	sigset_t before;
	engine_block_signals(&before);
	bool good = run_limits_check(dev.memory_bytes, false, WORKERS, error) && metrics_asked_check(config->metrics, error) &&
		    alert_settings_make(config->alerts, config->secrets, config->workspace->arena, &dev.notices, error);
	dev.files.receivers = dev.notices.allowed;
	dev.files.receiver_count = dev.notices.allowed_count;
	good = good && open_servers(&dev, error) && open_engine(&dev, error) && run_engine(&dev, error);
	close_all(&dev);
	stop_signals_restore(&before);
	return good;
}
