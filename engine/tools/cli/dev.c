/* dev.c: `sluice dev`: a broker, a model server and an engine in one process, which follows edits of the files
 * (tools/process/dev_process.h). */
#include "base/network.h"
#include "base/secret.h"
#include "tools/cli/command.h"
#include "net/host_names.h"
#include "tools/process/dev_process.h"
#include "engine/run/log_writer.h"

#define OUTPUT_BYTES_MAX ((size_t)1 << 20)
#define PORT "19092" /* stays the same, so that clients outlive a restart */

struct dev_options {
	const char *namespace;
	int64_t port, http_port, grpc_port;
	int log_level;
	int form;
	struct metrics_asked metrics;
	struct name_list hosts;
	struct alert_asked alerts;
	const char *secrets;
};

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(dev_options, namespace),
	ROW("port", INTEGER, struct dev_options, port, .word = "NUMBER", .fallback = PORT, .least = 0, .most = PORT_MOST,
	    .help = "The port of its broker on the loopback interface; 0: any free port."),
	COMMAND_LOG_LEVEL(dev_options, log_level),
	ROW("http", INTEGER, struct dev_options, http_port, .word = "PORT", .fallback = "-1", .least = -1, .most = PORT_MOST,
	    .help = "The port of its gateway for HTTP on the loopback interface; 0: any free port; -1: that of the files' "
		    "serviceConfig.http, else any free port."),
	ROW("grpc", INTEGER, struct dev_options, grpc_port, .word = "PORT", .fallback = "-1", .least = -1, .most = PORT_MOST,
	    .help = "The port of its gateway for gRPC on the loopback interface, which may be that of --http; 0: any free port; "
		    "-1: that of the files' serviceConfig.grpc, else any free port."),
	ALERT_ROWS(struct dev_options, alerts),
	SECRETS_ROW(struct dev_options, secrets),
	HOST_NAMES_ROW(struct dev_options, hosts),
	METRICS_ROWS(struct dev_options, metrics),
	COMMAND_FORM(dev_options, form, "text json"),
	{.type = OPTION_END},
};

static void dev_on_ready(void *context, const struct dev_addresses *at, const struct pipeline_plan *first)
{
	struct session *session = context;
	struct buffer out;
	buffer_open(&out, OUTPUT_BYTES_MAX);
	(session->form == OUTPUT_JSON ? dev_start_json : dev_start_text)(at, first, &out);
	(void)command_write(session, &out);
	fflush(session->out);
}

static int dev_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct dev_options *self = filled;
	struct error error = {0};
	struct log_writer log;
	struct metrics_asked metrics = self->metrics;
	if (!metrics.address)
		metrics.address = "0";
	const struct dev_config config = {.workspace = command_workspace(session),
					  .paths = arguments,
					  .path_count = count,
					  .namespace = self->namespace,
					  .port = (int)self->port,
					  .http_port = (int)self->http_port,
					  .grpc_port = (int)self->grpc_port,
					  .metrics = &metrics,
					  .hosts = self->hosts,
					  .alerts = &self->alerts,
					  .secrets = self->secrets,
					  .log = &log,
					  .json = self->form == OUTPUT_JSON,
					  .out = session->out,
					  .err = session->err,
					  .ready = dev_on_ready,
					  .context = session};
	command_log_begin(session, &log, self->log_level);
	session->fault_pages = self->form == OUTPUT_TEXT; /* an editor of a file sees the line with the fault */
	int code = dev_process_run(&config, &error) ? EXIT_GOOD : EXIT_FAULTS;
	if (error.kind != ERROR_NONE)
		code = command_refused(session, &error);
	command_log_end(session);
	return code;
}

const struct command command_dev = {
	.name = "dev",
	.arguments = "DIR...",
	.summary = "Runs pipelines on an embedded broker, and reloads files that change.",
	.help = "Starts an embedded broker, the built-in model server, an engine and a gateway, in one process and within a "
		"second. The line that begins with `curl` sends a request to the first pipeline by HTTP: the file request.json "
		"beside its file, or an event of its input.tensors, or else an example, which the line `note` says. A pipeline "
		"that answers no waiting caller, as one with windows, gets it submitted. The built-in server answers for models "
		"that have no server of their own. When a file changes, its pipelines are reloaded, and no message is lost. If the "
		"file has an error, it is reported and the running version is unchanged. One line for each pipeline shows its "
		"state; `sluice top` and `sluice health` work as with any engine. Metrics are at a free port, which the log names, "
		"or at that of --metrics.\n\nThe broker listens on the loopback interface, always at the same port. Tested "
		"clients: Java clients of Kafka 3.9 and 4.2 with their console tools, librdkafka 2.0 and 2.16 (confluent-kafka), "
		"kafka-python 2.2 and 3.0. They can produce, consume with or without groups, and list, describe and create topics. "
		"Other administration, real transactions, and logins need a real Kafka: use `sluice run --brokers HOST:PORT` with "
		"`sluice models serve`.\n\nUse it for development only. Nothing is kept on disk, and each partition keeps about "
		"its newest 5 MB. Whatever the files say, delivery is at least once, and each topic has one partition. Of files "
		"with pipelines of several namespaces, --namespace chooses one: a gateway serves one.\n"
		"\n"
		"  sluice dev pipelines/hello\n",
	.options = options,
	.options_size = sizeof(struct dev_options),
	.group = "run",
	.run = dev_run,
};
