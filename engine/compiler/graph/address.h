/* address.h: Parser of a model's address: protocol, host, and the model's name on that host.
 *
 *   grpc://host:8081/model                     Open Inference Protocol over gRPC; grpcs:// with TLS
 *   http://host:8080/model                     the same over REST; https:// with TLS
 *   http://host/v2/models/M[/versions/V]/infer the same, as a full path
 *   http://host/v1/models/M:predict            V1 of TensorFlow Serving and KServe
 *   http://host/api/v1.0/predictions           Seldon v1
 *   http://host/invocations                    MLflow
 *   http://host                                as the step's options: a component of Seldon v1 has
 *                                              /predict, /transform-input, ...
 *
 * A path before those is kept. In the address of a Server, `/v1` and `/v2` alone select the protocol, and the model
 * is requested under its own name.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"
#include "compiler/step/call_form.h"

enum model_protocol { PROTOCOL_OIP_REST, PROTOCOL_OIP_GRPC, PROTOCOL_V1, PROTOCOL_SELDON, PROTOCOL_MLFLOW };

struct model_address {
	enum model_protocol protocol;
	bool tls;
	const char *host;	 /* host:port, as gRPC needs it */
	const char *base;	 /* REST: scheme, host and the path before the protocol's own */
	const char *model;	 /* name of the model on the server */
	const char *url;	 /* REST: URL of the POST request; NULL: gRPC */
	enum call_method method; /* Seldon v1 only */
	const struct model_address *rest; /* gRPC: REST address of the same server; NULL: not known */
};

struct model_addresses {
	size_t count; /* 0: no address is valid, or memory ran out */
	const struct model_address *items;
};

/* Parses a blank-separated list of addresses for a model of that name. `at_server`: the addresses belong to a Server,
 * so their paths contain no model name. gRPC addresses come before REST addresses. Where one host has both, they are
 * one server: the first gRPC address with the first REST address, and so on. REST is used where the server does not
 * answer over gRPC. In the arena. */
struct model_addresses addresses_read(const char *list, const char *model, bool at_server, struct arena *arena);

/* The same, with the step's call form for addresses that do not decide it. */
struct model_addresses addresses_read_as(const char *list, const char *model, bool at_server, const struct call_form *form,
					 struct arena *arena);

/* The same list, with a port added to each address that has none. A port of NULL is not added. */
const char *addresses_with_ports(const char *list, const char *http_port, const char *grpc_port, struct arena *arena);
