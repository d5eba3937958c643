/* shared_port_test.c: Tests of requests of HTTP over HTTP/2, at the port that a gRPC server shares with an HTTP server: they are
 * served, limited and refused as those over HTTP/1.1. That port's other tests are those of both servers, which run there too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "net/grpc/frame_debt.h"
#include "net/http/http_head.h"
#include "tests/unit/server_stand.h"
#include "tests/unit/puppet.h"

#define HEADERS(method, path) ":method", method, ":scheme", "http", ":path", path, ":authority", "us"

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

static void turn_for(const struct server_stand *stand, int64_t ms)
{
	for (int64_t until = loop_now_ms(stand->loop) + ms; loop_now_ms(stand->loop) < until;)
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
}

static void hear(const struct server_stand *stand, const char *words)
{
	for (int64_t until = loop_now_ms(stand->loop) + 5000; !strstr(puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until)
			assert_string_equal(puppet.heard, words);
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
	}
}

static void hear_and_forget(const struct server_stand *stand, const char *words)
{
	hear(stand, words);
	puppet.heard[0] = '\0';
}

static void get(struct puppet_line *line, int32_t id, const char *path)
{
	puppet_headers(line, id, FLAG_END_STREAM, HEADERS("GET", path), NULL);
}

static void data(struct puppet_line *line, int32_t id, const char *bytes, bool is_end)
{
	puppet_frame(line, FRAME_DATA, is_end ? FLAG_END_STREAM : 0, id, bytes, strlen(bytes));
}

/* ---- requests and answers ---- */

static void a_request_is_answered(void **state)
{
	struct server_stand *stand = *state;
	get(dial(stand), 1, "/a%20path?query");
	hear(stand, "1 end\n");
	assert_string_equal(stand->last, "GET /a path ");
	assert_non_null(strstr(puppet.heard, "1 :status: 200\n"));
	assert_non_null(strstr(puppet.heard, "1 content-type: text/plain\n"));
	assert_non_null(strstr(puppet.heard, "1 content-length: 7\n1 data 7\n1 end\n"));
	assert_null(strstr(puppet.heard, "connection"));
}

static void a_body_comes_with_and_without_a_length(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEADERS("POST", "/x"), "content-length", "11", NULL);
	data(line, 1, "of a length", true);
	hear(stand, "1 data 11\n1 end\n");
	assert_string_equal(stand->last, "POST /x of a length");
	puppet_headers(line, 3, 0, HEADERS("PUT", "/y"), NULL);
	data(line, 3, "in ", false);
	data(line, 3, "", false);
	data(line, 3, "pieces", false);
	data(line, 3, "", true);
	hear(stand, "3 data 9\n3 end\n");
	assert_string_equal(stand->last, "PUT /y in pieces");
	puppet_headers(line, 5, FLAG_END_STREAM, HEADERS("POST", "/empty"), NULL);
	hear(stand, "5 :status: 204\n");
	hear(stand, "5 data 0\n5 end\n");
}

static void headers_go_both_ways(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, FLAG_END_STREAM, HEADERS("GET", "/header"), "x-mine", "yours", "te", "trailers", NULL);
	hear(stand, "1 data 5\n1 end\n");
	assert_non_null(strstr(puppet.heard, "1 x-said: much\n"));
	get(line, 3, "/peer");
	char words[40];
	(void)snprintf(words, sizeof words, "3 data %zu\n3 end\n", strlen("1 from this machine, 0 of a certificate"));
	hear(stand, words);
}

static void head_has_the_length_and_not_the_body(void **state)
{
	struct server_stand *stand = *state;
	puppet_headers(dial(stand), 1, FLAG_END_STREAM, HEADERS("HEAD", "/short"), NULL);
	hear(stand, "1 content-length: 6\n1 data 0\n1 end\n");
	assert_string_equal(stand->last, "GET /short ");
}

static void calls_and_requests_share_a_connection(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	get(line, 1, "/later");
	puppet_headers(line, 3, 0, HEADERS("POST", "/any"), "te", "trailers", "content-type", "application/grpc", NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 3, "\0\0\0\0\5hello", 10);
	hear(stand, "3 grpc-status: 0\n3 end\n");
	assert_null(strstr(puppet.heard, "1 "));
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("late"), NULL, 0);
	hear(stand, "1 data 4\n1 end\n");
}

static void an_answer_may_come_in_pieces(void **state)
{
	struct server_stand *stand = *state;
	get(dial(stand), 1, "/pieces");
	hear(stand, "1 content-type: text/event-stream\n");
	assert_true(http_server_send(stand->waiting, TEXT("one")));
	hear(stand, "1 data 3\n");
	assert_true(http_server_send(stand->waiting, TEXT("three")));
	hear(stand, "1 data 5\n");
	assert_null(strstr(puppet.heard, "1 end"));
	http_server_end(stand->waiting);
	hear(stand, "1 end\n");
	assert_null(strstr(puppet.heard, "content-length"));
}

/* ---- refusals, as over HTTP/1.1 ---- */

static void what_http_refuses_is_refused_here(void **state)
{
	static const struct {
		const char *path, *name, *value, *status;
	} rows[] = {
		{"/refused", "x", "y", "1 www-authenticate: Bearer\n"},
		{"/refused", "x", "y", "1 :status: 401\n"},
		{"/x", "host", "others", "1 :status: 400\n"},
		{"/x%00", "x", "y", "1 :status: 400\n"},
		{"x", "x", "y", "1 end\n"},
	};
	struct server_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct puppet_line *line = dial(stand);
		puppet_headers(line, 1, FLAG_END_STREAM, HEADERS("GET", rows[i].path), rows[i].name, rows[i].value, NULL);
		if (i + 1 < sizeof rows / sizeof *rows)
			hear(stand, rows[i].status);
		turn_for(stand, 30);
		assert_int_equal(stand->calls, 0);
		puppet_hang_up_all(&puppet);
		puppet = (struct puppet){.loop = stand->loop};
	}
}

static char *path_of(size_t bytes)
{
	static char path[HTTP_TARGET_BYTES_MAX + 2];
	memset(path, 'p', sizeof path);
	path[0] = '/';
	path[bytes] = '\0';
	return path;
}

/* One limit holds for both protocols, and for calls of gRPC. */
static void a_path_beyond_the_limit_is_refused(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	get(line, 1, path_of(HTTP_TARGET_BYTES_MAX));
	hear_and_forget(stand, "1 data 8192\n1 end\n");
	get(line, 3, path_of(HTTP_TARGET_BYTES_MAX + 1));
	hear(stand, "3 :status: 414\n3 content-type: application/json\n3 content-length: 140\n3 x-request-id: ");
	hear_and_forget(stand, "3 data 140\n3 end\n");
	for (int more = 0; more < 2; more++) {
		const int32_t id = 5 + 2 * more;
		char words[40];
		puppet_headers(line, id, 0, HEADERS("POST", path_of(HTTP_TARGET_BYTES_MAX + (size_t)more)), "content-type",
			       "application/grpc", NULL);
		puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, "\0\0\0\0\5hello", 10);
		(void)snprintf(words, sizeof words, "%d grpc-status: %d\n", id, more ? 8 : 0);
		hear_and_forget(stand, words);
	}
}

static void headers_beyond_the_limit_are_refused(void **state)
{
	static char value[HTTP_TARGET_BYTES_MAX];
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	memset(value, 'v', sizeof value - 1);
	puppet_headers(line, 1, FLAG_END_STREAM, HEADERS("GET", "/x"), "a", value, "b", value, "c", value, NULL);
	hear_and_forget(stand, "1 data 2\n1 end\n");
	puppet_headers(line, 3, FLAG_END_STREAM, HEADERS("GET", "/x"), "a", value, "b", value, "c", value, "d", value, NULL);
	hear(stand, "3 :status: 431\n");
	hear(stand, "3 data 122\n3 end\n");
	assert_int_equal(stand->calls, 1);
}

static void too_long_a_body_is_refused(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	static char body[BODY_BYTES_MAX + 2];
	memset(body, 'x', sizeof body - 1);
	puppet_headers(line, 1, 0, HEADERS("POST", "/x"), "content-length", "1001", NULL);
	data(line, 1, body, true);
	hear_and_forget(stand, "1 :status: 413\n");
	puppet_headers(line, 3, 0, HEADERS("POST", "/x"), NULL);
	data(line, 3, body, false);
	hear(stand, "3 :status: 413\n"); /* before its end */
	assert_int_equal(stand->calls, 0);
	get(line, 5, "/short");
	hear(stand, "5 data 6\n5 end\n");
}

/* Some clients end a request by a frame of its own, and fail if its stream was reset before that (httpcore). */
static void an_answer_before_the_end_resets_no_short_request(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEADERS("POST", "/x"), "content-length", "4", NULL);
	data(line, 1, "body", false);
	hear(stand, "1 data 4\n1 end\n");
	turn_for(stand, 100);
	data(line, 1, "", true);
	puppet_headers(line, 3, 0, HEADERS("POST", "/x"), "content-length", "4", NULL);
	data(line, 3, "body", false);
	hear(stand, "3 data 4\n3 end\n");
	assert_null(strstr(puppet.heard, "reset"));
	puppet_headers(line, 5, 0, HEADERS("POST", "/x"), "content-length", "100000000", NULL); /* too much to wait for */
	hear(stand, "5 :status: 413\n");
	hear(stand, "5 reset 0\n");
	assert_null(strstr(puppet.heard, "3 reset"));
	hear(stand, "3 reset 0\n"); /* its end never comes */
	assert_null(strstr(puppet.heard, "1 reset"));
	get(line, 7, "/short");
	hear(stand, "7 data 6\n7 end\n");
}

static void a_body_that_never_ends_is_answered_408(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	int64_t began_ms = loop_now_ms(stand->loop);
	puppet_headers(line, 1, 0, HEADERS("POST", "/x"), NULL);
	data(line, 1, "some", false);
	hear(stand, "1 :status: 408\n");
	assert_in_range(loop_now_ms(stand->loop) - began_ms, BODY_MS - 50, BODY_MS + 2000);
	assert_int_equal(stand->calls, 0);
}

/* ---- callers that leave ---- */

static void a_caller_that_resets_is_seen_and_may_be_answered(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	get(line, 1, "/later");
	turn_for(stand, 50);
	assert_false(http_incoming_is_over(stand->waiting));
	puppet_number(line, FRAME_RESET, 1, 8);
	turn_for(stand, 50);
	assert_true(http_incoming_is_over(stand->waiting));
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("late"), NULL, 0);
	get(line, 3, "/short");
	hear(stand, "3 data 6\n3 end\n");
	assert_null(strstr(puppet.heard, "1 :status"));
}

static void a_caller_that_hangs_up_is_seen_and_may_be_answered(void **state)
{
	struct server_stand *stand = *state;
	get(dial(stand), 1, "/pieces");
	hear(stand, "1 :status: 200\n");
	assert_true(http_server_send(stand->waiting, TEXT("one")));
	puppet_hang_up_all(&puppet);
	turn_for(stand, 50);
	assert_true(http_incoming_is_over(stand->waiting));
	assert_false(http_server_send(stand->waiting, TEXT("two")));
	http_server_end(stand->waiting);
	turn_for(stand, 20);
}

static void a_caller_that_asks_and_resets_without_end_is_refused(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	for (int32_t id = 1; id <= 2 * 50; id += 2) {
		get(line, id, "/later");
		puppet_number(line, FRAME_RESET, id, 8);
	}
	turn_for(stand, 50);
	assert_in_range(stand->calls, FRONT_STREAMS, 2 * FRONT_STREAMS);
	get(dial(stand), 1, "/short"); /* of another connection */
	hear(stand, "1 data 6\n1 end\n");
}

static void others_are_served(struct server_stand *stand)
{
	get(dial(stand), 1, "/short");
	hear_and_forget(stand, "1 data 6\n1 end\n");
}

/* A header of 4,000 bytes that the table remembers, and then by one byte each time: 40,000, and 400,000 bytes. */
static void few_bytes_that_come_to_many_headers_are_refused(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	unsigned char head[4200] = {0x82, 0x86, 0x84, 0x01, 2, 'u', 's', 0x40, 1, 'a', 127, 4000 - 127 - 128 * 30 + 128, 30};
	const size_t length = 13 + 4000;
	memset(head + 13, 'v', 4000);
	puppet_frame(line, FRAME_HEADERS, FLAG_END_STREAM | FLAG_END_HEADERS, 1, head, length);
	hear_and_forget(stand, "1 end\n");
	assert_int_equal(stand->calls, 1);
	memset(head + 7, 0x80 | 62, 100);
	puppet_frame(line, FRAME_HEADERS, FLAG_END_STREAM | FLAG_END_HEADERS, 3, head, 7 + 10);
	hear(stand, "3 :status: 431\n");
	hear_and_forget(stand, "3 end\n");
	puppet_frame(line, FRAME_HEADERS, FLAG_END_STREAM | FLAG_END_HEADERS, 5, head, 7 + 100);
	hear(stand, "5 :status: 431\n");
	hear_and_forget(stand, "5 end\n");
	assert_int_equal(stand->calls, 1);
	others_are_served(stand);
}

/* Nothing is kept of them, and others are served meanwhile. */
static void floods_of_frames_harm_nobody(void **state)
{
	enum { FLOOD = 20000 };
	static const struct {
		int type;
		size_t length;
	} floods[] = {{FRAME_PING, 8}, {FRAME_SETTINGS, 0}, {FRAME_CONTINUATION, 0}, {FRAME_PRIORITY, 5}, {FRAME_WINDOW, 4}};
	struct server_stand *stand = *state;
	for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
		static const unsigned char payload[8] = {0, 0, 0, 1, 1};
		const int type = floods[i].type;
		const size_t length = floods[i].length;
		struct puppet_line *line = dial(stand);
		get(line, 1, "/short"); /* by its answer, settings have been exchanged */
		hear_and_forget(stand, "1 data 6\n1 end\n");
		if (type == FRAME_CONTINUATION)
			puppet_frame(line, FRAME_HEADERS, 0, 3, "\x82\x86\x84", 3);
		const size_t before_bytes = mallinfo2().uordblks;
		for (int frame = 0; frame < FLOOD && line->watch.descriptor >= 0; frame++) {
			const unsigned char id = type == FRAME_CONTINUATION || type == FRAME_PRIORITY ? 3 : 0;
			unsigned char bytes[9 + 8] = {0, 0, (unsigned char)length, (unsigned char)type, 0, 0, 0, 0, id};
			memcpy(bytes + 9, payload, length);
			if (send(line->watch.descriptor, bytes, 9 + length, MSG_NOSIGNAL) < 0)
				break; /* it was closed for that */
			if (frame % 100 == 0)
				turn_for(stand, 1);
			puppet.heard[0] = '\0';
		}
		assert_in_range(mallinfo2().uordblks, 0, before_bytes + (1 << 20));
		others_are_served(stand);
		puppet_hang_up_all(&puppet);
		puppet = (struct puppet){.loop = stand->loop};
	}
}

static void frames_send(const struct server_stand *stand, struct puppet_line *line, int type, size_t length, int count)
{
	static const unsigned char payload[8] = {0, 0, 0, 1, 1};
	const int32_t id = type == FRAME_PING || type == FRAME_SETTINGS || type == FRAME_WINDOW ? 0 : type == FRAME_RESET ? 1 : 3;
	for (int frame = 0; frame < count && line->watch.descriptor >= 0; frame++) {
		unsigned char bytes[9 + 8] = {0, 0, (unsigned char)length, (unsigned char)type, 0, 0, 0, 0, (unsigned char)id};
		memcpy(bytes + 9, payload, length);
		(void)send(line->watch.descriptor, bytes, 9 + length, MSG_NOSIGNAL);
		if (frame % 100 == 99)
			turn_for(stand, 1);
	}
}

/* A line that has answered the settings of the server: it would do so later, on a connection that was closed. */
static struct puppet_line *dial_and_ask(const struct server_stand *stand)
{
	struct puppet_line *line = dial(stand);
	get(line, 1, "/short");
	hear_and_forget(stand, "1 data 6\n1 end\n");
	return line;
}

static void flood(const struct server_stand *stand, int pings)
{
	frames_send(stand, dial_and_ask(stand), FRAME_PING, 8, pings);
	hear_and_forget(stand, "closed\n");
}

/* The budget of a connection is net/grpc/frame_budget.h. nghttp2 itself ends those of CONTINUATION sooner, without GOAWAY. */
static void a_flood_of_frames_ends_its_connection_and_no_other(void **state)
{
	static const struct {
		int type;
		size_t length;
	} floods[] = {{FRAME_PING, 8},	{FRAME_SETTINGS, 0}, {FRAME_PRIORITY, 5}, {FRAME_WINDOW, 4},
		      {FRAME_RESET, 4}, {FRAME_DATA, 0},     {200, 3}};
	struct server_stand *stand = *state;
	for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
		struct puppet_line *line = dial_and_ask(stand);
		if (floods[i].type == FRAME_DATA)
			puppet_headers(line, 3, 0, HEADERS("POST", "/x"), NULL);
		if (floods[i].type == FRAME_RESET)
			turn_for(stand, FRAME_BUDGET_RESET_MS); /* else each reset of the request takes more */
		frames_send(stand, line, floods[i].type, floods[i].length, (i == 0 ? FRAME_BUDGET_BURST : FRAME_DEBT_LEAST) - 20);
		turn_for(stand, 5);
		assert_true(line->watch.descriptor >= 0);
		frames_send(stand, line, floods[i].type, floods[i].length, 200);
		hear(stand, floods[i].type == FRAME_DATA ? "goaway 3 11\n" : "goaway 1 11\n");
		hear_and_forget(stand, "closed\n");
		assert_int_equal(grpc_server_counts(stand->front).flooded, i + 1);
		others_are_served(stand);
		puppet_hang_up_all(&puppet);
		puppet = (struct puppet){.loop = stand->loop};
	}
}

/* Those of its address begin with less, which is enough for all that ask. */
static void a_flood_uses_up_tokens_of_the_next_connections(void **state)
{
	enum { CALLERS = 64, REQUESTS = 50 };
	struct server_stand *stand = *state;
	flood(stand, FRAME_BUDGET_BURST + 100);
	flood(stand, FRAME_BUDGET_BURST / 2);
	assert_int_equal(grpc_server_counts(stand->front).flooded, 2);
	for (int caller = 0; caller < CALLERS; caller++) {
		struct puppet_line *line = dial(stand);
		for (int32_t id = 1; id < 2 * REQUESTS; id += 2) {
			puppet_frame(line, FRAME_PING, 0, 0, "12345678", 8);
			puppet_number(line, FRAME_WINDOW, 0, 6);
			get(line, id, "/short");
			puppet_number(line, FRAME_WINDOW, id, 6);
			hear_and_forget(stand, " data 6\n");
		}
		puppet_hang_up_all(&puppet);
		puppet = (struct puppet){.loop = stand->loop};
	}
	assert_int_equal(stand->calls, 2 + CALLERS * REQUESTS); /* the flooding ones asked too */
	assert_int_equal(grpc_server_counts(stand->front).flooded, 2);
}

/* It has not flooded, but the next one would have all tokens again. */
static void callers_that_leave_before_they_are_closed_owe_what_they_used(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial_and_ask(stand);
	frames_send(stand, line, FRAME_PING, 8, FRAME_BUDGET_BURST - 20);
	turn_for(stand, 5);
	assert_int_equal(grpc_server_counts(stand->front).flooded, 0);
	puppet_hang_up_all(&puppet);
	puppet = (struct puppet){.loop = stand->loop};
	turn_for(stand, 5);
	flood(stand, FRAME_BUDGET_BURST / 2);
	assert_int_equal(grpc_server_counts(stand->front).flooded, 1);
}

static void floods_of_connections_that_began_with_less_renew_the_debt(void **state)
{
	struct server_stand *stand = *state;
	flood(stand, FRAME_BUDGET_BURST + 100);
	struct puppet_line *line = dial_and_ask(stand);
	turn_for(stand, 1500); /* the debt decays, and the budget of this connection is filled */
	frames_send(stand, line, FRAME_PING, 8, 400);
	hear_and_forget(stand, "closed\n");
	flood(stand, 3 * FRAME_DEBT_LEAST);
	assert_int_equal(grpc_server_counts(stand->front).flooded, 3);
}

/* As callers do that measure the round trip with PING, and widen both windows for each answer. */
static void callers_that_ask_may_also_ping_and_widen_windows(void **state)
{
	enum { REQUESTS = 4 * FRAME_BUDGET_BURST };
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	for (int32_t id = 1; id < 2 * REQUESTS; id += 2) {
		puppet_frame(line, FRAME_PING, 0, 0, "12345678", 8);
		puppet_number(line, FRAME_WINDOW, 0, 6);
		get(line, id, "/short");
		puppet_number(line, FRAME_WINDOW, id, 6);
		hear_and_forget(stand, " data 6\n");
	}
	assert_int_equal(stand->calls, REQUESTS);
	assert_int_equal(puppet.goaways, 0);
}

static void callers_that_read_one_long_answer_may_also_ping_and_widen_windows(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	get(line, 1, "/pieces");
	hear_and_forget(stand, "1 :status: 200\n");
	turn_for(stand, 10);
	for (int piece = 0; piece < FRAME_BUDGET_BURST; piece++) {
		puppet.heard[0] = '\0';
		assert_true(http_server_send(stand->waiting, TEXT("x")));
		hear(stand, "1 data 1\n");
		puppet_frame(line, FRAME_PING, 0, 0, "12345678", 8);
		puppet_number(line, FRAME_WINDOW, 0, 1);
		puppet_number(line, FRAME_WINDOW, 1, 1);
	}
	assert_int_equal(puppet.goaways, 0);
	http_server_end(stand->waiting);
	hear(stand, "1 end\n");
}

static void pieces_that_nobody_reads_are_bounded(void **state)
{
	struct server_stand *stand = *state;
	static char piece[100000];
	size_t sent = 0;
	get(dial(stand), 1, "/pieces"); /* whose window is not opened again */
	hear(stand, "1 :status: 200\n");
	while (sent < ((size_t)1 << 30) && http_server_send(stand->waiting, (struct text){piece, sizeof piece}))
		sent += sizeof piece;
	assert_true(sent >= HTTP_BACKLOG_BYTES_MAX / 2 && sent < (size_t)1 << 30);
	turn_for(stand, 30);
	assert_false(http_server_send(stand->waiting, TEXT("x")));
	http_server_end(stand->waiting);
	hear(stand, "1 reset 2\n");
}

static void one_that_reads_no_answer_is_reset(void **state)
{
	struct server_stand *stand = *state;
	static char body[200000];
	memset(body, 'x', sizeof body);
	get(dial(stand), 1, "/later"); /* the window has 65,535 bytes */
	turn_for(stand, 30);
	http_server_answer(stand->waiting, 200, "text/plain", (struct text){body, sizeof body}, NULL, 0);
	hear(stand, "1 reset 2\n");
	assert_null(strstr(puppet.heard, "1 end"));
}

#define ALLOCATIONS 60

/* A failed one may cost the connection, of either version, and nothing else. */
static void every_allocation_may_fail(void **state)
{
	struct server_stand *stand = *state;
	for (uint64_t nth = 1; nth <= ALLOCATIONS; nth++) {
		struct puppet_line *line = dial(stand);
		struct guest caller = server_stand_call(stand);
		memory_fail_at(nth);
		get(line, 1, "/short");
		puppet_headers(line, 3, 0, HEADERS("POST", "/y"), NULL);
		data(line, 3, "pieces", true);
		guest_say(&caller, GET("/short"));
		turn_for(stand, 20);
		memory_fail_at(0);
		guest_close(&caller);
		puppet_hang_up_all(&puppet);
		turn_for(stand, 5);
		puppet = (struct puppet){.loop = stand->loop};
	}
	get(dial(stand), 1, "/short");
	hear(stand, "1 data 6\n1 end\n");
}

/* ---- the end of the server ---- */

static void draining_lets_what_came_be_answered(void **state)
{
	struct server_stand *stand = *state;
	get(dial(stand), 1, "/later");
	turn_for(stand, 30);
	assert_false(http_server_drain(stand->server));
	assert_false(grpc_server_drain(stand->front));
	turn_for(stand, 30);
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("late"), NULL, 0);
	hear(stand, "1 data 4\n1 end\n");
	turn_for(stand, 30);
	assert_true(http_server_drain(stand->server));
	assert_true(grpc_server_drain(stand->front));
}

static void closing_lets_those_go_that_still_wait(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	get(line, 1, "/later");
	get(line, 3, "/pieces");
	puppet_headers(line, 5, 0, HEADERS("POST", "/x"), NULL);
	turn_for(stand, 50);
	assert_int_equal(stand->calls, 2);
}

#define SHARED(name) cmocka_unit_test_setup_teardown(name, shared_open, shared_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARED(a_request_is_answered),
		SHARED(a_body_comes_with_and_without_a_length),
		SHARED(headers_go_both_ways),
		SHARED(head_has_the_length_and_not_the_body),
		SHARED(calls_and_requests_share_a_connection),
		SHARED(an_answer_may_come_in_pieces),
		SHARED(what_http_refuses_is_refused_here),
		SHARED(a_path_beyond_the_limit_is_refused),
		SHARED(headers_beyond_the_limit_are_refused),
		SHARED(too_long_a_body_is_refused),
		SHARED(an_answer_before_the_end_resets_no_short_request),
		SHARED(a_body_that_never_ends_is_answered_408),
		SHARED(a_caller_that_resets_is_seen_and_may_be_answered),
		SHARED(a_caller_that_hangs_up_is_seen_and_may_be_answered),
		SHARED(a_caller_that_asks_and_resets_without_end_is_refused),
		SHARED(few_bytes_that_come_to_many_headers_are_refused),
		SHARED(floods_of_frames_harm_nobody),
		SHARED(a_flood_of_frames_ends_its_connection_and_no_other),
		SHARED(a_flood_uses_up_tokens_of_the_next_connections),
		SHARED(callers_that_leave_before_they_are_closed_owe_what_they_used),
		SHARED(floods_of_connections_that_began_with_less_renew_the_debt),
		SHARED(callers_that_ask_may_also_ping_and_widen_windows),
		SHARED(callers_that_read_one_long_answer_may_also_ping_and_widen_windows),
		SHARED(pieces_that_nobody_reads_are_bounded),
		SHARED(one_that_reads_no_answer_is_reset),
		SHARED(every_allocation_may_fail),
		SHARED(draining_lets_what_came_be_answered),
		SHARED(closing_lets_those_go_that_still_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
