/* grpc_server.c: the door of the gRPC server; see grpc_server.h, and grpc_door.h for how the
 * parts hang together. */
#include "net/grpc_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/grpc_door.h"
#include "net/listen.h"

#define SILENCE_MS 60000
#define FAR_MS INT64_MAX
#define PAUSE_MS 100 /* when there is no descriptor for one more connection */
#define ACCEPTED_A_TURN 64

/* ---- one send a turn ---- */

static void wake(struct grpc_server *server)
{
	if (!server->awake)
		loop_timer_set(server->loop, &server->now, loop_now_ms(server->loop), &(struct error){0}); /* it moves: no memory */
	server->awake = true;
}

void grpc_caller_is_dirty(struct grpc_caller *caller)
{
	caller->dirty = true;
	wake(caller->server);
}

static void on_now(void *context)
{
	struct grpc_server *server = context;
	/* It is always set, in the place that it has just left, so that waking never takes memory. */
	loop_timer_set(server->loop, &server->now, FAR_MS, &(struct error){0});
	server->awake = false;
	for (struct grpc_caller *caller = server->callers, *next; caller; caller = next) {
		next = caller->next;
		if (caller->dirty && caller->http2.session)
			grpc_caller_speak(caller);
	}
}

/* ---- coming in ---- */

static struct grpc_peer peer_of(const struct sockaddr_storage *address)
{
	struct grpc_peer peer = {0};
	if (address->ss_family == AF_INET6)
		memcpy(peer.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof peer.bytes);
	else
		memcpy(peer.bytes, &((const struct sockaddr_in *)address)->sin_addr, sizeof(struct in_addr));
	return peer;
}

static bool has_place(const struct grpc_server *server, const struct grpc_peer *peer)
{
	size_t most = server->config.peer_connections, count = 0;
	for (const struct grpc_caller *caller = server->callers; most && caller; caller = caller->next)
		count += memcmp(&caller->peer, peer, sizeof *peer) == 0;
	return server->caller_count < server->config.connections && (!most || count < most);
}

static void on_connection(void *context, uint32_t events)
{
	(void)events;
	struct grpc_server *server = context;
	for (int i = 0; i < ACCEPTED_A_TURN; i++) {
		struct sockaddr_storage address = {0};
		socklen_t length = sizeof address;
		int socket = accept4(server->listener.descriptor, (struct sockaddr *)&address, &length,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);
		const struct grpc_peer peer = peer_of(&address);
		if (socket >= 0 && has_place(server, &peer)) {
			grpc_caller_open(server, socket, peer);
			continue;
		}
		if (socket >= 0) {
			close(socket);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* The socket stays ready, and would wake the loop without an end. */
			struct error error = {0};
			loop_watch_for(server->loop, &server->listener, 0, &error);
			loop_timer_set(server->loop, &server->listen_again, loop_now_ms(server->loop) + PAUSE_MS, &error);
		}
		return;
	}
}

static void on_listen_again(void *context)
{
	struct grpc_server *server = context;
	if (server->listener.descriptor >= 0)
		loop_watch_for(server->loop, &server->listener, EPOLLIN, &(struct error){0});
}

static void shut(struct grpc_server *server)
{
	if (server->listener.descriptor < 0)
		return;
	loop_unwatch(server->loop, &server->listener);
	close(server->listener.descriptor);
	server->listener.descriptor = -1;
}

static bool open_listener(struct grpc_server *server, struct error *error)
{
	server->port = server->config.port;
	int listener = listen_open(server->config.host, &server->port, error);
	if (listener < 0)
		return false;
	if (loop_watch(server->loop, &server->listener, listener, EPOLLIN, error))
		return true;
	close(listener);
	server->listener.descriptor = -1;
	return false;
}

/* ---- the server ---- */

struct grpc_server *grpc_server_open(struct loop *loop, const struct grpc_server_config *config, struct error *error)
{
	struct grpc_server *server = memory_take(1, sizeof *server);
	if (!server) {
		error_memory(error, ERROR_SYSTEM, "opening a gRPC server");
		return NULL;
	}
	server->loop = loop;
	server->config = *config;
	if (!server->config.silence_ms)
		server->config.silence_ms = SILENCE_MS;
	server->listener = (struct watch){.ready = on_connection, .context = server, .descriptor = -1};
	server->listen_again = (struct loop_timer){.due = on_listen_again, .context = server};
	server->now = (struct loop_timer){.due = on_now, .context = server};
	bool good = nghttp2_session_callbacks_new(&server->callbacks) == 0 ||
		    error_memory(error, ERROR_SYSTEM, "opening a gRPC server");
	if (good)
		grpc_request_set_up_callbacks(server->callbacks);
	good = good && loop_timer_set(loop, &server->now, FAR_MS, error) &&
	       (!config->files || (server->tls = tls_open_server(config->files, error))) && open_listener(server, error);
	if (good)
		return server;
	grpc_server_close(server);
	return NULL;
}

int grpc_server_port(const struct grpc_server *server)
{
	return server->port;
}

bool grpc_server_drain(struct grpc_server *server)
{
	if (!server->draining) {
		server->draining = true;
		shut(server);
		for (struct grpc_caller *caller = server->callers, *next; caller; caller = next) {
			next = caller->next;
			grpc_caller_drain(caller);
		}
	}
	return !server->callers && server->called == 0;
}

void grpc_server_close(struct grpc_server *server)
{
	if (!server)
		return;
	shut(server);
	while (server->callers)
		grpc_caller_end(server->callers);
	for (struct grpc_request *request = server->requests, *next; request; request = next) {
		next = request->next;
		grpc_request_give(request);
	}
	for (struct grpc_request *request = server->pool, *next; request; request = next) {
		next = request->next;
		grpc_request_give(request);
	}
	loop_timer_stop(server->loop, &server->now);
	loop_timer_stop(server->loop, &server->listen_again);
	nghttp2_session_callbacks_del(server->callbacks);
	tls_close(server->tls);
	memory_give(server);
}
