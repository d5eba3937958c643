/* run.c: `sluice run`: an engine on Kafka (tools/process/engine_process.h). */
#include <stdlib.h>

#include "base/network.h"
#include "tools/cli/command.h"
#include "tools/process/engine_process.h"
#include "tools/process/namespace_processes.h"
#include "engine/run/log_writer.h"
#include "engine/setup/process_memory.h"

#define WORKERS_MAX 256

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(run_asked, namespace),
	ROW("namespaces", TEXT, struct run_asked, namespaces, .word = "NAMES",
	    .help = "With --control: the namespaces to serve, as in a,b. Each has a process of its own, which has its own workers "
		    "and its own --memory, and uses no topic of another namespace. The first one has the ports of --http, --grpc "
		    "and --metrics, the second one those plus 1, and so on; --health-socket gets `.NAMESPACE` at its end."),
	ROW("control", FLAG, struct run_asked, control,
	    .help = "Runs what is in force in the control plane of the namespace (`sluice apply`), instead of files, and may "
		    "become its keeper."),
	ROW("topic-prefix", TEXT, struct run_asked, prefix.prefix, .word = "PREFIX", .variable = "SLUICE_TOPIC_PREFIX",
	    .ambient_offset = offsetof(struct run_asked, prefix.ambient),
	    .help = "With --control: the first part of the names of all topics; default: SLUICE_TOPIC_PREFIX, or `sluice`. Files "
		    "state it in their SeldonRuntime (`topicPrefix`)."),
	KAFKA_ROWS(struct run_asked, kafka),
	ROW("topics", CHOICE, struct run_asked, topics, .choices = "create check", .fallback = "create",
	    .help = "Whether missing topics are created, or are an error."),
	ROW("instance", TEXT, struct run_asked, instance,
	    .help = "The engine's name in its groups: unique, and the same after a restart; default: the host's name."),
	ROW("workers", INTEGER, struct run_asked, workers, .word = "N", .fallback = "1", .least = 1, .most = WORKERS_MAX,
	    .help = "Threads for each delivery, which share the partitions of all its pipelines."),
	MEMORY_ROW(struct run_asked, memory_bytes,
		   "The memory that messages may use; beyond it, requests wait in Kafka. A gateway in this process has half of it, "
		   "for bodies, answers and records that wait, and refuses bodies beyond that (503)."),
	ROW("observers", CHOICE, struct run_asked, observers, .choices = "on off", .fallback = "on",
	    .help = "`off`: this engine leaves observers (`drift`, and `explain` beside the answer), which delay no answer, to "
		    "other engines. If none runs them, their records wait in their topics."),
	ROW("state", TEXT, struct run_asked, state_folder, .word = "DIR",
	    .help = "A folder, used by this engine only, for snapshots of the state of steps. They shorten a restart."),
	ROW("artifacts", TEXT, struct run_asked, artifact_folder, .word = "DIR",
	    .help = "With --control: a folder for the files that `sluice apply` sent with documents. Engines may share it. "
		    "Default: `artifacts` in the folder of --state, else `sluice-USERID/artifacts` in TMPDIR, or /tmp."),
	ROW("state-memory", QUANTITY, struct run_asked, state_bytes, .word = "SIZE", .fallback = "1Gi",
	    .help = "The memory for the state of a pipeline in one partition, in addition to --memory; beyond it, requests "
		    "that need more state are answered with LIMIT."),
	ROW("snapshot-every", DURATION, struct run_asked, snapshot_ns, .word = "TIME", .fallback = "1m",
	    .help = "The least time between two snapshots of a partition."),
	ROW("new-state", NAMES, struct run_asked, new_state, .word = "PIPELINE",
	    .help = "Accepts that state of this pipeline was lost, and starts with the present content of its changelogs; for "
		    "one start."),
	ROW("server", NAMES, struct run_asked, servers, .word = "NAME=URL",
	    .help = "The address of the server or model of that name, also of a stub. Given several times for one name: its "
		    "replicas. One name alone that no Model of the files has is the address of all models without one. A node of a "
		    "SeldonDeployment is DEPLOYMENT/NODE, or DEPLOYMENT.PREDICTOR/NODE where several predictors have it; a model "
		    "that a step locates, where another step locates another one, PIPELINE/NAME. What precedes NODE may be left "
		    "out where one model is meant."),
	ROW("commit", DURATION, struct run_asked, commit_ns, .word = "TIME",
	    .help = "Time between two commits; default: from 10 to 100 ms, by the duration of a commit."),
	ROW("drain", DURATION, struct run_asked, drain_ns, .word = "TIME", .fallback = "10s",
	    .help = "The longest time to finish requests in flight when it is stopped."),
	ROW("chaos", TEXT, struct run_asked, chaos, .word = "RULES",
	    .help = "Injects failures into calls of models: \"model scorer: 5% 503, +200ms; models: 1% lost, 2% silent, 10% "
		    "+2s\"; also `refused`."),
	ROW("http", INTEGER, struct run_asked, http_port, .word = "PORT", .least = 1, .most = PORT_MOST,
	    .help = "The port for REST of a gateway in this process, like `sluice gateway`; default: the files' "
		    "serviceConfig.http, else no REST."),
	ROW("grpc", INTEGER, struct run_asked, grpc_port, .word = "PORT", .least = 1, .most = PORT_MOST,
	    .help = "The port for gRPC of a gateway in this process, which may be that of --http; default: the files' "
		    "serviceConfig.grpc, else no gRPC."),
	GATEWAY_ROWS(struct run_asked, gateway),
	ROW("insecure-ignore-security", FLAG, struct run_asked, gateway.listening.insecure,
	    .help = "Runs even if the files ask for protection that is not in force yet. Its gateway listens beyond this "
		    "machine (`--host`) without authentication of callers."),
	ROW("health-socket", TEXT, struct run_asked, health_socket, .word = "PATH",
	    .help = "A Unix socket for `sluice health --socket PATH`, which checks without Kafka whether the process runs."),
	ALERT_ROWS(struct run_asked, alerts),
	METRICS_ROWS(struct run_asked, metrics),
	COMMAND_LOG_LEVEL(run_asked, log_level),
	COMMAND_FORM(run_asked, form, "text json"),
	{.type = OPTION_END},
};

/* What the command line may not combine; NULL: it is fine. */
static const char *misuse_of(const struct run_asked *self, size_t count)
{
	if (count == 0 && !self->control)
		return "the pipelines are missing: give files or folders, as in -f pipelines/, or --control";
	if (self->prefix.prefix && !self->control)
		return "--topic-prefix is for --control; files state it in their SeldonRuntime (`topicPrefix`)";
	if (self->artifact_folder && !self->control)
		return "--artifacts is for --control; files are read where they are";
	if (count > 0 && self->control)
		return "files and --control at once: give files, or apply them with `sluice apply -f` and give --control alone";
	return NULL;
}

static void on_began(void *context)
{
	struct session *session = context;
	session->fault_pages = false;
}

static int run_one(struct session *session, const struct run_asked *self, const char *const *arguments, size_t count)
{
	struct error error = {0};
	struct log_writer log;
	const char *misuse = misuse_of(self, count);
	const struct process_config config = {.workspace = command_workspace(session),
					      .asked = self,
					      .paths = arguments,
					      .path_count = count,
					      .log = &log,
					      .began = on_began,
					      .context = session};
	int code = EXIT_GOOD;
	command_log_begin(session, &log, self->log_level);
	session->fault_pages = self->form == OUTPUT_TEXT; /* until an engine runs */
	struct engine_process *process = misuse ? NULL : engine_process_open(&config, &error);
	const enum process_end end = process ? engine_process_run(process, &error) : PROCESS_FAILED;
	if (misuse)
		code = command_misuse(session, "%s", misuse);
	else if (end == PROCESS_UNREAD)
		code = error.kind == ERROR_NONE ? EXIT_FAULTS : command_refused(session, &error);
	else if (end == PROCESS_FAILED)
		code = command_failed(session, &error);
	engine_process_close(process);
	command_log_end(session);
	return code;
}

struct run_several {
	struct session *session;
	const struct run_asked *options;
	struct namespace_list list;
};

static int serve_namespace(void *context, const char *namespace)
{
	const struct run_several *several = context;
	struct run_asked own = *several->options;
	struct error error = {0};
	int64_t index = 0;
	while (strcmp(several->list.names[index], namespace) != 0)
		index++;
	own.namespace = namespace;
	own.http_port += own.http_port > 0 ? index : 0;
	own.grpc_port += own.grpc_port > 0 ? index : 0;
	if (!metrics_asked_move(&own.metrics, (int)index, several->session->arena, &error))
		return command_refused(several->session, &error);
	if (own.health_socket)
		own.health_socket = arena_print(several->session->arena, "%s.%s", own.health_socket, namespace);
	own.namespace_count = several->list.count;
	return run_one(several->session, &own, NULL, 0);
}

/* Whether each namespace can have ports of its own. CONFIG: they end before the last one, or two options give the same. */
static bool ports_fit(const struct run_asked *self, int64_t count, struct error *error)
{
	struct metrics_address metrics = {0};
	if (self->metrics.address && !metrics_address_read(self->metrics.address, &metrics, error))
		return false;
	const struct {
		const char *option;
		int64_t port;
	} all[] = {{"--http", self->http_port},
		   {"--grpc", self->grpc_port != self->http_port ? self->grpc_port : 0}, /* one port has both */
		   {"--metrics", metrics.port}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (all[i].port > 0 && all[i].port + count - 1 > PORT_MOST)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "%s %lld leaves no port for the last of %lld namespaces; give a lower one",
					 all[i].option, (long long)all[i].port, (long long)count);
		for (size_t j = 0; j < i; j++)
			if (all[i].port > 0 && all[j].port > 0 && llabs(all[i].port - all[j].port) < count)
				return error_set(error, ERROR_CONFIG, PLACE_NONE,
						 "%s %lld and %s %lld are too near: %lld namespaces have as many ports of each; "
						 "choose them further apart",
						 all[j].option, (long long)all[j].port, all[i].option, (long long)all[i].port,
						 (long long)count);
	}
	return true;
}

static int run_several(struct session *session, const struct run_asked *self, size_t count)
{
	struct run_several several = {session, self, {0}};
	struct error error = {0};
	if (!self->control || count > 0)
		return command_misuse(session, "--namespaces is for --control; files state their namespaces");
	if (!namespaces_read(self->namespaces, session->arena, &several.list, &error) ||
	    !ports_fit(self, (int64_t)several.list.count, &error))
		return command_refused(session, &error);
	return namespaces_run(command_workspace(session), &several.list, serve_namespace, &several);
}

static int run_command_run(struct session *session, const void *given, const char *const *arguments, size_t count)
{
	const struct run_asked *self = given;
	const int misuse = command_servers_misused(session, &self->servers);
	if (misuse)
		return misuse;
	return self->namespaces ? run_several(session, self, count) : run_one(session, self, arguments, count);
}

const struct command command_run = {
	.name = "run",
	.arguments = "[FILE]...",
	.summary = "Runs pipelines on Kafka until it is stopped.",
	.help = "Reads files, or folders of them, creates or checks their topics, and runs the pipelines. All pipelines with the "
		"same delivery share workers. On SIGTERM and SIGINT it finishes the requests in flight. On SIGHUP it reads the "
		"files again: unchanged pipelines continue, and others change without losing a message. If a file has a fault, "
		"nothing changes. To share the work among several machines, start it on each with its own --instance. Pipelines "
		"that sluice cannot run yet are refused, with the reason, before anything starts.\n\n"
		"With --control it reads no files. It runs what is in force in the control plane of its namespace, and prepares "
		"changes before they become active: it reads and plans them, and creates their topics. While nothing is in force, "
		"it waits. While there is no keeper, it continues to run what it has. Each such engine can become the keeper, "
		"which decides what is accepted. The addresses of Kafka come from the command line, the environment or the "
		"settings file.\n\n"
		"With --http or --grpc, or serviceConfig.http or serviceConfig.grpc of the files, it also runs a gateway; see "
		"`sluice help gateway`. On SIGTERM the gateway reports that it is not ready. After the time of --lame-duck it "
		"accepts "
		"nothing more, and ends its open calls. Then the engine stops. Each of the last two has the time of --drain.\n\n"
		"  sluice run -f runtime.yaml -f pipelines/\n"
		"  sluice run -f pipeline.yaml --brokers localhost:9092 --server scorer=http://localhost:8080\n"
		"  sluice run --control -n shop --brokers localhost:9092\n"
		"  sluice run --control --namespaces shop,bank --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct run_asked),
	.group = "run",
	.run = run_command_run,
};
