/* resolve.h: Resolver of a host's addresses, which does not block.
 *
 * Numeric addresses need no look-up. A name is looked up by a task of its own (net/loop_task.h), because the system's resolver may
 * block for any time and cannot be interrupted.
 *
 * A look-up belongs to its loop's thread.
 */
#pragma once

#include <netdb.h>

#include "net/loop.h"

struct resolve;

/* Addresses of a numeric `host`; NULL: it is not numeric. To be freed with freeaddrinfo(). */
struct addrinfo *resolve_numeric(const char *host, const char *port);

/* Starts a look-up. `found` is called once, in a later turn. It takes the addresses, or gets NULL and the
 * resolver's reason. NULL: `error` is set, and `found` does not come. */
struct resolve *resolve_start(struct loop *loop, const char *host, const char *port,
			      void (*found)(void *context, struct addrinfo *addresses, const char *words), void *context,
			      struct error *error);

/* Cancels a look-up: `found` does not come any more. NULL is fine. */
void resolve_forget(struct resolve *resolve);
