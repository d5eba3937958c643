/* host_names.c: see host_names.h. */
#include "net/host_names.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "net/listen.h"

#define LOCALHOST "localhost"
#define ADDRESS_BYTES_MAX 64

struct host_names host_names_of(const char *host, struct name_list listed)
{
	const bool any = listed.count == 0 ? !listen_is_local(host) : name_list_has(listed, HOST_NAMES_ANY);
	struct host_names names = {.any = any, .listens = text_of(host), .listed = listed};
	if (gethostname(names.own, sizeof names.own) != 0)
		names.own[0] = '\0';
	names.own[HOST_NAME_MAX] = '\0';
	return names;
}

/* Without a port, and without the dot that ends an absolute name. */
static struct text host_name(struct text host)
{
	const char *bracket = host.bytes[0] == '[' ? memchr(host.bytes, ']', host.length) : NULL;
	const size_t taken = bracket ? (size_t)(bracket - host.bytes) + 1 : 0;
	const char *colon = memchr(host.bytes + taken, ':', host.length - taken);
	if (colon)
		host.length = (size_t)(colon - host.bytes);
	if (host.length > 1 && host.bytes[host.length - 1] == '.')
		host.length--;
	return host;
}

/* Also 127.1 and 0x7f000001, which no name of DNS can be. */
static bool is_address(struct text name)
{
	char text[ADDRESS_BYTES_MAX];
	struct in_addr four;
	struct in6_addr six;
	const bool is_bracketed = name.length > 2 && name.bytes[0] == '[';
	if (is_bracketed)
		name = (struct text){name.bytes + 1, name.length - 2};
	if (name.length == 0 || name.length >= sizeof text)
		return false;
	memcpy(text, name.bytes, name.length);
	text[name.length] = '\0';
	return is_bracketed ? inet_pton(AF_INET6, text, &six) == 1 : inet_aton(text, &four) == 1;
}

/* Browsers look no name below localhost up (RFC 6761, 6.3). */
static bool is_below_localhost(struct text name)
{
	const size_t length = sizeof "." LOCALHOST - 1;
	return name.length > length &&
	       text_equal_caseless((struct text){name.bytes + name.length - length, length}, TEXT("." LOCALHOST));
}

bool host_names_allow(const struct host_names *names, struct text host)
{
	if (names->any || host.length == 0)
		return true;
	const struct text name = host_name(host);
	if (name.length == 0)
		return false;
	if (text_equal_caseless(name, TEXT(LOCALHOST)) || is_address(name) || is_below_localhost(name) ||
	    text_equal_caseless(name, text_of(names->own)) || text_equal_caseless(name, names->listens))
		return true;
	for (size_t i = 0; i < names->listed.count; i++)
		if (text_equal_caseless(name, text_of(names->listed.items[i].text)))
			return true;
	return false;
}
