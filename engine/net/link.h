/* link.h: the bytes of one connection, plain or through TLS, without waiting.
 *
 * A link is a part of its owner's struct. It starts as LINK_NONE, is given a socket by
 * link_dial() or link_adopt(), and is ready for bytes once link_establish() says so.
 * The owner watches `socket` for what link_events() names.
 *
 * A link belongs to one thread.
 */
#ifndef SLUICE_NET_LINK_H
#define SLUICE_NET_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

struct ssl_st;
struct ssl_ctx_st;

struct link {
	int socket;	    /* -1: none */
	struct ssl_st *tls; /* NULL: plain */
	bool established;
	bool wants_to_write; /* to be established */
	bool any_protocol;   /* through TLS: else HTTP/2 alone is spoken; set behind link_secure() */
};

#define LINK_NONE ((struct link){.socket = -1})

enum link_outcome { LINK_DONE, LINK_LATER, LINK_BROKEN }; /* BROKEN: `error` says why, as REMOTE, without saying who */

/* Begins to connect; false: `error` is filled in, and the link is none again. */
bool link_dial(struct link *link, const struct sockaddr *address, socklen_t length, struct error *error);

/* A connection that was accepted, non-blocking; takes the socket. */
void link_adopt(struct link *link, int socket);

/* From now on through TLS, before link_establish(). A link that was dialled accepts only a server
 * that can prove to be `host`, a name or a numeric address; `host` is NULL at a server. */
bool link_secure(struct link *link, struct ssl_ctx_st *tls, const char *host, struct error *error);

/* Whenever the socket is ready: LINK_DONE once connection and handshake stand. */
enum link_outcome link_establish(struct link *link, struct error *error);
uint32_t link_events(const struct link *link); /* while it is being established */

/* `count`: of bytes read or written, at least 1 when it is done. LINK_BROKEN with an empty
 * error: the other side has ended the connection in good order. */
enum link_outcome link_read(struct link *link, char *bytes, size_t size, size_t *count, struct error *error);
enum link_outcome link_write(struct link *link, const char *bytes, size_t size, size_t *count, struct error *error);

/* Says to the other side that nothing more is sent; what it still sends can be read. */
void link_finish(struct link *link);

void link_close(struct link *link); /* the socket is not to be watched any more; none is fine */

#endif
