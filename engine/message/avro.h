/* avro.h: our own Avro records, read and written by hand.
 *
 * The schemas are schemas/request.avsc and schemas/response.avsc. What is written
 * is byte for byte what avro-c writes; reading borrows from the bytes. A record is
 * framed as single-object encoding (0xC3 0x01, the schema's fingerprint) or, where
 * a registry gives schemas numbers, as Confluent's clients do (0x00, the number).
 *
 * format_avro (message/format.h) reads requests and writes answers. The rest here
 * is the other direction: who puts records on a topic of requests, or reads one of
 * answers. Records of any other writer's schema are resolved by message/avro_foreign.h.
 *
 * What travels in a record and not in headers: the id, the deadline (the header
 * x-deadline-ms goes before it), marks, the origin of a request that has passed
 * another topic before. Of assignments and versions, the engine has none to write
 * yet: it writes empty lists and reads past full ones.
 */
#ifndef SLUICE_MESSAGE_AVRO_H
#define SLUICE_MESSAGE_AVRO_H

#include "message/format.h"

/* An answer as it is read from a topic of answers. All of it is borrowed from the
 * bytes and the arena. */
struct avro_answer {
	struct text id;
	bool failed; /* then `error` says why, and the payload is empty */
	struct error error;
	struct payload payload;
	struct origin origin; /* where the request stood; topic empty: the record does not say */
};

/* The record of a request, behind what `out` holds: `payload` under the message's
 * id, deadline, wanted outputs and origin. Framed as single-object. */
bool avro_request_encode(const struct message *message, const struct payload *payload, struct buffer *out, struct error *error);

/* The record of an answer, likewise: an error in it where the answer has no
 * payload. Framed by the source's answer_id, where it has one. */
bool avro_answer_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
			struct buffer *out, struct error *error);

/* INPUT when the bytes are no answer. */
bool avro_answer_decode(struct text bytes, const struct schema_source *schemas, struct arena *arena, struct avro_answer *answer,
			struct error *error);

/* The bare records, without framing: readers for avro_foreign.c, tests and fuzzing. */
bool avro_request_read(struct message *message, struct text body, struct error *error);
bool avro_answer_read(struct text body, struct arena *arena, struct avro_answer *answer, struct error *error);

/* What a record says of the envelope: taken where the message does not know it
 * already, from headers and from where it stood. */
/* Marks that leave as headers are set by steps: those that a caller sent are dropped. */
void avro_request_marks(struct tensors *marks);
void avro_request_envelope(struct message *message, struct text id, int64_t deadline_ms);
void avro_request_origin(struct message *message, const struct origin *origin);

/* Fingerprints of our schemas; 0 when memory ran out. */
uint64_t avro_request_fingerprint(void);
uint64_t avro_answer_fingerprint(void);
uint64_t avro_letter_fingerprint(void);	  /* of message/dead_letter.h */
uint64_t avro_crossing_fingerprint(void); /* of message/stage_link.h */

#endif
