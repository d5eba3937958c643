/* grpc_server_refusals_test.c: Calls that a gRPC server refuses before its application hears of them are counted, once each; and
 * answers that are not read are given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"
#include "net/http/http_server.h"
#include "tests/unit/puppet.h"

#define STREAMS 2
#define WAIT_MS 10000
#define SILENCE_MS 50
#define UNREAD_SILENCE_MS 500	  /* others are read in less, however busy the machine is */
#define LONG_BYTES ((size_t)9000) /* longer than a path, or the metadata, may be */

struct refusals_stand {
	struct loop *loop;
	struct grpc_server *server;
	struct http_server *http;
	struct puppet puppet;
	struct puppet_line *line;
	size_t called, refused, http_refused;
	int status, http_status; /* of the last one */
};

static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	((struct refusals_stand *)context)->called++;
	if (text_is(path, "/s/Echo")) /* others are never answered */
		grpc_server_answer(request, GRPC_OK, (struct text){0}, body);
}

static bool on_head(void *context, struct grpc_request *request, struct text path, int *status, const char **words)
{
	(void)context, (void)request, (void)status, (void)words;
	return text_is(path, "/s/Talk");
}

static bool on_message(void *context, struct grpc_request *request, struct text path, struct text message)
{
	(void)path;
	((struct refusals_stand *)context)->called++;
	grpc_conversation_answer(request, message.length, message);
	return true;
}

static void on_http_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path, (void)body;
	const struct text key = http_incoming_header(incoming, "a-key");
	char value[32];
	(void)snprintf(value, sizeof value, TEXT_FORMAT, TEXT_ARGUMENTS(key));
	const struct http_answer_header echo = {"a-key", value};
	http_server_answer(incoming, 200, NULL, (struct text){0}, &echo, key.bytes ? 1 : 0);
}

static void on_refused(void *context, int status)
{
	struct refusals_stand *stand = context;
	stand->refused++;
	stand->status = status;
}

static void on_http_refused(void *context, int status)
{
	struct refusals_stand *stand = context;
	stand->http_refused++;
	stand->http_status = status;
}

static void stand_serve(struct refusals_stand *stand, bool has_http, int64_t silence_ms)
{
	struct error error = {0};
	*stand = (struct refusals_stand){.loop = loop_open(&error)};
	const struct http_server_config http = {.adopts = true,
						.body_bytes = 1000,
						.connections = 4,
						.called = on_http_called,
						.refused = on_http_refused,
						.context = stand};
	if (has_http)
		stand->http = http_server_open(stand->loop, &http, &error);
	const struct grpc_server_config config = {.message_bytes = 1000,
						  .metadata_bytes = LONG_BYTES / 2,
						  .streams = STREAMS,
						  .connections = 4,
						  .silence_ms = silence_ms,
						  .http = stand->http,
						  .called = on_called,
						  .converses = on_head,
						  .received = on_message,
						  .refused = on_refused,
						  .context = stand};
	stand->server = grpc_server_open(stand->loop, &config, &error);
	assert_string_equal(error.text, "");
	stand->puppet.loop = stand->loop;
	stand->line = puppet_dial(&stand->puppet, grpc_server_port(stand->server));
}

static void stand_open_with(struct refusals_stand *stand, bool has_http)
{
	stand_serve(stand, has_http, 0);
}

static void stand_close(struct refusals_stand *stand)
{
	puppet_hang_up_all(&stand->puppet);
	http_server_close(stand->http);
	grpc_server_close(stand->server);
	loop_close(stand->loop);
}

static void await_heard(struct refusals_stand *stand, const char *words)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !strstr(stand->puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until_ms)
			assert_string_equal(stand->puppet.heard, words);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

#define HEAD(method, path, type) ":method", method, ":scheme", "http", ":path", path, ":authority", "us", "content-type", type
#define CALL HEAD("POST", "/s/M", "application/grpc"), "te", "trailers"
#define TALK HEAD("POST", "/s/Talk", "application/grpc"), "te", "trailers"
#define ECHO HEAD("POST", "/s/Echo", "application/grpc"), "te", "trailers"
#define PART "\0\0\0\0\5he", 7 /* of a message */
#define WHOLE "\0\0\0\0\2he", 7

/* HAProxy 2.6 and nginx lose the answer to a call whose stream is reset while they send its message. */
static void a_call_may_end_after_its_refusal(void **state)
{
	static struct refusals_stand stand;
	static const char rest[4000 - 2];
	(void)state;
	stand_open_with(&stand, false);
	puppet_headers(stand.line, 1, 0, CALL, NULL);
	puppet_frame(stand.line, FRAME_DATA, 0, 1, "\0\0\0\x0f\xa0he", 7);
	await_heard(&stand, "1 grpc-status: 8\n");
	await_heard(&stand, "1 end\n");
	puppet_frame(stand.line, FRAME_DATA, FLAG_END_STREAM, 1, rest, sizeof rest);
	puppet_headers(stand.line, 3, 0, CALL, NULL);
	puppet_frame(stand.line, FRAME_DATA, 0, 3, "\0\0\0\x0f\xa0he", 7);
	await_heard(&stand, "3 end\n");
	assert_null(strstr(stand.puppet.heard, "reset"));
	await_heard(&stand, "3 reset 0\n"); /* its end never comes */
	assert_null(strstr(stand.puppet.heard, "1 reset"));
	assert_int_equal(stand.refused, 2);
	stand_close(&stand);
}

/* A conversation has no end to be waited for. */
static void a_conversation_that_is_refused_is_reset(void **state)
{
	static struct refusals_stand stand;
	(void)state;
	stand_open_with(&stand, false);
	puppet_headers(stand.line, 1, 0, TALK, NULL);
	const int64_t begun_ms = loop_now_ms(stand.loop);
	puppet_frame(stand.line, FRAME_DATA, 0, 1, "\0\0\0\x0f\xa0he", 7);
	await_heard(&stand, "1 grpc-status: 8\n");
	await_heard(&stand, "1 reset 0\n");
	assert_true(loop_now_ms(stand.loop) - begun_ms < 1500);
	stand_close(&stand);
}

static void what_a_server_refuses_is_counted(void **state)
{
	static struct refusals_stand stand;
	static char much[LONG_BYTES + 1];
	(void)state;
	memset(much, 'p', LONG_BYTES);
	much[0] = '/';
	stand_open_with(&stand, false);
	puppet_headers(stand.line, 1, FLAG_END_STREAM, HEAD("POST", much, "application/grpc"), NULL);
	await_heard(&stand, "1 grpc-status: 8\n");
	assert_true(stand.refused == 1 && stand.status == GRPC_RESOURCE_EXHAUSTED);
	puppet_headers(stand.line, 3, FLAG_END_STREAM, CALL, "much", much, NULL);
	await_heard(&stand, "3 grpc-status: 8\n");
	assert_int_equal(stand.refused, 2);
	puppet_headers(stand.line, 5, FLAG_END_STREAM, CALL, "grpc-timeout", "0m", NULL);
	await_heard(&stand, "5 grpc-status: 4\n");
	assert_true(stand.refused == 3 && stand.status == GRPC_DEADLINE_EXCEEDED);
	puppet_headers(stand.line, 7, FLAG_END_STREAM, CALL, NULL); /* without a message */
	await_heard(&stand, "7 grpc-status: 13\n");
	assert_true(stand.refused == 4 && stand.status == GRPC_INTERNAL);
	puppet_headers(stand.line, 9, FLAG_END_STREAM, HEAD("GET", "/s/M", "application/grpc"), NULL);
	await_heard(&stand, "9 :status: 405\n");
	assert_true(stand.refused == 5 && stand.status == GRPC_UNKNOWN);
	assert_int_equal(stand.called, 0);
	stand_close(&stand);
}

/* Else JSON would be read as protobuf: gRPC's `content-type` names the codec of messages (PROTOCOL-HTTP2). */
static void a_call_in_another_codec_is_refused(void **state)
{
	static const struct {
		const char *type, *expected;
	} rows[] = {
		{"application/grpc+json", "grpc-status: 12\n"},  {"application/grpc+thrift;q=1", "grpc-status: 12\n"},
		{"application/grpc+", "grpc-status: 12\n"},	  {"application/grpc+protos", "grpc-status: 12\n"},
		{"application/grpc+Proto", "grpc-status: 13\n"}, {"application/grpc+proto ; a=b", "grpc-status: 13\n"},
		{"application/grpc;+json", "grpc-status: 13\n"},
	};
	static struct refusals_stand stand;
	(void)state;
	stand_open_with(&stand, false);
	for (int i = 0; i < (int)(sizeof rows / sizeof *rows); i++) { /* 13: it has no message */
		char expected[64];
		puppet_headers(stand.line, 2 * i + 1, FLAG_END_STREAM, HEAD("POST", "/s/M", rows[i].type), "te", "trailers", NULL);
		(void)snprintf(expected, sizeof expected, "%d %s", 2 * i + 1, rows[i].expected);
		await_heard(&stand, expected);
	}
	assert_int_equal(stand.called, 0);
	stand_close(&stand);
}

/* Else its caller would have no deadline, and believe that it has one. */
static void a_timeout_that_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {"1e9n", "-1S", "abc", "1X", "1.5S", "", "123456789m", "12345678901234S"};
	static struct refusals_stand stand;
	(void)state;
	stand_open_with(&stand, false);
	for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
		char expected[64];
		puppet_headers(stand.line, 2 * i + 1, FLAG_END_STREAM, CALL, "grpc-timeout", bad[i], NULL);
		(void)snprintf(expected, sizeof expected, "%d grpc-status: 3\n", 2 * i + 1);
		await_heard(&stand, expected);
		assert_true(stand.refused == (size_t)i + 1 && stand.status == GRPC_INVALID_ARGUMENT);
	}
	assert_int_equal(stand.called, 0);
	stand_close(&stand);
}

/* Not even in the same place of the memory of calls. */
static void a_call_without_a_timeout_is_not_refused_for_that_of_another(void **state)
{
	static struct refusals_stand stand;
	(void)state;
	stand_open_with(&stand, false);
	for (int32_t id = 1; id < 9; id += 4) {
		char expected[64];
		puppet_headers(stand.line, id, FLAG_END_STREAM, ECHO, "grpc-timeout", "abc", NULL);
		(void)snprintf(expected, sizeof expected, "%d grpc-status: 3\n", id);
		await_heard(&stand, expected);
		puppet_headers(stand.line, id + 2, 0, ECHO, NULL);
		puppet_frame(stand.line, FRAME_DATA, FLAG_END_STREAM, id + 2, WHOLE);
		(void)snprintf(expected, sizeof expected, "%d grpc-status: 0\n", id + 2);
		await_heard(&stand, expected);
	}
	stand_close(&stand);
}

static void a_message_of_a_conversation_that_cannot_be_read_is_counted(void **state)
{
	static struct refusals_stand stand;
	(void)state;
	stand_open_with(&stand, false);
	puppet_headers(stand.line, 1, 0, TALK, NULL);
	puppet_frame(stand.line, FRAME_DATA, FLAG_END_STREAM, 1, PART);
	await_heard(&stand, "1 grpc-status: 13\n");
	assert_true(stand.refused == 1 && stand.status == GRPC_INTERNAL);
	puppet_headers(stand.line, 3, 0, TALK, "grpc-encoding", "gzip", NULL);
	puppet_frame(stand.line, FRAME_DATA, 0, 3, "\1\0\0\0\2no", 7);
	await_heard(&stand, "3 grpc-status: 13\n");
	assert_true(stand.refused == 2 && stand.called == 0);
	stand_close(&stand);
}

/* The caller stays, and answers pings. */
static void one_whose_message_does_not_come_in_time_is_counted(void **state)
{
	static struct refusals_stand stand;
	(void)state;
	stand_serve(&stand, false, SILENCE_MS);
	puppet_headers(stand.line, 1, 0, CALL, NULL);
	puppet_frame(stand.line, FRAME_DATA, 0, 1, PART);
	await_heard(&stand, "1 grpc-status: 4\n1 grpc-message: the message did not come in time\n");
	assert_true(stand.refused == 1 && stand.status == GRPC_DEADLINE_EXCEEDED);
	puppet_headers(stand.line, 3, 0, TALK, NULL);
	puppet_frame(stand.line, FRAME_DATA, 0, 3, WHOLE);
	await_heard(&stand, "3 data 7\n");
	puppet_frame(stand.line, FRAME_DATA, 0, 3, PART);
	await_heard(&stand, "3 grpc-status: 4\n3 grpc-message: the message did not come in time\n");
	assert_true(stand.refused == 2 && stand.called == 1);
	stand_close(&stand);
}

/* What the application has, it counts itself. */
static void one_whose_deadline_comes_before_its_message_is_counted(void **state)
{
	static struct refusals_stand stand;
	(void)state;
	stand_open_with(&stand, false);
	puppet_headers(stand.line, 1, 0, CALL, "grpc-timeout", "20m", NULL);
	puppet_frame(stand.line, FRAME_DATA, 0, 1, PART);
	await_heard(&stand, "1 grpc-status: 4\n");
	assert_true(stand.refused == 1 && stand.status == GRPC_DEADLINE_EXCEEDED);
	puppet_headers(stand.line, 3, 0, CALL, "grpc-timeout", "20m", NULL);
	puppet_frame(stand.line, FRAME_DATA, FLAG_END_STREAM, 3, WHOLE);
	await_heard(&stand, "3 grpc-status: 4\n");
	assert_true(stand.refused == 1 && stand.called == 1);
	puppet_headers(stand.line, 5, 0, TALK, "grpc-timeout", "20m", NULL); /* it waits between messages */
	puppet_frame(stand.line, FRAME_DATA, 0, 5, WHOLE);
	await_heard(&stand, "5 grpc-status: 4\n");
	assert_true(stand.refused == 1 && stand.called == 2);
	puppet_headers(stand.line, 7, 0, TALK, "grpc-timeout", "20m", NULL);
	puppet_frame(stand.line, FRAME_DATA, 0, 7, PART);
	await_heard(&stand, "7 grpc-status: 4\n");
	assert_true(stand.refused == 2 && stand.called == 2);
	stand_close(&stand);
}

static void a_stream_that_is_refused_is_counted(void **state)
{
	static struct refusals_stand stand;
	(void)state;
	stand_open_with(&stand, false);
	for (int32_t id = 1; id <= 1 + 2 * (2 * STREAMS); id += 2) { /* one more than it may be */
		puppet_headers(stand.line, id, 0, CALL, NULL);
		puppet_frame(stand.line, FRAME_DATA, FLAG_END_STREAM, id, "\0\0\0\0\0", 5);
		puppet_number(stand.line, FRAME_RESET, id, 8);
	}
	for (int64_t until_ms = loop_now_ms(stand.loop) + WAIT_MS; stand.refused == 0;) {
		assert_true(loop_now_ms(stand.loop) < until_ms);
		assert_true(loop_turn(stand.loop, 20, &(struct error){0}));
	}
	assert_int_equal(stand.called, 2 * STREAMS);
	assert_true(stand.refused == 1 && stand.status == GRPC_UNAVAILABLE);
	stand_close(&stand);
}

/* Requests of HTTP at the port are counted as such. */
static void what_is_refused_in_place_of_http_is_counted_there(void **state)
{
	static struct refusals_stand stand;
	static char much[LONG_BYTES + 1];
	(void)state;
	memset(much, 'p', LONG_BYTES);
	much[0] = '/';
	stand_open_with(&stand, true);
	puppet_headers(stand.line, 1, FLAG_END_STREAM, HEAD("GET", much, "text/plain"), NULL);
	await_heard(&stand, "1 :status: 414\n");
	assert_true(stand.http_refused == 1 && stand.http_status == 414);
	puppet_headers(stand.line, 3, FLAG_END_STREAM, HEAD("GET", "/a", "text/plain"), "much", much, NULL);
	await_heard(&stand, "3 :status: 431\n");
	assert_true(stand.http_refused == 2 && stand.http_status == 431);
	puppet_headers(stand.line, 5, FLAG_END_STREAM, HEAD("GET", "/a", "text/plain"), NULL);
	await_heard(&stand, "5 :status: 200\n");
	assert_true(stand.http_refused == 2 && stand.refused == 0);
	stand_close(&stand);
}

/* As of HTTP/1.1, where a parser finds the same. */
static void a_field_that_http_forbids_refuses_its_request(void **state)
{
	static const char *const fields[][3] = {
		{"a-key", "a\nb", "the header `a-key` has a control character in its value"},
		{"a-key", "\r\na", "the header `a-key` has a control character in its value"},
		{"a-key", "\x1b[31m", "the header `a-key` has a control character in its value"},
		{"a-key", "a\x7f", "the header `a-key` has a control character in its value"},
		{"a key", "1", "a header has a name with"},
		{"a:key", "1", "a header has a name with"},
		{"content-length", "2 ", "the header `content-length` has spaces"},
	};
	static struct refusals_stand stand;
	char heard[120];
	(void)state;
	stand_open_with(&stand, true);
	int32_t id = 1;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++, id += 4) {
		puppet_headers(stand.line, id, 0, CALL, fields[i][0], fields[i][1], NULL);
		(void)snprintf(heard, sizeof heard, "%d grpc-status: 3\n", id);
		await_heard(&stand, heard);
		(void)snprintf(heard, sizeof heard, "%d grpc-message: ", id);
		const char *words = strstr(stand.puppet.heard, heard);
		assert_true(words && strstr(words, fields[i][2]));
		assert_true(stand.refused == i + 1 && stand.status == GRPC_INVALID_ARGUMENT);
		puppet_headers(stand.line, id + 2, 0, HEAD("POST", "/a", "text/plain"), fields[i][0], fields[i][1], NULL);
		(void)snprintf(heard, sizeof heard, "%d :status: 400\n", id + 2);
		await_heard(&stand, heard);
		assert_true(stand.http_refused == i + 1 && stand.http_status == 400);
	}
	puppet_headers(stand.line, id, FLAG_END_STREAM, HEAD("GET", "/a", "text/plain"), NULL);
	(void)snprintf(heard, sizeof heard, "%d :status: 200\n", id);
	await_heard(&stand, heard);
	assert_true(stand.called == 0);
	stand_close(&stand);
}

static void spaces_around_the_value_of_a_field_are_no_part_of_it(void **state)
{
	static struct refusals_stand stand;
	(void)state;
	stand_open_with(&stand, true);
	puppet_headers(stand.line, 1, FLAG_END_STREAM, CALL, "grpc-timeout", " 0m\t", NULL);
	await_heard(&stand, "1 grpc-status: 4\n");
	puppet_headers(stand.line, 3, FLAG_END_STREAM, HEAD("GET", "/a", "text/plain"), "a-key", "\tk ", NULL);
	await_heard(&stand, "3 a-key: k\n");
	puppet_headers(stand.line, 5, FLAG_END_STREAM, HEAD("GET", "/a", "text/plain"), "a-key", " ", NULL);
	await_heard(&stand, "5 a-key: \n");
	stand_close(&stand);
}

static void ask_with_window(struct puppet_line *line, int32_t id, uint32_t window)
{
	puppet_headers(line, id, 0, ECHO, NULL);
	puppet_number(line, FRAME_WINDOW, id, window);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, WHOLE);
}

/* Its caller opens no window for it, and reads others on the same connection all the time. */
static void assert_unread_answer_is_given_up(bool talks)
{
	static struct refusals_stand stand;
	char heard[40];
	stand_serve(&stand, false, UNREAD_SILENCE_MS);
	const int64_t begun_ms = loop_now_ms(stand.loop);
	puppet_frame(stand.line, FRAME_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6); /* windows begin at 0 bytes */
	if (talks)
		puppet_headers(stand.line, 1, 0, TALK, NULL);
	else
		puppet_headers(stand.line, 1, 0, ECHO, NULL);
	puppet_frame(stand.line, FRAME_DATA, talks ? 0 : FLAG_END_STREAM, 1, WHOLE);
	await_heard(&stand, "1 :status: 200\n");
	for (int32_t id = 3; !strstr(stand.puppet.heard, "1 reset 8\n"); id += 2) {
		assert_true(loop_now_ms(stand.loop) - begun_ms < WAIT_MS);
		assert_null(strstr(stand.puppet.heard, "closed"));
		ask_with_window(stand.line, id, 100);
		(void)snprintf(heard, sizeof heard, "%d grpc-status: 0\n", id);
		await_heard(&stand, heard);
		stand.puppet.heard[0] = strstr(stand.puppet.heard, "1 reset 8\n") ? stand.puppet.heard[0] : '\0';
		for (int turns = 0; turns < 3; turns++)
			assert_true(loop_turn(stand.loop, 2, &(struct error){0}));
	}
	assert_true(loop_now_ms(stand.loop) - begun_ms >= UNREAD_SILENCE_MS);
	assert_null(strstr(stand.puppet.heard, "closed"));
	stand_close(&stand);
}

static void an_answer_that_is_not_read_is_given_up_though_others_are_read(void **state)
{
	(void)state;
	assert_unread_answer_is_given_up(false);
}

static void so_is_one_of_a_conversation(void **state)
{
	(void)state;
	assert_unread_answer_is_given_up(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_may_end_after_its_refusal),
		cmocka_unit_test(a_conversation_that_is_refused_is_reset),
		cmocka_unit_test(what_a_server_refuses_is_counted),
		cmocka_unit_test(a_call_in_another_codec_is_refused),
		cmocka_unit_test(a_timeout_that_is_no_time_is_refused),
		cmocka_unit_test(a_call_without_a_timeout_is_not_refused_for_that_of_another),
		cmocka_unit_test(a_message_of_a_conversation_that_cannot_be_read_is_counted),
		cmocka_unit_test(one_whose_message_does_not_come_in_time_is_counted),
		cmocka_unit_test(one_whose_deadline_comes_before_its_message_is_counted),
		cmocka_unit_test(a_stream_that_is_refused_is_counted),
		cmocka_unit_test(what_is_refused_in_place_of_http_is_counted_there),
		cmocka_unit_test(a_field_that_http_forbids_refuses_its_request),
		cmocka_unit_test(spaces_around_the_value_of_a_field_are_no_part_of_it),
		cmocka_unit_test(an_answer_that_is_not_read_is_given_up_though_others_are_read),
		cmocka_unit_test(so_is_one_of_a_conversation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
