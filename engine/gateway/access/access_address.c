/* access_address.c: see access_address.h. */
#include "gateway/access/access_address.h"

#include "base/number/number.h"

/* Removes the last item of a comma-separated list, and returns it without spaces around it. */
static struct text last_item(struct text *list)
{
	const char *comma = memrchr(list->bytes, ',', list->length);
	size_t begin = comma ? (size_t)(comma - list->bytes) + 1 : 0;
	const struct text item = {list->bytes + begin, list->length - begin};
	list->length = comma ? begin - 1 : 0;
	return text_trimmed(item, " \t");
}

/* Reads an address, or one with a port behind it: 192.0.2.1:80, [2001:db8::1]:80. Brackets may be alone. */
static bool hop_read(struct text hop, struct sockaddr_storage *address)
{
	struct text host = hop;
	const char *end = memrchr(hop.bytes, ':', hop.length);
	const bool has_brackets = hop.length > 0 && hop.bytes[0] == '[';
	int64_t port = 1;
	if (end && (has_brackets ? end[-1] == ']' : !memchr(hop.bytes, ':', (size_t)(end - hop.bytes)))) {
		host.length = (size_t)(end - hop.bytes);
		if (!number_read_int64(text_from(hop, host.length + 1), &port))
			return false;
	}
	if (has_brackets && (host.length < 2 || host.bytes[host.length - 1] != ']'))
		return false;
	if (has_brackets)
		host = (struct text){host.bytes + 1, host.length - 2};
	return port > 0 && port <= PORT_MOST && network_address_read(host, address) &&
	       (!has_brackets || address->ss_family == AF_INET6);
}

struct peer_address access_address_find(const struct sockaddr_storage *peer, struct text forwarded,
					const struct network *proxies, size_t count)
{
	struct sockaddr_storage address = *peer, next;
	for (size_t hop = 0; hop < ACCESS_HOPS_MAX && forwarded.length > 0 && networks_have(proxies, count, &address); hop++) {
		if (!hop_read(last_item(&forwarded), &next))
			break;
		address = next;
	}
	return peer_address_of(&address);
}
