/* grpc_connection.c: Connection of the gRPC client: made, supervised and lost.
 *
 * It is ready when the server has sent its SETTINGS. Until then no call is sent that could be lost, and a server that
 * does not speak HTTP/2 is detected. See grpc_client.h.
 */
#include <assert.h>
#include <sys/epoll.h>

#include "base/memory.h"
#include "net/connection_age.h"
#include "net/grpc/grpc_client.h"

#define HURRIED_PINGS 2		   /* servers take more than two pings without data, or */
#define PING_PAUSE_MS (310 * 1000) /* less than five minutes between them, for an attack */
#define PAUSE_MS 1000		   /* after a failed connection, while others are established */

static void grpc_connection_on_ready(void *context, uint32_t events);

/* ---- end ---- */

void grpc_connection_leave(struct grpc_connection *connection)
{
	assert(connection->leaving || connection->peer->connection_count > 0);
	if (!connection->leaving)
		connection->peer->connection_count--;
	connection->leaving = true;
}

static void give_back(struct grpc_connection *connection)
{
	struct grpc_peer *peer = connection->peer;
	list_remove(&connection->node);
	grpc_connection_leave(connection);
	loop_timer_stop(peer->grpc->loop, &connection->tend);
	dial_stop(&connection->dial);
	grpc_session_end(connection);
	http2_close(&connection->http2);
	memory_give(connection);
}

static void put_in_words(const struct grpc_connection *connection, const struct error *error, struct error *words)
{
	enum error_kind kind = error->kind == ERROR_SYSTEM ? ERROR_SYSTEM : ERROR_REMOTE;
	const char *reason = error->text[0] ? error->text : "the server closed it";
	if (connection->standing)
		error_set(words, kind, PLACE_NONE, "%s lost the connection: %s; see its log", connection->peer->address, reason);
	else
		error_set(words, kind, PLACE_NONE, "%s could not be reached: %s; is the server up, and is this its gRPC port?",
			  connection->peer->address, reason);
}

void grpc_connection_end(struct grpc_connection *connection, const struct error *error)
{
	struct grpc_peer *peer = connection->peer;
	bool served = connection->served;
	struct error words = {0};
	if (error)
		put_in_words(connection, error, &words);
	/* A lost call is queued again or reported, in a later turn. Each one makes the list shorter. */
	while (connection->streams.first)
		grpc_stream_was_lost(grpc_stream_of(connection->streams.first), &words);
	give_back(connection);
	if (error && !served && peer->connection_count == 0)
		grpc_peer_fail(peer, &words);
	else if (error && !served)
		peer->pause_until_ms = loop_now_ms(peer->grpc->loop) + PAUSE_MS;
	grpc_wake(peer->grpc);
}

/* Ends the connection for a reason of our own. */
static void end_with(struct grpc_connection *connection, const char *reason)
{
	struct error error = {0};
	error_set(&error, ERROR_REMOTE, PLACE_NONE, "%s", reason);
	grpc_connection_end(connection, &error);
}

/* Handles a lost connection. If it was not established yet, another address of the host is tried, unless there is
 * none or the cause is local. */
static void connection_on_disconnect(struct grpc_connection *connection, const struct error *error)
{
	const struct error why = *error; /* it may be the connection's own field */
	if (!connection->standing && !connection->leaving && why.kind != ERROR_SYSTEM) {
		loop_timer_stop(connection->http2.loop, &connection->tend);
		grpc_session_end(connection);
		http2_forget(&connection->http2);
		connection->dirty = false;
		connection->error = (struct error){0};
		if (dial_pass_over(&connection->dial))
			return;
	}
	grpc_connection_end(connection, &why);
}

/* ---- supervision: one timer for all time limits ---- */

static int64_t ping_at(const struct grpc_connection *connection)
{
	int64_t pause = connection->peer->grpc->limits.silence_ms;
	int64_t hurried = connection->quiet_ms + (connection->pings ? pause * 2 : pause);
	if (connection->pings < HURRIED_PINGS)
		return hurried;
	return connection->quiet_ms + (pause * 2 > PING_PAUSE_MS ? pause * 2 : PING_PAUSE_MS);
}

static int64_t tend_at(const struct grpc_connection *connection)
{
	const struct grpc_limits *limits = &connection->peer->grpc->limits;
	if (!connection->standing)
		return connection->greeted_by_ms;
	if (connection->pinged_ms)
		return connection->pinged_ms + limits->silence_ms;
	if (connection->open > 0)
		return ping_at(connection);
	return connection->used_ms + limits->connection_idle_s * 1000;
}

static void set_tend(struct grpc_connection *connection)
{
	struct loop *loop = connection->http2.loop;
	struct error error = {0};
	if (!loop_timer_set(loop, &connection->tend, tend_at(connection), &error))
		grpc_connection_leave(connection); /* without a timer it is not supervised: it accepts no more calls */
}

/* Calls that end one after the other without an answer, each at its deadline, are one silence. */
void grpc_connection_opened_stream(struct grpc_connection *connection)
{
	connection->dirty = true;
	if (!connection->owes && connection->open == 0)
		connection->quiet_ms = loop_now_ms(connection->http2.loop);
	connection->owes = true;
	if (connection->open++ == 0)
		set_tend(connection);
}

void grpc_connection_closed_stream(struct grpc_connection *connection)
{
	assert(connection->open > 0);
	connection->open--;
	connection->used_ms = loop_now_ms(connection->http2.loop);
	connection->dirty = true;
	grpc_wake(connection->peer->grpc);
}

static void close_idle(struct grpc_connection *connection)
{
	grpc_session_goodbye(connection, NGHTTP2_NO_ERROR, "");
	http2_flush(&connection->http2, &(struct error){0});
	grpc_connection_end(connection, NULL);
}

static void grpc_connection_ping(struct grpc_connection *connection)
{
	grpc_session_ping(connection);
	connection->pings++;
	connection->pinged_ms = loop_now_ms(connection->http2.loop);
	connection->dirty = true;
	grpc_wake(connection->peer->grpc);
}

static void grpc_connection_on_tend(void *context)
{
	struct grpc_connection *connection = context;
	struct error error = {0};
	if (tend_at(connection) <= loop_now_ms(connection->http2.loop)) {
		if (!connection->standing) {
			error_set(&error, ERROR_REMOTE, PLACE_NONE, "no HTTP/2 connection stood in time");
			connection_on_disconnect(connection, &error);
			return;
		}
		if (connection->pinged_ms) {
			end_with(connection, "it has stopped answering, and does not answer a ping either");
			return;
		}
		if (connection->open == 0) {
			close_idle(connection);
			return;
		}
		grpc_connection_ping(connection);
	}
	set_tend(connection);
}

/* ---- establishment ---- */

/* Sends the preface and our settings. The connection is established when the server's settings have arrived. */
static void grpc_connection_on_dialled(void *context, const struct error *error)
{
	struct grpc_connection *connection = context;
	struct http2 *http2 = &connection->http2;
	struct error why = {0};
	if (error) {
		grpc_connection_end(connection, error);
		return;
	}
	connection->greeted_by_ms = connection->dial.share_until_ms;
	if (!loop_timer_set(http2->loop, &connection->tend, tend_at(connection), &why) || !http2_watch(http2, EPOLLIN, &why) ||
	    !grpc_session_begin(connection, &why) || !http2_flush(http2, &why))
		connection_on_disconnect(connection, &why);
}

bool grpc_connection_open(struct grpc_peer *peer, struct error *error)
{
	struct grpc *grpc = peer->grpc;
	struct grpc_connection *connection = memory_take(1, sizeof *connection);
	if (!connection)
		return error_memory(error, ERROR_SYSTEM, "making a gRPC connection");
	connection->peer = peer;
	connection->old_from_ms =
		connection_old_from_ms(&grpc->ages, grpc->limits.connection_age_ms, loop_now_ms(grpc->loop));
	http2_open(&connection->http2, grpc->loop, grpc_connection_on_ready, connection);
	connection->tend = (struct loop_timer){.due = grpc_connection_on_tend, .context = connection};
	list_add_first(&peer->connections, &connection->node);
	peer->connection_count++;
	connection->dial = (struct dial){.host = &peer->dial_host,
					 .link = &connection->http2.link,
					 .connect_ms = grpc->limits.connect_ms,
					 .deadline_ms = INT64_MAX, /* it also serves later calls */
					 .done = grpc_connection_on_dialled,
					 .context = connection};
	peer->dial_host.tls = peer->tls ? grpc->tls : NULL;
	dial_start(&connection->dial);
	return true;
}

/* ---- replacement ---- */

static bool is_too_old(const struct grpc_connection *connection)
{
	return connection->standing && !connection->leaving &&
	       loop_now_ms(connection->peer->grpc->loop) >= connection->old_from_ms;
}

static void connection_drain(struct grpc_connection *connection)
{
	grpc_connection_leave(connection);
	if (connection->open == 0)
		close_idle(connection);
}

void grpc_connections_renew(struct grpc_peer *peer)
{
	struct grpc_connection *old = NULL;
	bool young_is_ready = false, young_comes = false;
	if (peer->grpc->limits.connection_age_ms <= 0)
		return;
	for (struct list_node *node = peer->connections.first; node; node = node->next) {
		struct grpc_connection *connection = grpc_connection_of(node);
		const bool is_old = is_too_old(connection);
		old = is_old ? connection : old;
		young_is_ready = young_is_ready || (!is_old && grpc_connection_has_room(connection));
		young_comes = young_comes || (!is_old && !connection->leaving && !connection->standing);
	}
	const bool may_open = !young_comes && peer->connection_count <= peer->grpc->limits.connections &&
			      loop_now_ms(peer->grpc->loop) >= peer->pause_until_ms;
	if (old && young_is_ready)
		connection_drain(old);
	else if (old && may_open)
		grpc_connection_open(peer, &(struct error){0}); /* else the next call tries again */
}

/* ---- established ---- */

/* Tries to send the reason why the session ends, once. */
static void say_why(struct http2 *http2)
{
	size_t count;
	if (http2_is_stuck(http2))
		(void)link_write(&http2->link, http2->out.bytes + http2->sent, http2->out.length - http2->sent, &count,
				 &(struct error){0});
}

static void grpc_connection_on_ready(void *context, uint32_t events)
{
	struct grpc_connection *connection = context;
	struct http2 *http2 = &connection->http2;
	struct grpc *grpc = connection->peer->grpc;
	struct error error = {0};
	if (events & ~(uint32_t)EPOLLOUT) {
		connection->quiet_ms = loop_now_ms(grpc->loop);
		connection->pinged_ms = 0;
		connection->owes = false;
		if (!http2_receive(http2, grpc->room, sizeof grpc->room, &error)) {
			say_why(http2);
			connection_on_disconnect(connection, connection->error.kind ? &connection->error : &error);
			return;
		}
	}
	connection->dirty = true;
	grpc_wake(grpc);
}

bool grpc_connection_has_room(const struct grpc_connection *connection)
{
	if (!connection->standing || connection->leaving)
		return false;
	return connection->open < connection->peer->grpc->limits.streams && grpc_session_has_room(connection);
}

void grpc_connection_flush(struct grpc_connection *connection)
{
	struct http2 *http2 = &connection->http2;
	struct error error = {0};
	connection->dirty = false;
	if (!http2_flush(http2, &error)) {
		connection_on_disconnect(connection, connection->error.kind ? &connection->error : &error);
		return;
	}
	if (!http2_is_stuck(http2) && connection->leaving && connection->open == 0)
		grpc_connection_end(connection, &connection->error);
}
