/* access_address.c: see access_address.h. */
#include "gateway/access_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>


#define MAPPED_BITS 96 /* bits before an IPv4 address */

/* Reads an address without brackets and port. */
static bool address_read(struct text text, struct sockaddr_storage *address)
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

/* All 128 bits; the identity of a peer has only those of its network. */
static void address_bytes(const struct sockaddr_storage *address, unsigned char bytes[16])
{
	if (address->ss_family == AF_INET6)
		memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
	else
		memcpy(bytes, peer_address_of(address).bytes, 16);
}

static bool bits_are_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0);
}

bool access_network_read(struct text text, struct access_network *network)
{
	static const unsigned char zeroes[16];
	struct sockaddr_storage address;
	const char *slash = memchr(text.bytes, '/', text.length);
	struct text host = {text.bytes, slash ? (size_t)(slash - text.bytes) : text.length};
	if (!address_read(host, &address))
		return false;
	unsigned first = address.ss_family == AF_INET ? MAPPED_BITS : 0, bits = 128 - first;
	address_bytes(&address, network->bytes);
	if (slash) {
		size_t digits = text.length - host.length - 1;
		unsigned said = 0;
		for (size_t i = 0; i < digits; i++) {
			if (slash[1 + i] < '0' || slash[1 + i] > '9')
				return false;
			said = said * 10 + (unsigned)(slash[1 + i] - '0');
			if (said > bits)
				return false;
		}
		if (digits == 0)
			return false;
		bits = said;
	}
	network->bits = first + bits;
	unsigned char kept[16];
	memcpy(kept, network->bytes, sizeof kept);
	for (unsigned bit = 0; bit < network->bits; bit++)
		kept[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	return memcmp(kept, zeroes, sizeof kept) == 0;
}

static bool is_proxy(const struct sockaddr_storage *address, const struct access_network *proxies, size_t count)
{
	unsigned char bytes[16];
	address_bytes(address, bytes);
	for (size_t i = 0; i < count; i++)
		if (bits_are_equal(bytes, proxies[i].bytes, proxies[i].bits))
			return true;
	return false;
}

/* Removes the last item of a comma-separated list, and returns it without spaces around it. */
static struct text last_item(struct text *list)
{
	const char *comma = memrchr(list->bytes, ',', list->length);
	size_t begin = comma ? (size_t)(comma - list->bytes) + 1 : 0;
	struct text item = {list->bytes + begin, list->length - begin};
	list->length = comma ? begin - 1 : 0;
	while (item.length > 0 && (item.bytes[0] == ' ' || item.bytes[0] == '\t'))
		item = (struct text){item.bytes + 1, item.length - 1};
	while (item.length > 0 && (item.bytes[item.length - 1] == ' ' || item.bytes[item.length - 1] == '\t'))
		item.length--;
	return item;
}

struct peer_address access_address_find(const struct sockaddr_storage *peer, struct text forwarded,
					const struct access_network *proxies, size_t count)
{
	struct sockaddr_storage address = *peer, next;
	for (size_t hop = 0; hop < ACCESS_HOPS_MAX && forwarded.length > 0 && is_proxy(&address, proxies, count); hop++) {
		if (!address_read(last_item(&forwarded), &next))
			break;
		address = next;
	}
	return peer_address_of(&address);
}
