/* endpoint.h: Endpoint of a model: the addresses of the servers that run it, and their origin.
 *
 * The first of these that applies: a stub, unless `--server` names the model itself; a storageUri with scheme http(s)
 * or grpc(s); the Server that the model names; for a model that belongs to one resource (model_name.h) the address of its whole
 * name in `--server NAME=URL`; the only Server whose capabilities cover the model's requirements; the address in `--server`. If
 * none applies, that is no fault of the YAML: `plan` notes it, and `run` stops.
 */
#pragma once

#include "compiler/graph/address.h"
#include "compiler/resources/resource.h"

enum endpoint_origin {
	ENDPOINT_NONE,
	ENDPOINT_STUB,	  /* built-in stub, for tests */
	ENDPOINT_URI,	  /* its storageUri is an address */
	ENDPOINT_NAMED,	  /* the Server that it names */
	ENDPOINT_FITTING, /* the only Server that has the required capabilities */
	ENDPOINT_GIVEN	  /* --server */
};

struct endpoint {
	enum endpoint_origin origin;
	const char *addresses; /* separated by one blank; NULL: none */
	const char *server;    /* name of the Server; NULL: none is involved */
	const char *served_name; /* of the model on it; NULL: model_served_name() */
	const char *stub;	 /* the storageUri of a stub, also if its address is another one; NULL: it is none */
	struct call_form form; /* protocol and method, where the address does not decide them */
	const char *artifact;  /* the model's storageUri; NULL: none */
	bool is_given_whole;   /* ENDPOINT_GIVEN: by the whole name of the model */
	const char *advice;    /* ENDPOINT_NONE: the missing setting, and the line to write */
};

/* Facts of a model, from its resource or from a step's options. */
struct model_facts {
	const char *name;
	const char *storage_uri; /* NULL: none */
	const char *server;	 /* NULL: any that fits */
	bool is_node;		 /* of a SeldonDeployment, which has `endpoint` in place of an address in its URI */
	struct name_list requirements;
	struct item_list environment; /* struct environment_variable: of its own server, which may set its ports */
};

/* The first argument of --server that is not NAME=URL, or whose URL has no host or a port that is none; NULL: all are good. */
const char *endpoint_given_badly(const struct name_list *given);

/* Finds the endpoint of a model. `given` are the NAME=URL of --server; several of one name are replicas. The result
 * lives in the arena or the spec. Addresses NULL and origin NONE also mean that memory ran out. */
struct endpoint endpoint_find(const struct model_facts *model, const struct spec *spec, const struct name_list *given,
			      struct arena *arena);

/* Whether that model itself is offered: by a stub, its own address, the Server that it names or whose capabilities it requires, or
 * a --server of its own name. Not by a server that may have any model. */
bool endpoint_is_offered(const struct model_facts *model, const struct spec *spec, const struct name_list *given,
			 struct arena *arena);

/* Whether a Server of the files has endpoints: it may have any model. */
bool endpoint_server_offers(const struct spec *spec);

/* The first requirement that no Server offers, and the capability that comes nearest to it, if one does. NULL: each is offered,
 * though perhaps by different Servers. */
const struct name *endpoint_missing_capability(const struct name_list *requirements, const struct spec *spec, struct text *nearest);

/* The parsed addresses of the endpoint, for a model of that name. None when there is no endpoint, it is a stub, or
 * memory ran out. In the arena. */
struct model_addresses endpoint_addresses(const struct endpoint *endpoint, const char *model, struct arena *arena);

const char *endpoint_origin_text(enum endpoint_origin origin); /* "named by the model" */
