/* door_grpc.h: the models of a catalog, for callers of inference.GRPCInferenceService:
 * what door_rest.h offers, in protobuf over gRPC. Metadata leaves out the shapes that are
 * not fixed.
 *
 * Belongs to its loop's thread, as the catalog does.
 */
#ifndef SLUICE_SERVING_DOOR_GRPC_H
#define SLUICE_SERVING_DOOR_GRPC_H

#include "serving/door.h"

struct grpc_door;

struct grpc_door *grpc_door_open(struct loop *loop, const struct door_config *config, struct error *error);
void grpc_door_close(struct grpc_door *door); /* with the calls that still wait; NULL is fine */
bool grpc_door_drain(struct grpc_door *door); /* as grpc_server_drain() */
bool grpc_door_reload(struct grpc_door *door, const struct tls_files *files, struct error *error);
int grpc_door_port(const struct grpc_door *door);

#endif
