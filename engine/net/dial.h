/* dial.h: Dialer of one host: looks its name up, tries its addresses in turn, and returns an established link.
 *
 * The time to connect is shared by the addresses that are left, so one that drops packets does not use up the time of
 * the others. The same holds for one that accepts connections but never sends data, if the owner waits for a first
 * message (dial_pass_over()). The addresses of a name are cached for a minute, or until none of them answers. After
 * one has failed and another has answered, the next dial begins with the one that answered.
 *
 * An owner that keeps connections replaces them when they are old, so that it follows a name whose addresses change, and servers
 * that were added behind one address. It need not do so while nobody can look the name up (dial_host_is_fresh()).
 *
 * A host and its dials belong to the loop's thread, and are parts of their owners' structs. A host outlives its
 * dials.
 */
#pragma once

#include <netdb.h>

#include "base/list.h"
#include "net/link.h"
#include "net/loop.h"

/* A host and port, with the cached addresses of its name. */
struct dial_host {
	/* By the owner, borrowed: */
	struct loop *loop;
	const char *host, *port;
	struct ssl_ctx_st *tls; /* NULL: plain */
	bool any_protocol;	/* of TLS: see struct link */
	/* Its own: */
	struct resolve *resolve; /* one look-up at a time serves all dials */
	struct list waiting;	 /* dials that wait for it */
	struct addrinfo *addresses;
	size_t address_count;
	int64_t addresses_until_ms; /* end of the cache */
	int64_t refresh_from_ms;    /* no look-up for dial_host_is_fresh() begins before */
	struct sockaddr_storage preferred; /* the address that answered after another had failed */
	socklen_t preferred_length;	   /* 0: none */
	int64_t preferred_until_ms;	   /* then the first address is tried first again */
};

struct dial {
	/* By the owner: */
	struct dial_host *host;
	struct link *link;   /* LINK_NONE at first; its owner may not touch it before `done` */
	int64_t connect_ms;  /* the time to connect */
	int64_t deadline_ms; /* of the loop's clock: end of the caller's wait; it bounds an address' share while there are others */
	/* Called once, perhaps before dial_start() returns; the dial may be given back in it. `error` NULL: the
	 * link is established, and its socket is not watched. Else the link is LINK_NONE, and `error` has the
	 * reason, as REMOTE or SYSTEM, without the address. */
	void (*done)(void *context, const struct error *error);
	void *context;
	/* Its own: */
	struct list_node node; /* of the dials that wait for the look-up */
	struct watch watch;
	bool watched;
	struct loop_timer timer;
	int64_t until_ms;
	int64_t share_until_ms; /* end of the present address' share; if established: when its first message must come */
	size_t begin; /* index of the first address that it tries */
	size_t tried; /* number of addresses that have failed */
};

/* To be called for a dial that was never started or is over, with its first fields set. */
void dial_start(struct dial *dial);

/* To be called after `done` without an error, when the address did not use the expected protocol. The socket is
 * not watched. True: the link is closed, the next address is tried, and `done` comes again. False: it was the last
 * address; the link is left as it is. */
bool dial_pass_over(struct dial *dial);

void dial_stop(struct dial *dial); /* `done` does not come any more; one that is over or was never started is fine */

/* Whether the addresses are cached, or the host is numeric. If not, begins a look-up, at most once a second. */
bool dial_host_is_fresh(struct dial_host *host);

void dial_host_forget(struct dial_host *host); /* drops the cached addresses: the next dial looks them up again */
void dial_host_close(struct dial_host *host);  /* its dials are stopped before */
