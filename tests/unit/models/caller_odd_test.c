/* caller_odd_test.c: calls over HTTP to servers that keep to its rules in unusual ways, or break
 * them: each has an end that its caller can understand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/caller_stand.h"

#define SUM "{\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[3]}]}"
#define WITH_LENGTH "Content-Length: 67\r\n\r\n" SUM

static int set_up(void **state)
{
	static struct caller_stand stand;
	caller_stand_open(&stand);
	stand.model.concurrency_most = 1;
	stand.config.reply_bytes = 4096;
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	caller_stand_close(*state);
	return 0;
}

/* The answer to a call of a server that goes by this script. */
static const struct call *ask(struct caller_stand *stand, const struct said *script, size_t length)
{
	caller_stand_play(stand, script, length);
	const struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	return call;
}

static void expect_sum(const struct call *call)
{
	assert_string_equal(call->error.text, "");
	assert_float_equal(tensor_number(tensors_find(call->reply->tensors, TEXT("y")), 0), 3, 0);
}

static void expect_failure(const struct call *call, enum error_kind kind, const char *words)
{
	assert_int_equal(call->error.kind, kind);
	if (!strstr(call->error.text, words))
		fail_msg("`%s` does not say `%s`", call->error.text, words);
	assert_true(text_is_utf8(text_of(call->error.text)));
}

/* ---- unusual, and good ---- */

static void answers_in_unusual_forms_are_answers(void **state)
{
	static const struct said rows[] = {
		{.bytes = "HTTP/1.1 200 OK\r\n" WITH_LENGTH, .piece = 1},
		{.bytes = "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n" WITH_LENGTH},
		{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
			  "5;why=not\r\n{\"out\r\n"
			  "3e\r\nputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[3]}]}\r\n"
			  "0\r\nX-Sum: 1\r\nServer-Timing: a\r\n\r\n"},
		{.bytes = "HTTP/1.0 200 OK\r\n\r\n" SUM, .closes = true},
		{.bytes = "HTTP/1.0 200\r\n" WITH_LENGTH, .closes = true},
		{.bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" SUM, .closes = true},
		{.bytes = "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 67\n\n" SUM},
	};
	struct caller_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		expect_sum(ask(stand, &rows[i], 1));
		assert_int_equal(stand->calls[0].attempts, 1);
	}
}

/* It says nothing of closing; its next caller finds out. */
static void a_connection_that_is_closed_behind_each_answer_costs_nothing(void **state)
{
	struct caller_stand *stand = *state;
	static const struct said closes = {.bytes = "HTTP/1.1 200 OK\r\n" WITH_LENGTH, .closes = true};
	for (size_t i = 0; i < 4; i++) {
		expect_sum(ask(stand, &closes, 1));
		assert_int_equal(stand->calls[0].attempts, 1);
		assert_int_equal(stand->requests, 1);
	}
}

/* ---- slow ---- */

static void an_answer_that_drips_beyond_the_timeout_has_timed_out(void **state)
{
	struct caller_stand *stand = *state;
	static const struct said drips = {.bytes = "HTTP/1.1 200 OK\r\n" WITH_LENGTH, .piece = 1};
	stand->model.timeout_ms = 40; /* it takes twice as long */
	expect_failure(ask(stand, &drips, 1), ERROR_REMOTE, "no answer within 40 ms");
	assert_int_equal(stand->calls[0].attempts, 3);
}

/* ---- what is no reply ---- */

static void a_reply_that_is_none_is_remote_at_once_and_says_what_came(void **state)
{
	static const char gzip[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n"
				   "\x1f\x8b\x08\0\0\0\0\0\0\3";
	static const char zlib[] = "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 8\r\n\r\n"
				   "\x78\x9c\x03\0\0\0\0\1";
	static const struct {
		struct said answer;
		const char *words;
	} rows[] = {
		{{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, "m : the reply is empty"},
		{{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}, "m : the reply is empty"},
		{{.bytes = "HTTP/1.0 200 OK\r\n\r\n", .closes = true}, "m : the reply is empty"},
		{{.bytes = gzip, .length = sizeof gzip - 1}, "m : the reply is compressed, which was not requested"},
		{{.bytes = zlib, .length = sizeof zlib - 1}, "m : the reply is compressed, which was not requested"},
	};
	struct caller_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		expect_failure(ask(stand, &rows[i].answer, 1), ERROR_REMOTE, rows[i].words);
		assert_int_equal(stand->calls[0].attempts, 1);
	}
}

static void a_failure_in_bytes_that_are_no_text_is_told_by_its_status(void **state)
{
	struct caller_stand *stand = *state;
	static const char gzip[] = "HTTP/1.1 400 No\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n"
				   "\x1f\x8b\x08\xff\xfe\0\0\0\0\3";
	const struct said answer = {.bytes = gzip, .length = sizeof gzip - 1};
	expect_failure(ask(stand, &answer, 1), ERROR_INPUT, "status 400");
}

static void an_answer_that_breaks_off_is_asked_for_again(void **state)
{
	static const struct said rows[][2] = {
		{{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n" SUM, .closes = true}},
		{{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"out\r\n", .closes = true}},
		{{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\"out\r\n", .closes = true}},
	};
	struct caller_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct said script[] = {rows[i][0], {.bytes = "HTTP/1.1 200 OK\r\n" WITH_LENGTH}};
		expect_sum(ask(stand, script, 2));
		assert_int_equal(stand->calls[0].attempts, 2);
	}
}

/* ---- ids ---- */

#define NUMBER(number) "\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[" number "]}]"
#define ECHOES(id, number) SAYS(200, "{\"model_name\":\"m\",\"id\":\"" id "\"," NUMBER(number) "}")
#define ECHOES_LATE(id, number) SAYS(200, "{" NUMBER(number) ",\"parameters\":{\"x\":NaN},\"id\":\"" id "\"}")
#define ECHOES_PUID(id, number) SAYS(200, "{\"data\":{\"ndarray\":[" number "]},\"meta\":{\"tags\":{},\"puid\":\"" id "\"}}")

static void expect_number(const struct call *call, const char *name, double number)
{
	assert_string_equal(call->error.text, "");
	assert_float_equal(tensor_number(tensors_find(call->reply->tensors, text_of(name)), 0), number, 0);
	assert_int_equal(call->attempts, 1);
}

/* One that answers a request twice is an answer behind. */
static void the_answer_to_another_request_is_known_by_its_id(void **state)
{
	static const struct {
		const char *path, *name;
		struct said own, surplus, next;
	} rows[] = {
		{"", "y", ECHOES("r-1", "1"), ECHOES("r-1", "1"), ECHOES("r-2", "2")},
		{"", "y", ECHOES_LATE("r-1", "1"), ECHOES_LATE("r-1", "1"), ECHOES_LATE("r-2", "2")},
		{"/api/v1.0/predictions", "data", ECHOES_PUID("r-1", "1"), ECHOES_PUID("r-1", "1"), ECHOES_PUID("r-2", "2")},
	};
	struct caller_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		stand->model.addresses =
			addresses_read(arena_print(stand->arena, "%s%s", stand->base, rows[i].path), "m", true, stand->arena);
		stand->message.id = TEXT("r-1");
		expect_number(ask(stand, &rows[i].own, 1), rows[i].name, 1);
		stand->message.id = TEXT("r-2");
		const struct said script[] = {rows[i].surplus, rows[i].next};
		expect_number(ask(stand, script, 2), rows[i].name, 2);
		assert_int_equal(stand->requests, 2);
		caller_close(stand->caller);
		stand->caller = NULL;
	}
}

static void ids_that_are_not_echoed_are_none(void **state)
{
	static const struct said answers[] = {
		ECHOES("made-up-1", "1"),
		SAYS(200, "{\"id\":7," NUMBER("1") "}"),
		SAYS(200, "{\"id\":\"\"," NUMBER("1") "}"),
		SAYS(200, "{\"parameters\":{\"id\":\"r-1\"}," NUMBER("1") "}"),
		ECHOES("made-up-2", "1"),
		ECHOES("r-1", "1"),
		SAYS(200, "{" NUMBER("1") "}"),
	};
	struct caller_stand *stand = *state;
	size_t connections = 0;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		expect_number(ask(stand, &answers[i], 1), "y", 1);
		assert_int_equal(stand->requests, 1);
		connections = i == 0 ? stand->connection_count : connections;
		assert_int_equal(stand->connection_count, connections);
	}
}

static void the_id_of_an_error_is_not_that_of_a_request(void **state)
{
	static const struct said answer = ECHOES("r-1", "1"), refusal = SAYS(400, "{\"id\":\"e-1\",\"error\":\"x is missing\"}");
	struct caller_stand *stand = *state;
	expect_number(ask(stand, &answer, 1), "y", 1);
	expect_failure(ask(stand, &refusal, 1), ERROR_INPUT, "x is missing");
	assert_int_equal(stand->requests, 1);
}

/* As the port of gRPC does. Nothing is lost to it: the model is away until its address is mended. */
static void who_speaks_no_http_is_away_and_the_port_is_doubted(void **state)
{
	struct caller_stand *stand = *state;
	static const char settings[] = "\0\0\0\4\0\0\0\0\0";
	const struct said answer = {.bytes = settings, .length = sizeof settings - 1, .closes = true};
	caller_stand_play(stand, &answer, 1);
	for (size_t i = 0; i < 4; i++)
		caller_stand_begin(stand, i);
	for (int turns = 0; !stand->why[0]; turns++) {
		assert_in_range(turns, 0, 5000);
		caller_stand_turn(stand, 5000);
	}
	assert_string_equal(stand->order, "");
	assert_non_null(strstr(stand->why, "is no HTTP; is the port the one of REST?"));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(answers_in_unusual_forms_are_answers),
		STORY(a_connection_that_is_closed_behind_each_answer_costs_nothing),
		STORY(an_answer_that_drips_beyond_the_timeout_has_timed_out),
		STORY(a_reply_that_is_none_is_remote_at_once_and_says_what_came),
		STORY(a_failure_in_bytes_that_are_no_text_is_told_by_its_status),
		STORY(an_answer_that_breaks_off_is_asked_for_again),
		STORY(the_answer_to_another_request_is_known_by_its_id),
		STORY(ids_that_are_not_echoed_are_none),
		STORY(the_id_of_an_error_is_not_that_of_a_request),
		STORY(who_speaks_no_http_is_away_and_the_port_is_doubted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
