/* http_head.h: Heads of HTTP/1.1 messages at a server: a request's is found and parsed, an answer's is written. Pure.
 *
 * Everything that could make two parsers see two requests in the same bytes is refused (RFC 9112, and its chapter
 * 11.2). Each refusal has a status and a sentence. Refused are:
 *
 *   - a line that does not end with a carriage return and a line feed
 *   - a carriage return or a control character within a line
 *   - a header that continues in the next line, and a space before a colon
 *   - two lengths, a length together with chunks, and a coding other than chunks
 *   - no `Host`, or two
 */
#pragma once

#include "message/records/header_name.h"

#define HTTP_REQUEST_HEAD_BYTES_MAX ((size_t)32 << 10) /* twice the default of other servers; offsets fit into 16 bits */
#define HTTP_TARGET_BYTES_MAX ((size_t)8 << 10)	       /* path and query (RFC 9110, 4.1: at least 8,000) */
#define HTTP_METHOD_BYTES_MAX ((size_t)16)
#define HTTP_REQUEST_FIELDS_MAX 128 /* headers: clients send about ten, and proxies add a few */

struct http_refusal {
	int status; /* 0: none */
	const char *words;
};

/* ---- the end of a head ---- */

enum http_head_outcome { HTTP_HEAD_MORE, HTTP_HEAD_WHOLE, HTTP_HEAD_REFUSED };

#define HTTP_HEAD_LINES_MAX (HTTP_REQUEST_FIELDS_MAX + 1)

/* Begun by http_head_scan_begin(). */
struct http_head_scan {
	size_t begin; /* start of the head, after an empty line that may precede it */
	size_t end;   /* end of a complete head, with the empty line that ends it */
	struct http_refusal refusal;
	/* Its own: */
	size_t line, seen;
	unsigned lines;
	uint16_t line_ends[HTTP_HEAD_LINES_MAX]; /* positions of their line feeds */
};

static inline void http_head_scan_begin(struct http_head_scan *scan)
{
	memset(scan, 0, offsetof(struct http_head_scan, line_ends));
}

/* Looks for the end of a head. `bytes` are all bytes of the head so far, and may contain later ones. When more
 * have come, it is called again with all of them; no byte is examined twice. */
enum http_head_outcome http_head_find_end(struct http_head_scan *scan, struct text bytes);

/* ---- requests ---- */

struct http_slice {
	uint16_t at, length; /* in the head's bytes */
};

struct http_field {
	struct http_slice name, value;
};

enum http_framing { HTTP_BODY_NONE, HTTP_BODY_OF_LENGTH, HTTP_BODY_IN_CHUNKS };

struct http_head {
	const char *bytes;
	struct http_slice method;
	struct http_slice authority; /* of http://host/path, the form of requests to a proxy */
	struct http_slice path;	 /* percent-decoded */
	struct http_slice query; /* as it was received, without the question mark */
	bool is_old;		 /* HTTP/1.0 */
	bool keeps;		 /* the connection is to be kept open */
	bool expects_continue;
	enum http_framing framing;
	uint64_t length; /* of the body, if the head has it */
	struct http_refusal refusal;
	unsigned field_count;
	uint64_t lengths; /* of the fields' names: a bit for each, modulo 64. Most names that are looked for are absent */
	uint64_t repeated;	     /* names with a number that several fields have, a bit for each. HEADER_OTHER counts, too */
	uint8_t first[HEADER_NAMES]; /* the first field of each name with a number, from 1; 0: there is none */
	struct http_field fields[HTTP_REQUEST_FIELDS_MAX];
};

/* Parses a complete head, whose end was found in these bytes, and decodes the path in place. The bytes are
 * borrowed as long as the head. False: refused. */
bool http_head_read(struct http_head *head, const struct http_head_scan *scan, char *bytes);

static inline struct text http_head_text(const struct http_head *head, struct http_slice slice)
{
	return (struct text){head->bytes + slice.at, slice.length};
}

/* Value of the first header of that name, which has a number; bytes NULL: there is none. */
static inline struct text http_head_known(const struct http_head *head, enum header_name name)
{
	const unsigned place = head->first[name] - 1U;
	return place < head->field_count ? http_head_text(head, head->fields[place].value) : (struct text){0};
}

/* The host that is addressed, with its port, if any: that of the target, which a header does not change (RFC 9112, 3.2.2), or that
 * of `Host`. Bytes NULL: there is none. */
static inline struct text http_head_host(const struct http_head *head)
{
	return head->authority.length > 0 ? http_head_text(head, head->authority) : http_head_known(head, HEADER_HOST);
}

/* The value of the header's second line (`place` 1), its third, and so on. */
struct text http_head_known_at(const struct http_head *head, enum header_name name, size_t place);

/* The same of any name, in any case. */
struct text http_head_value(const struct http_head *head, struct text name);

struct text http_head_value_at(const struct http_head *head, struct text name, size_t place);

/* The next header; `place` is 0 at the first. False: there are no more. */
bool http_head_next(const struct http_head *head, size_t *place, struct text *name, struct text *value);

/* ---- answers ---- */

#define HTTP_ANSWER_BEGINS "HTTP/1.1 " /* each head does */

struct http_answer_header {
	const char *name;
	const char *value;
};

enum http_connection_word { HTTP_CONNECTION_UNSAID, HTTP_CONNECTION_CLOSE, HTTP_CONNECTION_KEEP_ALIVE };

struct http_answer_head {
	int status;
	const char *content_type; /* NULL: none is written */
	const char *date;	  /* in the format of RFC 9110, 5.6.7 */
	size_t body_bytes;
	bool in_chunks; /* the length is not known yet */
	bool unsized;	/* no length and no chunks: the body ends with the connection */
	enum http_connection_word connection;
	const struct http_answer_header *added; /* further headers */
	size_t added_count;
	bool is_gzip;		  /* the body has this content coding */
	bool is_open;		  /* the coding and the length are not known yet: http_answer_head_end() follows */
	bool varies;		  /* the content coding depends on Accept-Encoding */
	const struct http_answer_header *headers;
	size_t header_count;
};

/* Whether the text may be the name or the value of a header (RFC 9110, 5.1 and 5.5). */
bool http_head_is_name(struct text text);
bool http_head_is_value(struct text text);

/* Writes a head, with the empty line that ends it unless it is open. False: a header or the content type contains a control
 * character, and nothing is written. Memory fails as in buffers. */
bool http_answer_head_write(struct buffer *out, const struct http_answer_head *head);

/* Writes the rest of a head that is open: the coding of the body, its length, and the empty line. */
void http_answer_head_end(struct buffer *out, const struct http_answer_head *head);

/* Whether an answer of that status has no body, nor a length (RFC 9110, 6.4.1). */
static inline bool http_status_is_bodiless(int status)
{
	return status < 200 || status == 204 || status == 304;
}
