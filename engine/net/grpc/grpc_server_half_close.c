/* grpc_server_half_close.c: Caller of the gRPC server that has ended its side of the connection; see grpc_server_parts.h.
 *
 * It can widen no window any more. So its answers are measured by the windows that are left: one that does not fit is reset before
 * it takes anything from them. Nothing shows whether it still listens, except that one that does not answers by a reset.
 */
#include <sys/epoll.h>

#include "net/grpc/grpc_server_parts.h"
#include "net/http/http_exchange.h"

#define SILENCES_MAX 11 /* of 60 s, by default: a caller may ask for 10 minutes */

/* An answer that has not begun, and one that is complete, owe nothing. */
static bool answer_is_owed(const struct grpc_request *request)
{
	if (request->exchange)
		return request->has_responded;
	return request->pending || (request->converses && request->responded);
}

/* What the answer needs of a window. The end of a call are trailers, which need none; that of an exchange is a frame of DATA, which
 * leaves with a window only. */
static size_t answer_left(const struct grpc_request *request)
{
	if (!request->exchange)
		return request->answer.length - request->offset;
	const size_t left = http_exchange_left(request->exchange);
	return left > 0 ? left : 1;
}

/* Whether the answer fits the windows of the stream and of the connection, of which it then takes its part. */
static bool answer_fits(const struct grpc_request *request, int64_t *window)
{
	nghttp2_session *session = request->caller->http2.session;
	const size_t left = answer_left(request);
	const int64_t of_stream = nghttp2_session_get_stream_remote_window_size(session, request->id);
	if (left > INT32_MAX || (int64_t)left > *window || (int64_t)left > of_stream)
		return false;
	*window -= (int64_t)left;
	return true;
}

static void request_reset(struct grpc_request *request)
{
	nghttp2_submit_rst_stream(request->caller->http2.session, NGHTTP2_FLAG_NONE, request->id, NGHTTP2_CANCEL);
	request->fit = GRPC_RESET;
}

static void answers_measure(const struct grpc_caller *caller, enum grpc_fit before, int64_t *window)
{
	for (const struct list_node *node = caller->requests.first; node; node = node->next) {
		struct grpc_request *request = LIST_OWNER(node, struct grpc_request, node);
		if (!request->on_wire || request->fit != before || !answer_is_owed(request))
			continue;
		if (answer_fits(request, window))
			request->fit = GRPC_FITS;
		else
			request_reset(request);
	}
}

/* Those that have begun come first: others must not take what they need. */
void grpc_half_close_measure(const struct grpc_caller *caller)
{
	int64_t window = nghttp2_session_get_remote_window_size(caller->http2.session);
	answers_measure(caller, GRPC_FITS, &window);
	answers_measure(caller, GRPC_UNMEASURED, &window);
}

/* GOAWAY comes after the last answer: some callers take no frame behind it, as Python's h2. */
void grpc_half_close_finish(struct grpc_caller *caller)
{
	const struct http2 *http2 = &caller->http2;
	const bool is_done = caller->on_wire == 0 && !http2_is_stuck(http2) && !nghttp2_session_want_write(http2->session);
	if (is_done && caller->leaving != GRPC_LEAVES)
		grpc_caller_leaves(caller);
}

static void half_close_probe(struct grpc_caller *caller)
{
	nghttp2_submit_ping(caller->http2.session, NGHTTP2_FLAG_NONE, NULL);
	caller->heard_ms = loop_now_ms(caller->server->loop);
	grpc_caller_mark_dirty(caller);
}

static bool request_can_be_answered(const struct grpc_request *request)
{
	const bool is_answered = request->exchange ? request->has_responded : request->over;
	return is_answered || nghttp2_session_get_stream_remote_close(request->caller->http2.session, request->id) != 0;
}

bool grpc_half_close_begin(struct grpc_caller *caller)
{
	struct http2 *http2 = &caller->http2;
	if (caller->on_wire == 0 && !http2_is_stuck(http2) && !nghttp2_session_want_write(http2->session))
		return false;
	http2->is_half_closed = true;
	http2->moved_ms = caller->ended_ms = loop_now_ms(caller->server->loop);
	for (const struct list_node *node = caller->requests.first; node; node = node->next) {
		struct grpc_request *request = LIST_OWNER(node, struct grpc_request, node);
		if (!request->on_wire)
			continue;
		request->fit = GRPC_UNMEASURED;
		if (!request_can_be_answered(request))
			request_reset(request);
	}
	half_close_probe(caller);
	return true;
}

int64_t grpc_half_close_tend_at(const struct grpc_caller *caller)
{
	const int64_t silence_ms = caller->server->config.silence_ms;
	const int64_t last_ms = caller->ended_ms + SILENCES_MAX * silence_ms, probe_ms = caller->heard_ms + silence_ms;
	return probe_ms < last_ms ? probe_ms : last_ms;
}

bool grpc_half_close_tend(struct grpc_caller *caller)
{
	const int64_t now_ms = loop_now_ms(caller->server->loop), silence_ms = caller->server->config.silence_ms;
	if (now_ms - caller->ended_ms >= SILENCES_MAX * silence_ms)
		return false;
	if (http2_is_stuck(&caller->http2) && now_ms - caller->http2.moved_ms >= silence_ms)
		return false;
	if (now_ms - caller->heard_ms >= silence_ms)
		half_close_probe(caller);
	return true;
}
