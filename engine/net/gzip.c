/* gzip.c: see gzip.h. */
#include "net/gzip.h"

#define ZLIB_CONST
#include <limits.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/number.h"

#define GZIP_ONLY 16	    /* added to the bits of the window: neither zlib's own format nor none */
#define LEVEL 1		    /* an answer waits meanwhile, and further levels cost several times as much for a tenth less */
#define MEMORY_LEVEL 8	    /* zlib's default */
#define PIECE_BYTES ((size_t)64 << 10) /* by which decompressed bytes grow */

/* Compressed bodies are far shorter than this, on which zlib's counts of bytes would overflow. */
#define INPUT_BYTES_MAX ((size_t)UINT_MAX)

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

/* ---- requests ---- */

/* Decompresses until a member ends, the input is used up, or the limit is exceeded. */
static int unpack_member(z_stream *stream, size_t bytes_max, size_t begin, struct buffer *out)
{
	int code = Z_OK;
	while (code == Z_OK && out->length - begin <= bytes_max) {
		size_t left = bytes_max - (out->length - begin) + 1; /* one more, which shows that there is more */
		size_t size = left < PIECE_BYTES ? left : PIECE_BYTES;
		char *room = buffer_room(out, size);
		if (!room)
			return Z_MEM_ERROR;
		stream->next_out = (unsigned char *)room;
		stream->avail_out = (unsigned)size;
		code = inflate(stream, Z_NO_FLUSH);
		buffer_grown(out, size - stream->avail_out);
	}
	return code;
}

static enum gzip_outcome members_unpack(struct text packed, int window_bits, size_t bytes_max, struct buffer *out)
{
	z_stream stream = {.zalloc = zlib_take, .zfree = zlib_give};
	const size_t begin = out->length;
	if (packed.length == 0 || packed.length > INPUT_BYTES_MAX)
		return GZIP_INVALID;
	stream.next_in = (const unsigned char *)packed.bytes;
	stream.avail_in = (unsigned)packed.length;
	int code = inflateInit2(&stream, window_bits);
	if (code != Z_OK)
		return GZIP_NO_MEMORY;
	do {
		code = unpack_member(&stream, bytes_max, begin, out);
	} while (code == Z_STREAM_END && stream.avail_in > 0 && out->length - begin <= bytes_max && inflateReset(&stream) == Z_OK);
	(void)inflateEnd(&stream);
	if (code == Z_MEM_ERROR)
		return GZIP_NO_MEMORY;
	if (out->length - begin > bytes_max)
		return GZIP_TOO_LONG;
	return code == Z_STREAM_END ? GZIP_WHOLE : GZIP_INVALID;
}

enum gzip_outcome gzip_unpack(struct text packed, size_t bytes_max, struct buffer *out)
{
	return members_unpack(packed, MAX_WBITS + GZIP_ONLY, bytes_max, out);
}

enum gzip_outcome zlib_unpack(struct text packed, size_t bytes_max, struct buffer *out)
{
	return members_unpack(packed, MAX_WBITS, bytes_max, out);
}

/* ---- answers ---- */

struct gzip {
	z_stream stream;
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

bool gzip_pack(struct gzip *gzip, struct text plain, struct buffer *out)
{
	z_stream *stream = &gzip->stream;
	if (plain.length > INPUT_BYTES_MAX / 2 || deflateReset(stream) != Z_OK)
		return false;
	size_t most = deflateBound(stream, plain.length);
	char *room = buffer_room(out, most);
	if (!room)
		return false;
	stream->next_in = (const unsigned char *)plain.bytes;
	stream->avail_in = (unsigned)plain.length;
	stream->next_out = (unsigned char *)room;
	stream->avail_out = (unsigned)most;
	if (deflate(stream, Z_FINISH) != Z_STREAM_END)
		return false;
	buffer_grown(out, most - stream->avail_out);
	return true;
}

/* ---- negotiation ---- */

static bool coding_is_refused(struct text parameters)
{
	double weight = 1;
	while (parameters.length > 0) {
		struct text one = text_trimmed(text_take_until(&parameters, ';'), " \t");
		if (text_starts_with(one, TEXT("q=")) || text_starts_with(one, TEXT("Q=")))
			(void)number_read_double(text_from(one, 2), &weight);
	}
	return weight <= 0;
}

bool gzip_is_accepted(struct text accept_encoding)
{
	bool any = false;
	while (accept_encoding.length > 0) {
		struct text one = text_take_until(&accept_encoding, ',');
		struct text coding = text_trimmed(text_take_until(&one, ';'), " \t");
		if (text_equal_caseless(coding, TEXT("gzip")) || text_equal_caseless(coding, TEXT("x-gzip")))
			return !coding_is_refused(one);
		if (text_is(coding, "*"))
			any = !coding_is_refused(one);
	}
	return any;
}
