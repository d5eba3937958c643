/* grpc_stream.c: Call of the gRPC client as a stream of HTTP/2: its request, and the meaning of its answer.
 *
 * nghttp2 calls the callbacks here while it reads and writes. A stream whose call is over is detached from the
 * session at once (its user data is NULL from then on). So later data of the stream finds no call. See grpc_client.h.
 */
#include <stdio.h>
#include <string.h>

#include "net/grpc_client.h"
#include "net/url.h"

/* ---- sending ---- */

static ssize_t on_wanted(nghttp2_session *session, int32_t id, uint8_t *room, size_t size, uint32_t *flags,
			 nghttp2_data_source *source, void *context)
{
	(void)source, (void)context;
	struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, id);
	size_t written = 0;
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (!stream->prefix_sent) { /* the first read has space for the prefix, because windows begin large */
		if (size < GRPC_PREFIX_BYTES)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		grpc_prefix_write(room, stream->length);
		written = GRPC_PREFIX_BYTES;
		stream->prefix_sent = true;
	}
	const struct grpc_call *call = stream->call;
	for (; stream->part < call->body_count; stream->part++, stream->offset = 0) {
		const struct text part = call->body[stream->part];
		size_t left = part.length - stream->offset;
		size_t now = left < size - written ? left : size - written;
		if (now > 0)
			memcpy(room + written, part.bytes + stream->offset, now);
		written += now;
		stream->offset += now;
		if (now < left)
			return (ssize_t)written;
	}
	stream->whole_sent = true;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)written;
}

static void answer_begins(struct grpc_stream *stream)
{
	stream->part = stream->offset = 0;
	stream->prefix_sent = stream->whole_sent = false;
	stream->intake = (struct grpc_intake){0};
	stream->http_status = 0;
	stream->is_grpc = stream->ended = stream->reset = false;
	stream->reply.status = GRPC_NO_STATUS;
	buffer_clear(&stream->body);
	buffer_clear(&stream->words);
}

bool grpc_stream_submit(struct grpc_stream *stream, struct grpc_connection *connection)
{
	struct grpc_peer *peer = stream->peer;
	struct loop *loop = stream->grpc->loop;
	char timeout[GRPC_TIMEOUT_MAX];
	int64_t timeout_ms = stream->deadline.due_ms - loop_now_ms(loop);
	const nghttp2_nv headers[] = {
		http2_constant(TEXT(":method"), TEXT("POST")),
		peer->tls ? http2_constant(TEXT(":scheme"), TEXT("https")) : http2_constant(TEXT(":scheme"), TEXT("http")),
		http2_variable(TEXT(":path"), text_of(stream->call->path)),
		http2_constant(TEXT(":authority"), text_of(peer->address)),
		http2_constant(TEXT("te"), TEXT("trailers")),
		http2_constant(TEXT("content-type"), TEXT("application/grpc")),
		http2_variable(TEXT("grpc-timeout"), (struct text){timeout, grpc_timeout_write(timeout, timeout_ms)}),
	};
	size_t count = sizeof headers / sizeof *headers;
	const nghttp2_data_provider body = {.read_callback = on_wanted};
	nghttp2_nv pairs[sizeof headers / sizeof *headers + GRPC_METADATA_MAX];
	memcpy(pairs, headers, sizeof headers);
	if (timeout_ms != peer->last_timeout_ms)
		pairs[count - 1].flags |= NGHTTP2_NV_FLAG_NO_INDEX;
	peer->last_timeout_ms = timeout_ms;
	for (size_t i = 0; i < stream->call->metadata_count; i++)
		pairs[count++] = http2_variable(stream->call->metadata[i].name, stream->call->metadata[i].value);
	answer_begins(stream);
	int32_t id = nghttp2_submit_request(connection->http2.session, NULL, pairs, count, &body, stream);
	if (id < 0) { /* no more stream ids, or no memory: the next connection takes the call */
		grpc_connection_leave(connection);
		connection->dirty = true;
		return false;
	}
	stream->id = id;
	stream->connection = connection;
	grpc_stream_leave(stream);
	list_add(&connection->streams, &stream->node);
	grpc_connection_opened_stream(connection);
	return true;
}

/* ---- streams that end early ---- */

static void detach(struct grpc_stream *stream)
{
	nghttp2_session_set_stream_user_data(stream->connection->http2.session, stream->id, NULL);
}

void grpc_stream_reset(struct grpc_stream *stream)
{
	struct grpc_connection *connection = stream->connection;
	detach(stream);
	nghttp2_submit_rst_stream(connection->http2.session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
	connection->dirty = true;
	grpc_wake(stream->grpc);
}

/* Queues the call again, unless that has happened too often. */
static void begin_anew(struct grpc_stream *stream)
{
	struct grpc_reply *reply = &stream->reply;
	grpc_stream_leave(stream);
	stream->connection = NULL;
	grpc_line_add(stream);
	if (++stream->anew <= GRPC_ANEW_MAX)
		return;
	reply->status = GRPC_NO_STATUS;
	reply->unprocessed = true;
	error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s refused %s %d times without looking at it; it may be overloaded",
		  stream->peer->address, stream->call->path, (int)stream->anew);
	grpc_stream_finish(stream);
}

void grpc_stream_was_lost(struct grpc_stream *stream, const struct error *error)
{
	if (!stream->whole_sent && stream->anew < GRPC_ANEW_MAX) {
		begin_anew(stream);
		return;
	}
	stream->reply.status = GRPC_NO_STATUS;
	stream->reply.error = *error;
	stream->reply.lost = true;
	stream->reply.unprocessed = !stream->whole_sent;
	grpc_stream_finish(stream);
}

/* Ends the call, because the server broke the protocol. Its later data is ignored. */
static void give_up(struct grpc_stream *stream, enum error_kind kind, const char *words)
{
	stream->reply.status = GRPC_NO_STATUS;
	error_set(&stream->reply.error, kind, PLACE_NONE, "%s answered %s %s", stream->peer->address, stream->call->path, words);
	grpc_stream_finish(stream);
}

static void break_off(struct grpc_stream *stream, enum error_kind kind, const char *words)
{
	grpc_stream_reset(stream);
	give_up(stream, kind, words);
}

/* ---- received frames ---- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_bytes, size_t name_length,
		     const uint8_t *value_bytes, size_t value_length, uint8_t flags, void *context)
{
	(void)flags, (void)context;
	struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	const struct text name = {(const char *)name_bytes, name_length};
	const struct text value = {(const char *)value_bytes, value_length};
	int number;
	if (!stream)
		return 0;
	if (text_equal_short(name, TEXT(":status"))) {
		grpc_status_read(value, &stream->http_status);
	} else if (text_equal_short(name, TEXT("content-type"))) {
		stream->is_grpc = grpc_is_content_type(value);
	} else if (text_equal_short(name, TEXT("grpc-status"))) {
		/* A status that is not a number is UNKNOWN, as the protocol requires. */
		stream->reply.status = grpc_status_read(value, &number) ? number : GRPC_UNKNOWN;
	} else if (text_equal_short(name, TEXT("grpc-message"))) {
		buffer_clear(&stream->words);
		url_decode(&stream->words, value);
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t count, void *context)
{
	(void)flags, (void)context;
	struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, id);
	char words[120];
	if (!stream || !stream->is_grpc || stream->http_status != 200) /* a page of a proxy, whose HTTP status is enough */
		return 0;
	switch (grpc_intake_take(&stream->intake, &stream->body, bytes, count)) {
	case GRPC_INTAKE_GOOD:
		break;
	case GRPC_INTAKE_COMPRESSED:
		break_off(stream, ERROR_REMOTE, "with a compressed message, which was not asked for");
		break;
	case GRPC_INTAKE_LARGE:
		snprintf(words, sizeof words, "with %zu bytes; the limit is %zu", stream->intake.missing,
			 stream->grpc->limits.reply_bytes);
		break_off(stream, ERROR_LIMIT, words);
		break;
	case GRPC_INTAKE_SECOND:
		break_off(stream, ERROR_REMOTE, "with more than one message, or a longer one than it said");
		break;
	case GRPC_INTAKE_MEMORY:
		break_off(stream, ERROR_SYSTEM, "but there is no memory for its message");
	}
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct grpc_connection *connection = context;
	struct grpc_stream *stream;
	switch (frame->hd.type) {
	case NGHTTP2_SETTINGS:
		connection->standing = connection->standing || !(frame->hd.flags & NGHTTP2_FLAG_ACK);
		return 0;
	case NGHTTP2_GOAWAY:
		if (frame->goaway.error_code != NGHTTP2_NO_ERROR)
			error_set(&connection->error, ERROR_REMOTE, PLACE_NONE, "it said GOAWAY: %s %.*s",
				  nghttp2_http2_strerror(frame->goaway.error_code), (int)frame->goaway.opaque_data_len,
				  (const char *)frame->goaway.opaque_data);
		grpc_connection_leave(connection);
		return 0;
	case NGHTTP2_HEADERS:
	case NGHTTP2_DATA:
	case NGHTTP2_RST_STREAM:
		break;
	default:
		return 0;
	}
	connection->served = true;
	connection->pings = 0;
	stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (!stream)
		return 0;
	bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		stream->reset = true;
	else if (frame->hd.type == NGHTTP2_HEADERS && last)
		stream->ended = true;
	else if (frame->hd.type == NGHTTP2_HEADERS)
		stream->reply.status = GRPC_NO_STATUS; /* the status is valid only at the end */
	/* An answer may arrive before the request was sent completely. The rest of the request is not sent. */
	if (frame->hd.type != NGHTTP2_RST_STREAM && last && !stream->whole_sent)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
	return 0;
}

/* ---- outcome ---- */

static void judge_answer(struct grpc_stream *stream)
{
	struct grpc_reply *reply = &stream->reply;
	char words[120];
	if (reply->status == GRPC_NO_STATUS && stream->http_status != 200) {
		reply->status = (int)grpc_status_of_http(stream->http_status);
		buffer_clear(&stream->words);
		buffer_print(&stream->words, "HTTP status %d, without a status of gRPC", stream->http_status);
	} else if (!stream->is_grpc) {
		give_up(stream, ERROR_REMOTE, "without gRPC, by its content-type; is the port the one of gRPC?");
		return;
	} else if (reply->status == GRPC_NO_STATUS) {
		give_up(stream, ERROR_REMOTE, "without a grpc-status at its end");
		return;
	} else if (reply->status == GRPC_OK && !grpc_intake_is_whole(&stream->intake)) {
		snprintf(words, sizeof words, "OK, but %s", stream->intake.have ? "cut its message short" : "without a message");
		give_up(stream, ERROR_REMOTE, words);
		return;
	}
	reply->words = buffer_view(&stream->words);
	if (reply->status == GRPC_OK)
		reply->body = buffer_view(&stream->body);
	grpc_stream_finish(stream);
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	struct grpc_connection *connection = context;
	struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, id);
	char words[120];
	grpc_connection_closed_stream(connection);
	if (!stream)
		return 0;
	if (stream->ended || (code == NGHTTP2_NO_ERROR && !stream->reset)) {
		judge_answer(stream);
	} else if (!stream->http_status && (code == NGHTTP2_REFUSED_STREAM || (!stream->prefix_sent && !stream->reset))) {
		if (stream->reset)
			grpc_peer_slow_down(stream->peer, stream->anew);
		begin_anew(stream);
	} else {
		snprintf(words, sizeof words, "%s (%s)", stream->reset ? "by resetting the stream" : "against the rules of HTTP/2",
			 nghttp2_http2_strerror(code));
		give_up(stream, ERROR_REMOTE, words);
	}
	return 0;
}

/* Keeps the reason of a GOAWAY by which our session ends the connection. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	(void)session;
	struct grpc_connection *connection = context;
	if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
		error_set(&connection->error, ERROR_REMOTE, PLACE_NONE, "it broke the rules of HTTP/2: %s %.*s",
			  nghttp2_http2_strerror(frame->goaway.error_code), (int)frame->goaway.opaque_data_len,
			  (const char *)frame->goaway.opaque_data);
	return 0;
}

void grpc_stream_set_up_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
}
