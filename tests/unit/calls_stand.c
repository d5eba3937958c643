/* calls_stand.c: see calls_stand.h. */
#include "tests/unit/calls_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/worker_stand.h"

static bool limits_ask(void *context)
{
	((struct calls_stand *)context)->limits_asked++;
	return true;
}

int calls_stand_open(void **state)
{
	static struct calls_stand stand;
	struct error error = {0};
	static const char *topics[] = {"in", FEEDBACK, CANCELS};
	stand = (struct calls_stand){0};
	mock_open(&stand.mock);
	rd_kafka_mock_topic_create(stand.mock.cluster, REPLIES, 1, 1);
	rd_kafka_mock_topic_create(stand.mock.cluster, FEEDBACK, 1, 1);
	rd_kafka_mock_topic_create(stand.mock.cluster, CANCELS, 1, 1);
	/* One that the writer meets later it looks up after a second. */
	stand.replies = rd_kafka_topic_new(stand.mock.writer, REPLIES, NULL);
	stand.loop = loop_open(&error);
	stand.target = (struct gateway_target){
		.name = "p", .namespace = "default", .answers = true, .outputs = "out", .request_bytes = 1 << 20, .feedback = 1};
	stand.targets = (struct gateway_targets){
		.count = 1, .items = &stand.target, .topic_count = 3, .topics = topics, .prefix = "sluice", .namespace = "default"};
	stand.targets.cancels = 2;
	stand.hub = direct_hub_open(&error);
	const struct calls_config config = {.brokers = stand.mock.brokers,
					    .consumer = mock_quick,
					    .producer = mock_quick,
					    .message_bytes = 1 << 20,
					    .queue_bytes = (size_t)16 << 20,
					    .direct = stand.hub,
					    .limits_ask = limits_ask,
					    .context = &stand};
	stand.calls = calls_open(stand.loop, &config, &stand.targets, &error);
	if (!stand.calls)
		fail_msg("%s", error.text);
	*state = &stand;
	return 0;
}

int calls_stand_close(void **state)
{
	struct calls_stand *stand = *state;
	calls_close(stand->calls);
	direct_hub_close(stand->hub);
	loop_close(stand->loop);
	rd_kafka_topic_destroy(stand->replies);
	if (stand->engine) {
		rd_kafka_consumer_close(stand->engine);
		rd_kafka_destroy(stand->engine);
	}
	mock_close(&stand->mock);
	return 0;
}

static void on_ended(void *context, const struct call_outcome *outcome)
{
	struct caller *caller = context;
	caller->ended++;
	caller->status = outcome->status;
	(void)snprintf(caller->body, sizeof caller->body, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->body));
	(void)snprintf(caller->id, sizeof caller->id, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->id));
	(void)snprintf(caller->poll, sizeof caller->poll, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->submission));
}

static bool is_over(void *context)
{
	return ((const struct caller *)context)->over;
}

struct call_request calls_request_of(struct calls_stand *stand, size_t number)
{
	return (struct call_request){.target = &stand->target,
				     .body = TEXT("1"),
				     .deadline_ms = loop_now_of_day_ms(stand->loop) + MOCK_WAIT_MS,
				     .place = TEXT("/here"),
				     .ended = on_ended,
				     .is_over = is_over,
				     .context = &stand->callers[number]};
}

void calls_call_with(struct calls_stand *stand, size_t number, int64_t timeout_ms, const char *id, struct text body)
{
	struct call_request request = calls_request_of(stand, number);
	request.body = body;
	request.id = text_of(id);
	request.deadline_ms = loop_now_of_day_ms(stand->loop) + timeout_ms;
	calls_begin(stand->calls, &request);
}

void calls_turn_for(struct calls_stand *stand, int64_t wait_ms)
{
	struct error error = {0};
	for (int64_t until_ms = loop_now_ms(stand->loop) + wait_ms; loop_now_ms(stand->loop) < until_ms;)
		assert_true(loop_turn(stand->loop, 20, &error));
}

void calls_await_end(struct calls_stand *stand, size_t number)
{
	struct error error = {0};
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; stand->callers[number].ended == 0;) {
		assert_true(loop_turn(stand->loop, 20, &error));
		assert_true(loop_now_ms(stand->loop) < until_ms);
	}
}

rd_kafka_message_t *calls_next_record(struct calls_stand *stand, const char *topic)
{
	char words[256];
	struct error error = {0};
	if (!stand->engine) {
		rd_kafka_conf_t *configuration = rd_kafka_conf_new();
		rd_kafka_conf_set(configuration, "bootstrap.servers", stand->mock.brokers, words, sizeof words);
		rd_kafka_conf_set(configuration, "group.id", "engine", words, sizeof words);
		rd_kafka_conf_set(configuration, "fetch.wait.max.ms", "10", words, sizeof words);
		rd_kafka_conf_set(configuration, "log_level", "0", words, sizeof words);
		stand->engine = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, words, sizeof words);
		rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
		rd_kafka_topic_partition_list_add(list, topic, 0)->offset = 0;
		assert_int_equal(rd_kafka_assign(stand->engine, list), 0);
		rd_kafka_topic_partition_list_destroy(list);
	}
	for (int turns = 0; turns < MOCK_WAIT_MS / 20; turns++) {
		assert_true(loop_turn(stand->loop, 0, &error));
		rd_kafka_message_t *message = rd_kafka_consumer_poll(stand->engine, 20);
		if (message && !message->err)
			return message;
		if (message)
			rd_kafka_message_destroy(message);
	}
	fail_msg("nothing was asked");
	return NULL;
}

void calls_next_asked(struct calls_stand *stand, char *address)
{
	rd_kafka_message_t *message = calls_next_record(stand, "in");
	(void)snprintf(address, REPLY_ADDRESS_BYTES_MAX, "%s", record_header(message, REPLY_HEADER));
	rd_kafka_message_destroy(message);
}

void calls_await_strayed(struct calls_stand *stand, uint64_t count)
{
	for (int turns = 0; turns < MOCK_WAIT_MS / MOMENT_MS && calls_counts(stand->calls).strayed < count; turns++)
		calls_turn_for(stand, MOMENT_MS);
	assert_int_equal(calls_counts(stand->calls).strayed, count);
}

void calls_reply(struct calls_stand *stand, const char *address, const char *value)
{
	calls_reply_from(stand, NULL, address, value);
}

void calls_reply_from(struct calls_stand *stand, const char *origin, const char *address, const char *value)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
	if (origin)
		rd_kafka_header_add(headers, REPLY_ORIGIN_HEADER, -1, origin, -1);
	if (address)
		rd_kafka_header_add(headers, REPLY_HEADER, -1, address, -1);
	assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_RKT(stand->replies), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, value ? strlen(value) : 0),
					   RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
}
