/* metadata_json.h: Lists of tensors in the metadata of the Open Inference Protocol, as JSON.
 */
#pragma once

#include "compiler/step/step.h"

/* Appends `,"KEY":[{"name", "datatype", "shape"}, ...]`. An unknown shape is [-1], whatever its rank may be:
 * the protocol requires a shape. A tensor of unknown datatype is omitted, because the protocol cannot express that. */
void metadata_tensors_write(struct buffer *out, const char *key, const struct tensor_types *types);
