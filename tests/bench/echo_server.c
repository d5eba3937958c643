/* echo_server.c: the least that a server of HTTP/1.1 can do: it waits for requests, receives each, and sends the same answer. The
 * yardstick for calls that are answered directly. It reads nothing of a request, which is to arrive in one piece.
 *
 *   echo_server BYTES     of the answer's body; it listens on loopback, says `listening on PORT`, and SIGTERM ends it
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/kafka/program.h"

#define EVENTS_AT_ONCE 64
#define BODY_BYTES_MAX 60000

static char request[1 << 16], answer[1 << 16];

static int succeed(const char *doing, int result)
{
	if (result < 0)
		die("%s: %s", doing, strerror(errno));
	return result;
}

static void watch_input(int events, int socket)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
	(void)succeed("watch a socket", epoll_ctl(events, EPOLL_CTL_ADD, socket, &event));
}

static int listen_on_loopback(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	const int listener = succeed("open a socket", socket(AF_INET, SOCK_STREAM, 0));
	(void)succeed("bind it", bind(listener, (const struct sockaddr *)&address, sizeof address));
	(void)succeed("listen", listen(listener, SOMAXCONN));
	(void)succeed("ask for its port", getsockname(listener, (struct sockaddr *)&address, &length));
	(void)printf("listening on %d\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	return listener;
}

static void greet(int events, int listener)
{
	const int on = 1, caller = succeed("accept a connection", accept(listener, NULL, NULL));
	(void)succeed("set a connection", setsockopt(caller, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
	watch_input(events, caller);
}

static void serve(int caller, size_t bytes)
{
	if (recv(caller, request, sizeof request, 0) <= 0)
		(void)close(caller);
	else
		(void)send(caller, answer, bytes, MSG_NOSIGNAL);
}

int main(int count, char **words)
{
	const long body = count == 2 ? strtol(words[1], NULL, 10) : 0;
	if (body < 1 || body > BODY_BYTES_MAX)
		die("usage: echo_server BYTES (1 to %d)", BODY_BYTES_MAX);
	const int head = snprintf(answer, sizeof answer,
				  "HTTP/1.1 200 OK\r\nDate: Mon, 30 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\n"
				  "Content-Length: %ld\r\n\r\n",
				  body);
	memset(answer + head, '1', (size_t)body);
	const int events = succeed("wait for events", epoll_create1(0)), listener = listen_on_loopback();
	watch_input(events, listener);
	for (;;) {
		struct epoll_event arrived[EVENTS_AT_ONCE];
		const int ready = succeed("wait for requests", epoll_wait(events, arrived, EVENTS_AT_ONCE, -1));
		for (int i = 0; i < ready; i++)
			if (arrived[i].data.fd == listener)
				greet(events, listener);
			else
				serve(arrived[i].data.fd, (size_t)head + (size_t)body);
	}
}
