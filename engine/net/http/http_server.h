/* http_server.h: HTTP/1.1 server on a loop, plain or through TLS.
 *
 * Each request is passed to `called` once its body is complete, and answered by http_server_answer(), at once or
 * later. Pipelined requests wait, so that answers leave in the order of their requests. net/http/http_head.h describes
 * valid heads and bodies. Everything else is refused with a status and a sentence. The connection is then closed,
 * since the start of the next request is unknown.
 *
 * A peer that is too slow is answered 408. The head must be complete `head_ms` after its first byte. The body must be
 * complete `body_ms` after the head; that limit is extended by a millisecond for each 64 bytes received. A peer that
 * does not read its answer, or sends nothing between two requests, is disconnected after `idle_ms`.
 *
 * An idle connection holds no buffers: 10,000 of them take 2.5 MiB, and 140 with TLS, nearly all in OpenSSL. libmicrohttpd was
 * measured for comparison (tests/bench/http_server_bench.c). It took 315 MiB for them, since each has a pool that must hold a whole
 * head. It took 60,300 instructions a request where this server takes 4,100, most of them to clear that pool. Of the 4,100, reading
 * the head of curl's request and writing that of an answer take 2,700; Python's seven headers take 650 more. It would add
 * GnuTLS beside OpenSSL. It supports neither client certificates nor a change of certificates at run time.
 *
 * A server belongs to its loop's thread.
 */
#pragma once

#include "net/acceptor.h"
#include "net/http/body_budget.h"
#include "net/http/gzip.h"
#include "net/http/http_head.h"
#include "net/loop.h"
#include "net/tls.h"

struct host_names;
struct http_server;
struct http_incoming; /* a received request, until it is answered */

struct http_server_config {
	const char *host; /* NULL: loopback */
	int port;	  /* 0: any free one, which http_server_port() returns */
	bool adopts;	  /* it listens at no port: its connections come from another server (net/http/http_exchange.h) */
	const struct tls_files *files; /* NULL: without TLS; with authorities, clients must present certificates */
	size_t body_bytes;	       /* a longer one is answered 413 */
	const char *remedy;	       /* what the caller of a longer one is told to do; NULL: to send less at a time */
	struct body_budget *bodies;    /* of all requests in flight: and of their answers: beyond it 503; NULL: no limit.
				       * Outlives the server */
	const struct host_names *hosts; /* by which browsers may address it, looked at for each request: others are answered 421
					 * (net/host_names.h). NULL: all. Outlives the server */
	bool gzips; /* compresses bodies of http_server_answer() for callers that accept gzip */
	size_t connections;
	size_t peer_connections; /* of one peer (net/peers.h); further ones are closed at once. 0: no limit of its own */
	const struct log_sink *log; /* of net/acceptor.h */
	int64_t head_ms, body_ms, idle_ms; /* 0: 30 s, 30 s, 75 s */
	/* Called when the head of a request is complete, before its body is read. False: the callback has answered
	 * the request, and the body is dropped. NULL: all requests are admitted. */
	bool (*admits)(void *context, struct http_incoming *incoming, struct text method, struct text path);
	/* All texts live until the request is answered. `path` is percent-decoded and has no query. */
	void (*called)(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body);
	/* Called for each request that the server itself refuses. NULL: nobody counts them. */
	void (*refused)(void *context, int status);
	void *context;
};

/* Bodies may have that length from the next request on; `body_bytes` of the configuration. */
void http_server_limit_bodies(struct http_server *server, size_t body_bytes);

struct http_server *http_server_open(struct loop *loop, const struct http_server_config *config, struct error *error);
void http_server_close(struct http_server *server); /* drops requests that are not answered; NULL is fine */
int http_server_port(const struct http_server *server);
struct connection_counts http_server_counts(const struct http_server *server);

/* Each connection closes after its next answer from now on; new ones are still accepted. */
void http_server_leave(struct http_server *server);

/* Stops accepting connections. Idle ones are closed, others after their next answer. True: none is left. To be
 * called again after each turn. A caller that closes the server earlier ends the remaining ones. */
bool http_server_drain(struct http_server *server);

/* Reads the certificate files again for new connections; open ones keep their certificate. False: the files cannot
 * be used (CONFIG has the file and the reason), and the certificate stays as it was. For a server with TLS. */
bool http_server_reload(struct http_server *server, const struct tls_files *files, struct error *error);

/* Of a name that has a number. Bytes NULL: it has no such header. */
struct text http_incoming_known(const struct http_incoming *incoming, enum header_name name);
/* The value of the header's second line (`place` 1), its third, and so on. */
struct text http_incoming_known_at(const struct http_incoming *incoming, enum header_name name, size_t place);
/* The names with a number that more than one line has: a bit for each (header_name_bit()). */
uint64_t http_incoming_repeated(const struct http_incoming *incoming);

/* The same of any name, which is compared with the header's names. */
struct text http_incoming_header(const struct http_incoming *incoming, const char *name);
struct text http_incoming_header_at(const struct http_incoming *incoming, const char *name, size_t place);
/* The next header, in the order of the request; `place` is 0 at the first. False: there are no more. */
bool http_incoming_header_next(const struct http_incoming *incoming, size_t *place, struct text *name, struct text *value);
struct text http_incoming_path(const struct http_incoming *incoming); /* as it is passed to `called` */
void *http_incoming_context(const struct http_incoming *incoming);   /* of the server's configuration */
struct text http_incoming_query(const struct http_incoming *incoming); /* as it was received */

int64_t http_incoming_age_ms(const struct http_incoming *incoming); /* since its head was complete */

/* Whether the caller has disconnected. An answer is still required, and need not arrive. A caller that has only ended its side gets
 * the answers to all requests that it sent whole before; what tells the two apart is whether the first byte of an answer, sent when
 * the end of the side is seen, is refused. An answer in pieces that has begun is over in both cases. */
bool http_incoming_is_over(const struct http_incoming *incoming);

/* Decompresses the body of a request that was passed to `called`. GZIP_MORE: it is long, so others are served meanwhile. Then the
 * request is passed to `called` again, which asks again, and gets the outcome. GZIP_WHOLE: http_incoming_body() is decompressed;
 * the former text is gone. GZIP_NO_MEMORY: also if the budget of bodies has no memory for it. */
enum gzip_outcome http_incoming_unpack(struct http_incoming *incoming, enum gzip_form form, size_t bytes_max);
struct text http_incoming_body(const struct http_incoming *incoming);

/* To be called by `admits`: the body of this request may have that length, which is less than that of the server. `remedy` is as in
 * the configuration, and constant. */
void http_incoming_limit_body(struct http_incoming *incoming, size_t body_bytes, const char *remedy);

/* A number and a pointer of the application's own; what a request has that is not marked is not defined. */
void http_incoming_mark(struct http_incoming *incoming, uint64_t mark, const void *kept);
uint64_t http_incoming_marked(const struct http_incoming *incoming);
const void *http_incoming_kept(const struct http_incoming *incoming);

/* Address of the peer. False: the connection is gone. */
bool http_incoming_peer(const struct http_incoming *incoming, struct sockaddr_storage *address);

/* Names in the caller's certificate, as from link_peer(), in `out`; empty: it has none. */
struct tls_peer http_incoming_certificate(const struct http_incoming *incoming, char *out, size_t size);

/* Adds a header to the answer that this request will get, whoever gives it. Borrowed until then; without control characters.
 * At most HTTP_ADDED_HEADERS_MAX. */
#define HTTP_ADDED_HEADERS_MAX 4
void http_incoming_add_header(struct http_incoming *incoming, const char *name, const char *value);

/* ---- answers: everything is copied ---- */

/* Answers a request that was passed to `called`, or to `admits`, and ends it: once. An answer to HEAD has the length of the body,
 * but no body. */
void http_server_answer(struct http_incoming *incoming, int status, const char *content_type, struct text body,
			const struct http_answer_header *headers, size_t header_count);

/* Answers in pieces, as they become available (server-sent events): one begin, then pieces, then one end, which
 * ends the request. They take the place of http_server_answer(). */
void http_server_begin(struct http_incoming *incoming, int status, const char *content_type,
		       const struct http_answer_header *headers, size_t header_count);

/* False: the caller has disconnected, or has more than HTTP_BACKLOG_BYTES_MAX unread. Further pieces are dropped,
 * and the answer must still be ended. An empty piece sends nothing. */
#define HTTP_BACKLOG_BYTES_MAX ((size_t)1 << 20)
bool http_server_send(struct http_incoming *incoming, struct text piece);
void http_server_end(struct http_incoming *incoming);

/* Closes the connection after `sent` bytes of a body whose announced length is larger: for simulated faults of
 * models. */
void http_server_cut(struct http_incoming *incoming, int status, const char *content_type, struct text body, size_t sent);
