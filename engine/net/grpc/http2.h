/* http2.h: One connection of HTTP/2: a session on a link, driven by a loop.
 *
 * All bytes that arrive are passed to the session, but on a server no more than HTTP2_REQUESTS_AT_ONCE requests: the others wait,
 * and are passed on HTTP2_REQUESTS_A_TURN a turn, so that other connections are served between. The session's output is collected
 * and sent at once; the rest of a short write is kept until the socket accepts it. So a slow reader costs one buffer. Later data
 * stays in the session, limited by the reader's own flow-control windows.
 *
 * The session of a server is nghttp2's: its callers are anybody, and it has to hold against all that they try. A caller that sends
 * too many frames without progress of a request (net/grpc/frame_budget.h) is ended by GOAWAY with ENHANCE_YOUR_CALM. The
 * session of the gRPC client is net/grpc/grpc_session.c, at a third of the instructions: its servers were chosen.
 *
 * A connection belongs to its loop's thread, and is a part of its owner's struct.
 */
#pragma once

#include <nghttp2/nghttp2.h>

#include "net/grpc/frame_budget.h"
#include "net/link.h"
#include "net/loop.h"
#include "net/http/memory_pool.h"

struct http2 {
	/* The owner's: */
	struct loop *loop;
	struct link link;
	nghttp2_session *session; /* of a server, once the link is established; else NULL */
	/* The session's: it reads received bytes, and appends to `out` up to HTTP2_OUT_BYTES. False: it is over. */
	bool (*take)(void *context, const char *bytes, size_t count, struct error *error);
	bool (*gather)(void *context, struct error *error);
	void *context;
	/* Its own: */
	struct watch watch;
	uint32_t events; /* events that are watched; 0: none */
	struct buffer out;
	size_t sent;	      /* bytes of `out` that are sent */
	bool heard;	      /* any byte has been received */
	bool is_half_closed;  /* set by the owner: the peer sends nothing more, and is not read */
	int64_t moved_ms;     /* time when the socket last accepted bytes */
	const char *flooded;  /* the reason of GOAWAY, which waits to be sent: the caller sends too much; NULL: none */
	size_t head_bytes;    /* of the head that is decoded */
	struct frame_budget frames; /* of a server's session */
	size_t may_begin;	    /* requests, until it pauses */
	int pause;		    /* for its callback of a header: NGHTTP2_ERR_PAUSE once enough have begun for a turn; else 0 */
	struct buffer rest;	    /* bytes that it has not taken: those after them stay in the socket */
	size_t rest_at;		    /* bytes of `rest` that are taken already */
	struct memory_pool pool; /* memory of the session */
};

#define HTTP2_OUT_BYTES ((size_t)256 << 10)	  /* collected for one send: more does not make a send cheaper */
#define HTTP2_OUT_BYTES_BEYOND ((size_t)64 << 10) /* in addition, for the frame that exceeds the limit */

#define HTTP2_REQUESTS_AT_ONCE 64 /* as a caller has in flight: they are cheaper together */
#define HTTP2_REQUESTS_A_TURN 8	  /* of ten connections that have no end of them, a turn is a millisecond */

#define HTTP2_STREAM_WINDOW (8 << 20)	   /* windows of a stream and a connection are wide, because */
#define HTTP2_CONNECTION_WINDOW (64 << 20) /* data is read at once; the receiver limits its messages */

/* `ready` is called for the link's socket. */
void http2_open(struct http2 *http2, struct loop *loop, void (*ready)(void *context, uint32_t events), void *context);
void http2_close(struct http2 *http2); /* closes session, link and buffer; fine when half open or closed */

/* Returns to the state after http2_open(), but keeps the link, unwatched, so that the connection can begin again. */
void http2_forget(struct http2 *http2);

bool http2_watch(struct http2 *http2, uint32_t events, struct error *error);

/* Opens the session of a server, which has a link and none yet, with its settings and windows. `streams`: number of streams
 * that the peer may open. `tokens`: of its budget of frames, at the beginning. */
bool http2_begin(struct http2 *http2, const nghttp2_session_callbacks *callbacks, void *context, uint32_t streams,
		 int64_t tokens, struct error *error);

/* nghttp2 allocates a few small pieces for each stream and for each entry of a table: they are kept for the next. */
nghttp2_mem http2_memory(struct memory_pool *pool);

/* Reads received data into `room` and passes it to the session; no effect while earlier data wait. False: the connection
 * is over; `error` is empty if the peer closed it regularly. */
bool http2_receive(struct http2 *http2, char *room, size_t size, struct error *error);

/* Whether received data wait for this turn. */
static inline bool http2_waits(const struct http2 *http2)
{
	return http2->rest.length > 0;
}

/* Passes data that wait to the session, up to what a turn may begin. False: as http2_receive(). */
bool http2_resume(struct http2 *http2, struct error *error);

/* A request has begun, on a server. */
static inline void http2_request_begin(struct http2 *http2)
{
	if (http2->may_begin-- == 0)
		http2->pause = NGHTTP2_ERR_PAUSE;
}

/* Passes bytes to the session that were read elsewhere. False: as http2_receive(). */
bool http2_take(struct http2 *http2, const char *bytes, size_t count, struct error *error);

/* Counts the fields of a received head as they are decoded: what is beyond the limit that the settings tell takes tokens of the
 * budget of frames. False: there are too few, and the connection must be closed. */
void http2_head_begin(struct http2 *http2);
bool http2_head_take(struct http2 *http2, size_t name_bytes, size_t value_bytes);

/* Sends GOAWAY with the reason to a caller that has used up its budget of frames, if the socket accepts it at once. To be called
 * before the connection is closed; no effect on others. */
void http2_excuse(struct http2 *http2);

/* Sends the session's output. False: the connection is over. */
bool http2_flush(struct http2 *http2, struct error *error);

static inline bool http2_is_stuck(const struct http2 *http2) /* the peer does not read */
{
	return http2->sent < http2->out.length;
}

/* A header field that is not copied, and one that is copied. */
nghttp2_nv http2_constant(struct text name, struct text value);
nghttp2_nv http2_variable(struct text name, struct text value);
