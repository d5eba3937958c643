/* grpc_reflection.h: Server reflection of gRPC, versions v1 and v1alpha: lists the services of a server, and returns
 * the files that describe them. Pure.
 *
 * It is a conversation (net/grpc/grpc_server.h). A request for extensions gets an error, because proto3 has none.
 */
#pragma once

#include "net/grpc/grpc_describe.h"

bool grpc_reflection_is_path(struct text path);

/* Appends the ServerReflectionResponse to a ServerReflectionRequest. `files` ends with NULL; the files of reflection
 * itself are included in addition. False: the bytes are not a request. */
bool grpc_reflection_answer(const struct proto_file *const *files, struct text request, struct buffer *out);
