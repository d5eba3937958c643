/* alert_store_test.c: Tests of the store of what outlasts engines of alerts, on a Kafka in the process: a record that Kafka refuses
 * each time, the pause between tries, and the drain when it closes. */
#include "monitor/alerts/alert_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kafka/consume/reader.h"
#include "tests/unit/mock_broker.h"

#define PRODUCE 0
#define FEED "sluice.default.feed"
#define MOST_BYTES "2000" /* of a record of the producer */
#define RECORDS 4

static struct mock mock;
static struct {
	_Atomic size_t count;
	_Atomic int64_t at_ms;
	char last[LOG_MESSAGE_BYTES], pipeline[8];
} lines;

static void on_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	(void)snprintf(lines.last, sizeof lines.last, "%s", line->message);
	(void)snprintf(lines.pipeline, sizeof lines.pipeline, "%s", line->fields.pipeline ? line->fields.pipeline : "");
	atomic_store(&lines.at_ms, clock_ms());
	atomic_fetch_add(&lines.count, 1);
}

static const struct log_sink sink = {on_line};

static int broker_setup(void **state)
{
	(void)state;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, FEED, 1, 1);
	memset(&lines, 0, sizeof lines);
	return 0;
}

static int broker_teardown(void **state)
{
	(void)state;
	mock_close(&mock);
	return 0;
}

static struct alert_store_config config_of(struct properties producer)
{
	return (struct alert_store_config){
		.brokers = mock.brokers, .feed = FEED, .consumer = mock_quick, .producer = producer, .log = &sink};
}

static void await_written(struct alert_store *store, uint64_t number)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; alert_store_state(store, number) == ALERT_RECORD_WAITS;
	     nanosleep(&pause, NULL))
		assert_true(clock_ms() < until_ms);
}

static bool record_count(void *context, const struct record *record, struct error *error)
{
	(void)record, (void)error;
	++*(size_t *)context;
	return true;
}

static size_t records_in_the_feed(void)
{
	const struct reader_config config = {
		.brokers = mock.brokers, .topic = FEED, .from_beginning = true, .uncommitted = true, .properties = mock_quick};
	struct error error = {0};
	size_t count = 0;
	if (!topic_give_all(&config, record_count, &count, &error))
		fail_msg("%s", error.text);
	return count;
}

static void a_record_that_kafka_refuses_each_time_is_counted_and_blocks_no_other(void **state)
{
	(void)state;
	static char large[4000];
	const struct property properties[] = {{"message.max.bytes", MOST_BYTES}, {"linger.ms", "0"}};
	const struct alert_store_config config = config_of((struct properties){2, properties});
	const struct text too_large = {large, sizeof large};
	struct notice_counts counts = {0}, others = {0};
	const struct recorded_alert of = {"p", "slow", &counts}, another = {"q", "gone", &others};
	struct error error = {0};
	struct alert_store *store = alert_store_open(&config, &error);
	const uint64_t notice = alert_store_write(store, "notice/1/a-firing", too_large, &of);
	const uint64_t firing = alert_store_write(store, "alert/1", too_large, &of);
	const uint64_t small = alert_store_write(store, "alert/2", TEXT("small"), &of);
	await_written(store, small);
	assert_int_equal(alert_store_state(store, notice), ALERT_RECORD_LEFT_OUT);
	assert_int_equal(alert_store_state(store, firing), ALERT_RECORD_LEFT_OUT);
	assert_int_equal(alert_store_state(store, small), ALERT_RECORD_WRITTEN);
	assert_int_equal(alert_store_state(store, small + 1), ALERT_RECORD_WAITS);
	assert_int_equal(alert_store_state(store, 0), ALERT_RECORD_LEFT_OUT);
	assert_int_equal(records_in_the_feed(), 1);
	assert_int_equal(count_read(&counts.rejected), 2);
	assert_int_equal(lines.count, 1);
	assert_string_equal(lines.pipeline, "p");
	assert_non_null(strstr(lines.last,
			       "p: a record of the alert slow cannot be written to " FEED ", and is left out: the record has "));
	assert_non_null(strstr(lines.last, "raise it by --kafka-setting message.max.bytes="));
	(void)alert_store_write(store, "alert/4", too_large, &another);
	(void)alert_store_write(store, "alert/4", too_large, &another);
	await_written(store, alert_store_write(store, "alert/2", TEXT("small"), NULL));
	assert_int_equal(count_read(&others.rejected), 2);
	assert_int_equal(lines.count, 2); /* one for each alert */
	assert_string_equal(lines.pipeline, "q");
	assert_non_null(strstr(lines.last, "q: a record of the alert gone cannot be written to "));

	/* No other engine knows of it: so it is not left to another one. */
	alert_store_await(store, "notice/1/a-firing", true);
	assert_false(alert_store_leave(store, "notice/1/a-firing"));
	assert_true(alert_store_awaits(store, "notice/1/a-firing"));
	alert_store_settle(store, "notice/1/a-firing");
	await_written(store, alert_store_write(store, "alert/3", TEXT("small"), &of));
	alert_store_await(store, "notice/1/a-firing", true); /* as of another firing */
	assert_true(alert_store_leave(store, "notice/1/a-firing"));
	alert_store_close(store);
	assert_int_equal(records_in_the_feed(), 4);
}

static void neither_a_record_nor_a_question_ends_the_pause(void **state)
{
	(void)state;
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const struct alert_store_config config = config_of(mock_quick);
	struct error error = {0};
	rd_kafka_mock_push_request_errors(mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	struct alert_store *store = alert_store_open(&config, &error);
	uint64_t number = alert_store_write(store, "alert/1", TEXT("1"), NULL);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&lines.count) == 0; nanosleep(&pause, NULL))
		assert_true(clock_ms() < until_ms);
	assert_non_null(strstr(lines.last, "uthorization failed"));
	alert_store_ask(store);
	number = alert_store_write(store, "alert/2", TEXT("2"), NULL);
	await_written(store, number);
	assert_true(clock_ms() - atomic_load(&lines.at_ms) >= ALERT_STORE_RETRY_MS);
	alert_store_close(store);
	assert_int_equal(records_in_the_feed(), 2);
}

/* Its notice was sent, so the firing has to be known. */
static void what_is_held_is_written_although_another_engine_sends(void **state)
{
	(void)state;
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const struct alert_store_config config = config_of(mock_quick);
	struct error error = {0};
	rd_kafka_mock_push_request_errors(mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	struct alert_store *store = alert_store_open(&config, &error);
	(void)alert_store_write(store, "alert/1", TEXT("1"), NULL);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&lines.count) == 0; nanosleep(&pause, NULL))
		assert_true(clock_ms() < until_ms);
	const uint64_t held = alert_store_write(store, "alert/2", TEXT("2"), NULL);
	(void)alert_store_write(store, "notice/1/a", TEXT("3"), NULL);
	const uint64_t last = alert_store_write(store, "notice/1/b", (struct text){0}, NULL); /* an end */
	alert_store_hold(store, held);
	alert_store_yield(store);
	await_written(store, last);
	alert_store_close(store);
	assert_int_equal(records_in_the_feed(), 2);
}

static void closing_ends_the_pause(void **state)
{
	(void)state;
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const struct alert_store_config config = config_of(mock_quick);
	struct error error = {0};
	rd_kafka_mock_push_request_errors(mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	struct alert_store *store = alert_store_open(&config, &error);
	(void)alert_store_write(store, "alert/1", TEXT("1"), NULL);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&lines.count) == 0; nanosleep(&pause, NULL))
		assert_true(clock_ms() < until_ms);
	alert_store_close(store);
	assert_true(clock_ms() - atomic_load(&lines.at_ms) < ALERT_STORE_RETRY_MS);
	assert_int_equal(records_in_the_feed(), 1);
}

/* Each record has a request of its own, whose reply takes a while. None is written a second time. */
static void closing_waits_for_the_replies_of_all_records(void **state)
{
	(void)state;
	const struct property properties[] = {{"linger.ms", "0"}, {"batch.num.messages", "1"}, {"max.in.flight", "1"}};
	const struct alert_store_config config = config_of((struct properties){3, properties});
	struct error error = {0};
	rd_kafka_mock_broker_set_rtt(mock.cluster, 1, 100);
	struct alert_store *store = alert_store_open(&config, &error);
	for (size_t i = 0; i < RECORDS; i++)
		(void)alert_store_write(store, "alert/1", TEXT("1"), NULL);
	alert_store_close(store);
	rd_kafka_mock_broker_set_rtt(mock.cluster, 1, 0);
	assert_int_equal(lines.count, 0);
	assert_int_equal(records_in_the_feed(), RECORDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_record_that_kafka_refuses_each_time_is_counted_and_blocks_no_other, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(neither_a_record_nor_a_question_ends_the_pause, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(what_is_held_is_written_although_another_engine_sends, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(closing_ends_the_pause, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(closing_waits_for_the_replies_of_all_records, broker_setup, broker_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
