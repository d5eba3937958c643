/* http2_reader.c: Frames cut from received bytes; see http2_reader.h. */
#include "net/grpc/http2_reader.h"

#include <nghttp2/nghttp2.h>

#define PRIORITY_BYTES 5 /* of HEADERS with the flag PRIORITY: they are ignored, as RFC 9113 advises */
#define SETTING_BYTES 6

void http2_reader_open(struct http2_reader *reader)
{
	*reader = (struct http2_reader){0};
	buffer_open(&reader->payload, HTTP2_FRAME_BYTES + 1);
	buffer_open(&reader->block, HTTP2_BLOCK_BYTES + 1);
}

void http2_reader_close(struct http2_reader *reader)
{
	buffer_close(&reader->payload);
	buffer_close(&reader->block);
}

static bool reader_break(struct http2_reader *reader, uint32_t fault, const char *words)
{
	reader->fault = fault;
	reader->words = words;
	return false;
}

/* ---- the head of a frame ---- */

static bool length_fits(const struct http2_frame_head *head)
{
	switch (head->type) {
	case NGHTTP2_PRIORITY:
		return head->length == PRIORITY_BYTES;
	case NGHTTP2_RST_STREAM:
	case NGHTTP2_WINDOW_UPDATE:
		return head->length == HTTP2_NUMBER_BYTES;
	case NGHTTP2_SETTINGS:
		return head->flags & NGHTTP2_FLAG_ACK ? head->length == 0 : head->length % SETTING_BYTES == 0;
	case NGHTTP2_PING:
		return head->length == 2 * HTTP2_NUMBER_BYTES;
	case NGHTTP2_GOAWAY:
		return head->length >= 2 * HTTP2_NUMBER_BYTES;
	default:
		return true;
	}
}

/* Frames of a stream need its id, and frames of the connection must have none. WINDOW_UPDATE may be either. */
static bool stream_fits(const struct http2_frame_head *head)
{
	switch (head->type) {
	case NGHTTP2_DATA:
	case NGHTTP2_HEADERS:
	case NGHTTP2_PRIORITY:
	case NGHTTP2_RST_STREAM:
	case NGHTTP2_CONTINUATION:
		return head->id != 0;
	case NGHTTP2_SETTINGS:
	case NGHTTP2_PING:
	case NGHTTP2_GOAWAY:
		return head->id == 0;
	default:
		return true;
	}
}

static bool head_check(struct http2_reader *reader)
{
	const struct http2_frame_head *head = &reader->head;
	if (head->length > HTTP2_FRAME_BYTES)
		return reader_break(reader, NGHTTP2_FRAME_SIZE_ERROR, "a frame is longer than agreed");
	if (!reader->settled && (head->type != NGHTTP2_SETTINGS || head->flags & NGHTTP2_FLAG_ACK))
		return reader_break(reader, NGHTTP2_PROTOCOL_ERROR, "its first frame is not SETTINGS");
	if (reader->in_block != (head->type == NGHTTP2_CONTINUATION) || (reader->in_block && head->id != reader->block_head.id))
		return reader_break(reader, NGHTTP2_PROTOCOL_ERROR, "a block of headers is not continued as it has to be");
	if (head->type == NGHTTP2_PUSH_PROMISE)
		return reader_break(reader, NGHTTP2_PROTOCOL_ERROR, "it pushes, which was ruled out");
	if (!stream_fits(head))
		return reader_break(reader, NGHTTP2_PROTOCOL_ERROR, "a frame has a stream id that its type must not have");
	if (!length_fits(head))
		return reader_break(reader, NGHTTP2_FRAME_SIZE_ERROR, "a frame has a length that its type must not have");
	reader->settled = true;
	return true;
}

/* False: it is incomplete, or broken. */
static bool head_take(struct http2_reader *reader, const unsigned char **bytes, size_t *count)
{
	size_t missing = HTTP2_HEAD_BYTES - reader->head_count;
	size_t now = *count < missing ? *count : missing;
	if (now > 0)
		memcpy(reader->head_bytes + reader->head_count, *bytes, now);
	reader->head_count += now;
	*bytes += now;
	*count -= now;
	if (now < missing)
		return false;
	reader->head = http2_frame_head_read(reader->head_bytes);
	reader->left = reader->head.length;
	reader->padding = 0;
	reader->padded = reader->head.type == NGHTTP2_DATA && reader->head.flags & NGHTTP2_FLAG_PADDED;
	buffer_clear(&reader->payload);
	return head_check(reader);
}

/* ---- DATA ---- */

static const char padding_is_long[] = "a frame has more padding than payload";

static enum http2_reading data_take(struct http2_reader *reader, const unsigned char **bytes, size_t *count,
				    struct http2_frame *frame)
{
	size_t prefix = reader->padded;
	if (reader->padded && reader->left == 0) {
		reader_break(reader, NGHTTP2_PROTOCOL_ERROR, padding_is_long);
		return HTTP2_FRAME_BROKEN;
	}
	if (*count == 0 && reader->left > 0)
		return HTTP2_FRAME_INCOMPLETE;
	if (reader->padded) {
		reader->padded = false;
		reader->padding = **bytes;
		reader->left--;
		++*bytes;
		--*count;
		if (reader->padding > reader->left) {
			reader_break(reader, NGHTTP2_PROTOCOL_ERROR, padding_is_long);
			return HTTP2_FRAME_BROKEN;
		}
	}
	size_t now = *count < reader->left ? *count : reader->left;
	size_t message = reader->left - (reader->padding < reader->left ? reader->padding : reader->left);
	*frame = (struct http2_frame){.head = reader->head,
				      .bytes = *bytes,
				      .length = now < message ? now : message,
				      .charged = prefix + now,
				      .last = now == reader->left};
	reader->left -= now;
	*bytes += now;
	*count -= now;
	if (frame->last)
		reader->head_count = 0;
	return HTTP2_FRAME_READ;
}

/* ---- other frames, which are returned whole ---- */

/* The payload in one piece: of what came now, if it is all there. False: it is incomplete. */
static bool payload_take(struct http2_reader *reader, const unsigned char **bytes, size_t *count, struct text *payload)
{
	if (reader->payload.length == 0 && *count >= reader->left) {
		*payload = (struct text){(const char *)*bytes, reader->left};
		*bytes += reader->left;
		*count -= reader->left;
		reader->left = 0;
		return true;
	}
	size_t now = *count < reader->left ? *count : reader->left;
	buffer_append(&reader->payload, *bytes, now);
	reader->left -= now;
	*bytes += now;
	*count -= now;
	*payload = buffer_view(&reader->payload);
	return reader->left == 0;
}

/* Removes padding and priority from a block of headers. */
static bool block_trim(struct http2_reader *reader, struct text *block)
{
	size_t padding = 0;
	if (reader->head.flags & NGHTTP2_FLAG_PADDED) {
		if (block->length == 0)
			return reader_break(reader, NGHTTP2_PROTOCOL_ERROR, padding_is_long);
		padding = (unsigned char)*block->bytes;
		block->bytes++;
		block->length--;
	}
	if (reader->head.flags & NGHTTP2_FLAG_PRIORITY) {
		if (block->length < PRIORITY_BYTES)
			return reader_break(reader, NGHTTP2_FRAME_SIZE_ERROR, "its headers end in their priority");
		block->bytes += PRIORITY_BYTES;
		block->length -= PRIORITY_BYTES;
	}
	if (padding > block->length)
		return reader_break(reader, NGHTTP2_PROTOCOL_ERROR, padding_is_long);
	block->length -= padding;
	return true;
}

/* Joins the frames of a block. INCOMPLETE: another one has to follow. */
static enum http2_reading block_take(struct http2_reader *reader, struct text *block)
{
	const bool begins = reader->head.type == NGHTTP2_HEADERS, ends = reader->head.flags & NGHTTP2_FLAG_END_HEADERS;
	if (begins) {
		if (!block_trim(reader, block))
			return HTTP2_FRAME_BROKEN;
		reader->block_head = reader->head;
		reader->continuations = 0;
		buffer_clear(&reader->block);
	}
	if (begins && ends)
		return HTTP2_FRAME_READ;
	reader->continuations += !begins;
	reader->in_block = !ends;
	buffer_text(&reader->block, *block);
	if (buffer_failed(&reader->block) || reader->continuations > HTTP2_CONTINUATIONS_MAX) {
		reader_break(reader, NGHTTP2_ENHANCE_YOUR_CALM, "its headers are too long");
		return HTTP2_FRAME_BROKEN;
	}
	*block = buffer_view(&reader->block);
	return ends ? HTTP2_FRAME_READ : HTTP2_FRAME_INCOMPLETE;
}

enum http2_reading http2_reader_next(struct http2_reader *reader, const unsigned char **bytes, size_t *count,
				     struct http2_frame *frame)
{
	for (;;) {
		if (reader->head_count < HTTP2_HEAD_BYTES && !head_take(reader, bytes, count))
			return reader->fault ? HTTP2_FRAME_BROKEN : HTTP2_FRAME_INCOMPLETE;
		if (reader->head.type == NGHTTP2_DATA)
			return data_take(reader, bytes, count, frame);
		struct text payload;
		bool whole = payload_take(reader, bytes, count, &payload);
		if (buffer_failed(&reader->payload)) {
			reader_break(reader, NGHTTP2_INTERNAL_ERROR, "there is no memory for its frames");
			return HTTP2_FRAME_BROKEN;
		}
		if (!whole)
			return HTTP2_FRAME_INCOMPLETE;
		reader->head_count = 0;
		enum http2_reading reading = HTTP2_FRAME_READ;
		const bool of_block = reader->head.type == NGHTTP2_HEADERS || reader->head.type == NGHTTP2_CONTINUATION;
		if (of_block)
			reading = block_take(reader, &payload);
		if (reading == HTTP2_FRAME_INCOMPLETE || reader->head.type > NGHTTP2_CONTINUATION)
			continue;
		*frame = (struct http2_frame){.head = of_block ? reader->block_head : reader->head,
					      .bytes = (const unsigned char *)payload.bytes,
					      .length = payload.length,
					      .last = true};
		return reading;
	}
}
