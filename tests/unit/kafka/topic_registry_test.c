/* topic_registry_test.c: Tests of what the members of the registry of topics are told, on librdkafka's mock of a broker: whether a
 * record that was read still stands at its offset, and rights. That an engine notices a topic which is made anew, and a right that
 * is given back, is shown on a real Kafka, by tests/kafka/faults.sh and secure.sh. */
/* NOLINTNEXTLINE(bugprone-suspicious-include): one look after another, which a broker does not give */
#include "engine/kafka/topics/topic_registry.c"

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
	struct topic_member *member;
	int bell;
};

static void stand_open(struct stand *stand)
{
	struct error error = {0};
	mock_open(&stand->mock);
	for (int i = 0; i < RECORDS; i++)
		mock_write(&stand->mock, NULL, "x", NULL, NULL);
	stand->bell = bell_open(&error);
	const struct topic_member_config config = {
		.brokers = stand->mock.brokers, .properties = mock_quick, .every_ms = EVERY_MS, .bell = stand->bell};
	stand->member = topic_member_open(&config, &error);
	assert_non_null(stand->member);
}

static void stand_close(struct stand *stand)
{
	topic_member_close(stand->member);
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
		topic_member_note(stand.member, "in", 0, offset, TIME_MS);
		assert_false(rings(&stand, ROUNDS_MS / RECORDS));
	}
	assert_false(rings(&stand, ROUNDS_MS));
	assert_false(topic_member_replaced(stand.member, &news));
	stand_close(&stand);
}

/* As when its topic was made anew, and filled beyond where it was read. */
static void another_one_at_its_offset_is_told_once_when_more_was_read(void **state)
{
	(void)state;
	struct stand stand;
	struct topic_replacement news;
	stand_open(&stand);
	topic_member_note(stand.member, "in", 0, 4, TIME_MS + 1);
	assert_false(rings(&stand, ROUNDS_MS));
	topic_member_note(stand.member, "in", 0, 7, TIME_MS);
	assert_true(rings(&stand, MOCK_WAIT_MS));
	bell_quiet(stand.bell);
	assert_true(topic_member_replaced(stand.member, &news));
	assert_string_equal(news.topic, "in");
	assert_int_equal(news.partition, 0);
	assert_int_equal(news.begin, 0);
	assert_int_equal(news.end, 5);
	assert_false(topic_member_replaced(stand.member, &news));
	topic_member_note(stand.member, "in", 0, 9, TIME_MS);
	assert_false(rings(&stand, ROUNDS_MS)); /* what stands there now is what was read last */
	stand_close(&stand);
}

static void one_that_cannot_be_read_or_is_forgotten_is_no_news(void **state)
{
	(void)state;
	struct stand stand;
	stand_open(&stand);
	topic_member_note(stand.member, "in", 0, RECORDS + 4, TIME_MS);
	topic_member_note(stand.member, "in", 0, RECORDS + 5, TIME_MS);
	topic_member_note(stand.member, "missing", 0, 1, TIME_MS);
	topic_member_note(stand.member, "missing", 0, 2, TIME_MS);
	assert_false(rings(&stand, ROUNDS_MS));
	topic_member_forget(stand.member);
	topic_member_note(stand.member, "in", 0, 4, TIME_MS + 1);
	topic_member_note(stand.member, "in", 0, 7, TIME_MS);
	topic_member_forget(stand.member);
	topic_member_note(stand.member, "in", 0, 5, TIME_MS);
	topic_member_note(stand.member, "in", 0, 6, TIME_MS);
	assert_false(rings(&stand, ROUNDS_MS));
	stand_close(&stand);
}

/* As when one broker answers that has not heard yet of a topic which was made anew. */
static void a_doubt_counts_with_the_next_look_alone(void **state)
{
	const enum record_finding findings[] = {FINDING_OTHER, FINDING_SAME, FINDING_OTHER, FINDING_NONE, FINDING_OTHER};
	const struct topic_member member = {.config.bell = -1};
	struct partition_note note = {.anchor = {4, TIME_MS}, .newest = {7, TIME_MS}};
	(void)state;
	for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
		assert_false(note.reported);
		finding_take(&member, &note, findings[i], 0);
	}
	assert_true(note.reported);
}

/* An idle topic is read from its end. That Kafka refuses a fetch without the right is shown by secure.sh. */
static void a_right_to_read_is_told_once_when_kafka_answers_a_fetch(void **state)
{
	(void)state;
	struct stand stand;
	stand_open(&stand);
	assert_int_equal(topic_member_right(stand.member, RIGHT_TO_READ, "in"), RIGHT_UNKNOWN);
	assert_true(rings(&stand, MOCK_WAIT_MS));
	assert_int_equal(topic_member_right(stand.member, RIGHT_TO_READ, "in"), RIGHT_GIVEN);
	assert_int_equal(topic_member_right(stand.member, RIGHT_TO_READ, "in"), RIGHT_UNKNOWN); /* another question */
	topic_member_forget_rights(stand.member);
	stand_close(&stand);
}

/* As the workers of an engine. */
static void each_member_has_its_own_news_and_may_leave_before_others(void **state)
{
	(void)state;
	struct stand stand;
	struct error error = {0};
	struct topic_replacement news;
	stand_open(&stand);
	const struct topic_member_config config = {
		.brokers = stand.mock.brokers, .properties = mock_quick, .every_ms = EVERY_MS, .bell = -1};
	struct topic_member *leaves = topic_member_open(&config, &error), *same = topic_member_open(&config, &error);
	topic_member_note(leaves, "in", 0, 4, TIME_MS + 1);
	topic_member_note(leaves, "in", 0, 7, TIME_MS);
	topic_member_note(same, "in", 0, 4, TIME_MS);
	topic_member_note(same, "in", 0, 7, TIME_MS);
	topic_member_close(leaves);
	topic_member_note(stand.member, "in", 0, 4, TIME_MS + 1);
	topic_member_note(stand.member, "in", 0, 7, TIME_MS);
	assert_true(rings(&stand, MOCK_WAIT_MS));
	assert_false(topic_member_replaced(same, &news));
	assert_true(topic_member_replaced(stand.member, &news));
	topic_member_close(same);
	stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_that_stands_where_it_was_read_is_no_news),
		cmocka_unit_test(another_one_at_its_offset_is_told_once_when_more_was_read),
		cmocka_unit_test(one_that_cannot_be_read_or_is_forgotten_is_no_news),
		cmocka_unit_test(a_doubt_counts_with_the_next_look_alone),
		cmocka_unit_test(a_right_to_read_is_told_once_when_kafka_answers_a_fetch),
		cmocka_unit_test(each_member_has_its_own_news_and_may_leave_before_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
