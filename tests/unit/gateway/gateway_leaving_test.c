/* gateway_leaving_test.c: A gateway that is told to stop: for a time it is not ready and serves whoever comes, then it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/gateway_stand.h"
#include "tests/unit/guest.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define SUBMIT                                                                                                                     \
	"POST /v2/pipelines/p/infer HTTP/1.1\r\nHost: localhost\r\nPrefer: respond-async\r\nContent-Length: 13\r\n\r\n"            \
	"{\"inputs\":[]}"
#define GRPC(path)                                                                                                                 \
	":method", "POST", ":scheme", "http", ":path", path, ":authority", "localhost", "te", "trailers", "content-type",          \
		"application/grpc"
#define METHOD(name) GRPC("/inference.GRPCInferenceService/" name)
#define WATCH GRPC("/grpc.health.v1.Health/Watch")

static void expect(const struct guest *caller, const char *request, const char *status, const char *words)
{
	const char *heard = guest_ask(caller, request, words);
	assert_non_null(heard);
	assert_non_null(strstr(heard, status));
	assert_non_null(strstr(heard, words));
}

/* Asks by a connection of its own, which is closed behind the answer. */
static void expect_last(const struct gateway_stand *stand, const char *request, const char *status, const char *words)
{
	struct guest caller = guest_open(stand->loop, gateway_http_port(stand->gateway));
	const char *heard = guest_ask(&caller, request, "");
	assert_non_null(heard);
	assert_non_null(strstr(heard, status));
	assert_non_null(strstr(heard, "Connection: close\r\n"));
	assert_non_null(strstr(heard, words));
	guest_close(&caller);
}

static void await_heard(struct gateway_stand *stand, const char *words)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; !strstr(stand->puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until_ms)
			assert_string_equal(stand->puppet.heard, words);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static void await_ready(const struct gateway_stand *stand)
{
	for (const int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; gateway_unready(stand->gateway);) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static void ask_by_grpc(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, METHOD("ServerReady"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, "\0\0\0\0\0", 5);
}

static bool port_refuses(int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	const int caller = socket(AF_INET, SOCK_STREAM, 0);
	const bool refuses = connect(caller, (const struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
	close(caller);
	return refuses;
}

static void it_serves_whoever_comes_and_tells_them_to_leave(void **state)
{
	struct gateway_stand *stand = *state;
	struct guest kept = guest_open(stand->loop, gateway_http_port(stand->gateway));
	struct puppet_line *early = puppet_dial(&stand->puppet, gateway_grpc_port(stand->gateway));
	await_ready(stand);
	expect(&kept, GET("/v2/health/ready"), "200 OK", "true");
	ask_by_grpc(early, 1);
	await_heard(stand, "1 grpc-status: 0\n");
	assert_false(gateway_drain(stand->gateway, loop_now_ms(stand->loop) + MOCK_WAIT_MS));
	assert_non_null(strstr(gateway_unready(stand->gateway), "is stopping"));
	await_heard(stand, "goaway 1 0\n"); /* to those that are here */
	await_heard(stand, "closed\n");
	struct puppet_line *late = puppet_dial(&stand->puppet, gateway_grpc_port(stand->gateway));
	ask_by_grpc(late, 3);
	await_heard(stand, "3 data 5\n"); /* ready: false */
	await_heard(stand, "3 grpc-status: 0\n");
	expect(&kept, GET("/v2/health/live"), "200 OK", "live"); /* it was idle, and may ask once more */
	expect_last(stand, GET("/v2/health/ready"), "503 ", "is stopping");
	expect_last(stand, SUBMIT, "202 ", "\"id\"");
	guest_close(&kept);
}

static void drain(struct gateway_stand *stand)
{
	for (const int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; !gateway_drain(stand->gateway, until_ms);) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

/* The watch is told that the gateway is not ready. The message asks for a model that is not there, and is answered by an error. */
static void its_streams_go_on_until_its_time_is_over(void **state)
{
	struct gateway_stand *stand = *state;
	await_ready(stand);
	const int64_t began_ms = loop_now_ms(stand->loop);
	struct puppet_line *line = puppet_dial(&stand->puppet, gateway_grpc_port(stand->gateway));
	puppet_headers(line, 1, 0, WATCH, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\0", 5);
	puppet_headers(line, 3, 0, METHOD("ModelStreamInfer"), NULL);
	await_heard(stand, "1 data 7\n");
	stand->puppet.heard[0] = '\0';
	assert_false(gateway_drain(stand->gateway, loop_now_ms(stand->loop) + MOCK_WAIT_MS));
	await_heard(stand, "goaway 3 0\n");
	await_heard(stand, "1 data 7\n");
	puppet_frame(line, FRAME_DATA, 0, 3, "\0\0\0\0\3\n\1x", 8);
	await_heard(stand, "3 data ");
	assert_null(strstr(stand->puppet.heard, "grpc-status"));
	drain(stand);
	assert_true(loop_now_ms(stand->loop) >= began_ms + GATEWAY_STAND_LAME_DUCK_MS);
	await_heard(stand, "1 grpc-status: 14\n");
	await_heard(stand, "3 grpc-status: 14\n3 grpc-message: the server is stopping\n3 end\n");
}

static void it_refuses_when_its_time_is_over(void **state)
{
	struct gateway_stand *stand = *state;
	const int port = gateway_http_port(stand->gateway);
	struct guest idle = guest_open(stand->loop, port);
	expect(&idle, GET("/v2/health/live"), "200 OK", "live");
	const int64_t began_ms = loop_now_ms(stand->loop);
	drain(stand);
	assert_true(loop_now_ms(stand->loop) >= began_ms + GATEWAY_STAND_LAME_DUCK_MS);
	assert_string_equal(guest_hear(&idle, ""), "");
	guest_close(&idle);
	assert_true(port_refuses(port));
}

static const char body[] = "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]}]}";

static void await_begun(const struct gateway_stand *stand, uint64_t count)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; gateway_counts(stand->gateway).begun < count;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

/* No engine answers them. The second has ended its side. */
static void calls_that_are_open_at_the_end_of_its_time_are_answered(void **state)
{
	struct gateway_stand *stand = *state;
	const int port = gateway_http_port(stand->gateway);
	struct guest callers[] = {guest_open(stand->loop, port), guest_open(stand->loop, port)};
	char request[512];
	(void)snprintf(request, sizeof request,
		       "POST /v2/pipelines/p/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", sizeof body - 1,
		       body);
	for (size_t i = 0; i < 2; i++)
		guest_say(&callers[i], request);
	await_begun(stand, 2);
	assert_int_equal(shutdown(callers[1].socket, SHUT_WR), 0);
	struct puppet_line *line = puppet_dial(&stand->puppet, gateway_grpc_port(stand->gateway));
	puppet_headers(line, 1, 0, METHOD("ModelInfer"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\3\n\1p", 8);
	await_begun(stand, 3);
	const int64_t until_ms = loop_now_ms(stand->loop) + GATEWAY_STAND_LAME_DUCK_MS + 1000;
	while (gateway_counts(stand->gateway).open > 0) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		(void)gateway_drain(stand->gateway, until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	assert_true(loop_now_ms(stand->loop) >= until_ms - GATEWAY_LAST_MS);
	for (size_t i = 0; i < 2; i++) {
		const char *heard = guest_hear(&callers[i], "\"}");
		assert_non_null(heard);
		assert_int_equal(strncmp(heard, "HTTP/1.1 503 ", 13), 0);
		assert_non_null(strstr(heard, "the gateway is stopping"));
		guest_close(&callers[i]);
	}
	await_heard(stand, "1 grpc-status: 14\n");
	assert_int_equal(gateway_counts(stand->gateway).failed, 3);
}

#define LEAVING_STORY(name) cmocka_unit_test_setup_teardown(name, gateway_stand_open, gateway_stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEAVING_STORY(it_serves_whoever_comes_and_tells_them_to_leave),
		LEAVING_STORY(its_streams_go_on_until_its_time_is_over),
		LEAVING_STORY(it_refuses_when_its_time_is_over),
		LEAVING_STORY(calls_that_are_open_at_the_end_of_its_time_are_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
