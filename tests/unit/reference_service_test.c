/* reference_service_test.c: Tests of the reference service with a mock broker: the records of a topic become the reference of a
 * step `drift`. */
#include "runtime/reference_service.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/duration.h"
#include "mock_broker.h"
#include "planning.h"

#include <cmocka.h>

#define STEPS                                                                                                                      \
	"  - {name: watch, drift: {tensors: [x], reference: {topic: before}}}\n"                                                  \
	"  output: {steps: [watch]}\n"
#define STEPS_OF_MMD                                                                                                               \
	"  - {name: watch, drift: {tensors: [x], methods: [ks, mmd], reference: {topic: before}}}\n"                              \
	"  output: {steps: [watch]}\n"
#define HEAD_OF_EVENTS                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  input: {time: event_ms, tensors: {x: {path: x, datatype: FP64}}}\n  steps:\n" STEPS
#define BEGIN_MS 1700000000000
#define RETRY_MS 100

static struct mock mock;
static struct planning planning;
static struct verdict_board *board;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char warned[512]; /* the last warning, under the lock */
static _Atomic int warnings;

static void said_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	print_message("%s\n", line->message);
	if (line->level == LOG_LEVEL_WARN) {
		pthread_mutex_lock(&lock);
		(void)snprintf(warned, sizeof warned, "%s", line->message);
		pthread_mutex_unlock(&lock);
		warnings++;
	}
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
}

static bool has_warned(const char *words)
{
	pthread_mutex_lock(&lock);
	const bool found = strstr(warned, words);
	pthread_mutex_unlock(&lock);
	return found;
}

static void expect_warning(const char *words)
{
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !has_warned(words); nap())
		if (clock_ms() > until_ms)
			fail_msg("it did not warn of %s", words);
}

static const struct log_sink sink = {said_write};

static int stand_open(void **state)
{
	(void)state;
	mock_open(&mock);
	planning_open_steps(&planning, STEPS);
	board = verdict_board_open();
	warnings = 0;
	warned[0] = '\0';
	return planning.graph && board ? 0 : -1;
}

static int stand_close(void **state)
{
	(void)state;
	verdict_board_close(board);
	planning_close(&planning);
	mock_close(&mock);
	return 0;
}

static struct reference_service *service_start(void)
{
	struct error error = {0};
	const struct reference_service_config config = {.brokers = mock.brokers,
							.consumer = mock_quick,
							.graph = planning.graph,
							.board = board,
							.log = &sink,
							.retry_ms = RETRY_MS};
	struct reference_service *service = reference_service_open(&config, &error);
	if (!service)
		fail_msg("%s", error.text);
	return service;
}

static void append(int32_t partition, int64_t time_ms, const char *value)
{
	assert_int_equal(rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC("before"), RD_KAFKA_V_PARTITION(partition),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void flush(void)
{
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
}

/* Requests of one row each, whose value is their number; each other is in the other partition. */
static void requests_append(int first, int count)
{
	char value[256];
	for (int i = first; i < first + count; i++) {
		(void)snprintf(value, sizeof value,
			       "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[%d]}]}", i);
		append(i % 2, BEGIN_MS + i, value);
	}
	flush();
}

static struct text expect_learnt(void)
{
	struct verdict_entry *entry = verdict_board_entry(board, planning.graph->name, "watch");
	struct text file = {0};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !verdict_entry_learnt(entry, "before", &file); nap())
		if (clock_ms() > until_ms)
			fail_msg("no reference was learnt");
	return file;
}

static void expect_ended(struct reference_service *service)
{
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !reference_service_has_ended(service); nap())
		if (clock_ms() > until_ms)
			fail_msg("the service did not end");
	reference_service_close(service);
}

/* The number after a member's name, or the first of its list; `rest` is what follows. */
static double number_of(struct text file, const char *member, const char **rest)
{
	const char *at = memmem(file.bytes, file.length, member, strlen(member));
	char *end;
	assert_non_null(at);
	at += strlen(member) + strcspn(at + strlen(member), "-0123456789");
	const double number = strtod(at, &end);
	*rest = end;
	return number;
}

/* The reference has the rows from 0 on, in their order. */
static void expect_rows(struct text file, int count)
{
	const char *at;
	char *end;
	assert_true(number_of(file, "\"rows\"", &at) == count);
	assert_true(number_of(file, "\"values\"", &at) == 0);
	for (int i = 1; i < count; i++, at = end)
		assert_true(strtod(at + strcspn(at, "-0123456789"), &end) == i);
}

static const char *unlearnt(void)
{
	static struct watching_state state;
	state = verdict_entry_watching(verdict_board_entry(board, "p", "watch"));
	return state.unlearnt;
}

static void a_topic_is_learnt_from_in_the_order_of_time(void **state)
{
	(void)state;
	rd_kafka_mock_topic_create(mock.cluster, "before", 2, 1);
	requests_append(0, 120);
	assert_true(reference_service_is_needed(planning.graph, board));
	struct reference_service *service = service_start();
	expect_rows(expect_learnt(), 120);
	assert_false(reference_service_is_needed(planning.graph, board));
	expect_ended(service);
	assert_int_equal(warnings, 0);
}

static void a_topic_that_is_not_there_or_short_is_read_again(void **state)
{
	(void)state;
	struct reference_service *service = service_start();
	rd_kafka_mock_topic_create(mock.cluster, "before", 2, 1);
	requests_append(0, 99);
	expect_warning("99 rows");
	assert_non_null(strstr(unlearnt(), "topic before: the reference has 99 rows"));
	assert_true(reference_service_is_needed(planning.graph, board));
	requests_append(99, 1);
	expect_rows(expect_learnt(), 100);
	assert_string_equal(unlearnt(), "");
	expect_ended(service);
}

/* The joint test needs more rows than the others: with fewer, the reason is given, and the topic is read again. */
static void a_topic_with_too_few_rows_for_a_method_is_read_again(void **state)
{
	(void)state;
	planning_close(&planning);
	planning_open_steps(&planning, STEPS_OF_MMD);
	rd_kafka_mock_topic_create(mock.cluster, "before", 2, 1);
	requests_append(0, 150);
	struct reference_service *service = service_start();
	expect_warning("150 rows, and `mmd` needs 200");
	assert_true(reference_service_is_needed(planning.graph, board));
	requests_append(150, 50);
	expect_rows(expect_learnt(), 200);
	expect_ended(service);
}

/* Records come against the order of their events. */
static void events_are_learnt_from_in_the_order_of_their_own_time(void **state)
{
	(void)state;
	char value[128];
	const char *rest;
	planning_close(&planning);
	planning_open(&planning, HEAD_OF_EVENTS);
	rd_kafka_mock_topic_create(mock.cluster, "before", 1, 1);
	for (int i = 0; i < 120; i++) {
		(void)snprintf(value, sizeof value, "{\"x\": %d, \"event_ms\": %lld}", i, BEGIN_MS - 1000LL * i);
		append(0, BEGIN_MS + i, value);
	}
	flush();
	struct reference_service *service = service_start();
	const struct text file = expect_learnt();
	assert_true(number_of(file, "\"times_ms\": [", &rest) == BEGIN_MS - 119000LL);
	assert_true(number_of(file, "\"values\": [", &rest) == 119);
	expect_ended(service);
}

static void records_that_cannot_be_used_are_left_out_and_counted(void **state)
{
	(void)state;
	rd_kafka_mock_topic_create(mock.cluster, "before", 2, 1);
	append(0, BEGIN_MS - 2, "no request");
	append(1, BEGIN_MS - 1, "{\"inputs\":[{\"name\":\"y\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[1]}]}");
	requests_append(0, 110);
	struct reference_service *service = service_start();
	expect_rows(expect_learnt(), 110);
	expect_ended(service);
	assert_int_equal(warnings, 1);
	assert_true(has_warned("without 2 records"));
}

/* The limit is of rows, not of records, and the oldest are taken. */
static void as_many_rows_are_learnt_from_as_the_limit_says(void **state)
{
	(void)state;
	enum { ROWS = 300, RECORDS = REFERENCE_ROWS_MAX / ROWS + 2, BYTES = 16 * ROWS };
	char *value = malloc(BYTES);
	assert_non_null(value);
	rd_kafka_mock_topic_create(mock.cluster, "before", 2, 1);
	for (int i = 0; i < RECORDS; i++) {
		size_t length = (size_t)snprintf(
			value, BYTES, "{\"inputs\":[{\"name\":\"x\",\"shape\":[%d,1],\"datatype\":\"FP64\",\"data\":[", ROWS);
		for (int row = 0; row < ROWS; row++)
			length += (size_t)snprintf(value + length, BYTES - length, "%s%d", row ? "," : "", i * ROWS + row);
		(void)snprintf(value + length, BYTES - length, "]}]}");
		append(i % 2, BEGIN_MS + i, value);
	}
	flush();
	free(value);
	struct reference_service *service = service_start();
	const struct text file = expect_learnt();
	const char *rest;
	assert_true(number_of(file, "\"rows\"", &rest) == REFERENCE_ROWS_MAX);
	assert_true(number_of(file, "\"least\"", &rest) == 0);
	assert_true(number_of(file, "\"greatest\"", &rest) == REFERENCE_ROWS_MAX - 1);
	expect_ended(service);
}

static void a_service_stops_while_nothing_can_be_learnt(void **state)
{
	(void)state;
	struct reference_service *service = service_start();
	expect_warning("topic before");
	const int64_t begin_ms = clock_ms();
	reference_service_close(service);
	assert_true(clock_ms() - begin_ms < MOCK_WAIT_MS);
	assert_string_equal(unlearnt(), ""); /* nobody tries any more */
	assert_true(reference_service_is_needed(planning.graph, board));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_topic_is_learnt_from_in_the_order_of_time, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_topic_that_is_not_there_or_short_is_read_again, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_topic_with_too_few_rows_for_a_method_is_read_again, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(events_are_learnt_from_in_the_order_of_their_own_time, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(records_that_cannot_be_used_are_left_out_and_counted, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(as_many_rows_are_learnt_from_as_the_limit_says, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_service_stops_while_nothing_can_be_learnt, stand_open, stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
