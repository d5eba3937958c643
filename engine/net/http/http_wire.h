/* http_wire.h: Bytes of HTTP/1.1: writes a request's head, and parses an answer; at a server, parses a request's
 * body. Pure.
 *
 * An intake takes an answer in pieces that are cut anywhere, and its result does not depend on the cuts. Lines may
 * end without a carriage return. Everything that could make two parsers see two answers in the same bytes is refused:
 *
 *   - lengths that contradict each other or are no numbers, and a length together with chunks
 *   - NUL, a carriage return within a line, and a space before a colon
 *   - a header that gives the length of the answer and continues in the next line
 */
#pragma once

#include "base/url.h"
#include "net/http/http.h"

#define HTTP_HEAD_BYTES_MAX ((size_t)64 << 10) /* of an answer's head, with interim answers before it; and of trailers */
#define HTTP_CHUNK_LINE_BYTES_MAX 4096	       /* the line before a chunk, with its extensions */

/* ---- requests ---- */

/* Writes everything before the body. Memory fails as in buffers. */
void http_head_write(struct buffer *head, const struct url *url, const struct http_request *request);

/* Whether none of its texts contains a line end. */
bool http_request_is_clean(const struct http_request *request);

/* ---- answers ---- */

enum http_intake_outcome {
	HTTP_INTAKE_MORE,   /* the answer is not complete */
	HTTP_INTAKE_WHOLE,  /* the answer is complete; bytes after it do not belong to it */
	HTTP_INTAKE_FAULTY, /* `fault` and `words` have the reason, and nothing more is accepted */
};

struct http_intake {
	bool heard; /* any byte was received */
	int status; /* of the last status line; 0: none was received */
	bool keeps; /* of a complete answer: the connection stays open for more */
	struct buffer body;
	struct buffer value; /* of the wanted header */
	bool has_value;
	enum error_kind fault; /* REMOTE; LIMIT: the body's ceiling; SYSTEM: memory */
	const char *words;     /* reason of a REMOTE error */
	/* Its own: */
	unsigned state;
	struct text wanted;
	struct buffer line; /* the received part of a line */
	size_t line_bytes;  /* bytes that count towards the limit */
	uint64_t left;	    /* missing bytes of the body, or of a chunk */
	bool has_length, is_chunked, is_old, closes, stays, may_fold, is_strict;
};

void http_intake_open(struct http_intake *intake, size_t body_bytes); /* allocates no memory yet */
void http_intake_close(struct http_intake *intake);

/* Begins a new answer; keeps the memory. `wanted` is borrowed: the first header of that name is kept; NULL: none. */
void http_intake_begin(struct http_intake *intake, const char *wanted);

/* Begins the body of a request, whose head is already parsed (net/http/http_head.h): chunks, or `length` bytes, at
 * least 1. Here every line must end with a carriage return and a line feed, and no trailer may continue in the
 * next line. */
void http_intake_begin_body(struct http_intake *intake, bool in_chunks, uint64_t length);

/* Parses received bytes. `taken`: number of bytes that belong to the answer or the body. */
enum http_intake_outcome http_intake_take(struct http_intake *intake, const char *bytes, size_t size, size_t *taken);

/* Value of the wanted header; bytes NULL: it did not come. */
static inline struct text http_intake_value(const struct http_intake *intake)
{
	if (!intake->has_value)
		return (struct text){0};
	return (struct text){intake->value.bytes ? intake->value.bytes : "", intake->value.length};
}

/* Handles the end of the connection: WHOLE or FAULTY. */
enum http_intake_outcome http_intake_end(struct http_intake *intake);
