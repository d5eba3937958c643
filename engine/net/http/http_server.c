/* http_server.c: Opening, drain and close of the HTTP server; see http_server.h, and http_server_parts.h for the
 * other parts. */
#include "net/http/http_server.h"

#include "base/memory.h"
#include "base/number/random_seed.h"
#include "net/http/http_server_parts.h"

#define HEAD_MS 30000
#define BODY_MS 30000
#define IDLE_MS 75000
#define FAR_MS INT64_MAX

/* ---- work after an answer ---- */

static void http_server_on_now(void *context)
{
	struct http_server *server = context;
	loop_timer_set(server->loop, &server->now, FAR_MS, &(struct error){0}); /* in the slot that it has just left */
	struct http_inbound *connection = server->awake;
	server->awake = NULL;
	while (connection) {
		struct http_inbound *next = connection->next_awake;
		connection->is_awake = false;
		http_inbound_turn(connection, 0);
		connection = next;
	}
}

/* ---- the server ---- */

static bool open_parts(struct http_server *server, struct error *error)
{
	const struct http_server_config *config = &server->config;
	const struct acceptor_config acceptor = {.host = config->host,
						 .port = config->port,
						 .connections = config->connections,
						 .peer_connections = config->peer_connections,
						 .log = config->log,
						 .accepted = http_inbound_accept,
						 .context = server};
	return body_coder_open(&server->coder, server->loop, config->gzips, error) &&
	       loop_timer_set(server->loop, &server->now, FAR_MS, error) &&
	       (!config->files || (server->tls = tls_open_server(config->files, TLS_SERVER_HTTP1, error))) &&
	       (config->adopts || acceptor_open(&server->acceptor, server->loop, &acceptor, error));
}

struct http_server *http_server_open(struct loop *loop, const struct http_server_config *config, struct error *error)
{
	assert(loop);
	struct http_server *server = memory_take(1, sizeof *server);
	if (!server)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening an HTTP server"));
	server->loop = loop;
	server->config = *config;
	server->config.head_ms = config->head_ms ? config->head_ms : HEAD_MS;
	server->config.body_ms = config->body_ms ? config->body_ms : BODY_MS;
	server->config.idle_ms = config->idle_ms ? config->idle_ms : IDLE_MS;
	server->date_s = -1;
	server->ids = random_seeded();
	server->now = (struct loop_timer){.due = http_server_on_now, .context = server};
	if (open_parts(server, error))
		return server;
	http_server_close(server);
	return NULL;
}

void http_server_close(struct http_server *server)
{
	if (!server)
		return;
	acceptor_shut(&server->acceptor);
	while (server->connections)
		http_inbound_hang_up(server->connections);
	for (struct http_incoming *incoming = server->incomings, *next; incoming; incoming = next) {
		next = incoming->next;
		http_incoming_free(incoming);
	}
	for (struct http_incoming *incoming = server->pool, *next; incoming; incoming = next) {
		next = incoming->next;
		http_incoming_free(incoming);
	}
	loop_timer_stop(server->loop, &server->now);
	tls_close(server->tls);
	body_coder_close(&server->coder);
	memory_give(server);
}

void http_server_limit_bodies(struct http_server *server, size_t body_bytes)
{
	server->config.body_bytes = body_bytes;
}

int http_server_port(const struct http_server *server)
{
	return server->acceptor.port;
}

struct connection_counts http_server_counts(const struct http_server *server)
{
	return server->acceptor.counts;
}

void http_server_leave(struct http_server *server)
{
	server->leaving = true;
}

bool http_server_drain(struct http_server *server)
{
	if (!server->draining) {
		server->draining = true;
		acceptor_shut(&server->acceptor);
		for (struct http_inbound *connection = server->connections; connection; connection = connection->next)
			http_inbound_wake(connection);
	}
	return !server->connections && !server->incomings;
}

bool http_server_reload(struct http_server *server, const struct tls_files *files, struct error *error)
{
	return tls_reload_server(&server->tls, files, TLS_SERVER_HTTP1, error);
}
