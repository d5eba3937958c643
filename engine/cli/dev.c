/* dev.c: `sluice dev`: a broker, a model server and an engine in one process, which follows edits of the files. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/quote.h"
#include "cli/command.h"
#include "client/kafka.h"
#include "gateway/gateway.h"
#include "gateway/server_metrics.h"
#include "log/mock.h"
#include "log/relay.h"
#include "message/json_write.h"
#include "runtime/alert_settings.h"
#include "runtime/alert_watch.h"
#include "runtime/cancel_relay.h"
#include "runtime/engine.h"
#include "runtime/engine_metrics.h"
#include "runtime/file_watch.h"
#include "runtime/log_writer.h"
#include "runtime/run_limits.h"
#include "runtime/status_publisher.h"
#include "serving/fetching.h"
#include "serving/model_server.h"
#include "serving/stub_file.h"
#include "view/dev_lines.h"
#include "worker/direct_hub.h"

#define WORKERS 1
#define PARTITIONS 1 /* of every topic: joins work, and nothing needs to be distributed */
#define LINES_MS 1000
#define DRAIN_MS 5000
#define LAST_REPLIES_MS 1000 /* for the engine's last answers to reach the gateway's callers */
#define MEMORY_BYTES ((size_t)256 << 20)
#define STATE_BYTES ((size_t)256 << 20) /* of a pipeline, all in one partition */
#define DRAIN_LOOK_MS 20
#define ADDRESS_BYTES 96
#define SAID_BYTES_MAX ((size_t)1 << 20)
#define PORT "19092" /* stays the same, so that clients outlive a restart */
#define PORT_MOST 65535
#define REQUEST_FILE "request.json"
#define SMALL_REQUEST "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1], \"data\": [1]}]}"

struct dev_options {
	const char *namespace;
	int64_t port, http_port, grpc_port;
	int log_level;
	int form;
	const char *metrics;
	struct alert_asked alerts;
};

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(dev_options, namespace),
	ROW("port", INTEGER, struct dev_options, port, .word = "NUMBER", .fallback = PORT, .least = 0, .most = PORT_MOST,
	    .help = "The port of its broker on the loopback interface; 0: any free port."),
	COMMAND_LOG_LEVEL(dev_options, log_level),
	ROW("http", INTEGER, struct dev_options, http_port, .word = "PORT", .fallback = "0", .most = PORT_MOST,
	    .help = "The port of its gateway for HTTP on the loopback interface; 0: any free port."),
	ROW("grpc", INTEGER, struct dev_options, grpc_port, .word = "PORT", .fallback = "0", .most = PORT_MOST,
	    .help = "The port of its gateway for gRPC on the loopback interface, which may be that of --http; 0: any free port."),
	ALERT_ROWS(struct dev_options, alerts),
	COMMAND_METRICS(dev_options, metrics),
	COMMAND_FORM(dev_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_dev;

struct dev {
	struct session *session;
	const struct dev_options *options;
	struct revision_options files;
	char models[ADDRESS_BYTES]; /* of the built-in server */
	struct loop *loop;
	struct mock_cluster *broker;
	struct relay *relay; /* in front of the broker, for clients */
	struct model_server *server;
	struct direct_hub *direct; /* between the engine and the gateway */
	struct cancel_board *cancels;
	struct cancel_relay *cancel_relay;
	struct engine_config config;
	struct engine *engine;
	struct gateway_config gateway_config;
	struct gateway *gateway; /* NULL: it could not be opened */
	struct status_publisher *status_publisher;
	struct notifier_settings notices;
	struct alert_watch *alerts;
	struct engine_metrics *metrics; /* NULL: not configured */
	struct file_watch watch;
	struct fetching fetching;
	struct files *elsewhere; /* remote files to be fetched; NULL: none */
	bool edited;		 /* a file was edited during the first fetch */
	struct dev_lines *lines;
	struct log_writer log;
	struct loop_timer ready_timer, lines_timer;
};

/* ---- output at the start ---- */

/* The folder of the pipeline's file, with its slash; empty: the current folder. */
static struct text folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	return (struct text){file, slash ? (size_t)(slash - file) + 1 : 0};
}

/* Whether a command needs the files to find the pipeline's topics; else it derives their names. */
static bool needs_files(const struct pipeline_plan *plan)
{
	if (strcmp(plan->prefix, PREFIX_DEFAULT) != 0 || strcmp(plan->namespace, NAMESPACE_DEFAULT) != 0)
		return true;
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].bound)
			return true;
	return false;
}

/* Writes a command that sends a request: the file beside the pipeline, or else a small request, whose error shows
 * which inputs the pipeline needs. */
static void write_command(const struct dev *dev, const struct pipeline_plan *plan, struct buffer *out)
{
	const char *file = plan->graph->resource->place.file;
	struct text folder = folder_of(file);
	struct arena *arena = dev->session->arena;
	const char *request = arena_print(arena, TEXT_FORMAT REQUEST_FILE, TEXT_ARGUMENTS(folder));
	if (request && access(request, R_OK) != 0) {
		buffer_string(out, "echo '" SMALL_REQUEST "' | ");
		request = "-";
	}
	buffer_shell_word(out, text_of(program_invocation_name));
	buffer_string(out, " infer ");
	buffer_shell_word(out, text_of(plan->graph->name));
	buffer_string(out, " -f ");
	buffer_shell_word(out, text_of(request));
	if (needs_files(plan)) {
		buffer_string(out, " --pipelines ");
		buffer_shell_word(out, text_of(file));
	}
	buffer_print(out, " --brokers %s", relay_brokers(dev->relay));
}

/* Writes a command that sends the same request over HTTP. Needs a gateway. */
static void write_curl(const struct dev *dev, const struct pipeline_plan *plan, struct buffer *out)
{
	const char *file = plan->graph->resource->place.file;
	struct text folder = folder_of(file);
	struct arena *arena = dev->session->arena;
	const char *request = arena_print(arena, TEXT_FORMAT REQUEST_FILE, TEXT_ARGUMENTS(folder));
	buffer_print(out, "curl http://127.0.0.1:%d/v2/pipelines/", gateway_http_port(dev->gateway));
	buffer_shell_word(out, text_of(plan->graph->name));
	buffer_string(out, "/infer -d ");
	if (request && access(request, R_OK) == 0)
		buffer_shell_word(out, text_of(arena_print(arena, "@%s", request)));
	else
		buffer_string(out, "'" SMALL_REQUEST "'");
}

static void write_text(const struct dev *dev, const struct pipeline_plan *plan, struct buffer *out)
{
	buffer_print(out, "models      http://127.0.0.1:%d  %s\n", model_server_rest_port(dev->server), dev->models);
	if (dev->gateway) {
		buffer_print(out, "gateway     http://127.0.0.1:%d\ngrpc        127.0.0.1:%d\ncurl        ",
			     gateway_http_port(dev->gateway), gateway_grpc_port(dev->gateway));
		write_curl(dev, plan, out);
		buffer_byte(out, '\n');
	}
	buffer_print(out, "broker      %s\n", relay_brokers(dev->relay));
	buffer_string(out, "try         ");
	write_command(dev, plan, out);
	buffer_print(out, "\nedit        %s\n", plan->graph->resource->place.file);
}

static void write_json(const struct dev *dev, const struct pipeline_plan *plan, struct buffer *out)
{
	struct buffer command;
	buffer_open(&command, SAID_BYTES_MAX);
	write_command(dev, plan, &command);
	buffer_print(out,
		     "{\"brokers\":\"%s\",\"rest\":\"http://127.0.0.1:%d\",\"grpc\":\"%s\",\"try\":", relay_brokers(dev->relay),
		     model_server_rest_port(dev->server), dev->models);
	json_write_string(out, buffer_view(&command));
	if (dev->gateway) {
		buffer_clear(&command);
		write_curl(dev, plan, &command);
		buffer_print(out, ",\"gateway\":\"http://127.0.0.1:%d\",\"gateway_grpc\":\"127.0.0.1:%d\",\"curl\":",
			     gateway_http_port(dev->gateway), gateway_grpc_port(dev->gateway));
		json_write_string(out, buffer_view(&command));
	}
	buffer_string(out, ",\"edit\":");
	json_write_string(out, text_of(plan->graph->resource->place.file));
	buffer_string(out, "}\n");
	out->failed = out->failed || buffer_failed(&command);
	buffer_close(&command);
}

static void say_where_this_differs(const struct dev *dev, const struct plan *plan)
{
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

/* Prints the commands in the first turn of the engine's loop, after the engine's own first lines. */
static void on_ready(void *context)
{
	const struct dev *dev = context;
	struct buffer out;
	const struct plan *plan = &engine_revision(dev->engine)->plan;
	buffer_open(&out, SAID_BYTES_MAX);
	(dev->options->form == OUTPUT_JSON ? write_json : write_text)(dev, &plan->pipelines[0], &out);
	(void)command_write(dev->session, &out);
	fflush(dev->session->out);
}

/* ---- the files ---- */

static bool make_topics(const struct dev *dev, const struct revision *revision, struct error *error)
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
		if (!mock_cluster_topic(dev->broker, status, PARTITIONS, error) ||
		    !mock_cluster_topic(dev->broker, replies, PARTITIONS, error) ||
		    !mock_cluster_topic(dev->broker, claims, PARTITIONS, error) ||
		    !mock_cluster_topic(dev->broker, cancels, 1, error))
			return false;
		for (size_t j = 0; j < plan->topic_count; j++)
			if (!mock_cluster_topic(dev->broker, plan->topics[j].name, PARTITIONS, error))
				return false;
	}
	return true;
}

/* The models that a stubs.json in one of the folders offers: the model server has them. They live as long as the files. */
static bool stubs_offer(const struct dev *dev, struct name_list *servers, struct error *error)
{
	struct arena *arena = dev->session->arena;
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
static struct revision *read_files(struct dev *dev, struct error *error)
{
	struct revision_options files = dev->files;
	if (!stubs_offer(dev, &files.servers, error))
		return NULL;
	files.elsewhere = &dev->elsewhere;
	files.before = dev->engine ? &engine_revision(dev->engine)->plan : NULL;
	struct revision *revision = revision_open_for(command_workspace(dev->session), &files, error);
	if (revision && make_topics(dev, revision, error))
		return revision;
	revision_close(revision);
	return NULL;
}

static void reload_with(void *context, struct files *fetched);

/* Starts a fetch of remote files; the running version continues meanwhile. False: none must be fetched, or the fetch
 * failed. */
static bool fetch_first(struct dev *dev, struct error *error)
{
	struct files *files = dev->elsewhere;
	dev->elsewhere = NULL;
	if (!files || !fetching_start(&dev->fetching, dev->loop, files, reload_with, dev, error))
		return false;
	command_note(dev->session, "fetching remote files that the files name; the running version is unchanged until then");
	return true;
}

/* Updates the gateway, or opens one. The engine also runs without a gateway, because the files may contain what a
 * gateway cannot serve. Always true. */
static bool follow_gateway(struct dev *dev)
{
	const struct plan *plan = &engine_revision(dev->engine)->plan;
	struct error error = {0};
	if (dev->gateway && gateway_follow(dev->gateway, plan, &error))
		return true;
	gateway_close(dev->gateway);
	error = (struct error){0};
	dev->gateway_config = (struct gateway_config){
		.serves_http = true,
		.http_port = (int)dev->options->http_port,
		.serves_grpc = true,
		.grpc_port = (int)dev->options->grpc_port,
		.brokers = mock_cluster_brokers(dev->broker),
		.consumer = mock_consumer_settings,
		.producer = mock_producer_settings,
		.direct = dev->direct,
		.record_bytes = GATEWAY_RECORD_BYTES, /* the simulated broker does not report settings of topics */
	};
	dev->gateway = gateway_open(dev->loop, &dev->gateway_config, plan, &error);
	if (!dev->gateway)
		command_note(dev->session, "there is no gateway: %s", error.text);
	return true;
}

/* Reloads models before pipelines, because the new pipelines may call the new models. */
static void reload(struct dev *dev)
{
	struct error error = {0};
	dev_lines_clear(dev->lines);
	struct revision *revision = read_files(dev, &error);
	if (fetch_first(dev, &error))
		return;
	bool good = revision && model_server_reread(dev->server, &error);
	if (good)
		good = engine_reload(dev->engine, revision, &error) && follow_gateway(dev);
	else
		revision_close(revision);
	if (error.kind != ERROR_NONE)
		(void)command_failed(dev->session, &error);
	if (!good)
		log_say(dev->config.log, LOG_LEVEL_ERROR, NULL,
			"reload rejected: the files have errors. The running version is unchanged; the next change is tried "
			"again");
	fflush(dev->session->err);
	dev_lines_show(dev->lines, dev->engine, loop_now_ms(dev->loop));
}

static void reload_with(void *context, struct files *fetched)
{
	struct dev *dev = context;
	dev->elsewhere = fetched;
	reload(dev);
}

static void on_changed(void *context)
{
	struct dev *dev = context;
	fetching_close(&dev->fetching);
	dev->edited = true;
	if (dev->status_publisher)
		reload(dev);
}

static bool watch_files(struct dev *dev, struct error *error)
{
	return dev->watch.loop ||
	       file_watch_open(&dev->watch, dev->loop, dev->files.paths, dev->files.path_count, on_changed, dev, error);
}

/* ---- start with remote files ---- */

/* Waits until the files are fetched, or an edit may have changed which are needed. A signal ends the fetch. */
static bool wait_for_fetched(struct dev *dev, struct error *error)
{
	dev->edited = false;
	return watch_files(dev, error) && fetching_await(dev->loop, &dev->elsewhere, &dev->edited, error);
}

static struct revision *read_first_files(struct dev *dev, struct error *error)
{
	struct revision *revision = read_files(dev, error);
	while (!revision && dev->elsewhere && wait_for_fetched(dev, error))
		revision = read_files(dev, error);
	return revision;
}

/* ---- running ---- */

static void on_second(void *context)
{
	struct dev *dev = context;
	struct error error = {0};
	dev_lines_show(dev->lines, dev->engine, loop_now_ms(dev->loop));
	/* The timer's slot in the heap is free again, so this needs no memory. */
	(void)loop_timer_set(dev->loop, &dev->lines_timer, loop_now_ms(dev->loop) + LINES_MS, &error);
}

static bool open_servers(struct dev *dev, struct error *error)
{
	const struct model_server_config models = {.paths = dev->files.paths, .path_count = dev->files.path_count};
	dev->loop = loop_open(error);
	dev->broker = dev->loop ? mock_cluster_open(error) : NULL;
	dev->relay = dev->broker ? relay_open(dev->loop, dev->broker, (int)dev->options->port, error) : NULL;
	dev->server = dev->relay ? model_server_open(command_workspace(dev->session), dev->loop, &models, error) : NULL;
	if (!dev->server)
		return false;
	snprintf(dev->models, sizeof dev->models, "grpc://127.0.0.1:%d", model_server_grpc_port(dev->server));
	dev->files.built_in = dev->models;
	return true;
}

static void write_gateway_metrics(void *context, struct exposition *exposition)
{
	const struct dev *dev = context;
	gateway_metrics_write(dev->gateway, exposition);
}

/* A `dev` has one namespace. */
static bool cancels_follow(struct dev *dev, const struct plan *plan, struct error *error)
{
	const struct cancel_relay_config config = {
		.brokers = mock_cluster_brokers(dev->broker),
		.topic = plan->count > 0 ? topic_cancels_name(dev->session->arena, plan->pipelines[0].prefix,
							      plan->pipelines[0].namespace)
					 : NULL,
		.consumer = mock_consumer_settings,
		.log = &dev->log.sink,
		.board = dev->cancels,
	};
	dev->cancel_relay = config.topic ? cancel_relay_open(&config, dev->loop, error) : NULL;
	return dev->cancel_relay || !config.topic;
}

static bool open_engine(struct dev *dev, struct error *error)
{
	dev->direct = direct_hub_open(error);
	if (!dev->direct)
		return false;
	dev->cancels = cancel_board_open();
	if (!dev->cancels)
		return error_memory(error, ERROR_SYSTEM, "preparing an engine");
	dev->config = (struct engine_config){
		.brokers = mock_cluster_brokers(dev->broker),
		.instance = engine_name(NULL, dev->session->arena, error),
		.consumer = mock_consumer_settings,
		.producer = mock_producer_settings,
		.kinds = dev->session->kinds,
		.workers = WORKERS,
		.memory_bytes = MEMORY_BYTES,
		.state_bytes = STATE_BYTES,
		.partitions = PARTITIONS,
		.at_least_once = true,
		.direct = dev->direct,
		.cancels = dev->cancels,
		.drain_ms = DRAIN_MS,
		.log = &dev->log.sink,
		.loop = dev->loop,
		.write_metrics = write_gateway_metrics,
		.context = dev,
	};
	log_writer_name(&dev->log, dev->config.instance);
	struct revision *revision = dev->config.instance ? read_first_files(dev, error) : NULL;
	if (!revision)
		return false;
	say_where_this_differs(dev, &revision->plan);
	dev->engine = engine_open(revision, &dev->config, error);
	if (dev->engine)
		(void)follow_gateway(dev);
	if (dev->engine && !cancels_follow(dev, &engine_revision(dev->engine)->plan, error))
		return false;
	dev->status_publisher = dev->engine ? status_publisher_open(dev->engine, &dev->config, error) : NULL;
	if (dev->status_publisher)
		dev->alerts = alert_watch_open(dev->engine, &dev->config, &dev->notices,
					       status_publisher_models(dev->status_publisher), error);
	const char *address = dev->options->metrics;
	const bool reports = address || runtime_pushgateway(revision->runtime);
	dev->metrics =
		dev->alerts && reports ? engine_metrics_open(dev->engine, &dev->config, dev->alerts, address, error) : NULL;
	return dev->alerts && (dev->metrics || !reports);
}

static bool run_engine(struct dev *dev, struct error *error)
{
	dev->ready_timer = (struct loop_timer){.due = on_ready, .context = dev};
	dev->lines_timer = (struct loop_timer){.due = on_second, .context = dev};
	dev->lines = dev_lines_open(dev->session->out, dev->options->form == OUTPUT_JSON, loop_now_ms(dev->loop), error);
	return dev->lines && watch_files(dev, error) &&
	       loop_timer_set(dev->loop, &dev->ready_timer, loop_now_ms(dev->loop), error) &&
	       loop_timer_set(dev->loop, &dev->lines_timer, loop_now_ms(dev->loop) + LINES_MS, error) &&
	       engine_run(dev->engine, error);
}

/* Drains the gateway. The engine has answered the open calls, and its replies are on their way. */
static void drain_gateway(struct dev *dev)
{
	struct error error = {0};
	for (int64_t until_ms = loop_now_ms(dev->loop) + LAST_REPLIES_MS;
	     dev->gateway && !gateway_drain(dev->gateway) && loop_now_ms(dev->loop) < until_ms;)
		if (!loop_turn(dev->loop, DRAIN_LOOK_MS, &error))
			return;
}

static void close_all(struct dev *dev)
{
	file_watch_close(&dev->watch);
	fetching_close(&dev->fetching);
	files_close(dev->elsewhere);
	engine_metrics_close(dev->metrics);
	alert_watch_close(dev->alerts);
	status_publisher_close(dev->status_publisher);
	gateway_close(dev->gateway);
	cancel_relay_close(dev->cancel_relay);
	engine_close(dev->engine);
	direct_hub_close(dev->direct);
	cancel_board_close(dev->cancels);
	dev_lines_close(dev->lines);
	model_server_close(dev->server);
	relay_close(dev->relay);
	mock_cluster_close(dev->broker);
	loop_close(dev->loop);
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct dev_options *self = filled;
	struct dev dev = {.session = session,
			  .options = self,
			  .files = {.paths = arguments, .path_count = count, .namespace = self->namespace, .insecure = true}};
	struct error error = {0};
	sigset_t before;
	engine_block_signals(&before);
	command_log_begin(session, &dev.log, self->log_level);
	session->fault_pages = self->form == OUTPUT_TEXT; /* an editor of a file sees the line with the fault */
	bool good = run_limits_check(MEMORY_BYTES, false, WORKERS, &error) &&
		    alert_settings_make(&self->alerts, session->arena, &dev.notices, &error) && open_servers(&dev, &error) &&
		    open_engine(&dev, &error) && run_engine(&dev, &error);
	if (good)
		drain_gateway(&dev);
	close_all(&dev);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	int code = good ? EXIT_GOOD : EXIT_FAULTS;
	if (error.kind != ERROR_NONE)
		code = command_refused(session, &command_dev, &error);
	command_log_end(session);
	return code;
}

const struct command command_dev = {
	.name = "dev",
	.arguments = "DIR...",
	.summary = "Runs pipelines on an embedded broker, and reloads files that change.",
	.help = "Starts an embedded broker, the built-in model server, an engine and a gateway, in one process and within a "
		"second. The line that begins with `curl` sends a request to the first pipeline by HTTP. The built-in server "
		"answers for models that have no server of their own. When a file changes, its pipelines are reloaded, and no "
		"message is lost. If the file has an error, it is reported and the running version is unchanged. One line for "
		"each pipeline shows its state; `sluice top` and `sluice health` work as with any engine.\n\nThe broker "
		"listens on the loopback interface, always at the same port. Tested clients: Java clients of Kafka 3.9 and 4.2 "
		"with their console tools, librdkafka 2.0 and 2.16 (confluent-kafka), kafka-python 2.2 and 3.0. They can "
		"produce, consume with or without groups, and list, describe and create topics. Other administration, real "
		"transactions, and logins need a real Kafka: use `sluice run --brokers HOST:PORT` with `sluice models "
		"serve`.\n\nUse it for development only. Nothing is kept on disk, each partition keeps about its newest 5 MB, "
		"and delivery is at least once whatever the files say.\n"
		"\n"
		"  sluice dev pipelines/hello\n",
	.options = options,
	.options_size = sizeof(struct dev_options),
	.group = "run",
	.run = run,
};
