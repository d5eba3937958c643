/* seldon_json.h: the SeldonMessage of Seldon v1, as a caller of model servers sees it. The
 * door is format_seldon (message/format.h).
 */
#ifndef SLUICE_MESSAGE_SELDON_JSON_H
#define SLUICE_MESSAGE_SELDON_JSON_H

#include "message/message.h"

/* In the form in which the request came, where it came in one; else numbers as ndarray
 * and a single text as strData. */
bool seldon_encode_request(const struct payload *payload, struct text id, enum seldon_form form, struct buffer *out,
			   struct arena *arena, struct error *error);

/* What a combiner is sent: each tensor as a message of its own. */
bool seldon_encode_aggregate(const struct payload *payload, struct text id, enum seldon_form form, struct buffer *out,
			     struct arena *arena, struct error *error);

/* It borrows from the body. REMOTE: it is no SeldonMessage with data. */
bool seldon_decode_reply(struct arena *arena, struct text body, struct payload *payload, struct error *error);

#endif
