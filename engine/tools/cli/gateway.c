/* gateway.c: `sluice gateway`: interface over HTTP and gRPC to the pipelines of a namespace. */
#include "gateway/gateway.h"
#include "tools/client/kafka.h"

#include <inttypes.h>

#include "base/number/duration.h"
#include "base/network.h"
#include "base/url.h"
#include "tools/cli/command.h"
#include "gateway/gateway_follower.h"
#include "gateway/gateway_service.h"
#include "gateway/server_metrics.h"
#include "kafka/kafka_log.h"
#include "kafka/topics/topic_setup.h"
#include "net/loop_task.h"
#include "engine/run/log_writer.h"
#include "engine/setup/process_memory.h"
#include "engine/setup/revision_topics.h"
#include "tools/process/start_wait.h"
#include "tools/process/waiting_listener.h"

#define NO_MODELS "http://127.0.0.1:1" /* engines call the models, so their addresses are not needed here */
#define ARENA_BYTES ((size_t)64 << 20)
#define LOOK_MS 1000 /* between two looks at whether Kafka answers */

enum topics_wanted { TOPICS_CREATE, TOPICS_CHECK };

struct gateway_options {
	const char *namespace;
	bool control;
	struct prefix_asked prefix;
	struct kafka_asked kafka;
	struct gateway_asked gateway;
	int64_t http_port, grpc_port;
	int64_t drain_ns;
	double memory_bytes;
	int topics;
	int log_level;
	int form;
	struct metrics_asked metrics;
};

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(gateway_options, namespace),
	ROW("control", FLAG, struct gateway_options, control,
	    .help = "Serves what is in force in the control plane of the namespace (`sluice apply`), instead of files."),
	ROW("topic-prefix", TEXT, struct gateway_options, prefix.prefix, .word = "PREFIX", .variable = "SLUICE_TOPIC_PREFIX",
	    .ambient_offset = offsetof(struct gateway_options, prefix.ambient),
	    .help = "With --control: the first part of the names of all topics; default: SLUICE_TOPIC_PREFIX, or `sluice`. Files "
		    "state it in their SeldonRuntime (`topicPrefix`)."),
	KAFKA_ROWS(struct gateway_options, kafka),
	ROW("http", INTEGER, struct gateway_options, http_port, .word = "PORT", .fallback = "8080", .most = PORT_MOST,
	    .help = "The port for REST; 0: a free one. One port may be given for both: it also serves REST over HTTP/2."),
	ROW("grpc", INTEGER, struct gateway_options, grpc_port, .word = "PORT", .fallback = "-1", .least = -1, .most = PORT_MOST,
	    .help = "The port for gRPC, which may be that of --http; 0: a free one; -1: there is none."),
	ROW("drain", DURATION, struct gateway_options, drain_ns, .fallback = "10s",
	    .help = "How long open calls may take when the gateway stops, after the time of --lame-duck."),
	MEMORY_ROW(struct gateway_options, memory_bytes,
		   "The memory that bodies, answers and records that wait may use; beyond it, bodies are refused (503)."),
	GATEWAY_ROWS(struct gateway_options, gateway),
	ROW("topics", CHOICE, struct gateway_options, topics, .choices = "create check", .fallback = "create",
	    .help = "Whether missing topics are created, or are an error."),
	ROW("insecure-ignore-security", FLAG, struct gateway_options, gateway.listening.insecure,
	    .help = "Listens beyond this machine (`--host`) without authentication of callers, even if the files ask for "
		    "protection that is not in force yet."),
	METRICS_ROWS(struct gateway_options, metrics),
	COMMAND_LOG_LEVEL(gateway_options, log_level),
	COMMAND_FORM(gateway_options, form, "text json"),
	{.type = OPTION_END},
};

static const struct absent_option absent[] = {
	{"server", "engines call the models, and a gateway calls none; give it to `sluice run`"},
	{NULL, NULL},
};

struct gateway_run {
	struct session *session;
	const struct gateway_options *options;
	struct arena *arena;
	struct kafka kafka;
	struct revision_options read;
	struct revision *first;	   /* Kafka's settings are borrowed from it */
	struct revision *revision; /* being served */
	struct gateway_service service;
	struct wanted_topic own[GATEWAY_TOPICS]; /* those of the first revision that is served */
	struct metrics_config metrics_config;
	struct metrics_listener *metrics; /* NULL: there is no port for them */
	struct metrics_push *push;	  /* NULL: there is no Pushgateway */
	/* With --control, from the control plane: */
	struct gateway_follower_config follower_config;
	struct gateway_follower *follower;
	struct waiting_listener *waiting; /* NULL: there is a gateway */
	/* Files that were read again: their topics are ensured beside the loop, and then they are served. */
	struct loop *loop;
	struct loop_task ensuring;
	struct revision *next; /* NULL: there are none */
	struct error next_error;
	bool hung_up; /* again, meanwhile */
	bool is_stopped;  /* by a signal, before it served */
	bool is_told;	  /* where it is ready */
	struct loop_timer look;
	int64_t silent_ms; /* since when Kafka has not answered; 0: it does */
};

/* ---- topics and first output ---- */

/* Ensures the topics of the pipelines' requests, and the namespace's topic of replies. */
static bool topics_see(const struct gateway_run *run, const struct revision *revision, struct error *error)
{
	struct wanted_topics wanted;
	size_t made = 0, count = 0;
	bool create = run->options->topics == TOPICS_CREATE;
	if (revision->plan.count == 0)
		return true; /* gateway_open() reports the error */
	if (!revision_topics(revision, run->kafka.topics, false, (struct name_list){0}, false, &wanted, error))
		return false;
	struct wanted_topic own[GATEWAY_TOPICS];
	struct wanted_topic *items = ARENA_ARRAY(revision->arena, struct wanted_topic, wanted.count + GATEWAY_TOPICS);
	gateway_own_topics(revision, run->kafka.topics, own);
	if (!items || !own[0].name || !own[1].name || !own[2].name)
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	for (size_t i = 0; i < wanted.count; i++)
		if (!wanted.items[i].written && !wanted.items[i].changelog_of)
			items[count++] = wanted.items[i];
	for (size_t i = 0; i < GATEWAY_TOPICS; i++)
		items[count++] = own[i];
	return topics_ensure(run->kafka.brokers, run->kafka.producer, (struct wanted_topics){count, items}, create, &made, error);
}

static bool control_attempt(struct gateway_run *run, struct error *error)
{
	const bool creates = run->options->topics == TOPICS_CREATE;
	if (!control_topics_ensure(&run->follower_config.topics, run->kafka.brokers, run->kafka.producer, 0, creates, error))
		return false;
	run->follower = gateway_follower_open(&run->follower_config, error);
	return run->follower;
}

/* The step of its start. Lists of an attempt are in an arena of their own: Kafka may be away for long. */
static bool topics_attempt(void *context, struct error *error)
{
	struct gateway_run *run = context;
	if (run->options->control)
		return control_attempt(run, error);
	struct revision attempt = *run->revision;
	attempt.arena = arena_open(ARENA_BYTES);
	const bool good = attempt.arena ? topics_see(run, &attempt, error) : error_memory(error, ERROR_SYSTEM, "listing topics");
	arena_close(attempt.arena);
	return good;
}

static bool topics_await(struct gateway_run *run, struct error *error)
{
	const struct gateway_options *self = run->options;
	const struct start_wait_config wait = {.workspace = command_workspace(run->session),
					       .log = &run->session->log->sink,
					       .listening = &self->gateway.listening,
					       .hosts = self->gateway.hosts,
					       .http_port = (int)self->http_port,
					       .grpc_port = (int)self->grpc_port,
					       .metrics = &self->metrics,
					       .step = topics_attempt,
					       .context = run};
	const enum start_end end = start_wait_run(&wait, error);
	run->is_stopped = end == START_STOPPED;
	return end == START_DONE;
}

static void say_ready(const struct gateway_run *run)
{
	const struct listening_asked *listening = &run->options->gateway.listening;
	const struct plan *plan = &run->revision->plan;
	const bool json = run->options->form == OUTPUT_JSON;
	FILE *out = run->session->out;
	const char *tls = listening->files.certificate ? "s" : "";
	int grpc_port = gateway_grpc_port(run->service.gateway);
	fprintf(out, json ? "{\"rest\":\"http%s://" URL_HOST_FORMAT ":%d\"," : "ready at http%s://" URL_HOST_FORMAT ":%d", tls,
		URL_HOST_ARGUMENTS(listening->host), gateway_http_port(run->service.gateway));
	if (grpc_port > 0)
		fprintf(out, json ? "\"grpc\":\"" URL_HOST_FORMAT ":%d\"," : ", gRPC at " URL_HOST_FORMAT ":%d",
			URL_HOST_ARGUMENTS(listening->host), grpc_port);
	fputs(json ? "\"pipelines\":[" : ": ", out);
	/* Names of pipelines follow the rules of Kubernetes: no byte of them needs an escape in JSON. */
	for (size_t i = 0; i < plan->count; i++)
		fprintf(out, json ? "%s\"%s\"" : "%s%s", i == 0 ? "" : json ? "," : ", ", plan->pipelines[i].graph->name);
	fputs(json ? "]}\n" : "\n", out);
	fflush(out);
}

/* ---- running ---- */

/* Logs the begin and the end of a time in which Kafka does not answer. */
static void kafka_look(void *context)
{
	struct gateway_run *run = context;
	const struct log_sink *log = &run->session->log->sink;
	const int64_t now_ms = loop_now_ms(run->loop);
	struct error ignored = {0};
	if (!run->service.gateway) { /* no documents are in force yet */
		(void)loop_timer_set(run->loop, &run->look, now_ms + LOOK_MS, &ignored);
		return;
	}
	const int64_t silent_s = gateway_silent_s(run->service.gateway);
	if (!run->is_told && gateway_is_well(run->service.gateway, &ignored)) {
		run->is_told = true;
		say_ready(run);
	}
	ignored = (struct error){0};
	if (run->silent_ms == 0 && silent_s >= GATEWAY_SILENCE_S) {
		run->silent_ms = now_ms - silent_s * MS_PER_S;
		log_say(log, LOG_LEVEL_WARN, NULL,
			"Kafka has not answered for %" PRId64 " s: calls wait for it, and the gateway is not ready", silent_s);
	} else if (run->silent_ms != 0 && silent_s == 0) {
		log_say(log, LOG_LEVEL_INFO, NULL, "Kafka is back: it answers again, after %" PRId64 " s",
			(now_ms - run->silent_ms) / MS_PER_S);
		run->silent_ms = 0;
		kafka_log_recover();
	}
	(void)loop_timer_set(run->loop, &run->look, now_ms + LOOK_MS, &ignored);
}

static bool server_drain(void *context, int64_t until_ms)
{
	const struct gateway_run *run = context;
	return !run->service.gateway || gateway_drain(run->service.gateway, until_ms);
}

/* Serves the next files, if they can be. */
static bool pipelines_follow(struct gateway_run *run, struct error *error)
{
	struct revision *left = run->next;
	const bool good = left && error->kind == ERROR_NONE && gateway_service_follow(&run->service, left, error);
	if (good) {
		left = run->revision;
		run->revision = run->next;
	}
	run->next = NULL;
	if (left != run->first)
		revision_close(left);
	return good;
}

/* The parts are independent: an invalid file of keys does not prevent new pipelines. */
static void reload_end(struct gateway_run *run, struct error *error)
{
	const bool are_valid = run->next != NULL;
	bool has_files = pipelines_follow(run, error), has_others = gateway_service_reread(&run->service);
	if (error->kind != ERROR_NONE)
		(void)command_failed(run->session, error);
	if (!has_files)
		workspace_reload_rejected(command_workspace(run->session),
					  are_valid ? "the files are valid, but what they need cannot be had now"
						    : "the files have errors");
	else if (has_others)
		command_note(run->session, "the files were read again");
}

static void next_ensure(void *context)
{
	struct gateway_run *run = context;
	run->next_error = (struct error){0};
	(void)topics_see(run, run->next, &run->next_error);
}

static void on_hung_up(void *context);

static void on_ensured(void *context)
{
	struct gateway_run *run = context;
	reload_end(run, &run->next_error);
	if (run->hung_up)
		on_hung_up(run);
}

/* Handles SIGHUP. */
static void on_hung_up(void *context)
{
	struct gateway_run *run = context;
	struct error error = {0};
	if (run->options->control) {
		gateway_follower_reread(run->follower);
		if (run->service.gateway && gateway_service_reread(&run->service))
			command_note(run->session, "the files were read again");
		return;
	}
	run->hung_up = loop_task_is_running(&run->ensuring);
	if (run->hung_up)
		return;
	run->next = revision_open_in_workspace(command_workspace(run->session), &run->read, &error);
	run->ensuring = (struct loop_task){.run = next_ensure, .done = on_ensured, .context = run};
	if (!run->next || !loop_task_start(&run->ensuring, run->loop, "creates topics", &error))
		reload_end(run, &error);
}

/* Opens the gateway of the revision, and what reports its metrics. */
static bool gateway_begin(struct gateway_run *run, struct error *error)
{
	const struct gateway_options *self = run->options;
	const size_t asked_bytes = (size_t)self->memory_bytes, limit_bytes = memory_cgroup_limit("");
	const size_t memory_bytes = memory_choose(asked_bytes, limit_bytes, 1);
	const struct gateway_config ports = {.serves_http = true,
					     .http_port = (int)self->http_port,
					     .serves_grpc = self->grpc_port >= 0,
					     .grpc_port = (int)self->grpc_port,
					     .brokers = run->kafka.brokers,
					     .consumer = run->kafka.consumer,
					     .producer = run->kafka.producer,
					     .own_topics = self->topics == TOPICS_CREATE ? run->own : NULL,
					     .memory_bytes = memory_bytes,
					     .log = &run->session->log->sink};
	memory_log(&run->session->log->sink, asked_bytes, memory_bytes, limit_bytes);
	if (run->revision->plan.count > 0)
		gateway_own_topics(run->revision, run->kafka.topics, run->own);
	if (!gateway_service_open(&run->service, run->loop, &ports, &run->revision->plan, error))
		return false;
	if (self->metrics.address &&
	    !(run->metrics = gateway_metrics_open(&run->metrics_config, run->loop, run->service.gateway, error)))
		return false;
	const char *pushgateway = runtime_pushgateway(run->revision->runtime);
	return !pushgateway || (run->push = gateway_push_open(command_workspace(run->session), run->loop, run->service.gateway,
							      pushgateway, error));
}

static void gateway_end(struct gateway_run *run)
{
	metrics_push_close(run->push);
	metrics_listener_close(run->metrics);
	gateway_service_close(&run->service);
	run->push = NULL;
	run->metrics = NULL;
}

/* ---- what is in force ---- */

static const char *control_unready(void *context)
{
	const struct gateway_run *run = context;
	return gateway_follower_unready(run->follower);
}

/* Answers probes until there is a gateway. */
static bool control_listen(struct gateway_run *run, struct error *error)
{
	const struct gateway_options *self = run->options;
	const struct metrics_owner owner = {.unready = control_unready, .context = run};
	const struct waiting_listener_config waiting = {.workspace = command_workspace(run->session),
							.listening = &self->gateway.listening,
							.hosts = self->gateway.hosts,
							.http_port = (int)self->http_port,
							.grpc_port = (int)self->grpc_port,
							.unready = control_unready,
							.context = run};
	return (run->waiting = waiting_listener_open(run->loop, &waiting, error)) &&
	       (!self->metrics.address ||
		(run->metrics = metrics_listener_open(run->loop, &run->metrics_config, &owner, error)));
}

static struct revision *control_compile(void *context, const struct control_documents *documents, struct error *error)
{
	struct gateway_run *run = context;
	struct revision_options wanted = run->read;
	control_documents_want(documents, &wanted);
	struct revision *revision = revision_open_in_workspace(command_workspace(run->session), &wanted, error);
	if (revision && topics_see(run, revision, error))
		return revision;
	revision_close(revision);
	if (error->kind == ERROR_NONE)
		error_set(error, ERROR_CONFIG, PLACE_NONE, "the documents have errors");
	return NULL;
}

/* Opens the gateway with the first documents that have a pipeline, because their runtime may protect it. */
static bool control_begin(struct gateway_run *run, struct revision *revision, struct error *error)
{
	struct revision *before = run->revision;
	if (revision->plan.count == 0) {
		revision_close(revision);
		return true;
	}
	run->revision = revision;
	waiting_listener_close(run->waiting);
	metrics_listener_close(run->metrics);
	run->waiting = NULL;
	run->metrics = NULL;
	if (gateway_service_begin(&run->service, command_workspace(run->session), &run->options->gateway, revision, error) &&
	    gateway_begin(run, error))
		return true;
	gateway_end(run);
	run->service = (struct gateway_service){0};
	run->revision = before;
	(void)control_listen(run, &(struct error){0});
	return false;
}

static bool control_serve(void *context, struct revision *revision, struct error *error)
{
	struct gateway_run *run = context;
	if (!run->service.gateway)
		return control_begin(run, revision, error);
	if (!gateway_service_follow(&run->service, revision, error))
		return false;
	revision_close(run->revision);
	run->revision = revision;
	return true;
}

static bool control_name(struct gateway_run *run, struct error *error)
{
	const struct gateway_options *self = run->options;
	const char *prefix = prefix_choose(&self->prefix, NULL, error);
	const char *namespace = namespace_or_default(self->namespace);
	run->follower_config = (struct gateway_follower_config){.brokers = run->kafka.brokers,
								.consumer = run->kafka.consumer,
								.namespace = namespace,
								.log = &run->session->log->sink,
								.names = command_workspace(run->session)->arena,
								.compile = control_compile,
								.serve = control_serve,
								.context = run};
	run->read.namespace = namespace;
	run->read.prefix = prefix;
	return prefix && control_topics_name(&run->follower_config.topics, prefix, namespace, run->arena, error);
}

/* ---- from its start to its end ---- */

static bool open_and_serve(struct gateway_run *run, struct error *error)
{
	const struct gateway_options *self = run->options;
	struct listening listening = {0};
	const struct listening_server server = {.drain = server_drain, .server = run};
	run->metrics_config = (struct metrics_config){
		.asked = &self->metrics, .workspace = command_workspace(run->session), .hosts = self->gateway.hosts};
	bool good = (!self->control || control_name(run, error)) && topics_await(run, error) && listening_open(&listening, error);
	run->loop = listening.loop;
	good = good && (self->control ? control_listen(run, error) && gateway_follower_start(run->follower, run->loop, error)
				      : gateway_begin(run, error)) &&
	       stop_signal_watch_hangup(&listening.stopping, on_hung_up, run, error);
	if (good) {
		run->session->fault_pages = false;
		run->look = (struct loop_timer){.due = kafka_look, .context = run};
		kafka_look(run);
		good = listening_serve(&listening, &server, (self->gateway.lame_duck_ns + self->drain_ns) / NS_PER_MS, error);
	}
	if (run->loop)
		loop_timer_stop(run->loop, &run->look);
	loop_task_end(&run->ensuring);
	gateway_follower_close(run->follower);
	waiting_listener_close(run->waiting);
	gateway_end(run);
	listening_close(&listening);
	return good;
}

/* The files, or with --control nothing, until documents are in force. */
static bool first_read(struct gateway_run *run, struct error *error)
{
	const struct gateway_options *self = run->options;
	const struct workspace *workspace = command_workspace(run->session);
	run->read.may_be_empty = run->read.has_keeper = self->control;
	run->first = run->revision = revision_open_in_workspace(workspace, &run->read, error);
	return run->first &&
	       (self->control || gateway_service_begin(&run->service, workspace, &self->gateway, run->revision, error)) &&
	       kafka_find(run->revision->runtime, &self->kafka, run->arena, &run->kafka, error);
}

/* What the command line may not combine; NULL: it is fine. */
static const char *misuse_of_gateway(const struct gateway_options *self, size_t count)
{
	if (count == 0 && !self->control)
		return "which pipelines? Give files or folders, as in -f pipelines/, or --control";
	if (count > 0 && self->control)
		return "files and --control at once: give files, or apply them with `sluice apply -f` and give --control alone";
	if (self->prefix.prefix && !self->control)
		return "--topic-prefix is for --control; files state it in their SeldonRuntime (`topicPrefix`)";
	return NULL;
}

static int gateway_command_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct gateway_options *self = filled;
	struct gateway_run run = {.session = session,
				  .options = self,
				  .arena = arena_open(ARENA_BYTES),
				  .read = {.paths = arguments,
					   .path_count = count,
					   .namespace = self->namespace,
					   .one_namespace = true,
					   .built_in = NO_MODELS,
					   .has_gateway = true,
					   .metrics = &self->metrics,
					   .insecure = self->gateway.listening.insecure,
					   .names_only = true}};
	struct error error = {0};
	struct log_writer log;
	const char *misuse = misuse_of_gateway(self, count);
	if (misuse) {
		arena_close(run.arena);
		return command_misuse(session, "%s", misuse);
	}
	stop_signal_hold_hangup();
	command_log_begin(session, &log, self->log_level);
	session->fault_pages = self->form == OUTPUT_TEXT; /* until it serves */
	bool good = run.arena || error_memory(&error, ERROR_SYSTEM, "starting a gateway");
	good = good && gateway_asked_check(&self->gateway, &error) && metrics_asked_check(&self->metrics, &error) &&
	       first_read(&run, &error) && open_and_serve(&run, &error);
	gateway_service_close(&run.service);
	revision_close(run.next);
	if (run.revision != run.first)
		revision_close(run.revision);
	revision_close(run.first);
	arena_close(run.arena);
	int code = good || run.is_stopped ? EXIT_GOOD : EXIT_FAULTS;
	if (!good && !run.is_stopped && error.kind != ERROR_NONE)
		code = command_refused(session, &error);
	command_log_end(session);
	return code;
}

static const struct command_section sections[] = {
	{"Events", "A request with the headers ce-specversion, ce-id, ce-source and ce-type is a CloudEvent (binary mode), and so "
		   "is its answer."},
	{"Submitted requests",
	 "With `prefer: respond-async` a request is submitted: the answer is 202 with an id as soon as Kafka has the request. GET "
	 "/v2/pipelines/NAME/requests/ID, at any gateway, returns the outcome: 202 while there is none, 204 if it was filtered "
	 "out, 410 when Kafka has deleted it. DELETE cancels it, if it can. If it is filtered out, or fails in a pipeline that "
	 "answers no errors, the outputs get a record without a value, with the header sluice-outcome; other pipelines skip it. "
	 "The Location of a 504 is such a path: 202 without an answer, 410 from 90 s after the deadline, also if it was filtered "
	 "out. With x-timeout-ms or x-deadline-ms a GET or DELETE of such a path waits for Kafka as long as a call would, then it "
	 "is 504; a watch ends then. Without, Kafka has 15 s to answer. Whoever has an ID, 128 bits of which are random, and the "
	 "rights on the pipeline may poll, watch and cancel the request: pass on an ID only to those who may.\n"
	 "\n"
	 "A pipeline that does not answer each request by one answer, as one with windows, takes submitted requests alone. Nothing "
	 "can be polled there: the 202 has no Location, and its `outputs` is the topic to read.\n"
	 "\n"
	 "GET /v2/pipelines/NAME/requests/ID/explanations returns the explanations made so far; 202: none yet. ID may also be the "
	 "request id of an answer of the last hour; with access control, of one to the same caller."},
	{"Watches",
	 "GET /v2/pipelines/NAME/requests/ID/watch, or /v2/pipelines/NAME/watch?request=ID, sends server-sent events: first "
	 "`accepted`, a comment every 15 s, and last `answer`, `filtered`, `failed`, or `pending`. `pending` ends a watch after 10 "
	 "minutes, or when the gateway stops: watch again. The data is JSON: the id, and of the outcome the status, content_type, "
	 "headers and body. A body that is not JSON is in body_base64; header_length is the length of the JSON before binary "
	 "tensors. If the event would exceed 512 KiB, location is a path to poll. The outcome comes in about 5 s. A gateway has at "
	 "most 128 watches and 72 polls (503 beyond), with access control 32 and 18 of one caller (429). 8 polls run at once, and "
	 "2 of one caller; the others wait. A caller that disconnects ends the watch, not the request. A browser connects again "
	 "after the last event, and gets 204 by its Last-Event-ID, unless that was `pending` or a failure with 503."},
	{"Idempotency keys",
	 "With the header idempotency-key (1 to 255 bytes; metadata in gRPC) a caller may send a request again, at any gateway of "
	 "the namespace: each key is answered from one request. The key belongs to the caller for 24 hours; all anonymous callers "
	 "are one. A call with the same key and body gets the first answer, with the header idempotent-replayed, or 409 until it "
	 "is there; another body or pipeline gets 422. The first answer may be an error, as of a deadline that passed during a "
	 "step: then only a new key has the request run again. A call that admission refuses (429) frees its key, and so does one "
	 "whose deadline passes before its first step (504), or before Kafka has its claim of the key (503). The answer is read "
	 "from the outputs topic. A repeated call that is submitted, or whose pipeline has no output, gets 202 also while Kafka is "
	 "away. A call whose connection breaks continues. With access control, a caller has at most a tenth of the 1,000,000 keys "
	 "that are kept (429 beyond), and a quarter of the 4,096 open calls with keys. If a gateway dies just after it claimed a "
	 "key, another call may take over the key after 15 s. Then the first request may run too; nobody gets its answer. While "
	 "the topic of claims is gone, new keys are refused (503), and known ones are answered; the gateway creates it again, "
	 "except with --topics check. Gateways remember the keys that they have read; one that starts later does not."},
	{"Direct ingress",
	 "The gateway of `sluice run` and `sluice dev` answers pipelines with `ingress: direct` without waiting for "
	 "Kafka: a worker of the process answers, and logs the request (header sluice-answered) and the answer. "
	 "Submitted requests, requests with an idempotency key, and all requests at `sluice gateway` go through Kafka. "
	 "`sluice plan` shows the way; engine/engine/worker/DELIVERY.md says what a crash can lose."},
	{"Health",
	 "/v2/health/live is 200 while the gateway runs, also while its start waits for Kafka, or with --control for documents; "
	 "/v2/health/ready is 503 then, with the `reason`. It is 503, with the `reason`, when no broker of Kafka has answered it "
	 "for 10 s; it is 200 again with the first answer. So it is while its replies topic is gone, which the gateway creates "
	 "again, except with --topics check. /v2/pipelines/NAME/ready is 503 while the topic of the pipeline's requests or answers "
	 "is gone, and when that of answers has not existed for 10 s: engines create it when they start. For the time of "
	 "--lame-duck a gateway that is told to stop is not ready (503), closes each connection behind an answer (GOAWAY over "
	 "HTTP/2), and still serves all calls, and all messages of open streams. In Kubernetes give 5s, because callers learn of "
	 "the end of a pod after SIGTERM, and the pod a grace period above the sum of it and --drain (twice, for `sluice run`). "
	 "After that time the gateway accepts no connection, requests on open connections get 503, and open calls have the time of "
	 "--drain: those that are left shortly before its end get 503. A stream then takes no further message, and ends as "
	 "UNAVAILABLE when its open ones are answered. One broker of several that is away changes nothing. Pipelines with direct "
	 "ingress need no Kafka: a gateway that has one stays ready, and /v2/pipelines/NAME/ready shows which can be asked. gRPC's "
	 "ServerReady, ModelReady and grpc.health.v1.Health say the same, the first two with the reason in the metadata "
	 "sluice-reason, and so does /ready at the port of --metrics. A model that is not there is not ready: ModelReady answers "
	 "so, and HTTP has 404. As a readiness probe of Kubernetes, use /v2/health/ready; as a liveness probe, /v2/health/live, "
	 "since another start would not bring Kafka back."},
	{"Access", "Callers show a token (Authorization: Bearer), an API key (x-api-key) or a certificate, as the options and the "
		   "files' securityConfig require; none of it reaches Kafka. /v2/health/live and /v2/health/ready, and the same "
		   "under /v1, are open to everybody."},
	{.title = NULL},
};

const struct command command_gateway = {
	.name = "gateway",
	.arguments = "[FILE]...",
	.summary = "Serves pipelines over HTTP and gRPC.",
	.help = "Accepts requests of the Open Inference Protocol (HTTP, and gRPC with --grpc), of TensorFlow Serving and of Seldon "
		"Core 1. It writes them to the topics that the files' pipelines read, and returns the answers of engines: start "
		"them by `sluice run` with the same files, and with `--server` if models need it: a gateway calls none. With "
		"--control it has no files, and serves what engines with --control run. A call ends with its answer or at its "
		"deadline: 504 if no engine answered in time, 503 if Kafka did not confirm the request. A submitted request "
		"without x-timeout-ms may be processed after such a 503, and again if it is sent again: with one idempotency-key, "
		"all get the answer of one. A call that fails gets its error, and is kept as a dead letter only if the pipeline "
		"has `output.errors: keep`. A Model that no pipeline or deployment names, or that has `standalone: true` or is the "
		"default of an Experiment, and an Experiment, are called by their own names; `sluice plan` shows their pipelines. "
		"On SIGTERM the gateway is not ready, and ends its open calls. On SIGHUP it reads the files, the certificate, keys "
		"and policies again; a faulty file changes nothing. Bodies may be gzipped. GET /openapi.json describes the paths. "
		"A gateway serves one namespace: of files with several, --namespace chooses one.\n"
		"\n"
		"  sluice gateway -f pipelines/ --http 8080 --grpc 8081 --brokers localhost:9092\n"
		"  curl localhost:8080/v2/pipelines/hello/infer -d @pipelines/hello/request.json\n",
	.sections = sections,
	.options = options,
	.options_size = sizeof(struct gateway_options),
	.absent = absent,
	.group = "run",
	.run = gateway_command_run,
};
