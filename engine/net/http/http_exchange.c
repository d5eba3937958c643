/* http_exchange.c: see http_exchange.h, and http_server_parts.h for the server. */
#include "net/http/http_exchange.h"

#include "base/memory.h"
#include "net/http/http_server_parts.h"

#define HEAD_END "\r\n\r\n"

struct http_inbound *http_exchange_open(struct http_server *server, const struct http_exchange_config *config)
{
	assert(config->carrier);
	struct http_inbound *exchange = memory_take(1, sizeof *exchange);
	if (!exchange)
		return NULL;
	exchange->is_exchange = true;
	exchange->link = *config->link;
	if (http_inbound_enter(exchange, server, config->address)) {
		exchange->carrier = config->carrier;
		exchange->carrier_context = config->context;
		return exchange;
	}
	http_inbound_hang_up(exchange);
	return NULL;
}

void http_exchange_count_refusal(const struct http_server *server, int status)
{
	if (server->config.refused)
		server->config.refused(server->config.context, status);
}

void http_exchange_give(struct http_inbound *exchange, struct text bytes)
{
	http_inbound_give(exchange, bytes);
}

size_t http_exchange_left(const struct http_inbound *exchange)
{
	const struct http_incoming *incoming = exchange->incoming;
	return incoming ? incoming->output.length - incoming->written : 0;
}

struct text http_exchange_head(struct http_inbound *exchange)
{
	struct http_incoming *incoming = exchange->incoming;
	const size_t left = http_exchange_left(exchange);
	const char *head = left > 0 ? incoming->output.bytes + incoming->written : NULL;
	const char *end = head ? memmem(head, left, HEAD_END, sizeof HEAD_END - 1) : NULL;
	if (!end)
		return (struct text){0};
	incoming->written += (size_t)(end - head) + sizeof HEAD_END - 1;
	return (struct text){head, (size_t)(end - head)};
}

/* The server frees it in its next turn. */
static void exchange_detach(struct http_inbound *exchange)
{
	exchange->is_detached = exchange->has_ended = true;
	exchange->link = LINK_NONE;
	exchange->phase = HTTP_PHASE_OVER;
	http_inbound_wake(exchange);
}

size_t http_exchange_take(struct http_inbound *exchange, char *room, size_t size, bool *is_end)
{
	struct http_incoming *incoming = exchange->incoming;
	*is_end = false;
	if (!incoming || exchange->phase == HTTP_PHASE_OVER)
		return 0;
	const size_t left = incoming->output.length - incoming->written, count = left < size ? left : size;
	if (count > 0)
		memcpy(room, incoming->output.bytes + incoming->written, count);
	incoming->written += count;
	if (count > 0)
		exchange->since_ms = loop_now_ms(exchange->server->loop);
	*is_end = count == left && exchange->phase == HTTP_PHASE_SENDING;
	if (!*is_end)
		return count;
	http_incoming_leave(incoming);
	exchange->incoming = NULL;
	exchange_detach(exchange);
	return count;
}

void http_exchange_leave(struct http_inbound *exchange)
{
	exchange_detach(exchange);
}

void http_server_adopt(struct http_server *server, struct link *link, struct acceptor *acceptor, struct peer *peer,
		       struct text first)
{
	struct http_inbound *connection = memory_take(1, sizeof *connection);
	if (!connection) {
		link_close(link);
		acceptor_leave(acceptor, peer);
		return;
	}
	link_move(&connection->link, link);
	connection->link.any_protocol = true;
	connection->acceptor = acceptor;
	connection->peer = peer;
	if (http_inbound_enter(connection, server, &peer->address) && http_inbound_begin(connection))
		http_inbound_give(connection, first);
	else
		http_inbound_hang_up(connection);
}
