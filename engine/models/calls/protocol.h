/* protocol.h: Encoding of calls and decoding of replies, in each protocol of model servers. Pure. */
#pragma once

#include "compiler/graph/address.h"
#include "compiler/step/step.h"

/* Encodes the call's request as the body for that address, with the model's own `parameters` after those of the
 * request. If `header_length` is not NULL, tensors are binary data (OIP REST only). */
bool protocol_write(const struct model_address *address, const struct call *call, struct parameters parameters, struct buffer *out,
		    size_t *header_length, struct error *error);

/* Decodes the reply to `request`, which borrows from `body`. REMOTE: the body is not a reply. */
bool protocol_read(enum model_protocol protocol, struct arena *arena, const struct payload *request, struct text body,
		   size_t header_length, struct payload *payload, struct error *error);

/* The id that a reply echoes: `id` of OIP over REST, `meta.puid` of Seldon. Bytes NULL: the reply or the
 * protocol has none. */
struct text protocol_reply_id(enum model_protocol protocol, struct arena *arena, struct text body, size_t header_length);

/* The server's message in the body of a failure. Without one: the body, truncated; empty if the body is not
 * text. */
struct text protocol_words(struct arena *arena, struct text body);

/* HTTP equivalent of a gRPC status with this text, and the name of a gRPC status. In gRPC one status means both
 * a message too large for the server (413) and an overloaded server (429): the text decides between them. */
int protocol_http_status(int grpc_status, struct text words);
const char *protocol_status_name(int grpc_status);
