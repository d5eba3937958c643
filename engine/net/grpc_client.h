/* grpc_client.h: what the files of the gRPC client share; for them alone.
 *
 *   grpc.c             calls started, forgotten and told; addresses and their lines
 *   grpc_connection.c  one connection: made, tended, lost
 *   grpc_stream.c      one call on a connection: what is sent, and what the answer means
 *
 * A call's way: it waits in its address's line, is open on a connection as a stream, and
 * is finished, when it waits for its `done`. That is entered by the client's one timer,
 * due at once: after all that one turn has brought, and before what is new is sent. So
 * `done` is never entered from inside nghttp2, and may start and forget what it likes.
 */
#ifndef SLUICE_NET_GRPC_CLIENT_H
#define SLUICE_NET_GRPC_CLIENT_H

#include "net/dial.h"
#include "net/grpc.h"
#include "net/grpc_wire.h"
#include "net/http2.h"

#define GRPC_NO_STATUS (-1)
#define GRPC_ANEW_MAX 6 /* how often a call goes anew by itself, before its caller decides */

struct grpc_stream {
	struct grpc *grpc;
	struct grpc_call *call; /* NULL: forgotten */
	struct grpc_peer *peer;
	struct grpc_connection *connection; /* while it is open there */
	struct list_node node;		    /* of a line, a connection's streams, the finished, the pool */
	uint64_t number; /* calls are sent in this order */
	int32_t id;
	unsigned anew;
	struct loop_timer deadline;
	/* The request: */
	size_t length;	     /* of the message */
	size_t part, offset; /* what of it has been handed to nghttp2 */
	bool prefix_sent, whole_sent;
	/* The answer: */
	struct grpc_intake intake;
	int http_status;
	bool is_grpc; /* by its content type */
	bool ended;   /* by headers, which is how gRPC ends */
	bool reset;   /* by the server */
	struct buffer body;
	struct buffer words;
	struct grpc_reply reply;
};

struct grpc_connection {
	struct http2 http2;
	struct grpc_peer *peer;
	struct list_node node; /* of the peer's */
	struct dial dial; /* until the link stands */
	struct list streams;
	size_t open;   /* streams of the session, with those whose calls are over */
	bool standing; /* the server has said its settings */
	bool leaving;  /* no new streams: it said GOAWAY, or numbers have run out */
	bool dirty;    /* the session may have something to say */
	bool served;   /* an answer has begun to come */
	struct loop_timer tend;
	int64_t greeted_by_ms; /* its settings have to come by then, or another address is tried */
	int64_t used_ms;    /* when its last stream ended */
	int64_t quiet_ms;   /* since when nothing has come that was waited for */
	int64_t pinged_ms;  /* 0: no ping is under way */
	unsigned pings;	    /* since anything came on a stream */
	struct error error; /* why the session ends itself; else none */
};

/* An address, and what is under way there. */
struct grpc_peer {
	struct grpc *grpc;
	struct grpc_peer *next;
	struct list connections;
	size_t connection_count; /* without those that are leaving */
	struct list line;
	size_t line_length;
	int64_t line_until_ms;	 /* it stands still, after a stream was refused */
	struct loop_timer again; /* when it moves on */
	int64_t pause_until_ms;	 /* before another connection is tried beside those that stand */
	int64_t last_timeout_ms; /* the same again is worth a place in HPACK's table */
	bool tls;
	struct dial_host dial_host; /* its names are parts of `address` */
	char address[];		    /* host:port as it was given, and again in parts */
};

struct grpc {
	struct loop *loop;
	struct grpc_limits limits;
	nghttp2_session_callbacks *callbacks;
	struct ssl_ctx_st *tls; /* opened with the first call that needs it, or with files */
	struct grpc_peer *peers;
	struct list finished, pool;
	struct loop_timer now; /* `done` is entered, lines move on, sessions speak */
	bool awake;	       /* it is due at once */
	uint64_t calls;
	char room[64 << 10]; /* that all connections read into */
};

static inline struct grpc_stream *grpc_stream_of(struct list_node *node)
{
	return LIST_OWNER(node, struct grpc_stream, node);
}

static inline struct grpc_connection *grpc_connection_of(struct list_node *node)
{
	return LIST_OWNER(node, struct grpc_connection, node);
}

/* ---- grpc.c ---- */

void grpc_wake(struct grpc *grpc);
void grpc_stream_leave(struct grpc_stream *stream); /* the list that it is in */
void grpc_line_add(struct grpc_stream *stream); /* by its number */

/* A server that refuses a stream counts fewer of them free than it said: its line stands still for a
 * little, and longer with every try. */
void grpc_peer_slow_down(struct grpc_peer *peer, unsigned tries);

/* All that wait in its line are told so. */
void grpc_peer_fail(struct grpc_peer *peer, const struct error *error);

/* To a stream that is in a line or on a connection: its `done` comes, with its reply as it is. */
void grpc_stream_finish(struct grpc_stream *stream);

/* ---- grpc_connection.c ---- */

/* Begins to connect; whatever comes of it, calls in the line are told in a later turn. */
bool grpc_connection_open(struct grpc_peer *peer, struct error *error);

/* Its streams that the server cannot have seen go anew, the others are told why; then it is gone. */
void grpc_connection_end(struct grpc_connection *connection, const struct error *error);
bool grpc_connection_has_room(const struct grpc_connection *connection);

void grpc_connection_leave(struct grpc_connection *connection); /* no new streams; those open may end */
void grpc_connection_opened_stream(struct grpc_connection *connection);
void grpc_connection_closed_stream(struct grpc_connection *connection);

/* Sends what there is, and closes it when it is over: then it is gone. */
void grpc_connection_speak(struct grpc_connection *connection);

/* ---- grpc_stream.c ---- */

void grpc_stream_set_up_callbacks(nghttp2_session_callbacks *callbacks);

/* From the line onto a connection. False: it has no room after all. */
bool grpc_stream_submit(struct grpc_stream *stream, struct grpc_connection *connection);

/* Of an open stream: the server is told, and nothing is heard of it any more. */
void grpc_stream_reset(struct grpc_stream *stream);

/* The connection that it was on is gone. */
void grpc_stream_was_lost(struct grpc_stream *stream, const struct error *error);

#endif
