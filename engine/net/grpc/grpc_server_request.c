/* grpc_server_request.c: Call on a connection of the gRPC server; see grpc_server_parts.h. */
#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "net/grpc/grpc_server_parts.h"
#include "net/http/http_field.h"
#include "net/http/http_head.h"

#define KEPT_BYTES ((size_t)256 << 10) /* of each buffer of a request in the pool */
#define BAD_TIMEOUT_WORDS "grpc-timeout is no time: give at most 8 digits and a unit, H, M, S, m, u or n, as in `500m`"
#define DEADLINE_WORDS "the deadline of grpc-timeout has passed"
#define FIELDS_BYTES ((size_t)64 << 10) /* of an answer: callers accept far less */
#define NOT_POST "this port serves gRPC, whose calls are POST; send requests of HTTP to the port for HTTP"
#define OTHER_CODEC "messages are protobuf here: send content-type application/grpc, or application/grpc+proto"
#define NOT_GRPC "this port serves gRPC: send content-type application/grpc, or use the port for HTTP"
/* Messages of the largest size that all callers together may send at once, where no budget limits them. */
#define HELD_MESSAGES 16
#define POOLED_MAX 64
#define WIDENED_BYTES ((size_t)1 << 20)			    /* at a time: an eighth of the smaller window */
#define BACKLOG_BYTES_MAX ((size_t)2 * HTTP2_STREAM_WINDOW) /* a window, and as many bytes that were taken before */

/* ---- pool ---- */

static void grpc_request_on_deadline(void *context);

static struct grpc_request *request_make(struct grpc_server *server)
{
	struct grpc_request *request = memory_take(1, sizeof *request);
	if (!request)
		return NULL;
	request->server = server;
	request->deadline = (struct loop_timer){.due = grpc_request_on_deadline, .context = request};
	buffer_open(&request->path, HTTP_TARGET_BYTES_MAX);
	buffer_open(&request->metadata, server->config.metadata_bytes);
	buffer_open(&request->fields, FIELDS_BYTES);
	buffer_open(&request->body, server->config.message_bytes);
	buffer_open(&request->answer, SIZE_MAX);
	buffer_open(&request->backlog, BACKLOG_BYTES_MAX);
	grpc_coding_open(request);
	return request;
}

void grpc_request_give(struct grpc_request *request)
{
	loop_timer_stop(request->server->loop, &request->deadline);
	body_budget_give_back(request->server->config.bodies, &request->charge);
	buffer_close(&request->path);
	buffer_close(&request->metadata);
	buffer_close(&request->fields);
	buffer_close(&request->body);
	buffer_close(&request->answer);
	buffer_close(&request->backlog);
	grpc_coding_close(request);
	memory_give(request);
}

static struct grpc_request *request_take(struct grpc_caller *caller, int32_t id)
{
	struct grpc_server *server = caller->server;
	struct list_node *pooled = server->pool.first;
	struct grpc_request *request = pooled ? LIST_OWNER(pooled, struct grpc_request, node) : request_make(server);
	if (!request)
		return NULL;
	list_remove(&request->node);
	server->pooled -= pooled != NULL;
	list_add_first(&caller->requests, &request->node);
	request->body.ceiling_bytes = server->config.message_bytes; /* it may have changed */
	request->caller = caller;
	request->charge.peer = caller->body_peer;
	request->on_wire = true;
	request->id = id;
	request->over = request->is_post = request->is_grpc = request->has_other_codec = false;
	request->pending = request->converses = request->responded = request->has_ended = false;
	request->packs = request->is_taking = request->waits_for_end = false;
	request->end_status = GRPC_STATUS_NONE;
	request->is_http = request->is_head = request->in_chunks = request->has_responded = false;
	request->exchange = NULL;
	request->method[0] = '\0';
	request->intake = (struct grpc_intake){0};
	request->coding = GRPC_CODING_NONE;
	request->has_bad_timeout = false;
	request->timeout_ms = -1;
	request->open = request->offset = request->head_bytes = request->taken = request->open_bytes = 0;
	request->unwidened_bytes = 0;
	request->began_ms = loop_now_ms(server->loop);
	caller->on_wire++;
	return request;
}

void grpc_buffer_empty(struct buffer *buffer)
{
	size_t ceiling_bytes = buffer->ceiling_bytes;
	buffer_clear(buffer);
	if (buffer->capacity <= KEPT_BYTES)
		return;
	buffer_close(buffer);
	buffer_open(buffer, ceiling_bytes);
}

static void request_to_pool(struct grpc_request *request)
{
	struct grpc_server *server = request->server;
	list_remove(&request->node);
	list_remove(&request->continue_node);
	server->held_bytes -= request->body.length + (request->backlog.length - request->taken);
	body_budget_give_back(server->config.bodies, &request->charge);
	buffer_clear(&request->path);
	buffer_clear(&request->metadata);
	buffer_clear(&request->fields);
	grpc_buffer_empty(&request->body);
	grpc_buffer_empty(&request->answer);
	if (request->converses)
		grpc_buffer_empty(&request->backlog);
	if (server->pooled >= POOLED_MAX) {
		grpc_request_give(request);
		return;
	}
	list_add_first(&server->pool, &request->node);
	server->pooled++;
}

void grpc_request_leave_wire(struct grpc_request *request)
{
	assert(request->on_wire && request->caller->on_wire > 0);
	struct grpc_caller *caller = request->caller;
	caller->on_wire--;
	if (caller->heading == request)
		caller->heading = NULL;
	caller->answering -= request->pending;
	request->pending = false;
	request->on_wire = false;
	request->over = true;
	loop_timer_stop(request->server->loop, &request->deadline);
	list_remove(&request->continue_node);
	if (request->coding != GRPC_CODING_NONE)
		grpc_coding_close(request);
	if (request->exchange)
		grpc_port_leave(request);
	if (request->open == 0)
		request_to_pool(request);
}

void grpc_request_hold(struct grpc_request *request)
{
	if (request->open++ > 0)
		return;
	request->caller->held++;
	request->server->called++;
}

void grpc_request_release(struct grpc_request *request)
{
	assert(request->open > 0 && request->server->called > 0);
	if (--request->open > 0)
		return;
	request->server->called--;
	if (request->caller)
		request->caller->held--;
	if (!request->is_http && !request->converses)
		loop_timer_stop(request->server->loop, &request->deadline);
	if (!request->on_wire)
		request_to_pool(request);
}

/* ---- as the application sees it ---- */

void *grpc_request_context(const struct grpc_request *request)
{
	return request->server->config.context;
}

bool grpc_request_is_over(const struct grpc_request *request)
{
	return request->over;
}

bool grpc_request_peer(const struct grpc_request *request, struct sockaddr_storage *address)
{
	socklen_t length = sizeof *address;
	return request->caller && getpeername(request->caller->http2.link.socket, (struct sockaddr *)address, &length) == 0;
}

struct tls_peer grpc_request_certificate(const struct grpc_request *request, char *out, size_t size)
{
	return request->caller ? link_peer(&request->caller->http2.link, out, size) : (struct tls_peer){0};
}

void grpc_request_limit_message(struct grpc_request *request, size_t message_bytes)
{
	request->body.ceiling_bytes = message_bytes;
}

int64_t grpc_request_age_ms(const struct grpc_request *request)
{
	return loop_now_ms(request->server->loop) - request->began_ms;
}

int64_t grpc_request_left_ms(const struct grpc_request *request)
{
	int64_t left_ms = request->deadline.due_ms - loop_now_ms(request->server->loop);
	if (request->timeout_ms < 0)
		return -1;
	return left_ms > 0 ? left_ms : 0;
}

/* Whether the application has not got all that was sent of its messages. What it has got, it counts itself. */
static bool has_message_left(const struct grpc_request *request)
{
	return request->converses ? request->intake.have > 0 || request->taken < request->backlog.length : request->open == 0;
}

static void grpc_request_on_deadline(void *context)
{
	struct grpc_request *request = context;
	if (request->waits_for_end)
		grpc_answer_end_wait(request);
	else if (has_message_left(request))
		grpc_request_shed(request, GRPC_DEADLINE_EXCEEDED, DEADLINE_WORDS);
	else
		grpc_conversation_end(request, GRPC_DEADLINE_EXCEEDED, DEADLINE_WORDS);
}

/* ---- received frames ---- */

static void refusal_count(const struct grpc_server *server, int status)
{
	if (server->config.refused)
		server->config.refused(server->config.context, status);
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct grpc_caller *caller = context;
	int32_t id = frame->hd.stream_id;
	http2_head_begin(&caller->http2);
	caller->heading = NULL;
	caller->malformed[0] = '\0';
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	http2_request_begin(&caller->http2);
	/* A caller that starts calls and resets them must not occupy the application without a limit. */
	if (caller->on_wire + caller->held >= 2 * caller->server->config.streams) {
		refusal_count(caller->server, GRPC_UNAVAILABLE); /* as gRPC's clients take it */
		return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM) == 0
			       ? 0
			       : NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	struct grpc_request *request = request_take(caller, id);
	if (!request)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	nghttp2_session_set_stream_user_data(session, id, request);
	caller->heading = request;
	return 0;
}

/* ---- metadata ---- */

static void metadata_keep(struct grpc_request *request, struct text name, struct text value)
{
	const uint64_t known = header_name_bit(header_name_find(name));
	if (request->metadata.length == 0)
		request->metadata_count = request->metadata_seen = request->metadata_repeated = 0;
	request->metadata_repeated |= request->metadata_seen & known;
	request->metadata_seen |= known;
	if (++request->metadata_count > GRPC_METADATA_ENTRIES_MAX)
		request->metadata.failed = true;
	grpc_fields_append(&request->metadata, name, value);
}

void grpc_metadata_excess_write(const struct grpc_request *request, char words[GRPC_EXCESS_BYTES])
{
	const size_t bytes_max = request->server->config.metadata_bytes;
	if (request->metadata_count > GRPC_METADATA_ENTRIES_MAX)
		(void)snprintf(words, GRPC_EXCESS_BYTES, "more than %d entries", GRPC_METADATA_ENTRIES_MAX);
	else
		(void)snprintf(words, GRPC_EXCESS_BYTES, "more than %zu bytes", bytes_max);
}

static void metadata_refuse(struct grpc_request *request)
{
	char words[80], excess[GRPC_EXCESS_BYTES];
	grpc_metadata_excess_write(request, excess);
	(void)snprintf(words, sizeof words, "the metadata has %s", excess);
	grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, words);
}

/* What only a port that is shared keeps, for requests that are no calls. */
static void head_keep(struct grpc_request *request, struct text name, struct text value)
{
	const size_t most = sizeof request->method - 1, length = value.length < most ? value.length : most;
	if (text_equal_short(name, TEXT(":method"))) {
		memcpy(request->method, value.bytes, length);
		request->method[length] = '\0';
	} else if (text_equal_short(name, TEXT(":authority")) && request->server->config.metadata_bytes > 0) {
		metadata_keep(request, TEXT("host"), value);
	}
}

static void pseudo_header_take(struct grpc_request *request, struct text name, struct text value)
{
	if (text_equal_short(name, TEXT(":path")))
		buffer_text(&request->path, value);
	else if (text_equal_short(name, TEXT(":method"))) {
		request->is_post = text_equal_short(value, TEXT("POST"));
		request->is_head = !request->is_post && text_equal_short(value, TEXT("HEAD"));
	}
	if (request->server->config.http)
		head_keep(request, name, value);
}

/* Whether it repeats what `:authority` said, as it may (RFC 9113, 8.3.1). */
static bool is_authority(const struct grpc_request *request, struct text name, struct text value)
{
	return request->server->config.http && text_equal_short(name, TEXT("host")) &&
	       text_equal_caseless(grpc_request_known(request, HEADER_HOST, 0), value);
}

static inline void header_take(struct grpc_request *request, struct text name, struct text value)
{
	if (text_equal_short(name, TEXT("content-type"))) {
		request->is_grpc = grpc_is_content_type(value);
		request->has_other_codec = request->is_grpc && !grpc_is_protobuf(value);
	} else if (text_equal_short(name, TEXT("grpc-timeout")))
		request->has_bad_timeout = !grpc_timeout_read(value, &request->timeout_ms);
	else if (text_equal_short(name, TEXT("grpc-encoding")))
		request->coding = grpc_coding_of(value);
	if (request->server->config.metadata_bytes > 0 && !is_authority(request, name, value))
		metadata_keep(request, name, value);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_bytes, size_t name_length,
		     const uint8_t *value_bytes, size_t value_length, uint8_t flags, void *context)
{
	struct grpc_caller *caller = context;
	struct grpc_request *request = caller->heading;
	(void)session, (void)frame, (void)flags;
	if (!http2_head_take(&caller->http2, name_length, value_length))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	const struct text name = {(const char *)name_bytes, name_length};
	const struct text value = {(const char *)value_bytes, value_length};
	if (!request || name.length == 0)
		return caller->http2.pause;
	if (name.bytes[0] == ':')
		pseudo_header_take(request, name, value);
	else
		header_take(request, name, value);
	return caller->http2.pause;
}

/* A field with spaces around its value is taken without them, as of HTTP/1.1. One of the connection is not: nghttp2 has not
 * checked it. Any other that HTTP forbids (RFC 9113, 8.2.1) refuses its request: without the field it would be another one. */
static __attribute__((cold)) int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_bytes,
						   size_t name_length, const uint8_t *value_bytes, size_t value_length,
						   uint8_t flags, void *context)
{
	struct grpc_caller *caller = context;
	(void)session, (void)frame, (void)flags;
	if (!http2_head_take(&caller->http2, name_length, value_length))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	const struct text name = {(const char *)name_bytes, name_length};
	const struct text value = http_field_trimmed((struct text){(const char *)value_bytes, value_length});
	const bool is_name = http_head_is_name(name), is_value = http_head_is_value(value);
	if (!caller->heading)
		return caller->http2.pause;
	if (is_name && is_value && !http_field_is_of_connection(name))
		header_take(caller->heading, name, value);
	else if (is_name)
		(void)snprintf(caller->malformed, sizeof caller->malformed, "the header `%.*s` has %s",
			       (int)(name.length < 40 ? name.length : 40), name.bytes,
			       is_value ? "spaces around its value" : "a control character in its value");
	else
		(void)snprintf(caller->malformed, sizeof caller->malformed,
			       "a header has a name with a byte that names do not have");
	return caller->http2.pause;
}

/* Refuses a request whose head has a field that HTTP forbids. */
static void malformed_refuse(struct grpc_request *request)
{
	const char *words = request->caller->malformed;
	if (request->is_grpc)
		grpc_request_shed(request, GRPC_INVALID_ARGUMENT, words);
	else
		grpc_request_refuse_as_http(request, (struct http_refusal){400, words});
}

static void request_ask_whether_conversation(struct grpc_request *request)
{
	const struct grpc_server_config *config = &request->server->config;
	const char *words = "";
	int status = GRPC_OK;
	request->converses = config->converses(config->context, request, buffer_view(&request->path), &status, &words);
	if (status != GRPC_OK)
		grpc_request_refuse(request, status, text_of(words));
}

/* Compressed headers take few bytes on the wire: what they come to is charged as the body is. */
static bool head_is_charged(struct grpc_request *request)
{
	struct body_budget *bodies = request->server->config.bodies;
	const struct buffer none = {.ceiling_bytes = SIZE_MAX};
	size_t bytes = request->path.capacity + request->metadata.capacity;
	if (!body_budget_allows(bodies, &none, &request->charge, bytes))
		return false;
	request->head_bytes = bytes;
	body_budget_charge(bodies, &request->charge, bytes);
	return true;
}

static void headers_are_whole(struct grpc_request *request, bool is_end)
{
	struct loop *loop = request->server->loop;
	const struct grpc_server_config *config = &request->server->config;
	struct error error;
	error.kind = ERROR_NONE; /* its text is not cleared: that would cost more than the rest */
	request->is_http = config->http && !request->is_grpc;
	if (request->caller->malformed[0]) {
		malformed_refuse(request);
		return;
	}
	if (request->is_http) {
		if (config->bodies && !head_is_charged(request))
			grpc_request_refuse_as_http(request, (struct http_refusal){503, GRPC_CROWDED});
		else
			grpc_port_begin(request, is_end);
		return;
	}
	if (!request->is_post)
		grpc_request_refuse_as_http(request, (struct http_refusal){405, NOT_POST});
	else if (!request->is_grpc)
		grpc_request_refuse_as_http(request, (struct http_refusal){415, NOT_GRPC});
	else if (request->has_other_codec)
		grpc_request_shed(request, GRPC_UNIMPLEMENTED, OTHER_CODEC);
	else if (buffer_failed(&request->path))
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, "the path is longer than 8 KiB, which is the limit");
	else if (buffer_failed(&request->metadata))
		metadata_refuse(request);
	else if (config->bodies && !head_is_charged(request))
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, GRPC_CROWDED);
	else if (request->has_bad_timeout)
		grpc_request_shed(request, GRPC_INVALID_ARGUMENT, BAD_TIMEOUT_WORDS);
	else if (request->timeout_ms == 0)
		grpc_request_shed(request, GRPC_DEADLINE_EXCEEDED, DEADLINE_WORDS);
	else if (request->timeout_ms > 0 &&
		 !loop_timer_set(loop, &request->deadline, loop_now_ms(loop) + request->timeout_ms, &error))
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, "no memory for a deadline");
	else if (config->converses)
		request_ask_whether_conversation(request);
}

void grpc_request_call(struct grpc_request *request)
{
	const struct grpc_server_config *config = &request->server->config;
	grpc_request_hold(request);
	config->called(config->context, request, buffer_view(&request->path), buffer_view(&request->body));
}

static void request_is_whole(struct grpc_request *request)
{
	if (request->over)
		return;
	if (request->converses) {
		grpc_conversation_half_close(request);
		return;
	}
	if (!grpc_intake_is_whole(&request->intake)) {
		grpc_request_shed(request, GRPC_INTERNAL,
				  request->intake.have ? GRPC_SHORT_WORDS : "the call has no message; it must have one");
		return;
	}
	if (grpc_intake_is_compressed(&request->intake))
		grpc_message_unpack(request);
	else
		grpc_request_call(request);
}

void grpc_request_shed(struct grpc_request *request, int status, const char *words)
{
	if (!request->over)
		refusal_count(request->server, status);
	grpc_conversation_end(request, status, words);
}

void grpc_request_refuse_message(struct grpc_request *request, enum grpc_intake_fault fault)
{
	char words[120];
	switch (fault) {
	case GRPC_INTAKE_COMPRESSED:
		grpc_request_shed(request, GRPC_UNIMPLEMENTED,
				  "the message is compressed, and grpc-encoding is not gzip or deflate");
		break;
	case GRPC_INTAKE_LARGE:
		snprintf(words, sizeof words, "the message has %zu bytes; the limit is %zu", request->intake.missing,
			 request->body.ceiling_bytes);
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, request->responded ? "a message is too long" : words);
		break;
	case GRPC_INTAKE_SECOND:
		grpc_request_shed(request, GRPC_UNIMPLEMENTED, "there is more than one message; only unary calls are served");
		break;
	case GRPC_INTAKE_MEMORY:
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, "no memory for the message");
		break;
	case GRPC_INTAKE_GOOD:
		break;
	}
}

static enum grpc_intake_fault request_take_bytes(struct grpc_request *request, const uint8_t *bytes, size_t count)
{
	size_t before = request->body.length;
	request->intake.unpacks = grpc_coding_is_taken(request->coding);
	enum grpc_intake_fault fault = grpc_intake_take(&request->intake, &request->body, bytes, count);
	request->server->held_bytes += request->body.length - before;
	return fault;
}

static void unary_take(struct grpc_request *request, const uint8_t *bytes, size_t count)
{
	struct body_budget *bodies = request->server->config.bodies;
	if (!body_budget_allows(bodies, &request->body, &request->charge, count)) {
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, GRPC_CROWDED);
		return;
	}
	enum grpc_intake_fault fault = request_take_bytes(request, bytes, count);
	body_budget_charge(bodies, &request->charge, request->head_bytes + request->body.capacity);
	if (fault != GRPC_INTAKE_GOOD)
		grpc_request_refuse_message(request, fault);
}

/* Windows are widened by bytes that were taken, when they are many: a call of usual length ends before that. A conversation widens
 * its own, since it may let bytes wait. */
static int windows_widen(struct grpc_caller *caller, struct grpc_request *request, size_t count)
{
	nghttp2_session *session = caller->http2.session;
	int failed = 0;
	caller->unwidened_bytes += count;
	if (caller->unwidened_bytes >= WIDENED_BYTES) {
		failed = nghttp2_session_consume_connection(session, caller->unwidened_bytes);
		caller->unwidened_bytes = 0;
	}
	if (failed || !request || request->converses)
		return failed;
	request->unwidened_bytes += count;
	if (request->unwidened_bytes >= WIDENED_BYTES) {
		failed = nghttp2_session_consume_stream(session, request->id, request->unwidened_bytes);
		request->unwidened_bytes = 0;
	}
	return failed;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t count, void *context)
{
	(void)flags;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, id);
	if (windows_widen(context, request, count) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (!request)
		return 0;
	if (request->is_http)
		grpc_port_give(request, (struct text){(const char *)bytes, count});
	if (request->over) /* as one of HTTP is from its head on */
		return 0;
	const struct grpc_server *server = request->server;
	if (request->converses)
		grpc_conversation_take(request, bytes, count);
	else
		unary_take(request, bytes, count);
	if (!request->over && !server->config.bodies && server->held_bytes / HELD_MESSAGES > server->config.message_bytes)
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, GRPC_CROWDED);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct grpc_caller *caller = context;
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) && caller->leaving == GRPC_NOTICED)
		grpc_caller_leaves(caller);
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (!request)
		return 0;
	const bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	const bool is_head = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
	if (is_head)
		headers_are_whole(request, is_end);
	if (!is_end)
		return 0;
	if (!request->is_http)
		request_is_whole(request);
	else if (!is_head)
		grpc_port_end(request);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	(void)code, (void)context;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, id);
	if (request)
		grpc_request_leave_wire(request);
	return 0;
}

/* nghttp2 has reset a stream because of what its caller sent. The server's own resets have other codes. */
static void reset_note(struct grpc_caller *caller, const nghttp2_frame *frame)
{
	const uint32_t code = frame->rst_stream.error_code;
	if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR && code != NGHTTP2_REFUSED_STREAM)
		frame_budget_caused_reset(&caller->http2.frames, frame->hd.stream_id);
}

/* When the answer is complete and the request is not, the rest is not needed: the stream is reset, or may end by itself for a
 * while. */
static int grpc_request_on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
		if (frame->hd.type == NGHTTP2_RST_STREAM)
			reset_note(context, frame);
		return 0;
	}
	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
	    nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) != 0)
		return 0;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (!request || !grpc_answer_wait_for_end(request))
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

void grpc_request_set_up_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, grpc_request_on_sent);
}
