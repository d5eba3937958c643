/* host_names_test.c: Names by which a server on loopback may be addressed. */
#include "net/host_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/guest.h"
#include "net/http/http_server.h"

static bool allows(const struct host_names *names, const char *host)
{
	return host_names_allow(names, text_of(host));
}

static void addresses_and_names_of_this_machine_are_right(void **state)
{
	(void)state;
	const struct host_names names = host_names_of(NULL, (struct name_list){0});
	static const char *const right[] = {
		"127.0.0.1", "127.0.0.1:8080", "[::1]",		"[::1]:8080", "192.0.2.7:1",   "127.1:80",     "127.0.0.1.",
		"localhost", "localhost:8080", "LocalHost.:80", "localhost.", "app.localhost", "[fe80::1]:80", ""};
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (!allows(&names, right[i]))
			fail_msg("%s is refused", right[i]);
	assert_true(names.own[0] != '\0');
	assert_true(allows(&names, names.own));
}

static void names_of_others_are_refused(void **state)
{
	(void)state;
	const struct host_names names = host_names_of("127.0.0.1", (struct name_list){0});
	static const char *const wrong[] = {"evil.example",
					    "evil.example:8080",
					    "127.0.0.1.evil.example",
					    "localhost.evil.example",
					    "evillocalhost",
					    ".localhost",
					    "evil",
					    "localhost.localdomain",
					    ":8080",
					    "[::1",
					    "[]",
					    "[127.0.0.1]",
					    "[::1].evil.example",
					    "[evil.example]",
					    "::1",
					    "xn--localhost"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (allows(&names, wrong[i]))
			fail_msg("%s is taken", wrong[i]);
}

static void a_name_may_be_listed(void **state)
{
	(void)state;
	const struct name listed[] = {{.text = "gateway.example"}, {.text = "host.docker.internal"}};
	const struct host_names names = host_names_of(NULL, (struct name_list){2, listed});
	assert_true(allows(&names, "Gateway.example:80"));
	assert_true(allows(&names, "host.docker.internal"));
	assert_false(allows(&names, "other.gateway.example"));
	const struct name any[] = {{.text = "*"}};
	assert_true(host_names_of(NULL, (struct name_list){1, any}).any);
}

static void a_server_that_others_reach_has_no_names(void **state)
{
	(void)state;
	assert_true(host_names_of("0.0.0.0", (struct name_list){0}).any);
	assert_true(host_names_of("::", (struct name_list){0}).any);
	assert_false(host_names_of("localhost", (struct name_list){0}).any);
	assert_false(host_names_of("127.0.0.5", (struct name_list){0}).any);
}

/* As of a container's port that is published on loopback. */
static void listed_names_hold_for_a_server_that_others_reach_too(void **state)
{
	(void)state;
	const struct name listed = {.text = "gateway.example"}, any = {.text = "*"};
	const struct host_names names = host_names_of("0.0.0.0", (struct name_list){1, &listed});
	static const char *const right[] = {"gateway.example", "localhost:8080", "127.0.0.1", "192.0.2.7:80", "[::1]:8080"};
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (!allows(&names, right[i]))
			fail_msg("%s is refused", right[i]);
	assert_false(allows(&names, "evil.example"));
	assert_true(host_names_of("0.0.0.0", (struct name_list){1, &any}).any);
}

/* ---- on a server ---- */

static void answer(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	(void)method, (void)path, (void)body;
	++*(int *)context;
	http_server_answer(incoming, 200, "text/plain", TEXT("well"), NULL, 0);
}

#define OF_BROWSER "GET /x HTTP/1.1\r\nAccept-Language: en\r\n"

static void a_misdirected_request_is_refused_before_its_body(void **state)
{
	(void)state;
	int calls = 0;
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	struct host_names names = host_names_of(NULL, (struct name_list){0});
	const struct http_server_config config = {
		.hosts = &names, .body_bytes = 1000, .connections = 10, .called = answer, .context = &calls};
	struct http_server *server = http_server_open(loop, &config, &error);
	assert_non_null(server);
	struct guest caller = guest_open(loop, http_server_port(server));
	const char *reply = guest_ask(
		&caller, "POST /x HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nContent-Length: 900\r\n\r\n",
		"--allow-host");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 421 Misdirected Request\r\n"));
	assert_non_null(strstr(reply, "Connection: close\r\n"));
	guest_close(&caller);
	caller = guest_open(loop, http_server_port(server));
	assert_non_null(strstr(guest_ask(&caller, OF_BROWSER "Host: localhost:80\r\n\r\n", "well"), " 200 "));
	assert_non_null(strstr(guest_ask(&caller, "GET /x HTTP/1.1\r\nHost: iris.default.example\r\n\r\n", "well"), " 200 "));
	names.any = true; /* as when access control is set */
	assert_non_null(strstr(guest_ask(&caller, OF_BROWSER "Host: evil.example\r\n\r\n", "well"), " 200 "));
	assert_int_equal(calls, 3);
	names.any = false;
	assert_non_null(strstr(guest_ask(&caller, OF_BROWSER "Host: evil.example\r\n\r\n", "--allow-host"), " 421 "));
	guest_close(&caller);
	http_server_close(server);
	loop_close(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_names_of_this_machine_are_right),
		cmocka_unit_test(names_of_others_are_refused),
		cmocka_unit_test(a_name_may_be_listed),
		cmocka_unit_test(a_server_that_others_reach_has_no_names),
		cmocka_unit_test(listed_names_hold_for_a_server_that_others_reach_too),
		cmocka_unit_test(a_misdirected_request_is_refused_before_its_body),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
