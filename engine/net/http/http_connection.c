/* http_connection.c: Connection of the HTTP client: made, used, kept, lost; see http_client.h.
 *
 * Its socket is watched for input from its establishment to its close. So a call needs no system calls except send
 * and receive, and the close of an idle connection by the server is noticed at once. The socket is watched for
 * output only while a request does not fit into it. Before an idle connection is used, it is checked for data that
 * has arrived since the loop's last turn. */
#include <assert.h>
#include <sys/epoll.h>

#include "base/memory.h"
#include "net/connection_age.h"
#include "net/http/http_client.h"

#define RECORDS_A_TURN 4 /* of TLS, which are read one by one */

static void http_connection_on_ready(void *context, uint32_t events);
static void http_connection_on_tend(void *context);
static void http_connection_on_readable(struct http_connection *connection);

/* ---- end ---- */

void http_connection_end(struct http_connection *connection)
{
	assert(!connection->exchange && connection->origin->connection_count > 0);
	struct http_origin *origin = connection->origin;
	list_remove(&connection->node);
	origin->connection_count--;
	loop_timer_stop(origin->http->loop, &connection->tend);
	dial_stop(&connection->dial);
	if (connection->events)
		loop_unwatch(origin->http->loop, &connection->watch);
	link_close(&connection->link);
	memory_give(connection);
	http_wake(origin->http);
}

static void http_connection_fail(struct http_connection *connection, const struct error *why)
{
	http_exchange_fail(connection->exchange, why);
	connection->exchange = NULL;
	http_connection_end(connection);
}

static bool watch_for(struct http_connection *connection, uint32_t events, struct error *error)
{
	struct loop *loop = connection->origin->http->loop;
	if (connection->events == events)
		return true;
	if (!(connection->events ? loop_watch_for(loop, &connection->watch, events, error)
				 : loop_watch(loop, &connection->watch, connection->link.socket, events, error)))
		return false;
	connection->events = events;
	return true;
}

/* ---- establishment ---- */

static void http_connection_flush(struct http_connection *connection);

static bool is_too_old(const struct http_connection *connection)
{
	return loop_now_ms(connection->origin->http->loop) >= connection->old_from_ms;
}

bool http_connection_wants_successor(const struct http_connection *connection)
{
	struct http_origin *origin = connection->origin;
	return is_too_old(connection) && loop_now_ms(origin->http->loop) >= origin->renew_from_ms &&
	       dial_host_is_fresh(&origin->dial_host);
}

/* Closes an idle connection that is too old, now that a younger one is established. */
static void predecessor_end(struct http_origin *origin)
{
	struct list_node *node = origin->idle.first;
	while (node && !is_too_old(http_connection_of(node)))
		node = node->next;
	if (node)
		http_connection_end(http_connection_of(node));
}

/* Its exchange uses an idle connection, if there is one; else it fails. */
static void successor_fail(struct http_connection *connection, const struct error *why)
{
	struct http_origin *origin = connection->origin;
	struct exchange *exchange = connection->exchange;
	connection->exchange = NULL;
	exchange->connection = NULL;
	http_connection_end(connection);
	while (origin->idle.first)
		if (http_connection_use(http_connection_of(origin->idle.first), exchange))
			return;
	http_exchange_fail(exchange, why);
}

static void http_connection_on_dialled(void *context, const struct error *error)
{
	struct http_connection *connection = context;
	const struct http *http = connection->origin->http;
	const int64_t idle_ms = http->limits.connection_idle_s * 1000;
	struct error why = {0};
	if (error) {
		successor_fail(connection, error);
		return;
	}
	predecessor_end(connection->origin);
	if (loop_timer_set(http->loop, &connection->tend, loop_now_ms(http->loop) + idle_ms, &why))
		http_connection_flush(connection);
	else
		http_connection_fail(connection, &why);
}

void http_connection_open(struct http_origin *origin, struct exchange *exchange)
{
	struct http *http = origin->http;
	struct http_connection *connection = memory_take(1, sizeof *connection);
	struct error error = {0};
	if (!connection) {
		error_memory(&error, ERROR_SYSTEM, "making an HTTP connection");
		http_exchange_fail(exchange, &error);
		return;
	}
	connection->origin = origin;
	connection->exchange = exchange;
	connection->old_from_ms =
		connection_old_from_ms(&http->ages, http->limits.connection_age_ms, loop_now_ms(http->loop));
	exchange->connection = connection;
	connection->link = LINK_NONE;
	connection->watch = (struct watch){.ready = http_connection_on_ready, .context = connection};
	connection->tend = (struct loop_timer){.due = http_connection_on_tend, .context = connection};
	connection->dial = (struct dial){.host = &origin->dial_host,
					 .link = &connection->link,
					 .connect_ms = http->limits.connect_ms,
					 .deadline_ms = exchange->deadline.due_ms,
					 .done = http_connection_on_dialled,
					 .context = connection};
	list_add_first(&origin->busy, &connection->node);
	origin->connection_count++;
	origin->dial_host.tls = origin->tls ? http->tls : NULL;
	dial_start(&connection->dial);
}

/* ---- sending ---- */

/* The part after `sent`: the head, with as much of the body as is sent with it; then the rest of the body. */
static struct text next_part(struct exchange *exchange)
{
	const struct text head = buffer_view(&exchange->head), body = exchange->request->body;
	if (exchange->sent >= head.length) {
		size_t offset = exchange->sent - head.length;
		return text_from(body, offset);
	}
	struct text left = text_from(head, exchange->sent);
	char *room = exchange->http->room;
	if (body.length == 0 || left.length >= sizeof exchange->http->room)
		return left;
	size_t space = sizeof exchange->http->room - left.length, more = body.length < space ? body.length : space;
	memcpy(room, left.bytes, left.length);
	memcpy(room + left.length, body.bytes, more);
	return (struct text){room, left.length + more};
}

static bool is_sent(const struct exchange *exchange)
{
	return exchange->sent == exchange->head.length + exchange->request->body.length;
}

static void http_connection_on_close(struct http_connection *connection, const struct error *why);

static void http_connection_flush(struct http_connection *connection)
{
	struct exchange *exchange = connection->exchange;
	struct error error;
	error_clear(&error);
	while (!is_sent(exchange)) {
		struct text part = next_part(exchange);
		size_t count = 0;
		switch (link_write(&connection->link, part.bytes, part.length, &count, &error)) {
		case LINK_LATER:
			if (!watch_for(connection, EPOLLIN | EPOLLOUT, &error))
				http_connection_fail(connection, &error);
			return;
		case LINK_BROKEN: /* the answer may have arrived before: a server that refuses need not read the whole request */
			connection->stopped_reading = true;
			http_connection_on_readable(connection);
			return;
		case LINK_DONE:
			exchange->sent += count;
		}
	}
	if (!watch_for(connection, EPOLLIN, &error))
		http_connection_fail(connection, &error);
}

/* Whether nothing has arrived on an idle connection, not even its end. TLS records without data are read. */
static bool is_quiet(struct http_connection *connection)
{
	struct http *http = connection->origin->http;
	size_t count;
	struct error error;
	error_clear(&error);
	return link_read(&connection->link, http->room, sizeof http->room, &count, &error) == LINK_LATER;
}

bool http_connection_use(struct http_connection *connection, struct exchange *exchange)
{
	assert(!connection->exchange && !exchange->connection);
	if (!is_quiet(connection)) { /* the loop may not have reported its end yet */
		http_connection_end(connection);
		return false;
	}
	list_remove(&connection->node);
	list_add_first(&connection->origin->busy, &connection->node);
	connection->exchange = exchange;
	exchange->connection = connection;
	http_connection_flush(connection);
	return true;
}

/* ---- receiving ---- */

/* Sends the request again on a new connection: the old one may have been closed while it was idle, so the server
 * never received the request; or its next data is not the answer. */
static void send_anew(struct http_connection *connection)
{
	struct http_origin *origin = connection->origin;
	struct exchange *exchange = connection->exchange;
	connection->exchange = NULL;
	exchange->connection = NULL;
	http_connection_end(connection);
	exchange->sent = 0;
	http_intake_begin(&exchange->intake, exchange->request->wanted_header);
	http_connection_open(origin, exchange);
}

static bool answers_another(struct http_connection *connection)
{
	const struct http_request *request = connection->exchange->request;
	const struct http_intake *intake = &connection->exchange->intake;
	if (!request->check_echo)
		return false;
	enum http_echo echo =
		request->check_echo(request, intake->status, buffer_view(&intake->body), http_intake_value(intake));
	if (echo == HTTP_ECHO_OWN)
		connection->echoes = true;
	return echo == HTTP_ECHO_OTHER && connection->echoes;
}

static void take_leave(struct http_connection *connection, bool keeps)
{
	struct http_origin *origin = connection->origin;
	struct exchange *exchange = connection->exchange;
	if (answers_another(connection)) {
		send_anew(connection);
		return;
	}
	keeps = keeps && exchange->intake.keeps && is_sent(exchange) && !connection->stopped_reading;
	http_exchange_succeed(exchange);
	connection->exchange = NULL;
	if (!keeps) {
		http_connection_end(connection);
		return;
	}
	connection->served = true;
	connection->used_ms = loop_now_ms(origin->http->loop);
	list_remove(&connection->node);
	list_add_first(&origin->idle, &connection->node);
}

static void refuse_answer(struct http_connection *connection)
{
	const struct http_intake *intake = &connection->exchange->intake;
	struct error why = {0};
	if (intake->fault == ERROR_SYSTEM)
		error_memory(&why, ERROR_SYSTEM, "taking an answer over HTTP");
	else
		error_set(&why, intake->fault, PLACE_NONE, "%s", intake->words ? intake->words : "");
	http_connection_fail(connection, &why);
}

/* Handles the end of the connection. `why` is empty if it was closed properly. */
static void http_connection_on_close(struct http_connection *connection, const struct error *why)
{
	struct http_intake *intake = &connection->exchange->intake;
	if (!intake->heard && connection->served)
		send_anew(connection);
	else if (!intake->heard || why->text[0] || (connection->stopped_reading && intake->status < 300))
		http_connection_fail(connection, why); /* the peer stopped reading, so its close proves nothing; a refusal counts */
	else if (http_intake_end(intake) == HTTP_INTAKE_WHOLE)
		take_leave(connection, false);
	else
		refuse_answer(connection);
}

/* Reads bytes of an answer. False: the connection has no request any more. */
static bool http_connection_take(struct http_connection *connection, size_t count)
{
	size_t taken = 0;
	switch (http_intake_take(&connection->exchange->intake, connection->origin->http->room, count, &taken)) {
	case HTTP_INTAKE_FAULTY:
		refuse_answer(connection);
		return false;
	case HTTP_INTAKE_WHOLE:
		take_leave(connection, taken == count);
		return false;
	case HTTP_INTAKE_MORE:
		break;
	}
	return true;
}

static void http_connection_on_readable(struct http_connection *connection)
{
	struct http *http = connection->origin->http;
	struct error error;
	error_clear(&error);
	for (int reads = connection->link.tls ? RECORDS_A_TURN : 1; reads > 0 || connection->stopped_reading; reads--) {
		size_t count = 0;
		switch (link_read(&connection->link, http->room, sizeof http->room, &count, &error)) {
		case LINK_LATER:
			if (connection->stopped_reading)
				http_connection_on_close(connection, &error);
			return;
		case LINK_BROKEN:
			http_connection_on_close(connection, &error);
			return;
		case LINK_DONE:
			if (!http_connection_take(connection, count))
				return;
		}
	}
}

/* Handles input on an idle connection: its end, unexpected data, or TLS's own records. */
static void connection_read_idle(struct http_connection *connection)
{
	if (!is_quiet(connection))
		http_connection_end(connection);
}

/* ---- readiness and time ---- */

static void http_connection_on_ready(void *context, uint32_t events)
{
	struct http_connection *connection = context;
	if (!connection->exchange)
		connection_read_idle(connection);
	else if (events & ~(uint32_t)EPOLLOUT)
		http_connection_on_readable(connection);
	else
		http_connection_flush(connection);
}

/* The timer is not moved with each call. When it is due, it checks how long the connection has been idle. */
static void http_connection_on_tend(void *context)
{
	struct http_connection *connection = context;
	const struct http *http = connection->origin->http;
	const int64_t now_ms = loop_now_ms(http->loop), idle_ms = http->limits.connection_idle_s * 1000;
	const int64_t since_ms = connection->exchange ? now_ms : connection->used_ms;
	struct error error = {0};
	if (!connection->exchange && since_ms + idle_ms <= now_ms)
		http_connection_end(connection);
	else /* its slot has just become free, so this needs no memory */
		loop_timer_set(http->loop, &connection->tend, since_ms + idle_ms, &error);
}
