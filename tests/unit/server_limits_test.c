/* server_limits_test.c: what the doors of a model server hold against those who come: how many
 * connections one address has, how much memory all bodies take, and where they listen. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/grpc_server.h"
#include "net/http_server.h"
#include "net/listen.h"

#define TURNS 200
#define PEER_MOST 2
#define BODY_BYTES 1000

static int dial(const char *from, int port)
{
	struct sockaddr_in own = {.sin_family = AF_INET}, at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int opened = socket(AF_INET, SOCK_STREAM, 0);
	inet_pton(AF_INET, from, &own.sin_addr);
	inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
	assert_int_equal(bind(opened, (struct sockaddr *)&own, sizeof own), 0);
	assert_int_equal(connect(opened, (struct sockaddr *)&at, sizeof at), 0);
	return opened;
}

/* Turns until something can be read, or it is closed. */
static ssize_t hear(struct loop *loop, int socket, char *room, size_t size)
{
	ssize_t got = -1;
	struct error error = {0};
	for (int i = 0; i < TURNS && got < 0; i++) {
		assert_true(loop_turn(loop, 5, &error));
		got = recv(socket, room, size - 1, MSG_DONTWAIT);
	}
	if (got >= 0)
		room[got] = '\0';
	return got;
}

static void is_open(struct loop *loop, int socket)
{
	char byte;
	struct error error = {0};
	for (int i = 0; i < 10; i++)
		assert_true(loop_turn(loop, 1, &error));
	assert_int_equal(recv(socket, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void expect_peer_limit(struct loop *loop, int port)
{
	char room[200];
	int first = dial("127.0.0.1", port), second = dial("127.0.0.1", port);
	is_open(loop, second);
	int third = dial("127.0.0.1", port), other = dial("127.0.0.2", port);
	assert_true(hear(loop, third, room, sizeof room) <= 0);
	is_open(loop, other);
	is_open(loop, first);
	close(second);
	close(third);
	is_open(loop, first);
	int fourth = dial("127.0.0.1", port); /* a place is free again */
	is_open(loop, fourth);
	close(first);
	close(other);
	close(fourth);
}

static void one_address_has_so_many_connections(void **state)
{
	(void)state;
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	const struct http_server_config http = {.connections = 10, .peer_connections = PEER_MOST, .body_bytes = BODY_BYTES};
	const struct grpc_server_config grpc = {
		.connections = 10, .peer_connections = PEER_MOST, .message_bytes = BODY_BYTES, .streams = 1};
	struct http_server *rest = http_server_open(loop, &http, &error);
	struct grpc_server *calls = grpc_server_open(loop, &grpc, &error);
	expect_peer_limit(loop, http_server_port(rest));
	expect_peer_limit(loop, grpc_server_port(calls));
	http_server_close(rest);
	grpc_server_close(calls);
	loop_close(loop);
}

static void on_called(void *context, struct http_asked *asked, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path;
	char length[20];
	snprintf(length, sizeof length, "%zu", body.length);
	http_server_answer(asked, 200, NULL, text_of(length), NULL, 0);
}

static int send_begun(int port, size_t bytes)
{
	static const char zeros[BODY_BYTES];
	static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
	int opened = dial("127.0.0.1", port);
	assert_int_equal(send(opened, head, sizeof head - 1, 0), sizeof head - 1);
	assert_int_equal(send(opened, zeros, bytes, 0), bytes);
	return opened;
}

static void all_bodies_share_one_budget(void **state)
{
	(void)state;
	char room[500];
	struct error error = {0};
	struct body_budget bodies = {.limit_bytes = 2500};
	struct loop *loop = loop_open(&error);
	const struct http_server_config http = {
		.connections = 10, .body_bytes = BODY_BYTES, .bodies = &bodies, .called = on_called};
	struct http_server *server = http_server_open(loop, &http, &error);
	int port = http_server_port(server), begun[3];
	for (int i = 0; i < 3; i++) {
		begun[i] = send_begun(port, BODY_BYTES - 1);
		is_open(loop, begun[i]);
	}
	assert_true(bodies.used_bytes <= bodies.limit_bytes && bodies.used_bytes >= 2 * (BODY_BYTES - 1));
	for (int i = 2; i >= 0; i--) { /* the third found no room; the others go on */
		assert_int_equal(send(begun[i], "", 1, 0), 1);
		assert_true(hear(loop, begun[i], room, sizeof room) > 0);
		assert_non_null(strstr(room, i == 2 ? "HTTP/1.1 503" : "HTTP/1.1 200"));
	}
	for (int i = 0; i < 3; i++)
		close(begun[i]);
	is_open(loop, begun[0] = send_begun(port, BODY_BYTES - 1));
	assert_true(bodies.used_bytes > 0);
	close(begun[0]); /* what breaks off is given back too */
	for (int i = 0; i < TURNS && bodies.used_bytes; i++)
		assert_true(loop_turn(loop, 5, &error));
	assert_int_equal(bodies.used_bytes, 0);
	http_server_close(server);
	loop_close(loop);
}

static void a_body_may_take_what_is_left_of_the_budget(void **state)
{
	(void)state;
	struct body_budget bodies = {.limit_bytes = 300};
	struct buffer body = {.length = 100, .capacity = 100};
	size_t charged = 0;
	body_budget_charge(&bodies, &charged, 100);
	assert_true(body_budget_allows(&bodies, &body, charged, 1)); /* doubles to 200 */
	assert_true(body_budget_allows(&bodies, &body, charged, 200));
	assert_false(body_budget_allows(&bodies, &body, charged, 201));
	bodies.used_bytes = 201;
	assert_false(body_budget_allows(&bodies, &body, charged, 1));
	assert_true(body_budget_allows(NULL, &body, charged, 1 << 20));
	bodies.used_bytes = 500; /* beyond the limit, as a body that grew by more than was foreseen leaves it */
	assert_false(body_budget_allows(&bodies, &body, charged, 1));
}

static void only_loopback_is_local(void **state)
{
	(void)state;
	static const char *const local[] = {"127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"};
	static const char *const others[] = {"0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1"};
	assert_true(listen_is_local(NULL));
	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		assert_true(listen_is_local(local[i]));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(listen_is_local(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_has_so_many_connections),
		cmocka_unit_test(all_bodies_share_one_budget),
		cmocka_unit_test(a_body_may_take_what_is_left_of_the_budget),
		cmocka_unit_test(only_loopback_is_local),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
