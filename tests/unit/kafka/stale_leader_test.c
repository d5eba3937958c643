/* stale_leader_test.c: a worker whose broker says of an offset that it has not got it, as one that was stopped and does not know
 * yet that another broker leads the partition now. On librdkafka's mock of a broker, which truly has the offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "kafka/kafka_log.h"
#include "kafka/consume/reader.h"
#include "tests/unit/worker_stand.h"

#define FETCH 1 /* Kafka's number of that request */
#define REFUSALS 20 /* the mock's own reader takes some */
#define STEPS "  - {name: s, expression: {set: {y: x}}}\n  output: {steps: [s]}\n"

static atomic_int told; /* how often it was asked for again */

static void count_told(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	if (strstr(line->message, "a broker had not got offset 3 of in-0"))
		atomic_fetch_add(&told, 1);
	if (strstr(line->message, "deleted") || strstr(line->message, "created again"))
		atomic_fetch_add(&told, 1000);
}

static const struct log_sink count_told_sink = {count_told};

static bool record_count(void *context, const struct record *record, struct error *error)
{
	size_t *count = context;
	(void)error, (void)record;
	++*count;
	return true;
}

static size_t answers(const struct stand *stand)
{
	struct error error = {0};
	size_t count = 0;
	const struct reader_config config = {.brokers = stand->mock.brokers,
					     .topic = "out",
					     .from_beginning = true,
					     .uncommitted = true,
					     .properties = mock_quick};
	assert_true(topic_give_all(&config, record_count, &count, &error));
	return count;
}

static void answers_await(const struct stand *stand, size_t wanted)
{
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; answers(stand) < wanted;)
		assert_true(clock_ms() < until_ms);
}

static void broker_is_stale(struct stand *stand)
{
	for (int i = 0; i < REFUSALS; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, FETCH, 1, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
}

static void told_await(void)
{
	static const struct timespec pause = {.tv_nsec = 20000000};
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&told) == 0; nanosleep(&pause, NULL))
		assert_true(clock_ms() < until_ms);
}

static void stand_prepare(struct stand *stand, bool exactly_once)
{
	atomic_store(&told, 0);
	kafka_log_to(&count_told_sink);
	stand_configure(stand, STEPS);
	if (!exactly_once)
		stand->config.transaction.id = NULL;
}

static void last_one_is_answered_once(struct stand *stand, size_t before)
{
	told_await();
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, FETCH);
	stand_ask(stand, "last", 4, NULL, NULL);
	answers_await(stand, before + 1);
	(void)stand_stop(stand);
	assert_int_equal(answers(stand), before + 1);
	assert_in_range(atomic_load(&told), 1, REFUSALS);
	kafka_log_to(NULL);
}

static void what_was_answered_is_not_answered_again(struct stand *stand, bool exactly_once)
{
	stand_prepare(stand, exactly_once);
	stand_start(stand);
	for (int i = 0; i < 3; i++)
		stand_ask(stand, "a", i, NULL, NULL);
	answers_await(stand, 3);
	broker_is_stale(stand);
	last_one_is_answered_once(stand, 3);
}

static void exactly_once_what_was_answered_is_not_answered_again(void **state)
{
	what_was_answered_is_not_answered_again(*state, true);
}

static void at_least_once_what_was_answered_is_not_answered_again(void **state)
{
	what_was_answered_is_not_answered_again(*state, false);
}

/* Nothing was read since the start: what the group has committed tells where it stands. */
static void what_was_committed_before_the_start_is_not_answered_again(void **state)
{
	struct stand *stand = *state;
	stand_prepare(stand, true);
	for (int i = 0; i < 3; i++)
		stand_ask(stand, "a", i, NULL, NULL);
	mock_commit(&stand->mock, stand->config.consumer.group, 3);
	broker_is_stale(stand);
	stand_start(stand);
	last_one_is_answered_once(stand, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(exactly_once_what_was_answered_is_not_answered_again),
		STORY(at_least_once_what_was_answered_is_not_answered_again),
		STORY(what_was_committed_before_the_start_is_not_answered_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
