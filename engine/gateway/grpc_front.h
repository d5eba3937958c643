/* grpc_front.h: gRPC front end of a gateway: inference.GRPCInferenceService, grpc.health.v1.Health, and server
 * reflection. Private to the gateway.
 *
 * A request's bytes are the record: the engine decodes them (message/oip_protobuf.h), and its answer's bytes are the
 * response. Metadata is what headers are for REST (call_setup.h); the deadline of grpc-timeout counts too. Access is
 * checked when a message is whole, because its target may be named in it.
 *
 * A request that a step drops, and one of a pipeline without an output, are answered by a response without tensors and
 * by `sluice-outcome`. A failed one has its kind, place, step and attempts as metadata.
 */
#ifndef SLUICE_GATEWAY_GRPC_FRONT_H
#define SLUICE_GATEWAY_GRPC_FRONT_H

#include "gateway/gateway.h"

struct grpc_front;

struct grpc_front_config { /* all borrowed */
	const struct gateway_config *gateway;
	const struct gateway_targets *targets;
	struct calls *calls;
	struct access *const *access; /* at the time of a call; to NULL: everybody may do everything */
	struct body_budget *bodies;
	size_t message_bytes, connections, peer_connections;
};

struct grpc_front *grpc_front_open(struct loop *loop, const struct grpc_front_config *config, struct error *error);
void grpc_front_close(struct grpc_front *front); /* NULL is fine */
int grpc_front_port(const struct grpc_front *front);
bool grpc_front_reload(struct grpc_front *front, struct error *error);

/* As grpc_server_drain(). It reports not ready. Calls that arrive before their callers know are still served. */
bool grpc_front_drain(struct grpc_front *front);

#endif
