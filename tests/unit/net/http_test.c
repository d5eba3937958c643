/* The HTTP client with servers that keep to the rules: connections are kept and shared, and what is
 * asked for is sent, waits, is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "tests/unit/http_stand.h"

/* ---- connections are kept ---- */

static void requests_in_turn_share_one_connection(void **state)
{
	struct http_stand *stand = *state;
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	for (int i = 0; i < 3; i++) {
		answer_hello(&guest);
		assert_hello(stand, asked);
		asked = http_stand_ask(stand, 0);
	}
	answer_hello(&guest);
	assert_hello(stand, asked);
	assert_nobody_knocks(stand);
	guest_close(&guest);
}

static void a_connection_that_is_closed_while_idle_is_used_no_more(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = kept_connection(stand);
	guest_close(&guest);
	http_stand_turn(stand);
	struct asking *asked = http_stand_ask(stand, 1);
	guest = let_in(stand);
	answer_hello(&guest);
	assert_hello(stand, asked);
	guest_close(&guest);
}

static void what_nobody_asked_for_ends_its_connection(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = kept_connection(stand);
	guest_say(&guest, HELLO);
	assert_string_equal(guest_hear(&guest, ""), "");
	guest_close(&guest);
	struct asking *asked = http_stand_ask(stand, 1);
	guest = let_in(stand);
	assert_asked(&guest);
	guest_say(&guest, HELLO "HTTP/1.1 200 O");
	assert_hello(stand, asked);
	assert_string_equal(guest_hear(&guest, ""), "");
	guest_close(&guest);
}

static void an_idle_connection_is_closed_in_the_end(void **state)
{
	struct http_stand *stand = *state;
	stand->limits.connection_idle_s = 1;
	struct guest guest = kept_connection(stand);
	int64_t begun_ms = loop_now_ms(stand->loop);
	assert_string_equal(guest_hear(&guest, ""), "");
	assert_in_range(loop_now_ms(stand->loop) - begun_ms, 900, 10000); /* otherwise it would be a minute, or more */
	guest_close(&guest);
}

static void a_server_that_says_close_is_asked_on_another_connection(void **state)
{
	struct http_stand *stand = *state;
	for (size_t i = 0; i < 2; i++) {
		struct asking *asked = http_stand_ask(stand, i);
		struct guest guest = let_in(stand);
		assert_asked(&guest);
		guest_say(&guest, OK "Connection: close\r\nContent-Length: 5\r\n\r\nhello");
		assert_hello(stand, asked);
		assert_string_equal(guest_hear(&guest, ""), "");
		guest_close(&guest);
	}
}

/* ---- sending ---- */

#define LARGE ((size_t)16 << 20)

static char *large_body(size_t size)
{
	char *bytes = malloc(size);
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)('a' + (i * 2654435761u >> 16) % 26);
	return bytes;
}

static void large_bodies_go_both_ways(void **state)
{
	struct http_stand *stand = *state;
	char *bytes = large_body(LARGE), *heard = malloc(LARGE + 4096), head[128];
	stand->asked[0].request = (struct http_request){.body = {bytes, LARGE}, .timeout_ms = 30000};
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	size_t length = 0;
	for (int turns = 0; length < LARGE || !memmem(heard, length, HEAD_ENDS, 4) ||
			    length < LARGE + (size_t)((char *)memmem(heard, length, HEAD_ENDS, 4) + 4 - heard);
	     turns++) {
		assert_in_range(turns, 0, 100000);
		ssize_t got = recv(guest.socket, heard + length, LARGE + 4096 - length, MSG_DONTWAIT);
		length += got > 0 ? (size_t)got : 0;
		if (got <= 0)
			http_stand_turn(stand);
	}
	assert_memory_equal(heard + length - LARGE, bytes, LARGE);
	int head_length = snprintf(head, sizeof head, OK "Content-Length: %zu\r\n\r\n", LARGE);
	assert_int_equal(send(guest.socket, head, (size_t)head_length, 0), head_length);
	for (size_t sent = 0; sent < LARGE;) {
		ssize_t count = send(guest.socket, bytes + sent, LARGE - sent, MSG_DONTWAIT);
		sent += count > 0 ? (size_t)count : 0;
		assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
	}
	http_stand_await(stand, asked);
	assert_int_equal(asked->reply.status, 200);
	assert_int_equal(asked->reply.body.length, LARGE);
	assert_int_equal(asked->sum, http_stand_sum((struct text){bytes, LARGE}));
	stand->asked[1].request = (struct http_request){.url = stand->url};
	asked = http_stand_ask(stand, 1); /* the connection is as good as before */
	answer_hello(&guest);
	assert_hello(stand, asked);
	guest_close(&guest);
	free(bytes);
	free(heard);
}

static void an_answer_may_come_before_all_has_been_sent(void **state)
{
	struct http_stand *stand = *state;
	char *bytes = large_body(LARGE);
	stand->asked[0].request = (struct http_request){.body = {bytes, LARGE}};
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	guest_say(&guest, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
	http_stand_await(stand, asked);
	assert_int_equal(asked->reply.status, 413);
	free(bytes); /* the request is the caller's again */
	while (recv(guest.socket, (char[4096]){0}, 4096, 0) > 0) /* what had been sent, and the end */
		;
	guest_close(&guest);
}

/* What it said is heard, though sending fails. */
static void an_answer_is_heard_when_its_server_closes_behind_it(void **state)
{
	struct http_stand *stand = *state;
	char *bytes = large_body(LARGE);
	stand->asked[0].request = (struct http_request){.body = {bytes, LARGE}};
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	guest_say(&guest, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
	shutdown(guest.socket, SHUT_WR);
	http_stand_await(stand, asked);
	assert_int_equal(asked->reply.status, 503);
	guest_close(&guest);
	free(bytes);
}

static void what_is_asked_for_is_said(void **state)
{
	struct http_stand *stand = *state;
	stand->asked[0].request = (struct http_request){.content_type = "text/plain",
							.body = TEXT("hi"),
							.login = "Aladdin:open sesame",
							.headers = {"x-deadline-ms: 1", NULL},
							.wanted_header = "x-said"};
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	const char *heard = guest_hear(&guest, "\r\n\r\nhi");
	char expected[512];
	snprintf(expected, sizeof expected,
		 "POST /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nAccept: */*\r\n"
		 "Content-Type: text/plain\r\nx-deadline-ms: 1\r\nContent-Length: 2\r\n\r\nhi",
		 stand->port);
	assert_string_equal(heard, expected);
	guest_say(&guest, OK "X-Said: much\r\nContent-Length: 5\r\n\r\nhello");
	assert_hello(stand, asked);
	assert_string_equal(asked->header, "much");
	guest_close(&guest);
}

/* ---- waiting inside ---- */

static void more_requests_than_connections_wait_in_their_order(void **state)
{
	struct http_stand *stand = *state;
	struct guest guests[2];
	stand->limits.connections_a_host = 2;
	for (size_t i = 0; i < 5; i++)
		http_stand_ask(stand, i);
	for (size_t i = 0; i < 2; i++)
		guests[i] = let_in(stand);
	assert_nobody_knocks(stand);
	for (size_t i = 0; i < 5; i++) {
		answer_hello(&guests[i % 2]);
		assert_hello(stand, &stand->asked[i]);
	}
	assert_nobody_knocks(stand);
	for (size_t i = 0; i < 2; i++)
		guest_close(&guests[i]);
}

static void a_request_whose_time_is_over_in_the_line_says_so(void **state)
{
	struct http_stand *stand = *state;
	stand->limits.connections_a_host = 1;
	struct asking *first = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	stand->asked[1].request.timeout_ms = 30;
	assert_unanswered(stand, http_stand_ask(stand, 1), HTTP_UNMET,
			  "the 1 connections that a host may have were taken for 30 ms");
	assert_false(stand->asked[1].reply.timed_out);
	answer_hello(&guest);
	assert_hello(stand, first);
	guest_close(&guest);
}

static void a_connection_that_fails_makes_room_for_who_waits(void **state)
{
	struct http_stand *stand = *state;
	stand->limits.connections_a_host = 1;
	struct asking *first = http_stand_ask(stand, 0), *second = http_stand_ask(stand, 1);
	struct guest guest = let_in(stand);
	assert_asked(&guest);
	guest_close(&guest);
	assert_unanswered(stand, first, HTTP_SENT, "gave no answer");
	guest = let_in(stand);
	answer_hello(&guest);
	assert_hello(stand, second);
	guest_close(&guest);
}

static void go_on(struct asking *asked)
{
	asked->then = NULL;
	http_stand_ask(asked->stand, (size_t)(asked - asked->stand->asked)); /* the same again, */
	http_stand_ask(asked->stand, 1);					    /* and another */
}

static void what_is_told_may_start_others_and_itself_anew(void **state)
{
	struct http_stand *stand = *state;
	stand->asked[0].then = go_on;
	http_stand_ask(stand, 0);
	struct guest guest = let_in(stand), another;
	answer_hello(&guest);
	another = let_in(stand);
	answer_hello(&guest);
	assert_hello(stand, &stand->asked[0]);
	answer_hello(&another);
	assert_hello(stand, &stand->asked[1]);
	guest_close(&guest);
	guest_close(&another);
}

/* ---- forgetting ---- */

static void forget(struct http_stand *stand, size_t number)
{
	http_forget(stand->http, &stand->asked[number].request);
	http_forget(stand->http, &stand->asked[number].request);
}

static void a_request_may_be_forgotten_wherever_it_is(void **state)
{
	struct http_stand *stand = *state;
	stand->limits.connections_a_host = 1;
	http_stand_ask(stand, 0); /* connecting */
	http_stand_ask(stand, 1); /* in the line */
	http_stand_ask(stand, 2);
	forget(stand, 1);
	forget(stand, 0);
	struct guest guest = let_in(stand);
	if (!guest_hear(&guest, HEAD_ENDS)) { /* that of the first had come as far as here */
		guest_close(&guest);
		guest = let_in(stand);
		assert_asked(&guest);
	}
	forget(stand, 2); /* sent */
	assert_string_equal(guest_hear(&guest, ""), "");
	guest_close(&guest);
	http_stand_ask(stand, 3);
	guest = let_in(stand);
	assert_asked(&guest);
	guest_say(&guest, OK);
	http_stand_turn(stand);
	forget(stand, 3); /* begun */
	assert_string_equal(guest_hear(&guest, ""), "");
	guest_close(&guest);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(stand->asked[i].told, 0);
	forget(stand, 0);
}

static void forget_the_other(struct asking *asked)
{
	asked->then = NULL;
	forget(asked->stand, asked == asked->stand->asked ? 1 : 0);
}

/* Both answers have come in the same turn; who is told first forgets the other, whose connection is kept. */
static void a_request_may_be_forgotten_when_its_answer_is_whole(void **state)
{
	struct http_stand *stand = *state;
	struct guest guests[2];
	for (size_t i = 0; i < 2; i++) {
		stand->asked[i].then = forget_the_other;
		http_stand_ask(stand, i);
		guests[i] = let_in(stand);
		assert_asked(&guests[i]);
	}
	for (size_t i = 0; i < 2; i++)
		guest_say(&guests[i], HELLO);
	http_stand_turn(stand);
	http_stand_turn(stand);
	assert_int_equal(stand->asked[0].told + stand->asked[1].told, 1);
	stand->asked[0].then = stand->asked[1].then = NULL;
	http_stand_ask(stand, 2);
	http_stand_ask(stand, 3);
	assert_nobody_knocks(stand);
	for (size_t i = 0; i < 2; i++)
		answer_hello(&guests[i]);
	assert_hello(stand, &stand->asked[2]);
	assert_hello(stand, &stand->asked[3]);
	for (size_t i = 0; i < 2; i++)
		guest_close(&guests[i]);
}

static void a_client_may_be_closed_with_all_that_is_under_way(void **state)
{
	struct http_stand *stand = *state;
	stand->limits.connections_a_host = 1;
	struct guest guest = kept_connection(stand);
	http_stand_ask(stand, 0);
	http_stand_ask(stand, 1);
	stand->asked[2].request.url = "http://nowhere.invalid/x";
	http_stand_ask(stand, 2); /* looked up */
	stand->asked[3].request.url = "no address";
	http_stand_ask(stand, 3); /* finished */
	http_close(stand->http);
	stand->http = NULL;
	for (size_t i = 0; i < 4; i++) {
		assert_null(stand->asked[i].request.exchange);
		assert_int_equal(stand->asked[i].told, 0);
	}
	assert_asked(&guest);
	guest_close(&guest);
}

/* ---- memory ---- */

static void a_warm_client_takes_no_memory(void **state)
{
	struct http_stand *stand = *state;
	stand->asked[0].request = (struct http_request){.body = TEXT("hi"), .wanted_header = "x"};
	struct guest guest = kept_connection(stand);
	uint64_t taken = memory_taken();
	for (int i = 0; i < 3; i++) {
		struct asking *asked = http_stand_ask(stand, 0);
		answer_hello(&guest);
		assert_hello(stand, asked);
	}
	assert_true(memory_taken() == taken);
	guest_close(&guest);
}

/* Each in its turn: the request is told, or was not taken, and the client is good for the next. */
static void each_allocation_that_fails_is_told(void **state)
{
	struct http_stand *stand = *state;
	struct error error = {0};
	size_t failures = 0;
	for (uint64_t nth = 1; nth < 40; nth++) {
		struct asking *asked = &stand->asked[0];
		struct guest guest = {stand->loop, -1};
		*asked = (struct asking){
			.request = {.url = stand->url, .timeout_ms = 5000, .done = http_stand_done, .context = asked},
			.stand = stand};
		error = (struct error){0};
		memory_fail_at(nth);
		struct http *http = http_open(stand->loop, &stand->limits, &error);
		bool started = http && http_start(http, &asked->request, &error);
		for (int turns = 0; started && asked->told == 0; turns++) {
			assert_in_range(turns, 0, HTTP_STAND_TURNS_MAX);
			http_stand_turn(stand);
			if (guest.socket < 0 && comes_another(stand, &guest))
				guest_say(&guest, HELLO);
		}
		memory_fail_at(0);
		enum error_kind kind = started ? asked->reply.error.kind : error.kind;
		assert_true(kind == ERROR_SYSTEM || (kind == ERROR_NONE && asked->reply.status == 200));
		failures += kind == ERROR_SYSTEM;
		http_close(http);
		if (guest.socket >= 0 || comes_another(stand, &guest))
			guest_close(&guest);
	}
	assert_in_range(failures, 5, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(requests_in_turn_share_one_connection),
		STORY(a_connection_that_is_closed_while_idle_is_used_no_more),
		STORY(what_nobody_asked_for_ends_its_connection),
		STORY(an_idle_connection_is_closed_in_the_end),
		STORY(a_server_that_says_close_is_asked_on_another_connection),
		STORY(large_bodies_go_both_ways),
		STORY(an_answer_may_come_before_all_has_been_sent),
		STORY(an_answer_is_heard_when_its_server_closes_behind_it),
		STORY(what_is_asked_for_is_said),
		STORY(more_requests_than_connections_wait_in_their_order),
		STORY(a_request_whose_time_is_over_in_the_line_says_so),
		STORY(a_connection_that_fails_makes_room_for_who_waits),
		STORY(what_is_told_may_start_others_and_itself_anew),
		STORY(a_request_may_be_forgotten_wherever_it_is),
		STORY(a_request_may_be_forgotten_when_its_answer_is_whole),
		STORY(a_client_may_be_closed_with_all_that_is_under_way),
		STORY(a_warm_client_takes_no_memory),
		STORY(each_allocation_that_fails_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
