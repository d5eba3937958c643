/* model_server.c: see model_server.h. */
#include "models/server/model_server.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "compiler/graph/built_in.h"
#include "compiler/graph/model_name.h"
#include "compiler/resources/inline_models.h"
#include "models/server/model_grpc.h"
#include "models/server/model_rest.h"
#include "models/server/stub_file.h"
#include "net/http/body_budget.h"

static bool is_elsewhere(const char *uri)
{
	return model_uri_is_address(uri) && !text_starts_with(text_of(uri), TEXT(STUB_SCHEME));
}

struct catalog_taking {
	const struct spec *spec;
	struct catalog *catalog;
	const char *only;
	size_t *count;
	struct error *error;
};

static bool catalog_read_take(struct catalog_taking *taking, const struct catalog_entry *entry)
{
	if (!entry->name || (taking->only && model_name_fit(text_of(taking->only), entry->name) == 0) || is_elsewhere(entry->uri))
		return true;
	++*taking->count;
	return catalog_put(taking->catalog, entry, taking->error);
}

/* Whether the Model of that name says where it is served, and the step only where its artifact is. */
static bool model_decides(const struct spec *spec, const char *name, const char *uri)
{
	const struct resource *resource = model_uri_is_address(uri) ? NULL : spec_model(spec, name);
	const struct model_spec *model = resource ? resource->spec : NULL;
	return model && model_uri_is_address(model->storage_uri.text);
}

static bool take_steps(struct catalog_taking *taking, const struct pipeline_spec *pipeline)
{
	const struct step_spec *steps = pipeline->steps.items;
	for (size_t i = 0; i < pipeline->steps.count; i++) {
		const struct step step = {.kind = steps[i].kind, .name = steps[i].name.text, .options = steps[i].options};
		enum call_target target;
		const char *name;
		const char *uri = step_facts(&step).storage;
		if (!uri || !step_calls(&step, 0, &target, &name) || target != CALL_MODEL)
			continue;
		if ((name && model_decides(taking->spec, name, uri)) || built_in_is_instead(taking->spec, &steps[i]))
			continue;
		if (!catalog_read_take(taking, &(struct catalog_entry){.name = name, .uri = uri, .place = steps[i].options_here}))
			return false;
	}
	return true;
}

/* The setting of a step overrides that of the Model, so it is read later. */
bool catalog_take_spec(struct catalog *catalog, const struct spec *spec, const char *only, size_t *count, struct error *error)
{
	struct catalog_taking taking = {spec, catalog, only, count, error};
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		const struct model_spec *model = resource->spec;
		if (resource->kind->type != RESOURCE_MODEL || !model)
			continue;
		if (!catalog_read_take(&taking, &(struct catalog_entry){.name = resource->name.text,
									.uri = model->storage_uri.text,
									.place = model->storage_uri.place}))
			return false;
	}
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type == RESOURCE_PIPELINE && resource->spec && !take_steps(&taking, resource->spec))
			return false;
	}
	return true;
}

#define ANYWAY "--insecure-ignore-security"

bool server_protection_check(const struct protection *protection, const struct tls_files *files, struct error *error)
{
	if (security_part_is_wanted(&protection->encryption) && !files)
		return error_set(error, ERROR_CONFIG, protection->encryption.here,
				 "connections are to be encrypted, and there is no certificate; name one by --certificate, and its "
				 "key by --key, or serve without by " ANYWAY);
	if (security_part_is_wanted(&protection->authentication) && (!files || !files->authorities))
		return error_set(error, ERROR_CONFIG, protection->authentication.here,
				 "callers are to be authenticated, and this server reads no tokens; name --authorities of their "
				 "certificates, or serve everybody by " ANYWAY);
	return !security_part_is_wanted(&protection->authorization) ||
	       error_set(error, ERROR_CONFIG, protection->authorization.here,
			 "policies are to say who may call what, and this server has none; put a gateway in front of it, and serve "
			 "everybody by " ANYWAY " where only the engine can reach it");
}

#define FILES_ARENA_BYTES ((size_t)1 << 30)

struct model_server {
	const struct workspace *workspace;
	struct model_server_config config;
	struct catalog *catalog;
	struct body_budget bodies;
	struct host_names hosts;
	struct model_rest *rest;
	struct model_grpc *grpc;
};

/* ---- what the files say ---- */

/* A folder may have a stubs.json, as a case has, which goes before its YAML. */
static bool take_stubs(struct catalog *catalog, const char *folder, const char *only, struct arena *arena, size_t *count,
		       struct error *error)
{
	struct stat what;
	struct stub_file stubs;
	if (stat(folder, &what) != 0 || !S_ISDIR(what.st_mode))
		return true;
	if (!stub_file_read(folder, arena, &stubs, error))
		return false;
	for (size_t i = 0; i < stubs.count; i++) {
		const struct stub_entry *stub = &stubs.items[i];
		const char *name = arena_copy(arena, stub->model.bytes, stub->model.length), *uri = stub_entry_uri(stub, arena);
		if (!name || !uri)
			return error_memory(error, ERROR_SYSTEM, "reading stubs.json");
		if (only && model_name_fit(text_of(name), only) == 0)
			continue;
		++*count;
		if (!catalog_put(catalog, &(struct catalog_entry){.name = name, .uri = uri, .place = stub->place}, error))
			return false;
		catalog_keep_named(catalog, name);
	}
	return true;
}

/* A caller that names one model gets its first fault. Otherwise all faults are shown, and no error is set. */
static bool model_server_judge(const struct model_server *server, const struct spec *spec, const char *only, struct error *error)
{
	if (faults_count(spec->faults, SEVERITY_ERROR) == 0)
		return true;
	if (!only) {
		workspace_faults(server->workspace, spec->faults);
		return false;
	}
	size_t first = 0;
	while (faults_at(spec->faults, first)->code->severity != SEVERITY_ERROR)
		first++;
	const struct fault *fault = faults_at(spec->faults, first);
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s:%u: %s; correct the file, then load it again", fault->place.file,
			 fault->place.line, fault->message);
}

/* As model_server_judge() of an error whose place is about to be freed. */
static void tell(const struct model_server *server, const struct error *found, const char *only, struct error *error)
{
	if (!only)
		workspace_failed(server->workspace, found);
	else if (found->place.line == 0)
		*error = *found;
	else
		error_set(error, found->kind, PLACE_NONE, "%s:%u: %s", found->place.file, found->place.line, found->text);
}

static bool protection_is_given(const struct model_server *server, const struct spec *spec, struct error *error)
{
	const struct protection protection = spec_protection(spec);
	return !server->config.protects || server_protection_check(&protection, server->config.files, error);
}

/* `only`: the model of that name alone; NULL: all. */
static bool read_models(const struct model_server *server, struct catalog *catalog, const char *only, size_t *count,
			struct error *error)
{
	const struct spec_options spec_options = {.kinds = server->workspace->kinds};
	struct arena *arena = arena_open(FILES_ARENA_BYTES);
	struct spec spec;
	if (!arena || !spec_open(&spec, error)) {
		arena_close(arena);
		return error_memory(error, ERROR_SYSTEM, "reading models");
	}
	bool good = spec_read(&spec, server->config.paths, server->config.path_count, &spec_options, error) &&
		    model_server_judge(server, &spec, only, error) && protection_is_given(server, &spec, error) &&
		    catalog_take_spec(catalog, &spec, only, count, error);
	for (size_t i = 0; good && i < server->config.path_count; i++)
		good = take_stubs(catalog, server->config.paths[i], only, arena, count, error);
	if (good && server->config.stubs)
		good = take_stubs(catalog, server->config.stubs, only, arena, count, error);
	if (!good && error->place.line > 0) {
		const struct error found = *error;
		*error = (struct error){0};
		tell(server, &found, only, error);
	}
	spec_close(&spec);
	arena_close(arena);
	return good;
}

/* Whether all models that are ready could be served as `later` has them. The faults are shown as by model_server_judge(). */
static bool keeps_ready(const struct model_server *server, const struct catalog *later, const char *only, struct error *error)
{
	bool good = true;
	for (const struct catalog_model *model = catalog_first(server->catalog); model; model = model->next) {
		const struct catalog_model *found = model->ready ? catalog_named(later, model->name) : NULL;
		if (!found || found->kind)
			continue;
		good = false;
		tell(server, &found->why, only, error);
	}
	return good;
}

static void say_what_is_not_served(const struct model_server *server)
{
	for (const struct catalog_model *model = catalog_first(server->catalog); model; model = model->next)
		if (!model->kind)
			workspace_failed(server->workspace, &model->why);
}

/* Everything is read before anything changes, so that an error in the last file changes nothing. */
static bool models_reread(struct model_server *server, const char *only, size_t *count, struct error *error)
{
	struct catalog *later = catalog_open(error);
	const bool good = later && read_models(server, later, only, count, error) && keeps_ready(server, later, only, error);
	if (good)
		catalog_take(server->catalog, later, !only && !server->config.keeps_removed);
	catalog_close(later);
	return good;
}

/* For the doors. */
static bool load(void *context, const char *name, struct error *error)
{
	struct model_server *server = context;
	size_t count = 0;
	if (!models_reread(server, name, &count, error))
		return false;
	return count > 0 || stub_known(name) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "the files of this server have no model `%s`", name);
}

bool model_server_reread(struct model_server *server, struct error *error)
{
	size_t count = 0;
	if (!models_reread(server, NULL, &count, error))
		return false;
	say_what_is_not_served(server);
	return true;
}

/* ---- opening and closing ---- */

static bool open_doors(struct model_server *server, struct loop *loop, struct error *error)
{
	struct model_service_config service = {.host = server->config.host,
					       .port = server->config.rest_port,
					       .files = server->config.files,
					       .hosts = &server->hosts,
					       .catalog = server->catalog,
					       .bodies = &server->bodies,
					       .load = load,
					       .context = server};
	server->hosts = host_names_of(server->config.host, server->config.hosts);
	server->hosts.any |= server->config.files != NULL;
	server->rest = model_rest_open(loop, &service, error);
	service.port = server->config.grpc_port;
	return server->rest && (server->grpc = model_grpc_open(loop, &service, error));
}

struct model_server *model_server_open(const struct workspace *workspace, struct loop *loop,
				       const struct model_server_config *config, struct error *error)
{
	struct model_server *server = memory_take(1, sizeof *server);
	if (!server)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a model server"));
	server->workspace = workspace;
	server->config = *config;
	server->bodies.limit_bytes = MODEL_SERVICE_BODIES_BYTES;
	server->bodies.peer_limit_bytes = MODEL_SERVICE_PEER_BODIES_BYTES;
	if ((server->catalog = catalog_open(error)) && model_server_reread(server, error) && open_doors(server, loop, error))
		return server;
	model_server_close(server);
	return NULL;
}

void model_server_close(struct model_server *server)
{
	if (!server)
		return;
	model_grpc_close(server->grpc);
	model_rest_close(server->rest);
	catalog_close(server->catalog);
	memory_give(server);
}

bool model_server_drain(struct model_server *server)
{
	bool rest = model_rest_drain(server->rest), grpc = model_grpc_drain(server->grpc);
	return rest && grpc;
}

bool model_server_reload_tls(struct model_server *server, struct error *error)
{
	const struct tls_files *files = server->config.files;
	return model_rest_reload(server->rest, files, error) && model_grpc_reload(server->grpc, files, error);
}

int model_server_rest_port(const struct model_server *server)
{
	return model_rest_port(server->rest);
}

int model_server_grpc_port(const struct model_server *server)
{
	return model_grpc_port(server->grpc);
}

const struct catalog_model *model_server_first(const struct model_server *server)
{
	return catalog_first(server->catalog);
}

uint64_t model_server_calls(struct model_server *server, const char *model, const char **name)
{
	const struct catalog_model *found = catalog_find(server->catalog, text_of(model), (struct text){0});
	*name = found ? found->name : model;
	return found ? found->counts.calls : 0;
}
