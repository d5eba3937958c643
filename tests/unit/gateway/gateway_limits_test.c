/* gateway_limits_test.c: Requests that Kafka refuses as too large for their topic, whose limit was lowered after the gateway had
 * read it: what their callers are told, and that the limit is read again. Against the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/calls/call_record.h"
#include "tests/unit/calls_stand.h"

#define PRODUCE 0
#define LOWERED ((size_t)6000)

static char body[LOWERED];

/* Kafka refuses the next requests as too large: the first for its batch, the second for its own size. */
static void refuse(struct calls_stand *stand, size_t times)
{
	const rd_kafka_resp_err_t large = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
	assert_in_range(times, 1, 2);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, times, large, large);
}

/* Begins a call that Kafka refuses, also alone, and waits until the gateway has asked for the limits: for each refusal. */
static void refused_call_begin(struct calls_stand *stand, struct text value)
{
	memset(body, 'x', sizeof body);
	refuse(stand, 2);
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", value);
	for (int turns = 0; turns < MOCK_WAIT_MS / 20 && stand->limits_asked < 2; turns++)
		calls_turn_for(stand, 20);
	assert_int_equal(stand->limits_asked, 2);
	assert_int_equal(stand->callers[0].ended, 0); /* until they are known */
}

static void limits_come(struct calls_stand *stand, size_t record_bytes)
{
	stand->target.limit_is_known = record_bytes > 0;
	if (record_bytes > 0)
		stand->target.request_bytes = record_bytes - CALL_RECORD_OVERHEAD_BYTES;
	calls_limits_take(stand->calls);
}

static void a_request_over_a_lowered_limit_is_refused_with_that_limit(void **state)
{
	struct calls_stand *stand = *state;
	refused_call_begin(stand, (struct text){body, sizeof body});
	limits_come(stand, LOWERED);
	assert_int_equal(stand->callers[0].status, 413);
	assert_non_null(strstr(stand->callers[0].body,
			       "larger than the topic in takes, which is 6000 bytes; send less at a time, or "
			       "raise the topic's max.message.bytes"));
	assert_non_null(strstr(stand->callers[0].body, "\"kind\":\"LIMIT\""));
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", (struct text){body, sizeof body});
	assert_int_equal(stand->callers[1].status, 413); /* before anything is produced */
	assert_int_equal(stand->limits_asked, 2);
}

static void a_request_over_a_limit_that_nobody_may_read_is_refused_too(void **state)
{
	struct calls_stand *stand = *state;
	refused_call_begin(stand, (struct text){body, sizeof body});
	limits_come(stand, 0);
	assert_int_equal(stand->callers[0].status, 413);
	assert_non_null(strstr(stand->callers[0].body,
			       "Kafka refused the request as larger than the topic in takes; send less at a "
			       "time, or raise the topic's max.message.bytes"));
}

static void a_request_that_a_raised_limit_takes_may_be_sent_again(void **state)
{
	struct calls_stand *stand = *state;
	refused_call_begin(stand, TEXT("1"));
	limits_come(stand, LOWERED);
	assert_int_equal(stand->callers[0].status, 503);
	assert_non_null(strstr(stand->callers[0].body,
			       "Kafka refused the request as larger than the topic in took then, and it takes more now; send it "
			       "again"));
}

/* Kafka refuses a batch as a whole. */
static void the_requests_of_a_refused_batch_are_sent_again(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	refuse(stand, 1);
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	calls_next_asked(stand, address);
	calls_reply(stand, address, "{}");
	calls_await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 200);
	assert_int_equal(stand->limits_asked, 1); /* others may be too large for it */
}

/* What the topic takes is known now, and what follows is batched by that. */
static void requests_that_follow_a_refused_batch_are_answered(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	the_requests_of_a_refused_batch_are_sent_again(state);
	limits_come(stand, LOWERED);
	for (size_t i = 1; i < CALLERS; i++) {
		calls_call_with(stand, i, MOCK_WAIT_MS, "r", TEXT("1"));
		calls_next_asked(stand, address);
		calls_reply(stand, address, "{}");
		calls_await_end(stand, i);
		assert_int_equal(stand->callers[i].status, 200);
	}
	assert_int_equal(stand->limits_asked, 1);
}

static void a_refused_request_ends_by_its_deadline_though_no_limit_comes(void **state)
{
	struct calls_stand *stand = *state;
	refuse(stand, 2);
	calls_call_with(stand, 0, 2 * MOMENT_MS, "r", TEXT("1"));
	calls_await_end(stand, 0);
	assert_int_equal(stand->limits_asked, 2);
	assert_int_equal(stand->callers[0].status, 413);
	calls_limits_take(stand->calls);
	assert_int_equal(stand->callers[0].ended, 1);
}

/* Its topic's limit is not read. */
static void feedback_that_its_topic_does_not_take_names_that_topic(void **state)
{
	struct calls_stand *stand = *state;
	struct call_request request = calls_request_of(stand, 0);
	request.is_feedback = true;
	refuse(stand, 2);
	calls_begin(stand->calls, &request);
	calls_await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 413);
	assert_non_null(strstr(stand->callers[0].body, "the topic " FEEDBACK " takes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALLS_STORY(a_request_over_a_lowered_limit_is_refused_with_that_limit),
		CALLS_STORY(a_request_over_a_limit_that_nobody_may_read_is_refused_too),
		CALLS_STORY(a_request_that_a_raised_limit_takes_may_be_sent_again),
		CALLS_STORY(the_requests_of_a_refused_batch_are_sent_again),
		CALLS_STORY(requests_that_follow_a_refused_batch_are_answered),
		CALLS_STORY(a_refused_request_ends_by_its_deadline_though_no_limit_comes),
		CALLS_STORY(feedback_that_its_topic_does_not_take_names_that_topic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
