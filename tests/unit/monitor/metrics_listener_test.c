/* metrics_listener_test.c: Tests of the port for metrics and probes: its answers and its refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/guest.h"
#include "monitor/metrics/metrics_listener.h"

#define ASK(method, path) method " " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static const struct workspace workspace; /* gets no news here */

struct metrics_stand {
	struct loop *loop;
	struct metrics_listener *listener;
	const char *reason, *remark;
	int writes;
};

static void on_write(void *context, struct exposition *exposition)
{
	struct metrics_stand *stand = context;
	const struct pipeline_counts counts = {.taken = (uint64_t)++stand->writes};
	const struct metric_subject subject = {{TEXT("space"), TEXT("pipe")}, &counts};
	exposition_write(exposition, SCOPE_PIPELINE, &subject, 1);
}

static const char *on_unready(void *context)
{
	const struct metrics_stand *stand = context;
	return stand->reason;
}

static const char *on_remark(void *context)
{
	const struct metrics_stand *stand = context;
	return stand->remark;
}

static int stand_open(void **state)
{
	static struct metrics_stand stand;
	struct error error = {0};
	stand = (struct metrics_stand){.loop = loop_open(&error)};
	static const struct metrics_asked asked = {.address = "0"};
	const struct metrics_owner owner = {on_write, on_unready, &stand, on_remark};
	stand.listener = metrics_listener_open(stand.loop, &(struct metrics_config){.asked = &asked, .workspace = &workspace},
					       &owner, &error);
	assert_non_null(stand.listener);
	*state = &stand;
	return 0;
}

static int stand_close(void **state)
{
	struct metrics_stand *stand = *state;
	metrics_listener_close(stand->listener);
	loop_close(stand->loop);
	return 0;
}

static struct guest stand_call(const struct metrics_stand *stand)
{
	return guest_open(stand->loop, metrics_listener_port(stand->listener));
}

static void metrics_come_in_the_format_that_is_asked_for(void **state)
{
	struct metrics_stand *stand = *state;
	struct guest caller = stand_call(stand);
	const char *reply = guest_ask(&caller, ASK("GET", "/metrics"),
				      "_duration_seconds_count{namespace=\"space\",pipeline=\"pipe\"} 0\n");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 200"));
	assert_non_null(strstr(reply, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(reply, "Vary: Accept\r\n")); /* a cache must keep the two apart (RFC 9110, 12.5.5) */
	assert_non_null(strstr(reply, "sluice_pipeline_requests_total{namespace=\"space\",pipeline=\"pipe\"} 1\n"));
	if (access("/proc/self/statm", R_OK) == 0) /* what a process uses is not known without it */
		assert_non_null(strstr(reply, "\nprocess_resident_memory_bytes "));
	assert_non_null(strstr(reply, "\nsluice_build_info{version=\""));
	reply = guest_ask(&caller,
			  "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
			  "Accept: application/openmetrics-text; version=1.0.0\r\n\r\n",
			  "# EOF\n");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
	assert_non_null(strstr(reply, "Vary: Accept\r\n"));
	assert_non_null(strstr(reply, "# TYPE sluice_pipeline_requests counter\n"));
	guest_close(&caller);
}

static void the_url_of_metrics_is_one_that_can_be_opened(void **state)
{
	const struct metrics_stand *stand = *state;
	char url[METRICS_URL_BYTES_MAX], expected[METRICS_URL_BYTES_MAX];
	(void)snprintf(expected, sizeof expected, "http://127.0.0.1:%d/metrics", metrics_listener_port(stand->listener));
	assert_string_equal(metrics_listener_url(stand->listener, url), expected);

	struct error error = {0};
	const struct metrics_owner nobody = {0};
	const struct metrics_config config = {.asked = &(struct metrics_asked){.address = "[::1]:0"}, .workspace = &workspace};
	struct metrics_listener *six = metrics_listener_open(stand->loop, &config, &nobody, &error);
	if (!six)
		skip(); /* this machine has no IPv6 */
	(void)snprintf(expected, sizeof expected, "http://[::1]:%d/metrics", metrics_listener_port(six));
	assert_string_equal(metrics_listener_url(six, url), expected);
	metrics_listener_close(six);
}

static void nothing_can_be_changed(void **state)
{
	struct metrics_stand *stand = *state;
	static const char *const asked[] = {"POST /metrics", "PUT /ready", "DELETE /live", "PATCH /metrics"};
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		char words[256];
		struct guest caller = stand_call(stand);
		(void)snprintf(words, sizeof words, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", asked[i]);
		const char *reply = guest_ask(&caller, words, "GET.\n");
		assert_non_null(reply);
		assert_non_null(strstr(reply, "HTTP/1.1 405"));
		assert_non_null(strstr(reply, "Allow: GET, HEAD, OPTIONS\r\n"));
		guest_close(&caller);
	}
	assert_int_equal(stand->writes, 0);
	struct guest caller = stand_call(stand);
	assert_non_null(strstr(guest_ask(&caller, ASK("GET", "/v2/repository/index"), "/ready.\n"), "HTTP/1.1 404"));
	assert_non_null(strstr(guest_ask(&caller, ASK("HEAD", "/metrics"), "\r\n\r\n"), "HTTP/1.1 200"));
	assert_non_null(strstr(guest_ask(&caller, ASK("GET", "/live"), "live\n"), "HTTP/1.1 200"));
	guest_close(&caller);
}

/* As at a gateway's port (RFC 9110, 9.3.7). */
static void options_are_the_methods_of_a_path(void **state)
{
	struct metrics_stand *stand = *state;
	struct guest caller = stand_call(stand);
	static const char *const paths[] = {"/metrics", "/live", "/ready", "*"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		char words[256];
		(void)snprintf(words, sizeof words, "OPTIONS %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[i]);
		const char *reply = guest_ask(&caller, words, "\r\n\r\n");
		assert_non_null(reply);
		assert_non_null(strstr(reply, "HTTP/1.1 204"));
		assert_non_null(strstr(reply, "Allow: GET, HEAD, OPTIONS\r\n"));
	}
	assert_int_equal(stand->writes, 0);
	assert_non_null(strstr(guest_ask(&caller, ASK("OPTIONS", "/v2"), "/ready.\n"), "HTTP/1.1 404"));
	guest_close(&caller);
}

static void readiness_has_its_reason(void **state)
{
	struct metrics_stand *stand = *state;
	struct guest caller = stand_call(stand);
	assert_non_null(strstr(guest_ask(&caller, ASK("GET", "/ready"), "ready\n"), "HTTP/1.1 200"));
	stand->remark = "pipeline pipe waits: for its model";
	assert_non_null(strstr(guest_ask(&caller, ASK("GET", "/ready"), "ready\npipeline pipe waits: for its model\n"),
			       "HTTP/1.1 200"));
	stand->reason = "pipeline pipe waits for its partitions\n";
	const char *reply = guest_ask(&caller, ASK("GET", "/ready"), "partitions\n");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 503"));
	guest_close(&caller);
}

/* Beyond the limit of one peer a connection is closed at once; those that are open go on being answered. */
static void idle_and_half_callers_do_not_shut_others_out(void **state)
{
	struct metrics_stand *stand = *state;
	struct guest slow[METRICS_PEER_CONNECTIONS - 1], scraper = stand_call(stand);
	assert_non_null(guest_ask(&scraper, ASK("GET", "/live"), "live\n"));
	for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
		slow[i] = stand_call(stand);
		guest_say(&slow[i], "GET /metrics HT");
	}
	struct guest beyond = stand_call(stand);
	assert_string_equal(guest_hear(&beyond, ""), "");
	assert_non_null(strstr(guest_ask(&scraper, ASK("GET", "/live"), "live\n"), "HTTP/1.1 200"));
	int64_t began_ms = clock_ms();
	const char *reply = NULL;
	while (!reply && clock_ms() - began_ms < 2 * METRICS_HEAD_MS)
		reply = guest_hear(&slow[0], "\r\n\r\n");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 408"));
	guest_close(&beyond);
	guest_close(&scraper);
	for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
		guest_close(&slow[i]);
}

static void an_address_is_a_port_or_a_host_and_a_port(void **state)
{
	(void)state;
	struct metrics_address address;
	struct error error = {0};
	static const struct {
		const char *text, *host;
		int port;
	} good[] = {{"9090", "", 9090},	       {"0", "", 0},	     {"0.0.0.0:1", "0.0.0.0", 1},
		    {"[::1]:65535", "::1", 65535}, {"host.name:80", "host.name", 80}};
	static const char *const bad[] = {"", ":80", "host:", "65536", "host:65536", "::1:80", "-1", "80x", "[]:80", "9090 "};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(metrics_address_read(good[i].text, &address, &error));
		assert_string_equal(address.host, good[i].host);
		assert_int_equal(address.port, good[i].port);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		error.kind = ERROR_NONE;
		assert_false(metrics_address_read(bad[i], &address, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
	}
}

/* As for the second and third of several namespaces. */
static void a_port_moves_and_its_host_stays(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 16);
	struct error error = {0};
	static const struct {
		const char *address, *moved;
	} cases[] = {{"9090", "9092"}, {"0.0.0.0:9090", "0.0.0.0:9092"}, {"[::1]:9090", "[::1]:9092"}, {"0", "0"}, {"h:0", "h:0"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct metrics_asked asked = {.address = cases[i].address};
		assert_true(metrics_asked_move(&asked, 2, arena, &error));
		assert_string_equal(asked.address, cases[i].moved);
	}
	struct metrics_asked none = {0}, wrong = {.address = "here"};
	assert_true(metrics_asked_move(&none, 2, arena, &error) && !none.address);
	assert_false(metrics_asked_move(&wrong, 2, arena, &error));
	arena_close(arena);
}

/* A page whose name leads here reads nothing (net/host_names.h). */
static void a_request_to_another_name_is_refused(void **state)
{
	struct metrics_stand *stand = *state;
	struct guest caller = stand_call(stand);
	const char *reply =
		guest_ask(&caller, "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nAccept-Language: *\r\n\r\n", "--allow-host");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 421"));
	guest_close(&caller);
	caller = stand_call(stand);
	reply = guest_ask(&caller, "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Language: *\r\n\r\n",
			  "--allow-host");
	assert_non_null(reply);
	assert_non_null(strstr(reply, "HTTP/1.1 421"));
	assert_int_equal(stand->writes, 0);
	guest_close(&caller);
}

static void files_of_tls_need_each_other_and_a_port(void **state)
{
	(void)state;
	static const struct {
		struct metrics_asked asked;
		const char *words; /* NULL: it is fine */
	} rows[] = {
		{{.address = NULL}, NULL},
		{{.address = "9090"}, NULL},
		{{.address = "9090", .files = {.certificate = "a", .key = "b", .authorities = "c"}}, NULL},
		{{.address = "9090", .files = {.key = "b"}}, "`--metrics-key` needs `--metrics-certificate`"},
		{{.address = "9090", .files = {.authorities = "c"}}, "`--metrics-authorities` needs `--metrics-certificate`"},
		{{.address = "9090", .files = {.certificate = "a", .key = "b", .revocations = "d"}},
		 "`--metrics-revocations` needs `--metrics-authorities`"},
		{{.files = {.certificate = "a", .key = "b"}}, "add `--metrics`"},
		{{.address = "nonsense"}, "`--metrics nonsense` is no address"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error error = {0};
		assert_true(metrics_asked_check(&rows[i].asked, &error) == !rows[i].words);
		if (rows[i].words)
			assert_non_null(strstr(error.text, rows[i].words));
	}
}

static void encryption_that_is_asked_for_is_given_beyond_this_machine(void **state)
{
	(void)state;
	struct error error = {0};
	struct protection protection = {.encryption = {.here = {.file = "runtime.yaml", .line = 7}, .enabled_here = {.line = 8}}};
	const struct metrics_asked loopback = {.address = "127.0.0.1:9090"}, port = {.address = "9090"}, none = {0},
				   beyond = {.address = "0.0.0.0:9090"},
				   with_tls = {.address = "0.0.0.0:9090", .files = {.certificate = "a", .key = "b"}};
	assert_true(metrics_check_protection(&beyond, &(struct protection){0}, &error));
	assert_true(metrics_check_protection(&beyond, &protection, &error));
	protection.encryption.enabled = true;
	assert_true(metrics_check_protection(&loopback, &protection, &error));
	assert_true(metrics_check_protection(&port, &protection, &error));
	assert_true(metrics_check_protection(&none, &protection, &error));
	assert_true(metrics_check_protection(&with_tls, &protection, &error));
	assert_false(metrics_check_protection(&beyond, &protection, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_int_equal(error.place.line, 7);
	assert_non_null(strstr(error.text, "--metrics-certificate"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(metrics_come_in_the_format_that_is_asked_for, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(the_url_of_metrics_is_one_that_can_be_opened, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(nothing_can_be_changed, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(readiness_has_its_reason, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(options_are_the_methods_of_a_path, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(idle_and_half_callers_do_not_shut_others_out, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_request_to_another_name_is_refused, stand_open, stand_close),
		cmocka_unit_test(files_of_tls_need_each_other_and_a_port),
		cmocka_unit_test(encryption_that_is_asked_for_is_given_beyond_this_machine),
		cmocka_unit_test(an_address_is_a_port_or_a_host_and_a_port),
		cmocka_unit_test(a_port_moves_and_its_host_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
