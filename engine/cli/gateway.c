/* gateway.c: `sluice gateway`: interface over HTTP and gRPC to the pipelines of a namespace. */
#include "gateway/gateway.h"

#include "base/duration.h"
#include "cli/command.h"
#include "cli/gateway_access.h"
#include "cli/kafka.h"
#include "cli/server_metrics.h"
#include "cli/session_revision.h"
#include "log/topics.h"
#include "message/reply.h"
#include "runtime/revision_topics.h"

#define PORT_MOST 65535
#define NO_MODELS "http://127.0.0.1:1" /* engines call them, so nothing is asked of where they are */
#define ARENA_BYTES ((size_t)64 << 20)

enum topics_wanted { TOPICS_CREATE, TOPICS_CHECK };

struct gateway_options {
	const char *namespace;
	struct kafka_asked kafka;
	struct listening_asked listening;
	struct gateway_access_asked access;
	int64_t http_port, grpc_port;
	int64_t timeout_ns, drain_ns;
	struct name_list passed;
	int topics;
	int form;
	const char *metrics;
};

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(gateway_options, namespace),
	KAFKA_ROWS(struct gateway_options, kafka),
	ROW("host", TEXT, struct gateway_options, listening.host, .fallback = "127.0.0.1",
	    .help = "The address at which callers may come in."),
	ROW("http", INTEGER, struct gateway_options, http_port, .word = "PORT", .fallback = "8080", .most = PORT_MOST,
	    .help = "The port for REST; 0: a free one."),
	ROW("grpc", INTEGER, struct gateway_options, grpc_port, .word = "PORT", .fallback = "-1", .least = -1, .most = PORT_MOST,
	    .help = "The port for gRPC; 0: a free one; -1: there is none."),
	ROW("timeout", DURATION, struct gateway_options, timeout_ns, .fallback = "30s",
	    .help = "How long a call may take that says nothing by x-timeout-ms or " DEADLINE_HEADER "; none takes more than 10 "
		    "minutes."),
	ROW("drain", DURATION, struct gateway_options, drain_ns, .fallback = "10s",
	    .help = "How long open calls may take when it is told to stop."),
	ROW("pass-header", NAMES, struct gateway_options, passed, .word = "NAME",
	    .help = "A header of requests that goes along with their records, beside content-type, traceparent, tracestate and "
		    "seldon-route. May be given several times."),
	ROW("certificate", TEXT, struct gateway_options, listening.certificate,
	    .help = "A file with the gateway's certificate, in PEM: it then speaks TLS alone."),
	ROW("key", TEXT, struct gateway_options, listening.key, .help = "A file with the certificate's key, in PEM."),
	ROW("authorities", TEXT, struct gateway_options, listening.authorities,
	    .help = "A file of authorities, in PEM: whoever calls needs a certificate that one of them has signed."),
	GATEWAY_ACCESS_ROWS(struct gateway_options, access),
	ROW("topics", CHOICE, struct gateway_options, topics, .choices = "create check", .fallback = "create",
	    .help = "Whether topics that are missing are created, or an error."),
	ROW("insecure-ignore-security", FLAG, struct gateway_options, listening.insecure,
	    .help = "Listens beyond this machine (`--host`), although callers are not asked who they are; and although the files "
		    "ask for protection that is not in force yet."),
	COMMAND_METRICS(gateway_options, metrics),
	COMMAND_FORM(gateway_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_gateway;

struct gateway_run {
	struct session *session;
	const struct gateway_options *options;
	struct arena *arena;
	struct kafka kafka;
	struct revision *revision;
	struct tls_files files;
	struct gateway_access access;
	struct gateway_config config;
	struct gateway *gateway;
};

/* ---- what is wanted at the start ---- */

static bool headers_are_fit(const struct gateway_options *self, struct error *error)
{
	static const char *const kept_back[] = {"authorization", "cookie", "proxy-authorization", ACCESS_API_KEY_HEADER};
	for (size_t i = 0; i < self->passed.count; i++) {
		struct text name = text_of(self->passed.items[i].text);
		bool own = reply_header_is_own(name);
		for (size_t j = 0; j < sizeof kept_back / sizeof *kept_back; j++)
			if (own || text_equal_caseless(name, text_of(kept_back[j])))
				return error_set(error, ERROR_CONFIG, PLACE_NONE,
						 "`--pass-header %s`: credentials, cookies and headers of sluice's own never go to "
						 "Kafka; leave it out",
						 self->passed.items[i].text);
	}
	return true;
}

/* What the files ask for, too. */
static bool access_see(struct gateway_run *run, struct error *error)
{
	const struct gateway_options *self = run->options;
	return gateway_access_fill(&run->access, &self->access, &self->listening, run->revision->runtime, run->session, run->arena,
				   error) &&
	       gateway_access_check_host(&run->access, &self->listening, error);
}

/* Those of the pipelines' requests, and the namespace's topic of replies. */
static bool topics_see(struct gateway_run *run, struct error *error)
{
	const struct plan *plan = &run->revision->plan;
	struct wanted_topics wanted;
	size_t made = 0, count = 0;
	bool create = run->options->topics == TOPICS_CREATE;
	if (plan->count == 0)
		return true; /* which the gateway refuses in its words */
	if (!revision_topics(run->revision, run->kafka.topics, false, (struct name_list){0}, &wanted, error))
		return false;
	struct wanted_topic *items = ARENA_ARRAY(run->arena, struct wanted_topic, wanted.count + 1);
	const char *replies = topic_replies_name(run->arena, plan->pipelines[0].prefix, plan->pipelines[0].namespace);
	if (!items || !replies)
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	for (size_t i = 0; i < wanted.count; i++)
		if (!wanted.items[i].written && !wanted.items[i].changelog_of)
			items[count++] = wanted.items[i];
	items[count++] = (struct wanted_topic){
		.name = replies,
		.partitions = GATEWAY_REPLIES_PARTITIONS,
		.replication = run->revision->runtime ? run->revision->runtime->replication_factor : 0,
		.retention_ms = GATEWAY_REPLIES_RETENTION_MS,
		.settings = run->kafka.topics,
	};
	return topics_ensure(run->kafka.brokers, run->kafka.producer, (struct wanted_topics){count, items}, create, &made, error);
}

static void say_ready(const struct gateway_run *run)
{
	const struct plan *plan = &run->revision->plan;
	const bool json = run->options->form == OUTPUT_JSON;
	FILE *out = run->session->out;
	const struct listening_asked *listening = &run->options->listening;
	const char *tls = listening->certificate ? "s" : "";
	int grpc_port = gateway_grpc_port(run->gateway);
	fprintf(out, json ? "{\"rest\":\"http%s://%s:%d\"," : "ready at http%s://%s:%d", tls, listening->host,
		gateway_http_port(run->gateway));
	if (grpc_port > 0)
		fprintf(out, json ? "\"grpc\":\"%s:%d\"," : ", gRPC at %s:%d", listening->host, grpc_port);
	fputs(json ? "\"pipelines\":[" : ": ", out);
	/* The names of pipelines are those of Kubernetes: none has a byte that JSON escapes. */
	for (size_t i = 0; i < plan->count; i++)
		fprintf(out, json ? "%s\"%s\"" : "%s%s", i == 0 ? "" : json ? "," : ", ", plan->pipelines[i].graph->name);
	fputs(json ? "]}\n" : "\n", out);
	fflush(out);
}

/* ---- running ---- */

static bool server_reload_tls(void *gateway, struct error *error)
{
	return gateway_reload_tls(gateway, error);
}

static bool server_drain(void *gateway)
{
	return gateway_drain(gateway);
}

static bool server_is_well(void *gateway, struct error *error)
{
	return gateway_is_well(gateway, error);
}

static bool open_and_serve(struct gateway_run *run, struct error *error)
{
	const struct gateway_options *self = run->options;
	struct listening listening = {0};
	struct metrics_listener *metrics = NULL;
	struct listening_server server = {.reload_tls = server_reload_tls, .drain = server_drain, .is_well = server_is_well};
	run->files = listening_files(&self->listening);
	run->config = (struct gateway_config){
		.host = self->listening.host,
		.http_port = (int)self->http_port,
		.serves_grpc = self->grpc_port >= 0,
		.grpc_port = (int)self->grpc_port,
		.files = self->listening.certificate ? &run->files : NULL,
		.brokers = run->kafka.brokers,
		.consumer = run->kafka.consumer,
		.producer = run->kafka.producer,
		.timeout_ms = self->timeout_ns / NS_PER_MS,
		.access = run->access.wanted,
		.passed = self->passed,
	};
	bool good = listening_open(&listening, run->session, error) && topics_see(run, error) &&
		    (run->gateway = gateway_open(listening.loop, &run->config, &run->revision->plan, error));
	server.server = run->gateway;
	good = good && listening_attach(&listening, &server, &self->listening, error);
	if (good && self->metrics)
		good = (metrics = gateway_metrics_open(run->session, listening.loop, run->gateway, self->metrics, error));
	if (good) {
		say_ready(run);
		good = listening_serve(&listening, self->drain_ns / NS_PER_MS, error);
	}
	metrics_listener_close(metrics);
	gateway_close(run->gateway);
	listening_close(&listening);
	return good;
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct gateway_options *self = filled;
	const struct revision_options files = {.paths = arguments,
					       .path_count = count,
					       .namespace = self->namespace,
					       .built_in = NO_MODELS,
					       .has_gateway = true,
					       .insecure = self->listening.insecure};
	struct gateway_run run = {.session = session, .options = self, .arena = arena_open(ARENA_BYTES)};
	struct error error = {0};
	if (count == 0) {
		arena_close(run.arena);
		return command_misuse(session, &command_gateway, "which pipelines? Give files or folders, as in -f pipelines/");
	}
	bool good = run.arena || error_memory(&error, ERROR_SYSTEM, "starting a gateway");
	good = good && listening_check_tls(&self->listening, "gateway", &error) && headers_are_fit(self, &error) &&
	       (run.revision = session_revision_open(session, &files, &error)) && access_see(&run, &error) &&
	       kafka_find(run.revision->runtime, &self->kafka, run.arena, &run.kafka, &error) && open_and_serve(&run, &error);
	revision_close(run.revision);
	arena_close(run.arena);
	if (good)
		return EXIT_GOOD;
	return error.kind == ERROR_NONE ? EXIT_FAULTS : command_refused(session, &command_gateway, &error);
}

const struct command command_gateway = {
	.name = "gateway",
	.arguments = "[FILE]...",
	.summary = "Serves pipelines over HTTP and gRPC to callers that know nothing of Kafka.",
	.help = "Takes requests by the Open Inference Protocol (over HTTP, and with --grpc over gRPC) and those of "
		"TensorFlow Serving and the first Seldon Core, writes them to the topics that the pipelines of the files "
		"read, and answers with what engines answer: start them by `sluice run` with the same files. A call ends "
		"by its answer or its deadline: 504 where an engine did not answer in time, 503 where Kafka did not take "
		"the request. Calls that fail are answered, and kept as dead letters only where the pipeline says "
		"`output.errors: keep`. A Model that no pipeline, experiment or deployment of the files names is asked by "
		"its own name; `sluice plan` shows the pipeline that it gets. SIGTERM: it is not ready any more, and ends "
		"its open calls.\n"
		"\n"
		"  sluice gateway -f pipelines/ --http 8080 --grpc 8081 --brokers localhost:9092\n"
		"  curl localhost:8080/v2/pipelines/hello/infer -d @pipelines/hello/request.json\n",
	.options = options,
	.options_size = sizeof(struct gateway_options),
	.group = "run",
	.run = run,
};
