/* shared_bodies_test.c: Tests of bodies over HTTP/2 that come late, at the port that a gRPC server shares with an HTTP server.
 * Callers that announce a body and wait to be told to send it, as Java's and Node's do, are told (RFC 9110, 10.1.1). Those that
 * still send it when their answer has come may end it: httpx and HAProxy 2.6 lose the answer of a stream that is reset before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/server_stand.h"
#include "tests/unit/puppet.h"

#define HEADERS(method, path) ":method", method, ":scheme", "http", ":path", path, ":authority", "us"
#define WAITS "expect", "100-continue"
#define PIECE_BYTES 16000

static struct puppet puppet;

static int shared_open(void **state)
{
	server_stand_shares = true;
	int code = server_stand_open(state);
	puppet = (struct puppet){.loop = ((struct server_stand *)*state)->loop};
	return code;
}

static int shared_close(void **state)
{
	puppet_hang_up_all(&puppet);
	return server_stand_close(state);
}

static struct puppet_line *dial(const struct server_stand *stand)
{
	return puppet_dial(&puppet, server_stand_port(stand));
}

static void hear(const struct server_stand *stand, const char *words)
{
	for (int64_t until = loop_now_ms(stand->loop) + 5000; !strstr(puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until)
			assert_string_equal(puppet.heard, words);
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
	}
}

static void data(struct puppet_line *line, int32_t id, const char *bytes)
{
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, bytes, strlen(bytes));
}

static void turn_for(const struct server_stand *stand, int64_t ms)
{
	for (int64_t until = loop_now_ms(stand->loop) + ms; loop_now_ms(stand->loop) < until;)
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
}

static void pieces(struct puppet_line *line, int32_t id, int count, bool is_end)
{
	static const char piece[PIECE_BYTES];
	for (int i = 1; i <= count; i++)
		puppet_frame(line, FRAME_DATA, is_end && i == count ? FLAG_END_STREAM : 0, id, piece, sizeof piece);
}

static void a_body_that_is_announced_is_asked_for(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEADERS("POST", "/x"), "content-length", "5", WAITS, NULL);
	hear(stand, "1 :status: 100\n");
	assert_string_equal(puppet.heard, "1 :status: 100\n");
	data(line, 1, "hello");
	hear(stand, "1 data 5\n1 end\n");
	assert_string_equal(stand->last, "POST /x hello");
	assert_string_equal(strstr(puppet.heard, ":status: 2"), strstr(puppet.heard, ":status: 200\n"));
	puppet_headers(line, 3, 0, HEADERS("POST", "/y"), "expect", "100-Continue", NULL); /* of any length, in any case */
	hear(stand, "3 :status: 100\n");
	data(line, 3, "pieces");
	hear(stand, "3 data 6\n3 end\n");
	assert_string_equal(stand->last, "POST /y pieces");
}

static void an_answer_in_pieces_may_follow(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEADERS("POST", "/pieces"), WAITS, NULL);
	hear(stand, "1 :status: 100\n");
	data(line, 1, "x");
	hear(stand, "1 :status: 200\n");
	assert_true(http_server_send(stand->waiting, TEXT("one")));
	hear(stand, "1 data 3\n");
	assert_true(http_server_send(stand->waiting, TEXT("three")));
	hear(stand, "1 data 5\n");
	http_server_end(stand->waiting);
	hear(stand, "1 end\n");
	assert_null(strstr(strstr(puppet.heard, ":status: 200"), ":status: 100"));
}

static void what_is_refused_is_not_asked_for(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEADERS("POST", "/x"), "content-length", "9000000", WAITS, NULL);
	hear(stand, "1 :status: 413\n");
	puppet_headers(line, 3, 0, HEADERS("POST", "/refused"), "content-length", "4", WAITS, NULL);
	hear(stand, "3 :status: 401\n");
	puppet_headers(line, 5, 0, HEADERS("POST", "/x"), "expect", "something else", NULL);
	hear(stand, "5 :status: 417\n");
	assert_null(strstr(puppet.heard, ":status: 100"));
}

static void a_request_without_a_body_is_answered_at_once(void **state)
{
	struct server_stand *stand = *state;
	puppet_headers(dial(stand), 1, FLAG_END_STREAM, HEADERS("GET", "/short"), WAITS, NULL);
	hear(stand, "1 end\n");
	assert_string_equal(stand->last, "GET /short ");
	assert_null(strstr(puppet.heard, ":status: 100"));
}

static void others_with_the_connection_are_answered_meanwhile(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEADERS("POST", "/x"), WAITS, NULL);
	hear(stand, "1 :status: 100\n");
	puppet_headers(line, 3, FLAG_END_STREAM, HEADERS("GET", "/short"), NULL);
	hear(stand, "3 end\n");
	puppet_number(line, FRAME_RESET, 1, 8); /* CANCEL */
	puppet_headers(line, 5, FLAG_END_STREAM, HEADERS("GET", "/short"), NULL);
	hear(stand, "5 end\n");
	assert_int_equal(stand->calls, 2);
}

/* ---- after the answer ---- */

static void a_long_body_may_end_after_its_refusal(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEADERS("POST", "/refused"), "content-length", "160000", NULL);
	hear(stand, "1 :status: 401\n");
	hear(stand, "1 end\n");
	pieces(line, 1, 10, true);
	puppet_headers(line, 3, 0, HEADERS("POST", "/refused"), NULL); /* of any length */
	pieces(line, 3, 1, false);
	hear(stand, "3 end\n");
	turn_for(stand, 100);
	pieces(line, 3, 9, true);
	puppet_headers(line, 5, FLAG_END_STREAM, HEADERS("GET", "/short"), NULL);
	hear(stand, "5 end\n");
	assert_null(strstr(puppet.heard, "reset"));
	assert_int_equal(stand->calls, 1);
}

static void a_body_without_an_end_is_not_waited_for(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEADERS("POST", "/refused"), NULL);
	pieces(line, 1, 2, false);
	hear(stand, "1 end\n");
	puppet_headers(line, 3, 0, HEADERS("POST", "/refused"), "content-length", "100000000", NULL);
	hear(stand, "3 reset 0\n"); /* too much to be waited for */
	assert_null(strstr(puppet.heard, "1 reset"));
	hear(stand, "1 reset 0\n");
}

#define SHARED(name) cmocka_unit_test_setup_teardown(name, shared_open, shared_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARED(a_body_that_is_announced_is_asked_for),
		SHARED(an_answer_in_pieces_may_follow),
		SHARED(what_is_refused_is_not_asked_for),
		SHARED(a_request_without_a_body_is_answered_at_once),
		SHARED(others_with_the_connection_are_answered_meanwhile),
		SHARED(a_long_body_may_end_after_its_refusal),
		SHARED(a_body_without_an_end_is_not_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
