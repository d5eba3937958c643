/* grpc_client.h: Shared parts of the gRPC client. Private to its files:
 *
 *   grpc.c             start, cancellation and result of calls; addresses and their lines (queues of calls)
 *   grpc_connection.c  one connection: made, supervised, lost
 *   grpc_session.c     HTTP/2 on a connection: frames, settings, windows, streams by their ids
 *   grpc_stream.c      one call on a connection: its request and its answer
 *
 * A call waits in its address's line, is then open on a connection as a stream, and is at last finished, when it
 * waits for its `done`. The client's one timer calls `done`. It is due at once: after all events of one turn, and
 * before new data is sent. So `done` is never called while frames are read, and may start and cancel any call.
 */
#pragma once

#include "base/number/random.h"
#include "net/dial.h"
#include "net/grpc/grpc.h"
#include "net/grpc/grpc_answer_head.h"
#include "net/grpc/grpc_wire.h"
#include "net/grpc/hpack_encoder.h"
#include "net/grpc/http2.h"
#include "net/grpc/http2_reader.h"

#define GRPC_HEAD_BYTES_MAX ((size_t)15 << 10) /* path, address and metadata of a call: its headers are one frame */
#define GRPC_ANEW_MAX 6			       /* number of times that a call is resent by itself; then its caller decides */

/* What the server may send, of a stream or of all: bytes that are left, and bytes since it was last widened. */
struct grpc_window {
	int64_t left, used;
};

struct grpc_stream {
	struct grpc *grpc;
	struct grpc_call *call; /* NULL: cancelled */
	struct grpc_peer *peer;
	struct grpc_connection *connection; /* while the stream is open */
	struct list_node node;		    /* of a line, of a connection's streams, of the finished calls, or of the pool */
	uint64_t number;		    /* calls are sent in this order */
	int32_t id;
	unsigned anew;
	struct loop_timer deadline;
	/* The request: */
	size_t length;	     /* of the message */
	size_t written;	     /* of the prefix and the message: bytes in frames */
	size_t part, offset; /* the same, as a position in the message's parts */
	bool whole_sent;
	int64_t send_window;	    /* below 0 after the server made it smaller */
	struct list_node send_node; /* of the connection's `sending` */
	/* The answer: */
	struct grpc_intake intake;
	bool begun;		/* its headers have come */
	int64_t content_length; /* as they say; -1: they do not */
	int64_t received;	/* bytes of DATA without padding */
	struct grpc_window window;
	int http_status;
	bool is_grpc; /* as its content type shows */
	bool reset;   /* by the server */
	struct buffer body;
	struct buffer words;
	struct grpc_reply reply;
};

struct grpc_connection {
	struct http2 http2;
	struct grpc_peer *peer;
	struct list_node node; /* of the peer's connections */
	struct dial dial;      /* until the link is established */
	/* The session: */
	struct http2_reader reader;
	struct grpc_head_reader heads;
	struct hpack_encoder encoder;
	struct grpc_stream **by_id; /* open streams in a table with linear probing; a power of two places */
	size_t by_id_mask;
	struct list sending;			/* streams with bytes to send and a window for them */
	int32_t next_id;			/* of the next stream */
	uint32_t streams_allowed;		/* by the server, at one time */
	int64_t send_window, first_send_window; /* of the connection, and of a new stream */
	struct grpc_window window;
	/* Calls: */
	struct list streams;
	size_t open;   /* how many there are */
	bool standing; /* the server has sent its SETTINGS */
	bool leaving;  /* no new streams: the server sent GOAWAY, or the stream numbers are used up */
	bool dirty;    /* the session may have data to send */
	bool served;   /* an answer has started to arrive */
	struct loop_timer tend;
	int64_t old_from_ms;   /* when it becomes too old */
	int64_t greeted_by_ms; /* its SETTINGS must come by then, or another address is tried */
	int64_t used_ms;       /* end of its last stream */
	int64_t quiet_ms;      /* since when no expected data has come */
	bool owes;	       /* a call was sent, and nothing has come since; the call may have ended meanwhile */
	int64_t pinged_ms;     /* 0: no ping is unanswered */
	unsigned pings;	       /* pings since data came on a stream */
	struct error error;    /* reason why the session ends itself; else none */
};

/* An address, with its connections and calls. */
struct grpc_peer {
	struct grpc *grpc;
	struct grpc_peer *next;
	struct list connections;
	size_t connection_count; /* without connections that are `leaving` */
	struct list line;
	size_t line_length;
	int64_t line_until_ms;	 /* the line is paused until then, after a stream was refused */
	struct loop_timer again; /* end of that pause */
	int64_t pause_until_ms;	 /* no further connection is tried before that, while others are established */
	bool tls;
	struct dial_host dial_host; /* its strings are parts of `address` */
	char address[];		    /* host:port as it was given, and again in its parts */
};

struct grpc {
	struct loop *loop;
	struct grpc_limits limits;
	struct ssl_ctx_st *tls; /* opened with the first call that needs it, or with `files` */
	struct grpc_peer *peers;
	struct list finished, pool;
	struct random ages;    /* of connections */
	struct loop_timer now; /* calls `done`, sends calls of lines, flushes sessions */
	bool awake;	       /* it is due at once */
	uint64_t calls;
	char room[64 << 10]; /* into which all connections read */
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
void grpc_stream_leave(struct grpc_stream *stream); /* removes it from its list */
void grpc_line_add(struct grpc_stream *stream);	    /* inserts it by its number */

/* Pauses a line. A server that refuses a stream has fewer free streams than it announced. So its line pauses
 * briefly, and longer with every try. */
void grpc_peer_slow_down(struct grpc_peer *peer, unsigned tries);

/* Fails all calls in its line. */
void grpc_peer_fail(struct grpc_peer *peer, const struct error *error);

/* Finishes a stream that is in a line or on a connection: its `done` comes, with its present reply. */
void grpc_stream_finish(struct grpc_stream *stream);

/* ---- grpc_connection.c ---- */

/* Starts to connect. If it fails, calls in the line get the error in a later turn. */
bool grpc_connection_open(struct grpc_peer *peer, struct error *error);

/* Ends a connection and frees it. Its streams that the server cannot have seen are sent again; the others get the
 * error. */
void grpc_connection_end(struct grpc_connection *connection, const struct error *error);
bool grpc_connection_has_room(const struct grpc_connection *connection);

/* Replaces connections that are too old, one at a time: opens a successor, or has an old one take no more calls while a younger one
 * has room for them. To be called before a call is sent. */
void grpc_connections_renew(struct grpc_peer *peer);

void grpc_connection_leave(struct grpc_connection *connection); /* no new streams; open ones may end */
void grpc_connection_opened_stream(struct grpc_connection *connection);
void grpc_connection_closed_stream(struct grpc_connection *connection);

/* Sends pending data, and closes the connection when it is over; then it is freed. */
void grpc_connection_flush(struct grpc_connection *connection);

/* ---- grpc_session.c ---- */

/* Begins the session on an established link: preface, settings and windows are to be sent. */
bool grpc_session_begin(struct grpc_connection *connection, struct error *error);
void grpc_session_end(struct grpc_connection *connection);	      /* gives its memory back; fine if it was never begun */
bool grpc_session_has_room(const struct grpc_connection *connection); /* for a new stream */
bool grpc_session_has_ids(const struct grpc_connection *connection);  /* false: it must be replaced */

/* Begins a frame of headers in the session's output, to which the caller then appends the fields by the encoder, and
 * ends it: the stream gets its id, and its message is sent. */
size_t grpc_session_headers_begin(struct grpc_connection *connection);
void grpc_session_headers_end(struct grpc_connection *connection, struct grpc_stream *stream, size_t begin);

/* Takes a stream off its connection, which ignores later frames of it. */
void grpc_session_drop(struct grpc_stream *stream);
void grpc_session_reset(struct grpc_stream *stream, uint32_t code); /* tells the server so first */

void grpc_session_ping(struct grpc_connection *connection);
void grpc_session_goodbye(struct grpc_connection *connection, uint32_t code, const char *words); /* GOAWAY */

/* ---- grpc_stream.c ---- */

/* Moves a stream from the line onto a connection. False: the connection has no free stream after all. */
bool grpc_stream_submit(struct grpc_stream *stream, struct grpc_connection *connection);

/* Copies the next bytes of prefix and message, as many as there are or `size`, and returns their number. */
size_t grpc_stream_write(struct grpc_stream *stream, unsigned char *bytes, size_t size);

/* An answer's parts, as they come. The stream may be finished by them, and then is on no connection. */
void grpc_stream_take_head(struct grpc_stream *stream, const struct grpc_answer_head *head, struct text words, bool last);
void grpc_stream_take_data(struct grpc_stream *stream, const unsigned char *bytes, size_t count);

/* The stream's end, when it is off its connection: by the end of its answer, or by an error code of HTTP/2. */
void grpc_stream_answered(struct grpc_stream *stream);
void grpc_stream_failed(struct grpc_stream *stream, uint32_t code);

/* Resets an open stream: the server is informed, and later data of the stream is ignored. */
void grpc_stream_reset(struct grpc_stream *stream);

/* Handles a stream whose connection is gone. */
void grpc_stream_was_lost(struct grpc_stream *stream, const struct error *error);
