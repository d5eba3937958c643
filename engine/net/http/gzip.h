/* gzip.h: Content coding gzip of HTTP bodies (RFC 9110, 8.4): compresses answers, and decompresses requests within a
 * limit. gRPC's messages are compressed in the same way. Pure.
 *
 * A few bytes can decompress to gigabytes, so decompression stops one byte after its limit. Both directions work on so many bytes
 * at a time as their caller allows (net/http/body_coder.h).
 */
#pragma once

#include "base/text.h"

enum gzip_outcome {
	GZIP_WHOLE,
	GZIP_MORE,	/* it goes on */
	GZIP_TOO_LONG,	/* decompressed, it has more bytes than the limit */
	GZIP_INVALID,	/* it is not of that form, is damaged or cut off, or other bytes follow it */
	GZIP_NO_MEMORY, /* or the ceiling of `out` is reached */
};

/* ---- requests ---- */

enum gzip_form {
	GZIP_FORM_GZIP,
	GZIP_FORM_ZLIB, /* zlib's own (RFC 1950), which HTTP and gRPC call deflate */
};

struct gunzip; /* a body that is decompressed */

/* `packed` is borrowed. Several compressed members in a row are one body. NULL: no memory. */
struct gunzip *gunzip_open(enum gzip_form form, struct text packed, size_t bytes_max);
void gunzip_close(struct gunzip *gunzip); /* NULL is fine */

/* Appends decompressed bytes to `out`, until about `*bytes` are read and written, and subtracts those that were. */
enum gzip_outcome gunzip_more(struct gunzip *gunzip, size_t *bytes, struct buffer *out);

/* ---- answers ---- */

/* Lengths of bodies that are compressed for callers that accept gzip. A shorter one fits into a packet as it is; a longer one
 * would take the time of many others. */
#define GZIP_BYTES_LEAST ((size_t)1400)
#define GZIP_BYTES_MAX ((size_t)1 << 20)

/* Compressor of one body after the other, with the memory that it keeps between them (about 270 KB). Belongs to one thread. */
struct gzip;

struct gzip *gzip_open(void); /* NULL: no memory */
void gzip_close(struct gzip *gzip); /* NULL is fine */

/* Begins a body, which is borrowed. False: zlib refuses it. */
bool gzip_begin(struct gzip *gzip, struct text plain);

/* Appends compressed bytes to `out`, until at most `*bytes` of the body are read, and subtracts those that were. */
enum gzip_outcome gzip_more(struct gzip *gzip, size_t *bytes, struct buffer *out);

/* Whether an Accept-Encoding header allows gzip: it, or `*`, is listed without `q=0`. Bytes NULL: it does not. */
bool gzip_is_accepted(struct text accept_encoding);
