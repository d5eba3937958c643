/* address.h: what one address of a model says: the protocol, the host, the model's name there.
 *
 *   grpc://host:8081/model                     Open Inference Protocol over gRPC; grpcs:// with TLS
 *   http://host:8080/model                     the same over REST; https:// with TLS
 *   http://host/v2/models/M[/versions/V]/infer the same, written whole
 *   http://host/v1/models/M:predict            V1 of TensorFlow Serving and KServe
 *   http://host/api/v1.0/predictions           Seldon v1
 *   http://host/invocations                    MLflow
 *   http://host                                as the step says: a component of Seldon v1 has
 *                                              /predict, /transform-input, ...
 *
 * A path before those is kept. At a Server `/v1` and `/v2` alone say the protocol, and
 * the model's own name is what it is called there.
 */
#ifndef SLUICE_PLAN_ADDRESS_H
#define SLUICE_PLAN_ADDRESS_H

#include "base/arena.h"
#include "base/text.h"
#include "step/call_form.h"

enum model_protocol { PROTOCOL_OIP_REST, PROTOCOL_OIP_GRPC, PROTOCOL_V1, PROTOCOL_SELDON, PROTOCOL_MLFLOW };

struct model_address {
	enum model_protocol protocol;
	bool tls;
	const char *host;	 /* host:port, as gRPC wants it */
	const char *base;	 /* REST: scheme, host and what stands before the protocol's own path */
	const char *model;	 /* as the server calls it */
	const char *url;	 /* REST: to which a call is posted; NULL: gRPC */
	enum call_method method; /* Seldon v1 alone */
	const struct model_address *rest; /* gRPC: the same server's address over REST; NULL: none is known */
};

struct model_addresses {
	size_t count; /* 0: none can be read, or memory ran out */
	const struct model_address *items;
};

/* Those of a list with blanks between them, for a model of that name; `at_server`: they
 * are a Server's, so no name of a model stands in their paths. gRPC goes before REST: where one
 * host offers both they are one server, the first of one with the first of the other, which is called
 * by REST where it does not answer by gRPC. In the arena. */
struct model_addresses addresses_read(const char *list, const char *model, bool at_server, struct arena *arena);

/* The same, with what the step says of calls where an address does not. */
struct model_addresses addresses_read_as(const char *list, const char *model, bool at_server, const struct call_form *form,
					 struct arena *arena);

/* What a server calls the model of that name: models of different parts of a deployment
 * may have one name, and are then told apart by the part before a slash. */
const char *model_served_name(const char *name);

/* The same list, with a port for each address that has none; NULL: leaves it out. */
const char *addresses_with_ports(const char *list, const char *http_port, const char *grpc_port, struct arena *arena);

#endif
