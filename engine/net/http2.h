/* http2.h: one connection of HTTP/2: nghttp2's session on a link, driven by a loop.
 *
 * Bytes that come are handed to the session whole, what the session has to say is
 * gathered and sent at once, and the rest of a short write is kept until the socket
 * takes it: so a slow reader costs one buffer, and what is behind it stays in the
 * session, under the reader's own windows. Client and server are told apart only by
 * the callbacks of the session.
 *
 * A connection belongs to its loop's thread, and is a part of its owner's struct.
 */
#ifndef SLUICE_NET_HTTP2_H
#define SLUICE_NET_HTTP2_H

#include <nghttp2/nghttp2.h>

#include "base/text.h"
#include "net/link.h"
#include "net/loop.h"
#include "net/pieces.h"

struct http2 {
	/* The owner's: */
	struct loop *loop;
	struct link link;
	nghttp2_session *session; /* once the link is established */
	/* Its own: */
	struct watch watch;
	uint32_t events; /* that are watched for; 0: none */
	struct buffer out;
	size_t sent;	      /* of `out` */
	bool heard;	      /* any byte */
	struct pieces pieces; /* of the session */
};

#define HTTP2_STREAM_WINDOW (8 << 20)	   /* a stream's and a connection's: what comes is taken at once, so they */
#define HTTP2_CONNECTION_WINDOW (64 << 20) /* are wide; what a message may hold is its receiver's limit */

/* `ready` is entered for the link's socket. */
void http2_open(struct http2 *http2, struct loop *loop, void (*ready)(void *context, uint32_t events), void *context);
void http2_close(struct http2 *http2); /* session, link and buffer; half open or closed is fine */

/* As behind http2_open(), but for the link, which is kept and not watched any more: for another begin. */
void http2_forget(struct http2 *http2);

bool http2_watch(struct http2 *http2, uint32_t events, struct error *error);

enum http2_side { HTTP2_CLIENT, HTTP2_SERVER };

/* The session, its settings (`streams`: as many as the other side may open) and windows. */
bool http2_begin(struct http2 *http2, enum http2_side side, const nghttp2_session_callbacks *callbacks, void *context,
		 uint32_t streams, struct error *error);

/* Reads what has come into `room` and hands it to the session, whose callbacks are entered.
 * False: the connection is over; the error is empty when the other side ended it in good order. */
bool http2_hear(struct http2 *http2, char *room, size_t size, struct error *error);

/* Sends what the session has to say. False: the connection is over. */
bool http2_speak(struct http2 *http2, struct error *error);

static inline bool http2_is_stuck(const struct http2 *http2) /* the other side does not read */
{
	return http2->sent < http2->out.length;
}

/* A constant pair of a header, not copied, and one that is copied. */
nghttp2_nv http2_constant(struct text name, struct text value);
nghttp2_nv http2_variable(struct text name, struct text value);

#endif
