/* answer_encoding.h: Encoding of an answer that may be written twice: for the caller for which a gateway waits, and for the
 * outputs. The first one to encode it keeps the bytes in the message's arena, if there is space, for the other. Private to the
 * worker.
 */
#ifndef SLUICE_ENGINE_OUTPUTS_ANSWER_ENCODING_H
#define SLUICE_ENGINE_OUTPUTS_ANSWER_ENCODING_H

#include "engine/worker/partition_queues.h"

/* Encodes the answer of the in-flight message, or of one of its children. `value` borrows from the buffer, which is overwritten, or
 * from the arena. */
bool answer_encode_once(struct buffer *buffer, struct inflight *inflight, const struct message *message,
			const struct format *format, const struct answer *answer, struct text *value, struct error *error);

#endif
