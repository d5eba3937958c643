/* rest_access.c: Checks of REST calls by their heads, before their bodies are read; see rest.h. */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/rest.h"
#include "gateway/access/seldon_path.h"

#define REFUSAL_HEADERS_MAX 2
#define UNUSED_BODY_BYTES ((size_t)1 << 10) /* of a request that has no use for one: some clients send an empty object */

static struct text header_find(const void *context, enum header_name name, size_t place)
{
	return http_incoming_known_at(context, name, place);
}

static bool header_next(const void *context, size_t *place, struct text *name, struct text *value)
{
	return http_incoming_header_next(context, place, name, value);
}

/* A path without a name is a request to the server as a whole. */
static struct access_resource rest_resource(const struct rest_request *request, const struct gateway_route *route)
{
	bool names = strchr(route->path, '{') || strncmp(route->path, "/api/", 5) == 0;
	if (!names)
		return (struct access_resource){ACCESS_SERVER, text_of(request->rest->targets->namespace), (struct text){0}};
	const struct call_source source = rest_source(request);
	const struct call_name name = rest_call_name(request);
	return call_resource(&source, &name);
}

static void rest_refuse_access(const struct rest_request *request, const struct access_answer *answer)
{
	struct http_answer_header headers[REFUSAL_HEADERS_MAX];
	char seconds[24];
	size_t count = 0;
	if (answer->challenge[0])
		headers[count++] = (struct http_answer_header){"WWW-Authenticate", answer->challenge};
	if (answer->retry_after_s > 0) {
		(void)snprintf(seconds, sizeof seconds, "%" PRId64, answer->retry_after_s);
		headers[count++] = (struct http_answer_header){"Retry-After", seconds};
	}
	rest_refuse_with(request, answer->status, headers, count, answer->words);
}

static bool access_admits(const struct rest_request *request, const struct gateway_route *route)
{
	struct rest *rest = request->rest;
	struct http_incoming *incoming = request->incoming;
	char subject[CALL_SUBJECT_BYTES_MAX];
	struct sockaddr_storage peer;
	struct access_answer answer;
	if (!rest->access || route->is_open)
		return true;
	bool submits = route->verb == ACCESS_INFER && rest_prefers_async(incoming);
	enum access_verb verb = submits ? ACCESS_SUBMIT : route->verb;
	if (!http_incoming_peer(incoming, &peer))
		peer = (struct sockaddr_storage){.ss_family = AF_INET}; /* the connection is gone, so nobody receives the answer */
	const struct call_credentials credentials = {.header = header_find,
						     .context = incoming,
						     .peer = &peer,
						     .certificate = http_incoming_certificate(incoming, subject, sizeof subject)};
	call_access_check(rest->access, &credentials, verb, rest_resource(request, route), rest->arena, &answer);
	if (answer.status == 200)
		return true;
	rest_refuse_access(request, &answer);
	return false;
}

/* An engine would answer the same, once it has processed the request. */
static bool target_explains(const struct rest_request *request, const struct gateway_target *target)
{
	if (!target->explanations)
		rest_refuse(
			request, 400,
			"pipeline %s has no step of kind `explain`; add one that reads the step whose answers are to be explained",
			target->name);
	return target->explanations != NULL;
}

static bool rest_head_check(const struct rest_request *request, const struct gateway_route *route)
{
	const struct call_lines lines = {
		.next = header_next, .context = request->incoming, .repeated = http_incoming_repeated(request->incoming)};
	struct call_refusal refusal;
	if (!route->is_open && !call_headers_check(&lines, request->rest->targets, &refusal)) {
		rest_refuse(request, refusal.status, "%s", refusal.words);
		return false;
	}
	if (strcmp(route->method, "POST") == 0) {
		const struct gateway_target *target = rest_target_find(request);
		return target && (route->verb != ACCESS_EXPLAIN || target_explains(request, target));
	}
	http_incoming_limit_body(request->incoming, UNUSED_BODY_BYTES, "send this request without a body");
	return true;
}

/* A caller that names two would not know whose answer it gets. */
static bool path_names_one(const struct rest_request *request)
{
	const struct text prefix = seldon_path_split(request->path).prefix;
	if (request->other.length > 0)
		rest_refuse(request, 404,
			    "the path names pipeline " TEXT_FORMAT " behind " TEXT_FORMAT ", which is of " TEXT_FORMAT
			    "; name the same twice, or leave the prefix out",
			    TEXT_ARGUMENTS(request->other), TEXT_ARGUMENTS(prefix), TEXT_ARGUMENTS(request->name));
	return request->other.length == 0;
}

static bool rest_head_admits(struct rest *rest, struct http_incoming *incoming, struct text method, struct text path)
{
	struct rest_request request = {.rest = rest, .incoming = incoming, .path = path};
	char allowed[REST_ALLOWED_BYTES_MAX];
	http_incoming_mark(incoming, rest->revision, NULL);
	arena_reset(rest->arena);
	buffer_clear(&rest->body);
	const struct gateway_route *route = rest_route_find(method, path, &request, allowed, sizeof allowed);
	if (!route) {
		rest_route_refuse(&request, method, allowed);
		return false;
	}
	return access_admits(&request, route) && path_names_one(&request) && rest_head_check(&request, route);
}

bool rest_admits(void *context, struct http_incoming *incoming, struct text method, struct text path)
{
	struct rest *rest = context;
	if (rest->config->cors_origins.count > 0)
		rest_cors_begin(rest, incoming);
	return rest_head_admits(rest, incoming, method, path);
}

void rest_called_admitted(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	struct rest *rest = context;
	if (http_incoming_marked(incoming) == rest->revision || rest_head_admits(rest, incoming, method, path))
		rest_called(rest, incoming, method, path, body);
}

void rest_server_refused(void *context, int status)
{
	const struct rest *rest = context;
	calls_count_refusal(rest->calls, COUNTED_REST, status);
}
