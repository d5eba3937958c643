/* network.c: see network.h. */
#include "base/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define MAPPED_BITS 96 /* bits before an IPv4 address */

bool network_address_read(struct text text, struct sockaddr_storage *address)
{
	char string[INET6_ADDRSTRLEN];
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	if (text.length >= sizeof string || memchr(text.bytes, '\0', text.length))
		return false;
	memcpy(string, text.bytes, text.length);
	string[text.length] = '\0';
	memset(address, 0, sizeof *address);
	address->ss_family = AF_INET;
	if (inet_pton(AF_INET, string, &v4->sin_addr) == 1)
		return true;
	address->ss_family = AF_INET6;
	return inet_pton(AF_INET6, string, &v6->sin6_addr) == 1;
}

static void address_bytes(const struct sockaddr_storage *address, unsigned char bytes[16])
{
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	if (address->ss_family == AF_INET6) {
		memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
		return;
	}
	memcpy(bytes, mapped, sizeof mapped);
	memcpy(bytes + sizeof mapped, &((const struct sockaddr_in *)address)->sin_addr, 4);
}

static bool bits_are_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0);
}

/* Reads the number of bits, at most `most`. */
static bool bits_read(struct text text, unsigned most, unsigned *bits)
{
	*bits = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
		*bits = *bits * 10 + (unsigned)(text.bytes[i] - '0');
		if (*bits > most)
			return false;
	}
	return text.length > 0;
}

bool network_read(struct text text, struct network *network)
{
	static const unsigned char zeroes[16];
	struct sockaddr_storage address;
	const char *slash = memchr(text.bytes, '/', text.length);
	struct text host = {text.bytes, slash ? (size_t)(slash - text.bytes) : text.length};
	if (!network_address_read(host, &address))
		return false;
	unsigned first = address.ss_family == AF_INET ? MAPPED_BITS : 0, bits = 128 - first;
	address_bytes(&address, network->bytes);
	if (slash && !bits_read((struct text){slash + 1, text.length - host.length - 1}, bits, &bits))
		return false;
	network->bits = first + bits;
	unsigned char kept[16];
	memcpy(kept, network->bytes, sizeof kept);
	for (unsigned bit = 0; bit < network->bits; bit++)
		kept[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	return memcmp(kept, zeroes, sizeof kept) == 0;
}

bool networks_have(const struct network *networks, size_t count, const struct sockaddr_storage *address)
{
	unsigned char bytes[16];
	address_bytes(address, bytes);
	for (size_t i = 0; i < count; i++)
		if (bits_are_equal(bytes, networks[i].bytes, networks[i].bits))
			return true;
	return false;
}

bool network_is_public(const struct sockaddr_storage *address)
{
	static const char *const special[] = {
		"0.0.0.0/8",   "10.0.0.0/8",	 "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
		"::/96",       "64:ff9b::/96",	 "64:ff9b:1::/48", "100::/64",	"2001::/23",	   "2001:db8::/32", "2002::/16",
		"::ffff:0:0:0/96", "3fff::/20", "5f00::/16",
		"fc00::/7",    "fe80::/10",	 "fec0::/10",	  "ff00::/8",
	};
	struct network network;
	if (address->ss_family != AF_INET && address->ss_family != AF_INET6)
		return false;
	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (network_read(text_of(special[i]), &network) && networks_have(&network, 1, address))
			return false;
	return true;
}

bool network_is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6) {
		const struct in6_addr *at = &((const struct sockaddr_in6 *)address)->sin6_addr;
		return IN6_IS_ADDR_LOOPBACK(at) || (IN6_IS_ADDR_V4MAPPED(at) && at->s6_addr[12] == 127);
	}
	return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}
