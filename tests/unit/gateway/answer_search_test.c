/* answer_search_test.c: Searches for the answer to a submitted request, against the mock of a broker: each continues where the
 * former one ended, and misses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number/number.h"
#include "gateway/calls/answer_search.h"
#include "message/records/reply.h"
#include "tests/unit/mock_broker.h"

#define NONCE "00112233445566778899aabbccddeeff"

static rd_kafka_topic_t *out; /* of the writer: one that it meets later it looks up after a second */

static int mock_set_up(void **state)
{
	static struct mock mock;
	mock = (struct mock){0};
	mock_open(&mock);
	out = rd_kafka_topic_new(mock.writer, "out", NULL);
	mock_write(&mock, NULL, "request", REPLY_SUBMITTED_HEADER, NONCE);
	*state = &mock;
	return 0;
}

static int mock_tear_down(void **state)
{
	rd_kafka_topic_destroy(out);
	mock_close(*state);
	return 0;
}

/* origin NULL: the answer to a request that nobody submitted. */
static void answer(const struct mock *mock, const char *value, const char *origin)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
	if (origin) {
		rd_kafka_header_add(headers, REPLY_ORIGIN_HEADER, -1, origin, -1);
		rd_kafka_header_add(headers, REPLY_SUBMISSION_HEADER, -1, NONCE, -1);
	}
	assert_int_equal(rd_kafka_producev(mock->writer, RD_KAFKA_V_RKT(out), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)), RD_KAFKA_V_HEADERS(headers),
					   RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(mock->writer, MOCK_WAIT_MS), 0);
}

/* `answers`: the partition that has the answer, or -1. */
static struct answer_search search(const struct mock *mock, int32_t answers, int64_t next)
{
	struct answer_search search = {.brokers = mock->brokers,
				       .properties = mock_quick,
				       .inputs = "in",
				       .outputs = "out",
				       .submission = {.time_ms = 1000, .answers = answers},
				       .arena = arena_open((size_t)1 << 20),
				       .next = next};
	memcpy(search.submission.nonce, NONCE, sizeof search.submission.nonce);
	answer_search_run(&search);
	assert_string_equal(search.error.text, "");
	return search;
}

static struct answer_search search_is(const struct mock *mock, int32_t answers, int64_t next, enum answer_search_outcome outcome)
{
	struct answer_search done = search(mock, answers, next);
	assert_int_equal(done.outcome, outcome);
	assert_false(done.is_awaited);
	if (outcome == ANSWER_FOUND)
		assert_true(text_is(done.value, "mine"));
	arena_close(done.arena);
	return done;
}

static void a_search_continues_where_the_former_one_ended(void **state)
{
	struct mock *mock = *state;
	answer(mock, "no request's", NULL);
	answer(mock, "another's", "in/0/7");
	assert_int_equal(search_is(mock, 0, -1, ANSWER_PENDING).next, 2);
	assert_int_equal(search_is(mock, 0, 2, ANSWER_PENDING).next, 2); /* nothing came */
	answer(mock, "later", "in/0/8");
	answer(mock, "mine", "in/0/0");
	assert_int_equal(search_is(mock, 0, 2, ANSWER_FOUND).next, 3);
	(void)search_is(mock, 0, -1, ANSWER_FOUND);
}

static void what_is_before_is_not_read_again(void **state)
{
	struct mock *mock = *state;
	answer(mock, "mine", "in/0/0");
	answer(mock, "another's", "in/0/7");
	assert_int_equal(search_is(mock, 0, 1, ANSWER_PENDING).next, 2);
}

/* One place in it would not tell where the others are. */
static void where_any_partition_may_have_the_answer_all_is_read(void **state)
{
	struct mock *mock = *state;
	answer(mock, "mine", "in/0/0");
	answer(mock, "another's", "in/0/7");
	(void)search_is(mock, -1, 1, ANSWER_FOUND);
}

/* ---- of callers that waited ---- */

#define ADDRESS "3/0123456789abcdef/2a/p"

static void write_headers(rd_kafka_t *writer, const char *topic, const char *value, const char *const pairs[6])
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(3);
	for (size_t i = 0; i < 6 && pairs[i]; i += 2)
		rd_kafka_header_add(headers, pairs[i], -1, pairs[i + 1], -1);
	assert_int_equal(rd_kafka_producev(writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)), RD_KAFKA_V_HEADERS(headers),
					   RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(writer, MOCK_WAIT_MS), 0);
}

/* Of a request at that offset; those that callers wait for follow that of the setup. `address` is that of who searches. */
static struct answer_search search_at(const struct mock *mock, int64_t offset, const char *address)
{
	struct answer_search search = {.brokers = mock->brokers,
				       .properties = mock_quick,
				       .inputs = "in",
				       .outputs = "out",
				       .submission = {.offset = offset, .time_ms = 1000, .answers = -1},
				       .arena = arena_open((size_t)1 << 20),
				       .next = -1};
	submission_derive(&search.submission, text_of(address));
	answer_search_run(&search);
	assert_string_equal(search.error.text, "");
	assert_int_equal(search.is_awaited, search.outcome != ANSWER_NOBODYS);
	return search;
}

static enum answer_search_outcome search_awaited(const struct mock *mock, const char *address)
{
	const struct answer_search search = search_at(mock, 1, address);
	if (search.outcome == ANSWER_FOUND)
		assert_true(text_is(search.value, "mine"));
	arena_close(search.arena);
	return search.outcome;
}

static void await_request(const struct mock *mock, int64_t deadline_ms)
{
	char deadline[NUMBER_TEXT_MAX];
	deadline[number_write_int64(deadline, deadline_ms)] = '\0';
	write_headers(mock->writer, "in", "request",
		      (const char *const[6]){REPLY_HEADER, ADDRESS, DEADLINE_HEADER, deadline, REPLY_DEFAULT_ID_HEADER, "given"});
}

static void what_a_caller_waited_for_is_found_by_its_address_and_its_origin(void **state)
{
	const struct mock *mock = *state;
	await_request(mock, time_of_day_ms() - 1000);
	write_headers(mock->writer, "out", "another's", (const char *const[6]){REPLY_ORIGIN_HEADER, "in/0/0"});
	assert_int_equal(search_awaited(mock, ADDRESS), ANSWER_PENDING);
	write_headers(mock->writer, "out", "mine", (const char *const[6]){REPLY_ORIGIN_HEADER, "in/0/1"});
	assert_int_equal(search_awaited(mock, ADDRESS), ANSWER_FOUND);
	assert_int_equal(search_awaited(mock, "3/0123456789abcdef/2b/p"), ANSWER_NOBODYS);
	assert_int_equal(search_awaited(mock, "3/0123456789abcdee/2a/p"), ANSWER_NOBODYS);
}

static void what_nobody_began_in_time_is_not_waited_for(void **state)
{
	const struct mock *mock = *state;
	await_request(mock, time_of_day_ms() - ANSWER_LATE_MS - 1000);
	assert_int_equal(search_awaited(mock, ADDRESS), ANSWER_ENDED);
	write_headers(mock->writer, "out", "mine", (const char *const[6]){REPLY_ORIGIN_HEADER, "in/0/1"});
	assert_int_equal(search_awaited(mock, ADDRESS), ANSWER_FOUND);
}

/* As a reply has it, whose caller is told the same again. */
static void the_id_of_a_request_is_that_of_its_answer_or_the_one_it_was_given(void **state)
{
#define OUTPUTS "\"outputs\":[{\"name\":\"x\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[1]}]"
	static const struct {
		const char *value, *header, *header_value, *id;
	} rows[] = {
		{"{" OUTPUTS "}", NULL, NULL, "given"},
		{"{\"id\":\"own\"," OUTPUTS "}", NULL, NULL, "own"},
		{"{\"id\":\"own\"," OUTPUTS "}", REPLY_ID_HEADER, "by-header", "by-header"},
		{"{\"meta\":{\"puid\":\"own\"},\"data\":{\"ndarray\":[1]}}", NULL, NULL, "own"},
		{"{\"meta\":{},\"data\":{\"ndarray\":[1]}}", NULL, NULL, "given"},
		{"{\"predictions\":[1]}", NULL, NULL, "given"},
		{"{\"error\":\"e\"}", REPLY_ERROR_HEADER, "INPUT", "given"},
		{"of no format", NULL, NULL, ""},
	};
	const struct mock *mock = *state;
	for (int i = 0; i < (int)(sizeof rows / sizeof *rows); i++) {
		char origin[NUMBER_TEXT_MAX + 8];
		await_request(mock, time_of_day_ms() - 1000);
		(void)snprintf(origin, sizeof origin, "in/0/%d", i + 1);
		write_headers(mock->writer, "out", rows[i].value,
			      (const char *const[6]){REPLY_ORIGIN_HEADER, origin, rows[i].header, rows[i].header_value});
		const struct answer_search search = search_at(mock, i + 1, ADDRESS);
		assert_int_equal(search.outcome, ANSWER_FOUND);
		assert_true(text_is(search.request_id, rows[i].id));
		arena_close(search.arena);
	}
}

/* The gateway's first answer had it, whatever the payload says. */
static void a_request_without_outputs_is_searched_for_its_id(void **state)
{
	static const struct {
		const char *header, *value;
		int64_t offset;
		const char *address;
		enum answer_search_outcome outcome;
	} rows[] = {
		{REPLY_ID_HEADER, "by-header", 1, ADDRESS, ANSWER_FOUND},
		{REPLY_DEFAULT_ID_HEADER, "given", 2, ADDRESS, ANSWER_FOUND},
		{REPLY_ID_HEADER, "another's", 3, "3/0123456789abcdef/2b/p", ANSWER_NOBODYS},
	};
	const struct mock *mock = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct answer_search search = {.brokers = mock->brokers,
					       .properties = mock_quick,
					       .inputs = "in",
					       .submission = {.offset = rows[i].offset, .time_ms = 1000, .answers = -1},
					       .arena = arena_open((size_t)1 << 20),
					       .next = -1};
		write_headers(mock->writer, "in", "{\"id\":\"own\"}",
			      (const char *const[6]){REPLY_HEADER, ADDRESS, DEADLINE_HEADER, "1", rows[i].header, rows[i].value});
		submission_derive(&search.submission, text_of(rows[i].address));
		answer_search_run(&search);
		assert_string_equal(search.error.text, "");
		assert_int_equal(search.outcome, rows[i].outcome);
		assert_true(text_is(search.request_id, rows[i].outcome == ANSWER_FOUND ? rows[i].value : ""));
		arena_close(search.arena);
	}
}

/* Its origin alone proves nothing: a submitted request's answer has a nonce. */
static void what_was_submitted_is_not_found_by_its_origin_alone(void **state)
{
	struct mock *mock = *state;
	write_headers(mock->writer, "out", "mine", (const char *const[6]){REPLY_ORIGIN_HEADER, "in/0/0"});
	(void)search_is(mock, 0, -1, ANSWER_PENDING);
}

#define SEARCH_STORY(name) cmocka_unit_test_setup_teardown(name, mock_set_up, mock_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEARCH_STORY(a_search_continues_where_the_former_one_ended),
		SEARCH_STORY(what_is_before_is_not_read_again),
		SEARCH_STORY(where_any_partition_may_have_the_answer_all_is_read),
		SEARCH_STORY(what_a_caller_waited_for_is_found_by_its_address_and_its_origin),
		SEARCH_STORY(what_nobody_began_in_time_is_not_waited_for),
		SEARCH_STORY(the_id_of_a_request_is_that_of_its_answer_or_the_one_it_was_given),
		SEARCH_STORY(a_request_without_outputs_is_searched_for_its_id),
		SEARCH_STORY(what_was_submitted_is_not_found_by_its_origin_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
