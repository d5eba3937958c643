/* grpc_metadata.h: Metadata of targets in protobuf: that of the Open Inference Protocol, and that of Seldon Core 1. Pure.
 *
 * Tensors of which `plan` knows no datatype are left out, as by REST.
 */
#pragma once

#include "gateway/calls/deployment_models.h"

/* Appends a ModelMetadataResponse. */
void grpc_metadata_write(const struct gateway_target *target, struct buffer *out);

/* Appends a SeldonModelMetadata. */
void grpc_metadata_write_seldon_model(const struct deployment_model *model, struct buffer *out);

/* Appends a SeldonGraphMetadata. */
void grpc_metadata_write_seldon_graph(const struct gateway_target *target, struct buffer *out);
