/* acceptor.h: Listening socket of a server on a loop, with its limits of connections in total and by peer.
 *
 * New connections wait for the calls of those that are open: they are accepted after the descriptors that are ready, few in each
 * turn of the loop. So callers that connect and leave without end delay others by little.
 *
 * A connection beyond a limit is closed at once and counted. While the process has no descriptor left, the socket
 * is not watched for a moment, so that it does not wake the loop without end.
 *
 * A part of its server's struct; belongs to its loop's thread.
 */
#pragma once

#include "net/loop.h"
#include "net/peers.h"
#include "observe/log_sink.h"

struct acceptor_config {
	const char *host; /* NULL: loopback */
	int port;	  /* 0: any free one */
	size_t connections;
	size_t peer_connections; /* of one peer (net/peers.h); 0: as many as there may be */
	const struct log_sink *log; /* of the first peer that has as many; NULL: none */
	/* Takes the socket, which does not block, and the peer's entry, which acceptor_leave() gives back. */
	void (*accepted)(void *context, int socket, struct peer *peer);
	void *context;
};

/* Connections that were accepted, that were closed at once, or by their server later. */
struct connection_counts {
	uint64_t accepted;
	uint64_t refused;      /* beyond the limit of all, or for want of memory */
	uint64_t peer_refused; /* beyond the limit of their peer */
	uint64_t rejected; /* with a request over HTTP/1.1 that was refused before it was whole, or with one in clear text at a port
			    * with TLS; their server counts them */
	uint64_t flooded; /* beyond the budget of frames of HTTP/2 (frame_budget.h), or of a head; their server counts them */
};

struct acceptor {
	struct loop *loop;
	struct acceptor_config config;
	int port; /* the port that it listens at */
	size_t connections;
	struct connection_counts counts;
	bool is_logged; /* that a peer has as many connections as one may have */
	/* Its own: */
	struct watch watch; /* its descriptor is -1 when it does not listen */
	struct loop_timer turn, again;
	struct peers peers;
};

/* Starts to listen. False: it does not listen (CONFIG, SYSTEM); acceptor_shut() is still fine. */
bool acceptor_open(struct acceptor *acceptor, struct loop *loop, const struct acceptor_config *config, struct error *error);

/* Stops accepting connections. Fine when it was never open, and when it is shut. */
void acceptor_shut(struct acceptor *acceptor);

/* Notes the end of a connection that `accepted` got, once. Also after acceptor_shut(). */
void acceptor_leave(struct acceptor *acceptor, struct peer *peer);
