/* observed_order_test.c: at least once, rows come to an observer in the order of their partition, though the branches that their
 * messages take differ in how long they take, and answers wait for none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/held_model.h"
#include "tests/unit/sliced.h"
#include "tests/unit/worker_stand.h"
#include "engine/outputs/held_links.h"

#define REQUESTS 12
#define SLOW_EVERY 3 /* the first, and each so many after it, take the slow branch */
#define SLOW 100     /* numbers from here on do */
#define ROWS_MAX 16384

#define BRANCHES(watch)                                                                                                            \
	"  - {name: watch, drift: {tensors: [" watch "}, window: 100}}\n"                                                          \
	"  - name: m\n    inputs: [watch]\n    when: x >= 100\n"                                                                   \
	"  - name: twice\n    inputs: [watch]\n    when: x < 100\n    expression: {set: {z: x * 2}}\n"                             \
	"  output: {steps: [m, twice], stepsJoin: any}\n"

static const char *const both_out[] = {"out", "out"};
static const uint32_t next[] = {1};

/* What came of the worker. */
struct come {
	size_t answers, rows, records;
	double numbers[ROWS_MAX];
};

static struct held_model model;
static struct come come;

static void start(struct stand *stand, const char *steps, int64_t observed_ms)
{
	struct plan plan;
	come = (struct come){0};
	stand_configure(stand, steps);
	planning_plan(&stand->planning[0], NULL, &plan);
	stand->stages[0].graph = plan.pipelines[0].stages[0].graph;
	stand->stages[0].next = next;
	stand->stages[0].by_key = true;
	stand->config.setup.writes = (struct topic_list){2, both_out};
	stand->config.transaction.id = NULL;
	stand->config.limits.observed_ms = observed_ms;
	held_model_open(&model, "m", 7);
	stand->caller.model_count = 1;
	stand->caller.models = &model.config;
	stand_start(stand);
}

/* A record between stages is single-object Avro; an answer is JSON. */
static void come_read(struct stand *stand)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	const struct text value = {record->payload, record->len};
	if (value.length > 0 && (unsigned char)value.bytes[0] == 0xc3) {
		come.rows += sliced_numbers(value, come.numbers + come.rows, ROWS_MAX - come.rows);
		come.records++;
	} else {
		come.answers++;
	}
}

static double number_of(int request)
{
	return request % SLOW_EVERY == 0 ? SLOW + request : request;
}

/* One request fails, and gives the observer nothing. */
static void expect_order(struct stand *stand, const char *steps)
{
	start(stand, steps, worker_limits_usual.observed_ms);
	for (int i = 0; i < REQUESTS; i++) {
		stand_ask_at(stand, "in", NULL, "r", (int)number_of(i));
		if (i == REQUESTS / 2)
			mock_write(&stand->mock, NULL, "{\"id\": \"wrong\"", NULL, NULL);
	}
	while (come.answers < REQUESTS - REQUESTS / SLOW_EVERY + 1)
		come_read(stand);
	assert_int_equal(come.rows, 0);
	atomic_store(&model.open, true);
	while (come.answers < REQUESTS + 1 || come.rows < REQUESTS)
		come_read(stand);
	assert_int_equal(stand_stop(stand).answered, REQUESTS + 1);
	held_model_close(&model);
	assert_int_equal(come.rows, REQUESTS);
	for (int i = 0; i < REQUESTS; i++)
		assert_true(come.numbers[i] == number_of(i));
	assert_int_equal(stand_committed(stand), REQUESTS + 1);
}

static void rows_come_in_the_order_of_their_partition(void **state)
{
	expect_order(*state, BRANCHES("x], reference: {past: 1h"));
	assert_true(come.records < REQUESTS);
}

static void messages_that_go_alone_do_so_too(void **state)
{
	expect_order(*state, BRANCHES("x], groupBy: key, reference: {topic: t"));
	assert_int_equal(come.records, REQUESTS);
}

/* Beyond the limit rows leave before their turn, and only the one that they waited for is late. */
static void beyond_their_limit_rows_do_not_wait(void **state)
{
	enum { MANY = HELD_LINKS_BYTES_MAX / 1024 };
	struct stand *stand = *state;
	char request[200];
	start(stand, BRANCHES("x], reference: {past: 1h"), worker_limits_usual.observed_ms);
	for (int i = 0; i < MANY; i++) {
		const int length = snprintf(request, sizeof request,
					    "{\"id\": \"r\", \"inputs\": [{\"name\": \"x\", \"datatype\": \"INT32\", "
					    "\"shape\": [1], \"data\": [%d]}]}",
					    i == 0 ? SLOW : -i);
		mock_send(&stand->mock, "in", (struct text){NULL, 0}, (struct text){request, (size_t)length});
	}
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
	while (come.answers < MANY - 1 || come.rows == 0)
		come_read(stand);
	assert_in_range(come.rows, 1, MANY - 2);
	atomic_store(&model.open, true);
	while (come.answers < MANY || come.rows < MANY)
		come_read(stand);
	stand_stop(stand);
	held_model_close(&model);
	size_t late = 0;
	while (come.numbers[late] != SLOW)
		late++;
	assert_in_range(late, 1, MANY - 2);
	for (size_t i = 0; i < MANY; i++)
		assert_true(i == late || come.numbers[i] == -(double)(i < late ? i + 1 : i));
}

/* The model of the first message is not reachable: the others are observed after a while, and only the first one is late. */
static void rows_do_not_wait_for_long(void **state)
{
	struct stand *stand = *state;
	start(stand, BRANCHES("x], reference: {past: 1h"), 300);
	for (int i = 0; i < REQUESTS; i++)
		stand_ask_at(stand, "in", NULL, "r", i == 0 ? SLOW : i);
	while (come.answers < REQUESTS - 1 || come.rows < REQUESTS - 1)
		come_read(stand);
	for (int i = 1; i < REQUESTS; i++)
		assert_true(come.numbers[i - 1] == i);
	stand_ask_at(stand, "in", NULL, "r", REQUESTS);
	while (come.rows < REQUESTS)
		come_read(stand);
	atomic_store(&model.open, true);
	while (come.answers < REQUESTS + 1 || come.rows < REQUESTS + 1)
		come_read(stand);
	stand_stop(stand);
	held_model_close(&model);
	assert_true(come.numbers[REQUESTS - 1] == REQUESTS && come.numbers[REQUESTS] == SLOW);
	assert_int_equal(stand_committed(stand), REQUESTS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(rows_come_in_the_order_of_their_partition),
		STORY(messages_that_go_alone_do_so_too),
		STORY(beyond_their_limit_rows_do_not_wait),
		STORY(rows_do_not_wait_for_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
