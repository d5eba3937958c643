/* listen.c: see listen.h. */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/network.h"

#define WAITING_MAX 1024 /* connections that are not accepted yet */
#define PORT_BYTES 12

static int listen_refused(const char *host, int port, const char *why, struct error *error)
{
	error_set(error, ERROR_CONFIG, PLACE_NONE, "cannot listen at %s:%d: %s; name another address or port", host, port, why);
	return -1;
}

static int port_of(int socket)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	if (getsockname(socket, (struct sockaddr *)&address, &length) != 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
						   : ((struct sockaddr_in *)&address)->sin_port);
}

static int listen_at(const struct addrinfo *at)
{
	int on = 1;
	int opened = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
	if (opened < 0)
		return -1;
	/* A restarted server can use its port, although connections of the previous process are still closing. */
	if (setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind(opened, at->ai_addr, at->ai_addrlen) == 0 &&
	    listen(opened, WAITING_MAX) == 0)
		return opened;
	int why = errno;
	close(opened);
	errno = why;
	return -1;
}

bool listen_is_local(const char *host)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found;
	bool local = true;
	if (!host)
		return true;
	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return true;
	for (const struct addrinfo *at = found; at; at = at->ai_next)
		local = local && network_is_loopback(at->ai_addr);
	freeaddrinfo(found);
	return local;
}

int listen_open(const char *host, int *port, struct error *error)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found;
	char digits[PORT_BYTES];
	if (!host)
		host = "127.0.0.1";
	snprintf(digits, sizeof digits, "%d", *port);
	int answer = getaddrinfo(host, digits, &hints, &found);
	if (answer != 0)
		return listen_refused(host, *port, gai_strerror(answer), error);
	int opened = -1;
	for (const struct addrinfo *at = found; at && opened < 0; at = at->ai_next)
		opened = listen_at(at);
	int why = errno;
	freeaddrinfo(found);
	if (opened < 0)
		return listen_refused(host, *port, strerror(why), error);
	*port = port_of(opened);
	return opened;
}

bool listen_is_exhausted(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}
