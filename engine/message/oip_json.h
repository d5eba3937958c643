/* oip_json.h: the Open Inference Protocol V2 over REST, seen from both ends.
 *
 * As a door: format_oip_json (message/format.h) reads requests and writes answers.
 * As a caller of model servers: what is declared here writes a request and reads
 * the reply.
 *
 * The binary-data extension: behind the JSON stand the raw elements of those
 * tensors that have the parameter binary_data_size instead of data, and the header
 * Inference-Header-Content-Length says how long the JSON is. Where a function has a
 * `header_length`, that is this number; 0 stands for a body that is all JSON.
 */
#ifndef SLUICE_MESSAGE_OIP_JSON_H
#define SLUICE_MESSAGE_OIP_JSON_H

#include "message/message.h"

/* A request into `message`: its payload, payload_id, wanted and wanted_binary. */
bool oip_json_decode_request(struct message *message, struct text body, size_t header_length, struct error *error);

/* The answer to it, or its error as {"error": "…"}. Tensors of BYTES that are not all
 * UTF-8 go as base64 under the parameter content_type. */
bool oip_json_encode_answer(const struct message *message, const struct answer *answer, struct buffer *out, struct error *error);

/* The body of a call of a model, which is asked for the outputs `wanted` (count 0: all). With
 * a place for `header_length` tensors go as binary data, with NULL as JSON. Marks are not sent. */
bool oip_json_encode_call(const struct payload *payload, struct text id, struct tensors_wanted wanted, struct buffer *out,
			  size_t *header_length, struct error *error);

/* The same for all outputs. */
static inline bool oip_json_encode_request(const struct payload *payload, struct text id, struct buffer *out, size_t *header_length,
					   struct error *error)
{
	return oip_json_encode_call(payload, id, (struct tensors_wanted){0}, out, header_length, error);
}

/* What a model answered: `payload` with its outputs, model_name, model_version and
 * parameters, and the id that it echoed (bytes NULL: none). */
struct oip_reply {
	struct payload payload;
	struct text id;
};

/* Reads it into `arena`; it borrows from `body`. In tensors of floats null and the
 * bare words NaN and Infinity are taken, because servers write them; an empty list
 * of outputs is fine. All else is REMOTE and says what was wrong; the caller says
 * which model it was. */
bool oip_json_decode_reply(struct arena *arena, struct text body, size_t header_length, struct oip_reply *reply,
			   struct error *error);

#endif
