/* idempotent_calls_test.c: Calls with idempotency keys against the mock of a broker, by themselves and through gRPC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "gateway/grpc_front.h"
#include "gateway/idempotency_claims.h"
#include "gateway/idempotent_calls.h"
#include "message/reply.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/puppet.h"
#include "tests/unit/worker_stand.h"

#define REPLIES "sluice.default.replies"
#define CLAIMS "sluice.default.claims"
#define CALLERS 4
#define SOON_MS 400

struct caller {
	size_t ended;
	int status;
	char body[256], id[64];
	bool is_replayed, is_over;
};

struct keyed_stand {
	struct mock mock;
	struct loop *loop;
	struct gateway_target target;
	struct gateway_targets targets;
	struct calls *calls;
	struct polls *polls;
	struct keyed_calls *keyed;
	struct grpc_front *grpc;
	struct puppet puppet;
	struct caller callers[CALLERS];
	rd_kafka_t *engine;
	rd_kafka_topic_t *out, *replies; /* of the writer: one that it meets later it looks up after a second */
	/* Of the request that the engine read last: */
	char address[REPLY_ADDRESS_BYTES_MAX], nonce[SUBMISSION_NONCE_DIGITS + 1], origin[64];
	bool submits; /* the calls */
};

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

int rd_kafka_poll(rd_kafka_t *client, int timeout_ms)
{
	(void)timeout_ms; /* the gateway waits for a bell */
	if (!reports_wait)
		return poll_of_library(client);
	for (size_t i = 0; i < unheard_count; i++)
		if (unheard[i] == client)
			return 0;
	assert_true(unheard_count < sizeof unheard / sizeof *unheard);
	unheard[unheard_count++] = client;
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

static void turn(struct keyed_stand *stand)
{
	assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
}

static void turn_for(struct keyed_stand *stand, int64_t wait_ms)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + wait_ms; loop_now_ms(stand->loop) < until_ms;)
		turn(stand);
}

static rd_kafka_t *engine_open(const struct mock *mock)
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	rd_kafka_conf_set(configuration, "bootstrap.servers", mock->brokers, words, sizeof words);
	rd_kafka_conf_set(configuration, "group.id", "engine", words, sizeof words);
	for (size_t i = 0; i < mock_quick.count; i++)
		rd_kafka_conf_set(configuration, mock_quick.items[i].name, mock_quick.items[i].value, words, sizeof words);
	rd_kafka_t *engine = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, words, sizeof words);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, "in", 0)->offset = 0;
	assert_int_equal(rd_kafka_assign(engine, list), 0);
	rd_kafka_topic_partition_list_destroy(list);
	return engine;
}

/* Those of a gateway of its own, which shares the rest of the stand. */
static struct keyed_calls *keyed_open(const struct keyed_stand *stand)
{
	struct error error = {0};
	const struct keyed_config config = {.brokers = stand->mock.brokers,
					    .consumer = mock_quick,
					    .producer = mock_quick,
					    .calls = stand->calls,
					    .polls = stand->polls};
	struct keyed_calls *keyed = keyed_calls_open(stand->loop, &config, &stand->targets, &error);
	assert_string_equal(error.text, "");
	return keyed;
}

static void parts_open(struct keyed_stand *stand)
{
	struct error error = {0};
	const struct calls_config calls = {
		.brokers = stand->mock.brokers, .consumer = mock_quick, .producer = mock_quick, .message_bytes = 1 << 20};
	const struct polls_config polls = {.brokers = stand->mock.brokers, .consumer = mock_quick};
	stand->calls = calls_open(stand->loop, &calls, &stand->targets, &error);
	stand->polls = polls_open(stand->loop, &polls, &error);
	assert_string_equal(error.text, "");
	stand->keyed = keyed_open(stand);
}

static int keyed_stand_open(void **state)
{
	static struct keyed_stand stand;
	static const char *topics[] = {"in", "sluice.default.cancels"};
	struct error error = {0};
	stand = (struct keyed_stand){.target = {.name = "p", .namespace = "default", .answers = true, .outputs = "out"}};
	stand.target.request_bytes = 1 << 20;
	stand.targets = (struct gateway_targets){
		.count = 1, .items = &stand.target, .topic_count = 2, .topics = topics, .prefix = "sluice", .namespace = "default"};
	stand.targets.cancels = 1;
	mock_open(&stand.mock);
	rd_kafka_mock_topic_create(stand.mock.cluster, REPLIES, 1, 1);
	rd_kafka_mock_topic_create(stand.mock.cluster, CLAIMS, 1, 1);
	rd_kafka_mock_topic_create(stand.mock.cluster, topics[1], 1, 1);
	stand.out = rd_kafka_topic_new(stand.mock.writer, "out", NULL);
	stand.replies = rd_kafka_topic_new(stand.mock.writer, REPLIES, NULL);
	stand.loop = loop_open(&error);
	stand.puppet.loop = stand.loop;
	stand.engine = engine_open(&stand.mock);
	parts_open(&stand);
	*state = &stand;
	return 0;
}

static int keyed_stand_close(void **state)
{
	struct keyed_stand *stand = *state;
	puppet_hang_up_all(&stand->puppet);
	keyed_calls_close(stand->keyed);
	calls_close(stand->calls);
	polls_close(stand->polls);
	grpc_front_close(stand->grpc);
	loop_close(stand->loop);
	rd_kafka_consumer_close(stand->engine);
	rd_kafka_destroy(stand->engine);
	rd_kafka_topic_destroy(stand->out);
	rd_kafka_topic_destroy(stand->replies);
	mock_close(&stand->mock);
	return 0;
}

#define KEYED_STORY(name) cmocka_unit_test_setup_teardown(name, keyed_stand_open, keyed_stand_close)

/* ---- callers ---- */

static void on_ended(void *context, const struct call_outcome *outcome)
{
	struct caller *caller = context;
	caller->ended++;
	caller->status = outcome->status;
	caller->is_replayed = headers_find(outcome->headers, TEXT(IDEMPOTENCY_REPLAYED_HEADER)) != NULL;
	(void)snprintf(caller->id, sizeof caller->id, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->id));
	(void)snprintf(caller->body, sizeof caller->body, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->body));
}

static bool is_over(void *context)
{
	return ((const struct caller *)context)->is_over;
}

static struct caller *call(struct keyed_stand *stand, size_t number, const char *key, const char *body, int64_t timeout_ms)
{
	const struct call_request request = {.target = &stand->target,
					     .body = text_of(body),
					     .id = TEXT("r"),
					     .submits = stand->submits,
					     .deadline_ms = loop_time_of_day_ms(stand->loop) + timeout_ms,
					     .place = TEXT("/here"),
					     .ended = on_ended,
					     .is_over = is_over,
					     .context = &stand->callers[number]};
	const struct keyed_request keyed = {.call = &request, .inputs = "in", .is_recognised = true, .key = text_of(key)};
	while (stand->callers[number].ended == 0) {
		keyed_calls_begin(stand->keyed, &keyed);
		/* Claims are read first. */
		if (stand->callers[number].ended == 0 || !strstr(stand->callers[number].body, "are being read"))
			break;
		stand->callers[number] = (struct caller){0};
		turn(stand);
	}
	return &stand->callers[number];
}

static void await_end(struct keyed_stand *stand, const struct caller *caller)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; caller->ended == 0;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		turn(stand);
	}
}

/* ---- the engine ---- */

/* Whether the engine has read a request, after a turn. */
static bool request_comes(struct keyed_stand *stand)
{
	turn(stand);
	rd_kafka_message_t *message = rd_kafka_consumer_poll(stand->engine, 10);
	const bool is_read = message && !message->err;
	if (is_read) {
		(void)snprintf(stand->address, sizeof stand->address, "%s", record_header(message, REPLY_HEADER));
		(void)snprintf(stand->nonce, sizeof stand->nonce, "%.32s", record_header(message, REPLY_SUBMITTED_HEADER));
		(void)snprintf(stand->origin, sizeof stand->origin, "in/0/%lld", (long long)message->offset);
	}
	if (message)
		rd_kafka_message_destroy(message);
	return is_read;
}

static void request_read(struct keyed_stand *stand)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; !request_comes(stand);)
		assert_true(loop_now_ms(stand->loop) < until_ms);
}

static void record_write(const struct keyed_stand *stand, rd_kafka_topic_t *topic, const char *value, rd_kafka_headers_t *headers)
{
	assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)), RD_KAFKA_V_HEADERS(headers),
					   RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
}

static rd_kafka_headers_t *headers_of(const char *limit)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
	if (limit) {
		rd_kafka_header_add(headers, REPLY_ERROR_HEADER, -1, "LIMIT", -1);
		rd_kafka_header_add(headers, REPLY_LIMIT_HEADER, -1, limit, -1);
	}
	return headers;
}

/* Ends the request that was read last, in the outputs alone or to its gateway, too. `limit`: by which it failed; NULL: none. */
static void end(const struct keyed_stand *stand, const char *value, const char *limit, bool replies)
{
	rd_kafka_headers_t *headers = headers_of(limit);
	rd_kafka_header_add(headers, REPLY_ORIGIN_HEADER, -1, stand->origin, -1);
	rd_kafka_header_add(headers, REPLY_SUBMISSION_HEADER, -1, stand->nonce, -1);
	record_write(stand, stand->out, value, headers);
	if (!replies)
		return;
	headers = headers_of(limit);
	rd_kafka_header_add(headers, REPLY_HEADER, -1, stand->address, -1);
	record_write(stand, stand->replies, value, headers);
}

static void answer(const struct keyed_stand *stand, const char *value, bool replies)
{
	end(stand, value, NULL, replies);
}

/* A first call, which stays open, so that the claims have been read. */
static void await_claims(struct keyed_stand *stand, const char *key)
{
	(void)call(stand, CALLERS - 1, key, "1", MOCK_WAIT_MS);
	request_read(stand);
}

/* ---- calls ---- */

static void a_key_is_answered_from_one_request(void **state)
{
	struct keyed_stand *stand = *state;
	struct caller *first = call(stand, 0, "k", "1", MOCK_WAIT_MS);
	request_read(stand);
	answer(stand, "one", true);
	await_end(stand, first);
	assert_string_equal(first->body, "one");
	assert_false(first->is_replayed);
	struct caller *again = call(stand, 1, "k", "1", MOCK_WAIT_MS);
	await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
	assert_int_equal(call(stand, 2, "k", "2", MOCK_WAIT_MS)->status, 422);
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS)); /* nothing more was asked */
}

/* It has no answer, so its id is only in its record. */
static void what_kafka_has_accepted_is_told_again_with_its_id(void **state)
{
	struct keyed_stand *stand = *state;
	for (size_t i = 0; i < 2; i++) {
		const char *const key = i == 0 ? "without outputs" : "submitted";
		stand->submits = i == 1;
		stand->target.answers = stand->submits;
		stand->target.outputs = stand->submits ? "out" : NULL;
		struct caller *first = call(stand, 2 * i, key, "1", MOCK_WAIT_MS);
		await_end(stand, first);
		assert_string_equal(first->id, "r");
		struct caller *again = call(stand, 2 * i + 1, key, "1", MOCK_WAIT_MS);
		await_end(stand, again);
		assert_int_equal(again->status, 202);
		assert_true(again->is_replayed);
		assert_string_equal(again->id, first->id);
		assert_string_equal(again->body, first->body);
	}
}

static void a_reply_before_the_report_of_its_request_waits_for_that(void **state)
{
	struct keyed_stand *stand = *state;
	await_claims(stand, "other");
	reports_wait = true;
	struct caller *first = call(stand, 0, "k", "1", MOCK_WAIT_MS);
	request_read(stand);
	answer(stand, "one", true);
	answer(stand, "one", true); /* as at-least-once delivery may */
	turn_for(stand, SOON_MS);
	assert_int_equal(first->ended, 0);
	reports_come();
	await_end(stand, first);
	assert_string_equal(first->body, "one");
	assert_int_equal(calls_counts(stand->calls).answered, 1);
	struct caller *again = call(stand, 2, "k", "1", MOCK_WAIT_MS);
	await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
}

static void a_deadline_holds_while_an_earlier_answer_is_searched(void **state)
{
	struct keyed_stand *stand = *state;
	struct caller *first = call(stand, 0, "k", "1", MOCK_WAIT_MS);
	request_read(stand);
	answer(stand, "one", true);
	await_end(stand, first);
	assert_string_equal(first->body, "one");
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1); /* the search waits */
	int64_t began_ms = loop_now_ms(stand->loop);
	struct caller *late = call(stand, 1, "k", "1", SOON_MS);
	assert_int_equal(late->ended, 0);
	await_end(stand, late);
	assert_in_range(loop_now_ms(stand->loop) - began_ms, SOON_MS - 50, MOCK_WAIT_MS / 2);
	assert_int_equal(late->status, 504);
	assert_non_null(strstr(late->body, "was not found in time; ask again with the same key\",\"kind\":\"LIMIT\""));
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	struct caller *again = call(stand, 2, "k", "1", MOCK_WAIT_MS);
	await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
	turn_for(stand, SOON_MS * 2); /* the first search ends, for nobody */
	assert_int_equal(late->ended, 1);
}

/* The caller gives less time than Kafka needs for the claim. Whoever asks again gets through, also before the claim is read. */
static void a_deadline_before_the_claim_is_read_frees_the_key(void **state)
{
	struct keyed_stand *stand = *state;
	await_claims(stand, "other");
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	struct caller *late = call(stand, 0, "k", "1", SOON_MS);
	await_end(stand, late);
	assert_int_equal(late->status, 503);
	assert_non_null(strstr(late->body, "did not take the claim of the idempotency key in time; ask again with the same key"));
	struct caller *again = call(stand, 1, "k", "1", MOCK_WAIT_MS);
	assert_int_equal(again->ended, 0);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	request_read(stand);
	answer(stand, "one", true);
	await_end(stand, again);
	assert_string_equal(again->body, "one");
	assert_false(again->is_replayed);
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS)); /* the request of the first call is never sent */
}

/* The claims of both are on their way to Kafka when the deadline of one passes: the order in the log decides, and in each order
 * one request is sent. */
static void a_key_that_is_given_up_at_a_gateway_is_free_at_another(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_calls *first = stand->keyed, *second = keyed_open(stand);
	struct caller *other = &stand->callers[1];
	stand->keyed = second;
	await_claims(stand, "of the second");
	stand->keyed = first;
	await_claims(stand, "of the first");
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	struct caller *late = call(stand, 0, "k", "1", SOON_MS);
	stand->keyed = second;
	(void)call(stand, 1, "k", "1", MOCK_WAIT_MS);
	await_end(stand, late);
	assert_int_equal(late->status, 503);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	for (int64_t until_ms = loop_now_ms(stand->loop) + CLAIM_MS / 2; !request_comes(stand);) {
		assert_true(loop_now_ms(stand->loop) < until_ms); /* far before the claim may be taken over */
		if (other->ended > 0) { /* its claim was the second, and the first one not given up yet */
			assert_int_equal(other->status, 409);
			*other = (struct caller){0};
			(void)call(stand, 1, "k", "1", MOCK_WAIT_MS);
		}
	}
	answer(stand, "one", true);
	await_end(stand, other);
	assert_string_equal(other->body, "one");
	stand->keyed = first;
	struct caller *again = &stand->callers[2];
	const int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS;
	for (;;) {
		*again = (struct caller){0};
		await_end(stand, call(stand, 2, "k", "1", MOCK_WAIT_MS));
		if (again->status != 409) /* until the first gateway has read where the request is, too */
			break;
		assert_true(loop_now_ms(stand->loop) < until_ms);
		turn_for(stand, 20);
	}
	assert_string_equal(again->body, "one");
	assert_true(again->is_replayed);
	assert_null(rd_kafka_consumer_poll(stand->engine, SOON_MS));
	keyed_calls_close(second);
}

static void who_leaves_frees_its_call_and_finds_its_answer_later(void **state)
{
	struct keyed_stand *stand = *state;
	struct caller *left = call(stand, 0, "k", "1", MOCK_WAIT_MS);
	left->is_over = true;
	request_read(stand);
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; calls_open_count(stand->calls) > 0;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		turn(stand);
	}
	assert_int_equal(calls_counts(stand->calls).left, 1);
	struct caller *early = call(stand, 1, "k", "1", MOCK_WAIT_MS);
	await_end(stand, early);
	assert_int_equal(early->status, 409);
	answer(stand, "one", false);
	struct caller *again = call(stand, 2, "k", "1", MOCK_WAIT_MS);
	await_end(stand, again);
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
	} ends[] = {{"admission", 429, true}, {"warmup", 503, false}, {"deadline", 504, false}, {"size", 400, false}};
	struct keyed_stand *stand = *state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		memset(stand->callers, 0, sizeof stand->callers);
		struct caller *first = call(stand, 0, ends[i].limit, "1", MOCK_WAIT_MS);
		request_read(stand);
		end(stand, "{}", ends[i].limit, true);
		await_end(stand, first);
		assert_int_equal(first->status, ends[i].status);
		turn_for(stand, SOON_MS);
		struct caller *again = call(stand, 1, ends[i].limit, "1", MOCK_WAIT_MS);
		if (ends[i].frees) {
			request_read(stand);
			answer(stand, "one", true);
		}
		await_end(stand, again);
		assert_int_equal(again->status, ends[i].frees ? 200 : ends[i].status);
		assert_int_equal(again->is_replayed, !ends[i].frees);
	}
}

/* Its first gateway has died: whoever reads that it was declined frees the key. */
static void a_call_that_finds_its_request_declined_frees_the_key(void **state)
{
	struct keyed_stand *stand = *state;
	struct caller *left = call(stand, 0, "k", "1", MOCK_WAIT_MS);
	left->is_over = true;
	request_read(stand);
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; calls_open_count(stand->calls) > 0;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		turn(stand);
	}
	end(stand, "{}", "admission", false);
	struct caller *finds = call(stand, 1, "k", "1", MOCK_WAIT_MS);
	await_end(stand, finds);
	assert_int_equal(finds->status, 429);
	assert_true(finds->is_replayed);
	turn_for(stand, SOON_MS);
	struct caller *again = call(stand, 2, "k", "1", MOCK_WAIT_MS);
	request_read(stand);
	answer(stand, "one", true);
	await_end(stand, again);
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
		turn(stand);
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
	await_claims(stand, "other");
	struct puppet_line *line = grpc_dial(stand);
	ask_by_grpc(line, 1, MESSAGE_1, sizeof MESSAGE_1 - 1, "k");
	request_read(stand);
	answer(stand, "one", true);
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
	request_read(stand);
	ask_by_grpc(line, 11, MESSAGE_2, sizeof MESSAGE_2 - 1, "k-2");
	await_heard(stand, "11 grpc-status: 9\n"); /* FAILED_PRECONDITION, as 409 is: the first one is not answered */
	assert_null(strstr(stand->puppet.heard, "9 grpc-status: 0"));
	answer(stand, "two", true);
	await_heard(stand, "9 grpc-status: 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEYED_STORY(a_key_is_answered_from_one_request),
		KEYED_STORY(what_kafka_has_accepted_is_told_again_with_its_id),
		KEYED_STORY(a_reply_before_the_report_of_its_request_waits_for_that),
		KEYED_STORY(a_deadline_holds_while_an_earlier_answer_is_searched),
		KEYED_STORY(a_deadline_before_the_claim_is_read_frees_the_key),
		KEYED_STORY(a_key_that_is_given_up_at_a_gateway_is_free_at_another),
		KEYED_STORY(who_leaves_frees_its_call_and_finds_its_answer_later),
		KEYED_STORY(a_declined_request_frees_its_key),
		KEYED_STORY(a_call_that_finds_its_request_declined_frees_the_key),
		KEYED_STORY(metadata_of_grpc_has_keys_like_headers_of_http),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
