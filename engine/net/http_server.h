/* http_server.h: HTTP/1.1 server on a loop, plain or through TLS.
 *
 * Each request is handed to `called` once its body is whole, and answered by http_server_answer(), at once or later.
 * Requests that a peer sends ahead wait, so that answers leave in the order of their requests. What a request's head and
 * body may look like says net/http_head.h; everything else is refused with a status and a sentence, and the connection
 * is closed behind it, since nobody knows where the next request would begin.
 *
 * A peer that is too slow is answered 408: the head has to be whole `head_ms` after its first byte, and a body
 * `body_ms` after its head, as long as it brings less than 64 bytes a millisecond. One that does not read its answer, or
 * sends nothing between two requests, is closed after `idle_ms`.
 *
 * An idle connection holds no buffers: 10,000 of them take 2.5 MiB. libmicrohttpd was measured beside this
 * (tests/bench/http_server_bench.c): it took 315 MiB for them, since each has a pool that must hold a whole head, and 60,300
 * instructions a request where this takes 4,000, most of them to clear that pool. It brought GnuTLS beside OpenSSL, and
 * has neither client certificates nor certificates that change while it runs.
 *
 * A server belongs to its loop's thread.
 */
#ifndef SLUICE_NET_HTTP_SERVER_H
#define SLUICE_NET_HTTP_SERVER_H

#include "net/body_budget.h"
#include "net/http_head.h"
#include "net/loop.h"
#include "net/tls.h"

struct http_server;
struct http_incoming; /* a request that came, until it is answered */

struct http_server_config {
	const char *host; /* NULL: loopback */
	int port;	  /* 0: any free one, which http_server_port() returns */
	const struct tls_files *files; /* NULL: without TLS; with authorities, clients are asked for certificates */
	size_t body_bytes;	       /* a longer one is answered 413 */
	struct body_budget *bodies;    /* of all requests that are on their way: beyond it 503; NULL: none. Outlives the server */
	size_t connections;
	size_t peer_connections; /* of one peer (net/peers.h); more are closed at once. 0: as many as there may be */
	int64_t head_ms, body_ms, idle_ms; /* 0: 30 s, 30 s, 75 s */
	/* All texts live until the request is answered. `path` is percent-decoded and has no query. */
	void (*called)(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body);
	void *context;
};

struct http_server *http_server_open(struct loop *loop, const struct http_server_config *config, struct error *error);
void http_server_close(struct http_server *server); /* requests that are not answered die with it; NULL is fine */
int http_server_port(const struct http_server *server);

/* No new connection from now on; idle ones are closed, others behind their next answer. True once none is left: to be asked
 * again after each turn. Whoever closes the server ends what is left then. */
bool http_server_drain(struct http_server *server);

/* New connections get the certificate that the files hold now; those that are open keep theirs. False: the files cannot be
 * used (CONFIG names which, and why), and the certificate stays as it was. For a server with TLS. */
bool http_server_reload(struct http_server *server, const struct tls_files *files, struct error *error);

/* Bytes NULL: it has no such header. */
struct text http_incoming_header(const struct http_incoming *incoming, const char *name);
struct text http_incoming_query(const struct http_incoming *incoming); /* as it came */

/* The caller is gone, or sends nothing more. An answer is due all the same, and need not arrive. */
bool http_incoming_is_over(const struct http_incoming *incoming);

/* ---- answers: all is copied ---- */

/* Ends the request. An answer to HEAD says the length of the body and leaves it out. */
void http_server_answer(struct http_incoming *incoming, int status, const char *content_type, struct text body,
			const struct http_answer_header *headers, size_t header_count);

/* In pieces, as they come to be (server-sent events): begun once, then pieces, then ended, which ends the request. */
void http_server_begin(struct http_incoming *incoming, int status, const char *content_type,
		       const struct http_answer_header *headers, size_t header_count);

/* False: the caller is gone, or has left more than HTTP_BACKLOG_BYTES_MAX unread; further pieces are dropped, and the
 * answer is still to be ended. An empty piece sends nothing. */
#define HTTP_BACKLOG_BYTES_MAX ((size_t)1 << 20)
bool http_server_send(struct http_incoming *incoming, struct text piece);
void http_server_end(struct http_incoming *incoming);

/* The connection is closed after `sent` bytes of a body that claims to be longer: for models that play a bad part. */
void http_server_cut(struct http_incoming *incoming, int status, const char *content_type, struct text body, size_t sent);

#endif
