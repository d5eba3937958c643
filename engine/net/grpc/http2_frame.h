/* http2_frame.h: Head of an HTTP/2 frame, and numbers in frames, as bytes (RFC 9113, 4.1). Pure; any thread may call. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HTTP2_HEAD_BYTES 9
#define HTTP2_NUMBER_BYTES 4
#define HTTP2_FRAME_BYTES ((size_t)16384) /* a payload that every peer accepts; a longer one is never asked for */

struct http2_frame_head {
	size_t length; /* of the payload */
	uint8_t type;  /* NGHTTP2_DATA and the others */
	uint8_t flags;
	int32_t id;
};

static inline void http2_number_write(unsigned char bytes[HTTP2_NUMBER_BYTES], uint32_t number)
{
	for (int i = 0; i < HTTP2_NUMBER_BYTES; i++)
		bytes[i] = (unsigned char)(number >> 8 * (HTTP2_NUMBER_BYTES - 1 - i));
}

static inline uint32_t http2_number_read(const unsigned char bytes[HTTP2_NUMBER_BYTES])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Stream ids and increments of windows have 31 bits; the one before them is reserved, and is ignored. */
static inline int32_t http2_number_read_31(const unsigned char bytes[HTTP2_NUMBER_BYTES])
{
	return (int32_t)(http2_number_read(bytes) & INT32_MAX);
}

static inline void http2_frame_head_write(unsigned char bytes[HTTP2_HEAD_BYTES], struct http2_frame_head head)
{
	bytes[0] = (unsigned char)(head.length >> 16);
	bytes[1] = (unsigned char)(head.length >> 8);
	bytes[2] = (unsigned char)head.length;
	bytes[3] = head.type;
	bytes[4] = head.flags;
	http2_number_write(bytes + 5, (uint32_t)head.id);
}

static inline struct http2_frame_head http2_frame_head_read(const unsigned char bytes[HTTP2_HEAD_BYTES])
{
	return (struct http2_frame_head){
		.length = (size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2],
		.type = bytes[3],
		.flags = bytes[4],
		.id = http2_number_read_31(bytes + 5),
	};
}
