/* rest.h: REST front end of a gateway: the table of routes and their handlers. Private to the gateway.
 */
#ifndef SLUICE_GATEWAY_REST_H
#define SLUICE_GATEWAY_REST_H

#include "gateway/call_access.h"
#include "gateway/gateway.h"
#include "net/http_server.h"

#define REST_ALLOWED_BYTES_MAX 64 /* of the methods of a path */

struct rest {
	const struct gateway_config *config;
	const struct gateway_targets *targets;
	struct calls *calls;
	struct loop *loop;
	struct access *access; /* NULL: everybody may do everything */
	bool draining;
	struct arena *arena; /* of the current request */
	struct buffer body;  /* of the current answer */
};

struct rest_request {
	struct rest *rest;
	struct http_incoming *incoming;
	struct text path, body;
	struct text namespace; /* of a path that begins with /seldon/NAMESPACE/NAME; empty: none */
	struct text name;      /* of the target, in the path; empty: none */
	bool pipeline_only;    /* the path names a pipeline */
};

/* A route. The same rows print what the gateway offers (GET /v2/routes). In `path`, {pipeline}, {model} and
 * {version} match one segment. */
struct gateway_route {
	const char *method;
	const char *path;
	void (*serve)(const struct rest_request *request);
	const char *summary;
	enum access_verb verb; /* that the caller must be allowed */
	bool is_open;	       /* to everybody, with or without credentials: probes have none */
};

extern const struct gateway_route rest_routes[]; /* ends with method NULL */

/* Callback for struct http_server_config; the context is a struct rest. */
void rest_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body);

/* Callback for struct http_server_config, before the body is read: whether the caller may do that. False: it has been
 * refused. */
bool rest_admits(void *context, struct http_incoming *incoming, struct text method, struct text path);

/* The request and what its path names, for call_setup.h. */
struct call_source rest_source(const struct rest_request *request);
struct call_name rest_call_name(const struct rest_request *request);

/* Finds the route of that path and method, and sets in `request` what the path names. NULL: none; `allowed` is
 * then the methods of that path, joined by commas (empty: there is no such path). */
const struct gateway_route *rest_route_find(struct text method, struct text path, struct rest_request *request, char *allowed,
					 size_t size);

/* Answer with an error of the gateway itself. */
void rest_refuse_with(const struct rest_request *request, int status, const struct http_answer_header *headers, size_t count,
		      const char *words);
void rest_refuse(const struct rest_request *request, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
