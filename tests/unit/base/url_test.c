/* Addresses over HTTP taken apart: what is sent where, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/url.h"

static void assert_text(struct text text, const char *expected, const char *url)
{
	if (!text_is(text, expected))
		fail_msg("%s: `" TEXT_FORMAT "` is not `%s`", url, TEXT_ARGUMENTS(text), expected);
}

static void an_address_has_its_parts(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		bool tls;
		const char *host, *port, *authority, *target, *login;
	} rows[] = {
		{"http://h", false, "h", "80", "h", "", ""},
		{"https://h/", true, "h", "443", "h", "/", ""},
		{"HTTP://h:8080/a/b?c=d", false, "h", "8080", "h:8080", "/a/b?c=d", ""},
		{"http://h?q", false, "h", "80", "h", "?q", ""},
		{"http://h/a#f", false, "h", "80", "h", "/a", ""},
		{"http://h#f/?x", false, "h", "80", "h", "", ""},
		{"http://h:/x", false, "h", "80", "h", "/x", ""},
		{"http://h:80/x", false, "h", "80", "h", "/x", ""},
		{"https://h:443/x", true, "h", "443", "h", "/x", ""},
		{"https://h:80/x", true, "h", "80", "h:80", "/x", ""},
		{"http://h:65535", false, "h", "65535", "h:65535", "", ""},
		{"http://[::1]:8080/x", false, "::1", "8080", "[::1]:8080", "/x", ""},
		{"http://[fe80::1]/x", false, "fe80::1", "80", "[fe80::1]", "/x", ""},
		{"http://u:p%40@h:1/x@y", false, "h", "1", "h:1", "/x@y", "u:p%40"},
		{"http://u@h", false, "h", "80", "h", "", "u"},
		{"http://h/a%2fb/../%C3%A4/\xC3\xA4", false, "h", "80", "h", "/a%2fb/../%C3%A4/\xC3\xA4", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct url url;
		struct error error = {0};
		assert_true(url_read(rows[i].url, &url, &error));
		assert_int_equal(url.tls, rows[i].tls);
		assert_text(url.host, rows[i].host, rows[i].url);
		assert_text(url.port, rows[i].port, rows[i].url);
		assert_text(url.authority, rows[i].authority, rows[i].url);
		assert_text(url.target, rows[i].target, rows[i].url);
		assert_text(url.login, rows[i].login, rows[i].url);
	}
}

static void what_is_no_address_is_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *url, *words;
	} rows[] = {
		{"", "begins with neither http:// nor https://"},
		{"ftp://h/", "begins with neither"},
		{"http:/h", "begins with neither"},
		{"http://", "its URL has no host"},
		{"http:///x", "its URL has no host"},
		{"http://:80/", "its URL has no host"},
		{"http://u@/", "its URL has no host"},
		{"http://h:0/", "of its URL is not a number from 1 to 65535"},
		{"http://h:65536/", "of its URL is not a number from 1 to 65535"},
		{"http://h:4294967376/", "of its URL is not a number from 1 to 65535"},
		{"http://h:8a/", "of its URL is not a number from 1 to 65535"},
		{"http://h:-1/", "of its URL is not a number from 1 to 65535"},
		{"http://h:1:2/", "of its URL is not a number from 1 to 65535"},
		{"http://[::1/", "bracket"},
		{"http://[::1]80/", "a colon is missing"},
		{"http://a@b@c/", "more than one @"},
		{"http://h/a b", "has a space or a control character"},
		{"http://h/\r\nX: y", "has a space or a control character"},
		{"http://h/\nX", "has a space or a control character"},
		{"http://h\r\n/", "has a space or a control character"},
		{"http://u:\r\n@h/", "has a space or a control character"},
		{"http://h/\x7F", "has a space or a control character"},
		{"http://h]/", "a character that no host name has"},
		{"http://[h.example]/", "is in brackets, and is not an IPv6 address"},
		{"http://[1.1.1.1]/", "is in brackets, and is not an IPv6 address"},
		{"http://2606:4700::1/",
		 "the port `4700::1` of its URL is not a number from 1 to 65535; write an IPv6 address in brackets"},
		{"http://h\\x/", "a character that no host name has"},
		{"http://h\xC3\xA4/", "a character that no host name has"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct url url;
		struct error error = {0};
		if (url_read(rows[i].url, &url, &error))
			fail_msg("taken: %s", rows[i].url);
		assert_int_equal(error.kind, ERROR_REMOTE);
		if (!strstr(error.text, rows[i].words))
			fail_msg("%s: `%s` does not say `%s`", rows[i].url, error.text, rows[i].words);
	}
}

static void percent_encoding_is_undone_where_it_is_one(void **state)
{
	(void)state;
	struct buffer out;
	buffer_open(&out, 100);
	url_decode(&out, TEXT("50% off %4 %zz %41%6f%"));
	assert_true(text_is(buffer_view(&out), "50% off %4 %zz Ao%"));
	buffer_close(&out);
}

static void an_ipv6_address_is_written_in_brackets(void **state)
{
	static const char *const hosts[][2] = {{"::1", "[::1]:80"}, {"127.0.0.1", "127.0.0.1:80"}, {"a.example", "a.example:80"}};
	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		char out[64];
		(void)snprintf(out, sizeof out, URL_HOST_FORMAT ":%d", URL_HOST_ARGUMENTS(hosts[i][0]), 80);
		assert_string_equal(out, hosts[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_its_parts),
		cmocka_unit_test(what_is_no_address_is_refused_with_the_reason),
		cmocka_unit_test(percent_encoding_is_undone_where_it_is_one),
		cmocka_unit_test(an_ipv6_address_is_written_in_brackets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
