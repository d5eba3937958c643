/* model_server.c: a model that answers with the sum of its first input, so that an
 * answer can be held against its request. Open Inference Protocol over HTTP/1.1, with
 * keep-alive; one thread.
 *
 *   model_server          prints its port, then serves until it is killed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 65536
#define REPLY_BYTES_MAX 1024

struct connection {
	int socket;
	size_t length;
	char bytes[REQUEST_BYTES_MAX + 1]; /* and a NUL, for the number scanner */
};

static int die(const char *what)
{
	perror(what);
	return 1;
}

static size_t content_length(const char *head)
{
	const char *line = strcasestr(head, "\r\ncontent-length:");
	return line ? strtoul(line + 17, NULL, 10) : 0;
}

static double sum_of_data(const char *body)
{
	double sum = 0;
	const char *at = strstr(body, "\"data\":");
	for (at = at ? at + 7 : ""; *at; at++) {
		char *behind;
		if (*at == '[' || *at == ',' || *at == ' ')
			continue;
		double number = strtod(at, &behind);
		if (behind == at)
			break;
		sum += number;
		at = behind - 1;
	}
	return sum;
}

/* Answers the first request in the buffer. False: it is not whole, or the connection
 * is to be closed (*broken). */
static bool answer_one(struct connection *connection, bool *broken)
{
	connection->bytes[connection->length] = '\0';
	char *blank = strstr(connection->bytes, "\r\n\r\n");
	if (!blank)
		return false;
	blank[2] = '\0'; /* the head's own end */
	size_t head = (size_t)(blank - connection->bytes) + 4, body = content_length(connection->bytes);
	blank[2] = '\r';
	*broken = head + body > REQUEST_BYTES_MAX;
	if (*broken || connection->length < head + body)
		return false;
	char after = connection->bytes[head + body];
	connection->bytes[head + body] = '\0';
	char json[REPLY_BYTES_MAX / 2], reply[REPLY_BYTES_MAX];
	int json_length = snprintf(json, sizeof json,
				   "{\"model_name\":\"sum\",\"outputs\":[{\"name\":\"sum\",\"datatype\":\"FP64\",\"shape\":[1],"
				   "\"data\":[%.17g]}]}",
				   sum_of_data(connection->bytes + head));
	connection->bytes[head + body] = after;
	int length =
		snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			 json_length, json);
	*broken = send(connection->socket, reply, (size_t)length, MSG_NOSIGNAL) != length;
	connection->length -= head + body;
	memmove(connection->bytes, connection->bytes + head + body, connection->length);
	return !*broken;
}

static void serve(struct connection *connection)
{
	ssize_t got = recv(connection->socket, connection->bytes + connection->length, REQUEST_BYTES_MAX - connection->length, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	bool broken = got <= 0;
	if (got > 0)
		connection->length += (size_t)got;
	while (!broken && answer_one(connection, &broken))
		;
	if (!broken)
		return;
	close(connection->socket);
	free(connection);
}

static void welcome(int poll, int listener)
{
	int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
	if (socket < 0)
		return;
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct connection *connection = malloc(sizeof *connection);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	if (!connection || epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event)) {
		free(connection);
		close(socket);
		return;
	}
	connection->socket = socket;
	connection->length = 0;
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t address_length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024) ||
	    getsockname(listener, (struct sockaddr *)&address, &address_length))
		return die("model_server: cannot listen");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	int poll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN}, events[64];
	if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event))
		return die("model_server: cannot wait");
	for (;;) {
		int found = epoll_wait(poll, events, 64, -1);
		for (int i = 0; i < found; i++) {
			if (events[i].data.ptr)
				serve(events[i].data.ptr);
			else
				welcome(poll, listener);
		}
	}
}
