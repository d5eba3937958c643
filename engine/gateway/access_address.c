/* access_address.c: see access_address.h. */
#include "gateway/access_address.h"

/* Removes the last item of a comma-separated list, and returns it without spaces around it. */
static struct text last_item(struct text *list)
{
	const char *comma = memrchr(list->bytes, ',', list->length);
	size_t begin = comma ? (size_t)(comma - list->bytes) + 1 : 0;
	struct text item = {list->bytes + begin, list->length - begin};
	list->length = comma ? begin - 1 : 0;
	while (item.length > 0 && (item.bytes[0] == ' ' || item.bytes[0] == '\t'))
		item = text_from(item, 1);
	while (item.length > 0 && (item.bytes[item.length - 1] == ' ' || item.bytes[item.length - 1] == '\t'))
		item.length--;
	return item;
}

struct peer_address access_address_find(const struct sockaddr_storage *peer, struct text forwarded,
					const struct network *proxies, size_t count)
{
	struct sockaddr_storage address = *peer, next;
	for (size_t hop = 0; hop < ACCESS_HOPS_MAX && forwarded.length > 0 && networks_have(proxies, count, &address); hop++) {
		if (!network_address_read(last_item(&forwarded), &next))
			break;
		address = next;
	}
	return peer_address_of(&address);
}
