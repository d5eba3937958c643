/* model_grpc.h: gRPC front end of the model server: inference.GRPCInferenceService, the same functions as
 * model_rest.h in protobuf. Metadata omits shapes that are not fixed.
 *
 * Belongs to its loop's thread, as the catalog does.
 */
#pragma once

#include "models/server/model_service.h"

struct model_grpc;

struct model_grpc *model_grpc_open(struct loop *loop, const struct model_service_config *config, struct error *error);
void model_grpc_close(struct model_grpc *service); /* with the calls that still wait; NULL is fine */
bool model_grpc_drain(struct model_grpc *service); /* as grpc_server_drain() */
bool model_grpc_reload(struct model_grpc *service, const struct tls_files *files, struct error *error);
int model_grpc_port(const struct model_grpc *service);
