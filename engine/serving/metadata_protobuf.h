/* metadata_protobuf.h: Lists of tensors in the metadata of the Open Inference Protocol, in protobuf (gRPC).
 */
#ifndef SLUICE_SERVING_METADATA_PROTOBUF_H
#define SLUICE_SERVING_METADATA_PROTOBUF_H

#include "step/step.h"

/* Appends a TensorMetadata of that field number for each tensor. Omits an unknown shape, and a tensor of unknown
 * datatype, which the protocol cannot express. */
void metadata_tensors_write_protobuf(struct buffer *out, uint32_t number, const struct tensor_types *types);

#endif
