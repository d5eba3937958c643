/* replacement_watch_test.c: Tests of whether a record that was read still stands at its offset, on librdkafka's mock of a
 * broker. That a topic which is made anew under a running engine is noticed is shown on a real Kafka, by tests/kafka/faults.sh. */
#include "kafka/topics/replacement_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "net/loop.h"
#include "tests/unit/mock_broker.h"

#define EVERY_MS 20
#define ROUNDS_MS 600 /* many rounds, also where each finds nothing */
#define TIME_MS 1000  /* of the mock's records */
#define RECORDS 10

struct stand {
	struct mock mock;
	struct replacement_watch *watch;
	int bell;
};

static void stand_open(struct stand *stand)
{
	struct error error = {0};
	mock_open(&stand->mock);
	for (int i = 0; i < RECORDS; i++)
		mock_write(&stand->mock, NULL, "x", NULL, NULL);
	stand->bell = bell_open(&error);
	const struct replacement_watch_config config = {
		.brokers = stand->mock.brokers, .properties = mock_quick, .every_ms = EVERY_MS, .bell = stand->bell};
	stand->watch = replacement_watch_open(&config, &error);
	assert_non_null(stand->watch);
}

static void stand_close(struct stand *stand)
{
	replacement_watch_close(stand->watch);
	close(stand->bell);
	mock_close(&stand->mock);
}

static bool rings(const struct stand *stand, int wait_ms)
{
	struct pollfd bell = {.fd = stand->bell, .events = POLLIN};
	return poll(&bell, 1, wait_ms) == 1;
}

static void a_record_that_stands_where_it_was_read_is_no_news(void **state)
{
	(void)state;
	struct stand stand;
	struct topic_replacement news;
	stand_open(&stand);
	for (int64_t offset = 0; offset < RECORDS; offset++) {
		replacement_watch_note(stand.watch, "in", 0, offset, TIME_MS);
		assert_false(rings(&stand, ROUNDS_MS / RECORDS));
	}
	assert_false(rings(&stand, ROUNDS_MS));
	assert_false(replacement_watch_take(stand.watch, &news));
	stand_close(&stand);
}

/* As when its topic was made anew, and filled beyond where it was read. */
static void another_one_at_its_offset_is_told_once_when_more_was_read(void **state)
{
	(void)state;
	struct stand stand;
	struct topic_replacement news;
	stand_open(&stand);
	replacement_watch_note(stand.watch, "in", 0, 4, TIME_MS + 1);
	assert_false(rings(&stand, ROUNDS_MS));
	replacement_watch_note(stand.watch, "in", 0, 7, TIME_MS);
	assert_true(rings(&stand, MOCK_WAIT_MS));
	bell_quiet(stand.bell);
	assert_true(replacement_watch_take(stand.watch, &news));
	assert_string_equal(news.topic, "in");
	assert_int_equal(news.partition, 0);
	assert_int_equal(news.begin, 0);
	assert_int_equal(news.end, 5);
	assert_false(replacement_watch_take(stand.watch, &news));
	replacement_watch_note(stand.watch, "in", 0, 9, TIME_MS);
	assert_false(rings(&stand, ROUNDS_MS)); /* what stands there now is what was read last */
	stand_close(&stand);
}

static void one_that_cannot_be_read_or_is_forgotten_is_no_news(void **state)
{
	(void)state;
	struct stand stand;
	stand_open(&stand);
	replacement_watch_note(stand.watch, "in", 0, RECORDS + 4, TIME_MS);
	replacement_watch_note(stand.watch, "in", 0, RECORDS + 5, TIME_MS);
	replacement_watch_note(stand.watch, "missing", 0, 1, TIME_MS);
	replacement_watch_note(stand.watch, "missing", 0, 2, TIME_MS);
	assert_false(rings(&stand, ROUNDS_MS));
	replacement_watch_forget(stand.watch);
	replacement_watch_note(stand.watch, "in", 0, 4, TIME_MS + 1);
	replacement_watch_note(stand.watch, "in", 0, 7, TIME_MS);
	replacement_watch_forget(stand.watch);
	replacement_watch_note(stand.watch, "in", 0, 5, TIME_MS);
	replacement_watch_note(stand.watch, "in", 0, 6, TIME_MS);
	assert_false(rings(&stand, ROUNDS_MS));
	stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_that_stands_where_it_was_read_is_no_news),
		cmocka_unit_test(another_one_at_its_offset_is_told_once_when_more_was_read),
		cmocka_unit_test(one_that_cannot_be_read_or_is_forgotten_is_no_news),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
