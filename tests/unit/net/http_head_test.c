/* Heads of requests, plain and hostile, and heads of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/http/http_head.h"

#define HOST "Host: a\r\n"

static struct http_head head;

/* The status of the refusal; 0: it is read. */
static int read_bytes(const char *bytes, size_t length, size_t step)
{
	static char copy[HTTP_REQUEST_HEAD_BYTES_MAX * 2];
	struct http_head_scan scan;
	enum http_head_outcome outcome = HTTP_HEAD_MORE;
	http_head_scan_begin(&scan);
	assert_true(length <= sizeof copy);
	memcpy(copy, bytes, length);
	for (size_t have = step; outcome == HTTP_HEAD_MORE; have += step) {
		outcome = http_head_find_end(&scan, (struct text){copy, have < length ? have : length});
		if (have >= length)
			break;
	}
	if (outcome == HTTP_HEAD_MORE)
		return -1;
	if (outcome == HTTP_HEAD_REFUSED) {
		assert_non_null(scan.refusal.words);
		return scan.refusal.status;
	}
	return http_head_read(&head, &scan, copy) ? 0 : head.refusal.status;
}

static int read_head(const char *bytes)
{
	int whole = read_bytes(bytes, strlen(bytes), strlen(bytes));
	assert_int_equal(read_bytes(bytes, strlen(bytes), 1), whole); /* wherever it is cut */
	return whole;
}

static void assert_text(struct text text, const char *expected)
{
	char copy[200];
	snprintf(copy, sizeof copy, TEXT_FORMAT, TEXT_ARGUMENTS(text));
	assert_string_equal(copy, expected);
}

static void a_head_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_head("POST /v2/models/a%20b/infer?x=%20&y HTTP/1.1\r\nHOST: a:80\r\nX-Empty:\r\n"
				   "X-Id: \t one two \t\r\n"
				   "content-length:  12 \r\nExpect: 100-Continue\r\n\r\n"),
			 0);
	assert_text(http_head_text(&head, head.method), "POST");
	assert_text(http_head_text(&head, head.path), "/v2/models/a b/infer");
	assert_text(http_head_text(&head, head.query), "x=%20&y");
	assert_text(http_head_value(&head, TEXT("x-id")), "one two");
	assert_text(http_head_value(&head, TEXT("Host")), "a:80");
	assert_int_equal(http_head_value(&head, TEXT("x-empty")).length, 0);
	assert_non_null(http_head_value(&head, TEXT("x-empty")).bytes);
	assert_null(http_head_value(&head, TEXT("x-i")).bytes);
	assert_int_equal(head.framing, HTTP_BODY_OF_LENGTH);
	assert_int_equal(head.length, 12);
	assert_true(head.expects_continue && head.keeps && !head.is_old);
}

static void headers_with_a_number_are_found_by_it(void **state)
{
	(void)state;
	assert_int_equal(read_head("GET / HTTP/1.1\r\n" HOST "PREFER: one\r\nX-Prefer: no\r\nprefer:\r\nPrefer: three\r\n"
				   "origin: here\r\n\r\n"),
			 0);
	assert_text(http_head_known(&head, HEADER_HOST), "a");
	assert_text(http_head_known(&head, HEADER_ORIGIN), "here");
	assert_text(http_head_known(&head, HEADER_PREFER), "one");
	assert_text(http_head_known_at(&head, HEADER_PREFER, 0), "one");
	assert_non_null(http_head_known_at(&head, HEADER_PREFER, 1).bytes);
	assert_int_equal(http_head_known_at(&head, HEADER_PREFER, 1).length, 0);
	assert_text(http_head_known_at(&head, HEADER_PREFER, 2), "three");
	assert_null(http_head_known_at(&head, HEADER_PREFER, 3).bytes);
	assert_null(http_head_known_at(&head, HEADER_ORIGIN, 1).bytes);
	assert_null(http_head_known(&head, HEADER_ACCEPT_ENCODING).bytes);
	assert_int_equal(head.repeated & ~header_name_bit(HEADER_OTHER), header_name_bit(HEADER_PREFER));
	assert_int_equal(read_head("GET / HTTP/1.1\r\n" HOST "\r\n"), 0); /* nothing of the head before is left */
	assert_null(http_head_known(&head, HEADER_PREFER).bytes);
	assert_null(http_head_known_at(&head, HEADER_PREFER, 1).bytes);
	assert_int_equal(head.repeated, 0);
	head.field_count = 0; /* as that of a request that is over */
	assert_null(http_head_known(&head, HEADER_HOST).bytes);
}

static void what_comes_in_other_forms_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_head("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 0); /* RFC 9112, 2.2 */
	assert_int_equal(head.framing, HTTP_BODY_NONE);
	assert_int_equal(read_head("GET http://a:8/p?q HTTP/1.1\r\n" HOST "\r\n"), 0);
	assert_text(http_head_text(&head, head.path), "/p");
	assert_text(http_head_text(&head, head.query), "q");
	assert_int_equal(read_head("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0);
	assert_text(http_head_text(&head, head.path), "*");
	assert_int_equal(read_head("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 0);
	assert_int_equal(read_head("GET / HTTP/1.1\r\nHost: a:\r\n\r\n"), 0); /* RFC 3986, 3.2.3: a port may be empty */
	assert_int_equal(read_head("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n"), 0);
	assert_int_equal(read_head("GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]:8080\r\n\r\n"), 0);
	assert_int_equal(read_head("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"), 0);
	assert_int_equal(head.framing, HTTP_BODY_IN_CHUNKS);
	assert_int_equal(read_head("GET / HTTP/1.1\r\n" HOST "X: \xC3\xA4\r\n\r\n"), 0);
	assert_int_equal(read_head("GET / HTTP/1.1\r\n" HOST "X: nine\tbytes, and more\r\n\r\n"), 0);
	assert_int_equal(read_head("POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n"), 0);
	assert_true(head.length == UINT64_MAX);
	assert_int_equal(read_head("GET / HTTP/1.1\r\n" HOST), -1);
	assert_int_equal(read_head("GET / HTTP/1.1"), -1);
}

/* The host of a target counts, not the header (RFC 9112, 3.2.2). One with nobody, or with a login, is refused (RFC 9110, 4.2). */
static void a_target_may_name_the_host(void **state)
{
	(void)state;
	static const char *const bad[] = {"http:///p",	   "http://",	  "http://?q",	   "http://:80/p", "http://user@a/p",
					  "http://u:p@a/", "http://a b/", "http://a\\b/p", "https://a<b/p",
					  "http://a:x/p",  "http://[::1/p"};
	assert_int_equal(read_head("GET HTTPS://a.b:8/p HTTP/1.1\r\n" HOST "\r\n"), 0);
	assert_text(http_head_host(&head), "a.b:8");
	assert_int_equal(read_head("GET http://[::1]:8?q HTTP/1.1\r\n" HOST "\r\n"), 0);
	assert_text(http_head_host(&head), "[::1]:8");
	assert_int_equal(read_head("GET /p HTTP/1.1\r\nHost: c:9\r\n\r\n"), 0);
	assert_text(http_head_host(&head), "c:9");
	assert_int_equal(read_head("GET /p HTTP/1.0\r\n\r\n"), 0);
	assert_null(http_head_host(&head).bytes);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char words[128];
		(void)snprintf(words, sizeof words, "GET %s HTTP/1.1\r\n" HOST "\r\n", bad[i]);
		assert_int_equal(read_head(words), 400);
	}
}

static void a_connection_is_kept_as_its_version_and_words_say(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		bool keeps;
	} rows[] = {
		{"GET / HTTP/1.1\r\n" HOST "\r\n", true},
		{"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: x , Close\r\n\r\n", false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: Keep-Alive\r\nConnection: close\r\n\r\n", false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
		{"GET / HTTP/1.0\r\nConnection: te, keep-alive\r\n\r\n", true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(read_head(rows[i].bytes), 0);
		assert_int_equal(head.keeps, rows[i].keeps);
	}
}

static void what_two_readers_could_read_in_two_ways_is_refused(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *bytes;
	} rows[] = {
		{400, "GET / HTTP/1.1\nHost: a\n\n"},
		{400, "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "X: a\r\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "X: a long value with \x01 in it\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "X: a long value with DEL at end\x7F\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "X(y): x\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "no header\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" HOST "host: a\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: [::1]8\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: [::1]:x\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: [[::1]]\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a]:8\r\n\r\n"},
		{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
		{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n"},
		{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n"},
		{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n"},
		{400, "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n"},
		{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n"},
		{400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"},
		{501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n"},
		{501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"},
		{501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n"},
		{417, "POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n"},
		{400, "GET /a%00b HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET /a%2Fb HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n"},
		{0, "GET /a%252Fb?c=%2F HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET /a%2 HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET /a%zz HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET /a\xC3\xA4 HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET /a\tb HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET a HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET ?x HTTP/1.1\r\n" HOST "\r\n"},
		{400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
		{505, "GET / HTTP/1.1 \r\n" HOST "\r\n"},
		{400, "GET /\r\n" HOST "\r\n"},
		{400, "GET\r\n" HOST "\r\n"},
		{400, "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"},
		{400, "\x16\x03\x01\x02"},
		{400, "\r\n\x16\x03\x01\x02"},
		{400, "\r\n\xF9 / HTTP/1.1\r\n"},
		{505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
		{505, "PRI * HTTP/2.0\r\n\r\n"},
		{505, "GET / HTTP/1.10\r\n" HOST "\r\n"},
		{501, "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"},
		{501, "TRACE / HTTP/1.1\r\n" HOST "\r\n"},
		{501, "METHODOFSEVENTEEN / HTTP/1.1\r\n" HOST "\r\n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int status = read_head(rows[i].bytes);
		if (status != rows[i].status)
			fail_msg("%d instead of %d: %s", status, rows[i].status, rows[i].bytes);
	}
}

static void a_nul_is_refused_wherever_it_is(void **state)
{
	(void)state;
	static const char good[] = "GET /p?q HTTP/1.1\r\nHost: a\r\nName: value of some length\r\n\r\n";
	char bytes[sizeof good];
	for (size_t i = 0; i < sizeof good - sizeof "\r\n\r\n"; i++) {
		memcpy(bytes, good, sizeof good);
		bytes[i] = '\0';
		int status = read_bytes(bytes, sizeof good - 1, sizeof good);
		if (status != 400 && status != 505)
			fail_msg("%d with NUL at %zu", status, i);
	}
}

static int read_long(const char *before, char filler, size_t count, const char *after)
{
	static char bytes[HTTP_REQUEST_HEAD_BYTES_MAX * 2];
	size_t begin = strlen(before), end = strlen(after);
	memcpy(bytes, before, begin);
	memset(bytes + begin, filler, count);
	memcpy(bytes + begin + count, after, end);
	int whole = read_bytes(bytes, begin + count + end, begin + count + end);
	assert_int_equal(read_bytes(bytes, begin + count + end, 1000), whole);
	return whole;
}

static void limits_hold_at_their_edges(void **state)
{
	(void)state;
	const char *before = "GET /", *after = " HTTP/1.1\r\n" HOST "\r\n";
	assert_int_equal(read_long(before, 'a', HTTP_TARGET_BYTES_MAX - 1, after), 0);
	assert_int_equal(read_long(before, 'a', HTTP_TARGET_BYTES_MAX, after), 414);
	assert_int_equal(read_long(before, 'a', HTTP_TARGET_BYTES_MAX + 1000, ""), 414); /* its line need not end */
	before = "GET / HTTP/1.1\r\n" HOST "X: ";
	size_t own = strlen(before) + strlen("\r\n\r\n");
	assert_int_equal(read_long(before, 'a', HTTP_REQUEST_HEAD_BYTES_MAX - own + 1, "\r\n\r\n"), 0);
	assert_int_equal(read_long(before, 'a', HTTP_REQUEST_HEAD_BYTES_MAX - own + 2, "\r\n\r\n"), 431);
	assert_int_equal(read_long(before, 'a', HTTP_REQUEST_HEAD_BYTES_MAX, ""), 431);
	assert_int_equal(read_head("METHODOFSIXTEEN_ / HTTP/1.1\r\n" HOST "\r\n"), 0);
}

static int read_with_fields(size_t count)
{
	static char bytes[HTTP_REQUEST_HEAD_BYTES_MAX];
	size_t length = (size_t)snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\n" HOST);
	for (size_t i = 1; i < count; i++)
		length += (size_t)snprintf(bytes + length, sizeof bytes - length, "x%zu: y\r\n", i);
	length += (size_t)snprintf(bytes + length, sizeof bytes - length, "\r\n");
	return read_head(bytes);
}

static void so_many_headers_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(read_with_fields(HTTP_REQUEST_FIELDS_MAX), 0);
	assert_int_equal(head.field_count, HTTP_REQUEST_FIELDS_MAX);
	assert_text(http_head_value(&head, TEXT("x127")), "y");
	assert_int_equal(read_with_fields(HTTP_REQUEST_FIELDS_MAX + 1), 431);
}

/* ---- answers ---- */

static const char *write_answer(const struct http_answer_head *answer)
{
	static char text[1000];
	struct buffer out;
	buffer_open(&out, sizeof text);
	bool written = http_answer_head_write(&out, answer);
	snprintf(text, sizeof text, TEXT_FORMAT, TEXT_ARGUMENTS(buffer_view(&out)));
	assert_true(written || out.length == 0);
	buffer_close(&out);
	return written ? text : NULL;
}

static void the_head_of_an_answer_is_written(void **state)
{
	(void)state;
	const struct http_answer_header header = {"Retry-After", "1"}, split = {"X", "a\r\nSet-Cookie: b"};
	struct http_answer_head answer = {
		.status = 503, .content_type = "text/plain", .date = "D", .body_bytes = 120, .headers = &header, .header_count = 1};
	assert_string_equal(write_answer(&answer), "HTTP/1.1 503 Service Unavailable\r\nDate: D\r\nContent-Type: text/plain\r\n"
						   "Retry-After: 1\r\nContent-Length: 120\r\n\r\n");
	answer = (struct http_answer_head){.status = 204, .date = "D", .connection = HTTP_CONNECTION_CLOSE};
	assert_string_equal(write_answer(&answer), "HTTP/1.1 204 No Content\r\nDate: D\r\nConnection: close\r\n\r\n");
	answer = (struct http_answer_head){.status = 299, .date = "D", .in_chunks = true, .connection = HTTP_CONNECTION_KEEP_ALIVE};
	assert_string_equal(write_answer(&answer),
			    "HTTP/1.1 299 \r\nDate: D\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n");
	answer = (struct http_answer_head){.status = 200, .date = "D", .unsized = true};
	assert_string_equal(write_answer(&answer), "HTTP/1.1 200 OK\r\nDate: D\r\n\r\n");
	answer = (struct http_answer_head){.status = 200, .date = "D", .headers = &split, .header_count = 1};
	assert_null(write_answer(&answer));
	answer = (struct http_answer_head){.status = 200, .date = "D", .content_type = "text/plain\r\nSet-Cookie: b"};
	assert_null(write_answer(&answer));
}

static void names_and_values_are_those_of_the_grammar(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is_name, is_value;
	} rows[] = {
		{"x-request-id", true, true},
		{"", false, true},
		{"a b", false, true},
		{"a:", false, true},
		{"a(b)", false, true},
		{"gr\xc3\xbc\xc3\x9f", false, true},
		{"a\tb", false, true},
		{"a\nb", false, false},
		{"a\rb", false, false},
		{"a\x7f", false, false},
		{"0123456789a\x7f", false, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (http_head_is_name(text_of(rows[i].text)) != rows[i].is_name ||
		    http_head_is_value(text_of(rows[i].text)) != rows[i].is_value)
			fail_msg("%s", rows[i].text);
	assert_false(http_head_is_value((struct text){"a\0b", 3}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_read),
		cmocka_unit_test(headers_with_a_number_are_found_by_it),
		cmocka_unit_test(what_comes_in_other_forms_is_read),
		cmocka_unit_test(a_target_may_name_the_host),
		cmocka_unit_test(a_connection_is_kept_as_its_version_and_words_say),
		cmocka_unit_test(what_two_readers_could_read_in_two_ways_is_refused),
		cmocka_unit_test(a_nul_is_refused_wherever_it_is),
		cmocka_unit_test(limits_hold_at_their_edges),
		cmocka_unit_test(so_many_headers_and_no_more),
		cmocka_unit_test(the_head_of_an_answer_is_written),
		cmocka_unit_test(names_and_values_are_those_of_the_grammar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
