/* models.c: `sluice models serve`: the built-in model server. */
#include <ctype.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/case.h"
#include "cli/command.h"
#include "cli/stopping.h"
#include "message/json_write.h"
#include "serving/catalog_read.h"
#include "serving/door_grpc.h"
#include "serving/door_rest.h"

#define WAIT_MS 60000 /* there is nothing to do but to wait */
#define FILES_ARENA_BYTES ((size_t)1 << 30)
#define URI_BYTES_MAX ((size_t)1 << 20)
#define LINE_BYTES_MAX ((size_t)16 << 20)
#define PORT_MOST 65535

struct serve_options {
	const char *host;
	int64_t port;
	int64_t grpc_port;
	int form;
};

static const struct option options[] = {
	ROW("host", TEXT, struct serve_options, host, .fallback = "127.0.0.1", .help = "The address at which callers may come in."),
	ROW("port", INTEGER, struct serve_options, port, .fallback = "0", .most = PORT_MOST,
	    .help = "The port for the Open Inference Protocol over REST; 0: a free one."),
	ROW("grpc-port", INTEGER, struct serve_options, grpc_port, .fallback = "0", .most = PORT_MOST,
	    .help = "The port for the same over gRPC; 0: a free one."),
	COMMAND_FORM(serve_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_models_serve;

struct serving {
	struct session *session;
	const struct serve_options *options;
	const char *const *paths;
	size_t path_count;
	struct loop *loop;
	struct stopping stopping;
	struct catalog *catalog;
	struct rest_door *rest;
	struct grpc_door *grpc;
};

/* ---- what the files say ---- */

/* As it stands in stub://NAME?KEY=VALUE. */
static void write_form_encoded(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];
		if (isalnum(byte) || byte == '_')
			buffer_byte(out, (char)byte);
		else
			buffer_print(out, "%%%02X", byte);
	}
}

/* {"OUTPUT": "INPUT * 2"} is another way to write the stub of expressions. */
static const char *uri_of(const struct case_stub *stub, struct arena *arena)
{
	struct buffer uri;
	if (stub->uri)
		return stub->uri;
	buffer_open(&uri, URI_BYTES_MAX);
	buffer_string(&uri, STUB_SCHEME "expression?");
	for (size_t i = 0; i < stub->count; i++) {
		buffer_string(&uri, i ? "&" : "");
		write_form_encoded(&uri, stub->outputs[i].name);
		buffer_byte(&uri, '=');
		write_form_encoded(&uri, stub->outputs[i].expression);
	}
	const char *kept = buffer_failed(&uri) ? NULL : arena_copy(arena, uri.bytes, uri.length);
	buffer_close(&uri);
	return kept;
}

/* A folder may have a stubs.json, as a case has, which goes before its YAML. */
static bool take_stubs(struct serving *serving, const char *folder, const char *only, struct arena *arena, size_t *count,
		       struct error *error)
{
	struct stat what;
	struct case_files files = {0};
	if (stat(folder, &what) != 0 || !S_ISDIR(what.st_mode))
		return true;
	if (!case_read_stubs(folder, arena, &files, error))
		return false;
	for (size_t i = 0; i < files.stub_count; i++) {
		const struct case_stub *stub = &files.stubs[i];
		const char *name = arena_copy(arena, stub->model.bytes, stub->model.length), *uri = uri_of(stub, arena);
		if (!name || !uri)
			return error_memory(error, ERROR_SYSTEM, "reading stubs.json");
		if (only && strcmp(only, name) != 0)
			continue;
		++*count;
		if (!catalog_put(serving->catalog, &(struct catalog_entry){.name = name, .uri = uri, .place = stub->place}, error))
			return false;
	}
	return true;
}

/* At the start all faults are shown; who asks for a model later hears of the first. */
static bool judge(const struct serving *serving, const struct spec *spec, const char *only, struct error *error)
{
	if (faults_count(spec->faults, SEVERITY_ERROR) == 0)
		return true;
	if (!only)
		(void)command_faults(serving->session, spec->faults, OUTPUT_TEXT);
	size_t first = 0;
	while (faults_at(spec->faults, first)->code->severity != SEVERITY_ERROR)
		first++;
	const struct fault *fault = faults_at(spec->faults, first);
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s:%u: %s; mend the file, then load again", fault->place.file,
			 fault->place.line, fault->message);
}

/* `only`: the model of that name alone; NULL: all. */
static bool read_models(struct serving *serving, const char *only, size_t *count, struct error *error)
{
	const struct spec_options spec_options = {.kinds = serving->session->kinds};
	struct arena *arena = arena_open(FILES_ARENA_BYTES);
	struct spec spec;
	if (!arena || !spec_open(&spec, error)) {
		arena_close(arena);
		return error_memory(error, ERROR_SYSTEM, "reading models");
	}
	bool good = spec_read(&spec, serving->paths, serving->path_count, &spec_options, error) &&
		    judge(serving, &spec, only, error) && catalog_take_spec(serving->catalog, &spec, only, count, error);
	for (size_t i = 0; good && i < serving->path_count; i++)
		good = take_stubs(serving, serving->paths[i], only, arena, count, error);
	spec_close(&spec);
	arena_close(arena);
	return good;
}

static bool load(void *context, const char *name, struct error *error)
{
	struct serving *serving = context;
	size_t count = 0;
	if (!read_models(serving, name, &count, error))
		return false;
	return count > 0 || stub_known(name) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "there is no model `%s` among the files that this server reads", name);
}

/* ---- what is said ---- */

static void say_what_is_not_served(const struct serving *serving)
{
	for (const struct catalog_model *model = catalog_first(serving->catalog); model; model = model->next)
		if (!model->kind)
			(void)command_failed(serving->session, &model->why);
}

static void print_models(const struct serving *serving, struct buffer *out)
{
	bool json = serving->options->form == OUTPUT_JSON;
	const char *comma = "";
	for (const struct catalog_model *model = catalog_first(serving->catalog); model; model = model->next) {
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

static bool say_ready(const struct serving *serving, struct error *error)
{
	struct buffer out;
	const struct serve_options *self = serving->options;
	buffer_open(&out, LINE_BYTES_MAX);
	int rest = rest_door_port(serving->rest), grpc = grpc_door_port(serving->grpc);
	if (self->form == OUTPUT_JSON) {
		buffer_print(&out, "{\"rest\":\"http://%s:%d\",\"grpc\":\"grpc://%s:%d\",\"models\":[", self->host, rest,
			     self->host, grpc);
		print_models(serving, &out);
		buffer_string(&out, "]}\n");
	} else {
		buffer_print(&out, "ready at http://%s:%d and grpc://%s:%d: ", self->host, rest, self->host, grpc);
		print_models(serving, &out);
		buffer_string(&out,
			      catalog_first(serving->catalog) ? ", and the stubs by their names\n" : "the stubs by their names\n");
	}
	if (command_write(serving->session, &out) != EXIT_GOOD)
		return error_memory(error, ERROR_SYSTEM, "saying what is served");
	fflush(serving->session->out);
	return true;
}

/* ---- serving ---- */

static bool serve(struct serving *serving, struct error *error)
{
	struct door_config door = {.host = serving->options->host,
				   .port = (int)serving->options->port,
				   .catalog = serving->catalog,
				   .load = load,
				   .context = serving};
	size_t count = 0;
	if (!read_models(serving, NULL, &count, error))
		return false;
	say_what_is_not_served(serving);
	serving->rest = rest_door_open(serving->loop, &door, error);
	door.port = (int)serving->options->grpc_port;
	serving->grpc = serving->rest ? grpc_door_open(serving->loop, &door, error) : NULL;
	bool good = serving->grpc && say_ready(serving, error);
	while (good && !serving->stopping.asked)
		good = loop_turn(serving->loop, WAIT_MS, error);
	return good;
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct serving serving = {.session = session, .options = filled, .paths = arguments, .path_count = count};
	struct error error = {0};
	bool good = (serving.loop = loop_open(&error)) && stopping_open(&serving.stopping, serving.loop, &error) &&
		    (serving.catalog = catalog_open(&error)) && serve(&serving, &error);
	grpc_door_close(serving.grpc);
	rest_door_close(serving.rest);
	catalog_close(serving.catalog);
	stopping_close(&serving.stopping);
	loop_close(serving.loop);
	return good ? EXIT_GOOD : command_refused(session, &command_models_serve, &error);
}

const struct command command_models_serve = {
	.name = "models serve",
	.arguments = "DIR...",
	.summary = "Serves models by the Open Inference Protocol.",
	.help = "Serves the Models of the YAML files in a folder whose storageUri is a stub or expressions, the models that steps "
		"carry inside, those of a stubs.json, and every stub by its own name, over REST and gRPC. It answers health, "
		"metadata, inference and "
		"the repository's index, load and unload; load reads the files again. `sluice help stubs` lists the stubs.\n"
		"\n"
		"    sluice models serve pipelines/hello --port 8080 --grpc-port 8081\n"
		"    curl localhost:8080/v2/models/add10/infer -d "
		"'{\"inputs\":[{\"name\":\"INPUT\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[5]}]}'\n",
	.options = options,
	.options_size = sizeof(struct serve_options),
	.group = "run",
	.run = run,
};
