/* clear_text.c: see clear_text.h. */
#include "net/clear_text.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/http2_frame.h"

#define READS_MAX 64 /* of a request: 64 KiB */
#define WORDS "this port accepts TLS alone; "
#define BODY "{\"error\":\"" WORDS "ask it by https\",\"kind\":\"INPUT\",\"place\":\"the connection\"}"
#define SESSION_WORDS WORDS "connect to it by TLS"
#define SESSION_BYTES (2 * (HTTP2_HEAD_BYTES + HTTP2_NUMBER_BYTES) + sizeof SESSION_WORDS - 1)

bool clear_text_begins(const char first[CLEAR_TEXT_BYTES])
{
	size_t length = 0;
	while (length < CLEAR_TEXT_BYTES &&
	       ((first[length] >= 'A' && first[length] <= 'Z') || (length > 0 && first[length] == '-')))
		length++;
	return length > 0 && (length == CLEAR_TEXT_BYTES || first[length] == ' ');
}

static void session_refuse(int socket)
{
	/* The settings are empty, and the last stream of GOAWAY is 0. */
	const size_t goaway_bytes = SESSION_BYTES - 2 * HTTP2_HEAD_BYTES;
	unsigned char bytes[SESSION_BYTES] = {0}, *at = bytes + HTTP2_HEAD_BYTES;
	http2_frame_head_write(bytes, (struct http2_frame_head){.type = NGHTTP2_SETTINGS});
	http2_frame_head_write(at, (struct http2_frame_head){.length = goaway_bytes, .type = NGHTTP2_GOAWAY});
	http2_number_write(at + HTTP2_HEAD_BYTES + HTTP2_NUMBER_BYTES, NGHTTP2_INADEQUATE_SECURITY);
	memcpy(at + HTTP2_HEAD_BYTES + 2 * HTTP2_NUMBER_BYTES, SESSION_WORDS, sizeof SESSION_WORDS - 1);
	(void)send(socket, bytes, sizeof bytes, MSG_NOSIGNAL);
}

static void request_refuse(int socket)
{
	char bytes[512];
	const int length = snprintf(bytes, sizeof bytes,
				    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
				    "Content-Length: %zu\r\n\r\n%s",
				    sizeof BODY - 1, BODY);
	(void)send(socket, bytes, (size_t)length, MSG_NOSIGNAL);
}

/* The rest of the request is read, as far as it has come: a socket that is closed with unread bytes sends a reset, which can
 * overtake the refusal. */
void clear_text_refuse(int socket, const char first[CLEAR_TEXT_BYTES])
{
	char bytes[1024];
	if (memcmp(first, NGHTTP2_CLIENT_MAGIC, CLEAR_TEXT_BYTES) == 0)
		session_refuse(socket);
	else
		request_refuse(socket);
	for (size_t reads = 0; reads < READS_MAX && recv(socket, bytes, sizeof bytes, 0) > 0; reads++)
		;
	shutdown(socket, SHUT_WR);
}
