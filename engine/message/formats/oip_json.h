/* oip_json.h: Open Inference Protocol V2 over REST, for servers and for clients.
 *
 * For a server, format_oip_json (message/formats/format.h) reads requests and writes answers. For a client of model
 * servers, the functions here write a request and read the reply.
 *
 * Binary-data extension: after the JSON come the raw elements of the tensors that have the parameter
 * binary_data_size instead of data. The header OIP_LENGTH_HEADER is the length of the JSON. A
 * parameter `header_length` is that number; 0 means that the whole body is JSON.
 */
#pragma once

#include "message/message.h"

#define OIP_LENGTH_HEADER "Inference-Header-Content-Length"

/* Reads a request into `message`: its payload, payload_id, wanted and wanted_binary. */
bool oip_json_decode_request(struct message *message, struct text body, size_t header_length, struct error *error);

/* Writes the answer, or its error as {"error": "…"}. BYTES tensors that are not all UTF-8 are written as base64
 * with the parameter content_type. */
bool oip_json_encode_answer(const struct message *message, const struct answer *answer, struct buffer *out, struct error *error);

/* Writes the body of a call of a model, which asks for the outputs `wanted` (count 0: all). If `header_length`
 * is not NULL, tensors are written as binary data, else as JSON. Marks are not sent. */
bool oip_json_encode_call(const struct payload *payload, struct text id, struct tensors_wanted wanted, struct buffer *out,
			  size_t *header_length, struct error *error);

/* The same for all outputs. */
static inline bool oip_json_encode_request(const struct payload *payload, struct text id, struct buffer *out, size_t *header_length,
					   struct error *error)
{
	return oip_json_encode_call(payload, id, (struct tensors_wanted){0}, out, header_length, error);
}

/* Reply of a model: `payload` with its outputs, model_name, model_version and parameters, and the id that it
 * echoed (bytes NULL: none). */
struct oip_reply {
	struct payload payload;
	struct text id;
};

/* Reads a reply into `arena`; it borrows from `body`. In tensors of floats, null and the bare words NaN and
 * Infinity are accepted, because servers write them; an empty list of outputs is valid. Anything else is REMOTE
 * with the reason; the caller adds the name of the model. */
bool oip_json_decode_reply(struct arena *arena, struct text body, size_t header_length, struct oip_reply *reply,
			   struct error *error);
