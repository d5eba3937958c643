/* Several topics that one client reads: each in the order of its records' times, and none held up by another. */
#include "kafka/consume/stream_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kafka/topics/topic_setup.h"
#include "tests/unit/mock_broker.h"

#define SHORT_MS 300
#define SLOW_MS 100
#define PROMPT_MS 3000 /* far less than a stream may wait for, and far more than a record takes */

static const struct property settings[] = {{"topic.metadata.refresh.fast.interval.ms", "20"},
					   {"topic.metadata.refresh.interval.ms", "100"}, /* a topic that is gone is seen soon */
					   {"reconnect.backoff.ms", "10"},
					   {"fetch.wait.max.ms", "10"},
					   {"log_level", "0"}};

/* `wide` has two partitions, of which another broker leads each; `in` has one. */
static rd_kafka_t *holder, *writer;
static rd_kafka_mock_cluster_t *cluster;
static struct stream_reader *reader;
static struct stream *wide, *in; /* those that are open */
static struct reader_config client, wide_config, in_config;

static rd_kafka_t *producer(const char *brokers)
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		(void)rd_kafka_conf_set(configuration, settings[i].name, settings[i].value, words, sizeof words);
	(void)rd_kafka_conf_set(configuration, "bootstrap.servers", brokers, words, sizeof words);
	rd_kafka_t *made = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, words, sizeof words);
	assert_non_null(made);
	return made;
}

static int setup(void **state)
{
	(void)state;
	struct error error = {0};
	holder = producer("");
	cluster = rd_kafka_mock_cluster_new(holder, 2);
	rd_kafka_mock_topic_create(cluster, "wide", 2, 1);
	rd_kafka_mock_topic_create(cluster, "in", 1, 1);
	rd_kafka_mock_partition_set_leader(cluster, "wide", 0, 1);
	rd_kafka_mock_partition_set_leader(cluster, "wide", 1, 2);
	rd_kafka_mock_partition_set_leader(cluster, "in", 0, 1);
	const char *brokers = rd_kafka_mock_cluster_bootstraps(cluster);
	writer = producer(brokers);
	client = (struct reader_config){
		.brokers = brokers, .is_watched = true, .properties = {sizeof settings / sizeof *settings, settings}};
	wide_config = (struct reader_config){.topic = "wide", .from_beginning = true, .by_time = true};
	in_config = (struct reader_config){.topic = "in", .from_beginning = true, .by_time = true};
	reader = stream_reader_open(&client, &error);
	return reader ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stream_close(wide);
	stream_close(in);
	wide = in = NULL;
	stream_reader_close(reader);
	rd_kafka_destroy(writer);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(holder);
	return 0;
}

/* It is on its way. */
static void send_at(const char *topic, int32_t partition, int64_t time_ms)
{
	const rd_kafka_resp_err_t code =
		rd_kafka_producev(writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
				  RD_KAFKA_V_VALUE((void *)(uintptr_t) "x", 1), RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_END);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* It is there. */
static void write_at(const char *topic, int32_t partition, int64_t time_ms)
{
	send_at(topic, partition, time_ms);
	assert_int_equal(rd_kafka_flush(writer, MOCK_WAIT_MS), 0);
}

static struct stream *opened(const struct reader_config *config)
{
	struct error error = {0};
	struct stream *stream = stream_open(reader, config, &error);
	assert_string_equal(error.text, "");
	return stream;
}

/* Whether there is a record at once. */
static bool has_next(struct stream *stream, int64_t *time_ms)
{
	struct error error = {0};
	struct record record;
	const bool good = stream_next(stream, &record, &error);
	assert_string_equal(error.text, "");
	assert_true(good);
	const bool is_there = record.held;
	*time_ms = record.time_ms;
	record_release(&record);
	return is_there;
}

/* The time of the next record, which comes soon. */
static int64_t next_of(struct stream *stream)
{
	int64_t time_ms;
	for (const int64_t until_ms = clock_ms() + PROMPT_MS; !has_next(stream, &time_ms);) {
		assert_true(clock_ms() < until_ms);
		(void)stream_reader_wait(reader, SHORT_MS);
	}
	return time_ms;
}

static void end_await(struct stream *stream)
{
	int64_t time_ms;
	for (const int64_t until_ms = clock_ms() + PROMPT_MS; !stream_is_at_end(stream);) {
		assert_false(has_next(stream, &time_ms));
		assert_true(clock_ms() < until_ms);
		(void)stream_reader_wait(reader, SHORT_MS);
	}
}

static void each_stream_is_in_the_order_of_its_times(void **state)
{
	(void)state;
	for (int64_t time_ms = 1000; time_ms < 1006; time_ms++)
		write_at("wide", time_ms % 2 ? 0 : 1, time_ms);
	write_at("in", 0, 7);
	write_at("in", 0, 8);
	rd_kafka_mock_broker_set_rtt(cluster, 2, SLOW_MS); /* of the partition with the first record */
	wide = opened(&wide_config);
	in = opened(&in_config);
	assert_int_equal(next_of(wide), 1000);
	assert_int_equal(next_of(in), 7);
	for (int64_t time_ms = 1001; time_ms < 1006; time_ms++)
		assert_int_equal(next_of(wide), time_ms);
	assert_int_equal(stream_passed_ms(wide), 1005);
	assert_int_equal(stream_passed_ms(in), 7);
	end_await(wide);
	assert_int_equal(next_of(in), 8);
	end_await(in);
	assert_true(stream_is_at_end(wide));
}

static void streams_open_and_close_while_another_is_read(void **state)
{
	(void)state;
	write_at("wide", 0, 1000);
	write_at("wide", 1, 1001);
	write_at("in", 0, 7);
	write_at("in", 0, 8);
	wide = opened(&wide_config);
	assert_int_equal(next_of(wide), 1000);
	in = opened(&in_config);
	assert_int_equal(next_of(in), 7);
	stream_close(in);
	in = NULL;
	assert_int_equal(next_of(wide), 1001);
	in_config.from_beginning = false;
	in_config.from_offset = true;
	in_config.offset = 1;
	in = opened(&in_config);
	assert_int_equal(next_of(in), 8);
	stream_close(wide);
	wide = NULL;
	write_at("in", 0, 9);
	assert_int_equal(next_of(in), 9);
}

/* One that is not asked is not awaited, though it has records. */
static void a_wait_ends_by_the_streams_that_were_asked(void **state)
{
	int64_t time_ms;
	(void)state;
	write_at("wide", 0, 1000);
	write_at("wide", 0, 1001);
	write_at("wide", 0, 1002);
	wide = opened(&wide_config);
	in = opened(&in_config);
	assert_int_equal(next_of(wide), 1000);
	end_await(in);
	int64_t began_ms = clock_ms();
	while (stream_reader_wait(reader, SHORT_MS)) { /* for what came before */
		assert_false(has_next(in, &time_ms));
		assert_true(clock_ms() - began_ms < PROMPT_MS);
	}
	send_at("in", 0, 7);
	began_ms = clock_ms();
	assert_true(stream_reader_wait(reader, MOCK_WAIT_MS));
	assert_true(clock_ms() - began_ms < PROMPT_MS);
	assert_int_equal(next_of(in), 7);
	assert_int_equal(next_of(wide), 1001);
}

/* Nothing rings for a record that came before the end was looked at. */
static void a_record_behind_an_end_is_not_waited_for(void **state)
{
	static const struct timespec pause = {.tv_nsec = SLOW_MS * NS_PER_MS};
	int64_t time_ms;
	(void)state;
	in = opened(&in_config);
	nanosleep(&pause, NULL);
	write_at("in", 0, 7);
	nanosleep(&pause, NULL);
	assert_true(has_next(in, &time_ms) || (stream_reader_wait(reader, MOCK_WAIT_MS) && has_next(in, &time_ms)));
}

static void an_absent_topic_is_told_at_once_and_opened_later(void **state)
{
	struct error error = {0};
	(void)state;
	write_at("wide", 0, 1000);
	write_at("wide", 1, 1001);
	wide = opened(&wide_config);
	assert_int_equal(next_of(wide), 1000);
	const struct reader_config absent = {.topic = "absent", .by_time = true, .from_beginning = true, .may_be_absent = true};
	rd_kafka_mock_topic_set_error(cluster, "absent", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	const int64_t began_ms = clock_ms();
	assert_null(stream_open(reader, &absent, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_true(clock_ms() - began_ms < TOPICS_APPEAR_MS);
	assert_int_equal(next_of(wide), 1001);
	rd_kafka_mock_topic_set_error(cluster, "absent", RD_KAFKA_RESP_ERR_NO_ERROR);
	write_at("absent", 0, 7);
	in = opened(&absent);
	assert_int_equal(next_of(in), 7);
}

/* No answer comes within a second. */
static void topics_that_are_known_open_without_a_question(void **state)
{
	static const char *const topics[] = {"wide", "in"};
	static const int64_t offsets[] = {0, 1};
	struct error error = {0};
	(void)state;
	write_at("wide", 0, 1000);
	write_at("wide", 1, 1001);
	write_at("wide", 1, 1002);
	write_at("in", 0, 7);
	assert_true(stream_reader_know(reader, topics, 2, &error));
	rd_kafka_mock_broker_set_rtt(cluster, 1, MS_PER_S);
	rd_kafka_mock_broker_set_rtt(cluster, 2, MS_PER_S);
	wide_config = (struct reader_config){
		.topic = "wide", .by_time = true, .from_offset = true, .offsets = offsets, .offset_count = 2};
	const int64_t began_ms = clock_ms();
	wide = opened(&wide_config);
	in = opened(&in_config);
	assert_true(clock_ms() - began_ms < MS_PER_S);
	rd_kafka_mock_broker_set_rtt(cluster, 1, 0);
	rd_kafka_mock_broker_set_rtt(cluster, 2, 0);
	assert_int_equal(next_of(in), 7);
	assert_int_equal(next_of(wide), 1000);
	assert_int_equal(next_of(wide), 1002);
}

/* The client says nothing of a topic that is gone. */
static void a_deleted_topic_holds_up_its_own_stream_alone(void **state)
{
	int64_t time_ms;
	(void)state;
	write_at("in", 0, 7);
	wide = opened(&wide_config);
	in = opened(&in_config);
	assert_int_equal(next_of(in), 7);
	rd_kafka_mock_topic_set_error(cluster, "in", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	for (const int64_t until_ms = clock_ms() + SHORT_MS; clock_ms() < until_ms; (void)stream_reader_wait(reader, 10))
		assert_false(has_next(in, &time_ms) || has_next(wide, &time_ms));
	write_at("wide", 0, 1000);
	assert_int_equal(next_of(wide), 1000);
	stream_close(in);
	in = NULL;
	write_at("wide", 1, 1001);
	assert_int_equal(next_of(wide), 1001);
	rd_kafka_mock_topic_set_error(cluster, "in", RD_KAFKA_RESP_ERR_NO_ERROR);
	in = opened(&in_config);
	assert_int_equal(next_of(in), 7);
}

static void leaders_are_known_of_each_stream(void **state)
{
	int64_t time_ms;
	(void)state;
	wide = opened(&wide_config);
	in = opened(&in_config);
	assert_true(stream_has_leaders(wide) && stream_has_leaders(in));
	rd_kafka_mock_broker_set_down(cluster, 2); /* a mock that is asked for records of no leader ends by a signal (2.12.1) */
	rd_kafka_mock_partition_set_leader(cluster, "wide", 1, -1);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; stream_has_leaders(wide);) {
		assert_false(has_next(in, &time_ms));
		assert_true(clock_ms() < until_ms);
		(void)stream_reader_wait(reader, SHORT_MS);
	}
	assert_true(stream_has_leaders(in));
	write_at("in", 0, 7);
	assert_int_equal(next_of(in), 7);
	assert_int_equal(stream_passed_ms(in), 7);
	assert_in_range(stream_reader_silent_ms(reader), 0, PROMPT_MS);
}

#define STORY(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(each_stream_is_in_the_order_of_its_times),
		STORY(streams_open_and_close_while_another_is_read),
		STORY(a_wait_ends_by_the_streams_that_were_asked),
		STORY(a_record_behind_an_end_is_not_waited_for),
		STORY(an_absent_topic_is_told_at_once_and_opened_later),
		STORY(topics_that_are_known_open_without_a_question),
		STORY(a_deleted_topic_holds_up_its_own_stream_alone),
		STORY(leaders_are_known_of_each_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
