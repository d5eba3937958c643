/* answer_decode.h: answers as they stand on a topic, read whatever their format is: by
 * commands that show them, and by pipelines that read other pipelines.
 */
#ifndef SLUICE_MESSAGE_ANSWER_DECODE_H
#define SLUICE_MESSAGE_ANSWER_DECODE_H

#include "message/format.h"

/* All of it is borrowed from the bytes, the headers and the arena. */
struct decoded_answer {
	bool readable;	/* `payload` is what it says; else it is an error, or only bytes */
	bool failed;	/* an error answer */
	const struct format *format;
	struct text id; /* that the answer or its header names; empty: neither does */
	struct payload payload;
	struct text kind;  /* of the error, as in INPUT; empty: not said */
	struct text words; /* what an error says; of what is not readable the bytes */
};

/* By the header content-type, else by a look at the bytes. What cannot be read is not
 * failed over: it is not readable. LIMIT: the arena is too small. */
bool answer_decode(struct headers headers, struct text bytes, const struct schema_source *schemas, struct arena *arena,
		   struct decoded_answer *answer, struct error *error);

#endif
