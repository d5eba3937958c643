/* web_receiver.c: see web_receiver.h. */
#include "tests/unit/web_receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define AWAIT_MS 20000 /* far more than anything takes */

/* Reads a request with its body. */
static void request_hear(int socket, char *heard)
{
	size_t length = 0, needed = WEB_RECEIVER_BYTES - 1;
	ssize_t got = 1;
	while (got > 0 && length < needed) {
		got = read(socket, heard + length, needed - length);
		length += got > 0 ? (size_t)got : 0;
		heard[length] = '\0';
		const char *end = strstr(heard, "\r\n\r\n"), *says = strstr(heard, "Content-Length: ");
		if (end && says)
			needed = (size_t)(end + 4 - heard) + strtoul(says + 16, NULL, 10);
	}
}

static const char *answer_of(struct web_receiver *receiver)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const bool is_first = receiver->count == 1;
	if (receiver->manner == REFUSES)
		return "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
	if (receiver->manner == IS_BUSY_ONCE && is_first)
		return "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n";
	if (receiver->manner == REDIRECTS_ONCE && is_first)
		return "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
	if (receiver->manner == GARBLES_ONCE && is_first)
		return "SSH-2.0-OpenSSH_9.2\r\n";
	if (receiver->manner == REDIRECTS_AWAY)
		return "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n";
	if (receiver->manner == BREAKS_OFF)
		return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nt";
	if (receiver->manner == LIMITS)
		return "HTTP/1.1 429 Slowly\r\nContent-Length: 0\r\n\r\n";
	if (receiver->manner == TIMES_OUT)
		return "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n";
	if (receiver->manner == GARBLES_LATER)
		return "HTTP/1.1 100 Continue\r\n\r\nSSH-2.0-OpenSSH_9.2\r\n";
	if (receiver->manner == CLOSES)
		return "";
	while (receiver->manner == HANGS_ONCE && is_first && !atomic_load(&receiver->released))
		nanosleep(&pause, NULL);
	return receiver->manner == HANGS_ONCE && is_first ? "" : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
}

static void *receiver_run(void *context)
{
	struct web_receiver *receiver = context;
	for (int socket; (socket = accept(receiver->listener, NULL, NULL)) >= 0; close(socket)) {
		assert_true(receiver->count < WEB_RECEIVER_REQUESTS);
		request_hear(socket, receiver->heard[receiver->count]);
		atomic_fetch_add(&receiver->count, 1);
		const char *answer = answer_of(receiver);
		const ssize_t sent = write(socket, answer, strlen(answer));
		(void)sent;
	}
	return NULL;
}

struct web_receiver *web_receiver_open(enum receiver_manner manner)
{
	struct web_receiver *receiver = memory_take(1, sizeof *receiver);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof address;
	assert_non_null(receiver);
	receiver->manner = manner;
	receiver->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(receiver->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(receiver->listener, WEB_RECEIVER_REQUESTS), 0);
	assert_int_equal(getsockname(receiver->listener, (struct sockaddr *)&address, &length), 0);
	receiver->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&receiver->thread, NULL, receiver_run, receiver), 0);
	return receiver;
}

void web_receiver_close(struct web_receiver *receiver)
{
	atomic_store(&receiver->released, true);
	shutdown(receiver->listener, SHUT_RDWR);
	pthread_join(receiver->thread, NULL);
	close(receiver->listener);
	memory_give(receiver);
}

void web_receiver_await(struct web_receiver *receiver, size_t count)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + AWAIT_MS; atomic_load(&receiver->count) < count; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("it has heard %zu requests, not %zu", atomic_load(&receiver->count), count);
}

const char *web_receiver_header(const struct web_receiver *receiver, size_t number, const char *name)
{
	static char values[2][128];
	static size_t turn;
	const char *line = strstr(receiver->heard[number], name);
	char *value = values[turn++ % 2];
	assert_non_null(line);
	(void)snprintf(value, sizeof values[0], "%.*s", (int)strcspn(line, "\r"), line);
	return value;
}
