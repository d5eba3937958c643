/* clear_text.c: see clear_text.h. */
#include "net/clear_text.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define READS_MAX 64 /* of a request: 64 KiB */
#define BODY "{\"error\":\"this port accepts TLS alone; ask it by https\",\"kind\":\"INPUT\",\"place\":\"the connection\"}"

bool clear_text_begins(const char first[CLEAR_TEXT_BYTES])
{
	size_t length = 0;
	while (length < CLEAR_TEXT_BYTES &&
	       ((first[length] >= 'A' && first[length] <= 'Z') || (length > 0 && first[length] == '-')))
		length++;
	return length > 0 && (length == CLEAR_TEXT_BYTES || first[length] == ' ') && memcmp(first, "PROXY", CLEAR_TEXT_BYTES) != 0;
}

/* A client of HTTP/2 gets the same: those of gRPC then fail at once, and say that an HTTP/1 server answered 400. After SETTINGS and
 * GOAWAY they would connect again until the deadline of their call.
 *
 * The rest of the request is read, as far as it has come: a socket that is closed with unread bytes sends a reset, which can
 * overtake the refusal. */
void clear_text_refuse(int socket)
{
	char bytes[1024];
	const int length = snprintf(bytes, sizeof bytes,
				    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
				    "Content-Length: %zu\r\n\r\n%s",
				    sizeof BODY - 1, BODY);
	(void)send(socket, bytes, (size_t)length, MSG_NOSIGNAL);
	for (size_t reads = 0; reads < READS_MAX && recv(socket, bytes, sizeof bytes, 0) > 0; reads++)
		;
	shutdown(socket, SHUT_WR);
}
