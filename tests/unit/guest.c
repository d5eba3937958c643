/* guest.c: see guest.h. */
#include "guest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_BYTES (1 << 16)
#define TURNS_MAX 200
#define TURN_MS 10

struct guest guest_open(struct loop *loop, int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	struct guest caller = {loop, socket(AF_INET, SOCK_STREAM, 0)};
	assert_int_equal(connect(caller.socket, (const struct sockaddr *)&address, sizeof address), 0);
	return caller;
}

void guest_close(struct guest *caller)
{
	close(caller->socket);
	caller->socket = -1;
}

void guest_turn(const struct guest *caller)
{
	assert_true(loop_turn(caller->loop, TURN_MS, &(struct error){0}));
}

void guest_say(const struct guest *caller, const char *words)
{
	assert_int_equal(send(caller->socket, words, strlen(words), MSG_NOSIGNAL), strlen(words));
}

const char *guest_hear(const struct guest *caller, const char *end)
{
	static char reply[REPLY_BYTES];
	size_t length = 0;
	for (int i = 0; i < TURNS_MAX; i++) {
		ssize_t got = recv(caller->socket, reply + length, sizeof reply - 1 - length, MSG_DONTWAIT);
		if (got > 0)
			length += (size_t)got;
		reply[length] = '\0';
		if (got == 0)
			return *end ? NULL : reply;
		if (*end && strstr(reply, end))
			return reply;
		guest_turn(caller);
	}
	return NULL;
}

const char *guest_ask(const struct guest *caller, const char *words, const char *end)
{
	guest_say(caller, words);
	return guest_hear(caller, end);
}
