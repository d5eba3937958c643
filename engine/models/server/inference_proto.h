/* inference_proto.h: Descriptions of the gRPC services of a front end, for server reflection: inference (the Open
 * Inference Protocol) and health.
 */
#pragma once

#include "net/grpc/grpc_describe.h"

#define INFERENCE_PACKAGE "inference"
#define INFERENCE_SERVICE "GRPCInferenceService"
#define HEALTH_PACKAGE "grpc.health.v1"
#define HEALTH_SERVICE "Health"

enum health_serving { HEALTH_UNKNOWN, HEALTH_SERVING, HEALTH_NOT_SERVING, HEALTH_SERVICE_UNKNOWN };

extern const struct proto_file inference_file; /* without the methods of the repository */
extern const struct proto_file health_file;
