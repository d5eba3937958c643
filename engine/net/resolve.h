/* resolve.h: a host's addresses, without waiting for the system's resolver.
 *
 * Numeric addresses need no look-up; a name is looked up by a thread that lives for
 * that alone, for the resolver waits as it pleases and cannot be told to stop.
 *
 * A look-up belongs to its loop's thread.
 */
#ifndef SLUICE_NET_RESOLVE_H
#define SLUICE_NET_RESOLVE_H

#include <netdb.h>

#include "net/loop.h"

struct resolve;

/* `host` is numeric, or the result is NULL. To be given back with freeaddrinfo(). */
struct addrinfo *resolve_numeric(const char *host, const char *port);

/* `found` is entered once, in a later turn, with the addresses, which it takes, or with NULL
 * and the resolver's words. NULL: `error` is filled in, and `found` does not come. */
struct resolve *resolve_start(struct loop *loop, const char *host, const char *port,
			      void (*found)(void *context, struct addrinfo *addresses, const char *words), void *context,
			      struct error *error);

/* `found` does not come any more. NULL is fine. */
void resolve_forget(struct resolve *resolve);

#endif
