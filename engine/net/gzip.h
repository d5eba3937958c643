/* gzip.h: Content coding gzip of HTTP bodies (RFC 9110, 8.4): compresses answers, and decompresses requests within a
 * limit. gRPC's messages are compressed in the same way. Pure.
 *
 * A few bytes can decompress to gigabytes, so decompression stops one byte after its limit.
 */
#ifndef SLUICE_NET_GZIP_H
#define SLUICE_NET_GZIP_H

#include "base/text.h"

/* ---- requests ---- */

enum gzip_outcome {
	GZIP_WHOLE,
	GZIP_TOO_LONG,	/* decompressed, it has more bytes than the limit */
	GZIP_INVALID,	/* it is not gzip, is damaged or cut off, or other bytes follow it */
	GZIP_NO_MEMORY,
};

/* Appends the decompressed bytes to `out`, at most `bytes_max`. Several compressed members in a row are one body. If the
 * outcome is not GZIP_WHOLE, `out` has some of the bytes. */
enum gzip_outcome gzip_unpack(struct text packed, size_t bytes_max, struct buffer *out);

/* The same of zlib's own format (RFC 1950), which HTTP and gRPC call deflate. */
enum gzip_outcome zlib_unpack(struct text packed, size_t bytes_max, struct buffer *out);

/* ---- answers ---- */

/* Lengths of bodies that are compressed for callers that accept gzip. A shorter one fits into a packet as it is; a longer one
 * would delay the answers of others. */
#define GZIP_BYTES_LEAST ((size_t)1400)
#define GZIP_BYTES_MAX ((size_t)1 << 20)

/* Compressor, with the memory that it keeps between two bodies (about 270 KB). Belongs to one thread. */
struct gzip;

struct gzip *gzip_open(void); /* NULL: no memory */
void gzip_close(struct gzip *gzip); /* NULL is fine */

/* Appends the compressed bytes to `out`. False: no memory, or `out` has reached its ceiling. */
bool gzip_pack(struct gzip *gzip, struct text plain, struct buffer *out);

/* Whether an Accept-Encoding header allows gzip: it, or `*`, is listed without `q=0`. Bytes NULL: it does not. */
bool gzip_is_accepted(struct text accept_encoding);

#endif
