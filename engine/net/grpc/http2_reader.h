/* http2_reader.h: Reader of the frames that a server of HTTP/2 sends: received bytes, cut anywhere, become frames.
 *
 * It checks what needs no knowledge of streams: lengths, stream ids, the order of HEADERS and CONTINUATION, padding,
 * and that SETTINGS come first (RFC 9113, 4 and 6). A block of headers is returned whole, and DATA as it arrives,
 * without being copied. Frames of unknown types are skipped.
 *
 * A reader starts as http2_reader_open() leaves it, belongs to one thread, and touches nothing but its buffers.
 */
#pragma once

#include "base/text.h"
#include "net/grpc/http2_frame.h"

#define HTTP2_BLOCK_BYTES ((size_t)64 << 10) /* of a block of headers, compressed */
#define HTTP2_CONTINUATIONS_MAX 16	     /* of a block: empty ones cost their sender nothing */

struct http2_frame {
	struct http2_frame_head head; /* of HEADERS the first frame's */
	const unsigned char *bytes;   /* payload without padding and priority; valid until the next call */
	size_t length;
	size_t charged; /* of DATA: bytes that flow control counts for this part */
	bool last;	/* of DATA: no further part of the frame follows */
};

struct http2_reader {
	unsigned char head_bytes[HTTP2_HEAD_BYTES];
	size_t head_count;
	struct http2_frame_head head; /* of the present frame, once head_count is HTTP2_HEAD_BYTES */
	size_t left;		      /* of its payload */
	size_t padding;		      /* of DATA, at the end of what is left */
	bool padded;		      /* the length of the padding is still to come */
	struct buffer payload;	      /* of a frame that arrives in pieces */
	struct buffer block;	      /* of headers that CONTINUATION frames go on with */
	struct http2_frame_head block_head;
	unsigned continuations;
	bool in_block;
	bool settled; /* the first frame has come */
	/* Why it is broken: */
	uint32_t fault; /* NGHTTP2_PROTOCOL_ERROR and the others */
	const char *words;
};

void http2_reader_open(struct http2_reader *reader);
void http2_reader_close(struct http2_reader *reader);

enum http2_reading { HTTP2_FRAME_READ, HTTP2_FRAME_INCOMPLETE, HTTP2_FRAME_BROKEN };

/* Reads on, and moves `bytes` and `count` past what it has read. INCOMPLETE: all bytes are read. BROKEN: the
 * connection has to end, with `fault` and `words`; the reader must not be called again. */
enum http2_reading http2_reader_next(struct http2_reader *reader, const unsigned char **bytes, size_t *count,
				     struct http2_frame *frame);
