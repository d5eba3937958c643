/* seldon_proto.h: Descriptions of the gRPC service of Seldon Core 1, for server reflection, and of the files of protobuf
 * itself that it imports.
 *
 * Of proto/prediction.proto they have the service `seldon.protos.Seldon` and its messages, without the fields that are
 * refused: `tftensor`, whose messages are TensorFlow's, and `customData`.
 */
#ifndef SLUICE_SERVING_SELDON_PROTO_H
#define SLUICE_SERVING_SELDON_PROTO_H

#include "net/grpc_describe.h"

#define SELDON_PACKAGE "seldon.protos"
#define SELDON_SERVICE "Seldon"

extern const struct proto_file seldon_file;
extern const struct proto_file protobuf_struct_file; /* without services, as the next one */
extern const struct proto_file protobuf_empty_file;

#endif
