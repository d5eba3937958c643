/* link.h: Link: one connection, plain or through TLS, which is read and written without blocking.
 *
 * A link is a part of its owner's struct. It starts as LINK_NONE and gets a socket by link_dial() or link_adopt().
 * Bytes can be read and written once link_establish() returns LINK_DONE. The owner watches `socket` for the events
 * that link_events() returns.
 *
 * A link belongs to one thread.
 */
#pragma once

#include <sys/socket.h>

#include "base/error.h"
#include "base/text.h"

/* Refusal of a caller that sends HTTP in clear text to a port with TLS: the answer 400, with the reason. */
#define CLEAR_TEXT_BYTES 5 /* that OpenSSL reads before it knows that they begin no record of TLS */

struct ssl_st;
struct ssl_ctx_st;

struct link {
	int socket;	    /* -1: none */
	struct ssl_st *tls; /* NULL: plain */
	bool established;
	bool wants_to_write; /* while it is being established */
	bool any_protocol;   /* with TLS: false allows only HTTP/2; set after link_secure() */
	bool was_clear;	     /* at a server with TLS: a caller that sent HTTP in clear text, and was refused */
	/* Its own: */
	unsigned char first_count;
	char first[CLEAR_TEXT_BYTES]; /* that came through TLS's socket */
};

#define LINK_NONE ((struct link){.socket = -1})

enum link_outcome { LINK_DONE, LINK_LATER, LINK_BROKEN }; /* BROKEN: `error` has the reason, as REMOTE, without the address */

/* Starts to connect. False: `error` is set, and the link is LINK_NONE again. */
bool link_dial(struct link *link, const struct sockaddr *address, socklen_t length, struct error *error);

/* Takes the non-blocking socket of an accepted connection. */
void link_adopt(struct link *link, int socket);

/* Moves a link, whose socket must not be watched, into another struct; `from` is then LINK_NONE. A link must not be copied: with
 * TLS, its session reads and writes through its address. */
void link_move(struct link *to, struct link *from);

/* Switches an open link to TLS, once, before link_establish(). A dialled link accepts only a server whose certificate is for
 * `host`, a name or a numeric address; at a server `host` is NULL. */
bool link_secure(struct link *link, struct ssl_ctx_st *tls, const char *host, struct error *error);

/* To be called whenever the socket is ready. LINK_DONE: connection and handshake are complete. At a server with TLS, a caller that
 * begins with HTTP in clear text gets a refusal that says so, before LINK_BROKEN; then `was_clear` is set. */
enum link_outcome link_establish(struct link *link, struct error *error);
uint32_t link_events(const struct link *link); /* events to watch while it is being established */

/* `count`: number of bytes read or written, at least 1 with LINK_DONE. LINK_BROKEN with an empty error: the peer
 * has closed the connection regularly. */
enum link_outcome link_read(struct link *link, char *bytes, size_t size, size_t *count, struct error *error);
enum link_outcome link_write(struct link *link, const char *bytes, size_t size, size_t *count, struct error *error);

/* Names in the peer's certificate, if TLS has verified it. In `out`, each with a NUL. One that is too long counts as none. */
struct tls_peer link_peer(const struct link *link, char *out, size_t size);

/* Ends the sending direction; data that the peer still sends can be read. */
void link_finish(struct link *link);

void link_close(struct link *link); /* the socket must not be watched any more; LINK_NONE is fine */
