/* fetch_wake_test.c: Tests of a consumer whose queue is full again and again: it goes on as soon as there is room. On librdkafka's
 * mock of a broker, from which each fetch gets one batch, which fills the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/state/changelog.h"
#include "kafka/consume/consumer_parts.h"
#include "kafka/consume/reader.h"
#include "net/loop.h"
#include "flow/state/change.h"
#include "tests/unit/mock_broker.h"

#define BATCHES 24
#define IN_BATCH 100
#define RECORDS ((int64_t)BATCHES * IN_BATCH)
#define VALUE_BYTES 200
#define MOST_MS (BATCHES * 1000 / 2) /* half of what it takes if each batch waits for a second */
#define STORE_BYTES ((size_t)16 << 20)
#define TAKEN_TOGETHER 50
#define PAUSES 10
#define PAUSE_MS 30

static const char *const scopes[] = {"s"};
static const char *const mixed[] = {"mixed"};
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

static void consumer_begin(const char *const *topics, const struct property *own, size_t count)
{
	static struct property items[16]; /* that the consumer borrows */
	static struct consumer_config config;
	struct error error = {0};
	assert_true(count + mock_quick.count <= sizeof items / sizeof *items);
	memcpy(items, mock_quick.items, mock_quick.count * sizeof *items);
	if (count > 0)
		memcpy(items + mock_quick.count, own, count * sizeof *items);
	config = (struct consumer_config){.brokers = mock.brokers,
					  .group = "g",
					  .topics = topics,
					  .topic_count = 1,
					  .properties = {mock_quick.count + count, items}};
	consumer = consumer_open(&config, &error);
	assert_string_equal(error.text, "");
}

/* Takes those that are there, or come soon. */
static void records_take(int64_t *due, size_t most)
{
	struct pollfd bell = {.fd = consumer_bell(consumer), .events = POLLIN};
	struct record records[TAKEN_TOGETHER];
	struct positions changed;
	struct error error = {0};
	size_t taken = 0;
	(void)poll(&bell, 1, 50);
	(void)bell_quiet(bell.fd);
	if (consumer_change(consumer, &changed) != ASSIGNMENT_SAME)
		assert_true(consumer_accept(consumer, &error));
	assert_true(consumer_take(consumer, records, most, &taken, &error));
	for (size_t i = 0; i < taken; i++, (*due)++) {
		assert_int_equal(records[i].offset, *due);
		record_release(&records[i]);
	}
	if (taken == most)
		bell_ring(bell.fd); /* there may be more */
}

static void assert_reads_on(const struct property *own, size_t count)
{
	int64_t due = 0, begun_ms = 0;
	consumer_begin(mock_in, own, count);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS + MOST_MS; due < RECORDS;) {
		assert_true(clock_ms() < until_ms);
		records_take(&due, TAKEN_TOGETHER);
		if (due > 0 && begun_ms == 0)
			begun_ms = clock_ms();
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

/* A partition that was paused goes on. Its thread sleeps, as it has nothing else to fetch. */
static void a_partition_that_goes_on_is_read_at_once(void **state)
{
	int64_t due = 0, waited_ms = 0;
	(void)state;
	consumer_begin(mock_in, NULL, 0);
	for (int i = 0; i < PAUSES; i++) {
		struct position position = {0, 0, OFFSET_NONE};
		struct error error = {0};
		while (due <= i)
			records_take(&due, 1);
		assert_true(consumer_pause(consumer, (struct positions){1, &position}, true, &error));
		(void)poll(NULL, 0, PAUSE_MS);
		assert_true(consumer_pause(consumer, (struct positions){1, &position}, false, &error));
		const int64_t begun_ms = clock_ms();
		for (const int64_t before = due; due == before;)
			records_take(&due, 1);
		waited_ms += clock_ms() - begun_ms;
	}
	assert_in_range(waited_ms, 0, PAUSES * 1000 / 2); /* half of what it takes if each waits for a second */
}

/* One partition has a record in front of each batch of the other. That batch is full, and dropped when its partition is sought. */
static void mixed_fill(void)
{
	char value[VALUE_BYTES];
	memset(value, 'v', sizeof value);
	rd_kafka_mock_topic_create(mock.cluster, mixed[0], 2, 1);
	for (int64_t i = 0; i < BATCHES; i++) {
		for (int j = 0; j <= IN_BATCH; j++)
			assert_int_equal(rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC(mixed[0]), RD_KAFKA_V_PARTITION(j > 0),
							   RD_KAFKA_V_VALUE(value, sizeof value),
							   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
					 0);
		assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	}
}

/* Takes until there is one of the second partition. */
static void second_take(void)
{
	struct record records[TAKEN_TOGETHER];
	struct positions changed;
	struct error error = {0};
	for (bool is_there = false; !is_there;) {
		size_t taken = 0;
		(void)poll(NULL, 0, 2);
		if (consumer_change(consumer, &changed) != ASSIGNMENT_SAME)
			assert_true(consumer_accept(consumer, &error));
		assert_true(consumer_take(consumer, records, TAKEN_TOGETHER, &taken, &error));
		for (size_t i = 0; i < taken; i++) {
			is_there = is_there || records[i].partition == 1;
			record_release(&records[i]);
		}
	}
}

static void records_that_a_seek_drops_make_room(void **state)
{
	const struct property own[] = {{"queued.min.messages", "100"}, {"fetch.message.max.bytes", "1000"}};
	struct position position = {0, 1, 0};
	struct error error = {0};
	int64_t waited_ms = 0;
	(void)state;
	mixed_fill();
	consumer_begin(mixed, own, sizeof own / sizeof *own);
	second_take();
	for (int i = 0; i < PAUSES; i++) {
		for (size_t taken = TAKEN_TOGETHER; taken == TAKEN_TOGETHER;) {
			struct record records[TAKEN_TOGETHER];
			assert_true(consumer_take(consumer, records, TAKEN_TOGETHER, &taken, &error));
			for (size_t j = 0; j < taken; j++)
				record_release(&records[j]);
		}
		(void)poll(NULL, 0, PAUSE_MS); /* the queue is full again */
		assert_true(consumer_seek(consumer, (struct positions){1, &position}, &error));
		const int64_t begun_ms = clock_ms();
		second_take();
		waited_ms += clock_ms() - begun_ms;
	}
	assert_in_range(waited_ms, 0, PAUSES * 1000 / 2);
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

static void state_fill(void)
{
	char value[VALUE_BYTES];
	struct buffer key, change;
	buffer_open(&key, sizeof value);
	buffer_open(&change, 2 * sizeof value);
	memset(value, 'v', sizeof value);
	for (int64_t i = 0; i < RECORDS; i++) {
		char name[24];
		(void)snprintf(name, sizeof name, "%lld", (long long)i);
		buffer_clear(&key);
		buffer_clear(&change);
		change_write_key(&key, scopes[0], text_of(name));
		change_write_value(&change, (struct text){value, sizeof value});
		mock_send(&mock, "out", buffer_view(&key), buffer_view(&change));
		if (i % IN_BATCH == IN_BATCH - 1)
			assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	}
	buffer_close(&key);
	buffer_close(&change);
}

static void a_restore_goes_on_too(void **state)
{
	const struct property own[] = {{"queued.min.messages", "100"}, {"fetch.message.max.bytes", "1000"}};
	const struct changelog_source source = {.topic = "out", .pipeline = "p", .from = OFFSET_NONE};
	struct changelog_extent extent;
	struct error error = {0};
	(void)state;
	state_fill();
	struct store *store = store_open((struct store_scopes){1, scopes}, STORE_BYTES);
	struct changelog_reader *reader =
		changelog_reader_open(mock.brokers, (struct properties){sizeof own / sizeof *own, own}, &error);
	assert_string_equal(error.text, "");
	const int64_t begun_ms = clock_ms();
	const enum changelog_end end = changelog_read(reader, &source, store, &extent, &error);
	assert_string_equal(error.text, "");
	assert_int_equal(end, CHANGELOG_READ);
	assert_in_range(clock_ms() - begun_ms, 0, MOST_MS);
	assert_int_equal(extent.end, RECORDS);
	assert_int_equal(store_count(store), RECORDS);
	changelog_reader_close(reader);
	store_close(store);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_begin, stand_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_queue_with_its_most_records_is_filled_again_at_once),
		STORY(a_queue_with_its_most_bytes_is_filled_again_and_the_login_stays),
		STORY(a_partition_that_goes_on_is_read_at_once),
		STORY(records_that_a_seek_drops_make_room),
		STORY(a_reader_goes_on_too),
		STORY(a_restore_goes_on_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
