/* HTTP/1.1 as bytes: heads of requests, and answers good and bad, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "net/http/http_wire.h"

#define BODY_BYTES 16
#define OK "HTTP/1.1 200 OK\r\n"

/* ---- requests ---- */

static const char *head_of(const struct http_request *request)
{
	static char said[1024];
	struct url url;
	struct buffer head;
	buffer_open(&head, sizeof said - 1);
	assert_true(url_read(request->url, &url, &(struct error){0}));
	http_head_write(&head, &url, request);
	assert_false(buffer_failed(&head));
	memcpy(said, head.bytes, head.length);
	said[head.length] = '\0';
	buffer_close(&head);
	return said;
}

static void a_request_says_what_its_server_must_know(void **state)
{
	(void)state;
	const struct http_request get = {.url = "http://h:8080"};
	assert_string_equal(head_of(&get), "GET / HTTP/1.1\r\nHost: h:8080\r\nAccept: */*\r\n\r\n");
	const struct http_request post = {.url = "https://h/a?b#c",
					  .content_type = "text/plain",
					  .body = TEXT("hello"),
					  .headers = {"X-One: 1", "X-Two: 2"}};
	assert_string_equal(head_of(&post), "POST /a?b HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nContent-Type: text/plain\r\n"
					    "X-One: 1\r\nX-Two: 2\r\nContent-Length: 5\r\n\r\n");
	const struct http_request empty = {.url = "http://[::1]?q", .body = TEXT("")};
	assert_string_equal(head_of(&empty), "POST /?q HTTP/1.1\r\nHost: [::1]\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n");
}

static void a_login_is_said_as_basic_authorization(void **state)
{
	(void)state;
	static const struct {
		const char *url, *login, *encoded;
	} rows[] = {
		/* RFC 7617, 2. */
		{"http://h/", "Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"http://Aladdin:open%20sesame@h/", NULL, "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"http://a:b@h/", "Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"http://a@h/", NULL, "YTo="},
		{"http://a%3Ab:@h/", NULL, "YTpiOg=="},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct http_request request = {.url = rows[i].url, .login = rows[i].login};
		char expected[256];
		snprintf(expected, sizeof expected, "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic %s\r\nAccept: */*\r\n\r\n",
			 rows[i].encoded);
		assert_string_equal(head_of(&request), expected);
	}
}

static void a_header_cannot_end_its_line(void **state)
{
	(void)state;
	assert_true(http_request_is_clean(&(struct http_request){.headers = {"A: b", NULL}}));
	assert_false(http_request_is_clean(&(struct http_request){.headers = {"A: b\r\nC: d", NULL}}));
	assert_false(http_request_is_clean(&(struct http_request){.headers = {NULL, "A: b\nC: d"}}));
	assert_false(http_request_is_clean(&(struct http_request){.content_type = "a\rb"}));
}

/* ---- answers ---- */

struct came {
	enum http_intake_outcome outcome;
	size_t taken;
};

/* The answer in two parts, or byte by byte; `ends`: the connection does, behind it. */
static struct came take(struct http_intake *intake, struct text answer, size_t cut, bool bytewise, bool ends)
{
	struct came came = {HTTP_INTAKE_MORE, 0};
	size_t step = bytewise ? 1 : cut ? cut : answer.length;
	http_intake_begin(intake, "X-Wanted");
	for (size_t at = 0; at < answer.length && came.outcome == HTTP_INTAKE_MORE;) {
		size_t taken, size = step < answer.length - at ? step : answer.length - at;
		came.outcome = http_intake_take(intake, answer.bytes + at, size, &taken);
		came.taken += taken;
		at += size;
		step = bytewise ? 1 : answer.length;
	}
	if (ends && came.outcome == HTTP_INTAKE_MORE)
		came.outcome = http_intake_end(intake);
	return came;
}

struct answer {
	const char *bytes;
	size_t length; /* 0: to its NUL */
	bool ends;
	int status;	    /* of a good one */
	const char *body;
	bool closes; /* the connection is of no use behind it */
	const char *value;
	size_t behind;	   /* bytes that are not its own */
	const char *words; /* of a bad one */
	enum error_kind fault;
};

static void assert_answer(struct http_intake *intake, const struct answer *answer, size_t cut, bool bytewise)
{
	const size_t length = answer->length ? answer->length : strlen(answer->bytes);
	struct came came = take(intake, (struct text){answer->bytes, length}, cut, bytewise, answer->ends);
	enum error_kind fault = answer->words ? ERROR_REMOTE : answer->fault;
	if (intake->fault != fault)
		fail_msg("%s\nis %s: %s", answer->bytes, error_kind_name(intake->fault), intake->words ? intake->words : "");
	assert_int_equal(came.outcome, fault ? HTTP_INTAKE_FAULTY : HTTP_INTAKE_WHOLE);
	if (fault) {
		if (answer->words && !strstr(intake->words, answer->words))
			fail_msg("%s\nis refused with: %s", answer->bytes, intake->words);
		return;
	}
	assert_int_equal(intake->status, answer->status ? answer->status : 200);
	assert_true(text_is(buffer_view(&intake->body), answer->body));
	assert_int_equal(intake->keeps, !answer->closes);
	assert_int_equal(intake->has_value, answer->value != NULL);
	if (answer->value)
		assert_true(text_is(buffer_view(&intake->value), answer->value));
	/* Cut where the next answer begins, that is never seen. */
	assert_true(came.taken == length - answer->behind);
}

static void assert_answers(const struct answer *answers, size_t count)
{
	struct http_intake intake;
	http_intake_open(&intake, BODY_BYTES);
	for (size_t i = 0; i < count; i++) {
		const size_t length = answers[i].length ? answers[i].length : strlen(answers[i].bytes);
		assert_answer(&intake, &answers[i], 0, true);
		for (size_t cut = 0; cut < length; cut++)
			assert_answer(&intake, &answers[i], cut, false);
	}
	http_intake_close(&intake);
}

#define ASSERT_ANSWERS(rows) assert_answers(rows, sizeof rows / sizeof *rows)

static void an_answer_may_take_any_form_that_http_has(void **state)
{
	(void)state;
	static const struct answer rows[] = {
		{OK "Content-Length: 2\r\n\r\nab", .body = "ab"},
		{OK "content-length:2\r\n\r\nabHTTP/1.1 ", .body = "ab", .behind = 9},
		{OK "Content-Length:\t002 \t\r\nContent-Length: 2\r\n\r\nab", .body = "ab"},
		{OK "Content-Length: 0\r\n\r\n", .body = ""},
		{OK "Content-Length: 2\r\nConnection: close\r\n\r\nab", .body = "ab", .closes = true},
		{OK "Content-Length: 2\r\nConnection: x , Close\r\n\r\nab", .body = "ab", .closes = true},
		{OK "Content-Length: 2\r\nConnection: keep-alive\r\n\r\nab", .body = "ab"},
		{"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nab", .status = 404, .body = "ab"},
		{"HTTP/1.1 503 \r\nContent-Length: 2\r\n\r\nab", .status = 503, .body = "ab"},
		{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", .body = "ab", .closes = true},
		{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nab", .body = "ab"},
		{"HTTP/1.0 200 OK\r\n\r\nab", .ends = true, .body = "ab", .closes = true},
		{OK "\r\n", .ends = true, .body = "", .closes = true},
		{"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", .body = "ab"},
		{"HTTP/1.1 204 No Content\r\n\r\n", .status = 204, .body = ""},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP", .status = 204, .body = "", .behind = 4},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", .status = 304, .body = ""},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX-Wanted: no\r\n\r\n" OK "Content-Length: 2\r\n\r\nab",
		 .body = "ab"},
		{"HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n" OK "Content-Length: 2\r\n\r\nab", .body = "ab"},
		{OK "X-Wanted:  a b \r\nx-wanted: c\r\nContent-Length: 0\r\n\r\n", .body = "", .value = "a b"},
		{OK "x-wanted:\r\nContent-Length: 0\r\n\r\n", .body = "", .value = ""},
		{OK "X-Other: a\r\n b\r\n\tc\r\nContent-Length: 2\r\n\r\nab", .body = "ab"},
	};
	ASSERT_ANSWERS(rows);
}

static void chunks_are_put_together(void **state)
{
	(void)state;
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
	static const struct answer rows[] = {
		{CHUNKED "0\r\n\r\n", .body = ""},
		{CHUNKED "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", .body = "abc"},
		{CHUNKED "A\r\n0123456789\r\n00\r\n\r\n", .body = "0123456789"},
		{CHUNKED "a\n0123456789\n0\n\n", .body = "0123456789"},
		{CHUNKED "2;why=\"not;\"\r\nab\r\n0;x\r\n\r\n", .body = "ab"},
		{CHUNKED "2  ;x\r\nab\r\n0 \r\n\r\n", .body = "ab"},
		{CHUNKED "2\r\n\r\n\r\n0\r\n\r\n", .body = "\r\n"},
		{CHUNKED "2\r\nab\r\n0\r\nX-Sum: 1\r\n more\r\nContent-Length: 7\r\nX-Wanted: no\r\n\r\nHTTP",
		 .body = "ab",
		 .behind = 4},
		{OK "transfer-encoding: Chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n", .body = "a", .closes = true},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
		 .body = "",
		 .closes = true},
	};
	ASSERT_ANSWERS(rows);
}

static void what_two_readers_could_read_in_two_ways_is_refused(void **state)
{
	(void)state;
	static const char nul[] = OK "X: \0\r\nContent-Length: 0\r\n\r\n";
	static const char nul_in_status[] = "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n";
	static const char nul_in_size[] = CHUNKED "2\0\r\nab\r\n0\r\n\r\n";
	static const struct answer rows[] = {
		{OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nab", .words = "two lengths"},
		{OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .words = "a length, and comes in chunks"},
		{OK "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", .words = "a length, and comes in chunks"},
		{OK "Content-Length: -2\r\n\r\n", .words = "Content-Length is no number"},
		{OK "Content-Length: +2\r\n\r\n", .words = "Content-Length is no number"},
		{OK "Content-Length: 2, 2\r\n\r\n", .words = "Content-Length is no number"},
		{OK "Content-Length: 0x2\r\n\r\n", .words = "Content-Length is no number"},
		{OK "Content-Length: 1e1\r\n\r\n", .words = "Content-Length is no number"},
		{OK "Content-Length: 2.0\r\n\r\n", .words = "Content-Length is no number"},
		{OK "Content-Length:\r\n\r\n", .words = "Content-Length is no number"},
		{OK "Content-Length: 18446744073709551616\r\n\r\n", .words = "Content-Length is no number"},
		{OK "Content-Length : 2\r\n\r\nab", .words = "is no header"},
		{OK "Content Length: 2\r\n\r\nab", .words = "is no header"},
		{OK ": 2\r\n\r\nab", .words = "is no header"},
		{OK "Content-Length\r\n\r\nab", .words = "is no header"},
		{OK "Content-Length: 2\r\n 3\r\n\r\nab", .words = "continues in the next line"},
		{OK "Content-Length:\r\n 2\r\n\r\nab", .words = "Content-Length is no number"},
		{OK "Transfer-Encoding: chunked\r\n , x\r\n\r\n0\r\n\r\n", .words = "continues in the next line"},
		{OK "Connection: x\r\n close\r\nContent-Length: 0\r\n\r\n", .words = "continues in the next line"},
		{OK "X-Wanted: 1\r\n 2\r\nContent-Length: 0\r\n\r\n", .words = "continues in the next line"},
		{OK " X: y\r\nContent-Length: 0\r\n\r\n", .words = "continues in the next line"},
		{OK "Transfer-Encoding: gzip, chunked\r\n\r\n", .words = "Transfer-Encoding is not"},
		{OK "Transfer-Encoding: identity\r\n\r\n", .words = "Transfer-Encoding is not"},
		{OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .words = "Transfer-Encoding is not"},
		{OK "X: a\rb\r\nContent-Length: 0\r\n\r\n", .words = "a carriage return"},
		{OK "X: a\r\r\nContent-Length: 0\r\n\r\n", .words = "a carriage return"},
		{nul, .length = sizeof nul - 1, .words = "a NUL"},
		{nul_in_status, .length = sizeof nul_in_status - 1, .words = "a NUL"},
		{nul_in_size, .length = sizeof nul_in_size - 1, .words = "a NUL"},
		{CHUNKED "-1\r\n", .words = "size of a chunk is no number"},
		{CHUNKED "0x1\r\na\r\n0\r\n\r\n", .words = "size of a chunk is no number"},
		{CHUNKED " 1\r\na\r\n0\r\n\r\n", .words = "size of a chunk is no number"},
		{CHUNKED "zz\r\n", .words = "size of a chunk is no number"},
		{CHUNKED ";x\r\n", .words = "size of a chunk is no number"},
		{CHUNKED "10000000000000000\r\n", .words = "size of a chunk is no number"},
		{CHUNKED "1\r\nab\r\n0\r\n\r\n", .words = "longer than it says"},
		{CHUNKED "0\r\nX : y\r\n\r\n", .words = "is no header"},
		{CHUNKED "0\r\n X: y\r\n\r\n", .words = "continues in the next line"},
		{"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", .words = "another protocol"},
	};
	ASSERT_ANSWERS(rows);
}

static void what_is_no_http_is_seen_at_its_first_bytes(void **state)
{
	(void)state;
	static const char settings[] = "\0\0\0\4\0\0\0\0\0";
	static const struct answer rows[] = {
		{settings, .length = sizeof settings - 1, .words = "does not begin as HTTP"},
		{"SSH-2.0-OpenSSH", .words = "does not begin as HTTP"},
		{"HTTP/2 200\r\n", .words = "does not begin as HTTP"},
		{"HTT\r\n", .words = "does not begin as HTTP"},
		{"\r\n" OK, .words = "does not begin as HTTP"},
		{"HTTP/1.1\r\n", .words = "status line"},
		{"HTTP/1.1 20\r\n", .words = "status line"},
		{"HTTP/1.1 2000\r\n", .words = "status line"},
		{"HTTP/1.1 099\r\n", .words = "status line"},
		{"HTTP/1.1 -20\r\n", .words = "status line"},
		{"HTTP/1.x 200\r\n", .words = "status line"},
		{"HTTP/1.1\t200\r\n", .words = "status line"},
	};
	ASSERT_ANSWERS(rows);
}

static void an_answer_that_breaks_off_is_none(void **state)
{
	(void)state;
	static const struct answer rows[] = {
		{"HTTP/1.1", .ends = true, .words = "breaks off"},
		{OK, .ends = true, .words = "breaks off"},
		{OK "Content-Length: 2\r\n\r\na", .ends = true, .words = "breaks off"},
		{CHUNKED "2\r\nab\r\n", .ends = true, .words = "breaks off"},
		{CHUNKED "2\r\nab\r\n0\r\n", .ends = true, .words = "breaks off"},
		{"HTTP/1.1 100 Continue\r\n\r\n", .ends = true, .words = "breaks off"},
	};
	struct http_intake intake;
	ASSERT_ANSWERS(rows);
	http_intake_open(&intake, BODY_BYTES);
	http_intake_begin(&intake, NULL);
	assert_int_equal(http_intake_end(&intake), HTTP_INTAKE_FAULTY);
	assert_false(intake.heard);
	http_intake_close(&intake);
}

/* ---- limits ---- */

static void a_body_may_have_as_many_bytes_as_the_limit_and_not_one_more(void **state)
{
	(void)state;
#define SIXTEEN "0123456789abcdef"
	static const struct answer rows[] = {
		{OK "Content-Length: 16\r\n\r\n" SIXTEEN, .body = SIXTEEN},
		{OK "Content-Length: 17\r\n\r\n" SIXTEEN, .fault = ERROR_LIMIT},
		{OK "Content-Length: 18446744073709551615\r\n\r\n" SIXTEEN, .fault = ERROR_LIMIT},
		{OK "\r\n" SIXTEEN, .ends = true, .body = SIXTEEN, .closes = true},
		{OK "\r\n" SIXTEEN "x", .ends = true, .fault = ERROR_LIMIT},
		{CHUNKED "8\r\n01234567\r\n8\r\n89abcdef\r\n0\r\n\r\n", .body = SIXTEEN},
		{CHUNKED "8\r\n01234567\r\n9\r\n89abcdef0\r\n0\r\n\r\n", .fault = ERROR_LIMIT},
		{CHUNKED "8\r\n01234567\r\nffffffffffffffff\r\n89abcdef0\r\n0\r\n\r\n", .fault = ERROR_LIMIT},
	};
	ASSERT_ANSWERS(rows);
}

/* `before`, as many letters as make it `size` bytes with `behind`, and what ends it. */
static char *filled(const char *before, size_t size, const char *behind)
{
	char *answer = malloc(size + 64);
	assert_non_null(answer);
	size_t begin = strlen(before), end = size - strlen(behind);
	memcpy(answer, before, begin);
	memset(answer + begin, 'x', end - begin);
	memcpy(answer + end, behind, strlen(behind) + 1);
	return answer;
}

static void assert_edge(const char *before, size_t most, const char *behind, const char *rest, const char *words)
{
	struct http_intake intake;
	http_intake_open(&intake, BODY_BYTES);
	for (size_t more = 0; more <= 1; more++) {
		char *bytes = filled(before, most + more, behind);
		strncat(bytes, rest, 32);
		const struct answer answer = {bytes, .body = "", .words = more ? words : NULL};
		assert_answer(&intake, &answer, 0, false);
		assert_answer(&intake, &answer, 100, false);
		assert_answer(&intake, &answer, most - 1, false);
		assert_answer(&intake, &answer, 0, true);
		free(bytes);
	}
	http_intake_close(&intake);
}

static void a_head_may_have_64_kibibytes(void **state)
{
	(void)state;
	assert_edge(OK "Content-Length: 0\r\nX: ", HTTP_HEAD_BYTES_MAX, "\r\n\r\n", "", "longer than 64 KiB");
	assert_edge("HTTP/1.1 100 Go\r\nX: y\r\n\r\n" OK "Content-Length: 0\r\nX: ", HTTP_HEAD_BYTES_MAX, "\r\n\r\n", "",
		    "longer than 64 KiB");
}

static void trailers_may_have_64_kibibytes(void **state)
{
	(void)state;
	const size_t before = strlen(CHUNKED "0\r\n");
	assert_edge(CHUNKED "0\r\nX: ", before + HTTP_HEAD_BYTES_MAX, "\r\n\r\n", "", "longer than 64 KiB");
}

static void the_line_of_a_chunk_may_have_4096_bytes(void **state)
{
	(void)state;
	assert_edge(CHUNKED "0;", strlen(CHUNKED) + HTTP_CHUNK_LINE_BYTES_MAX, "\r\n", "\r\n", "longer than 4096 bytes");
}

/* ---- memory ---- */

static void each_allocation_that_fails_is_told(void **state)
{
	(void)state;
	static const char answer[] = OK "X-Wanted: 1\r\nContent-Length: 2\r\n\r\nab";
	bool failed = true;
	for (uint64_t nth = 1; failed; nth++) {
		struct http_intake intake;
		http_intake_open(&intake, BODY_BYTES);
		memory_fail_at(nth);
		struct came came = take(&intake, TEXT(answer), 5, false, false);
		memory_fail_at(0);
		failed = came.outcome == HTTP_INTAKE_FAULTY;
		assert_int_equal(intake.fault, failed ? ERROR_SYSTEM : ERROR_NONE);
		assert_in_range(nth, 1, 4); /* line, value, body */
		http_intake_close(&intake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_what_its_server_must_know),
		cmocka_unit_test(a_login_is_said_as_basic_authorization),
		cmocka_unit_test(a_header_cannot_end_its_line),
		cmocka_unit_test(an_answer_may_take_any_form_that_http_has),
		cmocka_unit_test(chunks_are_put_together),
		cmocka_unit_test(what_two_readers_could_read_in_two_ways_is_refused),
		cmocka_unit_test(what_is_no_http_is_seen_at_its_first_bytes),
		cmocka_unit_test(an_answer_that_breaks_off_is_none),
		cmocka_unit_test(a_body_may_have_as_many_bytes_as_the_limit_and_not_one_more),
		cmocka_unit_test(a_head_may_have_64_kibibytes),
		cmocka_unit_test(trailers_may_have_64_kibibytes),
		cmocka_unit_test(the_line_of_a_chunk_may_have_4096_bytes),
		cmocka_unit_test(each_allocation_that_fails_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
