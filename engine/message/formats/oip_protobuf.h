/* oip_protobuf.h: Open Inference Protocol messages in protobuf, as in gRPC and in Kafka topics of that format.
 * The code is written by hand.
 *
 * format_oip_protobuf (message/formats/format.h) reads a ModelInferRequest and writes a ModelInferResponse. The
 * functions here are the other direction: the client of a model server. Contents are always written raw. They
 * are read raw or typed, packed or not; unknown fields are skipped. Tensors borrow from the bytes if the
 * elements are already in the tensor's form there.
 *
 * A valid request has a raw entry for each tensor and no typed contents, or no raw entry at all. Typed contents
 * are in the field of the datatype, as many as the shape requires. FP16 and BF16 must be raw. Each parameter
 * has a value. If parameters share a name, the last counts, as in any protobuf map.
 *
 * An error answer is a google.rpc.Status, as in gRPC, because the response message has no field for errors. A
 * reader distinguishes them by the wire type of field 1.
 */
#pragma once

#include "message/formats/format.h"

#define OIP_PARAMETERS_MAX 1024 /* in one list; they are compared with one another */

/* Contents of a request to a model server. Borrowed for the call. */
struct oip_request {
	struct text model_name;
	struct text model_version; /* empty: the server's choice */
	struct text id;            /* empty: none */
	const struct payload *payload;
	struct tensors_wanted wanted; /* count 0: all outputs */
};

/* Appends a ModelInferRequest. LIMIT: it does not fit. */
bool oip_request_encode(const struct oip_request *request, struct buffer *out, struct error *error);

/* Decodes a ModelInferResponse into `payload`, which borrows from the bytes and the arena. Errors are REMOTE,
 * because the server made them (or LIMIT: the arena). `id` may be NULL. */
bool oip_response_decode(struct text bytes, struct arena *arena, struct payload *payload, struct text *id, struct error *error);

/* Reader of ModelInferRequest and writer of ModelInferResponse, for format_oip_protobuf. */
bool oip_protobuf_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error);
bool oip_protobuf_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
			 struct buffer *out, struct error *error);
