/* grpc_session.c: HTTP/2 on a connection of the gRPC client: frames, settings, windows, and streams by their ids.
 *
 * It follows RFC 9113 for a client that opens all streams, is pushed nothing, and needs no priorities. A frame is
 * written as soon as it is due, into the connection's output; of messages so much as the windows and one send take.
 * See grpc_client.h.
 */

#include "base/memory.h"
#include "net/grpc/grpc_client.h"

#define FIRST_WINDOW 65535	/* of a connection, and of streams before SETTINGS (RFC 9113, 6.9.2) */
#define WINDOW_MAX INT32_MAX	/* which no window may exceed */
#define TABLE_PLACES_LEAST 16	/* of streams by their ids */
#define LAST_ID (INT32_MAX - 2) /* of a new stream */
#define REASON_BYTES_MAX 200	/* of the words of a GOAWAY */
#define PING_BYTES (2 * HTTP2_NUMBER_BYTES)
#define SETTING_BYTES 6

/* ---- writing frames ---- */

static void frame_write(struct grpc_connection *connection, struct http2_frame_head head, const void *payload)
{
	unsigned char *room = (unsigned char *)buffer_room(&connection->http2.out, HTTP2_HEAD_BYTES + head.length);
	if (!room)
		return; /* the failure stays, and ends the connection when it sends */
	http2_frame_head_write(room, head);
	if (head.length > 0)
		memcpy(room + HTTP2_HEAD_BYTES, payload, head.length);
	buffer_grown(&connection->http2.out, HTTP2_HEAD_BYTES + head.length);
	connection->dirty = true;
}

static void number_frame_write(struct grpc_connection *connection, uint8_t type, int32_t id, uint32_t number)
{
	unsigned char payload[HTTP2_NUMBER_BYTES];
	http2_number_write(payload, number);
	frame_write(connection, (struct http2_frame_head){.length = sizeof payload, .type = type, .id = id}, payload);
}

void grpc_session_ping(struct grpc_connection *connection)
{
	static const unsigned char payload[PING_BYTES];
	frame_write(connection, (struct http2_frame_head){.length = sizeof payload, .type = NGHTTP2_PING}, payload);
}

void grpc_session_goodbye(struct grpc_connection *connection, uint32_t code, const char *words)
{
	unsigned char payload[2 * HTTP2_NUMBER_BYTES + REASON_BYTES_MAX] = {0}; /* the last id: the server opened no stream */
	size_t length = strlen(words) < REASON_BYTES_MAX ? strlen(words) : REASON_BYTES_MAX;
	http2_number_write(payload + HTTP2_NUMBER_BYTES, code);
	memcpy(payload + 2 * HTTP2_NUMBER_BYTES, words, length);
	frame_write(connection, (struct http2_frame_head){.length = 2 * HTTP2_NUMBER_BYTES + length, .type = NGHTTP2_GOAWAY},
		    payload);
}

static void settings_write(struct grpc_connection *connection)
{
	static const struct {
		uint8_t id;
		uint32_t value;
	} settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW}};
	unsigned char payload[SETTING_BYTES * (sizeof settings / sizeof *settings)] = {0};
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		payload[SETTING_BYTES * i + 1] = settings[i].id;
		http2_number_write(payload + SETTING_BYTES * i + 2, settings[i].value);
	}
	frame_write(connection, (struct http2_frame_head){.length = sizeof payload, .type = NGHTTP2_SETTINGS}, payload);
}

/* Ends the session, because the server broke a rule. Returns false. */
static bool session_break(struct grpc_connection *connection, uint32_t code, const char *words)
{
	grpc_session_goodbye(connection, code, words);
	if (code == NGHTTP2_INTERNAL_ERROR)
		return error_memory(&connection->error, ERROR_SYSTEM, "reading HTTP/2");
	return error_set(&connection->error, ERROR_REMOTE, PLACE_NONE, "it broke the rules of HTTP/2: %s, %s",
			 nghttp2_http2_strerror(code), words);
}

/* ---- streams by their ids ---- */

/* Ids are odd and follow one another. Scattered (Knuth, 6.4) they leave gaps, at which a search ends. */
static size_t first_place(const struct grpc_connection *connection, int32_t id)
{
	return (uint32_t)id * 2654435769u >> 12 & connection->by_id_mask;
}

/* The place of the stream, or the empty one at which the search ended. */
static size_t place_find(const struct grpc_connection *connection, int32_t id)
{
	size_t place = first_place(connection, id);
	while (connection->by_id[place] && connection->by_id[place]->id != id)
		place = (place + 1) & connection->by_id_mask;
	return place;
}

static struct grpc_stream *stream_find(const struct grpc_connection *connection, int32_t id)
{
	return connection->by_id[place_find(connection, id)];
}

/* Streams behind the gap move into it, unless they would move before their first place. */
static void place_clear(struct grpc_connection *connection, size_t gap)
{
	const size_t mask = connection->by_id_mask;
	struct grpc_stream **by_id = connection->by_id;
	for (size_t place = (gap + 1) & mask; by_id[place]; place = (place + 1) & mask) {
		size_t first = first_place(connection, by_id[place]->id);
		if (((place - first) & mask) < ((place - gap) & mask))
			continue;
		by_id[gap] = by_id[place];
		gap = place;
	}
	by_id[gap] = NULL;
}

/* Whether a stream with that id was ever opened. */
static bool id_was_used(const struct grpc_connection *connection, int32_t id)
{
	return id % 2 == 1 && id < connection->next_id;
}

static bool unknown_stream_check(struct grpc_connection *connection, int32_t id)
{
	return id_was_used(connection, id) ||
	       session_break(connection, NGHTTP2_PROTOCOL_ERROR, "a frame is of a stream that was never opened");
}

/* Lists a stream that may send. */
static void stream_may_send(struct grpc_connection *connection, struct grpc_stream *stream)
{
	if (!stream->whole_sent && stream->send_window > 0 && !stream->send_node.list)
		list_add(&connection->sending, &stream->send_node);
	connection->dirty = true;
}

bool grpc_session_has_ids(const struct grpc_connection *connection)
{
	return connection->next_id <= LAST_ID;
}

bool grpc_session_has_room(const struct grpc_connection *connection)
{
	return connection->open < connection->streams_allowed && connection->http2.out.length < HTTP2_OUT_BYTES;
}

size_t grpc_session_headers_begin(struct grpc_connection *connection)
{
	struct buffer *out = &connection->http2.out;
	size_t begin = out->length;
	buffer_append(out, (const char[HTTP2_HEAD_BYTES]){0}, HTTP2_HEAD_BYTES);
	hpack_block_begin(&connection->encoder, out);
	return begin;
}

void grpc_session_headers_end(struct grpc_connection *connection, struct grpc_stream *stream, size_t begin)
{
	struct buffer *out = &connection->http2.out;
	stream->id = connection->next_id;
	stream->connection = connection;
	stream->send_window = connection->first_send_window;
	stream->window = (struct grpc_window){.left = HTTP2_STREAM_WINDOW};
	connection->next_id += 2;
	connection->by_id[place_find(connection, stream->id)] = stream;
	if (!buffer_failed(out))
		http2_frame_head_write((unsigned char *)out->bytes + begin,
				       (struct http2_frame_head){.length = out->length - begin - HTTP2_HEAD_BYTES,
								 .type = NGHTTP2_HEADERS,
								 .flags = NGHTTP2_FLAG_END_HEADERS,
								 .id = stream->id});
	stream_may_send(connection, stream);
}

void grpc_session_drop(struct grpc_stream *stream)
{
	struct grpc_connection *connection = stream->connection;
	if (!connection)
		return;
	place_clear(connection, place_find(connection, stream->id));
	list_remove(&stream->send_node);
	stream->connection = NULL;
	grpc_connection_closed_stream(connection);
}

void grpc_session_reset(struct grpc_stream *stream, uint32_t code)
{
	number_frame_write(stream->connection, NGHTTP2_RST_STREAM, stream->id, code);
	grpc_session_drop(stream);
}

static void stream_break(struct grpc_stream *stream, uint32_t code)
{
	grpc_session_reset(stream, code);
	grpc_stream_failed(stream, code);
}

/* ---- what the server sends ---- */

static bool window_charge(struct grpc_window *window, size_t count)
{
	window->left -= (int64_t)count;
	window->used += (int64_t)count;
	return window->left >= 0;
}

/* Widens a window of which half is used. */
static void window_widen(struct grpc_connection *connection, struct grpc_window *window, int32_t id, int64_t size)
{
	if (window->used < size / 2)
		return;
	number_frame_write(connection, NGHTTP2_WINDOW_UPDATE, id, (uint32_t)window->used);
	window->left += window->used;
	window->used = 0;
}

static void server_answers(struct grpc_connection *connection)
{
	connection->served = true;
	connection->pings = 0;
}

/* The end of an answer. It may arrive before the request was sent completely, and the rest is not sent then. */
static void answer_end(struct grpc_stream *stream)
{
	if (stream->content_length >= 0 && stream->content_length != stream->received) {
		stream_break(stream, NGHTTP2_PROTOCOL_ERROR);
		return;
	}
	if (stream->whole_sent)
		grpc_session_drop(stream);
	else
		grpc_session_reset(stream, NGHTTP2_CANCEL);
	grpc_stream_answered(stream);
}

static bool data_take(struct grpc_connection *connection, const struct http2_frame *frame)
{
	static const char beyond[] = "it sends more than a window allows";
	const int32_t id = frame->head.id;
	if (!window_charge(&connection->window, frame->charged))
		return session_break(connection, NGHTTP2_FLOW_CONTROL_ERROR, beyond);
	window_widen(connection, &connection->window, 0, HTTP2_CONNECTION_WINDOW);
	server_answers(connection);
	struct grpc_stream *stream = stream_find(connection, id);
	if (!stream)
		return unknown_stream_check(connection, id);
	if (!window_charge(&stream->window, frame->charged)) {
		stream_break(stream, NGHTTP2_FLOW_CONTROL_ERROR);
		return true;
	}
	if (!stream->begun) {
		stream_break(stream, NGHTTP2_PROTOCOL_ERROR);
		return true;
	}
	stream->received += (int64_t)frame->length;
	if (frame->length > 0)
		grpc_stream_take_data(stream, frame->bytes, frame->length);
	if (!stream->connection)
		return true;
	if (frame->last && frame->head.flags & NGHTTP2_FLAG_END_STREAM)
		answer_end(stream);
	else
		window_widen(connection, &stream->window, id, HTTP2_STREAM_WINDOW);
	return true;
}

/* Whether the headers are those of an interim answer, which another one follows. */
static bool head_is_interim(const struct grpc_answer_head *head)
{
	return head->http_status >= 100 && head->http_status < 200;
}

/* Whether headers may come where they came: those of an answer, or its trailers. */
static bool head_fits(const struct grpc_stream *stream, const struct grpc_answer_head *head, bool last)
{
	if (head->malformed)
		return false;
	if (stream->begun)
		return last && head->http_status == 0;
	return head->http_status != 0 && head->http_status != 101 && !(last && head_is_interim(head));
}

static bool headers_take(struct grpc_connection *connection, const struct http2_frame *frame)
{
	const bool last = frame->head.flags & NGHTTP2_FLAG_END_STREAM;
	struct grpc_answer_head head;
	if (!grpc_head_read(&connection->heads, frame->bytes, frame->length, &head))
		return session_break(connection, connection->heads.fault, connection->heads.reason);
	server_answers(connection);
	struct grpc_stream *stream = stream_find(connection, frame->head.id);
	if (!stream)
		return unknown_stream_check(connection, frame->head.id);
	if (!head_fits(stream, &head, last)) {
		stream_break(stream, NGHTTP2_PROTOCOL_ERROR);
		return true;
	}
	if (head_is_interim(&head))
		return true;
	if (!stream->begun)
		stream->content_length = head.content_length;
	stream->begun = true;
	grpc_stream_take_head(stream, &head, buffer_view(&connection->heads.words), last);
	if (last)
		answer_end(stream);
	return true;
}

static bool reset_take(struct grpc_connection *connection, const struct http2_frame *frame)
{
	struct grpc_stream *stream = stream_find(connection, frame->head.id);
	server_answers(connection);
	if (!stream)
		return unknown_stream_check(connection, frame->head.id);
	stream->reset = true;
	grpc_session_drop(stream);
	grpc_stream_failed(stream, http2_number_read(frame->bytes));
	return true;
}

/* The window of new streams changes, and that of each open one by as much (RFC 9113, 6.9.2). */
static bool first_window_set(struct grpc_connection *connection, uint32_t size)
{
	static const char large[] = "it makes a window too large";
	if (size > WINDOW_MAX)
		return session_break(connection, NGHTTP2_FLOW_CONTROL_ERROR, large);
	int64_t more = (int64_t)size - connection->first_send_window;
	connection->first_send_window = size;
	for (struct list_node *node = connection->streams.first; node; node = node->next) {
		struct grpc_stream *stream = grpc_stream_of(node);
		stream->send_window += more;
		if (stream->send_window > WINDOW_MAX)
			return session_break(connection, NGHTTP2_FLOW_CONTROL_ERROR, large);
		stream_may_send(connection, stream);
	}
	return true;
}

static bool setting_take(struct grpc_connection *connection, unsigned setting, uint32_t value)
{
	switch (setting) {
	case NGHTTP2_SETTINGS_HEADER_TABLE_SIZE:
		hpack_encoder_resize(&connection->encoder, value);
		return true;
	case NGHTTP2_SETTINGS_ENABLE_PUSH:
		return value == 0 || session_break(connection, NGHTTP2_PROTOCOL_ERROR, "only a client may allow a push");
	case NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS:
		connection->streams_allowed = value;
		return true;
	case NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE:
		return first_window_set(connection, value);
	case NGHTTP2_SETTINGS_MAX_FRAME_SIZE: /* frames are sent as every peer takes them */
		return (value >= HTTP2_FRAME_BYTES && value < 1u << 24) ||
		       session_break(connection, NGHTTP2_PROTOCOL_ERROR, "it allows frames of a length that is forbidden");
	default:
		return true;
	}
}

static bool settings_take(struct grpc_connection *connection, const struct http2_frame *frame)
{
	if (frame->head.flags & NGHTTP2_FLAG_ACK)
		return true;
	for (const unsigned char *at = frame->bytes, *end = at + frame->length; at < end; at += SETTING_BYTES)
		if (!setting_take(connection, (unsigned)at[0] << 8 | at[1], http2_number_read(at + 2)))
			return false;
	connection->standing = true;
	frame_write(connection, (struct http2_frame_head){.type = NGHTTP2_SETTINGS, .flags = NGHTTP2_FLAG_ACK}, NULL);
	return true;
}

static bool ping_take(struct grpc_connection *connection, const struct http2_frame *frame)
{
	if (!(frame->head.flags & NGHTTP2_FLAG_ACK))
		frame_write(connection,
			    (struct http2_frame_head){.length = PING_BYTES, .type = NGHTTP2_PING, .flags = NGHTTP2_FLAG_ACK},
			    frame->bytes);
	return true;
}

/* Streams that the server has not accepted are sent on another connection. */
static bool goaway_take(struct grpc_connection *connection, const struct http2_frame *frame)
{
	const size_t fixed = 2 * HTTP2_NUMBER_BYTES;
	const int32_t last_id = http2_number_read_31(frame->bytes);
	const uint32_t code = http2_number_read(frame->bytes + HTTP2_NUMBER_BYTES);
	if (code != NGHTTP2_NO_ERROR)
		error_set(&connection->error, ERROR_REMOTE, PLACE_NONE, "it sent GOAWAY: %s %.*s", nghttp2_http2_strerror(code),
			  (int)(frame->length - fixed), (const char *)frame->bytes + fixed);
	grpc_connection_leave(connection);
	for (struct list_node *node = connection->streams.first, *next; node; node = next) {
		struct grpc_stream *stream = grpc_stream_of(node);
		next = node->next;
		if (stream->id <= last_id)
			continue;
		grpc_session_drop(stream);
		grpc_stream_failed(stream, NGHTTP2_REFUSED_STREAM);
	}
	return true;
}

static bool window_take(struct grpc_connection *connection, const struct http2_frame *frame)
{
	const int32_t id = frame->head.id, more = http2_number_read_31(frame->bytes);
	if (id == 0) {
		connection->send_window += more;
		if (more == 0)
			return session_break(connection, NGHTTP2_PROTOCOL_ERROR, "it widens a window by nothing");
		return connection->send_window <= WINDOW_MAX ||
		       session_break(connection, NGHTTP2_FLOW_CONTROL_ERROR, "it makes a window too large");
	}
	struct grpc_stream *stream = stream_find(connection, id);
	if (!stream)
		return unknown_stream_check(connection, id);
	stream->send_window += more;
	if (more == 0)
		stream_break(stream, NGHTTP2_PROTOCOL_ERROR);
	else if (stream->send_window > WINDOW_MAX)
		stream_break(stream, NGHTTP2_FLOW_CONTROL_ERROR);
	else
		stream_may_send(connection, stream);
	return true;
}

static bool frame_take(struct grpc_connection *connection, const struct http2_frame *frame)
{
	switch (frame->head.type) {
	case NGHTTP2_DATA:
		return data_take(connection, frame);
	case NGHTTP2_HEADERS:
	case NGHTTP2_CONTINUATION:
		return headers_take(connection, frame);
	case NGHTTP2_RST_STREAM:
		return reset_take(connection, frame);
	case NGHTTP2_SETTINGS:
		return settings_take(connection, frame);
	case NGHTTP2_PING:
		return ping_take(connection, frame);
	case NGHTTP2_GOAWAY:
		return goaway_take(connection, frame);
	case NGHTTP2_WINDOW_UPDATE:
		return window_take(connection, frame);
	default: /* priorities, which a client may ignore */
		return true;
	}
}

static bool session_take(void *context, const char *bytes, size_t count, struct error *error)
{
	struct grpc_connection *connection = context;
	const unsigned char *rest = (const unsigned char *)bytes;
	struct http2_frame frame;
	for (;;) {
		switch (http2_reader_next(&connection->reader, &rest, &count, &frame)) {
		case HTTP2_FRAME_INCOMPLETE:
			return true;
		case HTTP2_FRAME_BROKEN:
			session_break(connection, connection->reader.fault, connection->reader.words);
			*error = connection->error;
			return false;
		case HTTP2_FRAME_READ:
			if (frame_take(connection, &frame))
				break;
			*error = connection->error;
			return false;
		}
	}
}

/* ---- what is sent ---- */

static size_t smaller(size_t a, int64_t window)
{
	return (int64_t)a < window ? a : (size_t)window;
}

/* Sends one frame of a message. Streams take turns. */
static void stream_send(struct grpc_connection *connection, struct grpc_stream *stream)
{
	struct buffer *out = &connection->http2.out;
	size_t left = GRPC_PREFIX_BYTES + stream->length - stream->written;
	size_t size =
		smaller(smaller(left < HTTP2_FRAME_BYTES ? left : HTTP2_FRAME_BYTES, connection->send_window), stream->send_window);
	unsigned char *room = (unsigned char *)buffer_room(out, HTTP2_HEAD_BYTES + size);
	list_remove(&stream->send_node);
	if (!room)
		return;
	stream->whole_sent = size == left;
	http2_frame_head_write(room, (struct http2_frame_head){.length = size,
							       .type = NGHTTP2_DATA,
							       .flags = stream->whole_sent ? NGHTTP2_FLAG_END_STREAM : 0,
							       .id = stream->id});
	grpc_stream_write(stream, room + HTTP2_HEAD_BYTES, size);
	buffer_grown(out, HTTP2_HEAD_BYTES + size);
	connection->send_window -= (int64_t)size;
	stream->send_window -= (int64_t)size;
	stream_may_send(connection, stream);
}

static bool session_gather(void *context, struct error *error)
{
	struct grpc_connection *connection = context;
	struct buffer *out = &connection->http2.out;
	while (connection->sending.first && connection->send_window > 0 && out->length < HTTP2_OUT_BYTES && !buffer_failed(out))
		stream_send(connection, LIST_OWNER(connection->sending.first, struct grpc_stream, send_node));
	connection->dirty = false;
	if (!buffer_failed(out))
		return true;
	if (out->length < HTTP2_OUT_BYTES)
		return error_memory(error, ERROR_SYSTEM, "writing HTTP/2");
	return error_set(error, ERROR_REMOTE, PLACE_NONE, "it sends frames that must be answered, and does not read the answers");
}

/* ---- begin and end ---- */

bool grpc_session_begin(struct grpc_connection *connection, struct error *error)
{
	struct http2 *http2 = &connection->http2;
	size_t places = TABLE_PLACES_LEAST;
	while (places < 2 * connection->peer->grpc->limits.streams)
		places *= 2;
	http2->take = session_take;
	http2->gather = session_gather;
	http2->context = connection;
	http2_reader_open(&connection->reader);
	connection->by_id = memory_take(places, sizeof *connection->by_id);
	connection->by_id_mask = places - 1;
	connection->encoder = (struct hpack_encoder){0};
	connection->next_id = 1;
	connection->streams_allowed = UINT32_MAX;
	connection->send_window = connection->first_send_window = FIRST_WINDOW;
	connection->window = (struct grpc_window){.left = HTTP2_CONNECTION_WINDOW};
	if (!connection->by_id || !grpc_head_reader_open(&connection->heads, &http2->pool))
		return error_memory(error, ERROR_SYSTEM, "beginning HTTP/2");
	buffer_append(&http2->out, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
	settings_write(connection);
	number_frame_write(connection, NGHTTP2_WINDOW_UPDATE, 0, HTTP2_CONNECTION_WINDOW - FIRST_WINDOW);
	return true;
}

void grpc_session_end(struct grpc_connection *connection)
{
	http2_reader_close(&connection->reader);
	grpc_head_reader_close(&connection->heads);
	memory_give(connection->by_id);
	connection->by_id = NULL;
}
