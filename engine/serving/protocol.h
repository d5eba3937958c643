/* protocol.h: the bytes of a call and of its answer, in each protocol that model servers
 * speak. Pure. */
#ifndef SLUICE_SERVING_PROTOCOL_H
#define SLUICE_SERVING_PROTOCOL_H

#include "plan/address.h"
#include "step/step.h"

/* The call's request as the body of a call to that address, with the model's own
 * `parameters` behind those of the request. With a place for `header_length` tensors go as
 * binary data (OIP REST alone). */
bool protocol_write(const struct model_address *address, const struct call *call, struct parameters parameters, struct buffer *out,
		    size_t *header_length, struct error *error);

/* A reply, which borrows from `body`. REMOTE: it is none. */
bool protocol_read(enum model_protocol protocol, struct arena *arena, struct text body, size_t header_length,
		   struct payload *payload, struct error *error);

/* The id that a reply echoes: `id` of OIP over REST, `meta.puid` of Seldon. Bytes NULL: it has none, or the protocol
 * has none. */
struct text protocol_reply_id(enum model_protocol protocol, struct arena *arena, struct text body, size_t header_length);

/* What a server says of a failure in the body of its answer: its own words; else the
 * body, cut; empty where that is no text. */
struct text protocol_words(struct arena *arena, struct text body);

/* What HTTP would say for a status of gRPC with these words, and how gRPC calls it. A message that is too
 * large for the server (413) has the status of a server with too much to do (429): its words tell. */
int protocol_http_status(int grpc_status, struct text words);
const char *protocol_status_name(int grpc_status);

#endif
