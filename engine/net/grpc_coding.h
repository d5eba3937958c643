/* grpc_coding.h: Compression of messages that callers of a gRPC server send: `grpc-encoding` gzip or deflate. Private to the
 * server.
 *
 * Answers are not compressed. A few bytes can decompress to gigabytes, so decompression stops at the limit of a message.
 */
#ifndef SLUICE_NET_GRPC_CODING_H
#define SLUICE_NET_GRPC_CODING_H

#include "base/text.h"

struct grpc_request;

#define GRPC_CODINGS_TAKEN "identity,deflate,gzip" /* as grpc-accept-encoding lists them */

enum grpc_coding { GRPC_CODING_NONE, GRPC_CODING_GZIP, GRPC_CODING_DEFLATE, GRPC_CODING_OTHER };

enum grpc_coding grpc_coding_of(struct text name);
bool grpc_coding_is_taken(enum grpc_coding coding); /* whether a message in it can be decompressed */

#define GRPC_UNPACK_WORDS_MAX 120

/* Puts in the place of the message of a request, which is whole, what it comes to when it is decompressed, and charges the budget
 * of bodies for that. False: the call is to be refused with that status and words. */
bool grpc_message_unpack(struct grpc_request *request, int *status, char words[GRPC_UNPACK_WORDS_MAX]);

#endif
