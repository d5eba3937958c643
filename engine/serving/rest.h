/* rest.h: a step's calls, made real as OIP REST requests over HTTP.
 *
 * Each call's tensors go out as Open Inference Protocol JSON and its answer comes back
 * as tensors in the message's arena, or as the error that the server gave, in its own
 * words; when to ask again is decided by serving/attempts.h. At most a limit of calls
 * are under way; the others wait here, in order.
 *
 * A client belongs to its loop's thread.
 */
#ifndef SLUICE_SERVING_REST_H
#define SLUICE_SERVING_REST_H

#include "net/http.h"
#include "step/step.h"

struct rest;

/* Where models are, by the name that calls use. */
struct model_endpoint {
	const char *model;
	const char *url; /* of the server: http://host:port */
};

struct models {
	size_t count;
	const struct model_endpoint *items;
};

struct rest_limits {
	size_t calls; /* under way at once, and connections */
	size_t request_bytes;
	size_t reply_bytes;
};

/* `answered` is entered in a later turn of the loop, once for each call, with reply or
 * error filled in. The endpoints are copied. */
struct rest *rest_open(struct loop *loop, struct models models, const struct rest_limits *limits,
		       void (*answered)(void *context, struct call *call), void *context, struct error *error);
void rest_close(struct rest *rest); /* forgets what is under way; NULL is fine */

/* Borrows the call and its message until it is answered or forgotten. False: it could
 * not be begun, and `answered` does not come. */
bool rest_call(struct rest *rest, struct call *call, struct error *error);

void rest_forget(struct rest *rest, struct call *call);

#endif
