/* server_limits_test.c: Tests of what the doors of a model server hold against those who come: how many
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

#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"
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

static size_t logged_lines;
static char logged[512];

static void log_take(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	logged_lines++;
	(void)snprintf(logged, sizeof logged, "%s", line->message);
}

static const struct log_sink peers_log = {.write = log_take};

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
	const struct http_server_config http = {
		.connections = 10, .peer_connections = PEER_MOST, .body_bytes = BODY_BYTES, .log = &peers_log};
	const struct grpc_server_config grpc = {
		.connections = 10, .peer_connections = PEER_MOST, .message_bytes = BODY_BYTES, .streams = 1, .log = &peers_log};
	struct http_server *rest = http_server_open(loop, &http, &error);
	struct grpc_server *calls = grpc_server_open(loop, &grpc, &error);
	logged_lines = 0;
	expect_peer_limit(loop, http_server_port(rest));
	assert_non_null(strstr(logged, "127.0.0.1 has 2 connections, as many as one peer may have at port "));
	expect_peer_limit(loop, http_server_port(rest));
	assert_int_equal(logged_lines, 1); /* once */
	expect_peer_limit(loop, grpc_server_port(calls));
	assert_int_equal(logged_lines, 2);
	assert_int_equal(http_server_counts(rest).peer_refused, 2);
	assert_int_equal(grpc_server_counts(calls).peer_refused, 1);
	assert_int_equal(http_server_counts(rest).refused + grpc_server_counts(calls).refused, 0);
	http_server_close(rest);
	grpc_server_close(calls);
	loop_close(loop);
}

static void a_server_has_so_many_connections(void **state)
{
	(void)state;
	char room[200];
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	const struct http_server_config http = {.connections = 2, .peer_connections = PEER_MOST, .body_bytes = BODY_BYTES};
	struct http_server *server = http_server_open(loop, &http, &error);
	const int port = http_server_port(server), first = dial("127.0.0.1", port), second = dial("127.0.0.2", port);
	is_open(loop, second);
	const int third = dial("127.0.0.3", port);
	assert_true(hear(loop, third, room, sizeof room) <= 0);
	assert_int_equal(http_server_counts(server).refused, 1);
	assert_int_equal(http_server_counts(server).peer_refused, 0);
	close(first);
	close(second);
	close(third);
	http_server_close(server);
	loop_close(loop);
}

static const struct http_server *counted; /* whose connections are counted at each call; NULL: none */
static uint64_t accepted_at_call;

static void on_called(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path;
	char length[20];
	if (counted)
		accepted_at_call = http_server_counts(counted).accepted;
	snprintf(length, sizeof length, "%zu", body.length);
	http_server_answer(asked, 200, NULL, text_of(length), NULL, 0);
}

#define NEWCOMERS 100
#define ACCEPTED_A_TURN 8

/* Callers that connect without end cost those that are connected a few accepts in each turn. */
static void a_call_of_an_open_connection_comes_before_new_connections(void **state)
{
	(void)state;
	char room[200];
	int newcomers[NEWCOMERS];
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	const struct http_server_config http = {.connections = NEWCOMERS + 1, .body_bytes = BODY_BYTES, .called = on_called};
	struct http_server *server = http_server_open(loop, &http, &error);
	const int port = http_server_port(server), open = dial("127.0.0.1", port);
	is_open(loop, open);
	assert_int_equal(http_server_counts(server).accepted, 1);
	counted = server;
	for (size_t i = 0; i < NEWCOMERS; i++)
		newcomers[i] = dial("127.0.0.2", port);
	assert_int_equal(send(open, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, 0), 27);
	for (size_t accepted = 0, turns = 0; accepted < NEWCOMERS; turns++) {
		assert_true(loop_turn(loop, 1000, &error));
		const size_t before = accepted;
		accepted = http_server_counts(server).accepted - 1;
		assert_in_range(accepted - before, 1, ACCEPTED_A_TURN);
		if (turns == 0)
			assert_true(recv(open, room, sizeof room, MSG_DONTWAIT) > 0);
	}
	assert_int_equal(accepted_at_call, 1);
	counted = NULL;
	is_open(loop, newcomers[NEWCOMERS - 1]);
	for (size_t i = 0; i < NEWCOMERS; i++)
		close(newcomers[i]);
	close(open);
	http_server_close(server);
	loop_close(loop);
}

static int send_begun_from(const char *from, int port, size_t bytes)
{
	static const char zeros[BODY_BYTES];
	static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
	int opened = dial(from, port);
	assert_int_equal(send(opened, head, sizeof head - 1, 0), sizeof head - 1);
	assert_int_equal(send(opened, zeros, bytes, 0), bytes);
	return opened;
}

static int send_begun(int port, size_t bytes)
{
	return send_begun_from("127.0.0.1", port, bytes);
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

static void one_peer_cannot_hold_the_whole_budget(void **state)
{
	(void)state;
	char room[500] = "";
	struct error error = {0};
	struct body_budget bodies = {.limit_bytes = 4000, .peer_limit_bytes = 2500};
	struct loop *loop = loop_open(&error);
	const struct http_server_config http = {
		.connections = 10, .body_bytes = BODY_BYTES, .bodies = &bodies, .called = on_called};
	struct http_server *server = http_server_open(loop, &http, &error), *second = http_server_open(loop, &http, &error);
	int port = http_server_port(server), greedy[3];
	for (int i = 0; i < 3; i++) { /* whichever of the servers it asks */
		greedy[i] = send_begun_from("127.0.0.1", i == 1 ? http_server_port(second) : port, BODY_BYTES - 1);
		is_open(loop, greedy[i]);
	}
	assert_true(bodies.used_bytes <= 2500);
	size_t held = bodies.used_bytes; /* by the two that found room */
	int late = send_begun(port, 10);
	is_open(loop, late);
	assert_true(bodies.used_bytes > held);
	assert_int_equal(send(late, room, 400, 0), 400); /* it finds none for more, and gives back what it had */
	is_open(loop, late);
	assert_int_equal(bodies.used_bytes, held);
	close(late);
	int other = send_begun_from("127.0.0.2", port, BODY_BYTES - 1);
	is_open(loop, other);
	assert_int_equal(send(other, "", 1, 0), 1);
	assert_true(hear(loop, other, room, sizeof room) > 0);
	assert_non_null(strstr(room, "HTTP/1.1 200"));
	assert_int_equal(send(greedy[2], "", 1, 0), 1);
	assert_true(hear(loop, greedy[2], room, sizeof room) > 0);
	assert_non_null(strstr(room, "HTTP/1.1 503"));
	assert_non_null(strstr(room, "Retry-After: 1\r\n"));
	for (int i = 0; i < 3; i++)
		close(greedy[i]);
	close(other);
	for (int i = 0; i < TURNS && bodies.used_bytes; i++)
		assert_true(loop_turn(loop, 5, &error));
	assert_int_equal(bodies.used_bytes, 0);
	http_server_close(server);
	http_server_close(second);
	for (size_t i = 0; i < PEERS_ROWS; i++)
		assert_null(bodies.peers.rows[i]);
	loop_close(loop);
}

static void remember(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	(void)method, (void)path, (void)body;
	*(struct http_incoming **)context = incoming;
}

static void a_peer_that_leaves_is_charged_until_its_request_is_answered(void **state)
{
	(void)state;
	struct error error = {0};
	struct http_incoming *incoming = NULL;
	struct body_budget bodies = {.limit_bytes = 4000, .peer_limit_bytes = 2000};
	struct loop *loop = loop_open(&error);
	const struct http_server_config http = {
		.connections = 10, .body_bytes = BODY_BYTES, .bodies = &bodies, .called = remember, .context = &incoming};
	struct http_server *server = http_server_open(loop, &http, &error);
	int caller = send_begun(http_server_port(server), BODY_BYTES);
	for (int i = 0; i < TURNS && !incoming; i++)
		assert_true(loop_turn(loop, 5, &error));
	const struct linger reset = {1, 0};
	setsockopt(caller, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(caller);
	for (int i = 0; i < 10; i++)
		assert_true(loop_turn(loop, 1, &error));
	assert_true(http_incoming_is_over(incoming));
	const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_storage address = {0};
	memcpy(&address, &from, sizeof from);
	const struct peer_address of = peer_address_of(&address);
	struct peer *peer = peers_enter(&bodies.peers, &of);
	assert_true(peer->body_bytes >= BODY_BYTES);
	http_server_answer(incoming, 200, NULL, TEXT("too late"), NULL, 0);
	assert_int_equal(peer->body_bytes, 0);
	assert_int_equal(peer->connections, 1);
	peers_leave(&bodies.peers, peer);
	http_server_close(server);
	loop_close(loop);
}

static struct peer_address address_of(const char *v6)
{
	struct sockaddr_in6 from = {.sin6_family = AF_INET6};
	struct sockaddr_storage address = {0};
	assert_int_equal(inet_pton(AF_INET6, v6, &from.sin6_addr), 1);
	memcpy(&address, &from, sizeof from);
	return peer_address_of(&address);
}

static void a_network_of_ipv6_is_one_peer(void **state)
{
	(void)state;
	struct peers peers = {0};
	const struct peer_address one = address_of("2001:db8:1:2::1"), same = address_of("2001:db8:1:2:f::9"),
				  other = address_of("2001:db8:1:3::1"), mapped = address_of("::ffff:10.0.0.1"),
				  next = address_of("::ffff:10.0.0.2");
	struct peer *first = peers_enter(&peers, &one);
	assert_ptr_equal(peers_enter(&peers, &same), first);
	struct peer *second = peers_enter(&peers, &other), *third = peers_enter(&peers, &mapped),
		    *fourth = peers_enter(&peers, &next);
	assert_true(second != first && third != fourth);
	peers_leave(&peers, first);
	assert_int_equal(first->connections, 1);
	peers_leave(&peers, first);
	peers_leave(&peers, second);
	peers_leave(&peers, third);
	peers_leave(&peers, fourth);
	for (size_t i = 0; i < PEERS_ROWS; i++)
		assert_null(peers.rows[i]);
}

static void a_body_may_take_what_is_left_of_the_budget(void **state)
{
	(void)state;
	struct body_budget bodies = {.limit_bytes = 300};
	struct buffer body = {.length = 100, .capacity = 100, .ceiling_bytes = SIZE_MAX};
	struct body_charge charged = {0};
	body_budget_charge(&bodies, &charged, 100);
	assert_true(body_budget_allows(&bodies, &body, &charged, 1)); /* doubles to 200 */
	assert_true(body_budget_allows(&bodies, &body, &charged, 200));
	assert_false(body_budget_allows(&bodies, &body, &charged, 201));
	bodies.used_bytes = 201;
	assert_false(body_budget_allows(&bodies, &body, &charged, 1));
	body.ceiling_bytes = 250; /* it does not double beyond it */
	bodies.used_bytes = 150;
	body.length = body.capacity = 150;
	charged.bytes = 150;
	assert_true(body_budget_allows(&bodies, &body, &charged, 50));
	assert_true(body_budget_allows(NULL, &body, &charged, 1 << 20));
	bodies.used_bytes = 500; /* beyond the limit, as a body that grew by more than was foreseen leaves it */
	assert_false(body_budget_allows(&bodies, &body, &charged, 1));
}

/* Short ones count also where they are more than is left, and leave nothing for bodies. */
static void answers_are_charged_and_long_ones_refused(void **state)
{
	(void)state;
	struct peer peer = {0};
	struct body_budget bodies = {.limit_bytes = 3 * BODY_BUDGET_SHORT_BYTES, .peer_limit_bytes = 2 * BODY_BUDGET_SHORT_BYTES};
	struct body_charge first = {.peer = &peer}, second = {.peer = &peer}, long_one = {0};
	const struct buffer none = {.ceiling_bytes = SIZE_MAX};
	assert_true(body_budget_add_answer(&bodies, &first, BODY_BUDGET_SHORT_BYTES + 1));
	assert_false(body_budget_add_answer(&bodies, &second, BODY_BUDGET_SHORT_BYTES + 1)); /* of the peer's share */
	assert_true(body_budget_add_answer(&bodies, &second, BODY_BUDGET_SHORT_BYTES));
	assert_false(body_budget_allows(&bodies, &none, &second, BODY_BUDGET_SHORT_BYTES + 1));
	assert_int_equal(peer.body_bytes, 2 * BODY_BUDGET_SHORT_BYTES + 1);
	assert_true(body_budget_add_answer(&bodies, &long_one, BODY_BUDGET_SHORT_BYTES));
	assert_int_equal(bodies.used_bytes, bodies.limit_bytes + 1);
	body_budget_give_back(&bodies, &first);
	body_budget_give_back(&bodies, &second);
	body_budget_give_back(&bodies, &long_one);
	assert_int_equal(bodies.used_bytes + peer.body_bytes, 0);
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
		cmocka_unit_test(a_server_has_so_many_connections),
		cmocka_unit_test(a_call_of_an_open_connection_comes_before_new_connections),
		cmocka_unit_test(all_bodies_share_one_budget),
		cmocka_unit_test(one_peer_cannot_hold_the_whole_budget),
		cmocka_unit_test(a_peer_that_leaves_is_charged_until_its_request_is_answered),
		cmocka_unit_test(a_network_of_ipv6_is_one_peer),
		cmocka_unit_test(answers_are_charged_and_long_ones_refused),
		cmocka_unit_test(a_body_may_take_what_is_left_of_the_budget),
		cmocka_unit_test(only_loopback_is_local),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
