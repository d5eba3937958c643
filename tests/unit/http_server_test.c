/* A door for HTTP, and callers good and bad that knock at it by hand. */
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

#include "guest.h"
#include "net/http_server.h"

#define BODY_BYTES_MAX 1000
#define LAST_BYTES 256

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, headers, body) "POST " path " HTTP/1.1\r\nHost: x\r\n" headers "\r\n" body

struct stand {
	struct loop *loop;
	struct http_server *server;
	struct http_asked *waiting; /* of /later */
	int calls;
	char last[LAST_BYTES];
};

/* The paths say what is to be done. */
static void on_called(void *context, struct http_asked *asked, struct text method, struct text path, struct text body)
{
	struct stand *stand = context;
	stand->calls++;
	snprintf(stand->last, sizeof stand->last, TEXT_FORMAT " " TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGUMENTS(method),
		 TEXT_ARGUMENTS(path), TEXT_ARGUMENTS(body));
	const struct http_answer_header header = {"x-said", "much"};
	if (text_is(path, "/later"))
		stand->waiting = asked;
	else if (text_is(path, "/cut"))
		http_server_cut(asked, 200, "text/plain", TEXT("0123456789"), 4);
	else if (text_is(path, "/cut-at-once"))
		http_server_cut(asked, 200, "text/plain", TEXT("0123456789"), 0);
	else if (text_is(path, "/header"))
		http_server_answer(asked, 200, "text/plain", http_asked_header(asked, "x-mine"), &header, 1);
	else
		http_server_answer(asked, 200, "text/plain", body.length ? body : path, NULL, 0);
}

static int open_stand(void **state)
{
	static struct stand stand;
	struct error error = {0};
	memset(&stand, 0, sizeof stand);
	stand.loop = loop_open(&error);
	const struct http_server_config config = {
		.body_bytes = BODY_BYTES_MAX, .connections = 16, .called = on_called, .context = &stand};
	stand.server = http_server_open(stand.loop, &config, &error);
	assert_non_null(stand.server);
	*state = &stand;
	return 0;
}

static int close_stand(void **state)
{
	struct stand *stand = *state;
	http_server_close(stand->server);
	loop_close(stand->loop);
	return 0;
}

static struct guest knock(const struct stand *stand)
{
	return guest_open(stand->loop, http_server_port(stand->server));
}

static void requests_on_one_connection_are_answered_in_their_order(void **state)
{
	struct stand *stand = *state;
	struct guest caller = knock(stand);
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
	struct stand *stand = *state;
	struct guest patient = knock(stand), other = knock(stand);
	guest_say(&patient, POST("/later", "Content-Length: 2\r\n", "{}"));
	while (!stand->waiting)
		guest_turn(&patient);
	assert_non_null(guest_ask(&other, GET("/meanwhile"), "/meanwhile"));
	assert_false(http_asked_is_over(stand->waiting));
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
	struct stand *stand = *state;
	struct guest caller = knock(stand);
	guest_say(&caller, GET("/later"));
	while (!stand->waiting)
		guest_turn(&caller);
	guest_close(&caller);
	assert_true(http_asked_is_over(stand->waiting));
	http_server_answer(stand->waiting, 200, "text/plain", TEXT("too late"), NULL, 0);
	struct guest next = knock(stand);
	assert_non_null(guest_ask(&next, GET("/next"), "/next"));
	guest_close(&next);
}

static void a_body_may_come_in_pieces_and_without_a_length(void **state)
{
	struct stand *stand = *state;
	struct guest caller = knock(stand);
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

static void headers_go_both_ways(void **state)
{
	struct stand *stand = *state;
	struct guest caller = knock(stand);
	const char *reply = guest_ask(&caller, POST("/header", "X-MINE: gold\r\n", ""), "gold");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "x-said: much\r\n"));
	assert_non_null(strstr(reply, "Content-Type: text/plain\r\n"));
	guest_close(&caller);
}

static void too_long_a_body_is_refused_and_the_connection_goes_on(void **state)
{
	struct stand *stand = *state;
	struct guest caller = knock(stand);
	char body[BODY_BYTES_MAX + 2] = "";
	memset(body, 'x', BODY_BYTES_MAX + 1);
	guest_say(&caller, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
	const char *reply = guest_ask(&caller, body, "}");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 413"));
	assert_non_null(strstr(reply, "{\"error\":"));
	assert_int_equal(stand->calls, 0);
	assert_non_null(guest_ask(&caller, GET("/short"), "/short"));
	guest_close(&caller);
}

static void a_caller_that_asks_first_hears_at_once_that_its_body_is_too_long(void **state)
{
	struct stand *stand = *state;
	struct guest caller = knock(stand);
	const char *reply = guest_ask(&caller, POST("/x", "Content-Length: 2000\r\nExpect: 100-continue\r\n", ""), "}");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 413"));
	guest_close(&caller);
	caller = knock(stand);
	assert_non_null(guest_ask(&caller, POST("/x", "Content-Length: 2\r\nExpect: 100-continue\r\n", ""), "HTTP/1.1 100"));
	assert_non_null(guest_ask(&caller, "ok", "\r\n\r\nok"));
	guest_close(&caller);
}

static void callers_that_lie_or_talk_nonsense_harm_nobody(void **state)
{
	struct stand *stand = *state;
	static const char *const words[] = {POST("/x", "Content-Length: 500\r\n", "short"), "\x16\x03\x01 no HTTP at all\r\n\r\n",
					    POST("/x", "Content-Length: -1\r\n", "y"), POST("/x", "Content-Length: 1e3\r\n", "y"),
					    POST("/x", "Transfer-Encoding: chunked\r\n", "zzz\r\n")};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct guest caller = knock(stand);
		guest_say(&caller, words[i]);
		for (int j = 0; j < 3; j++)
			guest_turn(&caller);
		guest_close(&caller);
		for (int j = 0; j < 3; j++)
			guest_turn(&caller);
	}
	assert_int_equal(stand->calls, 0);
	struct guest caller = knock(stand);
	assert_non_null(guest_ask(&caller, GET("/well"), "/well"));
	guest_close(&caller);
}

static void a_body_can_be_cut_short_of_what_it_claims(void **state)
{
	struct stand *stand = *state;
	struct guest caller = knock(stand);
	const char *reply = guest_ask(&caller, GET("/cut"), "");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "Content-Length: 10\r\n"));
	assert_string_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\n0123");
	guest_close(&caller);
	caller = knock(stand);
	assert_non_null(guest_ask(&caller, GET("/cut-at-once"), ""));
	guest_close(&caller);
}

static void closing_lets_those_go_that_still_wait(void **state)
{
	struct stand *stand = *state;
	struct guest caller = knock(stand), half = knock(stand);
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

static void a_port_that_is_taken_is_named(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	const struct http_server_config config = {
		.port = http_server_port(stand->server), .connections = 1, .body_bytes = 1, .called = on_called};
	char address[32];
	snprintf(address, sizeof address, "127.0.0.1:%d", config.port);
	assert_null(http_server_open(stand->loop, &config, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, address));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stand, close_stand)
	const struct CMUnitTest tests[] = {
		TEST(requests_on_one_connection_are_answered_in_their_order),
		TEST(an_answer_may_come_later_while_others_are_served),
		TEST(a_caller_that_has_gone_is_seen_and_may_be_answered),
		TEST(a_body_may_come_in_pieces_and_without_a_length),
		TEST(headers_go_both_ways),
		TEST(too_long_a_body_is_refused_and_the_connection_goes_on),
		TEST(a_caller_that_asks_first_hears_at_once_that_its_body_is_too_long),
		TEST(callers_that_lie_or_talk_nonsense_harm_nobody),
		TEST(a_body_can_be_cut_short_of_what_it_claims),
		TEST(closing_lets_those_go_that_still_wait),
		TEST(a_port_that_is_taken_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
