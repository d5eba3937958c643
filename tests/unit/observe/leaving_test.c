/* leaving_test.c: Tests of how soon a worker gives up the calls to models of requests that nobody waits for: cancelled ones in
 * Kafka, and direct ones whose callers have left; on their way, and in line. The model's server listens and never answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "message/records/reply.h"
#include "net/loop.h"
#include "observe/cancel_board.h"
#include "tests/unit/worker_stand.h"
#include "engine/worker/direct_hub.h"

#define ROUNDS 5    /* of which the middle one is judged: the machine may be busy */
#define SOON_MS 200 /* engine/engine/worker/DELIVERY.md */
#define NONCE "0123456789abcdef0123456789abcde"

static const char asks_model[] = "  - name: m\n  output: {steps: [m]}\n";
static const char *const written[] = {"out", "in"};
static const char *const x1 = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}";

static struct direct_hub *hub;
static struct cancel_board *board;
static int listening;
static char url[64];
static struct model_address address;
static struct model_config model;

static void start(struct stand *stand, size_t lanes)
{
	struct error error = {0};
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof place;
	listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listening, (const struct sockaddr *)&place, sizeof place), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&place, &length), 0);
	assert_int_equal(listen(listening, 128), 0);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/v2/models/m/infer", ntohs(place.sin_port));
	address = (struct model_address){.url = url};
	model = (struct model_config){
		.name = "m", .addresses = {1, &address}, .concurrency_least = lanes, .concurrency_most = lanes};
	hub = direct_hub_open(&error);
	board = cancel_board_open();
	assert_true(hub && board);
	stand_configure(stand, asks_model);
	stand->caller.model_count = 1;
	stand->caller.models = &model;
	stand->config.transaction.id = NULL;
	stand->config.setup.writes = (struct topic_list){2, written};
	stand->stages[0].requests = 1;
	stand->stages[0].by_key = true;
	stand->config.direct = hub;
	stand->config.cancels = board;
	stand->config.limits.drain_ms = 50;
	stand_start(stand);
}

static int leaving_close(void **state)
{
	int code = stand_close(state);
	direct_hub_close(hub);
	cancel_board_close(board);
	close(listening);
	return code;
}

#define LEAVING(name) cmocka_unit_test_setup_teardown(name, stand_open, leaving_close)

static void ask(uint64_t call)
{
	const struct header headers[] = {{TEXT(REPLY_HEADER), TEXT("0/0123456789abcdef/7/p")}};
	const struct direct_request request = {.pipeline = TEXT("p"),
					       .place = TEXT("/v2/models/p/infer"),
					       .value = text_of(x1),
					       .headers = {1, headers},
					       .time_ms = 1,
					       .call = call};
	assert_int_equal(direct_hub_send(hub, &request), DIRECT_SENT);
	direct_hub_wake(hub);
}

/* The connection of the next call, when its first byte has come. */
static int await_call(void)
{
	struct pollfd waiting = {.fd = listening, .events = POLLIN};
	char byte;
	assert_int_equal(poll(&waiting, 1, MOCK_WAIT_MS), 1);
	const int connection = accept(listening, NULL, NULL);
	assert_int_equal(recv(connection, &byte, 1, 0), 1);
	return connection;
}

/* A request that its caller leaves before the worker has taken it is dropped without a reply. */
static void await_taken(const struct stand *stand, uint64_t count)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	while (worker_counts(stand->running.worker).taken < count) {
		assert_true(clock_ms() < until_ms);
		usleep(1000);
	}
}

/* When the worker has closed it. */
static int64_t await_end(int connection)
{
	const struct timeval wait = {.tv_sec = MOCK_WAIT_MS / 1000};
	char bytes[4096];
	ssize_t count = 1;
	assert_int_equal(setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
	while (count > 0)
		count = recv(connection, bytes, sizeof bytes, 0);
	assert_true(count == 0 || errno == ECONNRESET);
	close(connection);
	return clock_ms();
}

static struct direct_message *reply(void)
{
	struct pollfd bell = {.fd = direct_hub_bell(hub), .events = POLLIN};
	struct direct_message *message;
	while (!(message = direct_hub_take(hub))) {
		assert_int_equal(poll(&bell, 1, MOCK_WAIT_MS), 1);
		(void)bell_quiet(bell.fd);
	}
	assert_null(message->next);
	return message;
}

static void expect_cancelled(struct direct_message *message, const char *words)
{
	assert_non_null(memmem(message->record.value.bytes, message->record.value.length, words, strlen(words)));
	const struct header *limit = headers_find(message->record.headers, TEXT(REPLY_LIMIT_HEADER));
	assert_true(limit && text_is(limit->value, REPLY_LIMIT_CANCEL));
	direct_message_close(message);
}

static int compare_times(const void *a, const void *b)
{
	const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
	return (one > other) - (one < other);
}

static void expect_soon(int64_t took_ms[ROUNDS])
{
	qsort(took_ms, ROUNDS, sizeof *took_ms, compare_times);
	assert_in_range(took_ms[ROUNDS / 2], 0, SOON_MS);
}

/* The exchange is logged with that error, and the request of another caller keeps its call. */
static void a_call_of_a_direct_request_is_given_up_when_its_caller_leaves(void **state)
{
	struct stand *stand = *state;
	int64_t took_ms[ROUNDS];
	start(stand, 64);
	ask(1);
	const int kept = await_call();
	for (uint64_t i = 0; i < ROUNDS; i++) {
		ask(2 + i);
		const int connection = await_call();
		const int64_t left_ms = clock_ms();
		direct_hub_leave(hub, 2 + i);
		took_ms[i] = await_end(connection) - left_ms;
		expect_cancelled(reply(), "step `m` waited for model m to answer");
	}
	expect_soon(took_ms);
	const rd_kafka_message_t *logged = mock_read(&stand->mock);
	assert_true(record_says(logged, "cancelled by its caller"));
	char byte;
	while (recv(kept, &byte, 1, MSG_DONTWAIT) == 1)
		;
	assert_int_equal(errno, EAGAIN);
	close(kept);
	assert_int_equal(stand_stop(stand).cancelled, ROUNDS);
}

/* The server has one call at a time, and never sees the second one. */
static void a_call_in_line_is_given_up_when_its_caller_leaves(void **state)
{
	struct stand *stand = *state;
	int64_t took_ms[ROUNDS];
	start(stand, 1);
	ask(1);
	const int first = await_call();
	for (uint64_t i = 0; i < ROUNDS; i++) {
		struct pollfd waiting = {.fd = listening, .events = POLLIN};
		ask(2 + i);
		await_taken(stand, 2 + i);
		assert_int_equal(poll(&waiting, 1, 20), 0);
		const int64_t left_ms = clock_ms();
		direct_hub_leave(hub, 2 + i);
		expect_cancelled(reply(), "cancelled by its caller");
		took_ms[i] = clock_ms() - left_ms;
	}
	expect_soon(took_ms);
	direct_hub_leave(hub, 1);
	(void)await_end(first);
	expect_cancelled(reply(), "cancelled by its caller");
	assert_int_equal(stand_stop(stand).cancelled, ROUNDS + 1);
}

/* From the board on, to which a relay brings it from Kafka. */
static void a_call_of_a_request_in_kafka_is_given_up_as_soon(void **state)
{
	struct stand *stand = *state;
	int64_t took_ms[ROUNDS];
	start(stand, 64);
	for (int i = 0; i < ROUNDS; i++) {
		char token[40];
		(void)snprintf(token, sizeof token, NONCE "%d", i);
		stand_ask(stand, "asks", 1, REPLY_SUBMITTED_HEADER, token);
		const int connection = await_call();
		const int64_t cancelled_ms = clock_ms();
		cancel_board_add(board, text_of(token), TEXT("p"));
		took_ms[i] = await_end(connection) - cancelled_ms;
	}
	expect_soon(took_ms);
	assert_int_equal(stand_stop(stand).cancelled, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEAVING(a_call_of_a_direct_request_is_given_up_when_its_caller_leaves),
		LEAVING(a_call_in_line_is_given_up_when_its_caller_leaves),
		LEAVING(a_call_of_a_request_in_kafka_is_given_up_as_soon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
