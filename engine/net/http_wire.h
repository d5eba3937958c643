/* http_wire.h: HTTP/1.1 as bytes: the head of a request, and an answer as it comes; or, at a server, a body. Pure.
 *
 * An intake takes an answer in pieces that are cut anywhere, and what comes of it does not
 * depend on where. Lines may end without a carriage return; what could make two readers see two
 * answers in the same bytes is refused: lengths that contradict each other or say no number, a
 * length beside chunks, NUL, a carriage return within a line, a blank before a colon, and a line
 * that goes on in the next one where it says how long the answer is.
 */
#ifndef SLUICE_NET_HTTP_WIRE_H
#define SLUICE_NET_HTTP_WIRE_H

#include "net/http.h"
#include "net/url.h"

#define HTTP_HEAD_BYTES_MAX ((size_t)64 << 10) /* of an answer's head, with interim answers before it; trailers as much again */
#define HTTP_CHUNK_LINE_BYTES_MAX 4096	       /* the line before a chunk, with its extensions */

/* ---- requests ---- */

/* All that goes before the body. Fails as buffers do. */
void http_head_write(struct buffer *head, const struct url *url, const struct http_request *request);

/* Whether none of its texts holds what would end a line. */
bool http_request_is_clean(const struct http_request *request);

/* ---- answers ---- */

enum http_intake_outcome {
	HTTP_INTAKE_MORE,   /* to come */
	HTTP_INTAKE_WHOLE,  /* the answer is; what follows it is not its own */
	HTTP_INTAKE_FAULTY, /* `fault` and `words` say why, and nothing more is taken */
};

struct http_intake {
	bool heard; /* any byte */
	int status; /* of the last status line; 0: none has come */
	bool keeps; /* of a whole answer: the connection stands for more */
	struct buffer body;
	struct buffer value; /* of the wanted header */
	bool has_value;
	enum error_kind fault; /* REMOTE; LIMIT: the body's ceiling; SYSTEM: memory */
	const char *words;     /* why it is REMOTE */
	/* Its own: */
	unsigned state;
	struct text wanted;
	struct buffer line; /* the part of one that has come */
	size_t line_bytes;  /* that count against the limit */
	uint64_t left;	    /* of the body, or of a chunk */
	bool has_length, is_chunked, is_old, closes, stays, may_fold, is_strict;
};

void http_intake_open(struct http_intake *intake, size_t body_bytes); /* takes no memory yet */
void http_intake_close(struct http_intake *intake);

/* For a new answer; keeps the memory. `wanted` is borrowed: the first header of that name is kept; NULL: none. */
void http_intake_begin(struct http_intake *intake, const char *wanted);

/* For the body of a request, whose head is read already (net/http_head.h): chunks, or so many bytes, at least 1. Here every
 * line ends with a carriage return and a line feed, and no trailer goes on in the next one. */
void http_intake_begin_body(struct http_intake *intake, bool in_chunks, uint64_t length);

/* `taken`: how many of the bytes are the answer's, or the body's. */
enum http_intake_outcome http_intake_take(struct http_intake *intake, const char *bytes, size_t size, size_t *taken);

/* The value of the wanted header; bytes NULL: it did not come. */
static inline struct text http_intake_value(const struct http_intake *intake)
{
	if (!intake->has_value)
		return (struct text){0};
	return (struct text){intake->value.bytes ? intake->value.bytes : "", intake->value.length};
}

/* The connection has ended: WHOLE or FAULTY. */
enum http_intake_outcome http_intake_end(struct http_intake *intake);

#endif
