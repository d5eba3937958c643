/* server_stand.c: see server_stand.h. */
#include "server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* The paths say what is to be done. */
static void on_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	struct server_stand *stand = context;
	stand->calls++;
	snprintf(stand->last, sizeof stand->last, TEXT_FORMAT " " TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGUMENTS(method),
		 TEXT_ARGUMENTS(path), TEXT_ARGUMENTS(body));
	const struct http_answer_header header = {"x-said", "much"};
	if (text_is(path, "/later"))
		stand->waiting = incoming;
	else if (text_is(path, "/pieces"))
		http_server_begin(stand->waiting = incoming, 200, "text/event-stream", &header, 1);
	else if (text_is(path, "/split"))
		http_server_answer(incoming, 200, "text/plain", body, &(struct http_answer_header){"x", "a\r\nb: c"}, 1);
	else if (text_is(path, "/empty"))
		http_server_answer(incoming, 204, NULL, (struct text){0}, NULL, 0);
	else if (text_is(path, "/query"))
		http_server_answer(incoming, 200, "text/plain", http_incoming_query(incoming), NULL, 0);
	else if (text_is(path, "/cut"))
		http_server_cut(incoming, 200, "text/plain", TEXT("0123456789"), 4);
	else if (text_is(path, "/cut-at-once"))
		http_server_cut(incoming, 200, "text/plain", TEXT("0123456789"), 0);
	else if (text_is(path, "/header"))
		http_server_answer(incoming, 200, "text/plain", http_incoming_header(incoming, "x-mine"), &header, 1);
	else
		http_server_answer(incoming, 200, "text/plain", body.length ? body : path, NULL, 0);
}

int server_stand_open(void **state)
{
	static struct server_stand stand;
	struct error error = {0};
	memset(&stand, 0, sizeof stand);
	stand.loop = loop_open(&error);
	const struct http_server_config config = {.body_bytes = BODY_BYTES_MAX,
						  .connections = 16,
						  .head_ms = HEAD_MS,
						  .body_ms = BODY_MS,
						  .idle_ms = IDLE_MS,
						  .called = on_called,
						  .context = &stand};
	stand.server = http_server_open(stand.loop, &config, &error);
	assert_non_null(stand.server);
	*state = &stand;
	return 0;
}

int server_stand_close(void **state)
{
	struct server_stand *stand = *state;
	http_server_close(stand->server);
	loop_close(stand->loop);
	return 0;
}

struct guest server_stand_call(const struct server_stand *stand)
{
	return guest_open(stand->loop, http_server_port(stand->server));
}
