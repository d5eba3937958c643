/* access_address.h: Address of a caller behind proxies, from the peer of the connection and X-Forwarded-For.
 * Pure.
 *
 * Anybody can write X-Forwarded-For. So it counts only if the peer is a listed proxy. It is read from its end,
 * where that proxy added its own peer. The last address that is not a listed proxy is the caller. Addresses
 * before it may be forged. An address may have its port behind it, as some proxies write it.
 */
#ifndef SLUICE_GATEWAY_ACCESS_ACCESS_ADDRESS_H
#define SLUICE_GATEWAY_ACCESS_ACCESS_ADDRESS_H

#include "base/text.h"
#include "base/network.h"
#include "net/peers.h"

#define ACCESS_HOPS_MAX 32 /* trusted proxies; no deployment has so many */

/* `forwarded` is the value of the header; bytes NULL: there was none. */
struct peer_address access_address_find(const struct sockaddr_storage *peer, struct text forwarded,
					const struct network *proxies, size_t count);

#endif
