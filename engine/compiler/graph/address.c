/* address.c: see address.h. */
#include "compiler/graph/address.h"

static const struct scheme {
	const char *text;
	bool grpc, tls;
} schemes[] = {{"http://", false, false}, {"https://", false, true}, {"grpc://", true, false}, {"grpcs://", true, true}};

#define GRPC_PORT "8081" /* MLServer's; gRPC has none of its own */

/* An address in its parts; they borrow from it. */
struct address_parts {
	const struct scheme *scheme;
	struct text host; /* with its port, where it has one */
	struct text path; /* from its slash on, without one at the end */
};

static bool split(struct text address, struct address_parts *parts)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		struct text scheme = text_of(schemes[i].text);
		if (!text_starts_with(address, scheme))
			continue;
		struct text rest = text_from(address, scheme.length);
		const char *slash = memchr(rest.bytes, '/', rest.length);
		size_t host = slash ? (size_t)(slash - rest.bytes) : rest.length;
		*parts = (struct address_parts){&schemes[i], {rest.bytes, host}, {rest.bytes + host, rest.length - host}};
		while (parts->path.length > 0 && parts->path.bytes[parts->path.length - 1] == '/')
			parts->path.length--;
		return host > 0;
	}
	return false;
}

/* The colon before the port; NULL: it has none. An IPv6 address has colons of its own. */
static const char *port_of(struct text host)
{
	const char *bracket = memchr(host.bytes, ']', host.length);
	size_t from = bracket ? (size_t)(bracket - host.bytes) : 0;
	return memchr(host.bytes + from, ':', host.length - from);
}

static struct text host_name(struct text host)
{
	const char *colon = port_of(host);
	return colon ? (struct text){host.bytes, (size_t)(colon - host.bytes)} : host;
}

/* ---- paths of REST ---- */

/* The name behind `mark` and what follows it: `/v2/models/` M `/versions/3/infer`. */
static bool names_model(struct text path, struct text mark, size_t *begin, struct text *model)
{
	const char *found = memmem(path.bytes, path.length, mark.bytes, mark.length);
	if (!found)
		return false;
	*begin = (size_t)(found - path.bytes);
	*model = text_from(path, *begin + mark.length);
	size_t length = 0;
	while (length < model->length && model->bytes[length] != '/' && model->bytes[length] != ':')
		length++;
	model->length = length;
	return length > 0;
}

/* What a path says: its protocol, how much of it stands before that protocol's own
 * part, and the model, if it names one; `call` is the rest where it is written whole. */
struct address_reading {
	enum model_protocol protocol;
	size_t prefix;
	struct text model;
	struct text call;
};

static struct address_reading read_path(struct text path)
{
	static const struct {
		const char *ending;
		enum model_protocol protocol;
		bool whole;
	} endings[] = {
		{"/api/v1.0/predictions", PROTOCOL_SELDON, true},
		{"/api/v0.1/predictions", PROTOCOL_SELDON, true},
		{"/invocations", PROTOCOL_MLFLOW, true},
		{"/v1/models", PROTOCOL_V1, false},
		{"/v2/models", PROTOCOL_OIP_REST, false},
		{"/v1", PROTOCOL_V1, false},
		{"/v2", PROTOCOL_OIP_REST, false},
	};
	struct address_reading reading = {.prefix = path.length};
	if (names_model(path, TEXT("/v2/models/"), &reading.prefix, &reading.model) ||
	    names_model(path, TEXT("/v1/models/"), &reading.prefix, &reading.model)) {
		reading.call = text_from(path, reading.prefix);
		reading.protocol = reading.call.bytes[2] == '1' ? PROTOCOL_V1 : PROTOCOL_OIP_REST;
		return reading;
	}
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (text_ends_with(path, text_of(endings[i].ending))) {
			reading.protocol = endings[i].protocol;
			reading.prefix = path.length - strlen(endings[i].ending);
			if (endings[i].whole)
				reading.call = text_from(path, reading.prefix);
			return reading;
		}
	reading.prefix = path.length;
	return reading;
}

/* The path that a call is posted to, behind the base. */
static const char *call_path(const struct address_reading *reading, const char *model, enum call_method method, struct arena *arena)
{
	static const char *const methods[] = {
		[CALL_PREDICT] = "/predict",
		[CALL_TRANSFORM_INPUT] = "/transform-input",
		[CALL_TRANSFORM_OUTPUT] = "/transform-output",
		[CALL_ROUTE] = "/route",
		[CALL_AGGREGATE] = "/aggregate",
	};
	if (reading->protocol == PROTOCOL_SELDON && (!reading->call.bytes || method != CALL_PREDICT))
		return methods[method];
	bool v1 = reading->protocol == PROTOCOL_V1;
	struct text verb = v1 ? TEXT(":predict") : TEXT("/infer");
	if (!reading->call.bytes)
		return arena_print(arena, v1 ? "/v1/models/%s:predict" : "/v2/models/%s/infer", model);
	bool complete = !reading->model.bytes || text_ends_with(reading->call, verb);
	return arena_print(arena, TEXT_FORMAT "%s", TEXT_ARGUMENTS(reading->call), complete ? "" : verb.bytes);
}

/* ---- one address ---- */

/* The last part of a path is the model's name, where no protocol's own path says it. */
static void take_name(struct address_reading *reading, struct text path)
{
	size_t slash = path.length;
	while (slash > 0 && path.bytes[slash - 1] != '/')
		slash--;
	if (slash == 0)
		return;
	reading->model = text_from(path, slash);
	reading->prefix = slash - 1;
}

/* What neither the path nor a Server says, the step does. */
static void take_form(struct address_reading *reading, const struct address_parts *parts, const struct call_form *form)
{
	static const enum model_protocol protocols[] = {
		[CALL_BY_V2] = PROTOCOL_OIP_REST, [CALL_BY_SELDON] = PROTOCOL_SELDON, [CALL_BY_TENSORFLOW] = PROTOCOL_V1};
	reading->protocol = protocols[form->protocol];
	if (reading->protocol != PROTOCOL_SELDON)
		take_name(reading, parts->path);
}

static bool read_rest(const struct address_parts *parts, const char *model, bool at_server, const struct call_form *form,
		      struct model_address *address, struct arena *arena)
{
	struct address_reading reading = read_path(parts->path);
	if (reading.protocol == PROTOCOL_OIP_REST && reading.prefix == parts->path.length && !at_server)
		take_form(&reading, parts, form);
	address->method = reading.protocol == PROTOCOL_SELDON ? (enum call_method)form->method : CALL_PREDICT;
	address->protocol = reading.protocol;
	address->model = reading.model.bytes ? arena_copy(arena, reading.model.bytes, reading.model.length) : model;
	address->base = arena_print(arena, "%s" TEXT_FORMAT "%.*s", parts->scheme->text, TEXT_ARGUMENTS(parts->host),
				    (int)reading.prefix, parts->path.length ? parts->path.bytes : "");
	const char *path = address->model ? call_path(&reading, address->model, address->method, arena) : NULL;
	address->url = address->base && path ? arena_print(arena, "%s%s", address->base, path) : NULL;
	return address->url != NULL;
}

static bool read_address(struct text text, const char *model, bool at_server, const struct call_form *form,
			 struct model_address *address, struct arena *arena)
{
	struct address_parts parts;
	if (!split(text, &parts))
		return false;
	bool port = port_of(parts.host) != NULL;
	*address = (struct model_address){.tls = parts.scheme->tls, .model = model};
	address->host = arena_print(arena, TEXT_FORMAT "%s%s", TEXT_ARGUMENTS(parts.host), port ? "" : ":",
				    port		 ? ""
				    : parts.scheme->grpc ? GRPC_PORT
				    : parts.scheme->tls	 ? "443"
							 : "80");
	if (!parts.scheme->grpc)
		return read_rest(&parts, model, at_server, form, address, arena);
	address->protocol = PROTOCOL_OIP_GRPC;
	if (parts.path.length > 1)
		address->model = arena_copy(arena, parts.path.bytes + 1, parts.path.length - 1);
	return address->host && address->model;
}

/* ---- several ---- */

/* Whether the host of an address over REST is called by gRPC too. */
static bool is_better(const struct model_address *grpc, const struct model_address *rest)
{
	return rest->protocol == PROTOCOL_OIP_REST && grpc->protocol == PROTOCOL_OIP_GRPC &&
	       text_equal(host_name(text_of(grpc->host)), host_name(text_of(rest->host)));
}

static bool has_better(const struct model_address *address, const struct model_address *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_better(&all[i], address))
			return true;
	return false;
}

/* The first of its host's by gRPC that has none yet has it as its other way. */
static void give_way(const struct model_address *address, struct model_address *all, size_t count, struct arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		if (all[i].rest || !is_better(&all[i], address))
			continue;
		struct model_address *rest = ARENA_NEW(arena, struct model_address);
		if (rest)
			*rest = *address;
		all[i].rest = rest;
		return;
	}
}

struct model_addresses addresses_read(const char *list, const char *model, bool at_server, struct arena *arena)
{
	static const struct call_form usual;
	return addresses_read_as(list, model, at_server, &usual, arena);
}

struct model_addresses addresses_read_as(const char *list, const char *model, bool at_server, const struct call_form *form,
					 struct arena *arena)
{
	size_t room = 1, count = 0, kept = 0;
	for (const char *at = list; at && *at; at++)
		room += *at == ' ';
	struct model_address *items = list ? ARENA_ARRAY(arena, struct model_address, room) : NULL;
	if (!items)
		return (struct model_addresses){0};
	for (size_t length; *list; list += length + (list[length] == ' ')) {
		length = strcspn(list, " ");
		if (read_address((struct text){list, length}, model, at_server, form, &items[count], arena))
			count++;
	}
	for (size_t i = 0; i < count; i++)
		give_way(&items[i], items, count, arena);
	for (size_t i = 0; i < count; i++)
		if (!has_better(&items[i], items, count))
			items[kept++] = items[i];
	return (struct model_addresses){kept, items};
}

const char *addresses_with_ports(const char *list, const char *http_port, const char *grpc_port, struct arena *arena)
{
	const char *whole = "";
	for (size_t length; whole && *list; list += length + (list[length] == ' ')) {
		struct address_parts parts;
		length = strcspn(list, " ");
		const char *port = NULL;
		if (split((struct text){list, length}, &parts) && !port_of(parts.host))
			port = parts.scheme->grpc ? grpc_port : http_port;
		size_t host = port ? (size_t)(parts.host.bytes + parts.host.length - list) : length;
		whole = arena_print(arena, "%s%s%.*s%s%s%.*s", whole, *whole ? " " : "", (int)host, list, port ? ":" : "",
				    port ? port : "", (int)(length - host), list + host);
	}
	return whole;
}
