/* models.c: `sluice models serve`: the built-in model server. */
#include "base/network.h"
#include "base/url.h"
#include "tools/cli/command.h"
#include "gateway/server_metrics.h"
#include "message/json/json_write.h"
#include "net/host_names.h"
#include "engine/run/certificate_watch.h"
#include "engine/run/listening.h"
#include "models/server/model_server.h"

#define DRAIN_MS 5000 /* time for running calls after a stop signal */
#define LINE_BYTES_MAX ((size_t)16 << 20)

struct serve_options {
	struct listening_asked listening;
	int64_t port;
	int64_t grpc_port;
	int form;
	struct metrics_asked metrics;
	struct name_list hosts;
};

static const struct option options[] = {
	COMMAND_FILES,
	ROW("host", TEXT, struct serve_options, listening.host, .fallback = "127.0.0.1",
	    .help = "The address on which it listens."),
	ROW("port", INTEGER, struct serve_options, port, .fallback = "0", .most = PORT_MOST,
	    .help = "The port for the Open Inference Protocol over REST; 0: a free one."),
	ROW("grpc-port", INTEGER, struct serve_options, grpc_port, .fallback = "0", .most = PORT_MOST,
	    .help = "The port for the same over gRPC; 0: a free one."),
	ROW("certificate", TEXT, struct serve_options, listening.files.certificate,
	    .help = "A file with the server's certificate, in PEM: it then accepts only TLS. When the file changes, new "
		    "connections get the new certificate."),
	ROW("key", TEXT, struct serve_options, listening.files.key, .help = "A file with the certificate's key, in PEM."),
	LISTENING_AUTHORITIES_ROWS(struct serve_options, listening.files, "", "each caller"),
	ROW("insecure-ignore-security", FLAG, struct serve_options, listening.insecure,
	    .help = "Listens beyond this machine (`--host`), although the server does not authenticate callers, and without "
		    "protection that securityConfig of the files asks for."),
	HOST_NAMES_ROW(struct serve_options, hosts),
	METRICS_ROWS(struct serve_options, metrics),
	COMMAND_FORM(serve_options, form, "text json"),
	{.type = OPTION_END},
};

/* ---- output ---- */

/* Those that are ready, or those that are not, after the words; none: nothing. Returns their number. */
static size_t print_models(const struct model_server *server, bool ready, bool json, const char *words, struct buffer *out)
{
	const char *comma = words;
	size_t count = 0;
	for (const struct catalog_model *model = model_server_first(server); model; model = model->next) {
		if (model->ready != ready)
			continue;
		buffer_string(out, comma);
		if (json)
			json_write_string(out, text_of(model->name));
		else
			buffer_string(out, model->name);
		comma = json ? "," : ", ";
		count++;
	}
	return count;
}

static bool say_ready(struct session *session, const struct serve_options *self, const struct model_server *server,
		      struct error *error)
{
	struct buffer out;
	const char *ending = self->listening.files.certificate ? "s" : "", *host = self->listening.host;
	int rest = model_server_rest_port(server), grpc = model_server_grpc_port(server);
	buffer_open(&out, LINE_BYTES_MAX);
	if (self->form == OUTPUT_JSON) {
		buffer_print(&out,
			     "{\"rest\":\"http%s://" URL_HOST_FORMAT ":%d\",\"grpc\":\"grpc%s://" URL_HOST_FORMAT
			     ":%d\",\"models\":[",
			     ending, URL_HOST_ARGUMENTS(host), rest, ending, URL_HOST_ARGUMENTS(host), grpc);
		(void)print_models(server, true, true, "", &out);
		buffer_string(&out, "]}\n");
	} else {
		buffer_print(&out, "ready at http%s://" URL_HOST_FORMAT ":%d and grpc%s://" URL_HOST_FORMAT ":%d: ", ending,
			     URL_HOST_ARGUMENTS(host), rest, ending, URL_HOST_ARGUMENTS(host), grpc);
		const size_t count = print_models(server, true, false, "", &out);
		buffer_string(&out, count > 0 ? ", and the stubs by their names" : "the stubs by their names");
		(void)print_models(server, false, false, "; not ready: ", &out);
		buffer_byte(&out, '\n');
	}
	if (command_write(session, &out) != EXIT_GOOD)
		return error_memory(error, ERROR_SYSTEM, "saying what is served");
	fflush(session->out);
	return true;
}

static bool server_reload_tls(void *context, struct error *error)
{
	struct model_server *const *server = context;
	return model_server_reload_tls(*server, error);
}

/* What of a model server is read again. */
struct serve_files {
	struct session *session;
	struct model_server *models;
	struct certificate_watch *certificates; /* NULL: it has no certificate */
};

static void part_rejected(struct session *session, const struct error *error, const char *why)
{
	if (error->kind != ERROR_NONE)
		(void)command_failed(session, error);
	workspace_reload_rejected(command_workspace(session), why);
}

/* Handles SIGHUP. The parts are independent: an invalid file of models does not keep the certificate from being loaded. */
static void models_on_hung_up(void *context)
{
	const struct serve_files *files = context;
	struct error error = {0}, of_certificate = {0};
	const bool has_models = model_server_reread(files->models, &error);
	const bool has_certificate = !files->certificates || certificate_watch_reload(files->certificates, &of_certificate);
	if (!has_models)
		part_rejected(files->session, &error, "a file of models has errors");
	if (!has_certificate)
		part_rejected(files->session, &of_certificate, "the certificate has errors");
	if (has_models && has_certificate)
		command_note(files->session, "the files were read again");
}

static bool server_drain(void *server, int64_t until_ms)
{
	(void)until_ms;
	return model_server_drain(server);
}

/* Checks options. Every client that can connect may load, unload and call models. */
static bool options_check(const struct serve_options *self, struct error *error)
{
	return listening_check_tls(&self->listening.files, "", "server", error) && metrics_asked_check(&self->metrics, error) &&
	       listening_check_host(&self->listening, "this server does not authenticate callers",
				    "name --authorities of their certificates", error);
}

static int models_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct serve_options *self = filled;
	const struct model_server_config config = {.host = self->listening.host,
						   .rest_port = (int)self->port,
						   .grpc_port = (int)self->grpc_port,
						   .files = self->listening.files.certificate ? &self->listening.files : NULL,
						   .paths = arguments,
						   .path_count = count,
						   .protects = !self->listening.insecure,
						   .hosts = self->hosts};
	struct listening listening = {0};
	struct certificate_watch certificates = {0};
	struct listening_server server = {.drain = server_drain};
	struct model_server *models = NULL;
	struct metrics_listener *metrics = NULL;
	const struct metrics_config metrics_config = {
		.asked = &self->metrics, .workspace = command_workspace(session), .hosts = self->hosts};
	struct serve_files again = {.session = session, .certificates = config.files ? &certificates : NULL};
	struct error error = {0};
	stop_signal_hold_hangup();
	bool good = options_check(self, &error) && listening_open(&listening, &error) &&
		    certificate_watch_open(&certificates, command_workspace(session), listening.loop, config.files,
					   server_reload_tls, &models, &error) &&
		    (server.server = again.models = models =
			     model_server_open(command_workspace(session), listening.loop, &config, &error)) &&
		    stop_signal_watch_hangup(&listening.stopping, models_on_hung_up, &again, &error) &&
		    (!self->metrics.address || (metrics = model_metrics_open(&metrics_config, listening.loop, models, &error))) &&
		    say_ready(session, self, models, &error) && listening_serve(&listening, &server, DRAIN_MS, &error);
	metrics_listener_close(metrics);
	certificate_watch_close(&certificates);
	model_server_close(models);
	listening_close(&listening);
	if (good)
		return EXIT_GOOD;
	return error.kind == ERROR_NONE ? EXIT_FAULTS : command_refused(session, &error);
}

const struct command command_models_serve = {
	.name = "models serve",
	.arguments = "DIR...",
	.summary = "Serves models by the Open Inference Protocol.",
	.help = "Serves models over REST and gRPC: the Models in a folder's YAML files whose storageUri is a stub, expressions, or "
		"the file of a trained model (file:model.json, in the formats that `local` of a step accepts); the models that "
		"steps contain; those of a stubs.json; and every stub, by its own name. It answers health, metadata, inference "
		"and the repository's index, load and unload; load reads the files again. So does SIGHUP, of all models and "
		"of the certificate: a model that is no longer in the files is not served any more, and one that was unloaded "
		"stays unloaded until it is loaded. If a file has an error, or a model that is ready could not be loaded, no model "
		"changes. `sluice help stubs` lists the stubs.\n"
		"\n"
		"  sluice models serve pipelines/hello --port 8080 --grpc-port 8081\n"
		"  curl localhost:8080/v2/models/add10/infer -d "
		"'{\"inputs\":[{\"name\":\"INPUT\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[5]}]}'\n",
	.options = options,
	.options_size = sizeof(struct serve_options),
	.group = "run",
	.run = models_run,
};
