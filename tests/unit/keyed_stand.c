/* keyed_stand.c: see keyed_stand.h. */
#include "tests/unit/keyed_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kafka/consume/reader.h"
#include "tests/unit/worker_stand.h"

void keyed_turn(struct keyed_stand *stand)
{
	assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
}

void keyed_turn_for(struct keyed_stand *stand, int64_t wait_ms)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + wait_ms; loop_now_ms(stand->loop) < until_ms;)
		keyed_turn(stand);
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

struct keyed_calls *keyed_gateway_open(const struct keyed_stand *stand)
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
		.brokers = stand->mock.brokers, .consumer = mock_quick, .producer = mock_quick, .message_bytes = 1 << 20,
		.queue_bytes = (size_t)16 << 20};
	const struct polls_config polls = {.brokers = stand->mock.brokers, .consumer = mock_quick, .wait_ms = SOON_MS};
	stand->calls = calls_open(stand->loop, &calls, &stand->targets, &error);
	stand->polls = polls_open(stand->loop, &polls, &error);
	assert_string_equal(error.text, "");
	stand->keyed = keyed_gateway_open(stand);
}

int keyed_stand_open(void **state)
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

int keyed_stand_close(void **state)
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

/* ---- callers ---- */

static void on_ended(void *context, const struct call_outcome *outcome)
{
	struct keyed_client *caller = context;
	caller->ended++;
	caller->status = outcome->status;
	caller->is_replayed = headers_find(outcome->headers, TEXT(IDEMPOTENCY_REPLAYED_HEADER)) != NULL;
	(void)snprintf(caller->id, sizeof caller->id, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->id));
	(void)snprintf(caller->submission, sizeof caller->submission, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->submission));
	(void)snprintf(caller->target, sizeof caller->target, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->target));
	(void)snprintf(caller->body, sizeof caller->body, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->body));
}

static bool is_over(void *context)
{
	return ((const struct keyed_client *)context)->is_over;
}

struct keyed_client *keyed_call(struct keyed_stand *stand, size_t number, const char *key, const char *body, int64_t timeout_ms)
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
		stand->callers[number] = (struct keyed_client){0};
		keyed_turn(stand);
	}
	return &stand->callers[number];
}

void keyed_await_end(struct keyed_stand *stand, const struct keyed_client *caller)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; caller->ended == 0;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		keyed_turn(stand);
	}
}

/* ---- the engine ---- */

bool keyed_request_comes(struct keyed_stand *stand)
{
	keyed_turn(stand);
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

void keyed_request_read(struct keyed_stand *stand)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; !keyed_request_comes(stand);)
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

void keyed_request_end(const struct keyed_stand *stand, const char *value, const char *limit, bool replies)
{
	rd_kafka_headers_t *headers = headers_of(limit);
	rd_kafka_header_add(headers, REPLY_ORIGIN_HEADER, -1, stand->origin, -1);
	rd_kafka_header_add(headers, REPLY_SUBMISSION_HEADER, -1, stand->nonce, -1);
	record_write(stand, stand->out, value, headers);
	if (!replies)
		return;
	headers = headers_of(limit);
	if (!stand->hides_origin)
		rd_kafka_header_add(headers, REPLY_ORIGIN_HEADER, -1, stand->origin, -1);
	rd_kafka_header_add(headers, REPLY_HEADER, -1, stand->address, -1);
	record_write(stand, stand->replies, value, headers);
}

void keyed_answer(const struct keyed_stand *stand, const char *value, bool replies)
{
	keyed_request_end(stand, value, NULL, replies);
}

/* ---- claims ---- */

static bool claim_take(void *context, const struct record *record, struct error *error)
{
	struct claim_record read;
	(void)error;
	if (claim_record_read(record->key, record->value, &read) && read.event == CLAIM_TAKES)
		*(struct claim_record *)context = read;
	return true;
}

struct claim_record keyed_claim_read(const struct keyed_stand *stand)
{
	const struct reader_config config = {
		.brokers = stand->mock.brokers, .topic = CLAIMS, .from_beginning = true, .properties = mock_quick};
	struct claim_record claim = {0};
	struct error error = {0};
	assert_true(topic_give_all(&config, claim_take, &claim, &error));
	assert_true(claim.generation > 0);
	return claim;
}

void keyed_claim_write(const struct keyed_stand *stand, const struct claim_record *record)
{
	char key[CLAIM_ID_DIGITS], value[CLAIM_VALUE_BYTES_MAX];
	const size_t length = claim_record_write(record, key, value);
	mock_append(&stand->mock, CLAIMS, (struct text){key, sizeof key}, (struct text){value, length});
}

void keyed_await_claims(struct keyed_stand *stand, const char *key)
{
	(void)keyed_call(stand, CALLERS - 1, key, "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
}
