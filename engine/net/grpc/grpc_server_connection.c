/* grpc_server_connection.c: Connection of the gRPC server; see grpc_server_parts.h. */
#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/grpc/grpc_server_parts.h"

#define NOTICE_MS 1000 /* for the answer to the ping after a shutdown notice */
#define MESSAGE_BYTES_A_MS 64 /* the least, beyond config.silence_ms; as for bodies over HTTP */

static void grpc_caller_on_ready(void *context, uint32_t events);

void grpc_server_wake(struct grpc_server *server)
{
	if (!server->awake)
		loop_timer_set(server->loop, &server->now, loop_now_ms(server->loop), &(struct error){0}); /* needs no memory */
	server->awake = true;
}

void grpc_caller_mark_dirty(struct grpc_caller *caller)
{
	caller->dirty = true;
	grpc_server_wake(caller->server);
}

/* A connection that flooded owes all that one can have: it may have begun with less, and been filled by time. */
static void debt_note(struct grpc_caller *caller)
{
	const struct http2 *http2 = &caller->http2;
	frame_debts_add(&caller->server->debts, &caller->peer->address,
			http2->flooded ? FRAME_BUDGET_BURST : frame_budget_used(&http2->frames), loop_now_ms(http2->loop));
}

void grpc_caller_end(struct grpc_caller *caller)
{
	struct grpc_server *server = caller->server;
	for (struct list_node *node = caller->requests.first, *next; node; node = next) {
		struct grpc_request *request = LIST_OWNER(node, struct grpc_request, node);
		next = node->next;
		bool held = request->open > 0; /* else leaving the wire has returned it to the pool */
		if (request->on_wire)
			grpc_request_leave_wire(request);
		if (!held)
			continue;
		request->caller = NULL;
		list_remove(node);
		list_add(&server->abandoned, node);
		body_budget_hold(server->config.bodies, &request->charge);
	}
	if (caller->next)
		caller->next->previous = caller->previous;
	*(caller->previous ? &caller->previous->next : &server->callers) = caller->next;
	if (caller->peer) {
		debt_note(caller);
		acceptor_leave(&server->acceptor, caller->peer);
	}
	if (caller->body_peer)
		peers_leave(&server->config.bodies->peers, caller->body_peer);
	loop_timer_stop(server->loop, &caller->tend);
	http2_close(&caller->http2);
	memory_give(caller);
}

/* ---- supervision: one timer for all time limits ---- */

static int64_t tend_at(const struct grpc_caller *caller)
{
	if (caller->http2.is_half_closed)
		return grpc_half_close_tend_at(caller);
	int64_t silence_ms = caller->server->config.silence_ms;
	int64_t at = (caller->pinged_ms ? caller->pinged_ms : caller->heard_ms) + silence_ms;
	if (caller->leaving == GRPC_NOTICED && caller->pinged_ms + NOTICE_MS < at)
		at = caller->pinged_ms + NOTICE_MS;
	if (caller->answering > 0 && caller->moved_ms + silence_ms < at)
		at = caller->moved_ms + silence_ms;
	return at;
}

static bool set_tend(struct grpc_caller *caller)
{
	struct error error = {0};
	return loop_timer_set(caller->server->loop, &caller->tend, tend_at(caller), &error);
}

static void grpc_caller_ping(struct grpc_caller *caller)
{
	nghttp2_submit_ping(caller->http2.session, NGHTTP2_FLAG_NONE, NULL);
	caller->pinged_ms = loop_now_ms(caller->server->loop);
	grpc_caller_mark_dirty(caller);
}

/* Whether the bytes of a message are awaited. Those that wait in a backlog are not the caller's delay. */
static bool message_is_awaited(const struct grpc_request *request)
{
	if (!request->on_wire || request->over || grpc_is_coding(request))
		return false;
	return request->converses ? request->intake.have > 0 && request->taken == request->backlog.length : request->open == 0;
}

/* A caller that answers pings and never ends its messages must not hold what it has sent of them. */
static void late_messages_refuse(struct grpc_caller *caller, int64_t now_ms)
{
	const struct grpc_server_config *config = &caller->server->config;
	int64_t most_ms = config->silence_ms + (int64_t)(config->message_bytes / MESSAGE_BYTES_A_MS);
	for (const struct list_node *node = caller->requests.first; node; node = node->next) {
		struct grpc_request *request = LIST_OWNER(node, struct grpc_request, node);
		if (message_is_awaited(request) && now_ms - request->began_ms >= most_ms)
			grpc_request_shed(request, GRPC_DEADLINE_EXCEEDED, "the message did not come in time");
	}
}

/* A caller that reads some answers and leaves others must not hold the memory of those. */
static void unread_answers_reset(struct grpc_caller *caller, int64_t now_ms)
{
	for (const struct list_node *node = caller->requests.first; node; node = node->next) {
		const struct grpc_request *request = LIST_OWNER(node, struct grpc_request, node);
		if (request->pending && now_ms - request->moved_ms >= caller->server->config.silence_ms)
			nghttp2_submit_rst_stream(caller->http2.session, NGHTTP2_FLAG_NONE, request->id, NGHTTP2_CANCEL);
	}
	grpc_caller_mark_dirty(caller);
}

/* False: it is to be ended. */
static bool caller_tend(struct grpc_caller *caller)
{
	if (caller->http2.is_half_closed)
		return grpc_half_close_tend(caller);
	int64_t now_ms = loop_now_ms(caller->server->loop), silence_ms = caller->server->config.silence_ms;
	bool stuck = caller->answering > 0 && now_ms - caller->moved_ms >= silence_ms;
	bool dead = caller->pinged_ms && now_ms - caller->pinged_ms >= silence_ms;
	bool quiet = now_ms - caller->heard_ms >= silence_ms;
	if (stuck || dead || (quiet && !caller->http2.session))
		return false;
	if (caller->on_wire > 0)
		late_messages_refuse(caller, now_ms);
	if (caller->answering > 0)
		unread_answers_reset(caller, now_ms);
	if (caller->leaving == GRPC_NOTICED && now_ms - caller->pinged_ms >= NOTICE_MS)
		grpc_caller_leaves(caller);
	else if (quiet && !caller->pinged_ms)
		grpc_caller_ping(caller);
	return true;
}

static void grpc_caller_on_tend(void *context)
{
	struct grpc_caller *caller = context;
	if (!caller_tend(caller) || !set_tend(caller))
		grpc_caller_end(caller);
}

/* ---- draining ---- */

/* Ends those of a server that drains: a conversation has no time limit of its own. */
static void conversations_finish(struct grpc_caller *caller)
{
	if (!caller->server->draining)
		return;
	for (const struct list_node *node = caller->requests.first; node; node = node->next) {
		struct grpc_request *request = LIST_OWNER(node, struct grpc_request, node);
		if (request->converses && request->on_wire)
			grpc_conversation_finish(request, GRPC_UNAVAILABLE, "the server is stopping");
	}
}

void grpc_caller_leaves(struct grpc_caller *caller)
{
	nghttp2_session *session = caller->http2.session;
	caller->leaving = GRPC_LEAVES;
	caller->pinged_ms = 0;
	conversations_finish(caller);
	nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR, NULL,
			      0);
	grpc_caller_mark_dirty(caller);
}

void grpc_caller_drain(struct grpc_caller *caller)
{
	if (!caller->http2.session) {
		grpc_caller_end(caller);
		return;
	}
	if (caller->leaving == GRPC_LEAVES || caller->http2.is_half_closed)
		conversations_finish(caller);
	if (caller->leaving != GRPC_STAYS || caller->http2.is_half_closed)
		return;
	nghttp2_submit_shutdown_notice(caller->http2.session);
	caller->leaving = GRPC_NOTICED;
	grpc_caller_ping(caller);
	if (!set_tend(caller))
		grpc_caller_end(caller);
}

/* ---- accepting, reading and sending ---- */

void grpc_caller_accept(void *context, int socket, struct peer *peer)
{
	struct grpc_server *server = context;
	struct body_budget *bodies = server->config.bodies;
	struct grpc_caller *caller = memory_take(1, sizeof *caller);
	struct error error = {0};
	if (!caller) {
		close(socket);
		acceptor_leave(&server->acceptor, peer);
		return;
	}
	caller->server = server;
	caller->peer = peer;
	http2_open(&caller->http2, server->loop, grpc_caller_on_ready, caller);
	link_adopt(&caller->http2.link, socket);
	caller->tend = (struct loop_timer){.due = grpc_caller_on_tend, .context = caller};
	caller->heard_ms = loop_now_ms(server->loop);
	caller->next = server->callers;
	if (caller->next)
		caller->next->previous = caller;
	server->callers = caller;
	caller->body_peer = bodies ? peers_enter(&bodies->peers, &peer->address) : NULL;
	if ((bodies && !caller->body_peer) || (server->tls && !link_secure(&caller->http2.link, server->tls, NULL, &error)) ||
	    !http2_watch(&caller->http2, EPOLLIN, &error) || !set_tend(caller)) {
		grpc_caller_end(caller);
		return;
	}
	caller->http2.link.any_protocol = server->config.http != NULL;
}

/* Begins the session with the bytes by which its protocol was known. */
static bool session_begin(struct grpc_caller *caller, struct error *error)
{
	const struct grpc_server *server = caller->server;
	const int64_t tokens = frame_debts_allow(&server->debts, &caller->peer->address, loop_now_ms(server->loop));
	return http2_begin(&caller->http2, server->callbacks, caller, (uint32_t)server->config.streams, tokens, error) &&
	       (caller->first_count == 0 || http2_take(&caller->http2, caller->first, caller->first_count, error));
}

/* False: the connection was closed. */
static bool establish(struct grpc_caller *caller)
{
	struct http2 *http2 = &caller->http2;
	struct error error = {0};
	enum link_outcome outcome = http2->link.established ? LINK_DONE : link_establish(&http2->link, &error);
	enum grpc_port_verdict verdict = GRPC_PORT_HTTP2;
	if (outcome == LINK_LATER && http2_watch(http2, link_events(&http2->link), &error))
		return true;
	if (outcome == LINK_DONE && caller->server->config.http)
		verdict = grpc_port_look(caller, &error);
	if (outcome == LINK_DONE && verdict == GRPC_PORT_LATER && http2_watch(http2, EPOLLIN, &error))
		return true;
	if (outcome == LINK_DONE && verdict == GRPC_PORT_HTTP2 && session_begin(caller, &error))
		return true;
	caller->server->acceptor.counts.rejected += http2->link.was_clear;
	grpc_caller_end(caller);
	return false;
}

/* After it has sent what no session takes. */
static void grpc_caller_give_up(struct grpc_caller *caller)
{
	caller->server->acceptor.counts.flooded += caller->http2.flooded != NULL;
	http2_excuse(&caller->http2);
	grpc_caller_end(caller);
}

/* False: the connection is over. */
static bool caller_read(struct grpc_caller *caller)
{
	struct grpc_server *server = caller->server;
	struct error error = {0};
	caller->heard_ms = loop_now_ms(server->loop);
	if (caller->leaving != GRPC_NOTICED)
		caller->pinged_ms = 0;
	return http2_receive(&caller->http2, server->room, sizeof server->room, &error) ||
	       (error.kind == ERROR_NONE && grpc_half_close_begin(caller) && set_tend(caller));
}

static void grpc_caller_on_ready(void *context, uint32_t events)
{
	struct grpc_caller *caller = context;
	struct http2 *http2 = &caller->http2;
	if (!http2->session && !establish(caller))
		return;
	if (!http2->session)
		return;
	const bool is_lost = http2->is_half_closed && events & (EPOLLERR | EPOLLHUP);
	if (is_lost || (!http2->is_half_closed && events & ~(uint32_t)EPOLLOUT && !caller_read(caller))) {
		grpc_caller_give_up(caller);
		return;
	}
	grpc_caller_mark_dirty(caller);
}

void grpc_caller_flush(struct grpc_caller *caller)
{
	struct http2 *http2 = &caller->http2;
	struct error error = {0};
	caller->dirty = false;
	if (http2_waits(http2) && !http2_resume(http2, &error)) {
		grpc_caller_give_up(caller);
		return;
	}
	if (http2->is_half_closed)
		grpc_half_close_measure(caller);
	bool good = http2_flush(http2, &error);
	bool over =
		!http2_is_stuck(http2) && !nghttp2_session_want_read(http2->session) && !nghttp2_session_want_write(http2->session);
	if (!good || over)
		grpc_caller_end(caller);
	else if (http2->is_half_closed)
		grpc_half_close_finish(caller);
	else if (http2_waits(http2))
		grpc_caller_mark_dirty(caller);
}
