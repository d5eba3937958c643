/* request_encode.h: Request written again in another format before it is sent: Avro, or tensors as binary data.
 *
 * For commands that read requests as JSON. Both formats are smaller than JSON and keep every number as it is.
 */
#pragma once

#include "message/message.h"
#include "compiler/yaml/workspace.h"

#define REQUEST_HEADERS_MAX 2

/* In the order of the choices of REQUEST_FORM_ROW. */
enum request_form {
	REQUEST_AS_GIVEN,
	REQUEST_AVRO,	/* a record of schemas/request.avsc */
	REQUEST_BINARY, /* the Open Inference Protocol with its binary-data extension */
};

#define REQUEST_FORM_ROW(owner, member)                                                                                            \
	ROW("request-format", CHOICE, owner, member, .choices = "given avro binary", .fallback = "given",                          \
	    .help = "The format in which requests are sent: as given, as Avro, or as JSON with the tensors as binary data.")

/* A request in its new format. */
struct request_encoded {
	struct text bytes; /* in the arena */
	size_t header_count;
	struct header headers[REQUEST_HEADERS_MAX]; /* to be sent with it, instead of headers of the same names */
};

/* Reads the request by those headers (content-type) or by its bytes, and writes it. With REQUEST_AS_GIVEN it is not read.
 * INPUT: it is no request with tensors; LIMIT: it does not fit the arena, or would have more than `bytes_max`. */
bool request_encode(enum request_form form, struct text request, struct headers headers, size_t bytes_max, struct arena *arena,
		    struct request_encoded *encoded, struct error *error);

/* Puts the headers into `items`, which has room for them behind `count`; returns how many there are then. */
size_t request_headers_put(const struct request_encoded *encoded, struct header *items, size_t count);
