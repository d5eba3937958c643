/* gzip.c: see gzip.h. */
#include "net/http/gzip.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/memory.h"
#include "base/number/number.h"

#define GZIP_ONLY 16	    /* added to the bits of the window: neither zlib's own format nor none */
#define LEVEL 1		    /* an answer waits meanwhile, and further levels cost several times as much for a tenth less */
#define MEMORY_LEVEL 8	    /* zlib's default */
#define PIECE_BYTES ((size_t)16 << 10) /* by which bytes are written */

static void *zlib_take(void *context, unsigned count, unsigned size)
{
	(void)context;
	return memory_take(count, size);
}

static void zlib_give(void *context, void *piece)
{
	(void)context;
	memory_give(piece);
}

static size_t bytes_least(size_t one, size_t other)
{
	return one < other ? one : other;
}

/* ---- requests ---- */

struct gunzip {
	z_stream stream;
	struct text packed; /* the rest of it */
	size_t left_bytes;  /* until one more than the limit, which shows that there is more */
};

struct gunzip *gunzip_open(enum gzip_form form, struct text packed, size_t bytes_max)
{
	struct gunzip *gunzip = memory_take(1, sizeof *gunzip);
	if (!gunzip)
		return NULL;
	*gunzip =
		(struct gunzip){.stream = {.zalloc = zlib_take, .zfree = zlib_give}, .packed = packed, .left_bytes = bytes_max + 1};
	if (inflateInit2(&gunzip->stream, MAX_WBITS + (form == GZIP_FORM_GZIP ? GZIP_ONLY : 0)) == Z_OK)
		return gunzip;
	memory_give(gunzip);
	return NULL;
}

void gunzip_close(struct gunzip *gunzip)
{
	if (!gunzip)
		return;
	(void)inflateEnd(&gunzip->stream);
	memory_give(gunzip);
}

/* Decompresses a piece, and returns zlib's verdict. */
static int gunzip_piece(struct gunzip *gunzip, size_t *bytes, struct buffer *out)
{
	z_stream *stream = &gunzip->stream;
	const size_t given = bytes_least(gunzip->packed.length, *bytes);
	const size_t size = bytes_least(bytes_least(gunzip->left_bytes, PIECE_BYTES), *bytes);
	char *room = buffer_room(out, size);
	if (!room)
		return Z_MEM_ERROR;
	stream->next_in = (const unsigned char *)gunzip->packed.bytes;
	stream->avail_in = (unsigned)given;
	stream->next_out = (unsigned char *)room;
	stream->avail_out = (unsigned)size;
	const int code = inflate(stream, Z_NO_FLUSH);
	const size_t read = given - stream->avail_in, written = size - stream->avail_out;
	buffer_grown(out, written);
	gunzip->packed = text_from(gunzip->packed, read);
	gunzip->left_bytes -= written;
	*bytes -= bytes_least(read + written, *bytes);
	return code;
}

enum gzip_outcome gunzip_more(struct gunzip *gunzip, size_t *bytes, struct buffer *out)
{
	while (*bytes > 0) {
		const int code = gunzip_piece(gunzip, bytes, out);
		if (code == Z_MEM_ERROR)
			return GZIP_NO_MEMORY;
		if (gunzip->left_bytes == 0)
			return GZIP_TOO_LONG;
		if (code == Z_STREAM_END && gunzip->packed.length == 0)
			return GZIP_WHOLE;
		if (code == Z_STREAM_END ? inflateReset(&gunzip->stream) != Z_OK : code != Z_OK)
			return GZIP_INVALID;
	}
	return GZIP_MORE;
}

/* ---- answers ---- */

struct gzip {
	z_stream stream;
	struct text plain; /* the rest of it */
};

struct gzip *gzip_open(void)
{
	struct gzip *gzip = memory_take(1, sizeof *gzip);
	if (!gzip)
		return NULL;
	gzip->stream = (z_stream){.zalloc = zlib_take, .zfree = zlib_give};
	if (deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_ONLY, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
		return gzip;
	memory_give(gzip);
	return NULL;
}

void gzip_close(struct gzip *gzip)
{
	if (!gzip)
		return;
	(void)deflateEnd(&gzip->stream);
	memory_give(gzip);
}

bool gzip_begin(struct gzip *gzip, struct text plain)
{
	gzip->plain = plain;
	return deflateReset(&gzip->stream) == Z_OK;
}

enum gzip_outcome gzip_more(struct gzip *gzip, size_t *bytes, struct buffer *out)
{
	z_stream *stream = &gzip->stream;
	const size_t given = bytes_least(bytes_least(gzip->plain.length, PIECE_BYTES), *bytes);
	const bool is_last = given == gzip->plain.length;
	stream->next_in = (const unsigned char *)gzip->plain.bytes;
	stream->avail_in = (unsigned)given;
	do { /* until it leaves some of what it may write: then it has no more */
		char *room = buffer_room(out, PIECE_BYTES);
		if (!room)
			return GZIP_NO_MEMORY;
		stream->next_out = (unsigned char *)room;
		stream->avail_out = (unsigned)PIECE_BYTES;
		(void)deflate(stream, is_last ? Z_FINISH : Z_NO_FLUSH); /* which is never without progress that it could make */
		buffer_grown(out, PIECE_BYTES - stream->avail_out);
	} while (stream->avail_out == 0);
	gzip->plain = text_from(gzip->plain, given);
	*bytes -= given;
	return is_last ? GZIP_WHOLE : GZIP_MORE;
}

/* ---- negotiation ---- */

static double coding_weight(struct text parameters)
{
	double weight = 1;
	while (parameters.length > 0) {
		struct text one = text_trimmed(text_take_until(&parameters, ';'), " \t");
		if (text_starts_with(one, TEXT("q=")) || text_starts_with(one, TEXT("Q=")))
			(void)number_read_double(text_from(one, 2), &weight);
	}
	return weight;
}

bool gzip_is_accepted(struct text accept_encoding)
{
	double any = 0, gzip = -1, identity = 0; /* gzip below 0: the header does not name it */
	while (accept_encoding.length > 0) {
		struct text one = text_take_until(&accept_encoding, ',');
		struct text coding = text_trimmed(text_take_until(&one, ';'), " \t");
		if (text_equal_caseless(coding, TEXT("gzip")) || text_equal_caseless(coding, TEXT("x-gzip")))
			gzip = coding_weight(one);
		else if (text_equal_caseless(coding, TEXT("identity")))
			identity = coding_weight(one);
		else if (text_is(coding, "*"))
			any = coding_weight(one);
	}
	const double weight = gzip < 0 ? any : gzip;
	return weight > 0 && weight >= identity;
}
