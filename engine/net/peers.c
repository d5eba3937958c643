/* peers.c: see peers.h. */
#include "net/peers.h"

#include <assert.h>
#include <netinet/in.h>

#include "base/hash.h"
#include "base/memory.h"

#define NETWORK_BYTES 8 /* of an IPv6 address */

struct peer_address peer_address_of(const struct sockaddr_storage *address)
{
	struct peer_address peer = {{0}};
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
	if (address->ss_family != AF_INET6) {
		peer.bytes[10] = peer.bytes[11] = 0xFF;
		memcpy(peer.bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, sizeof(struct in_addr));
	} else {
		memcpy(peer.bytes, v6, IN6_IS_ADDR_V4MAPPED(v6) ? sizeof peer.bytes : NETWORK_BYTES);
	}
	return peer;
}

static struct peer **peers_row(struct peers *peers, const struct peer_address *address)
{
	return &peers->rows[hash_bytes(address->bytes, sizeof address->bytes, 0) % PEERS_ROWS];
}

struct peer *peers_enter(struct peers *peers, const struct peer_address *address)
{
	struct peer **row = peers_row(peers, address), *peer = *row;
	while (peer && memcmp(&peer->address, address, sizeof *address) != 0)
		peer = peer->next;
	if (!peer) {
		peer = memory_take(1, sizeof *peer);
		if (!peer)
			return NULL;
		*peer = (struct peer){.next = *row, .address = *address};
		*row = peer;
	}
	peer->connections++;
	return peer;
}

void peers_leave(struct peers *peers, struct peer *peer)
{
	assert(!peer || peer->connections > 0);
	if (!peer || --peer->connections > 0)
		return;
	struct peer **at = peers_row(peers, &peer->address);
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	memory_give(peer);
}
