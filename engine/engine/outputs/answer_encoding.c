/* answer_encoding.c: see answer_encoding.h. */
#include "engine/outputs/answer_encoding.h"

#include <string.h>

#include "message/records/reply.h"
#include "engine/worker/parts.h"

bool answer_encode_once(struct buffer *buffer, struct inflight *inflight, const struct message *message,
			const struct format *format, const struct answer *answer, struct text *value, struct error *error)
{
	const bool is_shared =
		message == &inflight->message && format == message->format && !answer->error && inflight->outcome == FLOW_ANSWER;
	if (is_shared && inflight->encoded.bytes) {
		*answer->header_length = inflight->encoded_head;
		*value = inflight->encoded;
		return true;
	}
	buffer_clear(buffer);
	if (!answer_encode(message, answer, format, inflight->stage->schemas, buffer, error))
		return false;
	*value = buffer_view(buffer);
	char *kept = is_shared && message_header(message, HEADER_REPLY) ? arena_take_spare(message->arena, value->length) : NULL;
	if (kept) {
		inflight->encoded = (struct text){memcpy(kept, value->bytes, value->length), value->length};
		inflight->encoded_head = *answer->header_length;
	}
	return true;
}
