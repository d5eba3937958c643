/* notice_topic_test.c: Tests of notices that are records of a topic, on a Kafka in the process. */
#include "monitor/alerts/notice_topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor/alerts/notifier.h"
#include "tests/unit/mock_broker.h"

#define MOST_BYTES "2000" /* of a record of the producer */

static void count_await(const uint64_t *count, uint64_t expected)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; count_read(count) < expected; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("not counted");
}

/* It is given up, and the next one is written at once: not after a day. */
static void a_notice_that_its_topic_never_accepts_delays_no_other(void **state)
{
	(void)state;
	static char large[4000];
	static const struct notifier_settings settings;
	const struct property properties[] = {{"message.max.bytes", MOST_BYTES}, {"linger.ms", "0"}};
	struct mock mock;
	struct error error = {0};
	struct notice_counts counts = {0};
	mock_open(&mock);
	const struct notice_topic_config kafka = {mock.brokers, {2, properties}};
	struct notifier *notifier = notifier_open(&settings, &kafka, NULL, &error);
	struct ready_notice notice = {
		.subject = "a notice", .id = "1", .body = {large, sizeof large}, .topic = "out", .key = "large"};
	assert_true(notifier_post(notifier, &notice, &counts, NULL, &error));
	notice = (struct ready_notice){.subject = "a notice", .id = "2", .body = TEXT("small"), .topic = "out", .key = "small"};
	assert_true(notifier_post(notifier, &notice, &counts, NULL, &error));
	count_await(&counts.sent, 1);
	assert_int_equal(count_read(&counts.failed), 1);
	assert_int_equal(mock_read(&mock)->len, sizeof "small" - 1);
	notifier_close(notifier);
	mock_close(&mock);
}

static void the_error_of_a_rejected_notice_has_the_size_and_the_limit(void **state)
{
	(void)state;
	static char large[4000];
	const struct property properties[] = {{"message.max.bytes", MOST_BYTES}};
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	const struct notice_topic_config kafka = {mock.brokers, {1, properties}};
	assert_int_equal(notice_topic_write(&kafka, "out", TEXT("k"), (struct text){large, sizeof large}, NULL, &error),
			 POST_REFUSED);
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "the record has 4001 bytes, too many for message.max.bytes"));
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notice_that_its_topic_never_accepts_delays_no_other),
		cmocka_unit_test(the_error_of_a_rejected_notice_has_the_size_and_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
