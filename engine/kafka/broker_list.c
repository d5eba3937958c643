/* broker_list.c: see broker_list.h. */
#include "kafka/broker_list.h"

#include <string.h>

#include "base/network.h"
#include "base/number/number.h"
#include "base/text.h"

#define BLANKS " \t\r\n"

static const char *const schemes[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};

static bool scheme_is_known(struct text scheme)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (text_equal_caseless(scheme, text_of(schemes[i])))
			return true;
	return false;
}

/* Removes `SCHEME://`. */
static bool scheme_take(struct text *address)
{
	const char *mark = memmem(address->bytes, address->length, "://", 3);
	if (!mark)
		return true;
	const struct text scheme = {address->bytes, (size_t)(mark - address->bytes)};
	*address = text_from(*address, scheme.length + 3);
	return scheme_is_known(scheme);
}

static bool is_port(struct text text)
{
	uint64_t port;
	return number_read_uint64(text, &port) && port >= 1 && port <= PORT_MOST;
}

/* What is wrong with an address; NULL: nothing. */
static const char *address_fault(struct text address)
{
	if (!scheme_take(&address))
		return "Kafka has the schemes PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL";
	struct text rest = address;
	address = text_take_until(&rest, '/'); /* librdkafka ignores what follows */
	rest = address;
	struct text host;
	if (address.length > 0 && address.bytes[0] == '[') {
		host = text_take_until(&rest, ']');
		if (host.length == address.length)
			return "its bracket is not closed";
		host = text_from(host, 1);
		if (rest.length > 0 && rest.bytes[0] != ':')
			return "a port follows `]` with a colon";
		rest = rest.length > 0 ? text_from(rest, 1) : rest;
	} else {
		host = text_take_until(&rest, ':');
		if (memchr(rest.bytes, ':', rest.length))
			return NULL; /* a bare IPv6 address */
	}
	if (host.length == 0)
		return "it has no host";
	const bool has_port = address.length > 0 && (rest.length > 0 || address.bytes[address.length - 1] == ':');
	return has_port && !is_port(rest) ? "a port is a number from 1 to 65535" : NULL;
}

bool broker_list_check(const char *brokers, struct error *error)
{
	struct text rest = text_of(brokers);
	size_t count = 0;
	while (rest.length > 0) {
		const struct text address = text_trimmed(text_take_until(&rest, ','), BLANKS);
		if (address.length == 0)
			continue;
		count++;
		const char *fault = address_fault(address);
		if (fault)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "`%.*s` is not an address of a Kafka broker: %s; write HOST:PORT, several joined by "
					 "commas",
					 (int)address.length, address.bytes, fault);
	}
	return count > 0 || error_set(error, ERROR_CONFIG, PLACE_NONE,
				      "the address of Kafka is empty; write HOST:PORT, several joined by commas");
}
