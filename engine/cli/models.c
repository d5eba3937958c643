/* models.c: `sluice models serve`: the built-in model server. */
#include "cli/file_watch.h"
#include "cli/model_server.h"
#include "cli/stop_signal.h"
#include "message/json_write.h"
#include "net/listen.h"

#define WAIT_MS 60000 /* there is nothing to do but to wait */
#define DRAIN_MS 5000 /* what is under way when it is told to stop has so long */
#define DRAIN_LOOK_MS 50
#define LINE_BYTES_MAX ((size_t)16 << 20)
#define PORT_MOST 65535

struct serve_options {
	const char *host;
	int64_t port;
	int64_t grpc_port;
	const char *certificate, *key, *authorities;
	bool insecure;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	ROW("host", TEXT, struct serve_options, host, .fallback = "127.0.0.1", .help = "The address at which callers may come in."),
	ROW("port", INTEGER, struct serve_options, port, .fallback = "0", .most = PORT_MOST,
	    .help = "The port for the Open Inference Protocol over REST; 0: a free one."),
	ROW("grpc-port", INTEGER, struct serve_options, grpc_port, .fallback = "0", .most = PORT_MOST,
	    .help = "The port for the same over gRPC; 0: a free one."),
	ROW("certificate", TEXT, struct serve_options, certificate,
	    .help = "A file with the server's certificate, in PEM: it then speaks TLS alone. When the file changes, new "
		    "connections get the new certificate."),
	ROW("key", TEXT, struct serve_options, key, .help = "A file with the certificate's key, in PEM."),
	ROW("authorities", TEXT, struct serve_options, authorities,
	    .help = "A file of authorities, in PEM: whoever calls needs a certificate that one of them has signed."),
	ROW("insecure-ignore-security", FLAG, struct serve_options, insecure,
	    .help = "Listens beyond this machine (`--host`), although the server asks nobody who they are."),
	COMMAND_FORM(serve_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_models_serve;

/* ---- what is said ---- */

static void print_models(const struct model_server *server, bool json, struct buffer *out)
{
	const char *comma = "";
	for (const struct catalog_model *model = model_server_first(server); model; model = model->next) {
		if (!model->ready)
			continue;
		buffer_string(out, comma);
		if (json)
			json_write_string(out, text_of(model->name));
		else
			buffer_string(out, model->name);
		comma = json ? "," : ", ";
	}
}

static bool say_ready(struct session *session, const struct serve_options *self, const struct model_server *server,
		      struct error *error)
{
	struct buffer out;
	const char *ending = self->certificate ? "s" : "";
	int rest = model_server_rest_port(server), grpc = model_server_grpc_port(server);
	buffer_open(&out, LINE_BYTES_MAX);
	if (self->form == OUTPUT_JSON) {
		buffer_print(&out, "{\"rest\":\"http%s://%s:%d\",\"grpc\":\"grpc%s://%s:%d\",\"models\":[", ending,
			     self->host, rest, ending, self->host, grpc);
		print_models(server, true, &out);
		buffer_string(&out, "]}\n");
	} else {
		buffer_print(&out, "ready at http%s://%s:%d and grpc%s://%s:%d: ", ending, self->host, rest, ending, self->host,
			     grpc);
		print_models(server, false, &out);
		buffer_string(&out, model_server_first(server) ? ", and the stubs by their names\n" : "the stubs by their names\n");
	}
	if (command_write(session, &out) != EXIT_GOOD)
		return error_memory(error, ERROR_SYSTEM, "saying what is served");
	fflush(session->out);
	return true;
}

/* Whoever reaches it may load, unload and call models. */
static bool host_is_fit(const struct serve_options *self, struct error *error)
{
	return self->authorities || self->insecure || listen_is_local(self->host) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "`--host %s` would let other machines in, and this server asks nobody who they are; leave it out, name "
			 "--authorities of their certificates, or add --insecure-ignore-security",
			 self->host);
}

static bool tls_is_fit(const struct serve_options *self, struct error *error)
{
	return self->certificate || (!self->key && !self->authorities) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "`--%s` needs `--certificate`: name the server's certificate, too",
			 self->key ? "key" : "authorities");
}

struct serving {
	struct session *session;
	struct model_server *server;
	struct stop_signal stopping;
	struct file_watch certificates;
};

static void on_certificate_changed(void *context)
{
	struct serving *serving = context;
	struct error error = {0};
	if (model_server_reload_tls(serving->server, &error))
		fprintf(serving->session->err, "the certificate was read again\n");
	else
		(void)command_failed(serving->session, &error);
	if (error.kind != ERROR_NONE)
		fprintf(serving->session->err, "the certificate that was in use stays\n");
}

static bool watch_certificate(struct serving *serving, struct loop *loop, const struct tls_files *files, struct error *error)
{
	const char *const paths[] = {files->certificate, files->key, files->authorities};
	return !files->certificate || file_watch_open(&serving->certificates, loop, paths, files->authorities ? 3 : 2,
						      on_certificate_changed, serving, error);
}

static bool serve(struct serving *serving, struct loop *loop, struct error *error)
{
	bool good = true;
	while (good && !serving->stopping.asked)
		good = loop_turn(loop, WAIT_MS, error);
	for (int64_t until_ms = loop_now_ms(loop) + DRAIN_MS;
	     good && !model_server_drain(serving->server) && loop_now_ms(loop) < until_ms;)
		good = loop_turn(loop, DRAIN_LOOK_MS, error);
	return good;
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct serve_options *self = filled;
	const struct tls_files files = {self->authorities, self->certificate, self->key};
	const struct model_server_config config = {.host = self->host,
						   .rest_port = (int)self->port,
						   .grpc_port = (int)self->grpc_port,
						   .files = self->certificate ? &files : NULL,
						   .paths = arguments,
						   .path_count = count};
	struct serving serving = {.session = session};
	struct error error = {0};
	struct loop *loop = tls_is_fit(self, &error) && host_is_fit(self, &error) ? loop_open(&error) : NULL;
	bool good = loop && stop_signal_open(&serving.stopping, loop, &error) &&
		    (serving.server = model_server_open(session, loop, &config, &error)) &&
		    watch_certificate(&serving, loop, &files, &error) && say_ready(session, self, serving.server, &error) &&
		    serve(&serving, loop, &error);
	file_watch_close(&serving.certificates);
	model_server_close(serving.server);
	stop_signal_close(&serving.stopping);
	loop_close(loop);
	if (good)
		return EXIT_GOOD;
	return error.kind == ERROR_NONE ? EXIT_FAULTS : command_refused(session, &command_models_serve, &error);
}

const struct command command_models_serve = {
	.name = "models serve",
	.arguments = "DIR...",
	.summary = "Serves models by the Open Inference Protocol.",
	.help = "Serves the Models of the YAML files in a folder whose storageUri is a stub or expressions, or a trained model's "
		"file (file:model.json, in the forms that `local` of a step takes), the models that steps carry "
		"inside, those of a stubs.json, and every stub by its own name, over REST and gRPC. It answers health, "
		"metadata, inference and "
		"the repository's index, load and unload; load reads the files again. `sluice help stubs` lists the stubs.\n"
		"\n"
		"  sluice models serve pipelines/hello --port 8080 --grpc-port 8081\n"
		"  curl localhost:8080/v2/models/add10/infer -d "
		"'{\"inputs\":[{\"name\":\"INPUT\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[5]}]}'\n",
	.options = options,
	.options_size = sizeof(struct serve_options),
	.group = "run",
	.run = run,
};
