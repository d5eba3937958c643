/* direct_stall_test.c: Direct ingress whose log Kafka does not acknowledge, on the mock of a broker: requests are answered up to
 * the limit, then they wait, and then they are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "tests/unit/direct_stand.h"

/* More than the worker begins while nothing is acknowledged, and no more than it may have. */
#define ASKED DIRECT_UNLOGGED_MAX
#define BEGUN_AT_LEAST (DIRECT_UNLOGGED_MAX - DIRECT_OPEN_MAX)

/* The broker goes away when the worker has started, and so many ask. */
static void ask_without_broker(struct stand *stand, size_t count, const char *queued_most)
{
	const struct property quick[] = {{"reconnect.backoff.ms", "10"},
					 {"reconnect.backoff.max.ms", "50"},
					 {"log_level", "0"},
					 {"queue.buffering.max.messages", queued_most}};
	direct_configure(stand, direct_doubles);
	stand->config.transaction.properties = (struct properties){4, quick};
	stand_start(stand);
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	for (size_t i = 0; i < count; i++)
		direct_ask_until_sent(); /* a worker has fewer at a time */
}

/* The replies that have come are closed. Returns how many are answers; the others are refusals. */
static size_t answers_close(struct direct_message *message, size_t *refused)
{
	size_t answers = 0;
	for (struct direct_message *next; message; message = next) {
		next = message->next;
		assert_false(message->is_returned);
		answers += !message->is_refused;
		*refused += message->is_refused;
		direct_message_close(message);
	}
	return answers;
}

/* All of them are answered, once, and logged. */
static void what_comes_while_kafka_stands_still_for_a_moment_waits_and_is_answered(void **state)
{
	struct stand *stand = *state;
	size_t answered = 0, refused = 0;
	ask_without_broker(stand, ASKED, "100000");
	while (answered <= BEGUN_AT_LEAST)
		answered += answers_close(direct_replies(), &refused);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	while (answered + refused < ASKED)
		answered += answers_close(direct_replies(), &refused);
	assert_int_equal(refused, 0);
	assert_int_equal(stand_stop(stand).answered, ASKED);
	assert_int_equal(direct_records_in(stand, "out"), ASKED);
	assert_int_equal(direct_records_in(stand, "in"), ASKED);
}

/* The worker begins no more than its producer takes, and so has room for callers. */
static void what_comes_while_the_producer_is_full_waits_and_is_answered(void **state)
{
	struct stand *stand = *state;
	size_t answered = 0, refused = 0;
	ask_without_broker(stand, DIRECT_OPEN_MAX, "200"); /* two records of each exchange */
	while (answered < 100)
		answered += answers_close(direct_replies(), &refused);
	(void)usleep(100000);
	answered += answers_close(direct_hub_take(direct_stand_hub), &refused);
	assert_true(answered < DIRECT_OPEN_MAX / 2);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	while (answered + refused < DIRECT_OPEN_MAX)
		answered += answers_close(direct_replies(), &refused);
	assert_int_equal(refused, 0);
	assert_int_equal(stand_stop(stand).answered, DIRECT_OPEN_MAX);
	assert_int_equal(direct_records_in(stand, "out"), DIRECT_OPEN_MAX);
}

/* When the broker is back, what was answered is logged, and not what was refused. */
static void what_waits_longer_is_refused_until_kafka_is_back(void **state)
{
	struct stand *stand = *state;
	size_t answered = 0, refused = 0;
	ask_without_broker(stand, ASKED, "100000");
	while (answered + refused < ASKED)
		answered += answers_close(direct_replies(), &refused);
	assert_true(answered > BEGUN_AT_LEAST && refused > 0);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_STALLED);
	assert_null(direct_hub_take(direct_stand_hub));
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	direct_ask_until_sent();
	direct_replies_pass(1);
	assert_int_equal(stand_stop(stand).answered, answered + 1);
	assert_int_equal(direct_records_in(stand, "out"), answered + 1);
	assert_int_equal(direct_records_in(stand, "in"), answered + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_STORY(what_comes_while_kafka_stands_still_for_a_moment_waits_and_is_answered),
		DIRECT_STORY(what_comes_while_the_producer_is_full_waits_and_is_answered),
		DIRECT_STORY(what_waits_longer_is_refused_until_kafka_is_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
