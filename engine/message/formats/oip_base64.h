/* oip_base64.h: Decoder of BYTES tensors that come as base64 with the parameter `content_type: base64`.
 *
 * JSON has no other form for bytes that are not UTF-8, so the writer of oip_json.h encodes such tensors. A caller
 * of MLServer may encode and mark a tensor himself, text too. That is a matter between the caller and the model's
 * runtime, and passes through the engine. Both look alike on the wire:
 *
 * - An input at a model server is decoded if its bytes are not UTF-8: the writer makes no other.
 * - An output of a model is decoded if its bytes are not UTF-8, or if the engine encoded an input of the call.
 *   It passes if the caller marked an input, which is the one of its name if the engine encoded another.
 *
 * An answer in JSON has the same text either way. A decoded tensor lacks the parameter.
 */
#pragma once

#include "message/message.h"

/* Decodes the inputs of a model server. What is not base64 stays as it is, as MLServer has it. LIMIT: the arena is full. */
bool oip_base64_decode_inputs(struct payload *inputs, struct arena *arena, struct error *error);

/* Decodes the outputs that a model answered to `request` by OIP REST. REMOTE: an output that does not pass is not base64. */
bool oip_base64_decode_outputs(const struct payload *request, struct payload *outputs, struct arena *arena, struct error *error);
