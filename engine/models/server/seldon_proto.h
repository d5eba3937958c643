/* seldon_proto.h: Descriptions of the gRPC service of Seldon Core 1, for server reflection, and of the files of protobuf and of
 * TensorFlow that it imports.
 *
 * Of proto/prediction.proto they have the service `seldon.protos.Seldon` and its messages, without `customData`, which is refused.
 */
#pragma once

#include "net/grpc/grpc_describe.h"

#define SELDON_PACKAGE "seldon.protos"
#define SELDON_SERVICE "Seldon"

extern const struct proto_file seldon_file;
extern const struct proto_file protobuf_struct_file; /* without services, as the next ones */
extern const struct proto_file protobuf_empty_file;
extern const struct proto_file tensorflow_tensor_file, tensorflow_shape_file, tensorflow_types_file;
