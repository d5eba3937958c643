/* gateway_calls_test.c: open calls against the mock of a broker: each ends once, by its own reply, its deadline, or a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/calls/call_record.h"
#include "gateway/gateway_readiness.h"
#include "tests/unit/calls_stand.h"
#include "tests/unit/worker_stand.h"

static void each_call_ends_by_its_own_reply(void **state)
{
	struct calls_stand *stand = *state;
	char first[REPLY_ADDRESS_BYTES_MAX], second[REPLY_ADDRESS_BYTES_MAX];
	calls_call_with(stand, 0, MOCK_WAIT_MS, "same", TEXT("1"));
	calls_next_asked(stand, first);
	calls_call_with(stand, 1, MOCK_WAIT_MS, "same", TEXT("2"));
	calls_next_asked(stand, second);
	assert_string_not_equal(first, second);
	calls_reply(stand, second, "to the second");
	calls_await_end(stand, 1);
	assert_int_equal(stand->callers[0].ended, 0);
	assert_string_equal(stand->callers[1].body, "to the second");
	calls_reply(stand, first, "to the first");
	calls_await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "to the first");
	assert_string_equal(stand->callers[0].id, "same");
	assert_int_equal(calls_open_count(stand->calls), 0);
}

static void a_reply_that_comes_twice_or_late_ends_no_other_call(void **state)
{
	struct calls_stand *stand = *state;
	char first[REPLY_ADDRESS_BYTES_MAX], second[REPLY_ADDRESS_BYTES_MAX];
	calls_call_with(stand, 0, MOCK_WAIT_MS, "", TEXT("1"));
	calls_next_asked(stand, first);
	calls_reply(stand, first, "once");
	calls_await_end(stand, 0);
	calls_call_with(stand, 1, MOCK_WAIT_MS, "", TEXT("2")); /* takes the place that the first had */
	calls_next_asked(stand, second);
	calls_reply(stand, first, "twice");
	calls_await_strayed(stand, 1);
	assert_int_equal(stand->callers[0].ended, 1);
	assert_int_equal(stand->callers[1].ended, 0);
	assert_string_not_equal(stand->callers[0].id, ""); /* one was made */
}

static void rubbish_and_what_is_of_others_is_counted_and_passed_over(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX], other[REPLY_ADDRESS_BYTES_MAX];
	calls_call_with(stand, 0, MOCK_WAIT_MS, "", TEXT("1"));
	calls_next_asked(stand, address);
	memcpy(other, address, sizeof other);
	char *epoch = strchr(other, '/') + 1;
	*epoch = *epoch == '0' ? '1' : '0';
	calls_reply(stand, other, "another epoch's");
	calls_reply(stand, NULL, "no address");
	calls_reply(stand, "rubbish", "no address");
	calls_reply(stand, "0/0123", "no address");
	calls_reply(stand, address, NULL); /* no value */
	calls_await_strayed(stand, 4);
	assert_int_equal(calls_counts(stand->calls).foreign, 1);
	assert_int_equal(stand->callers[0].ended, 0);
	calls_reply(stand, address, "mine");
	calls_await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "mine");
}

static void on_placed(void *context, const struct submission *origin)
{
	assert_int_equal(origin->answers, ((const struct caller *)context)->roams ? -1 : 0);
}

/* Begins a call whose place is asked for, and replies to it by Kafka as an engine does: with the place. */
static void placed_call_reply(struct calls_stand *stand)
{
	char address[REPLY_ADDRESS_BYTES_MAX];
	struct reply_address read;
	struct call_request request = calls_request_of(stand, 0);
	stand->target.answers_roam = stand->callers[0].roams = true;
	request.placed = on_placed;
	calls_begin(stand->calls, &request);
	calls_next_asked(stand, address);
	assert_true(reply_address_read(text_of(address), &read));
	assert_false(direct_hub_expects(stand->hub, read.epoch));
	calls_reply_from(stand, "in/0/0", address, "by Kafka");
	calls_await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "by Kafka");
}

/* The answer to a caller that wants to know the place of its request is to be readable there when it comes. */
static void a_call_whose_place_is_asked_for_is_answered_through_kafka(void **state)
{
	placed_call_reply(*state);
}

/* The reply says the place, and the report is not waited for. */
static void a_reply_may_come_before_the_report_of_a_request_whose_place_is_asked_for(void **state)
{
	enum { PRODUCE = 0, REPORTED_AFTER_MS = 2000 }; /* the request of the protocol of that number */
	struct calls_stand *stand = *state;
	rd_kafka_mock_broker_push_request_error_rtts(stand->mock.cluster, 1, PRODUCE, (size_t)1, RD_KAFKA_RESP_ERR_NO_ERROR,
						     REPORTED_AFTER_MS);
	placed_call_reply(stand);
}

static void a_deadline_ends_a_call_that_nobody_answers(void **state)
{
	struct calls_stand *stand = *state;
	/* Longer than a first connection takes: what Kafka has not taken by then is a 503. */
	char address[REPLY_ADDRESS_BYTES_MAX];
	struct submission poll, derived;
	calls_call_with(stand, 0, 5 * MOMENT_MS, "r", TEXT("1"));
	const int64_t began_ms = loop_now_ms(stand->loop), since_ms = loop_time_of_day_ms(stand->loop);
	calls_next_asked(stand, address);
	calls_await_end(stand, 0);
	assert_in_range(loop_now_ms(stand->loop) - began_ms, 5 * MOMENT_MS - 50, 20 * MOMENT_MS);
	assert_int_equal(stand->callers[0].status, 504);
	assert_non_null(strstr(stand->callers[0].body, "\"kind\":\"LIMIT\",\"place\":\"in/0/0\",\"id\":\"r\"}"));
	assert_non_null(strstr(stand->callers[0].body, "A later answer is in the topic out: GET /v2/pipelines/p/requests/0-0-"));
	/* Its id for polls is that of its place, and known to who has its record alone. */
	assert_true(submission_read(text_of(stand->callers[0].poll), &poll));
	assert_non_null(strstr(stand->callers[0].body, stand->callers[0].poll));
	assert_int_equal(poll.partition, 0);
	assert_int_equal(poll.offset, 0);
	assert_int_equal(poll.answers, 0); /* the partition of the request, as it has no key */
	assert_in_range(poll.time_ms, since_ms - MOMENT_MS, since_ms + MOMENT_MS);
	submission_derive(&derived, text_of(address));
	assert_true(submission_is_of(&poll, submission_nonce(&derived)));
	assert_int_equal(calls_counts(stand->calls).timed_out, 1);
	calls_call_with(stand, 1, -1, "r", TEXT("1"));
	assert_int_equal(stand->callers[1].status, 504); /* at once */
	assert_int_equal(calls_open_count(stand->calls), 0);
}

/* Who knew the epoch and the secret could name the requests of others, and so poll their answers. */
static void an_id_that_a_call_is_given_does_not_tell_the_epoch(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX], epoch[REPLY_EPOCH_DIGITS + 1], secret[REPLY_SECRET_DIGITS + 1];
	calls_call_with(stand, 0, MOCK_WAIT_MS, "", TEXT("1"));
	calls_next_asked(stand, address);
	assert_int_equal(sscanf(strchr(address, '/'), "/%16[0-9a-f]%16[0-9a-f]/", epoch, secret), 2);
	assert_int_equal(strlen(epoch), REPLY_EPOCH_DIGITS);
	assert_int_equal(strlen(secret), REPLY_SECRET_DIGITS);
	assert_string_not_equal(secret, epoch);
	assert_string_not_equal(secret, "0000000000000000");
	calls_reply(stand, address, "answer");
	calls_await_end(stand, 0);
	assert_int_equal(strlen(stand->callers[0].id) > REPLY_EPOCH_DIGITS, 1);
	assert_null(strstr(stand->callers[0].id, epoch));
	assert_null(strstr(stand->callers[0].id, secret));
}

/* By the engine, which ends a request at its deadline as the gateway does, and by one that has passed when the call begins. */
/* The first has gone to Kafka; the second not. */
static void a_gateway_that_stops_ends_its_open_calls(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	calls_call_with(stand, 0, 60000, "a", (struct text){0});
	calls_next_asked(stand, address);
	calls_turn_for(stand, MOMENT_MS);
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	calls_call_with(stand, 1, 60000, "b", (struct text){0});
	calls_turn_for(stand, MOMENT_MS);
	assert_int_equal(calls_stop(stand->calls), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(stand->callers[i].ended, 1);
		assert_int_equal(stand->callers[i].status, 503);
		assert_non_null(strstr(stand->callers[i].body, "the gateway is stopping, and "));
		assert_string_equal(stand->callers[i].id, i == 0 ? "a" : "b");
	}
	assert_non_null(strstr(stand->callers[0].body, "A later answer is in the topic out: GET /v2/pipelines/p/requests/0-0-"));
	assert_non_null(strstr(stand->callers[0].body, stand->callers[0].poll));
	assert_non_null(strstr(stand->callers[1].body, "Kafka has not confirmed the request"));
	assert_string_equal(stand->callers[1].poll, "");
	assert_int_equal(calls_stop(stand->calls), 0);
	assert_int_equal(calls_counts(stand->calls).failed, 2);
	assert_int_equal(calls_counts(stand->calls).timed_out, 0);
}

/* A caller that heard that its request may be processed twice would not send it again. */
static void a_gateway_that_stops_tells_callers_with_a_key_to_send_again(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	struct call_request request = calls_request_of(stand, 0);
	request.deadline_ms = loop_time_of_day_ms(stand->loop) + 60000;
	request.placed = on_placed;
	calls_begin(stand->calls, &request);
	calls_next_asked(stand, address);
	calls_turn_for(stand, MOMENT_MS);
	assert_int_equal(calls_stop(stand->calls), 1);
	assert_int_equal(stand->callers[0].status, 503);
	assert_null(strstr(stand->callers[0].body, "once more"));
	assert_non_null(strstr(stand->callers[0].body, "its answer comes if it is sent again with its idempotency-key"));
}

static void each_call_that_a_deadline_ended_is_counted_as_one_timeout(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	const char *const limits[] = {"deadline", "admission"};
	for (size_t i = 0; i < 2; i++) {
		calls_call_with(stand, i, MOCK_WAIT_MS, "r", TEXT("1"));
		calls_next_asked(stand, address);
		const struct header headers[] = {{TEXT(REPLY_HEADER), text_of(address)},
						 {TEXT(REPLY_ERROR_HEADER), TEXT("LIMIT")},
						 {TEXT(REPLY_LIMIT_HEADER), text_of(limits[i])}};
		const struct outgoing answer = {.value = TEXT("{}"), .headers = {3, headers}};
		assert_true(direct_hub_reply(stand->hub, NULL, &answer));
		direct_hub_wake_gateway(stand->hub);
		calls_await_end(stand, i);
		assert_int_equal(calls_counts(stand->calls).timed_out, 1);
	}
	assert_int_equal(stand->callers[0].status, 504);
	calls_call_with(stand, 2, -1, "r", TEXT("1"));
	const struct calls_counts counts = calls_counts(stand->calls);
	assert_int_equal(counts.timed_out, 2);
	assert_int_equal(counts.begun, counts.answered + counts.failed);
}

static void while_kafka_is_away_a_call_ends_by_its_deadline(void **state)
{
	struct calls_stand *stand = *state;
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	calls_turn_for(stand, MOMENT_MS);
	calls_call_with(stand, 0, MOMENT_MS, "r", TEXT("1"));
	calls_await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 503);
	assert_non_null(strstr(stand->callers[0].body, "Kafka did not take the request"));
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	char address[REPLY_ADDRESS_BYTES_MAX];
	calls_next_asked(stand, address); /* the first, late */
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	calls_next_asked(stand, address);
	calls_reply(stand, address, "back");
	calls_await_end(stand, 1);
	assert_string_equal(stand->callers[1].body, "back");
}

/* Its record has no deadline: Kafka may get it after its caller was told, and an engine processes it. */
static void a_submission_that_kafka_does_not_confirm_may_be_processed_and_says_so(void **state)
{
	struct calls_stand *stand = *state;
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	calls_turn_for(stand, MOMENT_MS);
	for (size_t i = 0; i < 2; i++) {
		struct call_request request = calls_request_of(stand, i);
		request.submits = true;
		request.is_unhurried = i == 0;
		request.deadline_ms = loop_time_of_day_ms(stand->loop) + MOMENT_MS;
		calls_begin(stand->calls, &request);
		calls_await_end(stand, i);
		assert_int_equal(stand->callers[i].status, 503);
	}
	assert_non_null(strstr(stand->callers[0].body, "Kafka has not confirmed the request within"));
	assert_non_null(strstr(stand->callers[0].body, "it may be processed all the same"));
	assert_non_null(strstr(stand->callers[0].body, "idempotency-key"));
	assert_non_null(strstr(stand->callers[1].body, "Kafka did not take the request"));
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	rd_kafka_message_t *record = calls_next_record(stand, "in");
	rd_kafka_headers_t *headers;
	const void *value;
	size_t length;
	assert_int_equal(rd_kafka_message_headers(record, &headers), 0);
	assert_int_not_equal(rd_kafka_header_get_last(headers, DEADLINE_HEADER, &value, &length), 0);
	rd_kafka_message_destroy(record);
}

static void a_request_that_is_too_large_for_a_record_is_refused_at_once(void **state)
{
	struct calls_stand *stand = *state;
	static char large[(1 << 20) + 1];
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", (struct text){large, sizeof large});
	assert_int_equal(stand->callers[0].status, 413);
	assert_int_equal(calls_open_count(stand->calls), 0);
}

/* What is left beside a body is for usual keys and headers. */
static void a_key_that_the_topic_does_not_take_is_refused_at_once(void **state)
{
	struct calls_stand *stand = *state;
	static const char key[CALL_RECORD_OVERHEAD_BYTES];
	struct gateway_target *target = &stand->target;
	struct call_request request = calls_request_of(stand, 0);
	request.body = TEXT("1");
	request.deadline_ms = loop_time_of_day_ms(stand->loop) + MOCK_WAIT_MS;
	target->request_bytes = 1;
	request.key = (struct text){key, sizeof key};
	calls_begin(stand->calls, &request);
	assert_int_equal(stand->callers[0].status, 413);
	request.key.length /= 2;
	calls_begin(stand->calls, &request);
	assert_int_equal(calls_open_count(stand->calls), 1);
}

static void a_caller_that_is_gone_is_let_go(void **state)
{
	struct calls_stand *stand = *state;
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("1"));
	stand->callers[0].over = true;
	calls_await_end(stand, 0);
	calls_turn_for(stand, MOMENT_MS);
	assert_int_equal(stand->callers[1].ended, 0);
	assert_int_equal(calls_open_count(stand->calls), 1);
	assert_int_equal(calls_counts(stand->calls).left, 1);
}

static struct text bytes_of(const void *bytes, size_t length)
{
	return (struct text){bytes, length};
}

/* An engine knows it by the reply address of its request. */
static void a_caller_that_is_gone_cancels_its_request(void **state)
{
	struct calls_stand *stand = *state;
	struct reply_address address;
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("1"));
	calls_turn_for(stand, MOMENT_MS);
	stand->callers[1].over = true;
	rd_kafka_message_t *cancellation = calls_next_record(stand, CANCELS);
	assert_true(text_is(bytes_of(cancellation->payload, cancellation->len), "p"));
	assert_true(reply_address_read(bytes_of(cancellation->key, cancellation->key_len), &address));
	assert_true(text_is(address.pipeline, "p"));
	assert_int_equal(address.call & 0xffff, 1); /* the second */
	rd_kafka_message_destroy(cancellation);
	assert_int_equal(calls_counts(stand->calls).cancelled, 1);
	assert_int_equal(stand->callers[0].ended, 0);
}

static void so_many_callers_that_leave_cancel_their_requests_at_a_time(void **state)
{
	struct calls_stand *stand = *state;
	for (size_t i = 0; i < CALLS_CANCELLED_A_LOOK + 2; i++)
		calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	stand->callers[0].over = true;
	calls_await_end(stand, 0);
	assert_int_equal(calls_counts(stand->calls).left, CALLS_CANCELLED_A_LOOK + 2);
	assert_int_equal(calls_counts(stand->calls).cancelled, CALLS_CANCELLED_A_LOOK);
}

/* A later call with its key gets the answer. */
static void a_request_that_is_searched_later_goes_on_without_its_caller(void **state)
{
	struct calls_stand *stand = *state;
	struct call_request request = calls_request_of(stand, 0);
	request.placed = on_placed;
	calls_begin(stand->calls, &request);
	stand->callers[0].over = true;
	calls_await_end(stand, 0);
	assert_int_equal(calls_counts(stand->calls).left, 1);
	assert_int_equal(calls_counts(stand->calls).cancelled, 0);
}

static void a_cancellation_is_a_record_that_names_the_request_and_ends_when_kafka_has_it(void **state)
{
	struct calls_stand *stand = *state;
	struct call_request request = calls_request_of(stand, 0);
	request.cancels = true;
	request.body = (struct text){0};
	request.key = TEXT("0123456789abcdef0123456789abcdef");
	calls_begin(stand->calls, &request);
	rd_kafka_message_t *cancellation = calls_next_record(stand, CANCELS);
	assert_true(text_equal(bytes_of(cancellation->key, cancellation->key_len), request.key));
	assert_true(text_is(bytes_of(cancellation->payload, cancellation->len), "p"));
	rd_kafka_message_destroy(cancellation);
	calls_await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 202);
}

static void without_output_a_call_ends_when_kafka_has_its_request(void **state)
{
	struct calls_stand *stand = *state;
	stand->target.answers = false;
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	calls_await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 202);
	assert_string_equal(stand->callers[0].body, "{\"id\":\"r\"}");
}

static void feedback_is_a_record_without_headers_and_ends_when_kafka_has_it(void **state)
{
	struct calls_stand *stand = *state;
	struct call_request request = calls_request_of(stand, 0);
	request.is_feedback = true;
	request.body = TEXT("outcome");
	request.key = request.id = TEXT("r-1");
	calls_begin(stand->calls, &request);
	rd_kafka_message_t *message = calls_next_record(stand, FEEDBACK);
	rd_kafka_headers_t *headers;
	bool same = message->len == 7 && memcmp(message->payload, "outcome", 7) == 0 && message->key_len == 3 &&
		    memcmp(message->key, "r-1", 3) == 0;
	bool bare = rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR__NOENT;
	rd_kafka_message_destroy(message);
	assert_true(same);
	assert_true(bare);
	calls_await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 202);
	assert_string_equal(stand->callers[0].body, "{\"id\":\"r-1\"}");
	assert_int_equal(calls_counts(stand->calls).accepted, 1);
}

/* A gateway with a worker beside it may have pipelines that need no Kafka; one that stops answers nobody. */
static void a_gateway_is_not_ready_while_kafka_is_silent(void **state)
{
	struct calls_stand *stand = *state;
	struct gateway_config config = {.brokers = "here:9092"};
	struct gateway_target targets[] = {{.name = "through"}, {.name = "direct", .direct = true}};
	struct gateway_targets all = {.count = 1, .items = targets};
	struct gateway_readiness readiness = {&config, &all, stand->calls, false, NULL, NULL};
	struct error error = {0};
	calls_turn_for(stand, 2500);
	assert_true(calls_silent_s(stand->calls) <= 1);
	assert_true(gateway_readiness_find(&readiness, NULL, &error));
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	calls_turn_for(stand, (GATEWAY_SILENCE_S - 3) * 1000);
	assert_true(gateway_readiness_find(&readiness, NULL, &error));
	calls_turn_for(stand, 6000);
	assert_false(gateway_readiness_find(&readiness, NULL, &error));
	assert_int_equal(error.kind, ERROR_REMOTE);
	assert_non_null(strstr(error.text, "Kafka has not answered for 1"));
	assert_null(strstr(error.text, "here:9092")); /* anybody may ask */
	all.count = 2;
	assert_false(gateway_readiness_find(&readiness, NULL, &error)); /* no worker is beside it */
	config.direct = stand->hub;
	assert_true(gateway_readiness_find(&readiness, NULL, &error));
	assert_true(gateway_readiness_find(&readiness, &targets[1], &error));
	assert_false(gateway_readiness_find(&readiness, &targets[0], &error));
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	calls_turn_for(stand, 5000);
	assert_true(gateway_readiness_find(&readiness, &targets[0], &error));
	readiness.leaving = true;
	error = (struct error){0};
	assert_false(gateway_readiness_find(&readiness, &targets[1], &error));
	assert_non_null(strstr(error.text, "is stopping"));
}

/* Anybody may ask why, so the address of the keys is not said. */
static void a_gateway_without_keys_of_tokens_is_not_ready(void **state)
{
	struct calls_stand *stand = *state;
	const struct gateway_config config = {.brokers = "here:9092"};
	struct access_settings settings = {.key_set = "http://127.0.0.1:1/keys", .tokens = {.algorithms = JWT_EVERY_ALGORITHM}};
	struct gateway_readiness readiness = {&config, &stand->targets, stand->calls, false, NULL, NULL};
	struct error error = {0};
	struct access *access = access_open(stand->loop, &settings, &error);
	assert_non_null(access);
	assert_true(gateway_readiness_find(&readiness, NULL, &error));
	readiness.access = access;
	assert_false(gateway_readiness_find(&readiness, NULL, &error));
	assert_int_equal(error.kind, ERROR_REMOTE);
	assert_non_null(strstr(error.text, "keys that tokens are verified with were not fetched yet"));
	assert_null(strstr(error.text, "127.0.0.1"));
	error = (struct error){0};
	assert_false(gateway_readiness_find(&readiness, &stand->target, &error));
	access_close(access);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALLS_STORY(each_call_ends_by_its_own_reply),
		CALLS_STORY(a_reply_that_comes_twice_or_late_ends_no_other_call),
		CALLS_STORY(rubbish_and_what_is_of_others_is_counted_and_passed_over),
		CALLS_STORY(a_call_whose_place_is_asked_for_is_answered_through_kafka),
		CALLS_STORY(a_reply_may_come_before_the_report_of_a_request_whose_place_is_asked_for),
		CALLS_STORY(a_deadline_ends_a_call_that_nobody_answers),
		CALLS_STORY(an_id_that_a_call_is_given_does_not_tell_the_epoch),
		CALLS_STORY(a_gateway_that_stops_ends_its_open_calls),
		CALLS_STORY(a_gateway_that_stops_tells_callers_with_a_key_to_send_again),
		CALLS_STORY(each_call_that_a_deadline_ended_is_counted_as_one_timeout),
		CALLS_STORY(while_kafka_is_away_a_call_ends_by_its_deadline),
		CALLS_STORY(a_submission_that_kafka_does_not_confirm_may_be_processed_and_says_so),
		CALLS_STORY(a_request_that_is_too_large_for_a_record_is_refused_at_once),
		CALLS_STORY(a_key_that_the_topic_does_not_take_is_refused_at_once),
		CALLS_STORY(a_caller_that_is_gone_is_let_go),
		CALLS_STORY(a_caller_that_is_gone_cancels_its_request),
		CALLS_STORY(so_many_callers_that_leave_cancel_their_requests_at_a_time),
		CALLS_STORY(a_request_that_is_searched_later_goes_on_without_its_caller),
		CALLS_STORY(a_cancellation_is_a_record_that_names_the_request_and_ends_when_kafka_has_it),
		CALLS_STORY(without_output_a_call_ends_when_kafka_has_its_request),
		CALLS_STORY(feedback_is_a_record_without_headers_and_ends_when_kafka_has_it),
		CALLS_STORY(a_gateway_is_not_ready_while_kafka_is_silent),
		CALLS_STORY(a_gateway_without_keys_of_tokens_is_not_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
