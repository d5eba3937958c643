/* grpc_reflection.h: Server reflection of gRPC, versions v1 and v1alpha: lists the services of a server, and gives the
 * files that describe them. Pure.
 *
 * It is a conversation (net/grpc_server.h). Extensions, which proto3 has none of, are answered with an error.
 */
#ifndef SLUICE_NET_GRPC_REFLECTION_H
#define SLUICE_NET_GRPC_REFLECTION_H

#include "net/grpc_describe.h"

bool grpc_reflection_is_path(struct text path);

/* Appends the ServerReflectionResponse to a ServerReflectionRequest. `files` ends with NULL; those of reflection itself
 * are known beside them. False: it is no request. */
bool grpc_reflection_answer(const struct proto_file *const *files, struct text request, struct buffer *out);

#endif
