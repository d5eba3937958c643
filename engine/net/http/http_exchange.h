/* http_exchange.h: Exchange of the HTTP server that a stream of HTTP/2 carries, and connections that another listener has accepted.
 * For servers that share their port with it.
 *
 * To the HTTP server an exchange is a connection with one request. Its carrier gives it the request as HTTP/1.1, and takes the
 * answer's head, and then its body, whose end the exchange announces. So requests of both protocols have the same parser, limits,
 * time limits, budget and errors. An exchange has no socket; it borrows the link of its connection for the address and the
 * certificate of the peer.
 *
 * All calls are made in the loop's thread of the server.
 */
#pragma once

#include "net/acceptor.h"
#include "net/http/http_server.h"
#include "net/link.h"

struct http_inbound;

struct http_carrier {
	void (*ready)(void *context);	 /* there is a head to take, or more of a body, or its end */
	void (*gone)(void *context);	 /* the exchange has ended before its answer was taken, and is not to be used any more */
	void (*released)(void *context); /* the server and the application have forgotten the context; called last, and once */
};

struct http_exchange_config {
	const struct link *link;	    /* to know the peer; borrowed until http_exchange_leave(), or the end */
	const struct peer_address *address; /* copied */
	const struct http_carrier *carrier;
	void *context;
};

/* NULL: memory ran out; nothing is called then. */
struct http_inbound *http_exchange_open(struct http_server *server, const struct http_exchange_config *config);

/* Counts a request that was refused with that status in place of the server. */
void http_exchange_count_refusal(const struct http_server *server, int status);

/* Gives bytes of the request, which are dropped if it is answered already. May call `ready`, and `gone` if memory runs out. */
void http_exchange_give(struct http_inbound *exchange, struct text bytes);

/* The next head of the answer as HTTP/1.1, without the empty line: that of a 100, if the caller waits for it before it sends its
 * body, and then the last one. It lives until the loop continues. Bytes NULL: it is not there. */
struct text http_exchange_head(struct http_inbound *exchange);

/* Bytes of the body that are there to be taken. */
size_t http_exchange_left(const struct http_inbound *exchange);

/* Takes bytes of the body. 0: none are there now. `is_end`: the answer is whole, and the exchange is not to be used any more. */
size_t http_exchange_take(struct http_inbound *exchange, char *room, size_t size, bool *is_end);

/* The stream is gone: the caller of the request has left. The exchange is not to be used any more. */
void http_exchange_leave(struct http_inbound *exchange);

/* Serves a connection of HTTP/1.1 whose handshake is done and whose `first` bytes were read. Takes the link, and the peer's entry,
 * which it gives back to that acceptor. */
void http_server_adopt(struct http_server *server, struct link *link, struct acceptor *acceptor, struct peer *peer,
		       struct text first);
