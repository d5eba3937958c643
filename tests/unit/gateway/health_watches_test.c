/* health_watches_test.c: Watches of a gateway's health over gRPC: what their callers are sent, and how they end. */
#include "gateway/health_watches.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/grpc/grpc_wire.h"
#include "tests/unit/puppet.h"

#define WAIT_MS 5000
#define STATUS "data 7\n" /* a prefix, and a HealthCheckResponse */
#define HEAD                                                                                                                       \
	":method", "POST", ":scheme", "http", ":path", "/grpc.health.v1.Health/Watch", ":authority", "us", "te", "trailers",       \
		"content-type", "application/grpc"

struct watch_stand {
	struct loop *loop;
	struct grpc_server *server;
	struct health_watches watches;
	struct puppet puppet;
	bool is_ready;
};

static bool on_asked_whether_ready(void *context)
{
	return *(const bool *)context;
}

static bool on_converses(void *context, struct grpc_request *request, struct text path, int *status, const char **words)
{
	(void)context, (void)request, (void)path, (void)status, (void)words;
	return true;
}

static bool on_received(void *context, struct grpc_request *request, struct text path, struct text message)
{
	struct watch_stand *stand = context;
	(void)path;
	return health_watch_begin(&stand->watches, request, message);
}

static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context, (void)path, (void)body;
	grpc_server_answer(request, GRPC_UNIMPLEMENTED, (struct text){0}, (struct text){0});
}

static int stand_open(void **state)
{
	static struct watch_stand stand;
	struct error error = {0};
	stand = (struct watch_stand){.loop = loop_open(&error), .is_ready = true};
	const struct grpc_server_config config = {.message_bytes = 1000,
						  .streams = HEALTH_WATCHES_MAX,
						  .connections = 10,
						  .called = on_called,
						  .converses = on_converses,
						  .received = on_received,
						  .context = &stand};
	health_watches_set_up(&stand.watches, stand.loop, on_asked_whether_ready, &stand.is_ready);
	stand.server = grpc_server_open(stand.loop, &config, &error);
	assert_non_null(stand.server);
	stand.puppet.loop = stand.loop;
	*state = &stand;
	return 0;
}

static int stand_close(void **state)
{
	struct watch_stand *stand = *state;
	puppet_hang_up_all(&stand->puppet);
	grpc_server_close(stand->server);
	health_watches_close(&stand->watches);
	for (size_t i = 0; i < PEERS_ROWS; i++)
		assert_null(stand->watches.peers.rows[i]);
	loop_close(stand->loop);
	return 0;
}

#define WATCH_STORY(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

static void turn_for(struct watch_stand *stand, int64_t ms)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + ms; loop_now_ms(stand->loop) < until_ms;)
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
}

static void turn_until(struct watch_stand *stand, const char *words)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !strstr(stand->puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until_ms)
			assert_string_equal(stand->puppet.heard, words);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static size_t times(const struct watch_stand *stand, const char *words)
{
	size_t count = 0;
	for (const char *at = stand->puppet.heard; (at = strstr(at, words)); at += strlen(words))
		count++;
	return count;
}

/* As a client of one request says it, for the server as a whole. */
static void ask(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, HEAD, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, "\0\0\0\0\0", GRPC_PREFIX_BYTES);
}

static struct puppet_line *dial(struct watch_stand *stand)
{
	return puppet_dial(&stand->puppet, grpc_server_port(stand->server));
}

static void the_status_is_sent_at_once_and_when_it_changes(void **state)
{
	struct watch_stand *stand = *state;
	ask(dial(stand), 1);
	turn_until(stand, "1 " STATUS);
	turn_for(stand, 3 * HEALTH_WATCH_MS);
	assert_int_equal(times(stand, STATUS), 1);
	for (size_t changes = 1; changes <= 2; changes++) {
		stand->is_ready = !stand->is_ready;
		turn_for(stand, 3 * HEALTH_WATCH_MS);
		assert_int_equal(times(stand, STATUS), 1 + changes);
	}
	assert_null(strstr(stand->puppet.heard, "grpc-status"));
}

static void a_watch_whose_caller_leaves_is_forgotten(void **state)
{
	struct watch_stand *stand = *state;
	struct puppet_line *line = dial(stand), *other = dial(stand);
	ask(line, 1);
	ask(line, 3);
	ask(other, 1);
	turn_for(stand, HEALTH_WATCH_MS);
	assert_int_equal(stand->watches.count, 3);
	puppet_number(line, FRAME_RESET, 1, 8);
	turn_for(stand, 2 * HEALTH_WATCH_MS);
	assert_int_equal(stand->watches.count, 2);
	puppet_hang_up(line);
	turn_for(stand, 2 * HEALTH_WATCH_MS);
	assert_int_equal(stand->watches.count, 1);
	assert_null(stand->watches.open.first->next);
}

static void an_address_has_a_share(void **state)
{
	struct watch_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	for (int32_t i = 0; i < (int32_t)HEALTH_PEER_WATCHES_MAX; i++)
		ask(line, 1 + 2 * i);
	turn_for(stand, HEALTH_WATCH_MS);
	assert_int_equal(stand->watches.count, HEALTH_PEER_WATCHES_MAX);
	stand->puppet.heard[0] = '\0';
	struct puppet_line *other = dial(stand);
	ask(other, 1);
	turn_until(stand, "1 grpc-status: 8\n");
	assert_int_equal(times(stand, "1 data"), 0); /* by which clients would take it for a success, and come back at once */
	assert_int_equal(stand->watches.count, HEALTH_PEER_WATCHES_MAX);
	puppet_number(line, FRAME_RESET, 1, 8);
	turn_for(stand, 2 * HEALTH_WATCH_MS);
	stand->puppet.heard[0] = '\0';
	ask(other, 3);
	turn_until(stand, "3 " STATUS);
}

static void a_second_message_ends_a_watch(void **state)
{
	struct watch_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	puppet_headers(line, 1, 0, HEAD, NULL);
	puppet_frame(line, FRAME_DATA, 0, 1, "\0\0\0\0\0", GRPC_PREFIX_BYTES);
	turn_until(stand, "1 " STATUS);
	puppet_frame(line, FRAME_DATA, 0, 1, "\0\0\0\0\0", GRPC_PREFIX_BYTES);
	turn_until(stand, "1 grpc-status: 3\n");
	turn_for(stand, 2 * HEALTH_WATCH_MS);
	assert_int_equal(stand->watches.count, 0);
}

static void a_gateway_that_stops_ends_its_watches(void **state)
{
	struct watch_stand *stand = *state;
	struct puppet_line *line = dial(stand);
	ask(line, 1);
	turn_until(stand, "1 " STATUS);
	health_watches_drain(&stand->watches);
	turn_until(stand, "1 grpc-status: 14\n");
	assert_int_equal(times(stand, "1 " STATUS), 2);
	ask(line, 3); /* before the caller knows */
	turn_until(stand, "3 grpc-status: 14\n");
	assert_int_equal(times(stand, "3 " STATUS), 1);
	assert_int_equal(stand->watches.count, 0);
}

static void a_status_is_a_message_of_one_field(void **state)
{
	struct buffer out;
	(void)state;
	buffer_open(&out, 10);
	health_status_write(HEALTH_NOT_SERVING, &out);
	assert_true(text_equal(buffer_view(&out), TEXT("\x08\x02")));
	buffer_close(&out);
	assert_true(health_service_is_known(TEXT("")));
	assert_true(health_service_is_known(TEXT("inference.GRPCInferenceService")));
	assert_true(health_service_is_known(TEXT("seldon.protos.Seldon")));
	assert_false(health_service_is_known(TEXT("inference.Other")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_STORY(the_status_is_sent_at_once_and_when_it_changes),
		WATCH_STORY(a_watch_whose_caller_leaves_is_forgotten),
		WATCH_STORY(an_address_has_a_share),
		WATCH_STORY(a_second_message_ends_a_watch),
		WATCH_STORY(a_gateway_that_stops_ends_its_watches),
		cmocka_unit_test(a_status_is_a_message_of_one_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
