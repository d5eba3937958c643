/* avro.h: Avro encoding of requests and answers in the engine's own schemas.
 *
 * The schemas are schemas/request.avsc and schemas/response.avsc. The code is written by hand; its output is
 * byte for byte that of avro-c. Reading borrows from the bytes. A record is framed as single-object encoding
 * (0xC3 0x01, the schema's fingerprint). If a registry numbers the schemas, it is framed as Confluent's clients
 * do (0x00, the number).
 *
 * format_avro (message/formats/format.h) reads requests and writes answers. The functions here are the other direction:
 * they write requests for a topic, and read answers from one. Records of other schemas are resolved by
 * message/avro/avro_foreign.h.
 *
 * A record contains what is not in headers: the id, the deadline (DEADLINE_HEADER overrides it),
 * marks, and the origin of a request that has passed another topic before. The schemas also have assignments
 * and versions, which an answer has of experiments (message/records/answer_exposures.h). Requests have empty lists.
 */
#pragma once

#include "message/formats/format.h"

/* An answer read from a topic. All of it is borrowed from the bytes and the arena. */
struct avro_answer {
	struct text id;
	bool failed; /* then `error` is set, and the payload is empty */
	struct error error;
	struct payload payload;
	struct origin origin; /* of the request; topic empty: the record has none */
	struct text lists;    /* its assignments and versions, for answer_exposures.h; empty: a record of another schema */
};

/* Appends the record of a request to `out`: `payload` with the message's id, deadline, wanted outputs and
 * origin. Framed as single-object. */
bool avro_request_encode(const struct message *message, const struct payload *payload, struct buffer *out, struct error *error);

/* Appends the record of an answer, with an error if the answer has no payload. Framed with the source's
 * answer_id, if it has one. */
bool avro_answer_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
			struct buffer *out, struct error *error);

/* INPUT: the bytes are not an answer. */
bool avro_answer_decode(struct text bytes, const struct schema_source *schemas, struct arena *arena, struct avro_answer *answer,
			struct error *error);

/* Records without framing: readers for avro_foreign.c, tests and fuzzing. */
bool avro_request_read(struct message *message, struct text body, struct error *error);
bool avro_answer_read(struct text body, struct arena *arena, struct avro_answer *answer, struct error *error);

/* The envelope in a record: used where headers and the position of the record have not set it already. */
/* Drops the caller's marks of names that leave as headers: only steps set those. */
void avro_request_marks(struct tensors *marks);
void avro_request_envelope(struct message *message, struct text id, int64_t deadline_ms);
void avro_request_origin(struct message *message, const struct origin *origin);

/* Fingerprints of the engine's schemas; 0: memory ran out. */
uint64_t avro_request_fingerprint(void);
uint64_t avro_answer_fingerprint(void);
uint64_t avro_exposure_fingerprint(void); /* of message/records/exposure.h */
uint64_t avro_crossing_fingerprint(void); /* of message/records/stage_link.h */
