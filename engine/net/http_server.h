/* http_server.h: a door for HTTP/1.1 requests, by libmicrohttpd, driven by a loop.
 *
 * Each request is handed to `called` once its body is whole, and answered by
 * http_server_answer(), at once or later: the connection waits meanwhile. A caller that
 * has gone is seen by http_asked_is_over(); answering then is fine and does nothing.
 * Connections on which nothing comes, or too slowly, are closed in the end.
 *
 * A server belongs to its loop's thread.
 */
#ifndef SLUICE_NET_HTTP_SERVER_H
#define SLUICE_NET_HTTP_SERVER_H

#include "base/text.h"
#include "net/body_budget.h"
#include "net/loop.h"
#include "net/tls.h"

struct http_server;
struct http_asked; /* one request that came; until it is answered */

struct http_server_config {
	const char *host; /* NULL: loopback */
	int port;	  /* 0: any free one, which http_server_port() tells */
	const struct tls_files *files; /* NULL: without TLS; callers are not asked for certificates */
	size_t body_bytes;	       /* a longer one is answered 413 */
	struct body_budget *bodies;    /* of all requests that are on their way: beyond it 503; NULL: none. Outlives the server */
	unsigned connections;
	unsigned peer_connections; /* of one address; more are closed at once. 0: as many as there may be */
	/* All texts live until the request is answered. */
	void (*called)(void *context, struct http_asked *asked, struct text method, struct text path, struct text body);
	void *context;
};

struct http_server *http_server_open(struct loop *loop, const struct http_server_config *config, struct error *error);
void http_server_close(struct http_server *server); /* with the requests that still wait; NULL is fine */
int http_server_port(const struct http_server *server);

/* Bytes NULL: it has no such header. */
struct text http_asked_header(const struct http_asked *asked, const char *name);
bool http_asked_is_over(const struct http_asked *asked);

struct http_answer_header {
	const char *name;
	const char *value;
};

/* Copied. Ends the request. */
void http_server_answer(struct http_asked *asked, int status, const char *content_type, struct text body,
			const struct http_answer_header *headers, size_t header_count);

/* The connection is closed after `sent` bytes of a body that claims to be longer: for servers that
 * play a bad part. */
void http_server_cut(struct http_asked *asked, int status, const char *content_type, struct text body, size_t sent);

#endif
