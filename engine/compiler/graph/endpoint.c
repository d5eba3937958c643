/* endpoint.c: see endpoint.h. */
#include "compiler/graph/endpoint.h"

#include "base/suggest.h"
#include "compiler/graph/model_name.h"
#include "compiler/resources/rows.h"

/* Capabilities that are one under two names. */
static const char *const aliases[][2] = {{"scikit-learn", "sklearn"}};

static const char *const schemes[] = {"http://", "https://", "grpc://", "grpcs://"};

/* A requirement `name==version`: servers offer names. */
static struct text requirement_name(const char *requirement)
{
	struct text text = text_of(requirement);
	for (size_t i = 0; i + 1 < text.length; i++)
		if (text.bytes[i] == '=' && text.bytes[i + 1] == '=')
			text.length = i;
	return text;
}

static bool same_capability(struct text a, struct text b)
{
	if (text_equal(a, b))
		return true;
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if ((text_is(a, aliases[i][0]) && text_is(b, aliases[i][1])) ||
		    (text_is(a, aliases[i][1]) && text_is(b, aliases[i][0])))
			return true;
	return false;
}

static bool offers(const struct name_list *capabilities, struct text wanted)
{
	for (size_t i = 0; i < capabilities->count; i++)
		if (capabilities->items[i].text && same_capability(text_of(capabilities->items[i].text), wanted))
			return true;
	return false;
}

static bool covers(const struct server_spec *server, const struct name_list *requirements)
{
	for (size_t i = 0; i < requirements->count; i++) {
		if (!requirements->items[i].text)
			continue;
		struct text wanted = requirement_name(requirements->items[i].text);
		if (!offers(&server->capabilities, wanted) && !offers(&server->extra_capabilities, wanted))
			return false;
	}
	return true;
}

static const char *joined_addresses(const struct name_list *endpoints, struct arena *arena)
{
	const char *text = NULL;
	for (size_t i = 0; i < endpoints->count; i++)
		if (endpoints->items[i].text)
			text = text ? arena_print(arena, "%s %s", text, endpoints->items[i].text) : endpoints->items[i].text;
	return text;
}

/* ---- what --server gives ---- */

/* The URL; NULL: it is for another name. */
static const char *url_of(const char *given, struct text name)
{
	bool for_it = name.length > 0 && strncmp(given, name.bytes, name.length) == 0 && given[name.length] == '=';
	return for_it ? given + name.length + 1 : NULL;
}

/* All that a name is given: its replicas. NULL: nothing. */
static const char *given_for(const struct name_list *given, struct text name, struct arena *arena)
{
	const char *joined = NULL;
	for (size_t i = 0; i < given->count; i++) {
		const char *url = url_of(given->items[i].text, name);
		if (url)
			joined = joined ? arena_print(arena, "%s %s", joined, url) : url;
	}
	return joined;
}

static struct text given_name(const char *given)
{
	const char *equals = strchr(given, '=');
	return (struct text){given, equals ? (size_t)(equals - given) : 0};
}

/* The name that fits a model best; no bytes: none fits. */
static struct text given_best(const struct name_list *given, const char *model, size_t *fit)
{
	struct text best = {0};
	*fit = 0;
	for (size_t i = 0; i < given->count; i++) {
		const struct text name = given_name(given->items[i].text);
		const size_t its = model_name_fit(name, model);
		if (its > *fit) {
			*fit = its;
			best = name;
		}
	}
	return best;
}

/* ENDPOINT_NONE: no name fits the model. */
static struct endpoint given_for_model(const struct name_list *given, const char *model, struct arena *arena)
{
	size_t fit;
	const struct text name = given_best(given, model, &fit);
	const char *addresses = fit > 0 ? given_for(given, name, arena) : NULL;
	if (!addresses)
		return (struct endpoint){0};
	return (struct endpoint){
		.origin = ENDPOINT_GIVEN, .addresses = addresses, .is_given_whole = fit == MODEL_NAME_WHOLE};
}

/* Where there is one server, it need not bear the model's name; but one that bears another model's is that model's alone. */
static const char *given_alone(const struct name_list *given, const struct spec *spec, struct arena *arena)
{
	struct text name = given->count > 0 ? given_name(given->items[0].text) : (struct text){0};
	for (size_t i = 1; i < given->count; i++)
		if (!text_equal(given_name(given->items[i].text), name))
			return NULL;
	const char *of = arena_copy(arena, name.bytes, name.length);
	return of && !spec_find(spec, RESOURCE_MODEL, of) ? given_for(given, name, arena) : NULL;
}

const char *endpoint_given_badly(const struct name_list *given)
{
	for (size_t i = 0; i < given->count; i++) {
		struct text name = given_name(given->items[i].text);
		const char *url = name.bytes + name.length + 1;
		if (name.length == 0 || !strstr(url, "://") || (address_scheme(url) > 0 && !strchr(url, ' ') && !address_fits(url)))
			return given->items[i].text;
	}
	return NULL;
}

/* ---- what to do when there is none ---- */

/* Whether a Server offers a capability; what it offers is a suggestion for it. */
static bool server_offers(const struct server_spec *server, struct text wanted, struct suggestion *suggestion)
{
	const struct name_list *lists[] = {&server->capabilities, &server->extra_capabilities};
	bool offered = false;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		offered = offered || offers(lists[i], wanted);
		for (size_t j = 0; j < lists[i]->count; j++)
			suggest_offer(suggestion, text_of(lists[i]->items[j].text));
	}
	return offered;
}

const struct name *endpoint_missing_capability(const struct name_list *requirements, const struct spec *spec, struct text *nearest)
{
	for (size_t i = 0; i < requirements->count; i++) {
		if (!requirements->items[i].text)
			continue;
		struct text wanted = requirement_name(requirements->items[i].text);
		struct suggestion suggestion = suggest_begin(wanted);
		bool offered = false;
		const struct resource *resource;
		for (size_t at = 0; (resource = spec_next(spec, RESOURCE_SERVER, &at));)
			offered = (resource->spec && server_offers(resource->spec, wanted, &suggestion)) || offered;
		*nearest = suggestion.nearest;
		if (!offered)
			return &requirements->items[i];
	}
	return NULL;
}

static const char *missing_words(const struct model_facts *model, const struct spec *spec, struct arena *arena)
{
	struct text nearest;
	const struct name *missing = endpoint_missing_capability(&model->requirements, spec, &nearest);
	if (!missing)
		return "no Server has all its requirements";
	struct text wanted = requirement_name(missing->text);
	if (!nearest.bytes)
		return arena_print(arena, "no Server has the capability `" TEXT_FORMAT "`", TEXT_ARGUMENTS(wanted));
	return arena_print(arena, "no Server has the capability `" TEXT_FORMAT "` (the nearest is `" TEXT_FORMAT "`)",
			   TEXT_ARGUMENTS(wanted), TEXT_ARGUMENTS(nearest));
}

static const char *server_names(const struct spec *spec, struct arena *arena)
{
	const char *names = NULL;
	const struct resource *server;
	for (size_t at = 0; (server = spec_next(spec, RESOURCE_SERVER, &at));)
		if (server->name.text)
			names = arena_print(arena, "%s%s%s", names ? names : "", names ? ", " : "", server->name.text);
	return names;
}

static const char *advice(const struct model_facts *model, const struct spec *spec, const char *cause, struct arena *arena)
{
	const char *servers = server_names(spec, arena);
	const char *found = servers ? arena_print(arena, "%s (Servers: %s)", cause, servers) : "there is no Server among the files";
	const char *name = model->server ? model->server : model->name;
	if (model->is_node)
		return arena_print(arena,
				   "%s; write `endpoint: {service_host: HOST, service_port: PORT}` in the node `%s`, or give "
				   "--server %s=http://HOST:PORT",
				   found, model_served_name(model->name), name);
	return arena_print(arena, "%s; write `storageUri: grpc://HOST:PORT/%s`, or give --server %s=http://HOST:PORT", found,
			   model_served_name(model->name), name);
}

/* ---- the search ---- */

static bool stub_or_uri(const struct model_facts *model, struct endpoint *endpoint)
{
	if (!model->storage_uri)
		return false;
	struct text uri = text_of(model->storage_uri);
	if (text_starts_with(uri, TEXT("stub://"))) {
		*endpoint = (struct endpoint){.origin = ENDPOINT_STUB, .addresses = model->storage_uri};
		return true;
	}
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (text_starts_with(uri, text_of(schemes[i]))) {
			*endpoint = (struct endpoint){.origin = ENDPOINT_URI, .addresses = model->storage_uri};
			return true;
		}
	return false;
}

/* The Servers that have an endpoint and cover the requirements; the last of them. */
static size_t fitting_servers(const struct model_facts *model, const struct spec *spec, const struct resource **found)
{
	size_t count = 0;
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_SERVER, &at));) {
		const struct server_spec *server = resource->spec;
		if (!server || server->endpoints.count == 0 || !covers(server, &model->requirements))
			continue;
		*found = resource;
		count++;
	}
	return count;
}

static const char *environment_value(const struct item_list *environment, const char *name)
{
	const struct environment_variable *items = environment->items;
	for (size_t i = 0; i < environment->count; i++)
		if (items[i].name.text && strcmp(items[i].name.text, name) == 0)
			return items[i].value;
	return NULL;
}

/* A Server's addresses; what they do not say of ports, the model's own server does. */
static struct endpoint at_server(enum endpoint_origin origin, const struct resource *server, const struct model_facts *model,
				 struct arena *arena)
{
	struct endpoint endpoint = {.origin = origin, .server = server->name.text};
	endpoint.addresses = joined_addresses(&((const struct server_spec *)server->spec)->endpoints, arena);
	if (endpoint.addresses)
		endpoint.addresses =
			addresses_with_ports(endpoint.addresses, environment_value(&model->environment, "MLSERVER_HTTP_PORT"),
					     environment_value(&model->environment, "MLSERVER_GRPC_PORT"), arena);
	return endpoint;
}

static struct endpoint of_named_server(const struct model_facts *model, const struct spec *spec, const struct name_list *given,
				       struct arena *arena)
{
	const struct resource *server = spec_find(spec, RESOURCE_SERVER, model->server);
	struct endpoint endpoint = {.origin = ENDPOINT_NAMED, .server = model->server};
	if (server && server->spec)
		endpoint = at_server(ENDPOINT_NAMED, server, model, arena);
	if (endpoint.addresses)
		return endpoint;
	endpoint.addresses = given_for(given, text_of(model->server), arena);
	endpoint.origin = endpoint.addresses ? ENDPOINT_GIVEN : ENDPOINT_NONE;
	if (!endpoint.addresses)
		endpoint.advice =
			advice(model, spec,
			       arena_print(arena, server ? "Server `%s` has no endpoints" : "Server `%s` is not among the files",
					   model->server),
			       arena);
	return endpoint;
}

static struct endpoint endpoint_search(const struct model_facts *model, const struct spec *spec, const struct name_list *given,
				       struct arena *arena)
{
	struct endpoint endpoint = {0};
	const struct endpoint of_its_name = given_for_model(given, model->name, arena);
	if (stub_or_uri(model, &endpoint))
		return endpoint.origin == ENDPOINT_STUB && of_its_name.addresses ? of_its_name : endpoint;
	if (model->server)
		return of_named_server(model, spec, given, arena);
	const struct resource *server = NULL;
	size_t fitting = fitting_servers(model, spec, &server);
	if (fitting == 1 && !(of_its_name.is_given_whole && model_served_name(model->name) != model->name))
		return at_server(ENDPOINT_FITTING, server, model, arena);
	if (of_its_name.addresses)
		return of_its_name;
	endpoint.addresses = given_alone(given, spec, arena);
	endpoint.origin = endpoint.addresses ? ENDPOINT_GIVEN : ENDPOINT_NONE;
	if (!endpoint.addresses)
		endpoint.advice = advice(model, spec,
					 fitting ? "more than one Server has all its requirements; name one in `server`"
						 : missing_words(model, spec, arena),
					 arena);
	return endpoint;
}

struct endpoint endpoint_find(const struct model_facts *model, const struct spec *spec, const struct name_list *given,
			      struct arena *arena)
{
	struct endpoint endpoint = endpoint_search(model, spec, given, arena);
	endpoint.artifact = model->storage_uri;
	if (model->storage_uri && text_starts_with(text_of(model->storage_uri), TEXT("stub://")))
		endpoint.stub = model->storage_uri;
	return endpoint;
}

bool endpoint_is_offered(const struct model_facts *model, const struct spec *spec, const struct name_list *given,
			 struct arena *arena)
{
	const struct endpoint endpoint = endpoint_find(model, spec, given, arena);
	if (endpoint.origin == ENDPOINT_FITTING)
		return model->requirements.count > 0;
	if (endpoint.origin == ENDPOINT_GIVEN)
		return model->server || given_for_model(given, model->name, arena).addresses;
	return endpoint.origin != ENDPOINT_NONE;
}

struct model_addresses endpoint_addresses(const struct endpoint *endpoint, const char *model, struct arena *arena)
{
	if (!endpoint->addresses || endpoint->origin == ENDPOINT_STUB)
		return (struct model_addresses){0};
	bool at_server = endpoint->origin == ENDPOINT_NAMED || endpoint->origin == ENDPOINT_FITTING;
	const char *name = endpoint->served_name ? endpoint->served_name : model_served_name(model);
	return addresses_read_as(endpoint->addresses, name, at_server, &endpoint->form, arena);
}

const char *endpoint_origin_text(enum endpoint_origin origin)
{
	static const char *const texts[] = {
		[ENDPOINT_NONE] = "none found",
		[ENDPOINT_STUB] = "a stub",
		[ENDPOINT_URI] = "its storageUri",
		[ENDPOINT_NAMED] = "the Server it names",
		[ENDPOINT_FITTING] = "the only suitable Server",
		[ENDPOINT_GIVEN] = "--server",
	};
	return texts[origin];
}

bool endpoint_server_offers(const struct spec *spec)
{
	const struct resource *server;
	for (size_t at = 0; (server = spec_next(spec, RESOURCE_SERVER, &at));)
		if (server->spec && ((const struct server_spec *)server->spec)->endpoints.count > 0)
			return true;
	return false;
}
