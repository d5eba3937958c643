/* rest.h: REST front end of a gateway: the table of routes and their handlers. Private to the gateway.
 */
#pragma once

#include "gateway/access/call_access.h"
#include "gateway/gateway.h"
#include "gateway/calls/polls.h"
#include "net/http/http_server.h"

#define REST_ALLOWED_BYTES_MAX 64 /* of the methods of a path */

struct rest;

struct rest_request {
	struct rest *rest;
	struct http_incoming *incoming;
	struct text path, body;
	struct text namespace; /* of a path that begins with /seldon/NAMESPACE/NAME; empty: none */
	struct text name;      /* of the target, in the path; empty: none */
	struct text other;     /* pipeline that the path names behind the prefix of another one; empty: none */
	struct text version;   /* of the target, in the path; empty: none */
	struct text submission; /* id of a submitted request, in the path or the query; empty: none */
	struct text node;	/* of a deployment, in the path; empty: none */
	bool pipeline_only;    /* the path names a pipeline */
	bool is_head;	       /* its answer has no body */
};

/* The last path whose route was found. A request's is looked for by its head and again with its body, and most callers ask one
 * path all the time. Starts as {0}. */
struct rest_route_memo {
	const struct gateway_route *route; /* NULL: none */
	size_t method_length, path_length;
	char key[256];		   /* the method, and the path behind it; longer ones are not kept */
	struct rest_request found; /* the names alone; their bytes are those of `key` */
};

struct rest {
	const struct gateway_config *config;
	const struct gateway_targets *targets;
	struct calls *calls;
	struct polls *polls;
	struct answer_watches *watches;
	struct keyed_calls *keyed;
	struct loop *loop;
	struct access *access; /* NULL: everybody may do everything */
	uint64_t revision; /* of the targets and the access settings: a request is checked again if it has changed since its head */
	bool leaving, draining; /* not ready; and no call begins */
	struct arena *arena;	/* of the current request */
	struct buffer body;	/* of the current answer */
	struct rest_route_memo memo;
};

/* A route. The same rows are listed by GET /v2/routes. In `path`, {pipeline}, {model}, {node}, {version} and {request} match one
 * segment. */
struct gateway_route {
	const char *method;
	const char *path;
	void (*serve)(const struct rest_request *request);
	const char *summary;
	enum access_verb verb; /* that policies must allow the caller */
	bool is_open;	       /* to everybody, with or without credentials: probes have none */
};

extern const struct gateway_route rest_routes[]; /* ends with method NULL */

/* Writes the OpenAPI document of these routes. */
void rest_openapi_write(const struct rest *rest, struct buffer *out);

/* Serves a request; the context is a struct rest. */
void rest_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body);

/* Callback for struct http_server_config, before the body is read: what has no route, is not allowed, contradicts itself, or asks a
 * target that does not exist is refused, and a body that has no use is not kept. False: the answer is sent. */
bool rest_admits(void *context, struct http_incoming *incoming, struct text method, struct text path);

/* rest_called() for struct http_server_config: checks a request again whose revision is not that of its head, since its name may
 * now be another resource's. */
void rest_called_admitted(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body);

/* Callback for struct http_server_config: counts what the server refused. */
void rest_server_refused(void *context, int status);

/* The request, and the names in its path, for call_setup.h. */
struct call_source rest_source(const struct rest_request *request);
struct call_name rest_call_name(const struct rest_request *request);

/* The caller of a request that rest_admits() let in. False: it has not said who it is. */
bool rest_caller_find(const struct rest_request *request, struct access_identity *identity);

/* The hash by which the caller's polls are counted: of its identity, else of its address. 0: it has no share, since without access
 * control callers on loopback are not told apart. */
uint64_t rest_caller_share(const struct rest_request *request);

/* Finds the route of that path and method, and sets in `request` the names that the path contains. NULL: none;
 * `allowed` is then the methods of that path, joined by commas (empty: there is no such path). */
const struct gateway_route *rest_route_find(struct text method, struct text path, struct rest_request *request, char *allowed,
					 size_t size);

/* Answers a request that has no route: 404, or if its path has the methods `allowed`, OPTIONS, a preflight of one of them, or else
 * 405; and `OPTIONS *`. */
void rest_route_refuse(const struct rest_request *request, struct text method, const char *allowed);

/* The parameter of the query that names the submitted request of a route whose path does not; NULL: there is none. */
const char *rest_route_query(const struct gateway_route *route);

/* Takes the id from there. False: it is missing, and the request is refused with 400. */
bool rest_query_read(const struct gateway_route *route, struct rest_request *request);

/* Checks the content type of a body: one of a format, another JSON, form data as curl calls what it is given, or bytes. False:
 * refused with 415. */
bool rest_type_check(const struct rest_request *request);

/* Removes the body's content coding: gzip, deflate, or none. The body lives until the answer. False: refused with 400 (also if it
 * is empty), 413 (more than `bytes_max` when it is decompressed), 415 or 503; or the body is long, and the request is served again
 * when it is decompressed. So nothing is done for a request before this. */
bool rest_body_read(const struct rest_request *request, size_t bytes_max, struct text *body);

/* Adds the CORS headers to the answer that the request will get. Only if an origin is configured. */
void rest_cors_begin(const struct rest *rest, struct http_incoming *incoming);

/* Whether a request with a body does not come from a page of an origin that is not listed, without a preflight. False: refused with
 * 403. */
bool rest_page_check(const struct rest_request *request);

/* Answers a preflight of a path with these methods. False: it is none, and is not answered. */
bool rest_cors_preflight(const struct rest_request *request, struct text method, const char *allowed);

/* ---- CloudEvents (binary mode): rest_event.c ---- */

/* Checks the headers of a request that is an event. False: it was refused with 400 or 415. */
bool rest_event_check(const struct rest_request *request);

/* Where the request has no id, and is an event, it gets that of the event. False: refused. */
bool rest_event_id_read(const struct http_incoming *incoming, struct text *id, struct call_refusal *refusal);

/* The headers by which the answer to an event is one: from the pipeline, with that id. Returns their number: 0, if the
 * request is no event or has no answer. */
#define REST_EVENT_HEADERS 4
size_t rest_event_answer(const struct http_incoming *incoming, const struct call_outcome *outcome, const char *id,
			 struct http_answer_header headers[REST_EVENT_HEADERS]);

/* ---- calls ---- */

/* The target of a request; NULL: it is refused. */
const struct gateway_target *rest_target_find(const struct rest_request *request);

/* Answers with the outcome of a call; the context is the request's http_incoming. */
void rest_call_ended(void *context, const struct call_outcome *outcome);

/* Whether the caller wants to submit: `Prefer: respond-async` (RFC 7240). */
bool rest_prefers_async(const struct http_incoming *incoming);

/* Answers a submitted request, when Kafka has it: its id, and where to poll. For `ended` of a call. */
void rest_submitted(void *context, const struct call_outcome *outcome);

/* Answers a poll: 200 or the error of the answer, 202 while there is none, 410 when Kafka has deleted the request. */
void rest_poll(const struct rest_request *request);

/* The same of its explanations: 202 while there are none. The id may also be that of any request of the last hour. */
void rest_poll_explanations(const struct rest_request *request);

/* The caller, as call_access_caller(). */
struct text rest_caller(const struct rest_request *request);

/* Finds what a poll or a watch of a submitted request reads, and its time. False: it is refused. */
bool rest_poll_prepare(const struct rest_request *request, struct poll_request *poll);

/* Starts a poll of the request's caller. False: it is refused with 429 or 503. */
bool rest_poll_begin(const struct rest_request *request, struct poll_request *poll);

/* Cancels a submitted request: 202 when Kafka has the cancellation, 200 if the request has ended by one, 409 if it has its answer,
 * else as a poll: 404, 410 or 503. */
void rest_cancel(const struct rest_request *request);

/* Watches a submitted request: what a poll answers if there is none, else server-sent events until its answer is there. */
void rest_watch(const struct rest_request *request);

/* Metadata of a deployment, and of one of its models, in the form of the first Seldon Core: what `plan` infers of their tensors. A
 * model that several steps call has the tensors of the first. */
void rest_graph_metadata(const struct rest_request *request);
void rest_node_metadata(const struct rest_request *request);

/* Answers with the body that was written, as JSON. */
void rest_answer(const struct rest_request *request, int status);

bool rest_has_seldon_errors(const struct rest *rest); /* whether errors have the forms of Seldon */

/* Answers with an error of the gateway itself. */
void rest_refuse_with(const struct rest_request *request, int status, const struct http_answer_header *headers, size_t count,
		      const char *words);
void rest_refuse(const struct rest_request *request, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* By a limit of the gateway's own, with Retry-After. */
void rest_refuse_by_limit(const struct rest_request *request, int status, const char *words);
