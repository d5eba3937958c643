/* seldon_json.h: SeldonMessage of Seldon v1, for clients of model servers. For servers see format_seldon
 * (message/formats/format.h).
 */
#pragma once

#include "message/message.h"

/* Writes the request in the form in which it came, if it has one; else numbers as ndarray and a single text as
 * strData. */
bool seldon_encode_request(const struct payload *payload, struct text id, enum seldon_form form, struct buffer *out,
			   struct arena *arena, struct error *error);

/* Writes the request to a combiner: each tensor as a message of its own. */
bool seldon_encode_aggregate(const struct payload *payload, struct text id, enum seldon_form form, struct buffer *out,
			     struct arena *arena, struct error *error);

/* Reads a reply, which borrows from the body. REMOTE: it is not a SeldonMessage with data. */
bool seldon_decode_reply(struct arena *arena, struct text body, struct payload *payload, struct error *error);
