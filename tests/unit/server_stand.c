/* server_stand.c: see server_stand.h. */
#include "server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void answer_peer(struct http_incoming *incoming)
{
	struct sockaddr_storage address;
	char subject[64], words[128];
	bool is_known = http_incoming_peer(incoming, &address);
	struct text name = http_incoming_certificate(incoming, subject, sizeof subject).subject;
	snprintf(words, sizeof words, "%d from this machine, %zu of a certificate", is_known && address.ss_family == AF_INET,
		 name.length);
	http_server_answer(incoming, 200, "text/plain", text_of(words), NULL, 0);
}

static void answer_much(struct http_incoming *incoming)
{
	static char many[LARGE_BYTES];
	http_server_answer(incoming, 200, "text/plain", (struct text){many, sizeof many}, NULL, 0);
}

bool server_stand_shares;

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
	else if (text_is(path, "/large"))
		answer_much(incoming);
	else if (text_is(path, "/peer"))
		answer_peer(incoming);
	else if (text_is(path, "/header"))
		http_server_answer(incoming, 200, "text/plain", http_incoming_header(incoming, "x-mine"), &header, 1);
	else
		http_server_answer(incoming, 200, "text/plain", body.length ? body : path, NULL, 0);
}

static void refuse_at_length(struct http_incoming *incoming)
{
	static char words[REFUSAL_BYTES];
	memset(words, 'n', sizeof words);
	http_server_answer(incoming, 404, "text/plain", (struct text){words, sizeof words}, NULL, 0);
}

/* Whoever asks for /refused, or /refused-at-length, or gives the header `x-twice` two times, is turned away. */
static bool on_admits(void *context, struct http_incoming *incoming, struct text method, struct text path)
{
	struct server_stand *stand = context;
	(void)method;
	stand->heads++;
	if (text_is(path, "/refused-at-length")) {
		refuse_at_length(incoming);
		return false;
	}
	if (!text_is(path, "/refused") && !http_incoming_header_at(incoming, "x-twice", 1).bytes)
		return true;
	const struct http_answer_header header = {"www-authenticate", "Bearer"};
	http_server_answer(incoming, 401, "text/plain", TEXT("not you"), &header, 1);
	return false;
}

static void on_grpc_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context, (void)path;
	grpc_server_answer(request, 0, (struct text){0}, body);
}

static int server_stand_begin(void **state, int64_t idle_ms)
{
	static struct server_stand stand;
	struct error error = {0};
	memset(&stand, 0, sizeof stand);
	stand.loop = loop_open(&error);
	stand.bodies.limit_bytes = (size_t)40 << 20;
	const struct http_server_config config = {.adopts = server_stand_shares,
						  .body_bytes = BODY_BYTES_MAX,
						  .bodies = &stand.bodies,
						  .gzips = true,
						  .connections = 16,
						  .head_ms = HEAD_MS,
						  .body_ms = BODY_MS,
						  .idle_ms = idle_ms,
						  .admits = on_admits,
						  .called = on_called,
						  .context = &stand};
	stand.server = http_server_open(stand.loop, &config, &error);
	assert_non_null(stand.server);
	const struct grpc_server_config front = {.message_bytes = BODY_BYTES_MAX,
						 .metadata_bytes = FRONT_METADATA_BYTES,
						 .streams = FRONT_STREAMS,
						 .connections = 16,
						 .silence_ms = IDLE_MS,
						 .http = stand.server,
						 .called = on_grpc_called};
	stand.front = server_stand_shares ? grpc_server_open(stand.loop, &front, &error) : NULL;
	assert_string_equal(error.text, "");
	*state = &stand;
	return 0;
}

int server_stand_open(void **state)
{
	return server_stand_begin(state, IDLE_MS);
}

int server_stand_open_patient(void **state)
{
	return server_stand_begin(state, PATIENT_IDLE_MS);
}

int server_stand_close(void **state)
{
	struct server_stand *stand = *state;
	http_server_close(stand->server);
	grpc_server_close(stand->front);
	loop_close(stand->loop);
	return 0;
}

int server_stand_port(const struct server_stand *stand)
{
	return stand->front ? grpc_server_port(stand->front) : http_server_port(stand->server);
}

struct guest server_stand_call(const struct server_stand *stand)
{
	return guest_open(stand->loop, server_stand_port(stand));
}
