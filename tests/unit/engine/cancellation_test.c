/* cancellation_test.c: Tests of cancelled requests: the board, the relay that fills it, and a worker that skips them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "message/records/reply.h"
#include "observe/cancel_board.h"
#include "engine/run/cancel_relay.h"
#include "tests/unit/worker_stand.h"

#define CANCELS "sluice.default.cancels"
#define ABSENT_CLIENT_MS 1500
#define NONCE "0123456789abcdef0123456789abcdef"

static const char doubles[] = "  - name: twice\n    expression: {set: {x: x * 2}}\n"
			      "  output: {steps: [twice]}\n";

/* ---- the board ---- */

static bool board_has(const struct cancel_board *board, const char *header, const char *token, const char *pipeline)
{
	const struct header headers[] = {{TEXT("x-request-id"), TEXT("r")}, {text_of(header), text_of(token)}};
	return cancel_board_has(board, (struct headers){2, headers}, text_of(pipeline));
}

static void a_cancellation_is_of_one_token_and_one_pipeline(void **state)
{
	(void)state;
	struct cancel_board *board = cancel_board_open();
	assert_false(board_has(NULL, REPLY_SUBMITTED_HEADER, NONCE, "p"));
	assert_false(board_has(board, REPLY_SUBMITTED_HEADER, NONCE, "p"));
	cancel_board_add(board, TEXT(NONCE), TEXT("p"));
	assert_true(board_has(board, REPLY_SUBMITTED_HEADER, NONCE, "p"));
	assert_true(board_has(board, REPLY_HEADER, NONCE, "p"));
	assert_false(board_has(board, REPLY_SUBMITTED_HEADER, NONCE, "q"));
	assert_false(board_has(board, REPLY_SUBMITTED_HEADER, "1" NONCE, "p"));
	assert_false(board_has(board, "x-other", NONCE, "p"));
	cancel_board_close(board);
}

static struct text token_write(char out[40], size_t number)
{
	return (struct text){out, (size_t)snprintf(out, 40, "%032zx", number)};
}

/* The first of very many is forgotten; the last ones are known. */
static void the_newest_cancellations_are_known(void **state)
{
	char token[40];
	size_t known = 0;
	(void)state;
	struct cancel_board *board = cancel_board_open();
	for (size_t i = 0; i < 3 * CANCELLATIONS_MAX; i++)
		cancel_board_add(board, token_write(token, i), TEXT("p"));
	for (size_t i = 0; i < 3 * CANCELLATIONS_MAX; i++) {
		(void)token_write(token, i);
		const bool is_known = board_has(board, REPLY_SUBMITTED_HEADER, token, "p");
		known += is_known;
		if (i + CANCELLATIONS_MAX / 8 >= 3 * CANCELLATIONS_MAX)
			assert_true(is_known);
	}
	assert_in_range(known, CANCELLATIONS_MAX * 9 / 10, CANCELLATIONS_MAX);
	cancel_board_close(board);
}

/* One that is read twice takes no place of another. */
static void one_that_comes_again_and_a_token_that_is_none_change_nothing(void **state)
{
	static char large[CANCEL_TOKEN_BYTES_MAX + 1];
	(void)state;
	struct cancel_board *board = cancel_board_open();
	cancel_board_add(board, TEXT("first"), TEXT("p"));
	for (size_t i = 0; i < 2 * CANCEL_WAYS; i++)
		cancel_board_add(board, TEXT(NONCE), TEXT("p"));
	assert_true(board_has(board, REPLY_SUBMITTED_HEADER, "first", "p"));
	memset(large, 'a', sizeof large);
	cancel_board_add(board, (struct text){large, sizeof large}, TEXT("p"));
	cancel_board_add(board, TEXT(""), TEXT("p"));
	const struct header headers[] = {{TEXT(REPLY_SUBMITTED_HEADER), {large, sizeof large}},
					 {TEXT(REPLY_HEADER), TEXT("")}};
	assert_false(cancel_board_has(board, (struct headers){2, headers}, TEXT("p")));
	const struct header longest[] = {{TEXT(REPLY_HEADER), {large, sizeof large - 1}}};
	cancel_board_add(board, longest->value, TEXT("p"));
	assert_true(cancel_board_has(board, (struct headers){1, longest}, TEXT("p")));
	cancel_board_close(board);
}

/* ---- a worker ---- */

static void a_cancelled_request_is_answered_with_the_limit_and_others_as_usual(void **state)
{
	struct stand *stand = *state;
	struct cancel_board *board = cancel_board_open();
	cancel_board_add(board, TEXT(NONCE), TEXT("p"));
	cancel_board_add(board, TEXT("of-another"), TEXT("q"));
	stand_configure(stand, doubles);
	stand->config.transaction.id = NULL;
	stand->config.cancels = board;
	stand_start(stand);
	stand_ask(stand, "cancelled", 21, REPLY_SUBMITTED_HEADER, NONCE);
	stand_ask(stand, "kept", 21, REPLY_SUBMITTED_HEADER, "of-another");
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	assert_true(record_says(record, "cancelled by its caller"));
	assert_string_equal(record_header(record, REPLY_ERROR_HEADER), "LIMIT");
	assert_string_equal(record_header(record, REPLY_LIMIT_HEADER), REPLY_LIMIT_CANCEL);
	assert_string_equal(record_header(record, REPLY_SUBMISSION_HEADER), NONCE);
	record = mock_read(&stand->mock);
	assert_true(record_says(record, "[42]"));
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.taken, 2);
	assert_int_equal(counts.cancelled, 1);
	assert_int_equal(stand_committed(stand), 2);
	cancel_board_close(board);
}

/* ---- requests in flight ---- */

static const char asks_model[] = "  - name: m\n  output: {steps: [m]}\n";

/* The server of a model, which listens and never answers. */
struct silent_server {
	int listening, accepted;
	char url[64];
	struct model_address address;
	struct model_config config;
};

static struct cancel_board *configure_asking(struct stand *stand, struct silent_server *silence)
{
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof place;
	*silence = (struct silent_server){.listening = socket(AF_INET, SOCK_STREAM, 0)};
	assert_int_equal(bind(silence->listening, (const struct sockaddr *)&place, sizeof place), 0);
	assert_int_equal(getsockname(silence->listening, (struct sockaddr *)&place, &length), 0);
	assert_int_equal(listen(silence->listening, 128), 0);
	(void)snprintf(silence->url, sizeof silence->url, "http://127.0.0.1:%d/v2/models/m/infer", ntohs(place.sin_port));
	silence->address = (struct model_address){.url = silence->url};
	silence->config = (struct model_config){.name = "m", .addresses = {1, &silence->address}};
	stand_configure(stand, asks_model);
	stand->caller.model_count = 1;
	stand->caller.models = &silence->config;
	stand->config.transaction.id = NULL;
	struct cancel_board *board = cancel_board_open();
	stand->config.cancels = board;
	return board;
}

/* Returns when the worker has sent the call. */
static void await_call(struct silent_server *silence)
{
	char byte;
	silence->accepted = accept(silence->listening, NULL, NULL);
	assert_true(silence->accepted >= 0);
	assert_int_equal(recv(silence->accepted, &byte, 1, 0), 1);
}

static bool call_is_given_up(const struct silent_server *silence)
{
	const struct timeval wait = {.tv_sec = MOCK_WAIT_MS / 1000};
	char bytes[4096];
	ssize_t count = 1;
	assert_int_equal(setsockopt(silence->accepted, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
	while (count > 0)
		count = recv(silence->accepted, bytes, sizeof bytes, 0);
	return count == 0 || errno == ECONNRESET;
}

static void silence_close(struct stand *stand, struct silent_server *silence, struct cancel_board *board)
{
	stand->config.cancels = NULL;
	cancel_board_close(board);
	close(silence->accepted);
	close(silence->listening);
}

static void expect_cancelled(struct stand *stand, const char *token, const char *words)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	assert_true(record_says(record, words));
	assert_string_equal(record_header(record, REPLY_LIMIT_HEADER), REPLY_LIMIT_CANCEL);
	assert_string_equal(record_header(record, REPLY_SUBMISSION_HEADER), token);
}

/* Its call is given up, and the record counts as handled. Another request, whose caller waits, keeps its call. */
static void a_call_in_flight_is_given_up_when_its_request_is_cancelled(void **state)
{
	struct stand *stand = *state;
	struct silent_server silence;
	struct cancel_board *board = configure_asking(stand, &silence);
	stand_start(stand);
	stand_ask(stand, "asks", 1, REPLY_SUBMITTED_HEADER, NONCE);
	await_call(&silence);
	cancel_board_add(board, TEXT("of-another"), TEXT("p"));
	cancel_board_add(board, TEXT(NONCE), TEXT("q"));
	cancel_board_add(board, TEXT(NONCE), TEXT("p"));
	expect_cancelled(stand, NONCE, "before its answer was ready: step `m` waited for model m to answer");
	assert_true(call_is_given_up(&silence));
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.released, 1);
	assert_int_equal(counts.cancelled, 1);
	assert_int_equal(stand_committed(stand), 1);
	silence_close(stand, &silence, board);
}

/* The one behind it, which is not cancelled, keeps its call. */
static void only_the_cancelled_one_of_those_in_flight_ends(void **state)
{
	struct stand *stand = *state;
	struct silent_server silence;
	char bytes[4096];
	ssize_t count;
	struct cancel_board *board = configure_asking(stand, &silence);
	stand->config.limits.drain_ms = 50; /* nothing else ends the second one */
	stand_start(stand);
	stand_ask(stand, "cancelled", 1, REPLY_SUBMITTED_HEADER, NONCE);
	await_call(&silence);
	struct silent_server of_first = silence;
	stand_ask(stand, "waits", 1, REPLY_SUBMITTED_HEADER, "of-another");
	await_call(&silence);
	cancel_board_add(board, TEXT(NONCE), TEXT("p"));
	expect_cancelled(stand, NONCE, "cancelled by its caller");
	assert_true(call_is_given_up(&of_first));
	do
		count = recv(silence.accepted, bytes, sizeof bytes, MSG_DONTWAIT);
	while (count > 0);
	assert_true(count < 0 && errno == EAGAIN);
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.released, 1);
	assert_int_equal(counts.cancelled, 1);
	close(of_first.accepted);
	silence_close(stand, &silence, board);
}

/* ---- the relay ---- */

struct relayed {
	struct loop *loop;
	struct cancel_board *board;
	struct cancel_relay *relay;
};

static struct relayed relay_open(const char *brokers)
{
	struct error error = {0};
	struct relayed relayed = {.loop = loop_open(&error), .board = cancel_board_open()};
	const struct cancel_relay_config config = {
		.brokers = brokers, .topic = CANCELS, .consumer = mock_quick, .board = relayed.board};
	relayed.relay = cancel_relay_open(&config, relayed.loop, &error);
	assert_non_null(relayed.relay);
	return relayed;
}

static void relay_close(struct relayed *relayed)
{
	cancel_relay_close(relayed->relay);
	cancel_board_close(relayed->board);
	loop_close(relayed->loop);
}

static void await_cancellation(const struct relayed *relayed, const char *token)
{
	struct error error = {0};
	const int64_t until_ms = loop_now_ms(relayed->loop) + MOCK_WAIT_MS;
	while (!board_has(relayed->board, REPLY_SUBMITTED_HEADER, token, "p")) {
		assert_true(loop_turn(relayed->loop, 20, &error));
		assert_true(loop_now_ms(relayed->loop) < until_ms);
	}
}

/* Those that were there before, and those that come. */
static void those_of_the_topic_come_to_the_board(void **state)
{
	struct stand *stand = *state;
	rd_kafka_mock_topic_create(stand->mock.cluster, CANCELS, 1, 1);
	mock_append(&stand->mock, CANCELS, TEXT("before"), TEXT("p"));
	struct relayed relayed = relay_open(stand->mock.brokers);
	await_cancellation(&relayed, "before");
	mock_append(&stand->mock, CANCELS, (struct text){0}, TEXT("p")); /* rubbish */
	mock_append(&stand->mock, CANCELS, TEXT("nothing"), (struct text){0});
	mock_append(&stand->mock, CANCELS, TEXT("after"), TEXT("p"));
	await_cancellation(&relayed, "after");
	assert_false(board_has(relayed.board, REPLY_SUBMITTED_HEADER, "nothing", "p"));
	relay_close(&relayed);
}

/* Though the topic is not there. */
static void a_relay_that_is_closed_waits_for_no_topic(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct relayed relayed = relay_open(stand->mock.brokers);
	(void)loop_turn(relayed.loop, 20, &error);
	const int64_t began_ms = clock_ms();
	relay_close(&relayed);
	assert_in_range(clock_ms() - began_ms, 0, 5000);
}

/* Each client of Kafka in this process has one thread of that name. */
static size_t count_clients(void)
{
	char path[300], name[16];
	size_t count = 0;
	DIR *folder = opendir("/proc/self/task");
	assert_non_null(folder);
	for (const struct dirent *task; (task = readdir(folder));) {
		(void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
		FILE *file = fopen(path, "r");
		count += file && fgets(name, sizeof name, file) && strcmp(name, "rdk:main\n") == 0;
		if (file)
			(void)fclose(file);
	}
	(void)closedir(folder);
	return count;
}

/* An engine without a gateway would ask Kafka for the topic ten times a second. */
static void without_a_topic_its_client_is_soon_gone(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	const size_t before = count_clients();
	rd_kafka_mock_topic_set_error(stand->mock.cluster, CANCELS, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	struct relayed relayed = relay_open(stand->mock.brokers);
	const int64_t until_ms = clock_ms() + ABSENT_CLIENT_MS;
	bool had_client = false;
	while (!had_client || count_clients() > before) {
		assert_true(loop_turn(relayed.loop, 20, &error));
		had_client |= count_clients() > before;
		assert_true(clock_ms() < until_ms);
	}
	relay_close(&relayed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cancellation_is_of_one_token_and_one_pipeline),
		cmocka_unit_test(the_newest_cancellations_are_known),
		cmocka_unit_test(one_that_comes_again_and_a_token_that_is_none_change_nothing),
		STORY(a_cancelled_request_is_answered_with_the_limit_and_others_as_usual),
		STORY(a_call_in_flight_is_given_up_when_its_request_is_cancelled),
		STORY(only_the_cancelled_one_of_those_in_flight_ends),
		STORY(those_of_the_topic_come_to_the_board),
		STORY(a_relay_that_is_closed_waits_for_no_topic),
		STORY(without_a_topic_its_client_is_soon_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
