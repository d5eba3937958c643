/* fetch_wake_test.c: Tests of a consumer whose queue is full again and again: it goes on as soon as there is room. On librdkafka's
 * mock of a broker, from which each fetch gets one batch, which fills the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "log/consumer_parts.h"
#include "log/reader.h"
#include "net/loop.h"
#include "tests/unit/mock_broker.h"

#define BATCHES 24
#define IN_BATCH 100
#define RECORDS ((int64_t)BATCHES * IN_BATCH)
#define VALUE_BYTES 200
#define MOST_MS (BATCHES * 1000 / 2) /* half of what it takes if each batch waits for a second */
#define TAKEN_TOGETHER 50

static struct mock mock;
static struct consumer *consumer;

static void topic_fill(void)
{
	char value[VALUE_BYTES];
	memset(value, 'v', sizeof value);
	for (int64_t i = 0; i < RECORDS; i++) {
		mock_send(&mock, "in", (struct text){0}, (struct text){value, sizeof value});
		if (i % IN_BATCH == IN_BATCH - 1)
			assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	}
}

static int stand_begin(void **state)
{
	(void)state;
	mock_open(&mock);
	topic_fill();
	return 0;
}

static int stand_end(void **state)
{
	(void)state;
	if (consumer)
		consumer_close(consumer);
	consumer = NULL;
	mock_close(&mock);
	return 0;
}

static void assert_reads_on(const struct property *own, size_t count)
{
	struct property items[16];
	struct record records[TAKEN_TOGETHER];
	struct positions changed;
	struct error error = {0};
	int64_t due = 0, begun_ms = 0;
	assert_true(count + mock_quick.count <= sizeof items / sizeof *items);
	memcpy(items, mock_quick.items, mock_quick.count * sizeof *items);
	memcpy(items + mock_quick.count, own, count * sizeof *items);
	const struct consumer_config config = {.brokers = mock.brokers,
					       .group = "g",
					       .topics = mock_in,
					       .topic_count = 1,
					       .properties = {mock_quick.count + count, items}};
	consumer = consumer_open(&config, &error);
	assert_string_equal(error.text, "");
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS + MOST_MS; due < RECORDS;) {
		struct pollfd bell = {.fd = consumer_bell(consumer), .events = POLLIN};
		size_t taken = 0;
		assert_true(clock_ms() < until_ms);
		(void)poll(&bell, 1, 50);
		(void)bell_quiet(bell.fd);
		if (consumer_change(consumer, &changed) != ASSIGNMENT_SAME)
			assert_true(consumer_accept(consumer, &error));
		assert_true(consumer_take(consumer, records, TAKEN_TOGETHER, &taken, &error));
		if (taken > 0 && due == 0)
			begun_ms = clock_ms();
		for (size_t i = 0; i < taken; i++, due++) {
			assert_int_equal(records[i].offset, due);
			record_release(&records[i]);
		}
		if (taken == TAKEN_TOGETHER)
			bell_ring(bell.fd); /* there may be more */
	}
	assert_in_range(clock_ms() - begun_ms, 0, MOST_MS);
}

static void a_queue_with_its_most_records_is_filled_again_at_once(void **state)
{
	const struct property own[] = {{"queued.min.messages", "100"}, {"fetch.message.max.bytes", "1000"}};
	(void)state;
	assert_reads_on(own, sizeof own / sizeof *own);
}

static void assert_is_set(const char *name, const char *expected)
{
	const struct kafka_consumer *parts = (const struct kafka_consumer *)consumer;
	char value[64];
	size_t room = sizeof value;
	assert_int_equal(rd_kafka_conf_get(rd_kafka_conf(parts->client), name, value, &room), RD_KAFKA_CONF_OK);
	assert_string_equal(value, expected);
}

static void a_queue_with_its_most_bytes_is_filled_again_and_the_login_stays(void **state)
{
	const struct property own[] = {{"queued.max.messages.kbytes", "16"},
				       {"fetch.message.max.bytes", "1000"},
				       {"sasl.username", "somebody"},
				       {"sasl.password", "so secret"}};
	(void)state;
	assert_reads_on(own, sizeof own / sizeof *own);
	assert_is_set("sasl.username", "somebody");
	assert_is_set("sasl.password", "so secret");
}

static void a_reader_goes_on_too(void **state)
{
	const struct property own[] = {{"queued.min.messages", "100"}, {"fetch.message.max.bytes", "1000"}};
	const struct reader_config config = {
		.brokers = mock.brokers, .topic = "in", .from_beginning = true, .properties = {sizeof own / sizeof *own, own}};
	struct error error = {0};
	int64_t due = 0, begun_ms = 0;
	(void)state;
	struct reader *reader = reader_open(&config, &error);
	assert_string_equal(error.text, "");
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS + MOST_MS; due < RECORDS;) {
		struct record record;
		assert_true(clock_ms() < until_ms);
		assert_true(reader_next(reader, 50, &record, &error));
		if (!record.held)
			continue;
		begun_ms = due == 0 ? clock_ms() : begun_ms;
		assert_int_equal(record.offset, due++);
		record_release(&record);
	}
	reader_close(reader);
	assert_in_range(clock_ms() - begun_ms, 0, MOST_MS);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_begin, stand_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_queue_with_its_most_records_is_filled_again_at_once),
		STORY(a_queue_with_its_most_bytes_is_filled_again_and_the_login_stays),
		STORY(a_reader_goes_on_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
