/* grpc_front.h: gRPC front end of a gateway: inference.GRPCInferenceService, grpc.health.v1.Health, and server
 * reflection. Private to the gateway.
 *
 * The bytes of a request are the value of its record. The engine decodes them (message/formats/oip_protobuf.h), and the bytes
 * of its answer are the response. Metadata has the role of headers in REST (call_setup.h); the deadline of
 * grpc-timeout applies too. Access is checked when the message is complete, because it may contain the name of the
 * target.
 *
 * A request that a step drops gets a response without tensors and with `sluice-outcome`. So does a request of a
 * pipeline without an output. A failed request gets the kind, place, step and attempts of its error as metadata.
 */
#pragma once

#include "gateway/gateway.h"

struct grpc_front;

struct grpc_front_config { /* all borrowed */
	const struct gateway_config *gateway;
	const struct gateway_targets *targets;
	struct calls *calls;
	struct keyed_calls *keyed;
	struct access *const *access; /* read at the time of a call; pointer to NULL: everybody may do everything */
	struct body_budget *bodies;
	struct http_server *http; /* serves what is no gRPC at this port; NULL: none, it is refused */
	size_t message_bytes, connections, peer_connections;
};

struct grpc_front *grpc_front_open(struct loop *loop, const struct grpc_front_config *config, struct error *error);
void grpc_front_close(struct grpc_front *front); /* NULL is fine */
int grpc_front_port(const struct grpc_front *front);
struct connection_counts grpc_front_counts(const struct grpc_front *front);
bool grpc_front_reload(struct grpc_front *front, struct error *error);

void grpc_front_limit_messages(struct grpc_front *front, size_t message_bytes);

/* As grpc_server_leave(). The front end reports not ready. */
void grpc_front_leave(struct grpc_front *front);

/* As grpc_server_drain(), after grpc_front_leave(). Calls are still served that arrive before their callers have received the
 * notice. */
bool grpc_front_drain(struct grpc_front *front);
