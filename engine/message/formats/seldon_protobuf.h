/* seldon_protobuf.h: SeldonMessage and Feedback of Seldon v1 in protobuf, as gRPC carries them (package seldon.protos). They are
 * read and written as the same messages in JSON (message/formats/seldon_json.h). For requests and answers see
  * format_seldon_protobuf (message/formats/format.h).
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* A SeldonMessage as JSON, in the arena. INPUT: the bytes are none. */
bool seldon_protobuf_to_json(struct text bytes, struct arena *arena, struct text *json, struct error *error);

/* Likewise a Feedback, for feedback_read_seldon(). */
bool seldon_protobuf_feedback_to_json(struct text bytes, struct arena *arena, struct text *json, struct error *error);
