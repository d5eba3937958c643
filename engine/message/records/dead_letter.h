/* dead_letter.h: Dead letter: a failed request with its bytes and error, as a record of a pipeline's errors
 * topic (schemas/error.avsc), as single-object Avro.
 */
#pragma once

#include "message/message.h"

struct dead_letter {
	struct text id;
	const struct error *error;
	const char *pipeline;
	const char *step;  /* NULL: before or after all steps */
	unsigned attempts; /* of that step; 0 counts as 1 */
	struct origin origin;
	int64_t time_ms; /* of the record */
	int64_t failed_ms;
	struct text key; /* bytes NULL: none */
	struct headers headers;
	struct text payload; /* the record's bytes, unchanged */
};

/* Appends the record. LIMIT: it does not fit into the buffer. */
bool dead_letter_encode(const struct dead_letter *letter, struct buffer *out, struct error *error);

/* Decodes a dead letter. Texts borrow from the bytes, the rest lives in the arena. INPUT: the bytes are not a
 * dead letter. */
bool dead_letter_decode(struct text bytes, struct arena *arena, struct dead_letter *letter, struct error *error);
