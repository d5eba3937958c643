/* Frames of a server cut from bytes: whole, in pieces of any size, and against the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

#include "net/grpc/http2_reader.h"

#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define BYTES(literal) literal, sizeof(literal) - 1

static char read_text[4096]; /* what was read: `TYPE ID FLAGS payload`, with the parts of DATA joined */

static void note_frame(const struct http2_frame *frame, bool begins, size_t charged)
{
	size_t length = strlen(read_text);
	if (begins)
		length += (size_t)snprintf(read_text + length, sizeof read_text - length, "%d %d %d ", frame->head.type,
					   frame->head.id, frame->head.flags);
	for (size_t i = 0; i < frame->length; i++)
		length += (size_t)snprintf(read_text + length, sizeof read_text - length, "%02x", frame->bytes[i]);
	if (frame->last)
		snprintf(read_text + length, sizeof read_text - length, " %zu\n", charged);
}

/* Reads `size` bytes, `step` of them at a time. Returns the fault; 0: none. */
static uint32_t read_bytes(const char *bytes, size_t size, size_t step)
{
	struct http2_reader reader;
	struct http2_frame frame;
	bool begins = true;
	size_t charged = 0;
	uint32_t fault = 0;
	read_text[0] = '\0';
	http2_reader_open(&reader);
	for (size_t at = 0; at < size && !fault; at += step) {
		const unsigned char *rest = (const unsigned char *)bytes + at;
		size_t count = size - at < step ? size - at : step;
		enum http2_reading reading;
		while ((reading = http2_reader_next(&reader, &rest, &count, &frame)) == HTTP2_FRAME_READ) {
			charged = begins ? frame.charged : charged + frame.charged;
			note_frame(&frame, begins, charged);
			begins = frame.last;
		}
		fault = reading == HTTP2_FRAME_BROKEN ? reader.fault : 0;
		assert_true(fault || count == 0);
		assert_true(!fault || reader.words[0]);
	}
	http2_reader_close(&reader);
	return fault;
}

static void frames_are_the_same_however_they_are_cut(void **state)
{
	(void)state;
	static const char bytes[] = SETTINGS "\0\0\3\0\1\0\0\0\3"
					     "abc"
					     /* padding of 2, and a priority before the block */
					     "\0\0\6\0\x8\0\0\0\3"
					     "\2xyz\0\0"
					     "\0\0\xb\1\x2c\0\0\0\5"
					     "\3\0\0\0\1\2HI\0\0\0"
					     /* a block in three frames, one of them empty */
					     "\0\0\2\1\1\0\0\0\7"
					     "JK"
					     "\0\0\0\x9\0\0\0\0\7"
					     "\0\0\1\x9\4\0\0\0\7L"
					     /* DATA without anything, a type that is unknown, PING */
					     "\0\0\0\0\1\0\0\0\3"
					     "\0\0\2\xbe\xff\0\0\0\3??"
					     "\0\0\x8\6\1\0\0\0\0"
					     "12345678";
	for (size_t step = 1; step <= sizeof bytes; step++) {
		assert_int_equal(read_bytes(bytes, sizeof bytes - 1, step), 0);
		assert_string_equal(read_text, "4 0 0  0\n"
					       "0 3 1 616263 3\n"
					       "0 3 8 78797a 6\n"
					       "1 5 44 4849 0\n"
					       "1 7 1 4a4b4c 0\n"
					       "0 3 1  0\n"
					       "6 0 1 3132333435363738 0\n");
	}
}

static void what_breaks_a_rule_is_a_fault(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
		uint32_t fault;
	} rows[] = {
		{BYTES("\0\0\x8\6\0\0\0\0\0"), NGHTTP2_PROTOCOL_ERROR},		    /* PING first */
		{BYTES("\0\0\0\4\1\0\0\0\0"), NGHTTP2_PROTOCOL_ERROR},		    /* an acknowledgement first */
		{BYTES(SETTINGS "\0\x40\1\0\0\0\0\0\1"), NGHTTP2_FRAME_SIZE_ERROR}, /* one byte too long */
		{BYTES(SETTINGS "\0\0\7\6\0\0\0\0\0"), NGHTTP2_FRAME_SIZE_ERROR},   /* PING of 7 bytes */
		{BYTES(SETTINGS "\0\0\6\4\1\0\0\0\0"), NGHTTP2_FRAME_SIZE_ERROR},   /* an acknowledgement with settings */
		{BYTES(SETTINGS "\0\0\5\4\0\0\0\0\0"), NGHTTP2_FRAME_SIZE_ERROR},   /* settings cut short */
		{BYTES(SETTINGS "\0\0\3\3\0\0\0\0\1"), NGHTTP2_FRAME_SIZE_ERROR},   /* RST_STREAM of 3 bytes */
		{BYTES(SETTINGS "\0\0\7\7\0\0\0\0\0"), NGHTTP2_FRAME_SIZE_ERROR},   /* GOAWAY of 7 bytes */
		{BYTES(SETTINGS "\0\0\5\x8\0\0\0\0\0"), NGHTTP2_FRAME_SIZE_ERROR},  /* WINDOW_UPDATE of 5 bytes */
		{BYTES(SETTINGS "\0\0\4\2\0\0\0\0\1"), NGHTTP2_FRAME_SIZE_ERROR},   /* PRIORITY of 4 bytes */
		{BYTES(SETTINGS "\0\0\0\0\0\0\0\0\0"), NGHTTP2_PROTOCOL_ERROR},	    /* DATA of no stream */
		{BYTES(SETTINGS "\0\0\0\1\4\0\0\0\0"), NGHTTP2_PROTOCOL_ERROR},	    /* HEADERS of no stream */
		{BYTES(SETTINGS "\0\0\4\3\0\0\0\0\0"), NGHTTP2_PROTOCOL_ERROR},	    /* RST_STREAM of no stream */
		{BYTES(SETTINGS "\0\0\0\4\0\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR},	    /* SETTINGS of a stream */
		{BYTES(SETTINGS "\0\0\x8\6\0\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR},    /* PING of a stream */
		{BYTES(SETTINGS "\0\0\x8\7\0\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR},    /* GOAWAY of a stream */
		{BYTES(SETTINGS "\0\0\4\5\4\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR},	    /* PUSH_PROMISE */
		{BYTES(SETTINGS "\0\0\0\x9\4\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR},    /* CONTINUATION of nothing */
		{BYTES(SETTINGS "\0\0\0\1\0\0\0\0\1\0\0\0\0\0\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR},   /* DATA in a block */
		{BYTES(SETTINGS "\0\0\0\1\0\0\0\0\1\0\0\0\x9\4\0\0\0\3"), NGHTTP2_PROTOCOL_ERROR},  /* a block of two streams */
		{BYTES(SETTINGS "\0\0\0\1\0\0\0\0\1\0\0\0\xbe\4\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR}, /* a type unknown in a block */
		{BYTES(SETTINGS "\0\0\0\0\x8\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR},		    /* padding without its length */
		{BYTES(SETTINGS "\0\0\3\0\x8\0\0\0\1\3ab"), NGHTTP2_PROTOCOL_ERROR},		    /* padding beyond the frame */
		{BYTES(SETTINGS "\0\0\0\1\xc\0\0\0\1"), NGHTTP2_PROTOCOL_ERROR},		    /* the same of headers */
		{BYTES(SETTINGS "\0\0\3\1\xc\0\0\0\1\3ab"), NGHTTP2_PROTOCOL_ERROR},
		{BYTES(SETTINGS "\0\0\4\1\x24\0\0\0\1\0\0\0\0"), NGHTTP2_FRAME_SIZE_ERROR}, /* a priority cut short */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t step = 1; step <= rows[i].size; step++)
			if (read_bytes(rows[i].bytes, rows[i].size, step) != rows[i].fault)
				fail_msg("row %zu, %zu bytes at a time", i, step);
}

/* A block of `count` frames with `size` bytes each. */
static uint32_t read_block(size_t count, size_t size)
{
	static char bytes[sizeof SETTINGS + 24 * (HTTP2_HEAD_BYTES + HTTP2_FRAME_BYTES)];
	size_t length = sizeof SETTINGS - 1;
	memcpy(bytes, SETTINGS, length);
	for (size_t i = 0; i < count; i++) {
		const struct http2_frame_head head = {.length = size,
						      .type = i == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
						      .flags = i + 1 == count ? NGHTTP2_FLAG_END_HEADERS : 0,
						      .id = 1};
		http2_frame_head_write((unsigned char *)bytes + length, head);
		memset(bytes + length + HTTP2_HEAD_BYTES, 0, size);
		length += HTTP2_HEAD_BYTES + size;
	}
	struct http2_reader reader;
	struct http2_frame frame;
	const unsigned char *rest = (const unsigned char *)bytes;
	enum http2_reading reading;
	size_t whole = 0;
	http2_reader_open(&reader);
	while ((reading = http2_reader_next(&reader, &rest, &length, &frame)) == HTTP2_FRAME_READ)
		whole = frame.length;
	assert_true(reading == HTTP2_FRAME_BROKEN || whole == count * size);
	uint32_t fault = reading == HTTP2_FRAME_BROKEN ? reader.fault : 0;
	http2_reader_close(&reader);
	return fault;
}

static void blocks_have_so_many_frames_and_bytes_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(read_block(1 + HTTP2_CONTINUATIONS_MAX, 1), 0);
	assert_int_equal(read_block(2 + HTTP2_CONTINUATIONS_MAX, 1), NGHTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(read_block(4, HTTP2_BLOCK_BYTES / 4), 0);
	assert_int_equal(read_block(5, HTTP2_BLOCK_BYTES / 4), NGHTTP2_ENHANCE_YOUR_CALM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_the_same_however_they_are_cut),
		cmocka_unit_test(what_breaks_a_rule_is_a_fault),
		cmocka_unit_test(blocks_have_so_many_frames_and_bytes_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
