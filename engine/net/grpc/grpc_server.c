/* grpc_server.c: Opening, drain and close of the gRPC server; see grpc_server.h, and grpc_server_parts.h for the other parts. */
#include "net/grpc/grpc_server.h"

#include "base/memory.h"
#include "base/number/random_seed.h"
#include "net/grpc/grpc_server_parts.h"

#define SILENCE_MS 60000
#define FAR_MS INT64_MAX

/* ---- one send a turn ---- */

/* Those that can go on after this are listed again, for the next turn. */
static void conversations_continue(struct grpc_server *server)
{
	server->turn_messages = 0;
	for (size_t left = list_length(&server->continuing); left > 0 && server->turn_messages < GRPC_TURN_MESSAGES_MAX; left--) {
		struct list_node *node = server->continuing.first;
		list_remove(node);
		grpc_conversation_continue(LIST_OWNER(node, struct grpc_request, continue_node));
	}
	if (server->continuing.first)
		grpc_server_wake(server);
}

static void grpc_server_on_now(void *context)
{
	struct grpc_server *server = context;
	/* The timer stays set, in the slot that it has just left, so waking never needs memory. */
	loop_timer_set(server->loop, &server->now, FAR_MS, &(struct error){0});
	server->awake = false;
	conversations_continue(server);
	for (struct grpc_caller *caller = server->callers, *next; caller; caller = next) {
		next = caller->next;
		if (caller->dirty && caller->http2.session)
			grpc_caller_flush(caller);
	}
}

/* ---- the server ---- */

static const char *protocols_of(const struct grpc_server_config *config)
{
	return config->http ? TLS_SERVER_HTTP2_OR_1 : TLS_HTTP2;
}

struct grpc_server *grpc_server_open(struct loop *loop, const struct grpc_server_config *config, struct error *error)
{
	assert(loop);
	struct grpc_server *server = memory_take(1, sizeof *server);
	if (!server)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gRPC server"));
	server->loop = loop;
	server->config = *config;
	server->ids = random_seeded();
	if (!server->config.silence_ms)
		server->config.silence_ms = SILENCE_MS;
	const struct acceptor_config acceptor = {.host = config->host,
						 .port = config->port,
						 .connections = config->connections,
						 .peer_connections = config->peer_connections,
						 .log = config->log,
						 .accepted = grpc_caller_accept,
						 .context = server};
	server->now = (struct loop_timer){.due = grpc_server_on_now, .context = server};
	bool good = nghttp2_session_callbacks_new(&server->callbacks) == 0 ||
		    error_memory(error, ERROR_SYSTEM, "opening a gRPC server");
	if (good)
		grpc_request_set_up_callbacks(server->callbacks);
	good = good && body_coder_open(&server->coder, loop, config->gzips, error) &&
	       loop_timer_set(loop, &server->now, FAR_MS, error) &&
	       (!config->files || (server->tls = tls_open_server(config->files, protocols_of(config), error))) &&
	       acceptor_open(&server->acceptor, loop, &acceptor, error);
	if (good)
		return server;
	grpc_server_close(server);
	return NULL;
}

int grpc_server_port(const struct grpc_server *server)
{
	return server->acceptor.port;
}

struct connection_counts grpc_server_counts(const struct grpc_server *server)
{
	return server->acceptor.counts;
}

bool grpc_server_reload(struct grpc_server *server, const struct tls_files *files, struct error *error)
{
	return tls_reload_server(&server->tls, files, protocols_of(&server->config), error);
}

void grpc_server_leave(struct grpc_server *server)
{
	for (struct grpc_caller *caller = server->callers, *next; caller; caller = next) {
		next = caller->next;
		if (caller->http2.session)
			grpc_caller_drain(caller);
	}
}

bool grpc_server_drain(struct grpc_server *server)
{
	if (!server->draining) {
		server->draining = true;
		acceptor_shut(&server->acceptor);
		for (struct grpc_caller *caller = server->callers, *next; caller; caller = next) {
			next = caller->next;
			grpc_caller_drain(caller);
		}
	}
	return !server->callers && server->called == 0;
}

static void requests_give(struct list *requests)
{
	for (struct list_node *node = requests->first, *next; node; node = next) {
		next = node->next;
		grpc_request_give(LIST_OWNER(node, struct grpc_request, node));
	}
}

void grpc_server_close(struct grpc_server *server)
{
	if (!server)
		return;
	acceptor_shut(&server->acceptor);
	while (server->callers)
		grpc_caller_end(server->callers);
	requests_give(&server->abandoned);
	requests_give(&server->pool);
	loop_timer_stop(server->loop, &server->now);
	nghttp2_session_callbacks_del(server->callbacks);
	body_coder_close(&server->coder);
	tls_close(server->tls);
	memory_give(server);
}

void grpc_server_limit_messages(struct grpc_server *server, size_t message_bytes)
{
	server->config.message_bytes = message_bytes;
}
