/* http_client.h: Shared parts of the HTTP client. Private to its files:
 *
 *   http.c             start and cancellation of requests; hosts and their lines (queues of requests)
 *   http_result.c      replies and errors of requests
 *   http_connection.c  one connection: made, used, kept, lost
 *   http_wire.c        the bytes in both directions
 *
 * A request is on a connection, which it uses alone until the answer is complete, or waits in its host's line for
 * one. Then it is finished, and waits for its `done`. The client's one timer calls `done`. It is due at once, after
 * all events of one turn. So `done` is never called from inside a connection, and may start and cancel any request.
 */
#pragma once

#include "base/number/random.h"
#include "net/http/http_wire.h"
#include "net/dial.h"
#include "net/link.h"

/* One request, with the memory for its answer, which outlives it in the pool. */
struct exchange {
	struct http *http;
	struct http_request *request; /* NULL: cancelled */
	struct http_origin *origin;
	struct http_connection *connection; /* NULL: it waits, or is finished */
	struct list_node node; /* of a line, of the finished exchanges, or of the pool; of no list while on a connection */
	struct loop_timer deadline;
	struct url url;
	struct buffer head;
	size_t sent; /* sent bytes of head and body */
	struct http_intake intake;
	struct http_reply reply;
};

struct http_connection {
	struct http_origin *origin;
	struct exchange *exchange; /* NULL: it is idle */
	struct list_node node;	   /* of the origin's idle or busy ones */
	struct dial dial; /* until the link is established */
	struct link link;
	struct watch watch;
	uint32_t events;	/* events that are watched; 0: none */
	bool served;		/* an answer has arrived on it */
	bool echoes;		/* an answer on it echoed the id of its request */
	bool stopped_reading;	/* the peer does not read the rest of the request */
	struct loop_timer tend; /* closes it after too long an idle time */
	int64_t used_ms;	/* time when its last answer was complete */
	int64_t old_from_ms;	/* time when it becomes too old */
};

/* A host and port, plain or through TLS. */
struct http_origin {
	struct http *http;
	struct http_origin *next;
	struct list idle, busy; /* connections, the most recently used first */
	size_t connection_count;
	int64_t renew_from_ms; /* no old connection is replaced before */
	struct list line;
	struct dial_host dial_host;
	bool tls;
	struct text host, port; /* each with a NUL after it */
	char names[];
};

struct http {
	struct loop *loop;
	struct http_limits limits;
	struct ssl_ctx_st *tls; /* opened with the first request that needs it, or with `files` */
	struct http_origin *origins;
	struct list finished, pool;
	struct random ages;    /* of connections */
	size_t waiting;	       /* number of requests in lines */
	struct loop_timer now; /* calls `done`, sends requests of lines */
	bool awake;	       /* it is due at once */
	char room[64 << 10];   /* into which all connections read, and where they assemble what they send */
};

static inline struct exchange *exchange_of(struct list_node *node)
{
	return LIST_OWNER(node, struct exchange, node);
}

static inline struct http_connection *http_connection_of(struct list_node *node)
{
	return LIST_OWNER(node, struct http_connection, node);
}

static inline void error_clear(struct error *error) /* faster than zeroing its long text: every call does this */
{
	error->kind = ERROR_NONE;
	error->text[0] = '\0';
}

/* ---- http_result.c ---- */

/* The client's next turn reports finished exchanges. */
void http_wake(struct http *http);

/* Finishes an exchange and takes it off its connection. It succeeds with the answer that its intake has, or fails
 * with `why`, which does not name the host; or its reply is set already. */
void http_exchange_succeed(struct exchange *exchange);
void http_exchange_fail(struct exchange *exchange, const struct error *why);
void http_exchange_finish(struct exchange *exchange);

/* Sets the error of an exchange whose time is over, which is not finished yet. */
void http_exchange_time_out(struct exchange *exchange);

const char *http_url_shown(const char *url); /* without its login */

/* ---- http_connection.c ---- */

/* Opens a new connection for the exchange, which gets the error if that fails. */
void http_connection_open(struct http_origin *origin, struct exchange *exchange);

/* Uses an idle connection. False: it is closed, because the server closed it or sent unexpected data. */
bool http_connection_use(struct http_connection *connection, struct exchange *exchange);

/* Whether the next request is to open a successor of an idle connection that is too old. Once a second: until the successor is
 * established, and while it cannot be, the old connections are used. */
bool http_connection_wants_successor(const struct http_connection *connection);

void http_connection_end(struct http_connection *connection); /* must have no exchange */
