/* http_client.h: what the files of the HTTP client share; for them alone.
 *
 *   http.c             requests started, forgotten and told; hosts and their lines
 *   http_connection.c  one connection: made, spoken on, kept, lost
 *   http_wire.c        the bytes of both ways
 *
 * A request's way: it is on a connection, its own until the answer is whole, or waits in its
 * host's line for one; then it is finished, and waits for its `done`. That is entered by the
 * client's one timer, due at once: after all that one turn has brought. So `done` is never
 * entered from the midst of a connection, and may start and forget what it likes.
 */
#ifndef SLUICE_NET_HTTP_CLIENT_H
#define SLUICE_NET_HTTP_CLIENT_H

#include "net/http_wire.h"
#include "net/dial.h"
#include "net/link.h"

/* One request, with what its answer is put together in, which outlives it in the pool. */
struct exchange {
	struct http *http;
	struct http_request *request; /* NULL: forgotten */
	struct http_origin *origin;
	struct http_connection *connection; /* NULL: it waits, or is finished */
	struct list_node node; /* of a line, the finished, the pool; of none on a connection */
	struct loop_timer deadline;
	struct url url;
	struct buffer head;
	size_t sent; /* of head and body */
	struct http_intake intake;
	struct http_reply reply;
};

struct http_connection {
	struct http_origin *origin;
	struct exchange *exchange; /* NULL: it is idle */
	struct list_node node;	   /* of the origin's idle or busy ones */
	struct dial dial; /* until the link stands */
	struct link link;
	struct watch watch;
	uint32_t events;	/* that are watched for; 0: none */
	bool served;		/* an answer has come on it */
	bool echoes;		/* an answer on it echoed the id of its request */
	bool deaf;		/* the other side takes no more of the request */
	struct loop_timer tend; /* it may have been idle for too long */
	int64_t used_ms;	/* when its last answer was whole */
};

/* A host and port, plain or through TLS. */
struct http_origin {
	struct http *http;
	struct http_origin *next;
	struct list idle, busy; /* connections, the last used first */
	size_t connection_count;
	struct list line;
	struct dial_host dial_host;
	bool tls;
	struct text host, port; /* each with a NUL behind it */
	char names[];
};

struct http {
	struct loop *loop;
	struct http_limits limits;
	struct ssl_ctx_st *tls; /* opened with the first request that needs it, or with files */
	struct http_origin *origins;
	struct list finished, pool;
	size_t waiting;	       /* in lines */
	struct loop_timer now; /* `done` is entered, lines move on */
	bool awake;	       /* it is due at once */
	char room[64 << 10];   /* that all connections read into, and put together what they send */
};

static inline struct exchange *exchange_of(struct list_node *node)
{
	return LIST_OWNER(node, struct exchange, node);
}

static inline struct http_connection *http_connection_of(struct list_node *node)
{
	return LIST_OWNER(node, struct http_connection, node);
}

static inline void error_clear(struct error *error) /* its text is long, and this is done with every call */
{
	error->kind = ERROR_NONE;
	error->text[0] = '\0';
}

/* ---- http.c ---- */

void http_wake(struct http *http);

/* Off its connection, with what its intake holds as the answer, or with why there is none: `why` says so
 * without saying who. */
void http_exchange_succeed(struct exchange *exchange);
void http_exchange_fail(struct exchange *exchange, const struct error *why);

/* ---- http_connection.c ---- */

/* A new one for the exchange, which is told when nothing comes of it. */
void http_connection_open(struct http_origin *origin, struct exchange *exchange);

/* An idle one. False: it is closed, because the server closed it or sent what was not asked for. */
bool http_connection_use(struct http_connection *connection, struct exchange *exchange);

void http_connection_end(struct http_connection *connection); /* has no exchange any more */

#endif
