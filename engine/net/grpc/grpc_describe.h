/* grpc_describe.h: Descriptions of gRPC services as rows, and their form in protobuf: a FileDescriptorProto. Pure.
 *
 * A field's type is a scalar of proto3, or the full name of a message or enum without the package and with a leading
 * dot: ".ModelInferRequest.InferInputTensor". A message of an imported file has its package instead of that dot:
 * "google.protobuf.Value". The type may be preceded by `repeated`, `map` (from strings), `enum`, or `oneof` for a member of
 * the message's only oneof.
 */
#pragma once

#include "base/text.h"

/* All lists end with a row without a name. */
struct proto_field {
	const char *name;
	uint32_t number;
	const char *type;
};

struct proto_value { /* of an enum */
	const char *name;
	uint32_t number;
};

struct proto_message {
	const char *name;
	const struct proto_field *fields; /* NULL: none */
	const struct proto_message *nested; /* NULL: none; the `nested` of these is ignored */
	const char *oneof;		    /* NULL: none */
	const char *enum_name;		    /* of its nested enum; NULL: none */
	const struct proto_value *values;
};

struct proto_method {
	const char *name, *input, *output; /* names of messages, as in types */
	bool client_streams, server_streams;
};

struct proto_file {
	const char *name, *package;
	const struct proto_message *messages; /* NULL: none */
	const char *service; /* the only one; NULL: none */
	const struct proto_method *methods;
	const char *const *imports; /* names of files, at the end NULL; NULL: none */
	const char *enum_name;	    /* of its enum outside messages; NULL: none */
	const struct proto_value *values;
};

/* Appends the file as a FileDescriptorProto. */
void proto_file_write(const struct proto_file *file, struct buffer *out);

/* Whether the file has a service, method, message, field or enum of that full name. */
bool proto_file_has(const struct proto_file *file, struct text symbol);
