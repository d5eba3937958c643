/* request_sender_test.c: Tests of the sender of requests: which lines are sent and which are refused, what goes along with them,
 * how fast they leave, and rows of tensors. */
#include "tools/client/request_sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/mock_broker.h"

#define LARGE_BYTES ((size_t)1200000)

static struct {
	struct mock mock;
	struct pipeline_target target;
	struct workspace workspace;
	struct request_sender sender;
	size_t noted;
	char notes[4][512]; /* of refused lines */
} stand;

static void on_failure(void *context, const struct error *error)
{
	(void)context;
	if (stand.noted < 4)
		(void)snprintf(stand.notes[stand.noted], sizeof *stand.notes, "%s", error->text);
	stand.noted++;
}

static void on_note(void *context, const char *line)
{
	const struct error error = {0};
	struct error noted = error;
	(void)snprintf(noted.text, sizeof noted.text, "%s", line);
	on_failure(context, &noted);
}

static void on_faults(void *context, const struct faults *faults)
{
	(void)context, (void)faults;
	fail_msg("there are no files");
}

static int stand_begin(void **state)
{
	memset(&stand, 0, sizeof stand);
	mock_open(&stand.mock);
	if (arena_begin(state) != 0)
		return -1;
	stand.target = (struct pipeline_target){.kafka = {.brokers = stand.mock.brokers, .producer = mock_quick}, .inputs = "out"};
	stand.workspace = (struct workspace){.arena = arena, .report = {on_faults, on_note, on_note, on_failure, NULL}};
	stand.sender = (struct request_sender){
		.target = &stand.target, .timeout_ms = MOCK_WAIT_MS, .refused = {.workspace = &stand.workspace}};
	return 0;
}

static int stand_end(void **state)
{
	mock_close(&stand.mock);
	return arena_end(state);
}

static bool lines_send(const char *lines, struct error *error)
{
	FILE *from = fmemopen((void *)(uintptr_t)lines, strlen(lines), "r");
	assert_non_null(from);
	const bool sent = request_sender_run(&stand.sender, from, NULL, error);
	(void)fclose(from);
	return sent;
}

static void assert_next(const char *key, const char *value, const char *id)
{
	const rd_kafka_message_t *message = mock_read(&stand.mock);
	rd_kafka_headers_t *headers = NULL;
	const void *found = NULL;
	size_t length = 0;
	assert_int_equal(message->key_len, strlen(key));
	assert_memory_equal(message->key_len ? message->key : "", key, message->key_len);
	assert_int_equal(message->len, strlen(value));
	assert_memory_equal(message->payload, value, message->len);
	const bool has_id = rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
			    rd_kafka_header_get_last(headers, "x-request-id", &found, &length) == RD_KAFKA_RESP_ERR_NO_ERROR;
	assert_int_equal(has_id, id != NULL);
	if (id)
		assert_int_equal(length, strlen(id));
	if (id)
		assert_memory_equal(found, id, length);
}

static void each_line_is_a_request(void **state)
{
	(void)state;
	struct error error = {0};
	assert_true(lines_send("{\"x\": 1}\n{\"x\": 2}\r\n\n{\"x\": 3}", &error));
	assert_int_equal(stand.sender.sent, 3); /* an empty line is none */
	assert_int_equal(stand.sender.acknowledged, 3);
	assert_int_equal(stand.sender.line, 4);
	assert_true(stand.sender.was_opened);
	assert_next("", "{\"x\": 1}", NULL);
	assert_next("", "{\"x\": 2}", NULL);
	assert_next("", "{\"x\": 3}", NULL);
}

static void a_line_may_have_a_key_and_an_id_around_its_request(void **state)
{
	(void)state;
	struct error error = {0};
	assert_true(lines_send("{\"id\": \"r1\", \"key\": \"k\", \"request\": {\"x\":1}}\n", &error));
	const rd_kafka_message_t *message = mock_read(&stand.mock);
	assert_int_equal(message->key_len, 1);
	assert_memory_equal(message->key, "k", 1);
	assert_null(memmem(message->payload, message->len, "request", 7)); /* it is taken out of the line */
}

static void a_line_that_cannot_be_read_is_refused_and_the_others_are_sent(void **state)
{
	(void)state;
	struct error error = {0};
	assert_true(lines_send("{\"x\": 1}\nnothing\n{\"x\": 3}\n", &error));
	assert_int_equal(stand.sender.acknowledged, 2);
	assert_int_equal(stand.sender.refused.count, 1);
	assert_int_equal(stand.noted, 1);
	assert_non_null(strstr(stand.notes[0], "line 2"));
	assert_next("", "{\"x\": 1}", NULL);
	assert_next("", "{\"x\": 3}", NULL);
}

/* Kafka takes 1,000,000 bytes at most, unless a setting says more. */
static void a_request_that_is_too_large_is_refused_with_its_line(void **state)
{
	(void)state;
	struct error error = {0};
	char *lines = memory_take(1, LARGE_BYTES + 64);
	assert_non_null(lines);
	memset(lines, 'a', LARGE_BYTES);
	memcpy(lines, "{\"x\": \"", 7);
	memcpy(lines + LARGE_BYTES, "\"}\n{\"x\": 2}\n", 13);
	assert_true(lines_send(lines, &error));
	memory_give(lines);
	assert_int_equal(stand.sender.acknowledged, 1);
	assert_int_equal(stand.sender.refused.count, 1);
	assert_non_null(strstr(stand.notes[0], "line 1"));
	assert_next("", "{\"x\": 2}", NULL);
}

/* The first leaves at once, and the others 25 ms apart. */
static void requests_leave_at_the_rate(void **state)
{
	(void)state;
	struct error error = {0};
	stand.sender.rate = 40;
	const int64_t began_ns = clock_ns();
	assert_true(lines_send("{}\n{}\n{}\n{}\n{}\n", &error));
	assert_int_equal(stand.sender.sent, 5);
	assert_true(clock_ns() - began_ns >= 100 * NS_PER_MS);
}

/* Numbers leave as they are, in the machine's bytes. */
static void rows_of_tensors_are_requests_of_one_row(void **state)
{
	(void)state;
	static const double numbers[] = {1.5, 2.5};
	const struct tensor x = {.name = TEXT("x"),
				 .datatype = DATATYPE_FP64,
				 .rank = 1,
				 .shape = (const int64_t[]){2},
				 .count = 2,
				 .data = numbers};
	const struct tensor *const tensors[] = {&x};
	const struct tensor_rows rows = {.row_count = 2, .tensor_count = 1, .tensors = (const struct tensor **)(uintptr_t)tensors};
	struct error error = {0};
	assert_true(request_sender_run(&stand.sender, NULL, &rows, &error));
	assert_int_equal(stand.sender.acknowledged, 2);
	for (int row = 0; row < 2; row++) {
		const rd_kafka_message_t *message = mock_read(&stand.mock);
		const bool own = memmem(message->payload, message->len, &numbers[row], sizeof *numbers);
		const bool other = memmem(message->payload, message->len, &numbers[1 - row], sizeof *numbers);
		assert_true(own && !other);
	}
}

#define NOT_IN_TIME_MS 1500
#define KAFKA_PRODUCE 0 /* the number of that request */

/* Who sends the refused lines again must know which of them the topic may have. */
static void a_refusal_for_time_says_whether_kafka_may_have_the_request(void **state)
{
	(void)state;
	struct error error = {0};
	stand.sender.timeout_ms = NOT_IN_TIME_MS;
	assert_int_equal(rd_kafka_mock_broker_set_down(stand.mock.cluster, 1), 0);
	assert_true(lines_send("{\"x\": 1}\n", &error));
	assert_int_equal(stand.noted, 1);
	assert_non_null(strstr(stand.notes[0], "Kafka has not taken the request within 1.5 s, and topic out does not have it"));
	assert_int_equal(rd_kafka_mock_broker_set_up(stand.mock.cluster, 1), 0);
	for (size_t i = 0; i < 64; i++)
		rd_kafka_mock_push_request_errors(stand.mock.cluster, KAFKA_PRODUCE, 1, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
	assert_true(lines_send("{\"x\": 2}\n", &error));
	rd_kafka_mock_clear_request_errors(stand.mock.cluster, KAFKA_PRODUCE);
	assert_int_equal(stand.noted, 2);
	assert_non_null(strstr(stand.notes[1], "Kafka has not confirmed the request within 1.5 s, and topic out may have it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_line_is_a_request, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_line_may_have_a_key_and_an_id_around_its_request, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_line_that_cannot_be_read_is_refused_and_the_others_are_sent, stand_begin,
						stand_end),
		cmocka_unit_test_setup_teardown(a_request_that_is_too_large_is_refused_with_its_line, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(requests_leave_at_the_rate, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(rows_of_tensors_are_requests_of_one_row, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_refusal_for_time_says_whether_kafka_may_have_the_request, stand_begin, stand_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
