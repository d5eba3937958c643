/* idempotent_calls_test.c: Calls with idempotency keys against the mock of a broker, by themselves and through gRPC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <string.h>

#include "gateway/gateway_readiness.h"
#include "gateway/calls/idempotency_claims.h"
#include "gateway/calls/open_calls.h"
#include "tests/unit/keyed_stand.h"

#define PRODUCE 0

/* Whether the reports of producers wait, and the clients that asked for them meanwhile. */
static bool reports_wait;
static rd_kafka_t *unheard[16];
static size_t unheard_count;

static int poll_of_library(rd_kafka_t *client)
{
	int (*poll)(rd_kafka_t *, int);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_poll");
	memcpy(&poll, &found, sizeof poll);
	return poll(client, 0);
}

int rd_kafka_poll(rd_kafka_t *rk, int timeout_ms)
{
	(void)timeout_ms; /* the gateway waits for a bell */
	if (!reports_wait)
		return poll_of_library(rk);
	for (size_t i = 0; i < unheard_count; i++)
		if (unheard[i] == rk)
			return 0;
	assert_true(unheard_count < sizeof unheard / sizeof *unheard);
	unheard[unheard_count++] = rk;
	return 0;
}

static void reports_come(void)
{
	int count = 0;
	reports_wait = false;
	for (size_t i = 0; i < unheard_count; i++)
		count += poll_of_library(unheard[i]);
	unheard_count = 0;
	assert_true(count > 0);
}

/* ---- calls ---- */

static void a_key_is_answered_from_one_request(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, first);
	assert_string_equal(first->body, "one");
	assert_false(first->is_replayed);
	struct keyed_client *again = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
	assert_int_equal(keyed_call(stand, 2, "k", "2", MOCK_WAIT_MS)->status, 422);
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS)); /* nothing more was asked */
}

static void a_reply_before_the_report_of_its_request_says_where_that_is(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	reports_wait = true;
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_answer(stand, "one", true); /* as at-least-once delivery may */
	keyed_await_end(stand, first);
	assert_string_equal(first->body, "one");
	reports_come(); /* which ends nothing more */
	struct keyed_client *again = keyed_call(stand, 2, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
	assert_int_equal(first->ended, 1);
	assert_int_equal(calls_counts(stand->calls).answered, 1);
}

/* The last call of the stand stays open. The caller of another one was told that it is late, whatever came then. */
static void await_one_timeout(struct keyed_stand *stand)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; calls_open_count(stand->calls) > 1;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		keyed_turn(stand);
	}
	const struct calls_counts counts = calls_counts(stand->calls);
	assert_int_equal(counts.failed, 1);
	assert_int_equal(counts.timed_out, 1);
	assert_true(counts.answered == 0 && counts.accepted == 0 && counts.left == 0);
	assert_int_equal(counts.begun, counts.failed + counts.open);
}

/* Kafka has the request. Without its place, later calls got 409 for 15 s, and the request was sent once more. */
static void a_deadline_before_the_report_leaves_the_claim_its_origin(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	reports_wait = true;
	struct keyed_client *late = keyed_call(stand, 0, "k", "1", SOON_MS);
	keyed_request_read(stand);
	keyed_await_end(stand, late);
	assert_int_equal(late->status, 503);
	assert_non_null(strstr(late->body, "ask again with the same key"));
	keyed_turn_for(stand, SOON_MS); /* the deadline of the open call is past, too */
	reports_come();
	keyed_turn_for(stand, SOON_MS); /* the claim's record */
	await_one_timeout(stand);
	keyed_answer(stand, "one", true);
	struct keyed_client *again = keyed_call(stand, 2, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
	assert_int_equal(late->ended, 1);
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS));
}

/* Its claim was past its deadline, so another gateway has sent the request again: what that one answers counts. */
static void a_call_whose_key_was_taken_over_passes_no_answer_on(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	reports_wait = true;
	struct keyed_client *slow = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	reports_wait = false; /* of its reader, which ends */
	struct claim_record others = keyed_claim_read(stand);
	reports_wait = true;
	others.generation++;
	others.nonce.epoch ^= 1;
	keyed_claim_write(stand, &others);
	keyed_turn_for(stand, SOON_MS);
	keyed_answer(stand, "one", true); /* which says where the request is */
	keyed_await_end(stand, slow);
	assert_int_equal(slow->status, 409);
	reports_come();
	others.event = CLAIM_PLACES;
	others.origin = (struct submission){.time_ms = others.time_ms, .answers = 0};
	memset(others.origin.nonce, 'a', sizeof others.origin.nonce);
	keyed_claim_write(stand, &others);
	keyed_turn_for(stand, SOON_MS);
	assert_int_equal(keyed_call(stand, 1, "k", "2", MOCK_WAIT_MS)->status, 422); /* it is settled, by the other one */
	assert_int_equal(slow->ended, 1);
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS));
}

/* The deadline has a timer here and one of the open call, which are computed one after the other. Between both, all that ends the
 * call may come. */
static void who_was_told_to_be_late_has_not_left(void **state)
{
	struct keyed_stand *stand = *state;
	struct error error = {0};
	keyed_await_claims(stand, "other");
	reports_wait = true;
	struct keyed_client *late = keyed_call(stand, 0, "k", "1", SOON_MS);
	keyed_request_read(stand);
	for (size_t i = 0; i < stand->calls->slot_count; i++) {
		struct open_call *call = stand->calls->slots[i];
		if (call->number != 0 && call->placed)
			assert_true(
				loop_timer_set(stand->loop, &call->deadline, loop_now_ms(stand->loop) + 2 * MOCK_WAIT_MS, &error));
	}
	keyed_await_end(stand, late);
	reports_come();
	await_one_timeout(stand);
	assert_int_equal(late->ended, 1);
}

/* Both find the call open for Kafka's report alone. */
static void a_reply_after_the_deadline_counts_as_no_answer(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	reports_wait = true;
	struct keyed_client *late = keyed_call(stand, 0, "k", "1", SOON_MS);
	keyed_request_read(stand);
	keyed_await_end(stand, late);
	keyed_turn_for(stand, SOON_MS);
	keyed_answer(stand, "one", true);
	await_one_timeout(stand);
	reports_come();
	assert_int_equal(late->ended, 1);
}

static void a_report_after_the_deadline_counts_as_no_acceptance(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	reports_wait = stand->submits = true;
	struct keyed_client *late = keyed_call(stand, 0, "k", "1", SOON_MS);
	keyed_request_read(stand);
	keyed_await_end(stand, late);
	keyed_turn_for(stand, SOON_MS);
	reports_come();
	await_one_timeout(stand);
	assert_int_equal(late->ended, 1);
}

/* Its answer is found when the call is repeated. */
static void a_reply_of_an_earlier_engine_before_the_report_is_not_taken(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	reports_wait = stand->hides_origin = true;
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", 4 * SOON_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; calls_counts(stand->calls).strayed == 0;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		keyed_turn(stand);
	}
	reports_come();
	keyed_await_end(stand, first);
	assert_int_equal(first->status, 504);
	struct keyed_client *again = keyed_call(stand, 2, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
}

static void a_deadline_holds_while_an_earlier_answer_is_searched(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, first);
	assert_string_equal(first->body, "one");
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1); /* the search waits */
	int64_t began_ms = loop_now_ms(stand->loop);
	struct keyed_client *late = keyed_call(stand, 1, "k", "1", SOON_MS);
	assert_int_equal(late->ended, 0);
	keyed_await_end(stand, late);
	assert_in_range(loop_now_ms(stand->loop) - began_ms, SOON_MS - 50, MOCK_WAIT_MS / 2);
	assert_int_equal(late->status, 504);
	assert_non_null(strstr(late->body, "was not found in time; ask again with the same key\",\"kind\":\"LIMIT\""));
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	struct keyed_client *again = keyed_call(stand, 2, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
	keyed_turn_for(stand, SOON_MS * 2); /* the first search ends, for nobody */
	assert_int_equal(late->ended, 1);
}

/* The caller gives less time than Kafka needs for the claim. Whoever asks again gets through, also before the claim is read. */
static void a_deadline_before_the_claim_is_read_frees_the_key(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	struct keyed_client *late = keyed_call(stand, 0, "k", "1", SOON_MS);
	keyed_await_end(stand, late);
	assert_int_equal(late->status, 503);
	assert_non_null(strstr(late->body, "did not take the claim of the idempotency key in time; ask again with the same key"));
	struct keyed_client *again = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	assert_int_equal(again->ended, 0);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_false(again->is_replayed);
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS)); /* the request of the first call is never sent */
}

/* The claims of both are on their way to Kafka when the deadline of one passes: the order in the log decides, and in each order
 * one request is sent. */
static void a_key_that_is_given_up_at_a_gateway_is_free_at_another(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_calls *first = stand->keyed, *second = keyed_gateway_open(stand);
	struct keyed_client *other = &stand->callers[1];
	stand->keyed = second;
	keyed_await_claims(stand, "of the second");
	stand->keyed = first;
	keyed_await_claims(stand, "of the first");
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	struct keyed_client *late = keyed_call(stand, 0, "k", "1", SOON_MS);
	stand->keyed = second;
	(void)keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, late);
	assert_int_equal(late->status, 503);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	for (int64_t until_ms = loop_now_ms(stand->loop) + CLAIM_MS / 2; !keyed_request_comes(stand);) {
		assert_true(loop_now_ms(stand->loop) < until_ms); /* far before the claim may be taken over */
		if (other->ended > 0) {				  /* its claim was the second, and the first one not given up yet */
			assert_int_equal(other->status, 409);
			*other = (struct keyed_client){0};
			(void)keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
		}
	}
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, other);
	assert_string_equal(other->body, "one");
	stand->keyed = first;
	struct keyed_client *again = &stand->callers[2];
	const int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS;
	for (;;) {
		*again = (struct keyed_client){0};
		keyed_await_end(stand, keyed_call(stand, 2, "k", "1", MOCK_WAIT_MS));
		if (again->status != 409) /* until the first gateway has read where the request is, too */
			break;
		assert_true(loop_now_ms(stand->loop) < until_ms);
		keyed_turn_for(stand, 20);
	}
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS));
	keyed_calls_close(second);
}

static void who_leaves_frees_its_call_and_finds_its_answer_later(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_client *left = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	left->is_over = true;
	keyed_request_read(stand);
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; calls_open_count(stand->calls) > 0;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		keyed_turn(stand);
	}
	assert_int_equal(calls_counts(stand->calls).left, 1);
	struct keyed_client *early = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, early);
	assert_int_equal(early->status, 409);
	keyed_answer(stand, "one", false);
	struct keyed_client *again = keyed_call(stand, 2, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
}

/* Other failures keep it. */
static void a_declined_request_frees_its_key(void **state)
{
	static const struct {
		const char *limit;
		int status;
		bool frees;
	} ends[] = {{"admission", 429, true},
		    {"expiry", 504, true},
		    {"warmup", 503, false},
		    {"deadline", 504, false},
		    {"size", 400, false}};
	struct keyed_stand *stand = *state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		memset(stand->callers, 0, sizeof stand->callers);
		struct keyed_client *first = keyed_call(stand, 0, ends[i].limit, "1", MOCK_WAIT_MS);
		keyed_request_read(stand);
		keyed_request_end(stand, "{}", ends[i].limit, true);
		keyed_await_end(stand, first);
		assert_int_equal(first->status, ends[i].status);
		keyed_turn_for(stand, SOON_MS);
		struct keyed_client *again = keyed_call(stand, 1, ends[i].limit, "1", MOCK_WAIT_MS);
		if (ends[i].frees) {
			keyed_request_read(stand);
			keyed_answer(stand, "one", true);
		}
		keyed_await_end(stand, again);
		assert_int_equal(again->status, ends[i].frees ? 200 : ends[i].status);
		assert_int_equal(again->is_replayed, !ends[i].frees);
	}
}

/* Of the claim and the request, Kafka takes the claim. A smaller request under the same key would be another one, so the caller
 * repeats this one, as when the limit was raised. */
static void a_request_that_its_topic_does_not_take_frees_its_key(void **state)
{
	struct keyed_stand *stand = *state;
	for (size_t i = 0; i < 2; i++) {
		const char *key = i == 0 ? "waits" : "submits";
		memset(stand->callers, 0, sizeof stand->callers);
		stand->submits = i == 1;
		keyed_await_claims(stand, i == 0 ? "first" : "second");
		keyed_turn_for(stand, SOON_MS); /* its last record is written */
		rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 3, RD_KAFKA_RESP_ERR_NO_ERROR,
						  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, /* in its batch, and alone */
						  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
		struct keyed_client *first = keyed_call(stand, 0, key, "1", MOCK_WAIT_MS);
		keyed_await_end(stand, first);
		assert_int_equal(first->status, 413);
		assert_non_null(strstr(first->body, "the topic in takes"));
		keyed_turn_for(stand, SOON_MS);
		struct keyed_client *again = keyed_call(stand, 1, key, "1", MOCK_WAIT_MS);
		keyed_request_read(stand);
		keyed_answer(stand, "one", true);
		keyed_await_end(stand, again);
		assert_int_equal(again->status, stand->submits ? 202 : 200);
		assert_false(again->is_replayed);
	}
}

/* Its first gateway has died: whoever reads that it was declined frees the key. */
static void a_call_that_finds_its_request_declined_frees_the_key(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_client *left = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	left->is_over = true;
	keyed_request_read(stand);
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; calls_open_count(stand->calls) > 0;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		keyed_turn(stand);
	}
	keyed_request_end(stand, "{}", "admission", false);
	struct keyed_client *finds = keyed_call(stand, 1, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, finds);
	assert_int_equal(finds->status, 429);
	assert_true(finds->is_replayed);
	keyed_turn_for(stand, SOON_MS);
	struct keyed_client *again = keyed_call(stand, 2, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_false(again->is_replayed);
}

/* ---- gRPC ---- */

#define METHOD "/inference.GRPCInferenceService/ModelInfer"
#define MESSAGE_1 "\0\0\0\0\5\x0a\1p\x1a\0" /* of the model `p`; another one has an id */
#define MESSAGE_2 "\0\0\0\0\6\x0a\1p\x1a\1i"

static void ask_by_grpc(struct puppet_line *line, int32_t id, const char *message, size_t length, const char *key)
{
	puppet_headers(line, id, 0, ":method", "POST", ":scheme", "http", ":path", METHOD, ":authority", "us", "te", "trailers",
		       "content-type", "application/grpc", "idempotency-key", key, NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, message, length);
}

static void await_heard(struct keyed_stand *stand, const char *words)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; !strstr(stand->puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until_ms)
			assert_string_equal(stand->puppet.heard, words);
		keyed_turn(stand);
	}
}

static struct puppet_line *grpc_dial(struct keyed_stand *stand)
{
	static const struct gateway_config gateway = {.serves_grpc = true};
	static struct access *access;
	struct error error = {0};
	const struct grpc_front_config config = {.gateway = &gateway,
						 .targets = &stand->targets,
						 .calls = stand->calls,
						 .keyed = stand->keyed,
						 .access = &access,
						 .message_bytes = 1 << 20,
						 .connections = 4};
	stand->grpc = grpc_front_open(stand->loop, &config, &error);
	assert_string_equal(error.text, "");
	return puppet_dial(&stand->puppet, grpc_front_port(stand->grpc));
}

static void metadata_of_grpc_has_keys_like_headers_of_http(void **state)
{
	struct keyed_stand *stand = *state;
	keyed_await_claims(stand, "other");
	struct puppet_line *line = grpc_dial(stand);
	ask_by_grpc(line, 1, MESSAGE_1, sizeof MESSAGE_1 - 1, "k");
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	await_heard(stand, "1 grpc-status: 0\n");
	assert_null(strstr(stand->puppet.heard, "1 " IDEMPOTENCY_REPLAYED_HEADER));
	ask_by_grpc(line, 3, MESSAGE_1, sizeof MESSAGE_1 - 1, "k");
	await_heard(stand, "3 grpc-status: 0\n");
	assert_non_null(strstr(stand->puppet.heard, "3 " IDEMPOTENCY_REPLAYED_HEADER ": true\n"));
	assert_non_null(strstr(stand->puppet.heard, "3 data 8\n")); /* `one`, and its prefix */
	ask_by_grpc(line, 5, MESSAGE_2, sizeof MESSAGE_2 - 1, "k");
	await_heard(stand, "5 grpc-status: 3\n"); /* INVALID_ARGUMENT */
	ask_by_grpc(line, 7, MESSAGE_1, sizeof MESSAGE_1 - 1, "");
	await_heard(stand, "7 grpc-status: 3\n");
	ask_by_grpc(line, 9, MESSAGE_2, sizeof MESSAGE_2 - 1, "k-2");
	keyed_request_read(stand);
	ask_by_grpc(line, 11, MESSAGE_2, sizeof MESSAGE_2 - 1, "k-2");
	await_heard(stand, "11 grpc-status: 9\n"); /* FAILED_PRECONDITION, as 409 is: the first one is not answered */
	assert_null(strstr(stand->puppet.heard, "9 grpc-status: 0"));
	keyed_answer(stand, "two", true);
	await_heard(stand, "9 grpc-status: 0\n");
}

/* The claims that were read stay known. */
/* Who waits for a gateway to be ready is not refused then. */
static void a_gateway_is_not_ready_before_it_takes_calls_with_keys(void **state)
{
	struct keyed_stand *stand = *state;
	const struct gateway_config config = {.brokers = "here:9092"};
	const struct gateway_readiness readiness = {&config, &stand->targets, stand->calls, false, NULL, stand->keyed};
	struct error error = {0};
	assert_false(gateway_readiness_find(&readiness, NULL, &error));
	assert_int_equal(error.kind, ERROR_REMOTE);
	assert_string_equal(error.text, "the claims of idempotency keys are being read; ask again");
	assert_false(gateway_readiness_find(&readiness, &stand->target, &error));
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; !gateway_readiness_find(&readiness, NULL, &error);) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		keyed_turn(stand);
	}
	(void)keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, &stand->callers[0]);
	assert_int_equal(stand->callers[0].status, 200);
}

static void a_new_key_is_refused_while_its_topic_is_gone(void **state)
{
	struct keyed_stand *stand = *state;
	if (mock_error_of_topic_crashes())
		skip();
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, first);
	keyed_turn_for(stand, TOPIC_PRESENCE_MS); /* it was there */
	rd_kafka_mock_topic_set_error(stand->mock.cluster, CLAIMS, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	for (int looks = 0; looks < MOCK_WAIT_MS / SOON_MS && !calls_lack_topic(stand->calls, GATEWAY_CLAIMS); looks++)
		keyed_turn_for(stand, SOON_MS);
	struct keyed_client *refused = keyed_call(stand, 1, "new", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, refused);
	assert_int_equal(refused->status, 503);
	assert_non_null(strstr(refused->body, "topic " CLAIMS ", in which idempotency keys are claimed, is gone; create it"));
	struct keyed_client *again = keyed_call(stand, 2, "k", "1", MOCK_WAIT_MS);
	keyed_await_end(stand, again);
	assert_string_equal(again->body, "one");
	rd_kafka_mock_topic_set_error(stand->mock.cluster, CLAIMS, RD_KAFKA_RESP_ERR_NO_ERROR);
	for (int looks = 0; looks < MOCK_WAIT_MS / SOON_MS && calls_lack_topic(stand->calls, GATEWAY_CLAIMS); looks++)
		keyed_turn_for(stand, SOON_MS);
	assert_null(calls_lack_topic(stand->calls, GATEWAY_CLAIMS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEYED_STORY(a_key_is_answered_from_one_request),
		KEYED_STORY(a_reply_before_the_report_of_its_request_says_where_that_is),
		KEYED_STORY(a_deadline_before_the_report_leaves_the_claim_its_origin),
		KEYED_STORY(a_call_whose_key_was_taken_over_passes_no_answer_on),
		KEYED_STORY(who_was_told_to_be_late_has_not_left),
		KEYED_STORY(a_reply_after_the_deadline_counts_as_no_answer),
		KEYED_STORY(a_report_after_the_deadline_counts_as_no_acceptance),
		KEYED_STORY(a_reply_of_an_earlier_engine_before_the_report_is_not_taken),
		KEYED_STORY(a_deadline_holds_while_an_earlier_answer_is_searched),
		KEYED_STORY(a_deadline_before_the_claim_is_read_frees_the_key),
		KEYED_STORY(a_key_that_is_given_up_at_a_gateway_is_free_at_another),
		KEYED_STORY(who_leaves_frees_its_call_and_finds_its_answer_later),
		KEYED_STORY(a_declined_request_frees_its_key),
		KEYED_STORY(a_request_that_its_topic_does_not_take_frees_its_key),
		KEYED_STORY(a_gateway_is_not_ready_before_it_takes_calls_with_keys),
		KEYED_STORY(a_new_key_is_refused_while_its_topic_is_gone),
		KEYED_STORY(a_call_that_finds_its_request_declined_frees_the_key),
		KEYED_STORY(metadata_of_grpc_has_keys_like_headers_of_http),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
