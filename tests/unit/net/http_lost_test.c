/* The HTTP client where no answer comes: connections that end, answers that are none, silence, and
 * hosts that cannot be reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/http_stand.h"
#include "net/listen.h"

/* ---- connections that were closed behind their last answer ---- */

static void a_request_on_a_kept_connection_that_ends_first_is_sent_once_more(void **state)
{
	struct http_stand *stand = *state;
	for (int resets = 0; resets < 2; resets++) {
		struct guest guest = kept_connection(stand), another;
		struct asking *asked = http_stand_ask(stand, 1);
		assert_asked(&guest);
		if (resets)
			http_stand_reset(&guest);
		else
			guest_close(&guest);
		another = let_in(stand);
		answer_hello(&another);
		assert_hello(stand, asked);
		assert_nobody_knocks(stand);
		guest_close(&another);
		http_stand_turn(stand);
	}
}

static void but_not_twice(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = kept_connection(stand);
	struct asking *asked = http_stand_ask(stand, 1);
	assert_asked(&guest);
	guest_close(&guest);
	guest = let_in(stand);
	assert_asked(&guest);
	guest_close(&guest);
	assert_unanswered(stand, asked, HTTP_SENT, "gave no answer: the server closed the connection; see its log");
	assert_nobody_knocks(stand);
}

static void nor_where_no_memory_is_found_for_it(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = kept_connection(stand);
	struct asking *asked = http_stand_ask(stand, 1);
	assert_asked(&guest);
	guest_close(&guest);
	memory_fail_at(1);
	http_stand_await(stand, asked);
	memory_fail_at(0);
	assert_int_equal(asked->told, 1);
	assert_int_equal(asked->reply.error.kind, ERROR_SYSTEM);
	assert_int_equal(asked->reply.stage, HTTP_UNMET);
	assert_nobody_knocks(stand);
}

static void nor_when_a_byte_of_the_answer_has_come(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = kept_connection(stand);
	struct asking *asked = http_stand_ask(stand, 1);
	assert_asked(&guest);
	guest_say(&guest, "H");
	http_stand_turn(stand);
	guest_close(&guest);
	assert_unanswered(stand, asked, HTTP_SENT, "no HTTP");
	assert_nobody_knocks(stand);
}

static void on_a_new_connection_a_request_is_sent_once(void **state)
{
	struct http_stand *stand = *state;
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	assert_asked(&guest);
	http_stand_reset(&guest);
	assert_unanswered(stand, asked, HTTP_SENT, "gave no answer: Connection reset by peer; see its log");
	assert_nobody_knocks(stand);
}

/* ---- answers that are none ---- */

static void an_answer_that_breaks_off_has_begun(void **state)
{
	static const char *const rows[] = {OK, OK "Content-Length: 9\r\n\r\nhello", "HTTP/1.1 100 Continue\r\n\r\n",
					   OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"};
	struct http_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct asking *asked = http_stand_ask(stand, 0);
		struct guest guest = let_in(stand);
		assert_asked(&guest);
		guest_say(&guest, rows[i]);
		guest_close(&guest);
		assert_unanswered(stand, asked, HTTP_BEGUN, "gave no whole answer: it breaks off; see its log");
	}
}

/* The end in good order is the end of such a body; a reset is none. */
static void a_body_that_ends_with_a_reset_breaks_off(void **state)
{
	struct http_stand *stand = *state;
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	assert_asked(&guest);
	guest_say(&guest, "HTTP/1.0 200 OK\r\n\r\nhello");
	http_stand_turn(stand);
	http_stand_reset(&guest);
	assert_unanswered(stand, asked, HTTP_BEGUN, "Connection reset by peer");
	asked = http_stand_ask(stand, 0);
	guest = let_in(stand);
	assert_asked(&guest);
	guest_say(&guest, "HTTP/1.0 200 OK\r\n\r\nhello");
	guest_close(&guest);
	assert_hello(stand, asked);
}

static void an_answer_that_can_be_read_in_two_ways_is_refused(void **state)
{
	struct http_stand *stand = *state;
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	assert_asked(&guest);
	guest_say(&guest, OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello");
	assert_unanswered(stand, asked, HTTP_BEGUN, "gave no whole answer: it says two lengths");
	assert_string_equal(guest_hear(&guest, ""), "");
	guest_close(&guest);
}

static void who_speaks_another_protocol_is_not_waited_for(void **state)
{
	struct http_stand *stand = *state;
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	guest_say(&guest, "220 mail");
	assert_unanswered(stand, asked, HTTP_SENT, "answers with what is no HTTP; is the port the one of REST?");
	assert_string_equal(guest_hear(&guest, "GET") ? "" : "closed", ""); /* it had been sent */
	guest_close(&guest);
}

static void a_body_beyond_the_limit_is_told_the_limit(void **state)
{
	struct http_stand *stand = *state;
	stand->limits.reply_bytes = 5;
	struct guest guest = kept_connection(stand);
	struct asking *asked = http_stand_ask(stand, 1);
	assert_asked(&guest);
	guest_say(&guest, OK "Content-Length: 6\r\n\r\nhello!");
	http_stand_await(stand, asked);
	assert_int_equal(asked->reply.error.kind, ERROR_LIMIT);
	assert_non_null(strstr(asked->reply.error.text, "/x answered with more than 5 bytes, which is the limit"));
	guest_close(&guest);
}

/* ---- time ---- */

static void a_server_that_says_nothing_or_not_all_has_timed_out(void **state)
{
	struct http_stand *stand = *state;
	for (int begins = 0; begins < 2; begins++) {
		stand->asked[0].request.timeout_ms = 40;
		struct asking *asked = http_stand_ask(stand, 0);
		struct guest guest = let_in(stand);
		assert_asked(&guest);
		if (begins)
			guest_say(&guest, OK);
		assert_unanswered(stand, asked, begins ? HTTP_BEGUN : HTTP_SENT, "/x did not answer within 40 ms");
		assert_true(asked->reply.timed_out);
		assert_string_equal(guest_hear(&guest, ""), "");
		guest_close(&guest);
	}
}

/* A server of TLS that does not speak. */
static void a_connection_must_stand_in_its_time(void **state)
{
	struct http_stand *stand = *state;
	char url[64];
	snprintf(url, sizeof url, "https://127.0.0.1:%d/x", stand->port);
	stand->limits.connect_ms = 50;
	stand->asked[0].request.url = url;
	assert_unanswered(stand, http_stand_ask(stand, 0), HTTP_UNMET, "could not be reached: connecting took longer than 50 ms");
	assert_false(stand->asked[0].reply.timed_out);
	stand->asked[0].request.timeout_ms = 20;
	assert_unanswered(stand, http_stand_ask(stand, 0), HTTP_UNMET, "could not be reached: connecting took longer than 20 ms");
	assert_false(stand->asked[0].reply.timed_out);
}

/* ---- who cannot be reached ---- */

static void nobody_at_the_port_is_unmet(void **state)
{
	struct http_stand *stand = *state;
	close(stand->listener);
	assert_unanswered(stand, http_stand_ask(stand, 0), HTTP_UNMET, "/x could not be reached: Connection refused");
	stand->listener = listen_open(NULL, &stand->port, &(struct error){0});
}

static void a_name_that_is_none_is_unmet(void **state)
{
	struct http_stand *stand = *state;
	stand->asked[0].request.url = "http://user:secret@nowhere.invalid/x";
	assert_unanswered(stand, http_stand_ask(stand, 0), HTTP_UNMET, "http://nowhere.invalid/x could not be reached: ");
	assert_null(strstr(stand->asked[0].reply.error.text, "secret"));
}

static void an_address_that_is_none_is_unmet_and_says_why(void **state)
{
	struct http_stand *stand = *state;
	stand->asked[0].request.url = "http://h:99999/x";
	assert_unanswered(stand, http_stand_ask(stand, 0), HTTP_UNMET,
			  "the port `99999` of its URL is not a number from 1 to 65535");
}

static void a_header_with_the_end_of_a_line_is_refused(void **state)
{
	struct http_stand *stand = *state;
	struct error error = {0};
	stand->http = http_open(stand->loop, &stand->limits, &error);
	struct http_request request = {
		.url = stand->url, .headers = {"A: b\r\nC: d", NULL}, .timeout_ms = 1000, .done = http_stand_done};
	assert_false(http_start(stand->http, &request, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_nobody_knocks(stand);
}

/* Of which one may be of IPv6, where nobody listens. */
static void the_addresses_of_a_name_are_tried_in_turn(void **state)
{
	struct http_stand *stand = *state;
	char url[64];
	snprintf(url, sizeof url, "http://localhost:%d/x", stand->port);
	stand->asked[0].request.url = stand->asked[1].request.url = url;
	http_stand_ask(stand, 0);
	http_stand_ask(stand, 1); /* and looked up once */
	for (size_t i = 0; i < 2; i++) {
		struct guest guest = let_in(stand);
		answer_hello(&guest);
		guest_close(&guest);
	}
	assert_hello(stand, &stand->asked[0]);
	assert_hello(stand, &stand->asked[1]);
}

static void an_address_of_ipv6_stands_in_brackets(void **state)
{
	struct http_stand *stand = *state;
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char url[64], host[64];
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
		skip();
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	close(stand->listener);
	stand->listener = listener;
	snprintf(url, sizeof url, "http://[::1]:%d/x", ntohs(address.sin6_port));
	snprintf(host, sizeof host, "\r\nHost: [::1]:%d\r\n", ntohs(address.sin6_port));
	stand->asked[0].request.url = url;
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	assert_non_null(strstr(guest_hear(&guest, HEAD_ENDS), host));
	guest_say(&guest, HELLO);
	assert_hello(stand, asked);
	guest_close(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_request_on_a_kept_connection_that_ends_first_is_sent_once_more),
		STORY(but_not_twice),
		STORY(nor_where_no_memory_is_found_for_it),
		STORY(nor_when_a_byte_of_the_answer_has_come),
		STORY(on_a_new_connection_a_request_is_sent_once),
		STORY(an_answer_that_breaks_off_has_begun),
		STORY(a_body_that_ends_with_a_reset_breaks_off),
		STORY(an_answer_that_can_be_read_in_two_ways_is_refused),
		STORY(who_speaks_another_protocol_is_not_waited_for),
		STORY(a_body_beyond_the_limit_is_told_the_limit),
		STORY(a_server_that_says_nothing_or_not_all_has_timed_out),
		STORY(a_connection_must_stand_in_its_time),
		STORY(nobody_at_the_port_is_unmet),
		STORY(a_name_that_is_none_is_unmet),
		STORY(an_address_that_is_none_is_unmet_and_says_why),
		STORY(a_header_with_the_end_of_a_line_is_refused),
		STORY(the_addresses_of_a_name_are_tried_in_turn),
		STORY(an_address_of_ipv6_stands_in_brackets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
