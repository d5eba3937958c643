/* grpc_server_coding.h: Compression of gRPC's messages on a server: `grpc-encoding` gzip or deflate of those of callers, gzip of
 * answers. Private to the server.
 *
 * A few bytes can decompress to gigabytes, so decompression stops at the limit of a message. Clients of gRPC list gzip in
 * `grpc-accept-encoding` whether their users want it or not. So an answer is compressed for a caller that lists it and names a
 * compression of its own messages, and if it is as long as bodies of HTTP must be for that.
 */
#pragma once

#include "base/text.h"

struct grpc_request;
struct grpc_server;

#define GRPC_CODINGS_TAKEN "identity,deflate,gzip" /* as grpc-accept-encoding lists them */

enum grpc_coding { GRPC_CODING_NONE, GRPC_CODING_GZIP, GRPC_CODING_DEFLATE, GRPC_CODING_OTHER };

enum grpc_coding grpc_coding_of(struct text name);
bool grpc_coding_is_taken(enum grpc_coding coding); /* whether a message in it can be decompressed */

/* Sets up the coding of a new request. */
void grpc_coding_open(struct grpc_request *request);

/* Frees what a request has for it. */
void grpc_coding_close(struct grpc_request *request);

/* Decompresses the message of a request, which is whole, in portions, and charges the budget of bodies for it. Then the message
 * takes the place of the compressed one, and is passed on; or the call is refused. May happen at once. */
void grpc_message_unpack(struct grpc_request *request);

/* Whether answers to this caller may be compressed. */
bool grpc_answers_are_packed(const struct grpc_request *request);
