/* replies_test.c: whoever waits at a gateway has a copy of the answer, once, and never before it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "message/records/reply.h"
#include "tests/unit/worker_stand.h"
#include "engine/outputs/answer_record.h"
#include "engine/worker/direct_hub.h"

#define ADDRESS "2/0123456789abcdef/9/p"
#define PARTITION 2
#define PARTITIONS 3
#define MOMENT_MS 300
#define PRODUCE 0 /* the number of the request */

static const char doubles[] = "  - name: twice\n    expression: {set: {x: x * 2}}\n"
			      "  output: {steps: [twice]}\n";
static const char keeps_small[] = "  - name: small\n    filter: {keep: \"x < 10\", otherwise: drop}\n"
				  "  output: {steps: [small]}\n";

static void configure(struct stand *stand, const char *steps, bool exactly_once)
{
	stand_configure(stand, steps);
	rd_kafka_mock_topic_create(stand->mock.cluster, "replies", PARTITIONS, 1);
	stand->config.setup.replies = "replies";
	if (!exactly_once)
		stand->config.transaction.id = NULL;
}

static void ask(struct stand *stand, const char *id, int number, const char *address)
{
	stand_ask(stand, id, number, REPLY_HEADER, address);
}

/* The partition of this gateway, from its beginning. */
static rd_kafka_t *reader_open(struct stand *stand)
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	assert_int_equal(rd_kafka_conf_set(configuration, "bootstrap.servers", stand->mock.brokers, words, sizeof words), 0);
	assert_int_equal(rd_kafka_conf_set(configuration, "group.id", "gateway", words, sizeof words), 0);
	assert_int_equal(rd_kafka_conf_set(configuration, "log_level", "0", words, sizeof words), 0);
	assert_int_equal(rd_kafka_conf_set(configuration, "fetch.wait.max.ms", "20", words, sizeof words), 0);
	rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, words, sizeof words);
	assert_non_null(reader);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, "replies", PARTITION)->offset = 0;
	assert_int_equal(rd_kafka_assign(reader, list), 0);
	rd_kafka_topic_partition_list_destroy(list);
	return reader;
}

/* NULL: none came within that time. */
static rd_kafka_message_t *reply_await(rd_kafka_t *reader, int wait_ms)
{
	for (int waited_ms = 0; waited_ms < wait_ms; waited_ms += 50) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 50);
		if (message && !message->err)
			return message;
		if (message)
			rd_kafka_message_destroy(message);
	}
	return NULL;
}

static rd_kafka_message_t *reply_read(rd_kafka_t *reader)
{
	rd_kafka_message_t *reply = reply_await(reader, MOCK_WAIT_MS);
	assert_non_null(reply);
	return reply;
}

static void expect_no_reply(rd_kafka_t *reader)
{
	assert_null(reply_await(reader, MOMENT_MS));
}

static void reader_close(rd_kafka_t *reader)
{
	rd_kafka_consumer_close(reader);
	rd_kafka_destroy(reader);
}

static void answer_skip(struct stand *stand)
{
	(void)mock_read(&stand->mock);
}

static void at_least_once_a_copy_follows_the_answer(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, false);
	stand->config.limits.commit_ms = 60000; /* it waits for no commit */
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_int_equal(reply->len, answer->len);
	assert_memory_equal(reply->payload, answer->payload, reply->len);
	assert_string_equal(record_header(reply, REPLY_HEADER), ADDRESS);
	assert_string_equal(record_header(reply, REPLY_ID_HEADER), "r-1");
	assert_string_equal(record_header(reply, "content-type"), "application/json");
	assert_null(record_header(reply, REPLY_ERROR_HEADER));
	assert_null(record_header(answer, REPLY_HEADER)); /* nobody waits where the outputs are read */
	rd_kafka_message_destroy(reply);
	expect_no_reply(reader);
	assert_int_equal(stand_stop(stand).replies, 1);
	reader_close(reader);
}

static void exactly_once_a_copy_waits_for_the_commit(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, true);
	stand->config.limits.commit_ms = 3 * MOMENT_MS;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	ask(stand, "r-2", 4, ADDRESS);
	answer_skip(stand); /* the mock shows what is not committed */
	answer_skip(stand);
	expect_no_reply(reader);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_true(record_says(reply, "[42]"));
	assert_string_equal(record_header(reply, REPLY_HEADER), ADDRESS);
	rd_kafka_message_destroy(reply);
	reply = reply_read(reader);
	assert_true(record_says(reply, "[8]"));
	rd_kafka_message_destroy(reply);
	expect_no_reply(reader);
	assert_int_equal(stand_stop(stand).replies, 2);
	reader_close(reader);
}

static void replied_early_a_copy_waits_for_no_commit(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, true);
	stand->config.limits.commit_ms = 60000;
	stand->stages[0].replies_early = true;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_true(record_says(reply, "[42]"));
	rd_kafka_message_destroy(reply);
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.replies, 1); /* nor is it sent again by the commit */
	reader_close(reader);
}

#define EPOCH UINT64_C(0x0123456789abcdef) /* of ADDRESS */
#define OTHER_ADDRESS "2/fedcba9876543210/9/p"

/* The copy that came by memory; NULL: none. */
static struct direct_message *copy_take(struct direct_hub *hub, int wait_ms)
{
	struct direct_message *copy = direct_hub_take(hub);
	for (int waited_ms = 0; !copy && waited_ms < wait_ms; waited_ms += 10) {
		struct pollfd bell = {.fd = direct_hub_bell(hub), .events = POLLIN};
		if (poll(&bell, 1, 10) == 1)
			(void)bell_quiet(bell.fd);
		copy = direct_hub_take(hub);
	}
	return copy;
}

static struct direct_hub *hub_of(struct stand *stand)
{
	struct error error = {0};
	struct direct_hub *hub = direct_hub_open(&error);
	assert_non_null(hub);
	direct_hub_expect(hub, EPOCH);
	stand->config.gateway = hub;
	return hub;
}

static void expect_copy(struct direct_hub *hub, const char *words)
{
	struct direct_message *copy = copy_take(hub, MOCK_WAIT_MS);
	assert_non_null(copy);
	assert_null(copy->next);
	assert_false(copy->is_returned);
	assert_non_null(memmem(copy->record.value.bytes, copy->record.value.length, words, strlen(words)));
	assert_true(text_is(headers_find(copy->record.headers, TEXT(REPLY_HEADER))->value, ADDRESS));
	direct_message_close(copy);
}

/* It is woken, and Kafka has no copy of it. Another gateway's goes through Kafka. */
static void a_gateway_of_the_same_process_has_the_copy_by_memory(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, false);
	stand->config.limits.commit_ms = 60000; /* it waits for no commit */
	struct direct_hub *hub = hub_of(stand);
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	expect_copy(hub, "[42]");
	ask(stand, "r-2", 4, OTHER_ADDRESS);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_string_equal(record_header(reply, REPLY_HEADER), OTHER_ADDRESS);
	rd_kafka_message_destroy(reply);
	assert_null(copy_take(hub, 0));
	assert_int_equal(stand_stop(stand).replies, 2);
	reader_close(reader);
	direct_hub_close(hub);
}

static void exactly_once_a_copy_by_memory_waits_for_the_commit(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, true);
	stand->config.limits.commit_ms = 3 * MOMENT_MS;
	struct direct_hub *hub = hub_of(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	answer_skip(stand); /* the mock shows what is not committed */
	assert_null(copy_take(hub, MOMENT_MS));
	expect_copy(hub, "[42]");
	assert_int_equal(stand_stop(stand).replies, 1);
	direct_hub_close(hub);
}

/* What it answered then was never committed: it is asked again, and the copy is that of the answer that was. */
static void what_a_transaction_in_doubt_answered_is_not_copied(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, true);
	stand->config.limits.commit_ms = MOMENT_MS;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	answer_skip(stand);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, 26, 1, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH); /* EndTxn */
	answer_skip(stand); /* again */
	rd_kafka_message_destroy(reply_read(reader));
	expect_no_reply(reader);
	struct worker_counts counts = stand_stop(stand);
	assert_true(counts.resets >= 1);
	assert_int_equal(counts.replies, 1);
	reader_close(reader);
}

/* The caller had the first answer already, and its call is over. */
static void replied_early_a_transaction_in_doubt_is_answered_anew(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, true);
	stand->config.limits.commit_ms = MOMENT_MS;
	stand->stages[0].replies_early = true;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, 26, 1, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH); /* EndTxn */
	ask(stand, "r-1", 21, ADDRESS);
	rd_kafka_message_destroy(reply_read(reader));
	answer_skip(stand);
	answer_skip(stand);
	rd_kafka_message_destroy(reply_read(reader));
	expect_no_reply(reader);
	assert_int_equal(stand_stop(stand).replies, 2);
	reader_close(reader);
}

static void configure_letters(struct stand *stand)
{
	static const char *const both_out[] = {"out", "out"};
	configure(stand, doubles, false);
	stand->config.setup.writes = (struct topic_list){2, both_out};
	stand->stages[0].dead_letters = 1;
}

static void an_error_is_answered_to_whoever_waits_and_not_kept(void **state)
{
	struct stand *stand = *state;
	configure_letters(stand);
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	mock_write(&stand->mock, "key", "{\"inputs\":", REPLY_HEADER, ADDRESS);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_string_equal(record_header(answer, "sluice-error"), "INPUT");
	assert_string_equal(record_header(reply, REPLY_ERROR_HEADER), "INPUT");
	assert_true(record_says(reply, "{\"error\":\""));
	assert_true(record_says(reply, "\"kind\":\"INPUT\",\"place\":\"in/0/0\",\"id\":\"in-0-0\"}"));
	rd_kafka_message_destroy(reply);
	mock_write(&stand->mock, "key", "{\"inputs\":", NULL, NULL); /* nobody waits for this one */
	answer_skip(stand);
	answer_skip(stand);
	assert_int_equal(stand_stop(stand).dead_letters, 1);
	reader_close(reader);
}

static void an_error_is_kept_too_where_the_pipeline_says_so(void **state)
{
	struct stand *stand = *state;
	configure_letters(stand);
	stand->stages[0].errors_kept = true;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	mock_write(&stand->mock, "key", "{\"inputs\":", REPLY_HEADER, ADDRESS);
	rd_kafka_message_destroy(reply_read(reader));
	assert_int_equal(stand_stop(stand).dead_letters, 1);
	reader_close(reader);
}

static void an_error_that_is_not_to_be_in_the_outputs_is_answered_to_whoever_waits(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, false);
	stand->stages[0].errors_off = true;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	mock_write(&stand->mock, "key", "{\"inputs\":", REPLY_HEADER, ADDRESS);
	rd_kafka_message_destroy(reply_read(reader));
	assert_int_equal(stand_stop(stand).answered, 0);
	reader_close(reader);
}

static void a_deadline_that_has_passed_is_named(void **state)
{
	struct stand *stand = *state;
	rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
	static const char request[] = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}";
	configure(stand, doubles, false);
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	rd_kafka_header_add(headers, REPLY_HEADER, -1, ADDRESS, -1);
	rd_kafka_header_add(headers, "x-deadline-ms", -1, "1", -1);
	rd_kafka_header_add(headers, REPLY_DEFAULT_ID_HEADER, -1, "made", -1);
	assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_RKT(stand->mock.in), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)request, sizeof request - 1),
					   RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
			 0);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_string_equal(record_header(reply, REPLY_ERROR_HEADER), "LIMIT");
	assert_string_equal(record_header(reply, REPLY_LIMIT_HEADER), "expiry");
	assert_string_equal(record_header(reply, REPLY_ID_HEADER), "made");
	rd_kafka_message_destroy(reply);
	const rd_kafka_message_t *answer = mock_read(&stand->mock); /* which a poll finds if the caller has gone */
	assert_string_equal(record_header(answer, REPLY_LIMIT_HEADER), "expiry");
	stand_stop(stand);
	reader_close(reader);
}

static void a_request_that_is_dropped_is_told_as_filtered(void **state)
{
	struct stand *stand = *state;
	configure(stand, keeps_small, false);
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 11, ADDRESS);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_int_equal(reply->len, 0);
	assert_string_equal(record_header(reply, REPLY_OUTCOME_HEADER), REPLY_FILTERED);
	assert_string_equal(record_header(reply, REPLY_ID_HEADER), "r-1");
	rd_kafka_message_destroy(reply);
	assert_int_equal(stand_stop(stand).answered, 0);
	reader_close(reader);
}

/* ---- submitted requests ---- */

#define NONCE "00112233445566778899aabbccddeeff"

static void expect_end(const rd_kafka_message_t *end, const char *origin, const char *outcome, const char *id)
{
	assert_null(end->payload);
	assert_string_equal(record_header(end, REPLY_ORIGIN_HEADER), origin);
	assert_string_equal(record_header(end, REPLY_SUBMISSION_HEADER), NONCE);
	assert_string_equal(record_header(end, REPLY_OUTCOME_HEADER), outcome);
	assert_string_equal(record_header(end, REPLY_ID_HEADER), id);
}

static void a_submitted_request_that_is_dropped_ends_in_the_outputs(void **state)
{
	struct stand *stand = *state;
	configure(stand, keeps_small, true);
	stand_start(stand);
	stand_ask(stand, "r-1", 11, REPLY_SUBMITTED_HEADER, NONCE);
	stand_ask(stand, "r-2", 12, "x-other", "y"); /* nobody submitted it, so it leaves nothing */
	stand_ask(stand, "r-3", 3, REPLY_SUBMITTED_HEADER, NONCE);
	expect_end(mock_read(&stand->mock), "in/0/0", REPLY_FILTERED, "r-1");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "[3]"));
	assert_string_equal(record_header(answer, REPLY_ORIGIN_HEADER), "in/0/2");
	assert_string_equal(record_header(answer, REPLY_SUBMISSION_HEADER), NONCE);
	assert_null(record_header(answer, REPLY_OUTCOME_HEADER));
	assert_int_equal(stand_stop(stand).answered, 1);
}

/* The body of an error has no id, and a poll answers with it. */
static void the_error_of_a_submitted_request_names_the_id_of_its_body(void **state)
{
	struct stand *stand = *state;
	configure(stand, "  - name: wrong\n    expression: {set: {y: nothing}}\n  output: {steps: [wrong]}\n", false);
	stand_start(stand);
	stand_ask(stand, "r-1", 11, REPLY_SUBMITTED_HEADER, NONCE);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_string_equal(record_header(answer, REPLY_ERROR_HEADER), "INPUT");
	assert_string_equal(record_header(answer, REPLY_ID_HEADER), "r-1");
	stand_stop(stand);
}

/* Reads the answer, and whether its headers have the error's parts that a reply has in its body. */
static void expect_parts(struct stand *stand)
{
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	const char *place = record_header(answer, REPLY_PLACE_HEADER);
	assert_non_null(place);
	assert_non_null(strstr(place, ":"));
	assert_string_equal(record_header(answer, REPLY_STEP_HEADER), "wrong");
	assert_string_equal(record_header(answer, REPLY_ATTEMPTS_HEADER), "1");
}

static void an_error_that_may_be_polled_has_the_parts_of_its_reply(void **state)
{
	struct stand *stand = *state;
	configure(stand, "  - name: wrong\n    expression: {set: {y: nothing}}\n  output: {steps: [wrong]}\n", false);
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 11, ADDRESS);
	expect_parts(stand);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_true(record_says(reply, "\"step\":\"wrong\""));
	rd_kafka_message_destroy(reply);
	stand_ask(stand, "r-2", 11, REPLY_SUBMITTED_HEADER, NONCE);
	expect_parts(stand);
	stand_ask(stand, "r-3", 11, "x-other", "y"); /* nobody polls it */
	assert_null(record_header(mock_read(&stand->mock), REPLY_STEP_HEADER));
	stand_stop(stand);
	reader_close(reader);
}

/* All of them, and what is too long for a header. */
static void parts_of_an_error_are_written_where_there_are_some(void **state)
{
	static char path[REPLY_PLACE_BYTES_MAX];
	struct header items[REPLY_ERROR_HEADERS_MAX];
	struct reply_details details;
	struct error error = {0};
	const struct answer answer = {.error = &error, .step = "s", .attempts = UINT32_MAX};
	(void)state;
	error_set_limit(&error, LIMIT_OF_DEADLINE, "late");
	error.place = (struct place){"p.yaml", 1, 2};
	const struct headers all = {reply_error_headers(&answer, items, &details), items};
	assert_int_equal(all.count, 4);
	assert_true(text_is(headers_find(all, TEXT(REPLY_LIMIT_HEADER))->value, "deadline"));
	assert_true(text_is(headers_find(all, TEXT(REPLY_PLACE_HEADER))->value, "p.yaml:1:2"));
	assert_true(text_is(headers_find(all, TEXT(REPLY_STEP_HEADER))->value, "s"));
	assert_true(text_is(headers_find(all, TEXT(REPLY_ATTEMPTS_HEADER))->value, "4294967295"));
	memset(path, 'p', sizeof path - sizeof ":1:2");
	error.place.file = path;
	assert_int_equal(reply_error_headers(&answer, items, &details), 4);
	path[sizeof path - sizeof ":1:2"] = 'p'; /* a byte too many */
	assert_int_equal(reply_error_headers(&answer, items, &details), 3);
	assert_int_equal(reply_error_headers(&(struct answer){0}, items, &details), 0);
}

static void a_submitted_request_ends_where_errors_are_not_answered(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, false);
	stand->stages[0].errors_off = true;
	stand_start(stand);
	stand_ask(stand, "r-1", 11, "x-deadline-ms", "1"); /* nobody submitted it */
	mock_write(&stand->mock, "key", "{\"inputs\":", REPLY_SUBMITTED_HEADER, NONCE);
	const rd_kafka_message_t *end = mock_read(&stand->mock);
	assert_null(end->payload);
	assert_string_equal(record_header(end, REPLY_ERROR_HEADER), "INPUT");
	assert_string_equal(record_header(end, REPLY_OUTCOME_HEADER), REPLY_FAILED);
	assert_string_equal(record_header(end, REPLY_ORIGIN_HEADER), "in/0/1");
	assert_int_equal(stand_stop(stand).answered, 0);
}

static void rubbish_and_calls_of_others_are_not_replied_to(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, false);
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 1, "2/rubbish");
	ask(stand, "r-2", 2, "2/0123456789abcdef/9/another"); /* which reads the same requests */
	ask(stand, "r-3", 3, "9/0123456789abcdef/9/p"); /* no such partition */
	for (int i = 0; i < 3; i++)
		answer_skip(stand);
	ask(stand, "r-4", 4, "2/0123456789abcdef"); /* no call is named */
	answer_skip(stand);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_true(record_says(reply, "[8]"));
	rd_kafka_message_destroy(reply);
	expect_no_reply(reader);
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 4);
	assert_int_equal(counts.replies_malformed, 1);
	reader_close(reader);
}

static void an_answer_to_a_caller_leaves_in_the_form_of_the_request(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, false);
	stand->stages[0].format = &format_avro;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_true(record_says(reply, "[42]"));
	rd_kafka_message_destroy(reply);
	stand_stop(stand);
	reader_close(reader);
}

/* Avro of these numbers is half as long as JSON, so the answer fits and the copy does not. */
static void a_copy_that_is_too_large_is_replaced_by_an_error(void **state)
{
	struct stand *stand = *state;
	const struct property limit[] = {{"message.max.bytes", "1500"}};
	struct property settings[16];
	size_t count = 0;
	for (; count < mock_quick.count; count++)
		settings[count] = mock_quick.items[count];
	settings[count++] = limit[0];
	configure(stand,
		  "  - name: many\n    expression: {set: {a: x / 3, b: x / 3, c: x / 3, d: x / 3, e: x / 3, f: x / 3, g: x / 3,\n"
		  "      h: x / 3, i: x / 3, j: x / 3, k: x / 3, l: x / 3, m: x / 3, n: x / 3, o: x / 3, p: x / 3, q: x / 3,\n"
		  "      r: x / 3, s: x / 3, t: x / 3, u: x / 3, v: x / 3, w: x / 3}}\n  output: {steps: [many]}\n",
		  false);
	stand->stages[0].format = &format_avro;
	stand->config.transaction.properties = (struct properties){count, settings};
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 1, ADDRESS);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_string_equal(record_header(reply, REPLY_ERROR_HEADER), "LIMIT");
	assert_string_equal(record_header(reply, REPLY_LIMIT_HEADER), "answer");
	assert_string_equal(record_header(reply, REPLY_HEADER), ADDRESS);
	assert_string_equal(record_header(reply, REPLY_ID_HEADER), "r-1");
	assert_true(record_says(reply, "bytes, and message.max.bytes allows 1500 with the headers"));
	rd_kafka_message_destroy(reply);
	const struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 1);
	assert_int_equal(counts.failed, 0);
	assert_int_equal(counts.replies, 1);
	assert_int_equal(counts.replies_lost, 0);
	reader_close(reader);
}

/* A gateway answers the first with 500, and the second with 400, as its words have it. */
static void what_is_too_large_to_write_is_no_fault_of_the_caller_but_its_memory_is(void **state)
{
	(void)state;
	struct error size = {0}, memory = {0}, other = {0};
	error_set(&size, ERROR_LIMIT, PLACE_NONE, "an answer does not fit");
	answer_error_limit(&size);
	assert_string_equal(reply_cause(&size).value.bytes, REPLY_LIMIT_ANSWER);
	error_memory(&memory, ERROR_LIMIT, "selecting the outputs asked for");
	answer_error_limit(&memory);
	assert_null(reply_cause(&memory).name.bytes);
	error_set(&other, ERROR_LIMIT, PLACE_NONE, "an answer does not fit");
	error_memory(&other, ERROR_LIMIT, "writing"); /* the first error counts */
	answer_error_limit(&other);
	assert_string_equal(reply_cause(&other).value.bytes, REPLY_LIMIT_ANSWER);
}

/* The producer takes it, and the topic does not: the caller need not wait for its deadline. */
static void a_copy_that_kafka_refuses_is_replaced_by_an_error(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, true);
	stand->config.limits.commit_ms = 3 * MOMENT_MS;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	answer_skip(stand); /* what is produced next is the copy, after the commit */
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	rd_kafka_message_t *reply = reply_read(reader);
	assert_string_equal(record_header(reply, REPLY_ERROR_HEADER), "LIMIT");
	assert_string_equal(record_header(reply, REPLY_LIMIT_HEADER), REPLY_LIMIT_ANSWER);
	assert_string_equal(record_header(reply, REPLY_HEADER), ADDRESS);
	assert_string_equal(record_header(reply, REPLY_ID_HEADER), "r-1");
	assert_string_equal(record_header(reply, "content-type"), "application/json");
	assert_true(
		record_says(reply, "by max.message.bytes of topic replies. Raise that setting, or submit such requests and poll"));
	assert_true(record_says(reply, "\"kind\":\"LIMIT\",\"place\":\"in/0/0\",\"id\":\"r-1\""));
	rd_kafka_message_destroy(reply);
	expect_no_reply(reader);
	const struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.replies, 1);
	assert_int_equal(counts.replies_lost, 0);
	reader_close(reader);
}

/* Nor is an error replaced again and again. */
static void an_error_in_place_of_a_copy_is_lost_when_kafka_refuses_it_too(void **state)
{
	struct stand *stand = *state;
	configure(stand, doubles, true);
	stand->config.limits.commit_ms = 3 * MOMENT_MS;
	rd_kafka_t *reader = reader_open(stand);
	stand_start(stand);
	ask(stand, "r-1", 21, ADDRESS);
	answer_skip(stand);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
					  RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	assert_null(reply_await(reader, 5 * MOMENT_MS));
	assert_int_equal(stand_stop(stand).replies_lost, 1);
	reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(at_least_once_a_copy_follows_the_answer),
		STORY(exactly_once_a_copy_waits_for_the_commit),
		STORY(replied_early_a_copy_waits_for_no_commit),
		STORY(replied_early_a_transaction_in_doubt_is_answered_anew),
		STORY(what_a_transaction_in_doubt_answered_is_not_copied),
		STORY(an_error_is_answered_to_whoever_waits_and_not_kept),
		STORY(an_error_is_kept_too_where_the_pipeline_says_so),
		STORY(an_error_that_is_not_to_be_in_the_outputs_is_answered_to_whoever_waits),
		STORY(a_deadline_that_has_passed_is_named),
		STORY(a_gateway_of_the_same_process_has_the_copy_by_memory),
		STORY(exactly_once_a_copy_by_memory_waits_for_the_commit),
		STORY(a_request_that_is_dropped_is_told_as_filtered),
		STORY(a_submitted_request_that_is_dropped_ends_in_the_outputs),
		STORY(the_error_of_a_submitted_request_names_the_id_of_its_body),
		STORY(an_error_that_may_be_polled_has_the_parts_of_its_reply),
		cmocka_unit_test(parts_of_an_error_are_written_where_there_are_some),
		STORY(a_submitted_request_ends_where_errors_are_not_answered),
		STORY(rubbish_and_calls_of_others_are_not_replied_to),
		STORY(an_answer_to_a_caller_leaves_in_the_form_of_the_request),
		STORY(a_copy_that_is_too_large_is_replaced_by_an_error),
		STORY(a_copy_that_kafka_refuses_is_replaced_by_an_error),
		cmocka_unit_test(what_is_too_large_to_write_is_no_fault_of_the_caller_but_its_memory_is),
		STORY(an_error_in_place_of_a_copy_is_lost_when_kafka_refuses_it_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
