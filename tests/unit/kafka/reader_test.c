/* What a command reads of a topic that others write meanwhile. */
#include "kafka/consume/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/topics/topic_setup.h"
#include "net/loop.h"
#include "tests/unit/mock_broker.h"

struct echo {
	struct mock *mock;
	int taken;
};

/* As an engine does when a dead letter that is asked again fails again. */
static bool take_and_write_another(void *context, const struct record *record, struct error *error)
{
	struct echo *echo = context;
	(void)record, (void)error;
	mock_write(echo->mock, NULL, "again", NULL, NULL);
	rd_kafka_flush(echo->mock->writer, MOCK_WAIT_MS);
	return ++echo->taken < 20;
}

static void all_that_stood_there_is_given_and_not_what_comes_of_it(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	struct echo echo = {.mock = &mock};
	const struct reader_config config = {.brokers = mock.brokers, .topic = "in", .from_beginning = true};
	struct reader *empty = reader_open(&config, &error);
	assert_non_null(empty);
	assert_true(reader_give_all(empty, take_and_write_another, &echo, &error));
	assert_int_equal(echo.taken, 0);
	reader_close(empty);
	for (int i = 0; i < 3; i++)
		mock_write(&mock, NULL, "first", NULL, NULL);
	rd_kafka_flush(mock.writer, MOCK_WAIT_MS);
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	assert_true(reader_give_all(reader, take_and_write_another, &echo, &error));
	assert_int_equal(echo.taken, 3);
	reader_close(reader);
	mock_close(&mock);
}

static void next_is(struct reader *reader, int64_t offset)
{
	struct error error = {0};
	struct record record = {0};
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !record.held; assert_true(clock_ms() < until_ms))
		assert_true(reader_next(reader, 100, &record, &error));
	assert_int_equal(record.offset, offset);
	record_release(&record);
}

/* As a broker says that was stopped, and does not know yet that another one leads the partition now. */
static void no_record_is_given_twice_though_a_broker_has_not_got_the_next(struct reader_config config)
{
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	for (int i = 0; i < 3; i++)
		mock_write(&mock, NULL, "x", NULL, NULL);
	config.brokers = mock.brokers;
	config.topic = "in";
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	for (int64_t i = config.offset; i < 3; i++)
		next_is(reader, i);
	for (int i = 0; i < 20; i++) /* the mock's own reader takes some */
		rd_kafka_mock_push_request_errors(mock.cluster, 1 /* Fetch */, 1, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
	for (int i = 0; i < 20; i++) {
		struct record record;
		assert_true(reader_next(reader, 100, &record, &error));
		assert_null(record.held);
	}
	rd_kafka_mock_clear_request_errors(mock.cluster, 1);
	mock_write(&mock, NULL, "x", NULL, NULL);
	next_is(reader, 3);
	reader_close(reader);
	mock_close(&mock);
}

static void no_record_is_given_twice(void **state)
{
	(void)state;
	static const struct reader_config configs[] = {
		{.from_beginning = true}, {.from_offset = true, .offset = 3}, {.from_beginning = true, .by_time = true}};
	for (size_t i = 0; i < sizeof configs / sizeof *configs; i++)
		no_record_is_given_twice_though_a_broker_has_not_got_the_next(configs[i]);
}

/* A topic that was just made says so for a moment. */
static void a_topic_whose_leader_is_not_settled_is_waited_for(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	for (int i = 0; i < 8; i++) /* more than librdkafka tries by itself */
		rd_kafka_mock_push_request_errors(mock.cluster, 2 /* ListOffsets */, 1, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
	const struct reader_config config = {.brokers = mock.brokers, .topic = "in", .from_beginning = true};
	struct reader *reader = reader_open(&config, &error);
	assert_string_equal(error.text, "");
	assert_non_null(reader);
	reader_close(reader);
	mock_close(&mock);
}

static bool take_any(void *context, const struct record *record, struct error *error)
{
	(void)record, (void)error;
	++*(int *)context;
	return true;
}

/* How many records are given up to an offset; -1: it was told to stop. */
static int given_until(const struct mock *mock, int64_t until, size_t until_count, const atomic_bool *stopping)
{
	struct error error = {0};
	int taken = 0;
	const struct reader_config config = {.brokers = mock->brokers,
					     .topic = "in",
					     .from_time = true,
					     .time_ms = 1,
					     .until = &until,
					     .until_count = until_count,
					     .stopping = stopping,
					     .properties = mock_quick};
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	const bool good = reader_give_all(reader, take_any, &taken, &error);
	assert_int_equal(error.kind, ERROR_NONE);
	reader_close(reader);
	return good ? taken : -1;
}

static void no_record_behind_the_wanted_end_is_given(void **state)
{
	(void)state;
	struct mock mock;
	const atomic_bool stopping = true;
	mock_open(&mock);
	for (int i = 0; i < 5; i++)
		mock_write(&mock, NULL, "one", NULL, NULL);
	assert_int_equal(given_until(&mock, 3, 1, NULL), 3);
	assert_int_equal(given_until(&mock, 0, 1, NULL), 0);
	assert_int_equal(given_until(&mock, 3, 0, NULL), 0); /* its partition is not among them */
	assert_int_equal(given_until(&mock, 9, 1, NULL), 5);
	assert_int_equal(given_until(&mock, 9, 1, &stopping), -1);
	mock_close(&mock);
}

/* A command asks for several topics of which there may be none: it does not wait for each as for one that was just made. */
static void a_topic_that_may_be_absent_is_not_waited_for(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	rd_kafka_mock_topic_set_error(mock.cluster, "nowhere", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	const struct reader_config config = {
		.brokers = mock.brokers, .topic = "nowhere", .from_beginning = true, .may_be_absent = true};
	const int64_t began_ms = clock_ms();
	assert_null(reader_open(&config, &error));
	assert_true(clock_ms() - began_ms < TOPICS_APPEAR_MS);
	assert_int_equal(error.kind, ERROR_CONFIG);
	mock_close(&mock);
}

static bool rings(int bell, int wait_ms)
{
	struct pollfd descriptor = {.fd = bell, .events = POLLIN};
	return poll(&descriptor, 1, wait_ms) == 1;
}

/* Kafka's client rings when the first of several records comes. */
static void a_bell_rings_again_while_there_may_be_more_records(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	int taken = 0;
	mock_open(&mock);
	for (int i = 0; i < 3; i++)
		mock_write(&mock, NULL, "first", NULL, NULL);
	rd_kafka_flush(mock.writer, MOCK_WAIT_MS);
	const struct reader_config config = {
		.brokers = mock.brokers, .topic = "in", .from_beginning = true, .properties = mock_quick};
	const int bell = bell_open(&error);
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	reader_ring(reader, bell);
	bell_ring(bell); /* for records that came before */
	while (taken < 3) {
		const int before = taken;
		assert_true(rings(bell, MOCK_WAIT_MS));
		(void)bell_quiet(bell);
		assert_true(reader_give_arrived(reader, 1, 0, take_any, &taken, &error));
		assert_true(taken == before || rings(bell, 0));
	}
	(void)bell_quiet(bell);
	assert_true(reader_give_arrived(reader, 10, 0, take_any, &taken, &error));
	assert_int_equal(taken, 3);
	assert_false(rings(bell, 0)); /* there is none more */
	reader_close(reader);
	(void)close(bell);
	mock_close(&mock);
}

#define ANSWER_DELAY_MS 60000 /* of a broker that hangs */
#define SHORT_MS 1000
#define PROMPT_MS 4000 /* far less than a hanging broker takes */

/* How long it takes to find that a topic cannot be read. `lists`: its broker describes it, and does not say where it ends. */
static int64_t opening_fails_after(bool lists, int wait_ms, const atomic_bool *stopping)
{
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	assert_int_equal(rd_kafka_mock_topic_create(mock.cluster, "many", 4, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	if (lists)
		mock_hide_offsets(&mock);
	else
		assert_int_equal(rd_kafka_mock_broker_set_rtt(mock.cluster, 1, ANSWER_DELAY_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	const struct reader_config config = {.brokers = mock.brokers,
					     .topic = "many",
					     .from_time = true,
					     .time_ms = 1,
					     .wait_ms = wait_ms,
					     .stopping = stopping,
					     .properties = mock_quick};
	const int64_t began_ms = clock_ms();
	assert_null(reader_open(&config, &error));
	assert_int_equal(error.kind, ERROR_REMOTE);
	const int64_t took_ms = clock_ms() - began_ms;
	mock_close(&mock);
	return took_ms;
}

static void an_opening_takes_no_longer_than_it_may(void **state)
{
	const atomic_bool stopping = false;
	(void)state;
	assert_in_range(opening_fails_after(true, SHORT_MS, NULL), SHORT_MS - 100, PROMPT_MS);
	assert_in_range(opening_fails_after(true, SHORT_MS, &stopping), SHORT_MS - 100, PROMPT_MS);
	assert_in_range(opening_fails_after(false, SHORT_MS, NULL), SHORT_MS - 100, PROMPT_MS);
	assert_in_range(opening_fails_after(false, SHORT_MS, &stopping), SHORT_MS - 100, PROMPT_MS);
}

static void an_opening_ends_soon_once_it_is_to_stop(void **state)
{
	const atomic_bool stopping = true;
	(void)state;
	assert_in_range(opening_fails_after(true, MOCK_WAIT_MS, &stopping), 0, PROMPT_MS);
	assert_in_range(opening_fails_after(false, MOCK_WAIT_MS, &stopping), 0, PROMPT_MS);
}

/* Statistics come each second. */
static int64_t silent_ms_after(struct reader *reader, int64_t wait_ms)
{
	const int64_t until_ms = clock_ms() + wait_ms;
	struct record record;
	struct error error = {0};
	while (clock_ms() < until_ms) {
		assert_true(reader_next(reader, 100, &record, &error));
		record_release(&record);
	}
	return reader_silent_ms(reader);
}

/* At first after so long, and as long as it is more than a second and a half. */
static int64_t silent_ms_until(struct reader *reader, int64_t first_ms)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	int64_t silent_ms = silent_ms_after(reader, first_ms);
	while (silent_ms > 1500 && clock_ms() < until_ms)
		silent_ms = silent_ms_after(reader, 100);
	return silent_ms;
}

static void a_reader_is_silent_while_no_broker_answers_it(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	const struct reader_config config = {.brokers = mock.brokers, .topic = "in", .properties = mock_quick, .is_watched = true};
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	assert_in_range(silent_ms_until(reader, 2500), 0, 1500);
	rd_kafka_mock_broker_set_down(mock.cluster, 1);
	assert_in_range(silent_ms_after(reader, 4500), 3000, 6000);
	rd_kafka_mock_broker_set_up(mock.cluster, 1);
	assert_in_range(silent_ms_until(reader, 100), 0, 1500);
	reader_close(reader);
	mock_close(&mock);
}

/* Of several brokers, of which the first answers, and tells which one has the records. */
static void an_error_names_the_partition_its_leader_and_what_was_said_last(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(mock.holder, 2);
	assert_non_null(cluster);
	assert_int_equal(rd_kafka_mock_topic_create(cluster, "far", 2, 1), 0);
	rd_kafka_mock_partition_set_leader(cluster, "far", 0, 1);
	rd_kafka_mock_partition_set_leader(cluster, "far", 1, 2);
	rd_kafka_mock_broker_set_down(cluster, 2);
	const struct reader_config config = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
					     .topic = "far",
					     .from_beginning = true,
					     .wait_ms = 2000,
					     .properties = mock_quick};
	assert_null(reader_open(&config, &error));
	assert_int_equal(error.kind, ERROR_REMOTE);
	/* Since 2.10 a mock says no address of a broker that is down, so that the client does not always try to reach it. */
	const bool is_listed = rd_kafka_version() < 0x020a0000;
	const char *const words[] = {"Kafka does not say where records end in partition 1 of topic far: broker 2 ",
				     is_listed ? "2 at 127.0.0.1:" : "2 leads it",
				     is_listed ? " leads it; the client last said: 127.0.0.1:" : " leads it; ",
				     "advertised.listeners", "Asked at 127.0.0.1:"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strstr(error.text, words[i]))
			fail_msg("no `%s` in: %s", words[i], error.text);
	rd_kafka_mock_cluster_destroy(cluster);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_stood_there_is_given_and_not_what_comes_of_it),
		cmocka_unit_test(no_record_is_given_twice),
		cmocka_unit_test(a_topic_whose_leader_is_not_settled_is_waited_for),
		cmocka_unit_test(no_record_behind_the_wanted_end_is_given),
		cmocka_unit_test(an_error_names_the_partition_its_leader_and_what_was_said_last),
		cmocka_unit_test(a_topic_that_may_be_absent_is_not_waited_for),
		cmocka_unit_test(an_opening_takes_no_longer_than_it_may),
		cmocka_unit_test(an_opening_ends_soon_once_it_is_to_stop),
		cmocka_unit_test(a_bell_rings_again_while_there_may_be_more_records),
		cmocka_unit_test(a_reader_is_silent_while_no_broker_answers_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
