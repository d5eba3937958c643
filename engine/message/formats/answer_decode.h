/* answer_decode.h: Decoder of answers read from a topic, whatever their format: for commands that show them,
 * and for pipelines that read other pipelines.
 */
#pragma once

#include "message/formats/format.h"

/* A decoded answer. All of it is borrowed from the bytes, the headers and the arena. */
struct decoded_answer {
	bool readable;	/* `payload` is the decoded answer; else it is an error, or only bytes */
	bool failed;	/* an error answer */
	bool unnamed;	/* readable, but the names of its tensors are not known (message/records/answer_tensors.h) */
	const struct format *format;
	struct text id; /* from the answer or its header; empty: neither has one */
	struct payload payload;
	struct text kind;  /* of the error, as in INPUT; empty: unknown */
	struct text words; /* the error's text; if not readable, the bytes */
	struct origin origin; /* of the request; topic empty: the answer does not say it */
	struct text lists;    /* of an Avro answer, for message/records/answer_exposures.h; else empty */
	struct text ended; /* how a submitted request ended without an answer (message/records/reply.h); empty: it has one */
};

/* Decodes by the header content-type, else by the form of the bytes. Bytes that cannot be decoded are not an
 * error: the answer is then not `readable`. LIMIT: the arena is too small. */
bool answer_decode(struct headers headers, struct text bytes, const struct schema_source *schemas, struct arena *arena,
		   struct decoded_answer *answer, struct error *error);

/* The id by which exposures, feedback and mirrors have the request: that of the answer, else the one that a gateway gave, else that
 * made of the request's origin. Empty: the answer names none. Borrowed as the answer is, or in the arena. */
struct text answer_request_id(const struct decoded_answer *answer, struct headers headers, struct arena *arena);
