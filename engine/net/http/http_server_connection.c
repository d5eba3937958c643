/* http_server_connection.c: Connection of the HTTP server: its input, its output, and its time limits; see
 * http_server_parts.h. */
#include <assert.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/host_names.h"
#include "net/http/http_server_parts.h"

#define DISCARDED_BYTES_MAX ((uint64_t)64 << 20) /* beyond the limit of a body: a client that reads only after it has sent
						  * everything still gets its answer */
#define LINGER_MS 2000
#define BODY_BYTES_A_MS 64
#define UNREAD_BYTES_MAX ((uint64_t)64 << 10) /* dropping a longer body costs more than a new connection */
#define RECORDS_A_TURN 4 /* of TLS, which are read one by one */
#define FAR_MS INT64_MAX

static const struct http_refusal misdirected = {421, HOST_NAMES_WORDS};
static const struct http_refusal too_long = {413, NULL};
static const struct http_refusal crowded = {503, "the server holds its maximum of request bodies; call again later"};

static void inbound_set_phase(struct http_inbound *connection, enum http_phase phase)
{
	connection->phase = phase;
	connection->since_ms = loop_now_ms(connection->server->loop);
}

/* ---- end of a connection ---- */

void http_inbound_hang_up(struct http_inbound *connection)
{
	struct http_server *server = connection->server;
	if (connection->carrier && !connection->is_detached)
		connection->carrier->gone(connection->carrier_context);
	if (connection->carrier && !http_incoming_pass_carrier(connection))
		connection->carrier->released(connection->carrier_context);
	if (connection->incoming)
		http_incoming_leave(connection->incoming);
	if (connection->is_awake) {
		struct http_inbound **at = &server->awake;
		while (*at && *at != connection)
			at = &(*at)->next_awake;
		if (*at)
			*at = connection->next_awake;
	}
	if (connection->next)
		connection->next->previous = connection->previous;
	*(connection->previous ? &connection->previous->next : &server->connections) = connection->next;
	loop_timer_stop(server->loop, &connection->timer);
	if (connection->is_watched)
		loop_unwatch(server->loop, &connection->watch);
	if (!connection->is_exchange)
		link_close(&connection->link);
	if (connection->acceptor)
		acceptor_leave(connection->acceptor, connection->peer);
	if (connection->body_peer)
		peers_leave(&server->config.bodies->peers, connection->body_peer);
	buffer_close(&connection->rest);
	memory_give(connection);
}

/* Called when the answer was sent completely. */
static void inbound_finish(struct http_inbound *connection)
{
	bool is_cut = connection->incoming->is_cut;
	http_incoming_leave(connection->incoming);
	connection->incoming = NULL;
	if (!connection->closes) {
		inbound_set_phase(connection, HTTP_PHASE_IDLE);
	} else if (is_cut || connection->has_ended) {
		connection->phase = HTTP_PHASE_OVER;
	} else {
		link_finish(&connection->link);
		connection->left = DISCARDED_BYTES_MAX;
		inbound_set_phase(connection, HTTP_PHASE_LINGER);
	}
}

void http_inbound_flush(struct http_inbound *connection)
{
	struct http_incoming *incoming = connection->incoming;
	struct error error;
	error.kind = ERROR_NONE;
	if (!incoming || connection->phase == HTTP_PHASE_OVER)
		return;
	if (connection->is_exchange) {
		if (incoming->output.length > 0)
			connection->carrier->ready(connection->carrier_context);
		return;
	}
	while (incoming->written < incoming->output.length) {
		size_t count = 0;
		enum link_outcome outcome = link_write(&connection->link, incoming->output.bytes + incoming->written,
						       incoming->output.length - incoming->written, &count, &error);
		if (outcome == LINK_BROKEN)
			connection->phase = HTTP_PHASE_OVER;
		if (outcome != LINK_DONE)
			return;
		incoming->written += count;
		connection->since_ms = loop_now_ms(connection->server->loop);
	}
	if (connection->phase == HTTP_PHASE_SENDING)
		inbound_finish(connection);
}

/* ---- input: each function reads at least one byte and returns the number ---- */

static void inbound_call(struct http_inbound *connection)
{
	connection->incoming->is_called = true;
	inbound_set_phase(connection, HTTP_PHASE_CALLED);
	http_incoming_call(connection->incoming);
}

/* Drops the rest of a body whose length is known. */
static void inbound_discard(struct http_inbound *connection, struct http_refusal refusal, uint64_t left)
{
	connection->incoming->refusal = refusal;
	connection->left = left;
	connection->phase = HTTP_PHASE_DISCARD; /* under the time limit of a body */
	buffer_close(&connection->incoming->intake.body);
	body_budget_charge(connection->server->config.bodies, &connection->incoming->charge, 0);
	if (left == 0)
		http_incoming_refuse(connection->incoming, refusal, true);
}

static void inbound_begin_body(struct http_inbound *connection, bool more_is_here)
{
	struct http_incoming *incoming = connection->incoming;
	const struct http_head *head = &incoming->head;
	const size_t limit = incoming->body_bytes;
	bool is_too_long = head->framing == HTTP_BODY_OF_LENGTH && head->length > limit;
	inbound_set_phase(connection, HTTP_PHASE_BODY);
	if (is_too_long && (head->expects_continue || head->length - limit > DISCARDED_BYTES_MAX)) {
		http_incoming_refuse(incoming, too_long, false);
		return;
	}
	http_intake_begin_body(&incoming->intake, head->framing == HTTP_BODY_IN_CHUNKS, head->length);
	if (is_too_long)
		inbound_discard(connection, too_long, head->length);
	else if (head->expects_continue && !more_is_here)
		buffer_text(&incoming->output, TEXT("HTTP/1.1 100 Continue\r\n\r\n"));
	http_inbound_flush(connection);
}

/* False: the request is already answered. A short body is then dropped, so that the connection can serve the next
 * request. */
static bool inbound_admit(struct http_inbound *connection, bool has_body)
{
	const struct http_server_config *config = &connection->server->config;
	struct http_incoming *incoming = connection->incoming;
	const struct http_head *head = &incoming->head;
	struct text method = http_head_text(head, head->method);
	bool is_short = head->framing == HTTP_BODY_OF_LENGTH && head->length <= UNREAD_BYTES_MAX && !head->expects_continue;
	if (!config->admits)
		return true;
	connection->closes |= has_body && !is_short;
	incoming->unread_bytes = has_body && is_short ? head->length : 0;
	incoming->is_called = true;
	inbound_set_phase(connection, HTTP_PHASE_CALLED); /* what follows waits, also for a refusal that is compressed later */
	if (!config->admits(config->context, incoming, text_equal(method, TEXT("HEAD")) ? TEXT("GET") : method,
			    http_head_text(head, head->path)))
		return false;
	connection->closes = !head->keeps;
	incoming->unread_bytes = 0;
	incoming->is_called = false;
	return true;
}

/* Browsers say in each request which languages their user reads; no page can leave that out. */
static bool is_of_browser(const struct http_head *head)
{
	return http_head_known(head, HEADER_ACCEPT_LANGUAGE).bytes || http_head_known(head, HEADER_ORIGIN).bytes;
}

static void inbound_begin_request(struct http_inbound *connection, bool more_is_here)
{
	const struct host_names *hosts = connection->server->config.hosts;
	struct http_incoming *incoming = connection->incoming;
	struct http_head *head = &incoming->head;
	incoming->head_ms = loop_now_ms(connection->server->loop);
	if (!http_head_read(head, &incoming->scan, incoming->bytes.bytes)) {
		http_incoming_refuse(incoming, head->refusal, false);
		return;
	}
	if (connection->is_exchange) { /* its end is that of the stream, so it needs neither a length nor chunks */
		head->keeps = false;
		head->is_old = true;
	}
	if (hosts && is_of_browser(head) && !host_names_allow(hosts, http_head_host(head))) {
		http_incoming_refuse(incoming, misdirected, false);
		return;
	}
	bool has_body = head->framing == HTTP_BODY_IN_CHUNKS || (head->framing == HTTP_BODY_OF_LENGTH && head->length > 0);
	connection->closes = !head->keeps;
	if (!inbound_admit(connection, has_body))
		return;
	if (has_body)
		inbound_begin_body(connection, more_is_here);
	else
		inbound_call(connection);
}

static size_t inbound_take_head(struct http_inbound *connection, const char *bytes, size_t size)
{
	struct http_incoming *incoming = connection->incoming;
	assert(incoming->bytes.length <= incoming->bytes.ceiling_bytes);
	size_t before = incoming->bytes.length, room = incoming->bytes.ceiling_bytes - before;
	size_t taken = before > 0 && size > room ? room : size;
	if (before > 0) /* no more than is refused if it has no end */
		buffer_append(&incoming->bytes, bytes, taken);
	struct text all = before > 0 ? buffer_view(&incoming->bytes) : (struct text){bytes, size};
	enum http_head_outcome outcome = http_head_find_end(&incoming->scan, all);
	if (outcome == HTTP_HEAD_REFUSED || (outcome == HTTP_HEAD_MORE && buffer_failed(&incoming->bytes))) {
		http_incoming_refuse(incoming, incoming->scan.refusal, false);
		return size;
	}
	if (outcome == HTTP_HEAD_WHOLE)
		taken = incoming->scan.end - before;
	if (before == 0)
		buffer_append(&incoming->bytes, bytes, taken);
	else
		incoming->bytes.length = before + taken;
	if (buffer_failed(&incoming->bytes))
		connection->phase = HTTP_PHASE_OVER;
	else if (outcome == HTTP_HEAD_WHOLE)
		inbound_begin_request(connection, taken < size);
	return taken;
}

static void inbound_refuse_body(struct http_inbound *connection)
{
	struct http_incoming *incoming = connection->incoming;
	const struct http_intake *intake = &incoming->intake;
	if (intake->fault == ERROR_LIMIT)
		http_incoming_refuse(incoming, too_long, false);
	else if (intake->fault == ERROR_SYSTEM)
		http_incoming_refuse(incoming, crowded, false);
	else
		http_incoming_refuse(incoming, (struct http_refusal){400, "the chunks of the request's body are not well formed"},
				     false);
}

static size_t inbound_take_body(struct http_inbound *connection, const char *bytes, size_t size)
{
	struct http_incoming *incoming = connection->incoming;
	struct body_budget *bodies = connection->server->config.bodies;
	struct http_intake *intake = &incoming->intake;
	bool in_chunks = incoming->head.framing == HTTP_BODY_IN_CHUNKS;
	if (!in_chunks && intake->left < size)
		size = (size_t)intake->left;
	if (!body_budget_allows(bodies, &intake->body, &incoming->charge, size)) {
		if (in_chunks)
			http_incoming_refuse(incoming, crowded, false);
		else
			inbound_discard(connection, crowded, intake->left - size);
		return size;
	}
	size_t taken = 0;
	enum http_intake_outcome outcome = http_intake_take(intake, bytes, size, &taken);
	incoming->came_bytes += taken;
	body_budget_charge(bodies, &incoming->charge, intake->body.capacity);
	if (outcome == HTTP_INTAKE_FAULTY)
		inbound_refuse_body(connection);
	else if (outcome == HTTP_INTAKE_WHOLE)
		inbound_call(connection);
	return taken;
}

static size_t inbound_throw_away(struct http_inbound *connection, size_t size)
{
	size_t taken = connection->left < size ? (size_t)connection->left : size;
	connection->left -= taken;
	if (connection->phase == HTTP_PHASE_LINGER) {
		if (connection->left == 0)
			connection->phase = HTTP_PHASE_OVER;
		return taken;
	}
	connection->incoming->came_bytes += taken;
	if (connection->left > 0)
		return taken;
	if (connection->incoming->refusal.status > 0) {
		http_incoming_refuse(connection->incoming, connection->incoming->refusal, true);
	} else { /* its answer may be sent already */
		inbound_set_phase(connection, HTTP_PHASE_SENDING);
		http_inbound_flush(connection);
	}
	return taken;
}

/* Whether the next request has come, but waits for the next turn. */
static bool inbound_waits(const struct http_inbound *connection)
{
	return connection->phase == HTTP_PHASE_IDLE && connection->rest.length > 0;
}

static bool phase_takes(enum http_phase phase)
{
	return phase <= HTTP_PHASE_DISCARD || phase == HTTP_PHASE_LINGER;
}

static bool inbound_takes(const struct http_inbound *connection)
{
	return phase_takes(connection->phase) && !inbound_waits(connection);
}

/* Reads as many bytes as the current phase allows, up to the end of the turn's request. */
static size_t inbound_take(struct http_inbound *connection, const char *bytes, size_t size)
{
	size_t at = 0;
	while (at < size && phase_takes(connection->phase)) {
		if (connection->phase == HTTP_PHASE_IDLE) {
			if (connection->has_begun)
				break;
			connection->has_begun = true;
			inbound_set_phase(connection, HTTP_PHASE_HEAD);
			connection->incoming = http_incoming_open(connection);
			if (!connection->incoming)
				connection->phase = HTTP_PHASE_OVER;
		} else if (connection->phase == HTTP_PHASE_HEAD) {
			at += inbound_take_head(connection, bytes + at, size - at);
		} else if (connection->phase == HTTP_PHASE_BODY) {
			at += inbound_take_body(connection, bytes + at, size - at);
		} else {
			at += inbound_throw_away(connection, size - at);
		}
	}
	return at;
}

static void inbound_take_rest(struct http_inbound *connection)
{
	struct buffer *rest = &connection->rest;
	if (rest->length == 0)
		return;
	connection->rest_at += inbound_take(connection, rest->bytes + connection->rest_at, rest->length - connection->rest_at);
	if (connection->rest_at < rest->length)
		return;
	buffer_close(rest);
	connection->rest_at = 0;
}

static void inbound_keep_rest(struct http_inbound *connection, const char *bytes, size_t size)
{
	buffer_append(&connection->rest, bytes, size);
	if (buffer_failed(&connection->rest))
		connection->phase = HTTP_PHASE_OVER;
}

/* A peer that has closed its connection, and one that has only ended its side, look the same until they are sent something: the
 * first answers by a reset. So the first byte of the answer, which all answers begin with, is sent at once. */
static void inbound_probe(struct http_inbound *connection)
{
	struct http_incoming *incoming = connection->incoming;
	size_t count = 0;
	struct error error = {0};
	if (connection->phase != HTTP_PHASE_CALLED || incoming->in_pieces || incoming->written < incoming->output.length)
		return;
	if (link_write(&connection->link, HTTP_ANSWER_BEGINS, 1, &count, &error) == LINK_BROKEN)
		connection->phase = HTTP_PHASE_OVER;
	incoming->written += count;
}

/* Stops watching for input. Either more has arrived than can be read now, or the peer has ended its side; or both. */
static void inbound_mute(struct http_inbound *connection)
{
	const int socket = connection->link.socket;
	struct pollfd polled = {.fd = socket, .events = POLLRDHUP};
	char byte;
	connection->is_muted = true;
	if (recv(socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) == 0)
		connection->has_ended = true;
	if (connection->is_half_closed || poll(&polled, 1, 0) <= 0)
		return;
	connection->is_half_closed = true;
	inbound_probe(connection);
}

/* Whether nothing is left to be read: a request that is not whole stays so. */
static bool inbound_is_at_end(const struct http_inbound *connection)
{
	return connection->has_ended && connection->rest.length == 0 && phase_takes(connection->phase);
}

static void inbound_read(struct http_inbound *connection)
{
	char *room = connection->server->room;
	struct error error;
	for (int reads = connection->link.tls ? RECORDS_A_TURN : 1; reads > 0 && inbound_takes(connection); reads--) {
		size_t count = 0;
		error.kind = ERROR_NONE;
		switch (link_read(&connection->link, room, sizeof connection->server->room, &count, &error)) {
		case LINK_LATER:
			return;
		case LINK_BROKEN:
			connection->phase = HTTP_PHASE_OVER;
			return;
		case LINK_DONE: {
			size_t taken = inbound_take(connection, room, count);
			if (taken < count && connection->phase != HTTP_PHASE_OVER)
				inbound_keep_rest(connection, room + taken, count - taken);
		}
		}
	}
}

/* ---- time ---- */

static int64_t inbound_due_ms(const struct http_inbound *connection)
{
	const struct http_server_config *config = &connection->server->config;
	const struct http_incoming *incoming = connection->incoming;
	switch (connection->phase) {
	case HTTP_PHASE_HANDSHAKE:
	case HTTP_PHASE_HEAD:
		return connection->since_ms + config->head_ms;
	case HTTP_PHASE_BODY:
	case HTTP_PHASE_DISCARD:
		return connection->since_ms + config->body_ms + (int64_t)(incoming->came_bytes / BODY_BYTES_A_MS);
	case HTTP_PHASE_CALLED:
		return incoming->written < incoming->output.length ? connection->since_ms + config->idle_ms : FAR_MS;
	case HTTP_PHASE_LINGER:
		return connection->since_ms + LINGER_MS;
	default:
		return connection->since_ms + config->idle_ms;
	}
}

static void inbound_expire(struct http_inbound *connection)
{
	if (connection->phase == HTTP_PHASE_HEAD)
		http_incoming_refuse(connection->incoming,
				     (struct http_refusal){408, "the request's head did not come in time"}, false);
	else if (connection->phase == HTTP_PHASE_BODY ||
		 (connection->phase == HTTP_PHASE_DISCARD && connection->incoming->refusal.status > 0))
		http_incoming_refuse(connection->incoming,
				     (struct http_refusal){408, "the request's body did not come in time"}, false);
	else
		connection->phase = HTTP_PHASE_OVER;
}

/* ---- turns ---- */

void http_inbound_wake(struct http_inbound *connection)
{
	struct http_server *server = connection->server;
	if (connection->is_awake)
		return;
	if (!server->awake) /* a move needs no memory */
		loop_timer_set(server->loop, &server->now, loop_now_ms(server->loop), &(struct error){0});
	connection->is_awake = true;
	connection->next_awake = server->awake;
	server->awake = connection;
}

static bool inbound_watch(struct http_inbound *connection)
{
	struct loop *loop = connection->server->loop;
	const struct http_incoming *incoming = connection->incoming;
	struct error error;
	if (connection->is_exchange)
		return true;
	if (inbound_takes(connection))
		connection->is_muted = false;
	uint32_t events = inbound_waits(connection) ? 0 : EPOLLIN;
	if (connection->is_muted)
		events = connection->is_half_closed ? 0 : EPOLLRDHUP;
	if (connection->phase == HTTP_PHASE_HANDSHAKE)
		events = link_events(&connection->link);
	else if (incoming && incoming->written < incoming->output.length)
		events |= EPOLLOUT;
	if (events == connection->events)
		return true;
	error.kind = ERROR_NONE;
	connection->events = events;
	return loop_watch_for(loop, &connection->watch, events, &error);
}

/* Moves the timer only to an earlier time. If it expires too early, it is set again. */
static bool inbound_set_timer(struct http_inbound *connection)
{
	int64_t due_ms = inbound_due_ms(connection);
	struct error error;
	if (connection->timer.place && connection->timer.due_ms <= due_ms)
		return true;
	error.kind = ERROR_NONE;
	return loop_timer_set(connection->server->loop, &connection->timer, due_ms, &error);
}

/* Ends a turn. The connection may be freed afterwards. */
static void inbound_settle(struct http_inbound *connection)
{
	inbound_take_rest(connection);
	connection->in_turn = false;
	connection->has_begun = false;
	if (inbound_waits(connection))
		http_inbound_wake(connection);
	bool is_over = connection->phase == HTTP_PHASE_OVER || inbound_is_at_end(connection) ||
		       (connection->phase == HTTP_PHASE_IDLE && connection->server->draining);
	if (is_over || !inbound_watch(connection) || !inbound_set_timer(connection))
		http_inbound_hang_up(connection);
}

static void inbound_shake_hands(struct http_inbound *connection)
{
	struct error error = {0};
	switch (link_establish(&connection->link, &error)) {
	case LINK_LATER:
		break;
	case LINK_BROKEN:
		connection->server->acceptor.counts.rejected += connection->link.was_clear;
		connection->phase = HTTP_PHASE_OVER;
		break;
	case LINK_DONE:
		inbound_set_phase(connection, HTTP_PHASE_IDLE);
	}
}

void http_inbound_turn(struct http_inbound *connection, uint32_t events)
{
	connection->in_turn = true;
	if (connection->phase == HTTP_PHASE_HANDSHAKE)
		inbound_shake_hands(connection);
	else if ((events & (EPOLLERR | EPOLLHUP)) && !inbound_takes(connection))
		connection->phase = HTTP_PHASE_OVER;
	else if (events & EPOLLOUT)
		http_inbound_flush(connection);
	inbound_take_rest(connection);
	if (events & (EPOLLIN | EPOLLRDHUP)) {
		if (connection->phase != HTTP_PHASE_HANDSHAKE && inbound_takes(connection)) /* then no rest is pending */
			inbound_read(connection);
		else if (connection->phase == HTTP_PHASE_CALLED || connection->phase == HTTP_PHASE_SENDING)
			inbound_mute(connection);
	}
	inbound_settle(connection);
}

static void http_server_connection_on_ready(void *context, uint32_t events)
{
	http_inbound_turn(context, events);
}

static void on_timer(void *context)
{
	struct http_inbound *connection = context;
	connection->in_turn = true;
	if (inbound_due_ms(connection) <= loop_now_ms(connection->server->loop))
		inbound_expire(connection);
	inbound_settle(connection);
}

void http_inbound_give(struct http_inbound *connection, struct text bytes)
{
	connection->in_turn = true;
	size_t taken = inbound_take(connection, bytes.bytes, bytes.length);
	if (taken < bytes.length && !connection->is_exchange && connection->phase != HTTP_PHASE_OVER)
		inbound_keep_rest(connection, bytes.bytes + taken, bytes.length - taken);
	if (!connection->is_exchange && connection->link.tls && inbound_takes(connection)) /* OpenSSL may hold more */
		inbound_read(connection);
	inbound_settle(connection);
}

/* ---- accepting ---- */

bool http_inbound_enter(struct http_inbound *connection, struct http_server *server, const struct peer_address *address)
{
	struct body_budget *bodies = server->config.bodies;
	connection->server = server;
	connection->watch = (struct watch){.ready = http_server_connection_on_ready, .context = connection};
	connection->timer = (struct loop_timer){.due = on_timer, .context = connection};
	buffer_open(&connection->rest, sizeof server->room);
	connection->next = server->connections;
	if (connection->next)
		connection->next->previous = connection;
	server->connections = connection;
	inbound_set_phase(connection, HTTP_PHASE_IDLE);
	return !bodies || (connection->body_peer = peers_enter(&bodies->peers, address));
}

bool http_inbound_begin(struct http_inbound *connection)
{
	struct loop *loop = connection->server->loop;
	struct error error = {0};
	connection->events = EPOLLIN;
	connection->is_watched = loop_watch(loop, &connection->watch, connection->link.socket, EPOLLIN, &error);
	return connection->is_watched && inbound_set_timer(connection);
}

static bool inbound_open(struct http_inbound *connection)
{
	struct http_server *server = connection->server;
	struct error error = {0};
	if (server->tls && !link_secure(&connection->link, server->tls, NULL, &error))
		return false;
	connection->link.any_protocol = true;
	inbound_set_phase(connection, server->tls ? HTTP_PHASE_HANDSHAKE : HTTP_PHASE_IDLE);
	return http_inbound_begin(connection);
}

void http_inbound_accept(void *context, int socket, struct peer *peer)
{
	struct http_server *server = context;
	struct http_inbound *connection = memory_take(1, sizeof *connection);
	if (!connection) {
		close(socket);
		acceptor_leave(&server->acceptor, peer);
		return;
	}
	connection->acceptor = &server->acceptor;
	connection->peer = peer;
	link_adopt(&connection->link, socket);
	if (!http_inbound_enter(connection, server, &peer->address) || !inbound_open(connection))
		http_inbound_hang_up(connection);
}
