/* http_server_parts.h: what the files of the HTTP server share; for them alone.
 *
 *   http_server.c             the server: opened, drained, closed
 *   http_inbound.c  one connection: what comes, what leaves, and its time limits
 *   http_incoming.c           one request, and its answer
 *
 * A connection has one request at a time, from the first byte of its head until the last of its answer has left. What
 * comes meanwhile stays in the socket, but for the rest of what was just read. A request that waits for its answer
 * outlives its connection; else it goes back to the pool with its buffers, so that a warm server asks for no memory.
 *
 * The application is entered from the bottom of a connection's turn alone, never from within an answer that it gives:
 * what has to follow on an answer is left to the server's timer, which is due at once.
 */
#ifndef SLUICE_NET_HTTP_SERVER_PARTS_H
#define SLUICE_NET_HTTP_SERVER_PARTS_H

#include "net/acceptor.h"
#include "net/http_server.h"
#include "net/http_wire.h"
#include "net/link.h"

struct http_incoming {
	struct http_server *server;
	struct http_inbound *connection; /* NULL: it is gone */
	struct http_incoming *next, *previous;	 /* of all that are in use; in the pool `next` */
	struct buffer bytes;			 /* of the head */
	struct http_head_scan scan;
	struct http_head head;
	struct http_intake intake; /* of the body */
	struct body_charge charge;
	uint64_t came_bytes;	     /* of the body */
	struct http_refusal refusal; /* that the rest of the body is thrown away for */
	bool is_called;		     /* and not answered yet */
	bool in_pieces;		     /* an answer that is not ended */
	bool is_cut;
	struct buffer output;
	size_t written; /* of it */
};

enum http_phase {
	HTTP_PHASE_HANDSHAKE,
	HTTP_PHASE_IDLE,    /* between requests */
	HTTP_PHASE_HEAD,
	HTTP_PHASE_BODY,
	HTTP_PHASE_DISCARD, /* a body that is refused */
	HTTP_PHASE_CALLED,  /* the application has the request, or gives its answer in pieces */
	HTTP_PHASE_SENDING, /* the answer is complete */
	HTTP_PHASE_LINGER,  /* nothing more is sent: what still comes is thrown away, for a close would destroy the answer */
	HTTP_PHASE_OVER,
};

struct http_inbound {
	struct http_server *server;
	struct http_inbound *next, *previous;
	struct http_inbound *next_awake;
	struct link link;
	struct watch watch;
	bool is_watched;
	uint32_t events; /* that are watched for */
	struct peer *peer, *body_peer;
	enum http_phase phase;
	bool in_turn;	/* its own, at whose bottom all is put in order */
	bool is_awake;	/* in the list of those that the timer tends to */
	bool is_muted;	/* more has come than is taken now */
	bool has_ended; /* the peer sends nothing more */
	bool closes;	/* behind the present answer */
	struct http_incoming *incoming;
	struct buffer rest; /* of what was read, for the next request */
	size_t rest_at;	    /* of it is taken already */
	uint64_t left;	    /* to be thrown away */
	int64_t since_ms;   /* the phase began; while sending: bytes last left */
	struct loop_timer timer;
};

struct http_server {
	struct loop *loop;
	struct http_server_config config;
	struct acceptor acceptor;
	struct ssl_ctx_st *tls;
	struct http_inbound *connections, *awake;
	struct http_incoming *incomings, *pool;
	size_t pooled;
	bool draining;
	struct loop_timer now; /* is always set, so that waking never takes memory */
	int64_t date_s;	       /* of the date's text */
	char date[32];
	char room[64 << 10]; /* that all connections read into */
};

/* ---- http_server.c ---- */

void http_server_wake(struct http_inbound *connection); /* its turn comes */
const char *http_server_date(struct http_server *server);

/* ---- http_inbound.c ---- */

void http_inbound_accept(void *context, int socket, struct peer *peer);
void http_inbound_turn(struct http_inbound *connection, uint32_t events); /* may end it */
void http_inbound_hang_up(struct http_inbound *connection);		     /* it is gone */
void http_inbound_flush(struct http_inbound *connection);

/* ---- http_incoming.c ---- */

struct http_incoming *http_incoming_open(struct http_inbound *connection); /* NULL: no memory */
void http_incoming_leave(struct http_incoming *incoming); /* its connection; unless it is called it is done */
void http_incoming_free(struct http_incoming *incoming);

/* Answers it in the application's place, and closes the connection behind that unless it `keeps`. */
void http_incoming_refuse(struct http_incoming *incoming, struct http_refusal refusal, bool keeps);

#endif
