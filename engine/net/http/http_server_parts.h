/* http_server_parts.h: Shared parts of the HTTP server. Private to its files:
 *
 *   http_server.c             the server: opened, drained, closed
 *   http_server_connection.c  one connection (http_inbound): its input, its output, and its time limits
 *   http_server_request.c     one request (http_incoming), and its answer
 *   http_exchange.c           one request that a stream of HTTP/2 carries, in place of a connection
 *
 * A connection has one request at a time, from the first byte of its head until the last byte of its answer has left.
 * Meanwhile further data stays in the socket, except the rest of the last read. It begins one request a turn: if more
 * have come together, those of other connections are served between them. A request that waits for its answer
 * outlives its connection. Otherwise it returns to the pool with its buffers, so that a warm server allocates no
 * memory.
 *
 * The application is called only at the end of a connection's turn, never from within an answer that it gives. Work
 * that follows an answer is left to the server's timer, which is due at once.
 */
#pragma once

#include "net/acceptor.h"
#include "net/http/body_coder.h"
#include "net/http/http_exchange.h"
#include "net/http/http_server.h"
#include "net/http/http_wire.h"
#include "net/link.h"
#include "net/http/refusal.h"

struct http_incoming {
	struct http_server *server;
	struct http_inbound *connection; /* NULL: the connection is gone */
	const struct http_carrier *carrier; /* of an exchange that is gone, which is informed of the end. NULL: none */
	void *carrier_context;
	struct http_incoming *next, *previous;	 /* of all requests in use; in the pool only `next` */
	struct buffer bytes;			 /* bytes of the head */
	struct http_head_scan scan;
	struct http_head head;
	struct http_intake intake; /* parser of the body, */
	size_t body_bytes;	   /* which may have that length, */
	const char *remedy;	   /* and what to do if it is longer */
	struct body_charge charge;
	int64_t head_ms;	     /* when its head was complete, by the loop's clock */
	uint64_t came_bytes;	     /* received bytes of the body */
	uint64_t unread_bytes;	     /* bytes of the body of a request that was answered before its body was read; 0: none, or
				      * the connection closes */
	struct http_refusal refusal; /* for which the rest of the body is dropped */
	struct http_answer_header added[HTTP_ADDED_HEADERS_MAX]; /* by http_incoming_add_header() */
	size_t added_count;
	uint64_t mark;		     /* http_incoming_mark() */
	const void *kept;	     /* the pointer of the same */
	bool is_called;		     /* passed to the application, and not answered yet */
	bool in_pieces;		     /* it has an answer in pieces that is not ended */
	bool is_cut;
	struct body_unpacking unpacking; /* of the body */
	bool is_unpacked;		 /* `unpacking` has its outcome */
	struct body_packing packing;	 /* of the answer's body, */
	struct buffer open_head;	 /* and the head that waits for it */
	struct buffer output;
	size_t written; /* sent bytes of `output` */
};

enum http_phase {
	HTTP_PHASE_HANDSHAKE,
	HTTP_PHASE_IDLE,    /* between requests */
	HTTP_PHASE_HEAD,
	HTTP_PHASE_BODY,
	HTTP_PHASE_DISCARD, /* the rest of a refused body is dropped */
	HTTP_PHASE_CALLED,  /* the application has the request, or sends its answer in pieces */
	HTTP_PHASE_SENDING, /* the answer is complete */
	HTTP_PHASE_LINGER,  /* the answer is sent: further input is dropped, because a close would destroy the answer */
	HTTP_PHASE_OVER,
};

struct http_inbound {
	struct http_server *server;
	struct http_inbound *next, *previous;
	struct http_inbound *next_awake;
	struct link link;
	struct watch watch;
	bool is_watched;
	uint32_t events; /* events that are watched */
	struct acceptor *acceptor; /* which has `peer`; NULL: none */
	struct peer *peer, *body_peer;
	bool is_exchange; /* it has no socket of its own (net/http/http_exchange.h) */
	bool is_detached; /* its carrier has left it, or has the whole answer */
	const struct http_carrier *carrier;
	void *carrier_context;
	enum http_phase phase;
	bool in_turn;	/* its turn is running, at whose end its state is settled */
	bool has_begun; /* this turn has taken a request */
	bool is_awake;	/* in the timer's list */
	bool is_muted;	/* not watched for input: more has come than is read now */
	bool has_ended; /* the peer sends nothing more, and only `rest` is left of what it sent */
	bool is_half_closed; /* the peer sends nothing more, though not all may be read; noted while a request is answered */
	bool closes;	/* after the present answer */
	struct http_incoming *incoming;
	struct buffer rest; /* rest of the last read, for the next request */
	size_t rest_at;	    /* bytes of `rest` that are taken already */
	uint64_t left;	    /* bytes that are still to be dropped */
	int64_t since_ms;   /* start of the phase; while sending: time when bytes last left */
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
	struct random ids;    /* of requests that are refused, and have none */
	struct body_coder coder;
	bool leaving, draining;
	struct loop_timer now; /* is always set, so that waking allocates no memory */
	int64_t date_s;	       /* time of `date` */
	char date[32];
	char room[64 << 10]; /* into which all connections read */
};

/* ---- http_server_connection.c ---- */

void http_inbound_accept(void *context, int socket, struct peer *peer);
/* Lists it, and counts its bodies for that address. False: memory ran out. */
bool http_inbound_enter(struct http_inbound *connection, struct http_server *server, const struct peer_address *address);
bool http_inbound_begin(struct http_inbound *connection); /* watches an established link; false: it cannot be */
void http_inbound_give(struct http_inbound *connection, struct text bytes); /* that were read elsewhere; may end it */
void http_inbound_turn(struct http_inbound *connection, uint32_t events); /* may end it */
void http_inbound_hang_up(struct http_inbound *connection);		     /* closes and frees it */
void http_inbound_flush(struct http_inbound *connection);
void http_inbound_wake(struct http_inbound *connection); /* schedules its turn */

/* ---- http_server_request.c ---- */

struct http_incoming *http_incoming_open(struct http_inbound *connection); /* NULL: no memory */
void http_incoming_leave(struct http_incoming *incoming); /* takes it off its connection; it ends unless the application has it */
void http_incoming_free(struct http_incoming *incoming);

/* Passes it to the application. */
void http_incoming_call(struct http_incoming *incoming);

/* The carrier of the exchange will be informed when the application has answered. False: it does not have the request. */
bool http_incoming_pass_carrier(struct http_inbound *connection);

/* Answers a request instead of the application, and then closes the connection unless it `keeps`. Words NULL: its body is too
 * long. */
void http_incoming_refuse(struct http_incoming *incoming, struct http_refusal refusal, bool keeps);
