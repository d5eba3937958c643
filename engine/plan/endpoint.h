/* endpoint.h: where a model is.
 *
 * In this order: a stub, unless `--server` names the model itself; a storageUri of scheme
 * http(s) or grpc(s); the Server that the model names; the only Server whose capabilities
 * cover its requirements; what `--server NAME=URL` says. None is no fault of the YAML: `plan` notes it, `run` stops.
 */
#ifndef SLUICE_PLAN_ENDPOINT_H
#define SLUICE_PLAN_ENDPOINT_H

#include "plan/address.h"
#include "spec/resource.h"

enum endpoint_origin {
	ENDPOINT_NONE,
	ENDPOINT_STUB,	  /* built in, for tests */
	ENDPOINT_URI,	  /* its storageUri is one */
	ENDPOINT_NAMED,	  /* the Server it names */
	ENDPOINT_FITTING, /* the only Server that has what it requires */
	ENDPOINT_GIVEN	  /* --server */
};

struct endpoint {
	enum endpoint_origin origin;
	const char *addresses; /* with one blank between them; NULL: none */
	const char *server;    /* NULL: none plays a part */
	struct call_form form; /* how it is called, where its address does not say */
	const char *advice;    /* ENDPOINT_NONE: what is missing, and the line to write */
};

/* What is known of a model; from its resource, or written into a step. */
struct model_facts {
	const char *name;
	const char *storage_uri; /* NULL: none */
	const char *server;	 /* NULL: any that fits */
	struct name_list requirements;
	struct item_list environment; /* struct environment_variable: of its own server, which may say its ports */
};

/* The first of the words of --server that is no NAME=URL; NULL: all are. */
const char *endpoint_given_badly(const struct name_list *given);

/* `given` are the NAME=URL of --server; several of one name are replicas. What is returned lives in the arena or the
 * spec; addresses NULL and origin NONE when memory ran out, too. */
struct endpoint endpoint_find(const struct model_facts *model, const struct spec *spec, const struct name_list *given,
			      struct arena *arena);

/* Where it can be called, and how, for a model of that name; none when there is no
 * endpoint, it is a stub, or memory ran out. In the arena. */
struct model_addresses endpoint_addresses(const struct endpoint *endpoint, const char *model, struct arena *arena);

const char *endpoint_origin_text(enum endpoint_origin origin); /* "named by the model" */

#endif
