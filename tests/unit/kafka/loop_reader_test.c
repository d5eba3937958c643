/* A reader in a loop, on librdkafka's mock of a broker: it is opened again after a failure, and begins as the first time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kafka/consume/loop_reader.h"
#include "tests/unit/mock_broker.h"

#define TOPIC "news"
#define FETCH 1 /* Kafka's number of that request */
#define RETRY_MS 50

struct stand {
	struct mock mock;
	struct loop *loop;
	struct loop_reader *reader;
	size_t taken, fresh, opened, failed;
	char last[16];
};

static void take(void *context, const struct record *record, bool is_new)
{
	struct stand *stand = context;
	stand->taken++;
	stand->fresh += is_new;
	(void)snprintf(stand->last, sizeof stand->last, TEXT_FORMAT, TEXT_ARGUMENTS(record->value));
}

static void note_opened(void *context)
{
	((struct stand *)context)->opened++;
}

static void note_failed(void *context, const struct error *error)
{
	struct stand *stand = context;
	assert_int_not_equal(error->text[0], '\0');
	stand->failed++;
}

static void stand_open(struct stand *stand, struct reader_config reader)
{
	struct error error = {0};
	mock_open(&stand->mock);
	assert_int_equal(rd_kafka_mock_topic_create(stand->mock.cluster, TOPIC, 1, 1), 0);
	mock_append(&stand->mock, TOPIC, TEXT("k"), TEXT("first"));
	stand->loop = loop_open(&error);
	reader.brokers = stand->mock.brokers;
	reader.topic = TOPIC;
	reader.properties = mock_quick;
	const struct loop_reader_config config = {.reader = reader,
						  .kept_ms = 60000,
						  .retry_ms = RETRY_MS,
						  .purpose = "reads news",
						  .context = stand,
						  .take = take,
						  .failed = note_failed,
						  .opened = note_opened};
	stand->reader = loop_reader_open(&config, stand->loop, &error);
	assert_non_null(stand->reader);
}

static void stand_close(struct stand *stand)
{
	loop_reader_close(stand->reader);
	loop_close(stand->loop);
	mock_close(&stand->mock);
}

/* Turns the loop until a count is so high. */
static void await(struct stand *stand, const size_t *count, size_t least)
{
	struct error error = {0};
	const int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS;
	while (*count < least) {
		assert_true(loop_turn(stand->loop, 20, &error));
		assert_true(loop_now_ms(stand->loop) < until_ms);
	}
}

static void refuse(struct stand *stand)
{
	for (int i = 0; i < 20; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, FETCH, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
}

/* What it has read comes again, and then what is new. */
static void fails_and_begins_again(struct reader_config config)
{
	struct stand stand = {0};
	stand_open(&stand, config);
	await(&stand, &stand.taken, 1);
	assert_int_equal(stand.opened, 1);
	refuse(&stand);
	await(&stand, &stand.failed, 1);
	rd_kafka_mock_clear_request_errors(stand.mock.cluster, FETCH);
	await(&stand, &stand.taken, 2);
	assert_string_equal(stand.last, "first");
	assert_int_equal(stand.fresh, 0);
	mock_append(&stand.mock, TOPIC, TEXT("k"), TEXT("second"));
	await(&stand, &stand.fresh, 1);
	assert_string_equal(stand.last, "second");
	assert_true(stand.opened >= 2);
	stand_close(&stand);
}

static void a_reader_that_fails_is_opened_again_and_begins_as_the_first_time(void **state)
{
	(void)state;
	fails_and_begins_again((struct reader_config){.from_beginning = true});
	fails_and_begins_again((struct reader_config){.from_time = true});
}

/* While it is opened for the first time, and between two attempts. */
static void a_reader_is_closed_at_any_time(void **state)
{
	(void)state;
	for (size_t failures = 0; failures < 2; failures++) {
		struct stand stand = {0};
		stand_open(&stand, (struct reader_config){.from_beginning = true});
		if (failures > 0) {
			await(&stand, &stand.opened, 1);
			refuse(&stand);
		}
		await(&stand, &stand.failed, failures);
		stand_close(&stand);
		assert_int_equal(stand.opened, failures);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_that_fails_is_opened_again_and_begins_as_the_first_time),
		cmocka_unit_test(a_reader_is_closed_at_any_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
