/* reference_service_test.c: Tests of the reference service with a mock broker: the records of a topic become the reference of a
 * step `drift`, and the newest requests the background of a step `explain`. */
#include "engine/learn/reference_service.h"

#include <math.h>
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
#include "base/number/duration.h"
#include "flow/flow.h"
#include "message/records/explained.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"

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

static struct reference_service_config configured(void)
{
	return (struct reference_service_config){.brokers = mock.brokers,
						 .consumer = mock_quick,
						 .graph = planning.graph,
						 .requests = "before",
						 .has_observers = true,
						 .board = board,
						 .log = &sink,
						 .retry_ms = RETRY_MS};
}

static bool is_needed(void)
{
	const struct reference_service_config config = configured();
	return reference_service_is_needed(&config);
}

static struct reference_service *service_start(void)
{
	struct error error = {0};
	const struct reference_service_config config = configured();
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
	assert_true(is_needed());
	struct reference_service *service = service_start();
	expect_rows(expect_learnt(), 120);
	assert_false(is_needed());
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
	assert_true(is_needed());
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
	assert_true(is_needed());
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

/* ---- backgrounds ---- */

#define STEPS_OF_EXPLAIN                                                                                                           \
	"  - {name: score, model: {local: m.json}}\n"                                                                            \
	"  - {name: why, inputs: [score], explain: {background: {rows: 30}, deliver: on-request}}\n"                             \
	"  output: {steps: [why]}\n"
#define STEPS_BEHIND_OTHERS                                                                                                        \
	"  - {name: clean, preprocess: [{cast: {to: FP64}}]}\n"                                                                  \
	"  - {name: score, inputs: [clean], model: {local: m.json}}\n"                                                           \
	"  - {name: why, inputs: [score], explain: {background: {rows: 30}}}\n"                                                  \
	"  output: {steps: [score]}\n"

/* It answers twice the only feature. */
static bool model_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	(void)context, (void)file, (void)digest, (void)error;
	*content = TEXT("{\"format\": \"sluice_linear/1\", \"kind\": \"identity\", \"coef\": [[2]], \"intercept\": [0]}");
	return true;
}

static struct answered {
	double base; /* of its explanation; NaN: it has none */
	char failure[512];
} answered;

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context, (void)outcome;
	answered = (struct answered){.base = NAN};
	if (answer->error)
		(void)snprintf(answered.failure, sizeof answered.failure, "%s", answer->error->text);
	else if (message->explained && !message->explained->failure)
		answered.base = message->explained->data.base[0];
}

/* The first request to an engine, which asks for its explanation. */
static void first_request_send(void)
{
	static const struct file_source files = {.read = model_read};
	static const double number = 7;
	static const int64_t shape[] = {1, 1};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = &number, .count = 1};
	const struct tensor *items[] = {&tensor};
	const struct header asks = {TEXT(EXPLAIN_HEADER), TEXT("yes")};
	const struct flow_environment environment = {.finished = on_finished, .files = &files, .board = board};
	struct error error = {0};
	struct arena *arena = arena_open(1 << 20);
	struct message message = {.arena = arena,
				  .id = TEXT("first"),
				  .origin = {TEXT("in"), 0, 0},
				  .time_ms = BEGIN_MS,
				  .headers = {1, &asks},
				  .payload = {.tensors = {1, items}}};
	struct flow *flow = flow_open(planning.graph, &environment, &error);
	assert_string_equal(error.text, "");
	assert_true(flow_enter(flow, &message, 0, &error));
	flow_close(flow);
	arena_close(arena);
}

static int explaining_open(void **state)
{
	const int opened = stand_open(state);
	planning_close(&planning);
	planning_open_steps(&planning, STEPS_OF_EXPLAIN);
	rd_kafka_mock_topic_create(mock.cluster, "before", 2, 1);
	return planning.graph ? opened : -1;
}

/* Of the newest requests, and not of the first or of later ones. */
static void the_first_request_is_explained_against_the_newest_ones(void **state)
{
	(void)state;
	requests_append(0, 200);
	expect_ended(service_start());
	assert_false(is_needed());
	assert_int_equal(warnings, 0);
	first_request_send();
	assert_string_equal(answered.failure, "");
	assert_true(answered.base >= 2 * (200 - 2 * 30) - 10 && answered.base <= 2 * 200);
}

/* Another version of the pipeline may compare with other columns. */
static void a_background_is_learnt_anew_once_it_is_forgotten(void **state)
{
	(void)state;
	requests_append(0, 40);
	expect_ended(service_start());
	verdict_board_forget_backgrounds(board);
	first_request_send();
	assert_non_null(strstr(answered.failure, "has seen 1 request"));
	assert_true(is_needed());
	expect_ended(service_start());
	first_request_send();
	assert_string_equal(answered.failure, "");
}

static void a_topic_with_few_requests_is_the_beginning_of_a_background(void **state)
{
	(void)state;
	requests_append(0, 12);
	expect_ended(service_start());
	first_request_send();
	assert_non_null(strstr(answered.failure, "has seen 13 requests, and its background needs 20: 7 are wanting"));
	assert_true(is_needed()); /* by a reload */
	requests_append(12, 8);
	expect_ended(service_start());
	first_request_send();
	assert_string_equal(answered.failure, "");
	assert_true(answered.base >= 0);
	assert_int_equal(warnings, 0);
}

static void a_background_is_learnt_where_the_model_gets_requests_as_they_are(void **state)
{
	(void)state;
	planning_close(&planning);
	planning_open_steps(&planning, STEPS_BEHIND_OTHERS);
	assert_false(is_needed());
}

/* Requests that have another width, or numbers that are missing, are no background. */
static void requests_that_cannot_be_compared_are_left_out(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		append(i % 2, BEGIN_MS + i,
		       i % 2 ? "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[\"NaN\"]}]}"
			     : "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,3],\"datatype\":\"FP64\",\"data\":[1,2,3]}]}");
	flush();
	expect_ended(service_start());
	first_request_send();
	assert_non_null(strstr(answered.failure, "19 are wanting"));
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
	assert_true(is_needed());
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
		cmocka_unit_test_setup_teardown(the_first_request_is_explained_against_the_newest_ones, explaining_open,
						stand_close),
		cmocka_unit_test_setup_teardown(a_background_is_learnt_anew_once_it_is_forgotten, explaining_open, stand_close),
		cmocka_unit_test_setup_teardown(a_topic_with_few_requests_is_the_beginning_of_a_background, explaining_open,
						stand_close),
		cmocka_unit_test_setup_teardown(a_background_is_learnt_where_the_model_gets_requests_as_they_are, explaining_open,
						stand_close),
		cmocka_unit_test_setup_teardown(requests_that_cannot_be_compared_are_left_out, explaining_open, stand_close),
		cmocka_unit_test_setup_teardown(a_service_stops_while_nothing_can_be_learnt, stand_open, stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
