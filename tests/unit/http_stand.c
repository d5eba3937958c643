/* http_stand.c: see http_stand.h. */
#include "http_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listen.h"

#define REPLY_BYTES ((size_t)64 << 20)

int http_stand_open(void **state)
{
	static struct http_stand stand;
	struct error error = {0};
	stand = (struct http_stand){
		.loop = loop_open(&error),
		.limits = {.connections_a_host = 4, .connection_idle_s = 60, .reply_bytes = REPLY_BYTES, .connect_ms = 2000}};
	stand.listener = listen_open(NULL, &stand.port, &error);
	assert_true(stand.listener >= 0);
	snprintf(stand.url, sizeof stand.url, "http://127.0.0.1:%d/x", stand.port);
	*state = &stand;
	return 0;
}

int http_stand_close(void **state)
{
	struct http_stand *stand = *state;
	http_close(stand->http);
	close(stand->listener);
	loop_close(stand->loop);
	return 0;
}

void http_stand_turn(struct http_stand *stand)
{
	assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
}

uint32_t http_stand_sum(struct text text)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < text.length; i++)
		sum = sum * 31 + (unsigned char)text.bytes[i];
	return sum;
}

void http_stand_done(struct http_request *request, const struct http_reply *reply)
{
	struct asking *asked = request->context;
	asked->told++;
	asked->reply = *reply;
	asked->sum = http_stand_sum(reply->body);
	snprintf(asked->body, sizeof asked->body, TEXT_FORMAT, TEXT_ARGUMENTS(reply->body));
	snprintf(asked->header, sizeof asked->header, TEXT_FORMAT, TEXT_ARGUMENTS(reply->header));
	if (asked->then)
		asked->then(asked);
}

struct asking *http_stand_ask(struct http_stand *stand, size_t number)
{
	struct error error = {0};
	struct asking *asked = &stand->asked[number];
	if (!stand->http)
		stand->http = http_open(stand->loop, &stand->limits, &error);
	assert_string_equal(error.text, "");
	asked->stand = stand;
	asked->told = 0;
	asked->request.url = asked->request.url ? asked->request.url : stand->url;
	asked->request.timeout_ms = asked->request.timeout_ms ? asked->request.timeout_ms : 5000;
	asked->request.done = http_stand_done;
	asked->request.context = asked;
	assert_true(http_start(stand->http, &asked->request, &error));
	assert_int_equal(asked->told, 0); /* in a later turn */
	return asked;
}

void http_stand_await(struct http_stand *stand, struct asking *asked)
{
	for (int turns = 0; asked->told == 0; turns++) {
		assert_in_range(turns, 0, HTTP_STAND_TURNS_MAX);
		http_stand_turn(stand);
	}
	assert_int_equal(asked->told, 1);
}

bool comes_another(struct http_stand *stand, struct guest *guest)
{
	guest->loop = stand->loop;
	return (guest->socket = accept(stand->listener, NULL, NULL)) >= 0;
}

struct guest let_in(struct http_stand *stand)
{
	struct guest guest;
	for (int turns = 0; !comes_another(stand, &guest); turns++) {
		assert_in_range(turns, 0, HTTP_STAND_TURNS_MAX);
		http_stand_turn(stand);
	}
	return guest;
}

void assert_nobody_knocks(struct http_stand *stand)
{
	struct guest guest;
	for (int i = 0; i < 5; i++) {
		http_stand_turn(stand);
		assert_false(comes_another(stand, &guest));
	}
}

void assert_asked(const struct guest *guest)
{
	const char *heard = guest_hear(guest, HEAD_ENDS);
	assert_non_null(heard);
	assert_non_null(strstr(heard, "/x HTTP/1.1\r\n"));
}

void assert_hello(struct http_stand *stand, struct asking *asked)
{
	http_stand_await(stand, asked);
	assert_string_equal(asked->reply.error.text, "");
	assert_int_equal(asked->reply.status, 200);
	assert_string_equal(asked->body, "hello");
}

void assert_unanswered(struct http_stand *stand, struct asking *asked, enum http_stage stage, const char *words)
{
	http_stand_await(stand, asked);
	assert_int_equal(asked->reply.status, 0);
	assert_int_equal(asked->reply.error.kind, ERROR_REMOTE);
	if (!strstr(asked->reply.error.text, words))
		fail_msg("`%s` does not say `%s`", asked->reply.error.text, words);
	assert_int_equal(asked->reply.stage, stage);
	assert_null(asked->reply.body.bytes);
}

void answer_hello(const struct guest *guest)
{
	assert_asked(guest);
	guest_say(guest, HELLO);
}

void http_stand_reset(struct guest *guest)
{
	setsockopt(guest->socket, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
	guest_close(guest);
}

struct guest kept_connection(struct http_stand *stand)
{
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	answer_hello(&guest);
	assert_hello(stand, asked);
	return guest;
}
