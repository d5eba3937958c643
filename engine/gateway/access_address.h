/* access_address.h: Address of a caller behind proxies: from the peer of the connection and X-Forwarded-For. Pure.
 *
 * Anybody can write X-Forwarded-For. So it counts only where the peer is a listed proxy, and is read from its end, where that proxy
 * wrote whom it had seen: the last address that is no listed proxy itself is the caller. What stands before it may be invented.
 */
#ifndef SLUICE_GATEWAY_ACCESS_ADDRESS_H
#define SLUICE_GATEWAY_ACCESS_ADDRESS_H

#include "base/text.h"
#include "net/peers.h"

#define ACCESS_HOPS_MAX 32 /* of proxies that are believed; nobody has so many */

struct access_network {
	unsigned char bytes[16]; /* of IPv4: mapped into IPv6 */
	unsigned bits;		 /* that count, of 128 */
};

/* An address, or ADDRESS/BITS as networks are written. False: it is neither, or has bits beyond those that count. */
bool access_network_read(struct text text, struct access_network *network);

/* `forwarded` is the value of the header; bytes NULL: there was none. */
struct peer_address access_address_find(const struct sockaddr_storage *peer, struct text forwarded,
					const struct access_network *proxies, size_t count);

#endif
