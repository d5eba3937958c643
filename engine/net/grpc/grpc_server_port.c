/* grpc_server_port.c: Port of the gRPC server that is shared with an HTTP server: connections of HTTP/1.1 are passed on, and
 * streams that are no calls become exchanges (net/http/http_exchange.h); see grpc_server_parts.h.
 *
 * HTTP/2 is known by the first bytes of its preface, which no request of HTTP/1.1 begins with, in TLS too.
 */
#include <stdio.h>

#include "net/grpc/grpc_server_parts.h"
#include "net/http/http_exchange.h"
#include "net/http/http_field.h"

#define PREFACE "PRI"
#define PAIRS_MAX 96 /* headers of an answer: those that steps set, and our own */

/* ---- connections ---- */

static void connection_pass(struct grpc_caller *caller)
{
	struct grpc_server *server = caller->server;
	struct peer *peer = caller->peer;
	http2_forget(&caller->http2);
	caller->peer = NULL;
	http_server_adopt(server->config.http, &caller->http2.link, &server->acceptor, peer,
			  (struct text){caller->first, caller->first_count});
}

enum grpc_port_verdict grpc_port_look(struct grpc_caller *caller, struct error *error)
{
	while (caller->first_count < sizeof caller->first) {
		size_t count = 0;
		switch (link_read(&caller->http2.link, caller->first + caller->first_count,
				  sizeof caller->first - caller->first_count, &count, error)) {
		case LINK_LATER:
			return GRPC_PORT_LATER;
		case LINK_BROKEN:
			return GRPC_PORT_BROKEN;
		case LINK_DONE:
			caller->first_count += count;
		}
		if (memcmp(caller->first, PREFACE, caller->first_count) != 0) {
			connection_pass(caller);
			return GRPC_PORT_HTTP1;
		}
	}
	return GRPC_PORT_HTTP2;
}

/* ---- answers ---- */

static ssize_t grpc_port_on_wanted(nghttp2_session *session, int32_t id, uint8_t *room, size_t size, uint32_t *flags,
			 nghttp2_data_source *source, void *context)
{
	(void)source, (void)context;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, id);
	bool is_end = false;
	if (!request || !request->exchange)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	const size_t count = http_exchange_take(request->exchange, (char *)room, size, &is_end);
	if (is_end) {
		request->exchange = NULL;
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	}
	return count > 0 || is_end ? (ssize_t)count : NGHTTP2_ERR_DEFERRED;
}

/* HTTP/2 has no headers of connections, and names in lower case (RFC 9113, 8.2). */
static void field_add(struct buffer *fields, struct text line)
{
	const struct text name = text_take_until(&line, ':');
	if (http_field_is_of_connection(name) && !text_equal_caseless(name, TEXT("content-length")))
		return;
	for (size_t i = 0; i < name.length; i++)
		buffer_byte(fields, letter_lowered(name.bytes[i]));
	buffer_byte(fields, '\0');
	buffer_text(fields, text_trimmed(line, " "));
	buffer_byte(fields, '\0');
}

static size_t pairs_read(const struct buffer *fields, nghttp2_nv *pairs)
{
	struct text left = buffer_view(fields);
	size_t count = 0;
	while (left.length > 0 && count < PAIRS_MAX) {
		const struct text name = text_take_until(&left, '\0');
		pairs[count++] = http2_variable(name, text_take_until(&left, '\0'));
	}
	return count;
}

/* The head of a 100 is one of its own, which the last one follows (RFC 9113, 8.1). */
static bool answer_begin(struct grpc_request *request, struct text head)
{
	const nghttp2_data_provider body = {.read_callback = grpc_port_on_wanted};
	nghttp2_nv pairs[PAIRS_MAX];
	struct text line = text_take_until(&head, '\n');
	(void)text_take_until(&line, ' '); /* the version */
	const struct text status = text_take_until(&line, ' ');
	nghttp2_session *session = request->caller->http2.session;
	if (text_is(status, "100")) {
		const nghttp2_nv pair = http2_constant(TEXT(":status"), TEXT("100"));
		return nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, request->id, NULL, &pair, 1, NULL) == 0;
	}
	buffer_clear(&request->fields);
	buffer_text(&request->fields, TEXT(":status"));
	buffer_byte(&request->fields, '\0');
	buffer_text(&request->fields, status);
	buffer_byte(&request->fields, '\0');
	while (head.length > 0)
		field_add(&request->fields, text_trimmed(text_take_until(&head, '\n'), "\r"));
	request->has_responded = true;
	const size_t count = pairs_read(&request->fields, pairs);
	return !buffer_failed(&request->fields) && nghttp2_submit_response(session, request->id, pairs, count, &body) == 0;
}

static void stream_reset(const struct grpc_request *request)
{
	nghttp2_submit_rst_stream(request->caller->http2.session, NGHTTP2_FLAG_NONE, request->id, NGHTTP2_INTERNAL_ERROR);
	grpc_caller_mark_dirty(request->caller);
}

static void grpc_port_on_answer(void *context)
{
	struct grpc_request *request = context;
	if (!request->exchange)
		return;
	if (request->has_responded) {
		(void)nghttp2_session_resume_data(request->caller->http2.session, request->id);
		grpc_caller_mark_dirty(request->caller);
		return;
	}
	const struct text head = http_exchange_head(request->exchange);
	if (head.bytes && !answer_begin(request, head))
		stream_reset(request);
	grpc_caller_mark_dirty(request->caller);
}

static void on_gone(void *context)
{
	struct grpc_request *request = context;
	request->exchange = NULL;
	if (request->on_wire)
		stream_reset(request);
}

static void on_released(void *context)
{
	grpc_request_release(context);
}

/* ---- requests ---- */

static bool is_left_out(struct text name)
{
	static const char *const names[] = {"te", "transfer-encoding"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_equal_caseless(name, text_of(names[i])))
			return true;
	return http_field_is_of_connection(name) && !text_equal_caseless(name, TEXT("host")) &&
	       !text_equal_caseless(name, TEXT("content-length"));
}

/* Writes the head as HTTP/1.1. nghttp2 has refused names and values that HTTP does not allow, and the parser does it again. */
static void head_write(const struct grpc_request *request, struct buffer *out)
{
	struct text left = buffer_view(&request->metadata);
	buffer_string(out, request->method);
	buffer_byte(out, ' ');
	buffer_text(out, buffer_view(&request->path));
	buffer_text(out, TEXT(" HTTP/1.1\r\n"));
	while (left.length > 0) {
		const struct text name = text_take_until(&left, '\0'), value = text_take_until(&left, '\0');
		if (is_left_out(name))
			continue;
		buffer_text(out, name);
		buffer_text(out, TEXT(": "));
		buffer_text(out, value);
		buffer_text(out, TEXT("\r\n"));
	}
	buffer_text(out, request->in_chunks ? TEXT("transfer-encoding: chunked\r\n\r\n") : TEXT("\r\n"));
}

static bool exchange_open(struct grpc_request *request)
{
	static const struct http_carrier carrier = {grpc_port_on_answer, on_gone, on_released};
	struct grpc_caller *caller = request->caller;
	const struct http_exchange_config config = {.link = &caller->http2.link,
						    .address = &caller->peer->address,
						    .carrier = &carrier,
						    .context = request};
	request->exchange = http_exchange_open(caller->server->config.http, &config);
	if (!request->exchange)
		return false;
	request->over = true; /* as a call */
	grpc_request_hold(request);
	return true;
}

static void headers_refuse(struct grpc_request *request)
{
	char words[80], excess[GRPC_EXCESS_BYTES];
	grpc_metadata_excess_write(request, excess);
	(void)snprintf(words, sizeof words, "the headers have %s, which is the limit", excess);
	grpc_request_refuse_as_http(request, (struct http_refusal){431, words});
}

void grpc_port_begin(struct grpc_request *request, bool is_end)
{
	static const struct http_refusal long_path = {414, "the path and query are longer than 8 KiB, which is the limit"};
	static const struct http_refusal no_memory = {503, "no memory for the request; call again later"};
	struct buffer *head = &request->answer;
	request->in_chunks = !is_end && !grpc_request_known(request, HEADER_CONTENT_LENGTH, 0).bytes;
	head_write(request, head);
	if (buffer_failed(&request->path))
		grpc_request_refuse_as_http(request, long_path);
	else if (buffer_failed(&request->metadata))
		headers_refuse(request);
	else if (buffer_failed(head) || !exchange_open(request))
		grpc_request_refuse_as_http(request, no_memory);
	else {
		http_exchange_give(request->exchange, buffer_view(head));
		buffer_clear(head);
	}
}

static void exchange_give(struct grpc_request *request, struct text bytes)
{
	if (request->exchange)
		http_exchange_give(request->exchange, bytes);
}

void grpc_port_give(struct grpc_request *request, struct text bytes)
{
	char size[24];
	if (bytes.length == 0)
		return;
	if (request->in_chunks)
		exchange_give(request, (struct text){size, (size_t)snprintf(size, sizeof size, "%zx\r\n", bytes.length)});
	exchange_give(request, bytes);
	if (request->in_chunks)
		exchange_give(request, TEXT("\r\n"));
}

void grpc_port_end(struct grpc_request *request)
{
	if (request->in_chunks)
		exchange_give(request, TEXT("0\r\n\r\n"));
}

void grpc_port_leave(struct grpc_request *request)
{
	struct http_inbound *exchange = request->exchange;
	request->exchange = NULL;
	http_exchange_leave(exchange);
}
