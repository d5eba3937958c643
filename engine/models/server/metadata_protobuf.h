/* metadata_protobuf.h: Lists of tensors in metadata, in protobuf (gRPC).
 */
#pragma once

#include "compiler/step/step.h"

/* The message of a tensor has its name, datatype and shape in fields of these numbers and the next two. */
enum metadata_tensors {
	TENSORS_OF_INFERENCE = 1, /* TensorMetadata of the Open Inference Protocol */
	TENSORS_OF_SELDON = 3,	  /* SeldonMessageMetadata of Seldon Core 1 */
};

/* Appends a message of that field number for each tensor. An unknown shape is [-1], as in metadata_json.h. Omits a tensor of
 * unknown datatype, which the protocols cannot express. */
void metadata_tensors_write_protobuf(struct buffer *out, uint32_t number, enum metadata_tensors form,
				     const struct tensor_types *types);
