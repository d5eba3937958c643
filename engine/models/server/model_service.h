/* model_service.h: Service of the model server that its REST and gRPC front ends share: the catalog's models,
 * loading, inference. Statuses are those of HTTP. Private to the front ends.
 */
#pragma once

#include "message/message.h"
#include "models/server/catalog.h"
#include "net/host_names.h"
#include "net/loop.h"
#include "net/tls.h"

/* Delayed replies of the model server: answers that are sent after a delay, or never, by the
 * rules of a stub.
 *
 * The request of a caller that has disconnected is released within a second.
 */

/* What a front end sends. */
struct model_service_answer {
	int status;	   /* in the numbers of the front end's protocol */
	struct text words; /* reason, where a status carries text beside the body */
	struct text body;
	size_t header_length; /* JSON part of the body; 0: all */
	bool cut;	      /* the body is sent incomplete */
};

struct delayed_replies;

struct delayed_replies_config {
	void (*send)(void *request, const struct model_service_answer *answer);
	bool (*is_over)(const void *request); /* the client does not wait any more */
};

#define MODEL_SERVICE_NAME "sluice"
#define MODEL_SERVICE_EXTENSIONS                                                                                                   \
	{                                                                                                                          \
		"binary_tensor_data", "model_repository"                                                                           \
	}
#define MODEL_SERVICE_REQUEST_BYTES_MAX ((size_t)256 << 20)
#define MODEL_SERVICE_ARENA_BYTES ((size_t)2 << 30) /* of a request's tensors and its answer's; not reserved */
#define MODEL_SERVICE_REPLY_BYTES_MAX ((size_t)1 << 30)
#define MODEL_SERVICE_CONNECTIONS 4096
#define MODEL_SERVICE_PEER_CONNECTIONS 1024	       /* of one address, per front end: three others are needed to fill it */
#define MODEL_SERVICE_BODIES_BYTES ((size_t)512 << 20) /* of all requests being received, at all front ends: two of the largest */
#define MODEL_SERVICE_PEER_BODIES_BYTES (MODEL_SERVICE_BODIES_BYTES / 2) /* of one peer: one of the largest */

enum {
	HTTP_OK = 200,
	HTTP_BAD_REQUEST = 400,
	HTTP_FORBIDDEN = 403,
	HTTP_NOT_FOUND = 404,
	HTTP_METHOD_NOT_ALLOWED = 405,
	HTTP_CONTENT_TOO_LARGE = 413,
	HTTP_UNSUPPORTED_MEDIA_TYPE = 415,
	HTTP_INTERNAL_ERROR = 500,
	HTTP_UNAVAILABLE = 503
};

struct model_service_config {
	const char *host;	       /* NULL: loopback */
	int port;		       /* 0: a free one */
	const struct tls_files *files; /* NULL: without TLS */
	const struct host_names *hosts; /* as of the HTTP server */
	struct catalog *catalog;
	struct body_budget *bodies; /* shared by the front ends; NULL: no limit. Outlives them */
	/* Puts the model of that name into the catalog, as its files describe it now. False: there is none, or
	 * its files cannot be read (CONFIG). NULL: models are loaded as they are. */
	bool (*load)(void *context, const char *name, struct error *error);
	void *context;
};

/* State of one front end. The arena and the reply belong to one request at a time. */
struct model_service {
	struct model_service_config config;
	struct delayed_replies *later;
	struct arena *arena;
	struct buffer reply;
};

bool model_service_open(struct model_service *models, struct loop *loop, const struct model_service_config *config,
			const struct delayed_replies_config *later, struct error *error);
void model_service_close(struct model_service *models); /* also if it was opened only in part, or only zeroed */
void model_service_tidy(struct model_service *models);	/* clears the last request's data */

/* Reason of a refusal. */
struct model_service_refusal {
	int status;
	const char *words;
};

/* Finds a model that is ready; NULL: refused. */
struct catalog_model *model_service_find(struct model_service *models, struct text name, struct text version,
					 struct model_service_refusal *refusal);

typedef bool model_service_act(struct model_service *models, struct text name, struct model_service_refusal *refusal);
model_service_act model_service_load, model_service_unload;

/* Answers the message, whose bytes are `bytes`. The result is the stub's reply, whose payload contains the
 * model's name, or a refusal. */
void model_service_infer(struct model_service *models, struct text name, struct text version, const struct message *message,
			 struct text bytes, struct stub_reply *reply);

/* Counts a call that a front end refused before the model was asked, such as one whose body it could not decode, by the HTTP
 * status of the refusal. It has no duration. No such model: nothing is counted. */
void model_service_count_refused(struct model_service *models, struct text name, struct text version, int status);

/* Sends the answer when the stub's reply is due. */
void model_service_send(struct model_service *models, void *request, const struct stub_reply *reply,
			const struct model_service_answer *answer);

/* The signature of the model. A list is empty if the datatype of one of its tensors is not fixed, because
 * metadata cannot express that. */
struct model_signature model_service_signature(const struct catalog_model *model);

const char *model_state(const struct catalog_model *model);  /* READY, UNAVAILABLE */
const char *model_reason(const struct catalog_model *model); /* "": it is ready */
