/* metrics_asked.c: see metrics_asked.h. */
#include "engine/run/metrics_asked.h"

#include <stdio.h>
#include <string.h>

#include "base/network.h"
#include "base/number/number.h"
#include "net/listen.h"

/* ---- addresses ---- */

static bool port_read(struct text text, int *port)
{
	uint64_t number;
	bool good = text.length > 0 && number_read_uint64(text, &number) && number <= PORT_MOST;
	*port = good ? (int)number : 0;
	return good;
}

bool metrics_address_read(const char *text, struct metrics_address *address, struct error *error)
{
	const char *colon = strrchr(text, ':');
	struct text host = {text, colon ? (size_t)(colon - text) : 0};
	*address = (struct metrics_address){0};
	bool bracketed = host.length > 2 && host.bytes[0] == '[' && host.bytes[host.length - 1] == ']';
	if (bracketed)
		host = (struct text){host.bytes + 1, host.length - 2};
	bool good = port_read(text_of(colon ? colon + 1 : text), &address->port) && (!colon || host.length > 0) &&
		    host.length < sizeof address->host && (bracketed || strcspn(text, "[:") >= host.length);
	if (!good)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "`--metrics %s` is no address: give PORT, which listens on this machine alone, or HOST:PORT",
				 text);
	memcpy(address->host, host.bytes, host.length);
	return true;
}

bool metrics_asked_move(struct metrics_asked *asked, int ports, struct arena *arena, struct error *error)
{
	struct metrics_address address;
	if (!asked->address)
		return true;
	if (!metrics_address_read(asked->address, &address, error))
		return false;
	const char *colon = strrchr(asked->address, ':');
	const int host = colon ? (int)(colon + 1 - asked->address) : 0;
	if (address.port > 0)
		asked->address = arena_print(arena, "%.*s%d", host, asked->address, address.port + ports);
	return asked->address || error_memory(error, ERROR_SYSTEM, "reading --metrics");
}

/* ---- options ---- */

bool metrics_asked_check(const struct metrics_asked *asked, struct error *error)
{
	struct metrics_address address;
	if (!listening_check_tls(&asked->files, "metrics-", "port", error))
		return false;
	if (!asked->address)
		return !asked->files.certificate || error_set(error, ERROR_CONFIG, PLACE_NONE,
							"`--metrics-certificate` is of the port for metrics, and there is none; "
							"add `--metrics`, or remove it");
	return metrics_address_read(asked->address, &address, error);
}

bool metrics_check_protection(const struct metrics_asked *asked, const struct protection *protection, struct error *error)
{
	struct metrics_address address;
	if (!asked->address || asked->files.certificate || !security_part_is_wanted(&protection->encryption))
		return true;
	return metrics_address_read(asked->address, &address, error) &&
	       (address.host[0] == '\0' || listen_is_local(address.host) ||
		error_set(error, ERROR_CONFIG, protection->encryption.here,
			  "connections are to be encrypted, and the port for metrics at %s has no certificate; name one by "
			  "--metrics-certificate, and its key, or leave the host out",
			  asked->address));
}
