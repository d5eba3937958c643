/* condition_table_test.c: Tests of the conditions of engines, as a command reads them from `status`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/engine/condition_table.h"
#include "tests/unit/mock_broker.h"

#define HOUR_MS 3600000
#define MANY 3000

static struct mock mock;
static struct condition_table table;

static int table_setup(void **state)
{
	(void)state;
	mock_open(&mock);
	return 0;
}

static int table_teardown(void **state)
{
	(void)state;
	condition_table_close(&table);
	mock_close(&mock);
	return 0;
}

/* A record of an engine whose clock is `ahead_ms` ahead of this machine's. */
static void engine_says(const char *engine, int64_t version, int64_t ahead_ms)
{
	const struct engine_condition condition = {
		.kind = TEXT("Pipeline"), .name = TEXT("p"), .version = version, .ready = true, .what = TEXT("Ready")};
	const struct engine_conditions conditions = {.namespace = TEXT("default"),
						     .engine = text_of(engine),
						     .started_ms = 1,
						     .sequence = version,
						     .time_ms = time_of_day_ms() + ahead_ms,
						     .conditions = {1, &condition}};
	struct error error = {0};
	struct buffer value;
	buffer_open(&value, (size_t)1 << 16);
	assert_true(record_encode(&conditions_form, &conditions, &value, &error));
	assert_int_equal(rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC("in"), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_VALUE(value.bytes, value.length), RD_KAFKA_V_TIMESTAMP(conditions.time_ms),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
			 0);
	buffer_close(&value);
}

static void table_open_now(void)
{
	struct error error = {0};
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	if (!condition_table_open(&table, mock.brokers, mock_quick, "in", "default", &error))
		fail_msg("%s", error.text);
}

static const struct condition_source *source_of(const char *engine)
{
	const struct condition_source *source;
	LIST_EACH_SOURCE(&table, source)
	{
		if (text_is(source->engine, engine))
			return source;
	}
	return NULL;
}

static int64_t version_of(const char *engine)
{
	const struct condition_source *source = source_of(engine);
	const struct engine_condition *condition = source ? condition_of(source, TEXT("Pipeline"), TEXT("p")) : NULL;
	return condition ? condition->version : 0;
}

/* A namespace of many pipelines writes faster than a command looks. */
static void all_records_that_have_arrived_are_read_at_once(void **state)
{
	struct error error = {0};
	size_t turns = 0;
	(void)state;
	engine_says("a", 1, 0);
	table_open_now();
	assert_int_equal(version_of("a"), 1);
	for (int64_t i = 2; i <= MANY; i++)
		engine_says("a", i, 0);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	for (; version_of("a") < MANY && turns < MANY; turns++)
		assert_true(condition_table_follow(&table, 1000, &error));
	assert_int_equal(version_of("a"), MANY);
	assert_true(turns < MANY / 10); /* as many as fetches, which are few */
}

/* The clocks of two machines differ by an hour, in either direction. */
static void an_engine_is_live_whatever_its_clock_says(void **state)
{
	struct error error = {0};
	(void)state;
	engine_says("behind", 1, -HOUR_MS);
	engine_says("ahead", 1, HOUR_MS);
	engine_says("right", 1, 0);
	engine_says("gone", 1, -HOUR_MS);
	table_open_now();
	assert_true(condition_source_is_live(&table, source_of("right")));
	assert_false(condition_source_is_live(&table, source_of("behind")));
	assert_false(condition_source_is_live(&table, source_of("ahead")));
	engine_says("behind", 2, -HOUR_MS);
	engine_says("ahead", 2, HOUR_MS);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	while (version_of("behind") < 2 || version_of("ahead") < 2)
		assert_true(condition_table_follow(&table, MOCK_WAIT_MS, &error));
	assert_true(condition_source_is_live(&table, source_of("behind")));
	assert_true(condition_source_is_live(&table, source_of("ahead")));
	assert_false(condition_source_is_live(&table, source_of("gone")));
}

static void settling_ends_when_all_engines_are_heard(void **state)
{
	struct error error = {0};
	(void)state;
	engine_says("a", 1, -HOUR_MS);
	table_open_now();
	engine_says("a", 2, -HOUR_MS);
	int64_t before_ms = clock_ms();
	assert_true(condition_table_settle(&table, 2 * MOCK_WAIT_MS, &error));
	assert_true(clock_ms() - before_ms < MOCK_WAIT_MS && condition_source_is_live(&table, source_of("a")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, table_setup, table_teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_records_that_have_arrived_are_read_at_once),
		TEST(an_engine_is_live_whatever_its_clock_says),
		TEST(settling_ends_when_all_engines_are_heard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
