/* grpc_server_conversation.c: Call of several messages on the gRPC server; see grpc_server_parts.h.
 *
 * Messages are passed on until enough of them are open, or enough answers are unread. Later bytes wait in the backlog, and the
 * window of the stream is not widened for them: so a caller can send that window ahead of what is answered, and no more.
 */
#include <assert.h>

#include "net/grpc/grpc_server_parts.h"

#define OPEN_MAX ((size_t)64)		    /* messages of a conversation */
#define HELD_BYTES_ENOUGH ((size_t)4 << 20) /* of open messages and unread answers; the last of them may exceed it */

/* ---- limits ---- */

static size_t unread_bytes(const struct grpc_request *request)
{
	return request->answer.length - request->offset;
}

static size_t backlog_bytes(const struct grpc_request *request)
{
	return request->backlog.length - request->taken;
}

static bool conversation_takes(const struct grpc_request *request)
{
	return !request->over && request->end_status == GRPC_STATUS_NONE && !grpc_is_coding(request) && request->open < OPEN_MAX &&
	       request->open_bytes + unread_bytes(request) < HELD_BYTES_ENOUGH;
}

bool grpc_conversation_is_charged(struct grpc_request *request)
{
	static const struct buffer none = {.ceiling_bytes = SIZE_MAX};
	struct body_budget *bodies = request->server->config.bodies;
	const size_t bytes = request->head_bytes + request->body.capacity + request->unpacking.plain.capacity +
			     request->backlog.capacity + request->answer.capacity + request->open_bytes;
	if (!body_budget_allows(bodies, &none, &request->charge, bytes))
		return false;
	body_budget_charge(bodies, &request->charge, bytes);
	return true;
}

static void backlog_drop(struct grpc_request *request)
{
	request->server->held_bytes -= backlog_bytes(request);
	request->taken = 0;
	grpc_buffer_empty(&request->backlog);
}

/* ---- sending ---- */

static void answer_is_pending(struct grpc_request *request, bool pending)
{
	struct grpc_caller *caller = request->caller;
	if (pending && !request->pending)
		request->moved_ms = loop_now_ms(request->server->loop);
	if (pending && caller->answering == 0)
		caller->moved_ms = request->moved_ms;
	caller->answering += pending;
	caller->answering -= request->pending;
	request->pending = pending;
}

/* Takes from the backlog in the server's turn, which may begin calls: not from within the end of another one. */
static void continue_soon(struct grpc_request *request)
{
	if (backlog_bytes(request) == 0 || request->continue_node.list || !conversation_takes(request))
		return;
	list_add(&request->server->continuing, &request->continue_node);
	grpc_caller_mark_dirty(request->caller);
}

static void answers_are_sent(struct grpc_request *request)
{
	grpc_buffer_empty(&request->answer);
	request->offset = 0;
	answer_is_pending(request, false);
	(void)grpc_conversation_is_charged(request); /* it holds less */
	continue_soon(request);
}

static bool trailers_submit(const struct grpc_request *request)
{
	char number[NUMBER_TEXT_MAX];
	const nghttp2_nv trailers[] = {
		http2_variable(TEXT("grpc-status"), (struct text){number, number_write_int64(number, request->end_status)}),
		http2_variable(TEXT("grpc-message"), text_of(request->end_words)),
	};
	return nghttp2_submit_trailer(request->caller->http2.session, request->id, trailers,
				      request->end_status == GRPC_OK ? 1 : 2) == 0;
}

static ssize_t grpc_conversation_on_wanted(nghttp2_session *session, int32_t id, uint8_t *room, size_t size, uint32_t *flags,
					   nghttp2_data_source *source, void *context)
{
	(void)source;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, id);
	if (!request)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	const size_t now = unread_bytes(request) > 0 ? grpc_answer_copy(request, context, room, size) : 0;
	if (unread_bytes(request) > 0)
		return (ssize_t)now;
	answers_are_sent(request);
	if (!request->over)
		return now > 0 ? (ssize_t)now : NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return trailers_submit(request) ? (ssize_t)now : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static bool respond(struct grpc_request *request)
{
	const nghttp2_nv pairs[] = {
		http2_constant(TEXT(":status"), TEXT("200")),
		http2_constant(TEXT("content-type"), TEXT("application/grpc")),
		http2_constant(TEXT("grpc-encoding"), TEXT("gzip")),
	};
	const size_t count = sizeof pairs / sizeof *pairs - !request->packs;
	const nghttp2_data_provider messages = {.read_callback = grpc_conversation_on_wanted};
	request->responded = nghttp2_submit_response(request->caller->http2.session, request->id, pairs, count, &messages) == 0;
	return request->responded;
}

static void stream_reset(const struct grpc_request *request)
{
	nghttp2_submit_rst_stream(request->caller->http2.session, NGHTTP2_FLAG_NONE, request->id, NGHTTP2_INTERNAL_ERROR);
}

static void session_continue(const struct grpc_request *request)
{
	(void)nghttp2_session_resume_data(request->caller->http2.session, request->id); /* fails if the stream is not deferred,
											 * which is no error */
	grpc_caller_mark_dirty(request->caller);
}

/* ---- the end ---- */

/* All messages have left. Bytes would be asked for when there is a window; trailers need none. */
static void end_submit(const struct grpc_request *request)
{
	if (!trailers_submit(request))
		stream_reset(request);
	grpc_caller_mark_dirty(request->caller);
}

void grpc_conversation_end(struct grpc_request *request, int status, const char *words)
{
	if (request->over)
		return;
	if (!request->responded) {
		grpc_request_refuse(request, status, text_of(words));
		return;
	}
	request->over = true;
	request->end_status = status;
	request->end_words = words;
	if (unread_bytes(request) > 0)
		session_continue(request);
	else
		end_submit(request);
}

/* Ends a conversation of which nothing is open, if its end was asked for, or its caller has sent all. */
static void conversation_settle(struct grpc_request *request)
{
	if (request->over || request->end_status != GRPC_STATUS_NONE)
		backlog_drop(request);
	if (request->over || request->open > 0 || backlog_bytes(request) > 0)
		return;
	if (request->end_status != GRPC_STATUS_NONE)
		grpc_conversation_end(request, request->end_status, request->end_words);
	else if (grpc_is_coding(request))
		return;
	else if (request->has_ended && request->intake.have > 0)
		grpc_request_shed(request, GRPC_INTERNAL, GRPC_SHORT_WORDS);
	else if (request->has_ended)
		grpc_conversation_end(request, GRPC_OK, "");
}

void grpc_conversation_finish(struct grpc_request *request, int status, const char *words)
{
	assert(request->converses && status != GRPC_STATUS_NONE);
	if (!request->on_wire || request->over || request->end_status != GRPC_STATUS_NONE)
		return;
	request->end_status = status;
	request->end_words = words;
	if (!request->is_taking)
		conversation_settle(request);
}

void grpc_conversation_half_close(struct grpc_request *request)
{
	request->has_ended = true;
	conversation_settle(request);
}

/* ---- answers ---- */

/* A caller that always leaves a little unread must not make what was read stay. */
static void drop_sent(struct grpc_request *request)
{
	const size_t left = unread_bytes(request);
	if (request->offset < left || request->offset == 0)
		return;
	memmove(request->answer.bytes, request->answer.bytes + request->offset, left);
	request->answer.length = left;
	request->offset = 0;
}

static void answer_add(struct grpc_request *request, struct text body)
{
	struct buffer *answer = &request->answer;
	unsigned char prefix[GRPC_PREFIX_BYTES];
	bool is_packed = false;
	drop_sent(request);
	const size_t before = answer->length;
	if (!request->responded)
		request->packs = grpc_answers_are_packed(request);
	if (request->packs)
		body = body_pack_at_once(&request->server->coder, body, &is_packed);
	if (body.length <= UINT32_MAX) {
		grpc_prefix_write(prefix, body.length);
		prefix[0] = is_packed;
		buffer_append(answer, prefix, sizeof prefix);
		buffer_text(answer, body);
	}
	if (body.length > UINT32_MAX || buffer_failed(answer) || !grpc_conversation_is_charged(request)) {
		answer->length = before;
		grpc_conversation_end(request, GRPC_RESOURCE_EXHAUSTED, GRPC_UNREAD_WORDS);
		return;
	}
	answer_is_pending(request, true);
	if (request->responded)
		session_continue(request);
	else if (!respond(request))
		stream_reset(request);
	grpc_caller_mark_dirty(request->caller);
}

static void message_uncount(struct grpc_request *request, size_t message_bytes)
{
	assert(request->converses && request->open > 0 && message_bytes <= request->open_bytes);
	request->open_bytes -= message_bytes;
}

static void message_release(struct grpc_request *request)
{
	const bool is_on_wire = request->on_wire;
	grpc_request_release(request); /* then it may be in the pool, unless it is on the wire */
	if (!is_on_wire || request->is_taking)
		return;
	continue_soon(request);
	conversation_settle(request);
}

void grpc_conversation_answer(struct grpc_request *request, size_t message_bytes, struct text body)
{
	message_uncount(request, message_bytes);
	if (request->on_wire && !request->over)
		answer_add(request, body);
	message_release(request);
}

void grpc_conversation_refuse(struct grpc_request *request, size_t message_bytes, int status, const char *words)
{
	message_uncount(request, message_bytes);
	grpc_conversation_finish(request, status, words);
	message_release(request);
}

void grpc_conversation_send(struct grpc_request *request, struct text body)
{
	assert(request->converses && request->open > 0);
	if (request->on_wire && !request->over)
		answer_add(request, body);
}

/* ---- messages ---- */

static void message_pass(struct grpc_request *request)
{
	struct grpc_server *server = request->server;
	const size_t bytes = request->body.length;
	server->turn_messages++;
	grpc_request_hold(request);
	request->open_bytes += bytes;
	if (!server->config.received(server->config.context, request, buffer_view(&request->path), buffer_view(&request->body))) {
		request->open_bytes -= bytes;
		grpc_request_release(request);
		grpc_conversation_end(request, GRPC_INVALID_ARGUMENT, "the message cannot be read");
	}
	server->held_bytes -= request->body.length;
	buffer_clear(&request->body);
	request->intake = (struct grpc_intake){0};
}

static enum grpc_intake_fault messages_take(struct grpc_request *request, const uint8_t **bytes, size_t *count)
{
	struct grpc_server *server = request->server;
	enum grpc_intake_fault fault = GRPC_INTAKE_GOOD;
	request->is_taking = true;
	while (*count > 0 && fault == GRPC_INTAKE_GOOD && conversation_takes(request) &&
	       server->turn_messages < GRPC_TURN_MESSAGES_MAX) {
		const size_t before = request->body.length;
		if (request->intake.have == 0) {
			request->began_ms = loop_now_ms(server->loop);
			request->intake.unpacks = grpc_coding_is_taken(request->coding);
		}
		fault = grpc_intake_next(&request->intake, &request->body, bytes, count);
		server->held_bytes += request->body.length - before;
		if (fault == GRPC_INTAKE_GOOD && grpc_intake_is_whole(&request->intake)) {
			if (grpc_intake_is_compressed(&request->intake))
				grpc_message_unpack(request);
			else
				message_pass(request);
		}
	}
	request->is_taking = false;
	return fault;
}

/* Widens the window of the stream by bytes that were taken. */
static void window_widen(const struct grpc_request *request, size_t count)
{
	if (count > 0 && !request->has_ended)
		(void)nghttp2_session_consume_stream(request->caller->http2.session, request->id, count); /* else memory ran out,
													   * and the stream
													   * stands still */
}

/* After bytes were taken. */
static void conversation_go_on(struct grpc_request *request, enum grpc_intake_fault fault)
{
	if (fault != GRPC_INTAKE_GOOD)
		grpc_request_refuse_message(request, fault);
	else if (!grpc_conversation_is_charged(request))
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, GRPC_CROWDED);
	continue_soon(request);
	conversation_settle(request);
}

void grpc_conversation_unpacked(struct grpc_request *request, int status)
{
	if (status == GRPC_OK)
		message_pass(request);
	else
		grpc_request_shed(request, status, "a message cannot be decompressed, or is too long when it is");
	if (!request->is_taking)
		conversation_go_on(request, GRPC_INTAKE_GOOD);
}

void grpc_conversation_take(struct grpc_request *request, const uint8_t *bytes, size_t count)
{
	const size_t before = count;
	enum grpc_intake_fault fault = GRPC_INTAKE_GOOD;
	if (backlog_bytes(request) == 0)
		fault = messages_take(request, &bytes, &count);
	window_widen(request, before - count);
	if (fault == GRPC_INTAKE_GOOD && !request->over && request->end_status == GRPC_STATUS_NONE && count > 0) {
		buffer_append(&request->backlog, bytes, count);
		request->server->held_bytes += buffer_failed(&request->backlog) ? 0 : count;
		fault = buffer_failed(&request->backlog) ? GRPC_INTAKE_MEMORY : GRPC_INTAKE_GOOD;
	}
	conversation_go_on(request, fault);
}

/* What was taken leaves when it is half of all, so that the move of the rest costs as much as that. */
static void backlog_shorten(struct grpc_request *request)
{
	const size_t left = backlog_bytes(request);
	if (request->taken < left)
		return;
	if (left > 0)
		memmove(request->backlog.bytes, request->backlog.bytes + request->taken, left);
	request->backlog.length = left;
	request->taken = 0;
	if (left == 0)
		grpc_buffer_empty(&request->backlog);
}

void grpc_conversation_continue(struct grpc_request *request)
{
	const size_t before = backlog_bytes(request);
	const uint8_t *bytes = (const uint8_t *)request->backlog.bytes + request->taken;
	size_t count = before;
	const enum grpc_intake_fault fault = messages_take(request, &bytes, &count);
	request->taken += before - count;
	request->server->held_bytes -= before - count;
	window_widen(request, before - count);
	backlog_shorten(request);
	conversation_go_on(request, fault);
}
