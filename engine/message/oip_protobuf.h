/* oip_protobuf.h: the Open Inference Protocol's messages in protobuf, by hand: what
 * gRPC carries, and what Kafka topics in that format hold.
 *
 * format_oip_protobuf (message/format.h) reads a ModelInferRequest and writes a
 * ModelInferResponse. The rest here is the other direction: the client of a model
 * server. Contents are always written raw, and read raw or typed, packed or not;
 * unknown fields are stepped over. Tensors borrow from the bytes where elements
 * stand as we want them.
 *
 * What a request must keep to: a raw entry for each tensor and no typed contents, or
 * no raw entry at all; typed contents in the field of the datatype, as many as the
 * shape says; FP16 and BF16 raw only; a value in each parameter. Of parameters that
 * share a name the last counts, as in any protobuf map.
 *
 * An error answer is a google.rpc.Status, as gRPC has it: the message has no room
 * for one, and a reader tells them apart by the wire type of field 1.
 */
#ifndef SLUICE_MESSAGE_OIP_PROTOBUF_H
#define SLUICE_MESSAGE_OIP_PROTOBUF_H

#include "message/format.h"

#define OIP_PARAMETERS_MAX 1024 /* in one place; they are compared with one another */

/* What a request to a model server says. Borrowed for the call. */
struct oip_request {
	struct text model_name;
	struct text model_version; /* empty: the server's choice */
	struct text id;            /* empty: none */
	const struct payload *payload;
	struct tensors_wanted wanted; /* count 0: all outputs */
};

/* Appends a ModelInferRequest. LIMIT when it does not fit. */
bool oip_request_encode(const struct oip_request *request, struct buffer *out, struct error *error);

/* A ModelInferResponse into `payload`, which borrows from the bytes and the arena.
 * Faults are the server's: REMOTE (or LIMIT: the arena). `id` may be NULL. */
bool oip_response_decode(struct text bytes, struct arena *arena, struct payload *payload, struct text *id, struct error *error);

/* ModelInferRequest and ModelInferResponse, by hand: for format_oip_protobuf. */
bool oip_protobuf_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error);
bool oip_protobuf_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
			 struct buffer *out, struct error *error);

#endif
