/* peers.h: Table of the peers of a server by address: the connections of each, and the bytes of its request bodies.
 *
 * An IPv4 address is one peer. So is an IPv6 network of 64 bits, since a single machine usually has all of its
 * addresses. A peer is in the table while it has a connection.
 *
 * A table starts as `{0}`, belongs to one thread, and is empty again once each peer has left.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

struct peer_address {
	unsigned char bytes[16]; /* IPv4 is mapped into IPv6 */
};

struct peer {
	struct peer *next;
	struct peer_address address;
	size_t connections;
	size_t body_bytes; /* bytes charged by a budget (net/http/body_budget.h) */
};

#define PEERS_ROWS 1024 /* so that 10,000 peers are about ten in a row */

struct peers {
	struct peer *rows[PEERS_ROWS];
};

struct peer_address peer_address_of(const struct sockaddr_storage *address);

/* Counts one more connection. The peer lives until peers_leave() was called as often. NULL: no memory. */
struct peer *peers_enter(struct peers *peers, const struct peer_address *address);
void peers_leave(struct peers *peers, struct peer *peer); /* once for each peers_enter(); NULL is fine */
