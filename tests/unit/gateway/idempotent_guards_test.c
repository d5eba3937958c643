/* idempotent_guards_test.c: Tests of the guards that keep the request of an idempotency key from being processed twice where Kafka
 * is slow, repeats a record or does not take one; against the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/number/duration.h"
#include "tests/unit/keyed_stand.h"

#define PRODUCE 0

/* By how much the time of day is ahead, in the thread of the loop: the clients of Kafka wait by theirs. */
static _Thread_local int64_t ahead_ms;

__attribute__((used)) static int clock_read(clockid_t clock, struct timespec *now)
{
	const int result = (int)syscall(SYS_clock_gettime, clock, now);
	if (clock == CLOCK_REALTIME)
		now->tv_sec += (time_t)(ahead_ms / MS_PER_S);
	return result;
}

extern __typeof__(clock_gettime) clock_gettime __attribute__((alias("clock_read")));

static int guard_stand_close(void **state)
{
	ahead_ms = 0;
	return keyed_stand_close(state);
}

#define GUARD(name) cmocka_unit_test_setup_teardown(name, keyed_stand_open, guard_stand_close)

static void expect_no_request(const struct keyed_stand *stand)
{
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS));
}

/* Another gateway may take the key over at the claim's deadline: the request must be in the log before. */
static void a_claim_that_is_read_late_begins_no_request(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	struct keyed_client *late = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	ahead_ms = CLAIM_START_MS + MS_PER_S;
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	keyed_await_end(stand, late);
	ahead_ms = 0;
	assert_int_equal(late->status, 503);
	assert_non_null(strstr(late->body, "took too long for the claim of the idempotency key; ask again with the same key"));
	keyed_turn_for(stand, SOON_MS); /* the key is given back */
	expect_no_request(stand);
	struct keyed_client *again = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_false(again->is_replayed);
	expect_no_request(stand);
}

/* As a producer that tries again may write it. */
static void a_claim_that_is_twice_in_the_log_sends_one_request(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	const struct claim_record claim = keyed_claim_read(stand);
	keyed_claim_write(stand, &claim);
	keyed_turn_for(stand, SOON_MS);
	assert_int_equal(first->ended, 0);
	expect_no_request(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, first);
	assert_string_equal(first->body, "one");
	assert_false(first->is_replayed);
	keyed_claim_write(stand, &claim);
	keyed_turn_for(stand, SOON_MS);
	assert_int_equal(first->ended, 1);
	struct keyed_client *again = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_true(again->is_replayed);
	expect_no_request(stand);
}

/* Calls of two gateways have the same numbers. Here a third one has claimed the key, which is not read yet. */
static void a_claim_of_another_gateway_sends_nothing_here(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_client *declined = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_request_end(stand, "{}", "admission", true);
	keyed_await_end(stand, declined);
	keyed_turn_for(stand, SOON_MS); /* the key is free again */
	struct claim_record others = keyed_claim_read(stand), third = others;
	others.id.bytes[0] ^= 1; /* of another key */
	others.nonce.epoch ^= 1;
	others.nonce.number += KEYED_OPEN_MAX; /* as the next call here has it */
	third.generation++;
	third.nonce.epoch ^= 2;
	keyed_claim_write(stand, &others);
	keyed_claim_write(stand, &third);
	struct keyed_client *second = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	assert_int_equal(second->ended, 0);
	keyed_await_end(stand, second);
	assert_int_equal(second->status, 409);
	expect_no_request(stand);
}

/* Only one that is refused by its size is nowhere for certain. */
static void a_request_that_kafka_may_have_keeps_its_key(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	keyed_turn_for(stand, SOON_MS); /* its last record is written */
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_NO_ERROR,
					  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, first);
	assert_int_equal(first->status, 503);
	keyed_turn_for(stand, SOON_MS);
	struct keyed_client *again = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_int_equal(again->status, 409);
	expect_no_request(stand);
}

/* Whoever has an answer can be sure that each later call with this key gets the same. */
static void an_answer_waits_for_the_origin_of_its_request(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	keyed_turn_for(stand, SOON_MS);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 4, RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_NO_ERROR,
					  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, /* the origin, in its batch and alone */
					  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", 4 * SOON_MS);
	keyed_request_read(stand);
	keyed_turn_for(stand, SOON_MS);
	assert_int_equal(first->ended, 0); /* its claim was taken, and counts */
	keyed_answer(stand, "one", true);
	keyed_turn_for(stand, SOON_MS);
	assert_int_equal(first->ended, 0);
	keyed_await_end(stand, first);
	assert_int_equal(first->status, 503);
	assert_non_null(strstr(first->body, "did not take the origin of the request in time; ask again with the same key"));
	struct keyed_client *again = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_int_equal(again->status, 409); /* until the claim's deadline */
	expect_no_request(stand);
}

static void on_ended(void *context, const struct call_outcome *outcome)
{
	*(int *)context = outcome->status;
}

static bool is_not_over(void *context)
{
	(void)context;
	return false;
}

/* All of whom nothing is known would have one key; and an earlier request may hold a key that is not read yet. */
static void nobody_has_a_key_without_a_name_or_before_the_claims_are_read(void **state)
{
	struct keyed_stand *stand = *state;
	int status = 0;
	const struct call_request call = {.target = &stand->target,
					  .body = TEXT("1"),
					  .deadline_ms = loop_time_of_day_ms(stand->loop) + MOCK_WAIT_MS,
					  .ended = on_ended,
					  .is_over = is_not_over,
					  .context = &status};
	struct keyed_request request = {.call = &call, .inputs = "in", .is_recognised = true, .key = TEXT("k")};
	keyed_calls_begin(stand->keyed, &request);
	assert_int_equal(status, 503);
	keyed_await_claims(stand, "other");
	request.is_recognised = false;
	keyed_calls_begin(stand->keyed, &request);
	assert_int_equal(status, 400);
	expect_no_request(stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUARD(a_claim_that_is_read_late_begins_no_request),
		GUARD(a_claim_that_is_twice_in_the_log_sends_one_request),
		GUARD(a_claim_of_another_gateway_sends_nothing_here),
		GUARD(a_request_that_kafka_may_have_keeps_its_key),
		GUARD(an_answer_waits_for_the_origin_of_its_request),
		GUARD(nobody_has_a_key_without_a_name_or_before_the_claims_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
