/* A door for HTTP, and callers good and bad that knock at it by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http/gzip.h"
#include "tests/unit/server_stand.h"

static void requests_on_one_connection_are_answered_in_their_order(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	assert_non_null(strstr(guest_ask(&caller, GET("/a"), "/a"), "HTTP/1.1 200"));
	assert_string_equal(stand->last, "GET /a ");
	assert_non_null(guest_ask(&caller, POST("/b", "Content-Length: 4\r\n", "body"), "\r\n\r\nbody"));
	assert_string_equal(stand->last, "POST /b body");
	const char *both = guest_ask(&caller, GET("/first") GET("/second?with=query"), "/second");
	assert_non_null(both);
	assert_non_null(strstr(both, "/first"));
	guest_close(&caller);
}

static void an_answer_may_come_later_while_others_are_served(void **state)
{
	struct server_stand *stand = *state;
	struct guest patient = server_stand_call(stand), other = server_stand_call(stand);
	guest_say(&patient, POST("/later", "Content-Length: 2\r\n", "{}"));
	while (!stand->waiting)
		guest_turn(&patient);
	assert_non_null(guest_ask(&other, GET("/meanwhile"), "/meanwhile"));
	assert_false(http_incoming_is_over(stand->waiting));
	http_server_answer(stand->waiting, 503, "text/plain", TEXT("at last"), NULL, 0);
	const char *reply = guest_hear(&patient, "at last");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 503"));
	assert_non_null(guest_ask(&patient, GET("/again"), "/again"));
	guest_close(&patient);
	guest_close(&other);
}

static void a_caller_that_has_gone_is_seen_and_may_be_answered(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	guest_say(&caller, GET("/later"));
	while (!stand->waiting)
		guest_turn(&caller);
	guest_close(&caller);
	for (int64_t until_ms = loop_now_ms(stand->loop) + 5000; !http_incoming_is_over(stand->waiting);) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("too late"), NULL, 0);
	struct guest next = server_stand_call(stand);
	assert_non_null(guest_ask(&next, GET("/next"), "/next"));
	guest_close(&next);
}

static void a_body_may_come_in_pieces_and_without_a_length(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	guest_say(&caller, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Le");
	guest_turn(&caller);
	guest_say(&caller, "ngth: 6\r\n\r\nabc");
	guest_turn(&caller);
	assert_int_equal(stand->calls, 0);
	assert_non_null(guest_ask(&caller, "def", "abcdef"));
	guest_say(&caller, POST("/x", "Transfer-Encoding: chunked\r\n", "3\r\nuvw\r\n"));
	guest_turn(&caller);
	assert_non_null(guest_ask(&caller, "3\r\nxyz\r\n0\r\n\r\n", "uvwxyz"));
	guest_close(&caller);
}

/* Callers count their time from when they sent it, however long the body takes. */
static void the_age_of_a_request_counts_from_its_head(void **state)
{
	const int64_t body_ms = BODY_MS / 4;
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	guest_say(&caller, POST("/later", "Content-Length: 4\r\n", "bo"));
	while (stand->heads == 0)
		guest_turn(&caller);
	const int64_t head_ms = loop_now_ms(stand->loop);
	while (loop_now_ms(stand->loop) < head_ms + body_ms)
		guest_turn(&caller);
	guest_say(&caller, "dy");
	while (!stand->waiting)
		guest_turn(&caller);
	assert_int_equal(http_incoming_age_ms(stand->waiting), loop_now_ms(stand->loop) - head_ms);
	assert_true(http_incoming_age_ms(stand->waiting) >= body_ms);
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("done"), NULL, 0);
	guest_close(&caller);
}

static void a_request_may_be_turned_away_before_its_body_is_read(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	const char *reply = guest_ask(&caller, POST("/refused", "Content-Length: 9\r\n", ""), "not you");
	assert_non_null(strstr(reply, "HTTP/1.1 401"));
	assert_non_null(strstr(reply, "www-authenticate: Bearer"));
	assert_null(strstr(reply, "Connection: close"));
	guest_say(&caller, "its ");
	guest_turn(&caller);
	assert_non_null(guest_ask(&caller, "body." GET("/next"), "/next")); /* which is no request of its own */
	assert_non_null(guest_ask(&caller, POST("/refused", "Content-Length: 4\r\n", "body") GET("/then"), "/then"));
	assert_non_null(strstr(guest_ask(&caller, GET("/refused"), "not you"), "401"));
	assert_non_null(strstr(guest_ask(&caller, "HEAD /refused HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"), "401"));
	assert_int_equal(stand->calls, 2);
	assert_int_equal(stand->heads, 6);
	guest_close(&caller);
}

/* A refusal by the head that is compressed in a later turn: what follows waits, and is no more of that head. */
static void refusals_that_are_compressed_later_keep_the_order(void **state)
{
	enum { REFUSALS = 8, TURNS_MAX = 2000 };
	static const char refused[] = POST("/refused-at-length", "Accept-Encoding: gzip\r\nContent-Length: 9\r\n", "its\nbody.");
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	char heard[16384];
	size_t length = 0, found = 0;
	for (int i = 0; i < REFUSALS; i++)
		guest_say(&caller, refused);
	guest_say(&caller, GET("/then"));
	for (int turns = 0; turns < TURNS_MAX && (length < 5 || memcmp(heard + length - 5, "/then", 5) != 0); turns++) {
		guest_turn(&caller);
		const ssize_t now = recv(caller.socket, heard + length, sizeof heard - length, MSG_DONTWAIT);
		length += now > 0 ? (size_t)now : 0;
	}
	for (const char *at = heard; (at = memmem(at, length - (size_t)(at - heard), "HTTP/1.1 404", 12)); at++)
		found++;
	assert_int_equal(found, REFUSALS);
	assert_int_equal(stand->heads, REFUSALS + 1);
	assert_int_equal(stand->calls, 1);
	guest_close(&caller);
}

static void a_connection_ends_when_it_is_not_known_how_much_of_a_body_is_left(void **state)
{
	static const char *const heads[] = {POST("/refused", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"),
					    POST("/refused", "Content-Length: 65537\r\n", "abc"),
					    POST("/refused", "Content-Length: 4\r\nExpect: 100-continue\r\n", "")};
	struct server_stand *stand = *state;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct guest caller = server_stand_call(stand);
		const char *reply = guest_ask(&caller, heads[i], "");
		assert_non_null(reply);
		assert_memory_equal(reply, "HTTP/1.1 401", 12);
		assert_non_null(strstr(reply, "Connection: close"));
		assert_non_null(strstr(reply, "not you"));
		guest_close(&caller);
	}
	struct guest caller = server_stand_call(stand); /* the longest that is thrown away */
	const char *reply = guest_ask(&caller, POST("/refused", "Content-Length: 65536\r\n", "abc"), "not you");
	assert_null(strstr(reply, "Connection: close"));
	assert_string_equal(guest_hear(&caller, ""), ""); /* and does not come in time */
	guest_close(&caller);
	assert_int_equal(stand->calls, 0);
}

static void a_header_may_have_several_lines_and_a_caller_an_address(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	assert_non_null(guest_ask(&caller, "GET /once HTTP/1.1\r\nHost: x\r\nX-Twice: a\r\nx-twicer: b\r\n\r\n", "/once"));
	assert_non_null(guest_ask(&caller, "GET /two HTTP/1.1\r\nHost: x\r\nX-Twice: a\r\nx-twice: b\r\n\r\n", "not you"));
	assert_non_null(guest_ask(&caller, GET("/peer"), "1 from this machine, 0 of a certificate"));
	guest_close(&caller);
}

static void headers_go_both_ways(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	const char *reply = guest_ask(&caller, POST("/header", "X-MINE: gold\r\n", ""), "gold");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "x-said: much\r\n"));
	assert_non_null(strstr(reply, "Content-Type: text/plain\r\n"));
	guest_close(&caller);
}

static void a_body_can_be_cut_short_of_what_it_claims(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	const char *reply = guest_ask(&caller, GET("/cut"), "");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "Content-Length: 10\r\n"));
	assert_string_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\n0123");
	guest_close(&caller);
	caller = server_stand_call(stand);
	assert_non_null(guest_ask(&caller, GET("/cut-at-once"), ""));
	guest_close(&caller);
}

static void closing_lets_those_go_that_still_wait(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand), half = server_stand_call(stand);
	guest_say(&caller, GET("/later"));
	guest_say(&half, "POST /x HTTP/1.1\r\nContent-Len");
	while (!stand->waiting)
		guest_turn(&caller);
	http_server_close(stand->server);
	stand->server = NULL;
	char byte;
	assert_int_equal(recv(caller.socket, &byte, 1, 0), 0);
	assert_int_equal(recv(half.socket, &byte, 1, 0), 0);
	guest_close(&caller);
	guest_close(&half);
}

static void answers_leave_in_the_order_of_their_requests(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	guest_say(&caller, GET("/later") GET("/second") GET("/third"));
	while (!stand->waiting)
		guest_turn(&caller);
	guest_turn(&caller);
	assert_int_equal(stand->calls, 1); /* the others wait for it */
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("first"), NULL, 0);
	assert_int_equal(stand->calls, 1); /* nobody is called from within an answer */
	const char *replies = guest_hear(&caller, "/third");
	assert_non_null(replies);
	const char *first = strstr(replies, "first"), *second = strstr(replies, "/second");
	assert_true(first && second && first < second && second < strstr(replies, "/third"));
	guest_close(&caller);
}

static void more_requests_than_one_read_takes_are_all_answered(void **state)
{
	enum { REQUESTS = 3000 };
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	static const char request[] = GET("/some/longer/path/so/that/it/adds/up");
	char reply[4096];
	size_t sent = 0;
	while (stand->calls < REQUESTS || sent < REQUESTS * (sizeof request - 1)) {
		size_t at = sent % (sizeof request - 1);
		ssize_t now = sent < REQUESTS * (sizeof request - 1)
				      ? send(caller.socket, request + at, sizeof request - 1 - at, MSG_DONTWAIT)
				      : 0;
		sent += now > 0 ? (size_t)now : 0;
		if (now > 0 && sent % 65536 > sizeof request)
			continue;
		assert_true(loop_turn(stand->loop, 1, &(struct error){0}));
		while (recv(caller.socket, reply, sizeof reply, MSG_DONTWAIT) > 0)
			;
	}
	assert_int_equal(stand->calls, REQUESTS);
	guest_close(&caller);
}

static void an_answer_may_come_in_pieces(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	assert_non_null(guest_ask(&caller, GET("/pieces"), "\r\n\r\n"));
	assert_true(http_server_send(stand->waiting, TEXT("data: 1\n\n")));
	assert_non_null(guest_hear(&caller, "9\r\ndata: 1\n\n\r\n"));
	assert_true(http_server_send(stand->waiting, TEXT("")));
	assert_true(http_server_send(stand->waiting, TEXT("data: second\n\n")));
	http_server_end(stand->waiting);
	assert_non_null(guest_hear(&caller, "e\r\ndata: second\n\n\r\n0\r\n\r\n"));
	assert_non_null(guest_ask(&caller, GET("/next"), "/next"));
	guest_close(&caller);
}

static void more_may_come_in_pieces_than_may_wait(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	static char piece[1 << 16], room[1 << 17];
	memset(piece, 'x', sizeof piece);
	assert_non_null(guest_ask(&caller, GET("/pieces"), "\r\n\r\n"));
	for (size_t sent = 0; sent < 4 * HTTP_BACKLOG_BYTES_MAX; sent += sizeof piece) {
		assert_true(http_server_send(stand->waiting, (struct text){piece, sizeof piece}));
		assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
		while (recv(caller.socket, room, sizeof room, MSG_DONTWAIT) > 0)
			;
	}
	http_server_end(stand->waiting);
	bool has_ended = false;
	for (int i = 0; i < 500 && !has_ended; i++) {
		ssize_t got = recv(caller.socket, room, sizeof room, MSG_DONTWAIT);
		has_ended = got >= 5 && memcmp(room + got - 5, "0\r\n\r\n", 5) == 0;
		guest_turn(&caller);
	}
	assert_true(has_ended);
	guest_close(&caller);
}

static void pieces_for_an_old_client_end_with_its_connection(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	guest_say(&caller, "GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	while (!stand->waiting)
		guest_turn(&caller);
	assert_true(http_server_send(stand->waiting, TEXT("one")));
	assert_true(http_server_send(stand->waiting, TEXT("two")));
	http_server_end(stand->waiting);
	const char *reply = guest_hear(&caller, "");
	assert_non_null(reply);
	assert_null(strstr(reply, "Transfer-Encoding"));
	assert_null(strstr(reply, "Content-Length"));
	assert_string_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\nonetwo");
	guest_close(&caller);
}

static void a_caller_that_leaves_amid_pieces_is_seen(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	assert_non_null(guest_ask(&caller, GET("/pieces"), "\r\n\r\n"));
	guest_close(&caller);
	for (int i = 0; i < 5 && http_server_send(stand->waiting, TEXT("x")); i++)
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
	assert_false(http_server_send(stand->waiting, TEXT("x")));
	http_server_end(stand->waiting);
}

static void head_has_the_length_and_not_the_body(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	const char *reply = guest_ask(&caller, "HEAD /path HTTP/1.1\r\nHost: x\r\n\r\n" GET("/behind"), "/behind");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "Content-Length: 5\r\n"));
	assert_non_null(strstr(reply, "\r\n\r\nHTTP/1.1 200")); /* no body between */
	guest_close(&caller);
}

static void an_answer_without_a_body_has_no_length(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	const char *reply = guest_ask(&caller, GET("/empty") GET("/behind"), "/behind");
	assert_non_null(reply);
	assert_int_equal(strncmp(reply, "HTTP/1.1 204 No Content\r\nDate: ", 31), 0);
	const char *end = strstr(reply, "\r\n\r\n");
	assert_int_equal(strncmp(end, "\r\n\r\nHTTP/1.1 200", 16), 0);
	assert_true(strstr(reply, "Content-Length") > end);
	guest_close(&caller);
}

static void the_query_is_apart_from_the_path(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	assert_non_null(guest_ask(&caller, GET("/query?a=1&b=%20"), "\r\n\r\na=1&b=%20"));
	assert_string_equal(stand->last, "GET /query ");
	guest_close(&caller);
}

static void a_long_answer_arrives_whole(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	static char answer[8 << 20], room[1 << 16];
	size_t came = 0;
	memset(answer, 'x', sizeof answer);
	answer[sizeof answer - 1] = '!';
	guest_say(&caller, GET("/later"));
	while (!stand->waiting)
		guest_turn(&caller);
	http_server_answer(stand->waiting, 200, "text/plain", (struct text){answer, sizeof answer}, NULL, 0);
	for (char last = 0; last != '!'; came += 0) {
		ssize_t got = recv(caller.socket, room, sizeof room, MSG_DONTWAIT);
		assert_true(got != 0);
		if (got > 0) {
			came += (size_t)got;
			last = room[got - 1];
		} else {
			guest_turn(&caller);
		}
	}
	assert_true(came > sizeof answer && came < sizeof answer + 300);
	assert_non_null(guest_ask(&caller, GET("/next"), "/next"));
	guest_close(&caller);
}

/* The answer of that length, and with that header, to a request with that head. */
static const char *answer_of(struct server_stand *stand, const char *head, size_t length, const struct http_answer_header *header)
{
	static char answer[GZIP_BYTES_MAX + 1], reply[2 * GZIP_BYTES_MAX];
	struct guest caller = server_stand_call(stand);
	size_t came = 0;
	memset(answer, 'x', sizeof answer);
	stand->waiting = NULL;
	guest_say(&caller, head);
	while (!stand->waiting)
		guest_turn(&caller);
	http_server_answer(stand->waiting, 200, "text/plain", (struct text){answer, length}, header, header != NULL);
	for (size_t all = sizeof reply; came < all;) {
		ssize_t got = recv(caller.socket, reply + came, sizeof reply - 1 - came, MSG_DONTWAIT);
		assert_true(got != 0);
		came += got > 0 ? (size_t)got : 0;
		reply[came] = '\0';
		const char *end = strstr(reply, "\r\n\r\n");
		if (end)
			all = (size_t)(end - reply) + 4 +
			      (*head == 'H' ? 0 : (size_t)strtoul(strstr(reply, "Content-Length: ") + 16, NULL, 10));
		if (got < 0)
			guest_turn(&caller);
	}
	guest_close(&caller);
	return reply;
}

#define ACCEPTS(coding) "GET /later HTTP/1.1\r\nHost: x\r\nAccept-Encoding: " coding "\r\n\r\n"

static void a_long_answer_is_compressed_for_callers_that_accept_it(void **state)
{
	struct server_stand *stand = *state;
	static const struct http_answer_header coded = {"Content-Encoding", "br"};
	static const struct {
		const char *head;
		size_t length;
		const struct http_answer_header *header;
		bool packed, varies;
	} rows[] = {{ACCEPTS("gzip"), GZIP_BYTES_LEAST, NULL, true, true},
		    {ACCEPTS("br"), GZIP_BYTES_LEAST, NULL, false, true},
		    {ACCEPTS("br\r\nAccept-Encoding: gzip"), GZIP_BYTES_MAX, NULL, true, true},
		    {GET("/later"), GZIP_BYTES_LEAST, NULL, false, true},
		    {ACCEPTS("gzip;q=0"), GZIP_BYTES_LEAST, NULL, false, true},
		    {ACCEPTS("gzip"), GZIP_BYTES_LEAST - 1, NULL, false, false},
		    {ACCEPTS("gzip"), GZIP_BYTES_MAX + 1, NULL, false, false},
		    {ACCEPTS("gzip"), GZIP_BYTES_LEAST, &coded, false, false},
		    {"HEAD /later HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n", GZIP_BYTES_LEAST, NULL, true, true}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *reply = answer_of(stand, rows[i].head, rows[i].length, rows[i].header);
		if (!strstr(reply, "Content-Encoding: gzip\r\n") == rows[i].packed ||
		    !strstr(reply, "Vary: Accept-Encoding\r\n") == rows[i].varies ||
		    (strtoul(strstr(reply, "Content-Length: ") + 16, NULL, 10) < rows[i].length) != rows[i].packed)
			fail_msg("row %zu: %.300s", i, reply);
		if (rows[i].packed && *rows[i].head == 'G')
			assert_memory_equal(strstr(reply, "\r\n\r\n") + 4, "\x1f\x8b", 2);
	}
}

static void an_old_client_is_served(void **state)
{
	struct server_stand *stand = *state;
	struct guest caller = server_stand_call(stand);
	const char *reply = guest_ask(&caller, "GET /old HTTP/1.0\r\n\r\n", "");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "Connection: close\r\n"));
	guest_close(&caller);
	caller = server_stand_call(stand);
	reply = guest_ask(&caller, "GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "/old");
	assert_non_null(strstr(reply, "Connection: keep-alive\r\n"));
	assert_non_null(guest_ask(&caller, "GET /again HTTP/1.0\r\n\r\n", "/again"));
	guest_close(&caller);
}

static void draining_closes_behind_the_last_answer(void **state)
{
	struct server_stand *stand = *state;
	struct guest idle = server_stand_call(stand), busy = server_stand_call(stand), half = server_stand_call(stand);
	assert_non_null(guest_ask(&idle, GET("/a"), "/a"));
	guest_say(&busy, GET("/later"));
	guest_say(&half, "GET /half HTTP/1.1\r\n");
	while (!stand->waiting)
		guest_turn(&busy);
	assert_false(http_server_drain(stand->server));
	const char *reply = guest_hear(&idle, "");
	assert_non_null(reply);
	assert_string_equal(reply, "");
	reply = guest_ask(&half, "Host: x\r\n\r\n", "/half");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "Connection: close\r\n"));
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("the last"), NULL, 0);
	reply = guest_hear(&busy, "");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "Connection: close\r\n"));
	assert_non_null(strstr(reply, "the last"));
	guest_close(&idle);
	guest_close(&busy);
	guest_close(&half);
	for (int i = 0; i < 20 && !http_server_drain(stand->server); i++)
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
	assert_true(http_server_drain(stand->server));
}

static void a_port_that_is_taken_is_named(void **state)
{
	struct server_stand *stand = *state;
	struct error error = {0};
	const struct http_server_config config = {
		.port = server_stand_port(stand), .connections = 1, .body_bytes = 1};
	char address[32];
	snprintf(address, sizeof address, "127.0.0.1:%d", config.port);
	assert_null(http_server_open(stand->loop, &config, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, address));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, server_stand_open, server_stand_close)
	const struct CMUnitTest tests[] = {
		TEST(requests_on_one_connection_are_answered_in_their_order),
		TEST(an_answer_may_come_later_while_others_are_served),
		TEST(a_caller_that_has_gone_is_seen_and_may_be_answered),
		TEST(a_body_may_come_in_pieces_and_without_a_length),
		TEST(the_age_of_a_request_counts_from_its_head),
		TEST(a_request_may_be_turned_away_before_its_body_is_read),
		TEST(refusals_that_are_compressed_later_keep_the_order),
		TEST(a_connection_ends_when_it_is_not_known_how_much_of_a_body_is_left),
		TEST(a_header_may_have_several_lines_and_a_caller_an_address),
		TEST(headers_go_both_ways),
		TEST(a_body_can_be_cut_short_of_what_it_claims),
		TEST(closing_lets_those_go_that_still_wait),
		TEST(answers_leave_in_the_order_of_their_requests),
		TEST(more_requests_than_one_read_takes_are_all_answered),
		TEST(an_answer_may_come_in_pieces),
		TEST(more_may_come_in_pieces_than_may_wait),
		TEST(pieces_for_an_old_client_end_with_its_connection),
		TEST(a_caller_that_leaves_amid_pieces_is_seen),
		TEST(head_has_the_length_and_not_the_body),
		TEST(an_answer_without_a_body_has_no_length),
		TEST(the_query_is_apart_from_the_path),
		TEST(a_long_answer_arrives_whole),
		TEST(a_long_answer_is_compressed_for_callers_that_accept_it),
		TEST(an_old_client_is_served),
		TEST(draining_closes_behind_the_last_answer),
		TEST(a_port_that_is_taken_is_named),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	server_stand_shares = true;
	return failed + cmocka_run_group_tests_name("at a port that is shared", tests, NULL, NULL);
}
