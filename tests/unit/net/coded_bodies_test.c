/* coded_bodies_test.c: Tests of long bodies that an HTTP server compresses and decompresses: in portions, between which others are
 * answered. They count turns of the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number/random.h"
#include "net/grpc/grpc_server.h"
#include "net/http/body_budget.h"
#include "net/http/body_coder.h"
#include "net/http/http_server.h"
#include "tests/unit/guest.h"
#include "tests/unit/gzip_whole.h"
#include "tests/unit/puppet.h"

#define PLAIN_BYTES GZIP_BYTES_MAX
#define HEARD_BYTES ((size_t)4 << 20)
#define SHORT "GET /short HTTP/1.1\r\nHost: x\r\n\r\n"
#define LONG "GET /long HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"

static struct loop *loop;
static struct http_server *server;
static struct grpc_server *front; /* at whose port the server is reached */
static struct body_budget bodies;
static struct puppet puppet;
static char digits[PLAIN_BYTES], heard[HEARD_BYTES];
static size_t heard_bytes, calls;

static void on_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	char words[80];
	(void)context;
	calls++;
	if (text_is(path, "/long")) {
		http_server_answer(incoming, 200, "text/plain", (struct text){digits, sizeof digits}, NULL, 0);
	} else if (text_is(method, "POST")) {
		const enum gzip_outcome outcome = http_incoming_unpack(incoming, GZIP_FORM_GZIP, PLAIN_BYTES);
		if (outcome == GZIP_MORE)
			return;
		const struct text plain = http_incoming_body(incoming);
		(void)body;
		snprintf(words, sizeof words, "outcome %d of %zu, which %s", (int)outcome, plain.length,
			 text_equal(plain, (struct text){digits, sizeof digits}) ? "came whole" : "is other");
		http_server_answer(incoming, 200, "text/plain", text_of(words), NULL, 0);
	} else {
		http_server_answer(incoming, 200, "text/plain", TEXT("a short answer"), NULL, 0);
	}
}

static void on_grpc_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context, (void)path;
	grpc_server_answer(request, 0, (struct text){0}, body);
}

static int servers_open(void **state)
{
	struct error error = {0};
	struct random random = {.state = 3};
	(void)state;
	loop = loop_open(&error);
	bodies = (struct body_budget){.limit_bytes = (size_t)16 << 20};
	const struct http_server_config config = {.adopts = true,
						  .body_bytes = PLAIN_BYTES,
						  .bodies = &bodies,
						  .gzips = true,
						  .connections = 16,
						  .called = on_called};
	server = http_server_open(loop, &config, &error);
	const struct grpc_server_config shared = {.message_bytes = 1000,
						  .metadata_bytes = 1000,
						  .streams = 8,
						  .connections = 16,
						  .http = server,
						  .called = on_grpc_called};
	front = server ? grpc_server_open(loop, &shared, &error) : NULL;
	puppet = (struct puppet){.loop = loop};
	for (size_t i = 0; i < sizeof digits; i++)
		digits[i] = (char)('0' + random_below(&random, 10));
	calls = 0;
	return front ? 0 : -1;
}

static int servers_close(void **state)
{
	(void)state;
	puppet_hang_up_all(&puppet);
	http_server_close(server);
	grpc_server_close(front);
	loop_close(loop);
	return 0;
}

static void turn(void)
{
	assert_true(loop_turn(loop, 0, &(struct error){0}));
}

static struct guest guest_call(const char *words)
{
	struct guest guest = guest_open(loop, grpc_server_port(front));
	guest_say(&guest, words);
	return guest;
}

/* The turns until some of an answer has come. */
static size_t turns_until_heard(const struct guest *guest)
{
	for (size_t turns = 0; turns < 10000; turns++) {
		char byte;
		if (recv(guest->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
			return turns;
		turn();
	}
	fail_msg("nothing comes");
	return 0;
}

/* Reads an answer to its end, whose length its head says, and returns its body. */
static struct text answer_read(const struct guest *guest)
{
	const char *head_end = NULL, *length = NULL;
	heard_bytes = 0;
	for (size_t turns = 0; turns < 10000; turns++) {
		ssize_t got = recv(guest->socket, heard + heard_bytes, sizeof heard - 1 - heard_bytes, MSG_DONTWAIT);
		heard_bytes += got > 0 ? (size_t)got : 0;
		heard[heard_bytes] = '\0';
		head_end = strstr(heard, "\r\n\r\n");
		length = strstr(heard, "Content-Length: ");
		if (head_end && length && heard + heard_bytes >= head_end + 4 + strtoul(length + 16, NULL, 10))
			return (struct text){head_end + 4, strtoul(length + 16, NULL, 10)};
		turn();
	}
	fail_msg("the answer does not end: %.200s", heard);
	return (struct text){0};
}

static void is_the_long_answer(struct text packed)
{
	struct buffer plain;
	assert_non_null(strstr(heard, "Content-Encoding: gzip\r\n"));
	assert_non_null(strstr(heard, "Vary: Accept-Encoding\r\n"));
	buffer_open(&plain, PLAIN_BYTES + 1);
	assert_int_equal(gunzip_whole(GZIP_FORM_GZIP, packed, PLAIN_BYTES, 1000000, &plain), GZIP_WHOLE);
	assert_true(text_equal(buffer_view(&plain), (struct text){digits, sizeof digits}));
	buffer_close(&plain);
}

/* ---- answers ---- */

static void others_are_answered_while_a_long_answer_is_compressed(void **state)
{
	(void)state;
	struct guest one = guest_call(LONG), other = guest_call(SHORT);
	while (calls < 2)
		turn();
	assert_in_range(turns_until_heard(&other), 0, 2);
	guest_close(&other);
	assert_in_range(turns_until_heard(&one), PLAIN_BYTES / WORK_TURN_BYTES - 4, PLAIN_BYTES / WORK_TURN_BYTES + 4);
	is_the_long_answer(answer_read(&one));
	guest_say(&one, SHORT); /* the connection goes on */
	assert_true(text_is(answer_read(&one), "a short answer"));
	guest_close(&one);
}

static void many_long_answers_together_have_a_portion_in_a_turn(void **state)
{
	struct guest guests[4], other;
	(void)state;
	for (size_t i = 0; i < 4; i++)
		guests[i] = guest_call(LONG);
	while (calls < 4)
		turn();
	for (size_t i = 0; i < 4; i++) { /* in their order, each after the turns that it takes; and each newcomer is answered */
		const size_t turns = turns_until_heard(&guests[i]);
		assert_in_range(turns, PLAIN_BYTES / WORK_TURN_BYTES - 6, PLAIN_BYTES / WORK_TURN_BYTES + 6);
		other = guest_call(SHORT);
		assert_in_range(turns_until_heard(&other), 0, 6);
		guest_close(&other);
		is_the_long_answer(answer_read(&guests[i]));
		guest_close(&guests[i]);
	}
}

static void a_caller_that_leaves_while_it_is_compressed_leaves_nothing(void **state)
{
	(void)state;
	struct guest one = guest_call(LONG), other = guest_call(LONG);
	while (calls < 2)
		turn();
	guest_close(&one);
	turns_until_heard(&other);
	is_the_long_answer(answer_read(&other));
	guest_close(&other);
	for (int i = 0; i < 10; i++)
		turn();
	assert_int_equal(bodies.used_bytes, 0);
	guest_call(LONG); /* is dropped by the close */
	while (calls < 3)
		turn();
}

static void a_head_has_the_length_of_the_compressed_body(void **state)
{
	(void)state;
	struct guest one = guest_call(LONG);
	const size_t length = answer_read(&one).length;
	char wanted[40];
	snprintf(wanted, sizeof wanted, "Content-Length: %zu\r\n", length);
	guest_say(&one, "HEAD /long HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n" SHORT);
	const char *reply = guest_hear(&one, "a short answer");
	assert_non_null(reply);
	assert_non_null(strstr(reply, wanted));
	guest_close(&one);
}

static void a_stream_of_http2_gets_it_too(void **state)
{
	(void)state;
	struct puppet_line *line = puppet_dial(&puppet, grpc_server_port(front));
	puppet_hold(line, true); /* both come in one turn */
	puppet_headers(line, 1, FLAG_END_STREAM, ":method", "GET", ":scheme", "http", ":path", "/long", ":authority", "us",
		       "accept-encoding", "gzip", NULL);
	puppet_headers(line, 3, FLAG_END_STREAM, ":method", "GET", ":scheme", "http", ":path", "/short", ":authority", "us", NULL);
	puppet_hold(line, false);
	while (!strstr(puppet.heard, "1 data"))
		turn();
	const char *short_end = strstr(puppet.heard, "\n3 end"), *long_begin = strstr(puppet.heard, "\n1 ");
	assert_memory_equal(puppet.heard, "3 ", 2);
	assert_true(short_end && short_end < long_begin);
	assert_non_null(strstr(puppet.heard, "1 content-encoding: gzip\n"));
	assert_non_null(strstr(puppet.heard, "1 content-length: "));
}

/* ---- requests ---- */

static struct guest guest_post(struct text plain)
{
	struct gzip *gzip = gzip_open();
	struct buffer packed;
	char head[120];
	buffer_open(&packed, HEARD_BYTES);
	assert_int_equal(gzip_whole(gzip, plain, 1000000, &packed), GZIP_WHOLE);
	gzip_close(gzip);
	snprintf(head, sizeof head, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", packed.length);
	struct guest guest = guest_call(head);
	for (size_t at = 0; at < packed.length;) {
		ssize_t sent = send(guest.socket, packed.bytes + at, packed.length - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		at += sent > 0 ? (size_t)sent : 0;
		turn();
	}
	buffer_close(&packed);
	return guest;
}

static void others_are_answered_while_a_long_body_is_decompressed(void **state)
{
	static const char zeros[PLAIN_BYTES];
	const struct text plains[] = {{digits, sizeof digits}, {zeros, sizeof zeros}};
	char wanted[80];
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		calls = 0;
		struct guest one = guest_post(plains[i]), other = guest_call(SHORT);
		while (calls < 2)
			turn();
		assert_in_range(turns_until_heard(&other), 0, 2);
		guest_close(&other);
		assert_in_range(turns_until_heard(&one), PLAIN_BYTES / WORK_TURN_BYTES - 4, 2 * PLAIN_BYTES / WORK_TURN_BYTES);
		snprintf(wanted, sizeof wanted, "outcome %d of %zu, which %s", GZIP_WHOLE, PLAIN_BYTES,
			 i == 0 ? "came whole" : "is other");
		assert_true(text_is(answer_read(&one), wanted));
		assert_int_equal(calls, 3); /* it is passed on again when it is plain */
		guest_close(&one);
	}
}

/* Those that come while others are decompressed wait for their first turn, too. */
static void bodies_that_come_together_are_all_decompressed(void **state)
{
	struct guest guests[8];
	char wanted[80];
	(void)state;
	snprintf(wanted, sizeof wanted, "outcome %d of %zu, which came whole", GZIP_WHOLE, PLAIN_BYTES);
	for (size_t i = 0; i < 8; i++)
		guests[i] = guest_post((struct text){digits, sizeof digits});
	for (size_t i = 0; i < 8; i++) {
		assert_true(text_is(answer_read(&guests[i]), wanted));
		guest_close(&guests[i]);
	}
	assert_in_range(calls, 8 + 7, 2 * 8); /* all but perhaps the first are passed on a second time */
}

static void what_is_too_long_or_damaged_is_told_to_the_application(void **state)
{
	static const char zeros[PLAIN_BYTES + 1];
	char wanted[40];
	(void)state;
	struct guest one = guest_post((struct text){zeros, sizeof zeros});
	snprintf(wanted, sizeof wanted, "outcome %d of", GZIP_TOO_LONG);
	assert_true(text_starts_with(answer_read(&one), text_of(wanted)));
	guest_close(&one);
	one = guest_call("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd");
	snprintf(wanted, sizeof wanted, "outcome %d of 4", GZIP_INVALID);
	assert_true(text_starts_with(answer_read(&one), text_of(wanted)));
	guest_close(&one);
	bodies.limit_bytes = PLAIN_BYTES / 2;
	one = guest_post((struct text){zeros, PLAIN_BYTES});
	snprintf(wanted, sizeof wanted, "outcome %d of", GZIP_NO_MEMORY);
	assert_true(text_starts_with(answer_read(&one), text_of(wanted)));
	guest_close(&one);
	for (int i = 0; i < 10; i++)
		turn();
	assert_int_equal(bodies.used_bytes, 0);
}

static void a_caller_that_leaves_while_it_is_decompressed_leaves_nothing(void **state)
{
	static const char zeros[PLAIN_BYTES];
	(void)state;
	struct guest one = guest_post((struct text){zeros, sizeof zeros});
	while (calls < 1)
		turn();
	guest_close(&one);
	while (calls < 2) /* the application gets it all the same, as it gets others whose callers have left */
		turn();
	for (int i = 0; i < 10; i++)
		turn();
	assert_int_equal(bodies.used_bytes, 0);
	one = guest_post((struct text){zeros, sizeof zeros});
	while (calls < 3)
		turn();
	guest_close(&one); /* the rest is dropped by the close of the server */
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, servers_open, servers_close)
	const struct CMUnitTest tests[] = {
		STORY(others_are_answered_while_a_long_answer_is_compressed),
		STORY(many_long_answers_together_have_a_portion_in_a_turn),
		STORY(a_caller_that_leaves_while_it_is_compressed_leaves_nothing),
		STORY(a_head_has_the_length_of_the_compressed_body),
		STORY(a_stream_of_http2_gets_it_too),
		STORY(others_are_answered_while_a_long_body_is_decompressed),
		STORY(bodies_that_come_together_are_all_decompressed),
		STORY(what_is_too_long_or_damaged_is_told_to_the_application),
		STORY(a_caller_that_leaves_while_it_is_decompressed_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
