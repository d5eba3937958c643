/* grpc_stream.c: Call of the gRPC client as a stream of HTTP/2: its request, and the meaning of its answer.
 *
 * The session calls it with the parts of an answer as they come (net/grpc/grpc_session.c). A stream whose call is over has
 * been dropped there, so later frames find no call. See grpc_client.h.
 */
#include <stdio.h>

#include "net/grpc/grpc_client.h"

#define PATH_HEADERS 6

/* ---- sending ---- */

size_t grpc_stream_write(struct grpc_stream *stream, unsigned char *bytes, size_t size)
{
	const struct grpc_call *call = stream->call;
	size_t written = 0;
	if (stream->written < GRPC_PREFIX_BYTES) {
		unsigned char prefix[GRPC_PREFIX_BYTES];
		size_t left = GRPC_PREFIX_BYTES - stream->written;
		grpc_prefix_write(prefix, stream->length);
		written = left < size ? left : size;
		memcpy(bytes, prefix + stream->written, written);
	}
	for (; written < size && stream->part < call->body_count; stream->part++, stream->offset = 0) {
		const struct text part = call->body[stream->part];
		size_t left = part.length - stream->offset;
		size_t now = left < size - written ? left : size - written;
		if (now > 0)
			memcpy(bytes + written, part.bytes + stream->offset, now);
		written += now;
		stream->offset += now;
		if (now < left)
			break;
	}
	stream->written += written;
	return written;
}

static void answer_begins(struct grpc_stream *stream)
{
	stream->written = stream->part = stream->offset = 0;
	stream->whole_sent = false;
	stream->intake = (struct grpc_intake){0};
	stream->begun = stream->is_grpc = stream->reset = false;
	stream->http_status = 0;
	stream->content_length = -1;
	stream->received = 0;
	stream->reply.status = GRPC_NO_STATUS;
	buffer_clear(&stream->body);
	buffer_clear(&stream->words);
}

/* Those that differ only by the path. */
static void path_headers_write(struct hpack_encoder *encoder, struct buffer *out, const struct grpc_peer *peer, struct text path)
{
	const size_t begin = out->length;
	if (hpack_kept_write(encoder, out, path))
		return;
	hpack_field_static(out, HPACK_METHOD_POST);
	hpack_field_static(out, peer->tls ? HPACK_SCHEME_HTTPS : HPACK_SCHEME_HTTP);
	hpack_field_of_several(encoder, out, HPACK_PATH, TEXT(":path"), path);
	hpack_field(encoder, out, HPACK_AUTHORITY, TEXT(":authority"), text_of(peer->address), true);
	hpack_field(encoder, out, HPACK_NONE, TEXT("te"), TEXT("trailers"), true);
	hpack_field(encoder, out, HPACK_CONTENT_TYPE, TEXT("content-type"), TEXT("application/grpc"), true);
	hpack_keep(encoder, out, begin, PATH_HEADERS, path);
}

static void headers_write(const struct grpc_stream *stream, struct grpc_connection *connection)
{
	const struct grpc_call *call = stream->call;
	struct buffer *out = &connection->http2.out;
	struct hpack_encoder *encoder = &connection->encoder;
	char timeout[GRPC_TIMEOUT_MAX];
	size_t timeout_length = grpc_timeout_write(timeout, stream->deadline.due_ms - loop_now_ms(stream->grpc->loop));
	path_headers_write(encoder, out, stream->peer, text_of(call->path));
	hpack_field(encoder, out, HPACK_NONE, TEXT("grpc-timeout"), (struct text){timeout, timeout_length}, true);
	for (size_t i = 0; i < call->metadata_count; i++)
		hpack_field(encoder, out, HPACK_NONE, call->metadata[i].name, call->metadata[i].value, false);
}

bool grpc_stream_submit(struct grpc_stream *stream, struct grpc_connection *connection)
{
	if (!grpc_session_has_ids(connection)) { /* the next connection takes the call */
		grpc_connection_leave(connection);
		connection->dirty = true;
		return false;
	}
	answer_begins(stream);
	size_t begin = grpc_session_headers_begin(connection);
	headers_write(stream, connection);
	grpc_session_headers_end(connection, stream, begin);
	grpc_stream_leave(stream);
	list_add(&connection->streams, &stream->node);
	grpc_connection_opened_stream(connection);
	return true;
}

/* ---- streams that end early ---- */

void grpc_stream_reset(struct grpc_stream *stream)
{
	grpc_session_reset(stream, NGHTTP2_CANCEL);
}

/* Queues the call again, unless that has happened too often. */
static void begin_anew(struct grpc_stream *stream)
{
	struct grpc_reply *reply = &stream->reply;
	grpc_stream_leave(stream);
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
	grpc_session_drop(stream);
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

/* ---- the answer ---- */

void grpc_stream_take_head(struct grpc_stream *stream, const struct grpc_answer_head *head, struct text words, bool last)
{
	if (head->http_status)
		stream->http_status = head->http_status;
	if (head->has_type)
		stream->is_grpc = head->is_grpc;
	if (!last)
		return; /* a status is valid only at the end */
	stream->reply.status = head->grpc_status;
	if (head->has_words)
		buffer_text(&stream->words, words);
}

void grpc_stream_take_data(struct grpc_stream *stream, const unsigned char *bytes, size_t count)
{
	char words[120];
	if (!stream->is_grpc || stream->http_status != 200) /* a page of a proxy, whose HTTP status is enough */
		return;
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
		break_off(stream, ERROR_REMOTE, "with more than one message, or a longer one than announced");
		break;
	case GRPC_INTAKE_MEMORY:
		break_off(stream, ERROR_SYSTEM, "but there is no memory for its message");
	}
}

/* ---- outcome ---- */

void grpc_stream_answered(struct grpc_stream *stream)
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

void grpc_stream_failed(struct grpc_stream *stream, uint32_t code)
{
	char words[120];
	if (!stream->http_status && (code == NGHTTP2_REFUSED_STREAM || (stream->written == 0 && !stream->reset))) {
		if (stream->reset)
			grpc_peer_slow_down(stream->peer, stream->anew);
		begin_anew(stream);
		return;
	}
	snprintf(words, sizeof words, "%s (%s)", stream->reset ? "by resetting the stream" : "against the rules of HTTP/2",
		 nghttp2_http2_strerror(code));
	give_up(stream, ERROR_REMOTE, words);
}
