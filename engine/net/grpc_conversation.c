/* grpc_conversation.c: Call of several messages on the gRPC server, each answered by one; see grpc_server_parts.h. */
#include <string.h>

#include "net/grpc_server_parts.h"

#define BACKLOG_BYTES_MAX ((size_t)1 << 20) /* answers that the caller has not read yet */
#define STATUS_RUNS (-1)

static void answer_is_pending(struct grpc_request *request, bool pending)
{
	struct grpc_caller *caller = request->caller;
	if (pending && caller->answering == 0)
		caller->moved_ms = loop_now_ms(request->server->loop);
	caller->answering += pending;
	caller->answering -= request->pending;
	request->pending = pending;
}

static ssize_t grpc_conversation_on_wanted(nghttp2_session *session, int32_t id, uint8_t *room, size_t size, uint32_t *flags,
					   nghttp2_data_source *source, void *context)
{
	(void)source;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, id);
	struct grpc_caller *caller = context;
	char number[NUMBER_TEXT_MAX];
	if (!request)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	size_t left = request->answer.length - request->offset;
	size_t now = left < size ? left : size;
	if (now > 0) {
		memcpy(room, request->answer.bytes + request->offset, now);
		caller->moved_ms = loop_now_ms(caller->http2.loop);
	}
	request->offset += now;
	if (now < left)
		return (ssize_t)now;
	buffer_clear(&request->answer);
	request->offset = 0;
	answer_is_pending(request, false);
	if (request->end_status == STATUS_RUNS)
		return now > 0 ? (ssize_t)now : NGHTTP2_ERR_DEFERRED;
	const nghttp2_nv trailers[] = {
		http2_variable(TEXT("grpc-status"), (struct text){number, number_write_int64(number, request->end_status)}),
		http2_variable(TEXT("grpc-message"), text_of(request->end_words)),
	};
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return nghttp2_submit_trailer(session, id, trailers, request->end_status == GRPC_OK ? 1 : 2) == 0
		       ? (ssize_t)now
		       : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static bool respond(struct grpc_request *request)
{
	const nghttp2_nv pairs[] = {
		http2_constant(TEXT(":status"), TEXT("200")),
		http2_constant(TEXT("content-type"), TEXT("application/grpc")),
	};
	const nghttp2_data_provider messages = {.read_callback = grpc_conversation_on_wanted};
	request->end_status = STATUS_RUNS;
	request->responded = nghttp2_submit_response(request->caller->http2.session, request->id, pairs,
						     sizeof pairs / sizeof *pairs, &messages) == 0;
	return request->responded;
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
	(void)nghttp2_session_resume_data(request->caller->http2.session, request->id); /* fails if the stream is not deferred,
											 * which is no error */
	grpc_caller_is_dirty(request->caller);
}

/* A caller that always leaves a little unread must not make what was read stay. */
static void drop_sent(struct grpc_request *request)
{
	size_t left = request->answer.length - request->offset;
	if (request->offset < left || request->offset == 0)
		return;
	memmove(request->answer.bytes, request->answer.bytes + request->offset, left);
	request->answer.length = left;
	request->offset = 0;
}

static void answer_message(struct grpc_request *request)
{
	struct grpc_server *server = request->server;
	struct buffer *answer = &request->answer;
	drop_sent(request);
	size_t before = answer->length;
	buffer_append(answer, (const char[GRPC_PREFIX_BYTES]){0}, GRPC_PREFIX_BYTES);
	if (!server->config.received(server->config.context, buffer_view(&request->path), buffer_view(&request->body), answer)) {
		answer->length = before;
		grpc_conversation_end(request, GRPC_INVALID_ARGUMENT, "the message cannot be read");
	} else if (buffer_failed(answer) || answer->length - request->offset > BACKLOG_BYTES_MAX) {
		answer->length = before;
		grpc_conversation_end(request, GRPC_RESOURCE_EXHAUSTED, "too many answers are not read");
	} else {
		grpc_prefix_write((unsigned char *)answer->bytes + before, answer->length - before - GRPC_PREFIX_BYTES);
		answer_is_pending(request, true);
		if (request->responded)
			(void)nghttp2_session_resume_data(request->caller->http2.session, request->id);
		else if (!respond(request))
			nghttp2_submit_rst_stream(request->caller->http2.session, NGHTTP2_FLAG_NONE, request->id,
						  NGHTTP2_INTERNAL_ERROR);
		grpc_caller_is_dirty(request->caller);
	}
	server->held_bytes -= request->body.length;
	buffer_clear(&request->body);
	request->intake = (struct grpc_intake){0};
}

enum grpc_intake_fault grpc_conversation_take(struct grpc_request *request, const uint8_t *bytes, size_t count)
{
	enum grpc_intake_fault fault = GRPC_INTAKE_GOOD;
	while (!request->over && count > 0 && fault == GRPC_INTAKE_GOOD) {
		size_t before = request->body.length;
		fault = grpc_intake_next(&request->intake, &request->body, &bytes, &count);
		request->server->held_bytes += request->body.length - before;
		if (fault == GRPC_INTAKE_GOOD && grpc_intake_is_whole(&request->intake))
			answer_message(request);
	}
	return fault;
}
