/* grpc_front_parts.h: Shared parts of the gRPC front end. Private to its files:
 *
 *   grpc_front.c       its methods, opened and closed
 *   grpc_front_head.c  whom a call names, and checks of its head and of its caller
 */
#pragma once

#include "gateway/access/call_access.h"
#include "gateway/calls/call_setup.h"
#include "gateway/grpc_front.h"
#include "gateway/health_watches.h"
#include "gateway/calls/streamed_calls.h"
#include "net/grpc/grpc_server.h"
#include "models/server/inference_proto.h"

#define CONTENT_TYPE_BYTES 64
#define INFERENCE "/" INFERENCE_PACKAGE "." INFERENCE_SERVICE "/"
#define HEALTH "/" HEALTH_PACKAGE "." HEALTH_SERVICE "/"
#define HEALTH_WATCH HEALTH "Watch"

/* Fields of requests of the Open Inference Protocol that name a target. The first is that of a SeldonModelMetadataRequest, too. */
enum { MODEL_NAME = 1, MODEL_VERSION = 2 };

struct grpc_front {
	struct grpc_front_config config;
	struct loop *loop;
	struct grpc_server *server;
	struct arena *arena; /* of the current request */
	struct buffer reply; /* answer to the current request */
	struct streamed_calls streamed;
	struct health_watches health;
	char inference_type[CONTENT_TYPE_BYTES], seldon_type[CONTENT_TYPE_BYTES]; /* content types of records */
	struct call_refusal refusal;						  /* of a call by its head */
	bool leaving;
};

struct grpc_asked { /* the current call */
	struct grpc_front *front;
	struct grpc_request *request;
	struct text path, body;
	bool is_seldon;			/* a method of Seldon Core 1 */
	struct streamed_call *streamed; /* it is a message of a stream; NULL: a call of its own */
};

struct grpc_route {
	const char *path;
	void (*serve)(const struct grpc_asked *asked);
	enum access_verb verb; /* that policies must allow the caller */
	bool is_open;	       /* to everybody, with or without credentials: probes have none */
	bool names_target;     /* the request names a target; else it is for the server as a whole */
	bool is_seldon;
};

void grpc_asked_begin(struct grpc_front *front); /* empties the memory of the call before */
struct call_source grpc_source_of(const struct grpc_asked *asked);
struct call_name grpc_name_of(const struct grpc_asked *asked);
struct text grpc_metadata_of(const void *request, enum header_name name);
struct text grpc_metadata_at(const void *request, enum header_name name, size_t place);
struct access_resource grpc_server_resource(const struct grpc_front *front);
const char *grpc_absence_words(struct text path); /* why there is no such method */

/* Adds what the answer says to the metadata of a refusal. */
void grpc_access_explain(struct grpc_request *request, const struct access_answer *answer);

/* Checks access. False: `answer` has the status and the reason. */
bool grpc_caller_may(struct grpc_front *front, struct grpc_request *request, enum access_verb verb, struct access_resource resource,
		     struct access_answer *answer);

/* Checks the head of a call of that method; NULL: there is no such method. Sets the status, and the words that say why, if it is
 * refused. */
void grpc_head_check(const struct grpc_asked *asked, const struct grpc_route *route, int *status, const char **words);
