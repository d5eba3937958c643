/* request_call_test.c: Tests of one request and its answer: what is sent with it, whose answer is taken, and what is said if none
 * comes. */
#include "tools/client/request_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/mock_broker.h"

#define REQUEST "{\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"INT64\", \"data\": [7]}]}"
#define ANSWER(id) "{\"id\": \"" id "\", \"outputs\": [{\"name\": \"y\", \"shape\": [1], \"datatype\": \"INT64\", \"data\": [8]}]}"

/* A pipeline that reads `out` (the mock's reader has it) and answers in `in`: an answer of another request, then that of the id. */
static struct {
	struct mock mock;
	struct pipeline_target target;
	struct request_call call;
	pthread_t pipeline;
	char id[64], key[64], answered_id[64];
	int64_t deadline_ms;
	bool silent;
	int answered;
	bool refuses;
} stand;

static void header_copy(const rd_kafka_message_t *message, const char *name, char *to, size_t size)
{
	rd_kafka_headers_t *headers = NULL;
	const void *found = NULL;
	size_t length = 0;
	to[0] = '\0';
	if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
	    rd_kafka_header_get_last(headers, name, &found, &length) == RD_KAFKA_RESP_ERR_NO_ERROR && length < size) {
		memcpy(to, found, length);
		to[length] = '\0';
	}
}

static void *pipeline_run(void *context)
{
	char answer[512], deadline[32];
	(void)context;
	const rd_kafka_message_t *message = mock_read(&stand.mock);
	header_copy(message, "x-request-id", stand.id, sizeof stand.id);
	header_copy(message, DEADLINE_HEADER, deadline, sizeof deadline);
	stand.deadline_ms = atoll(deadline);
	(void)snprintf(stand.key, sizeof stand.key, "%.*s", (int)message->key_len, message->key ? (const char *)message->key : "");
	(void)snprintf(answer, sizeof answer, ANSWER("%s"), stand.id);
	if (stand.silent)
		return NULL;
	mock_append(&stand.mock, "in", TEXT("k"), TEXT(ANSWER("of another")));
	mock_append(&stand.mock, "in", TEXT("k"), text_of(answer));
	return NULL;
}

static bool on_answered(void *context, const struct answer_view *answer, struct arena *its, struct error *error)
{
	(void)context, (void)its;
	stand.answered++;
	assert_true(answer->answer.readable && answer->answer.payload.tensors.count == 1);
	const struct text id = answer->message.id;
	(void)snprintf(stand.answered_id, sizeof stand.answered_id, "%.*s", (int)id.length, id.bytes);
	return !stand.refuses || error_set(error, ERROR_SYSTEM, PLACE_NONE, "the pipe is closed");
}

static int stand_begin(void **state)
{
	memset(&stand, 0, sizeof stand);
	mock_open(&stand.mock);
	if (arena_begin(state) != 0)
		return -1;
	stand.target = (struct pipeline_target){
		.kafka = {.brokers = stand.mock.brokers, .producer = mock_quick}, .inputs = "out", .outputs = "in"};
	stand.call = (struct request_call){
		.request = TEXT(REQUEST), .timeout_ns = (int64_t)MOCK_WAIT_MS * NS_PER_MS, .kept = arena, .answered = on_answered};
	return 0;
}

static int stand_end(void **state)
{
	mock_close(&stand.mock);
	return arena_end(state);
}

static bool call_run(struct error *error)
{
	*error = (struct error){0};
	assert_int_equal(pthread_create(&stand.pipeline, NULL, pipeline_run, NULL), 0);
	const bool good = request_call_run(&stand.call, &stand.target, error);
	pthread_join(stand.pipeline, NULL);
	assert_true(stand.answered == 0 || strcmp(stand.answered_id, stand.id) == 0);
	return good;
}

static void its_own_answer_is_taken_and_no_other(void **state)
{
	(void)state;
	struct error error;
	stand.call.asked_id = "r1";
	stand.call.key = "user-1";
	assert_true(call_run(&error));
	assert_int_equal(stand.answered, 1);
	assert_string_equal(stand.id, "r1");
	assert_string_equal(stand.key, "user-1");
}

/* A request without an id gets a random one, so that its answer is found. */
static void each_request_without_an_id_gets_another(void **state)
{
	(void)state;
	struct error error;
	char first[64];
	assert_true(call_run(&error));
	memcpy(first, stand.id, sizeof first);
	assert_memory_equal(first, "infer-", 6);
	assert_int_equal(strlen(first), 6 + 32);
	assert_true(call_run(&error));
	assert_string_not_equal(stand.id, first);
}

static void the_request_has_the_deadline_of_its_caller(void **state)
{
	(void)state;
	struct error error;
	const int64_t before_ms = time_of_day_ms();
	assert_true(call_run(&error));
	assert_true(stand.deadline_ms >= before_ms + MOCK_WAIT_MS && stand.deadline_ms <= time_of_day_ms() + MOCK_WAIT_MS);
}

static void an_answer_that_does_not_come_says_what_to_look_at(void **state)
{
	(void)state;
	struct error error;
	stand.silent = true;
	stand.call.asked_id = "r1";
	stand.call.timeout_ns = (int64_t)3 * NS_PER_S; /* a current librdkafka takes some 0.5 s to its first record */
	assert_false(call_run(&error));
	assert_int_equal(error.kind, ERROR_REMOTE);
	assert_non_null(strstr(error.text, "no answer to r1 came in time; does `sluice run` run the pipeline"));
	assert_int_equal(stand.answered, 0);
}

static void an_error_of_who_takes_the_answer_is_that_of_the_call(void **state)
{
	(void)state;
	struct error error;
	stand.refuses = true;
	assert_false(call_run(&error));
	assert_string_equal(error.text, "the pipe is closed");
}

static void a_pipeline_without_output_is_refused_before_anything_is_sent(void **state)
{
	(void)state;
	struct error error = {0};
	stand.target.outputs = NULL;
	assert_false(request_call_run(&stand.call, &stand.target, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_null(rd_kafka_consumer_poll(stand.mock.reader, 300));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(its_own_answer_is_taken_and_no_other, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(each_request_without_an_id_gets_another, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(the_request_has_the_deadline_of_its_caller, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(an_answer_that_does_not_come_says_what_to_look_at, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(an_error_of_who_takes_the_answer_is_that_of_the_call, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_pipeline_without_output_is_refused_before_anything_is_sent, stand_begin,
						stand_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
