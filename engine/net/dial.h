/* dial.h: Dialer of one host: looks its name up, tries its addresses in turn, and hands over a link that stands.
 *
 * The time to connect is shared by the addresses that are left, so one that drops packets does not keep the others from
 * being tried. Nor does one that takes connections and never speaks, where the owner waits for a greeting
 * (dial_pass_over()). The addresses of a name are believed for a minute, or until none of them answers. After one has
 * failed and another has answered, the next dial begins with the one that answered.
 *
 * A host and its dials belong to the loop's thread, and are parts of their owners' structs. A host outlives its dials.
 */
#ifndef SLUICE_NET_DIAL_H
#define SLUICE_NET_DIAL_H

#include <netdb.h>

#include "base/list.h"
#include "net/link.h"
#include "net/loop.h"

/* A host and port, with the addresses that its name last had. */
struct dial_host {
	/* By the owner, borrowed: */
	struct loop *loop;
	const char *host, *port;
	struct ssl_ctx_st *tls; /* NULL: plain */
	bool any_protocol;	/* of TLS: see struct link */
	/* Its own: */
	struct resolve *resolve; /* one look-up at a time serves all dials */
	struct list waiting;	 /* dials, for it */
	struct addrinfo *addresses;
	size_t address_count;
	int64_t addresses_until_ms; /* they are believed */
	struct sockaddr_storage preferred; /* which answered when another had failed */
	socklen_t preferred_length;	   /* 0: none */
};

struct dial {
	/* By the owner: */
	struct dial_host *host;
	struct link *link;   /* none; its owner may not touch it before `done` */
	int64_t connect_ms;  /* the time that it has */
	int64_t deadline_ms; /* of the loop's clock: when who waits gives up, while there are other addresses to try */
	/* Once, perhaps before dial_start() returns, and the dial may be given back. `error` is NULL: the link is established, and
	 * its socket is not watched. Else the link is none, and `error` says why, as REMOTE or SYSTEM, without saying who. */
	void (*done)(void *context, const struct error *error);
	void *context;
	/* Its own: */
	struct list_node node; /* of those that wait for the look-up */
	struct watch watch;
	bool watched;
	struct loop_timer timer;
	int64_t until_ms;
	int64_t share_until_ms; /* of the address that is tried, or where the link stands: a greeting has to come by then */
	size_t begin; /* the first address that it tries, by its place */
	size_t tried; /* addresses that have failed */
};

void dial_start(struct dial *dial);

/* Behind `done` without an error: the address did not speak as it has to. The socket is not watched. True: the link is
 * closed, the next address is tried, and `done` comes again. False: it was the last; the link is left as it is. */
bool dial_pass_over(struct dial *dial);

void dial_stop(struct dial *dial); /* `done` does not come any more; one that is over or was never started is fine */

void dial_host_forget(struct dial_host *host); /* the addresses: the next dial looks them up again */
void dial_host_close(struct dial_host *host);  /* its dials are stopped before */

#endif
