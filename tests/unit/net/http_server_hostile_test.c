/* What the HTTP server does with callers that lie, are slow, ask for too much, or leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/server_stand.h"

static void too_long_a_body_is_refused_and_the_connection_goes_on(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	char body[BODY_BYTES_MAX + 2] = "";
	memset(body, 'x', BODY_BYTES_MAX + 1);
	guest_say(&caller, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
	const char *reply = guest_ask(&caller, body, "}");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 413"));
	assert_non_null(strstr(reply,
			       "{\"error\":\"the request's body is longer than 1000 bytes, which is the most that is taken here; "
			       "send less at a time\""));
	assert_int_equal(stand->calls, 0);
	assert_non_null(guest_ask(&caller, GET("/short"), "/short"));
	guest_close(&caller);
}

/* The parts that all errors have: the text, the kind, the place, and the request's id. */
static void a_refusal_names_kind_place_and_id(void **state)
{
	struct server_stand *stand = *state;
	static const char *const rows[][2] = {
		{"GET /a%22b HTTP/1.1\r\nHost: x\r\nX-Request-Id: q\"1\r\nContent-Length: z\r\n\r\n",
		 "\"kind\":\"INPUT\",\"place\":\"/a\\\"b\",\"id\":\"q\\\"1\"}"},
		{POST("/x", "X-Request-Id: mine\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n", ""),
		 "\"kind\":\"LIMIT\",\"place\":\"/x\",\"id\":\"mine\"}"},
		{"BAD\r\n\r\n", "\"kind\":\"INPUT\",\"place\":\"the request's head\",\"id\":\""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct guest caller = server_stand_call(stand);
		const char *reply = guest_ask(&caller, rows[i][0], rows[i][1]);
		if (!reply)
			fail_msg("%s: not %s", rows[i][0], rows[i][1]);
		assert_non_null(strstr(reply, "x-request-id: "));
		guest_close(&caller);
	}
	struct guest caller = server_stand_call(stand); /* nothing is left of the request that had the same memory */
	assert_non_null(guest_ask(&caller, "\x16 no HTTP\r\n\r\n", "\"place\":\"the request's head\""));
	guest_close(&caller);
}

static void the_limit_of_bodies_may_change(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	char words[1600] = POST("/x", "Content-Length: 1400\r\n", "");
	memset(words + strlen(words), 'y', 1400);
	const char *reply = guest_ask(&caller, words, "}");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 413"));
	http_server_limit_bodies(stand->server, 1400); /* the next request has the memory of this one */
	assert_non_null(guest_ask(&caller, words, "HTTP/1.1 200"));
	guest_close(&caller);
}

static void a_caller_that_asks_first_hears_at_once_that_its_body_is_too_long(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	const char *reply = guest_ask(&caller, POST("/x", "Content-Length: 2000\r\nExpect: 100-continue\r\n", ""), "}");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 413"));
	guest_close(&caller);
	caller = server_stand_call(stand);
	assert_non_null(guest_ask(&caller, POST("/x", "Content-Length: 2\r\nExpect: 100-continue\r\n", ""), "HTTP/1.1 100"));
	assert_non_null(guest_ask(&caller, "ok", "\r\n\r\nok"));
	reply = guest_ask(&caller, POST("/x", "Content-Length: 4\r\nExpect: 100-continue\r\n", "here"), "\r\n\r\nhere");
	assert_non_null(reply);
	assert_null(strstr(reply, "100 Continue")); /* it comes already */
	guest_close(&caller);
}

static void callers_that_lie_or_talk_nonsense_harm_nobody(void **state)
{
	struct server_stand *stand = *state;
	static const char *const words[] = {POST("/x", "Content-Length: 500\r\n", "short"), "\x16\x03\x01 no HTTP at all\r\n\r\n",
					    POST("/x", "Content-Length: -1\r\n", "y"), POST("/x", "Content-Length: 1e3\r\n", "y"),
					    POST("/x", "Transfer-Encoding: chunked\r\n", "zzz\r\n")};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct guest caller = server_stand_call(stand);
		guest_say(&caller, words[i]);
		for (int j = 0; j < 3; j++)
			guest_turn(&caller);
		guest_close(&caller);
		for (int j = 0; j < 3; j++)
			guest_turn(&caller);
	}
	assert_int_equal(stand->calls, 0);
	struct guest caller = server_stand_call(stand);
	assert_non_null(guest_ask(&caller, GET("/well"), "/well"));
	guest_close(&caller);
}

static void pieces_that_nobody_reads_are_bounded(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	static char piece[100000];
	size_t sent = 0;
	guest_say(&caller, GET("/pieces"));
	while (!stand->waiting)
		guest_turn(&caller);
	while (sent < ((size_t)1 << 30) && http_server_send(stand->waiting, (struct text){piece, sizeof piece}))
		sent += sizeof piece;
	assert_true(sent >= HTTP_BACKLOG_BYTES_MAX / 2 && sent < (size_t)1 << 30);
	guest_turn(&caller); /* it is closed meanwhile */
	assert_false(http_server_send(stand->waiting, TEXT("x")));
	http_server_end(stand->waiting);
	guest_close(&caller);
}

static void answers_that_nobody_reads_are_in_the_budget(void **state)
{
	struct server_stand *stand = *state;
	struct guest callers[3];
	for (size_t i = 0; i < 2; i++) {
		callers[i] = server_stand_call(stand);
		guest_say(&callers[i], GET("/large"));
	}
	for (int64_t until = loop_now_ms(stand->loop) + 5000; stand->calls < 2 && loop_now_ms(stand->loop) < until;)
		guest_turn(&callers[0]);
	assert_int_equal(stand->calls, 2);
	assert_true(stand->bodies.used_bytes >= 2 * LARGE_BYTES);
	callers[2] = server_stand_call(stand);
	const char *reply = guest_ask(&callers[2], GET("/large"), "}");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 503"));
	assert_non_null(strstr(reply, "Retry-After: "));
	assert_non_null(guest_ask(&callers[2], GET("/short"), "/short")); /* short ones are never refused */
	for (size_t i = 0; i < 3; i++)
		guest_close(&callers[i]);
	for (int64_t until = loop_now_ms(stand->loop) + 5000; stand->bodies.used_bytes > 0 && loop_now_ms(stand->loop) < until;)
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
	assert_int_equal(stand->bodies.used_bytes, 0);
}

static void a_header_that_would_split_the_answer_is_none(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	const char *reply = guest_ask(&caller, GET("/split"), "}");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 500"));
	assert_null(strstr(reply, "b: c"));
	guest_close(&caller);
}

/* The connection is closed behind the refusal, and what came behind the request is no request. */
static void refuses(struct server_stand *stand, const char *words, const char *status)
{
	struct guest caller = server_stand_call(stand);
	int calls = stand->calls;
	guest_say(&caller, words);
	const char *reply = guest_hear(&caller, "");
	if (!reply || !strstr(reply, status))
		fail_msg("%s: %s instead of %s", words, reply ? reply : "nothing", status);
	assert_int_equal(strncmp(reply, "HTTP/1.1 ", 9), 0);
	assert_non_null(strstr(reply, "Connection: close\r\n"));
	assert_null(strstr(reply + 1, "HTTP/1.1 2"));
	assert_int_equal(stand->calls, calls);
	guest_close(&caller);
}

/* A head that comes in three pieces, without an end: the second fills what is kept of it to the byte, or nearly. */
static void a_head_without_end_is_refused_wherever_it_is_cut(void **state)
{
	struct server_stand *stand = *state;
	static const char *const begins[] = {"GET / HTTP/1.1\r\nHost: a\r\nA: ", "\r\nGET / HTTP/1.1\r\nHost: a\r\nA: "};
	static char piece[HTTP_REQUEST_HEAD_BYTES_MAX + 16], rest[(1 << 16) + 1];
	memset(rest, 'b', sizeof rest - 1);
	for (size_t i = 0; i < 2; i++)
		for (size_t whole = HTTP_REQUEST_HEAD_BYTES_MAX - 2; whole < HTTP_REQUEST_HEAD_BYTES_MAX + 6; whole++) {
			size_t length = whole - strlen(begins[i]);
			struct guest caller = server_stand_call(stand);
			guest_say(&caller, begins[i]);
			guest_turn(&caller);
			memset(piece, 'a', length);
			piece[length] = '\0';
			guest_say(&caller, piece);
			guest_turn(&caller);
			guest_say(&caller, rest);
			const char *reply = guest_hear(&caller, "");
			if (!reply || !strstr(reply, " 431 "))
				fail_msg("%zu bytes: %s", whole, reply ? reply : "nothing");
			guest_close(&caller);
		}
	assert_int_equal(stand->calls, 0);
}

static void smuggled_requests_are_refused_with_a_status(void **state)
{
	struct server_stand *stand = *state;
	refuses(stand, POST("/x", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") GET("/smuggled"), " 400 ");
	refuses(stand, POST("/x", "Content-Length: 0\r\nContent-Length: 44\r\n", "") GET("/smuggled"), " 400 ");
	refuses(stand, POST("/x", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n") GET("/smuggled"), " 501 ");
	refuses(stand, "GET / HTTP/1.1\nHost: x\n\n" GET("/smuggled"), " 400 ");
	refuses(stand, "GET / HTTP/1.1\r\n\r\n" GET("/smuggled"), " 400 ");
	refuses(stand, GET("/a%00b") GET("/smuggled"), " 400 ");
	refuses(stand, "\x16\x03\x01 no HTTP at all", " 400 ");
	static const char *const chunks[] = {"3\nabc\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-1\r\n",
					     "0x3\r\nabc\r\n0\r\n\r\n", "\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\n\n", 
					     "3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n",
					     "fffffffffffffffff\r\n", "3;a\rb\r\nabc\r\n0\r\n\r\n"};
	for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
		char request[300];
		snprintf(request, sizeof request, POST("/x", "Transfer-Encoding: chunked\r\n", "%s") GET("/smuggled"), chunks[i]);
		refuses(stand, request, " 400 ");
	}
	refuses(stand, POST("/x", "Transfer-Encoding: chunked\r\n", "400\r\n"), " 413 ");
}

static void chunks_may_have_extensions_and_trailers(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	assert_non_null(guest_ask(
		&caller, POST("/x", "Transfer-Encoding: chunked\r\n", "3;name=\"v\"\r\nabc\r\n02\r\nde\r\n000\r\nX-Sum: 1\r\n\r\n"),
		"\r\n\r\nabcde"));
	assert_non_null(guest_ask(&caller, GET("/next"), "/next"));
	guest_close(&caller);
}

static void a_hundred_thousand_headers_are_refused(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	guest_say(&caller, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 100000; i++) {
		if (send(caller.socket, "a: b\r\n", 6, MSG_NOSIGNAL | MSG_DONTWAIT) != 6)
			break; /* nobody reads it any more */
		if (i % 1000 == 0)
			assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
	}
	const char *reply = guest_hear(&caller, "}");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 431 "));
	guest_close(&caller);
}

static void slow_requests_are_answered_408(void **state)
{
	struct server_stand *stand = *state;
	static const char *const words[] = {"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", POST("/x", "Content-Length: 500\r\n", "s"),
					    POST("/x", "Transfer-Encoding: chunked\r\n", "3e8\r\n"),
					    POST("/x", "Content-Length: 2000\r\n", "s")};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct guest caller = server_stand_call(stand);
		int64_t limit_ms = i == 0 ? HEAD_MS : BODY_MS, begun_ms, sent_ms = 0;
		guest_say(&caller, words[i]);
		guest_turn(&caller);
		begun_ms = loop_now_ms(stand->loop);
		char byte;
		while (recv(caller.socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1) {
			assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
			if (loop_now_ms(stand->loop) - sent_ms >= 20) { /* a byte now and then does not help */
				send(caller.socket, "y", 1, MSG_NOSIGNAL);
				sent_ms = loop_now_ms(stand->loop);
			}
			assert_true(loop_now_ms(stand->loop) - begun_ms < limit_ms + 1000);
		}
		assert_true(loop_now_ms(stand->loop) - begun_ms >= limit_ms - 50);
		const char *reply = guest_hear(&caller, "}");
		assert_non_null(reply);
		assert_non_null(strstr(reply, "HTTP/1.1 408 Request Timeout"));
		assert_non_null(strstr(reply, "Connection: close"));
		guest_close(&caller);
	}
	assert_int_equal(stand->calls, 0);
}

static void idle_connections_are_closed_without_a_word(void **state)
{
	struct server_stand *stand = *state;
	struct guest silent = server_stand_call(stand), served = server_stand_call(stand), waiting = server_stand_call(stand);
	assert_non_null(guest_ask(&served, GET("/a"), "/a"));
	guest_say(&waiting, GET("/later"));
	const char *reply = guest_hear(&silent, "");
	assert_non_null(reply);
	assert_string_equal(reply, "");
	reply = guest_hear(&served, "");
	assert_non_null(reply);
	assert_string_equal(reply, "");
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("whoever waits is not idle"), NULL, 0);
	assert_non_null(guest_hear(&waiting, "whoever waits is not idle"));
	guest_close(&silent);
	guest_close(&served);
	guest_close(&waiting);
}

static void a_caller_that_reads_nothing_is_closed(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	static char answer[32 << 20];
	guest_say(&caller, GET("/later"));
	while (!stand->waiting)
		guest_turn(&caller);
	http_server_answer(stand->waiting, 200, "text/plain", (struct text){answer, sizeof answer}, NULL, 0);
	int64_t begun_ms = loop_now_ms(stand->loop);
	while (!http_server_drain(stand->server)) {
		guest_turn(&caller);
		assert_true(loop_now_ms(stand->loop) - begun_ms < IDLE_MS + 2000);
	}
	assert_true(loop_now_ms(stand->loop) - begun_ms >= IDLE_MS - 50);
	guest_close(&caller);
}

static void a_caller_that_sends_first_and_reads_then_gets_its_refusal(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	static char body[1 << 20];
	guest_say(&caller, POST("/x", "Transfer-Encoding: chunked\r\n", "100000\r\n"));
	for (size_t sent = 0; sent < sizeof body;) {
		ssize_t now = send(caller.socket, body + sent, sizeof body - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		assert_true(now > 0 || (now < 0 && loop_turn(stand->loop, 10, &(struct error){0})));
		sent += now > 0 ? (size_t)now : 0;
	}
	assert_non_null(guest_hear(&caller, "HTTP/1.1 413"));
	guest_close(&caller);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, server_stand_open, server_stand_close)
	const struct CMUnitTest tests[] = {
		TEST(callers_that_lie_or_talk_nonsense_harm_nobody),
		TEST(a_head_without_end_is_refused_wherever_it_is_cut),
		TEST(smuggled_requests_are_refused_with_a_status),
		TEST(chunks_may_have_extensions_and_trailers),
		TEST(a_hundred_thousand_headers_are_refused),
		TEST(slow_requests_are_answered_408),
		TEST(idle_connections_are_closed_without_a_word),
		TEST(a_caller_that_reads_nothing_is_closed),
		TEST(a_caller_that_sends_first_and_reads_then_gets_its_refusal),
		TEST(a_header_that_would_split_the_answer_is_none),
		TEST(too_long_a_body_is_refused_and_the_connection_goes_on),
		TEST(a_refusal_names_kind_place_and_id),
		TEST(the_limit_of_bodies_may_change),
		TEST(a_caller_that_asks_first_hears_at_once_that_its_body_is_too_long),
		TEST(pieces_that_nobody_reads_are_bounded),
		cmocka_unit_test_setup_teardown(answers_that_nobody_reads_are_in_the_budget, server_stand_open_patient,
						server_stand_close),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	server_stand_shares = true;
	return failed + cmocka_run_group_tests_name("at a port that is shared", tests, NULL, NULL);
}
