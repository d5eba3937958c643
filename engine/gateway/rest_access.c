/* rest_access.c: Access check of REST calls, before their bodies are read; see rest.h. */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/rest.h"

#define REFUSAL_HEADERS_MAX 2

static struct text header_find(const void *context, const char *name, size_t place)
{
	return http_incoming_header_at(context, name, place);
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

static bool access_admits(struct rest *rest, struct http_incoming *incoming, struct text method, struct text path)
{
	struct rest_request request = {.rest = rest, .incoming = incoming, .path = path};
	char allowed[REST_ALLOWED_BYTES_MAX], subject[CALL_SUBJECT_BYTES_MAX];
	struct sockaddr_storage peer;
	struct access_answer answer;
	http_incoming_mark(incoming, rest->revision);
	if (!rest->access)
		return true;
	arena_reset(rest->arena);
	buffer_clear(&rest->body);
	const struct gateway_route *route = rest_route_find(method, path, &request, allowed, sizeof allowed);
	if (!route || route->is_open) /* an unknown path is answered by the table of routes */
		return true;
	bool submits = route->verb == ACCESS_INFER && rest_prefers_async(incoming);
	enum access_verb verb = submits ? ACCESS_SUBMIT : route->verb;
	if (!http_incoming_peer(incoming, &peer))
		peer = (struct sockaddr_storage){.ss_family = AF_INET}; /* the connection is gone, so nobody receives the answer */
	const struct call_credentials credentials = {.header = header_find,
						     .context = incoming,
						     .peer = &peer,
						     .certificate = http_incoming_certificate(incoming, subject, sizeof subject)};
	call_access_check(rest->access, &credentials, verb, rest_resource(&request, route), rest->arena, &answer);
	if (answer.status == 200)
		return true;
	rest_refuse_access(&request, &answer);
	return false;
}

bool rest_admits(void *context, struct http_incoming *incoming, struct text method, struct text path)
{
	struct rest *rest = context;
	if (rest->config->cors_origins.count > 0)
		rest_cors_begin(rest, incoming);
	return access_admits(rest, incoming, method, path);
}

void rest_called_admitted(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	struct rest *rest = context;
	if (http_incoming_marked(incoming) == rest->revision || access_admits(rest, incoming, method, path))
		rest_called(rest, incoming, method, path, body);
}
