/* network.h: Networks of IP addresses: reading, comparing, and which addresses are public. Pure.
 *
 * Callable from any thread.
 */
#pragma once

#include <sys/socket.h>

#include "base/text.h"

#define PORT_MOST 65535 /* of TCP */

struct network {
	unsigned char bytes[16]; /* IPv4 is mapped into IPv6 */
	unsigned bits;		 /* significant bits, of 128 */
};

/* Reads an address without brackets and port. */
bool network_address_read(struct text text, struct sockaddr_storage *address);

/* Reads an address, or a network as ADDRESS/BITS. False: it is neither, or has bits set after the significant ones. */
bool network_read(struct text text, struct network *network);

/* Whether the address is in one of the networks. */
bool networks_have(const struct network *networks, size_t count, const struct sockaddr_storage *address);

/* Whether the address is reachable from anywhere: not loopback, private, link-local, multicast or reserved (IANA's registries
 * of special-purpose addresses), nor an IPv4 address in a translated form, which could be one of those. */
bool network_is_public(const struct sockaddr_storage *address);

/* Whether it is this machine's own; of IPv4 or IPv6. */
bool network_is_loopback(const struct sockaddr *address);
