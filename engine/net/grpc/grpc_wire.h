/* grpc_wire.h: gRPC's encoding in HTTP/2: messages, statuses, timeouts.
 *
 * It follows "gRPC over HTTP/2" (the protocol's own page). Pure; any thread may call.
 */
#pragma once

#include "base/error.h"
#include "base/number/number.h"

enum grpc_status {
	GRPC_OK,
	GRPC_CANCELLED,
	GRPC_UNKNOWN,
	GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED,
	GRPC_NOT_FOUND,
	GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED,
	GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION,
	GRPC_ABORTED,
	GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED,
	GRPC_INTERNAL,
	GRPC_UNAVAILABLE,
	GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
};

/* Name of a status as grpc-go writes it: "OK", "InvalidArgument". NULL: there is no such status. */
const char *grpc_status_name(int status);

/* Status of an answer without gRPC, as from a proxy. */
enum grpc_status grpc_status_of_http(int http_status);

/* The gRPC status for an answer that has that status over HTTP. */
int grpc_status_for_http(int http_status);

/* ---- messages: one byte (compressed or not), four bytes of length, the message ---- */

#define GRPC_PREFIX_BYTES 5

void grpc_prefix_write(unsigned char *prefix, size_t length); /* a length below 4 GiB */

/* A message that arrives in pieces, cut anywhere. Starts as `{0}`, beside a buffer whose ceiling is the limit of a
 * message. */
struct grpc_intake {
	unsigned char prefix[GRPC_PREFIX_BYTES];
	size_t have;	/* received bytes of the prefix */
	size_t missing; /* missing bytes of the message */
	bool unpacks;	/* the receiver takes compressed messages */
};

enum grpc_intake_fault { GRPC_INTAKE_GOOD, GRPC_INTAKE_COMPRESSED, GRPC_INTAKE_LARGE, GRPC_INTAKE_SECOND, GRPC_INTAKE_MEMORY };

enum grpc_intake_fault grpc_intake_take(struct grpc_intake *intake, struct buffer *message, const uint8_t *bytes, size_t count);

/* Reads the bytes of at most one message, and moves `bytes` and `count` past them. Never GRPC_INTAKE_SECOND. */
enum grpc_intake_fault grpc_intake_next(struct grpc_intake *intake, struct buffer *message, const uint8_t **bytes, size_t *count);

static inline bool grpc_intake_is_compressed(const struct grpc_intake *intake) /* a message that is whole */
{
	return intake->prefix[0] != 0;
}

static inline bool grpc_intake_is_whole(const struct grpc_intake *intake)
{
	return intake->have == GRPC_PREFIX_BYTES && intake->missing == 0;
}

/* ---- headers ---- */

#define GRPC_TIMEOUT_MAX (NUMBER_TEXT_MAX + 1) /* buffer size for a timeout */

size_t grpc_timeout_write(char *out, int64_t timeout_ms);      /* at least 1 ms; without a NUL */
bool grpc_timeout_read(struct text text, int64_t *timeout_ms); /* rounded up; false: it is no timeout */

bool grpc_status_read(struct text text, int *status); /* a number from 0 to 999 */

/* Appends the text of grpc-message: UTF-8, percent-encoded; url_decode() reads it. */
void grpc_words_write(struct buffer *out, struct text words);

bool grpc_is_content_type(struct text type); /* application/grpc, with or without +proto, +json and such, or parameters */
bool grpc_is_protobuf(struct text type);     /* a content type of gRPC whose messages are protobuf: no other than +proto follows */
