/* fetch_test.c: a server that sends next to nothing keeps nobody deaf, and a plan asks no server unless it is told to. */
#include "net/http/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

static int listener;
static int port;
static pthread_t thread;
static atomic_bool ending;
static atomic_int model_requests;

/* An answer that is promised whole and comes two bytes a second, to one visitor after the other. */
static void *trickle(void *context)
{
	(void)context;
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
	while (!atomic_load(&ending)) {
		struct pollfd wanted = {.fd = listener, .events = POLLIN};
		int model_request = poll(&wanted, 1, 50) > 0 ? accept(listener, NULL, NULL) : -1;
		if (model_request < 0)
			continue;
		atomic_fetch_add(&model_requests, 1);
		bool there = send(model_request, head, sizeof head - 1, MSG_NOSIGNAL) > 0;
		while (there && !atomic_load(&ending)) {
			there = send(model_request, "x", 1, MSG_NOSIGNAL) == 1;
			poll(NULL, 0, 100);
		}
		close(model_request);
	}
	return NULL;
}

static int set_up(void **state)
{
	(void)state;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 5) ||
	    getsockname(listener, (struct sockaddr *)&address, &length))
		return 1;
	port = ntohs(address.sin_port);
	return pthread_create(&thread, NULL, trickle, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	atomic_store(&ending, true);
	pthread_join(thread, NULL);
	return close(listener);
}

static void a_signal_that_waits_ends_a_fetch(void **state)
{
	(void)state;
	static const int signals[] = {SIGTERM, SIGINT};
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		char url[64];
		sigset_t set, before;
		struct buffer body;
		struct error error = {0};
		const struct timespec at_once = {0};
		sigemptyset(&set);
		sigaddset(&set, signals[i]);
		assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
		raise(signals[i]);
		snprintf(url, sizeof url, "http://127.0.0.1:%d/model", port);
		buffer_open(&body, 1 << 20);
		int64_t began_ms = clock_ms();
		assert_false(fetch(&(struct fetch_request){.url = url}, PLACE_NONE, &body, &error));
		assert_in_range(clock_ms() - began_ms, 0, 5000);
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, "a signal came before its end"));
		assert_int_equal(sigtimedwait(&set, NULL, &at_once), signals[i]);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		buffer_close(&body);
	}
}

/* As one that came while a command starts: it asks for nothing before that. */
static void a_hangup_that_waits_ends_no_fetch(void **state)
{
	(void)state;
	char url[64];
	sigset_t set, before;
	struct buffer body;
	struct error error = {0};
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
	raise(SIGHUP);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/model", port);
	buffer_open(&body, 1 << 20);
	assert_false(fetch(&(struct fetch_request){.url = url, .seconds_max = 1}, PLACE_NONE, &body, &error));
	assert_non_null(strstr(error.text, "within 1 s"));
	assert_int_equal(sigtimedwait(&set, NULL, &(struct timespec){0}), SIGHUP);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	buffer_close(&body);
}

/* Two bytes a second: too slow, and where that is not looked at, not over in time. */
static void a_server_that_is_too_slow_is_given_up(void **state)
{
	(void)state;
	static const struct fetch_request limits[] = {{.slow_seconds = 1}, {.seconds_max = 1}};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		char url[64];
		struct buffer body;
		struct error error = {0};
		struct fetch_request request = limits[i];
		snprintf(url, sizeof url, "http://127.0.0.1:%d/model", port);
		request.url = url;
		buffer_open(&body, 1 << 20);
		int64_t began_ms = clock_ms();
		assert_false(fetch(&request, PLACE_NONE, &body, &error));
		assert_in_range(clock_ms() - began_ms, 900, 8000);
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, i == 0 ? "for 1 s" : "within 1 s"));
		buffer_close(&body);
	}
}

static void a_plan_asks_no_server(void **state)
{
	(void)state;
	char path[] = "/tmp/sluice-fetch-XXXXXX", text[400], line[100];
	int file = mkstemp(path), before = atomic_load(&model_requests);
	assert_true(file >= 0);
	close(file);
	snprintf(text, sizeof text,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		 "  steps: [{name: m, model: {local: \"http://127.0.0.1:%d/model.json\"}}]\n  output: {steps: [m]}\n",
		 port);
	write_file(path, text);
	snprintf(line, sizeof line, "plan %s", path);
	int64_t began_ms = clock_ms();
	struct said said = say_with(step_kinds, line);
	assert_in_range(clock_ms() - began_ms, 0, 5000);
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.err, "--fetch reads them");
	assert_int_equal(atomic_load(&model_requests), before);
	said_close(&said);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_asks_no_server),
		cmocka_unit_test(a_server_that_is_too_slow_is_given_up),
		cmocka_unit_test(a_signal_that_waits_ends_a_fetch),
		cmocka_unit_test(a_hangup_that_waits_ends_no_fetch),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
