/* What a group has not committed yet, as Kafka knows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log/backlog.h"
#include "tests/unit/mock_broker.h"

#define PATIENCE_MS 10000

static void what_is_not_committed_is_counted_over_all_topics(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	mock_open(&mock);
	for (int i = 0; i < 5; i++)
		mock_write(&mock, NULL, "x", NULL, NULL);
	rd_kafka_flush(mock.writer, PATIENCE_MS);
	struct backlog *backlog = backlog_open(mock.brokers, (struct properties){0}, "g", &error);
	assert_non_null(backlog);
	assert_int_equal(backlog_measure(backlog, TEXT("in"), PATIENCE_MS), 5);
	mock_commit(&mock, "g", 3);
	assert_int_equal(backlog_measure(backlog, TEXT("in out"), PATIENCE_MS), 2);
	assert_int_equal(backlog_measure(backlog, TEXT(""), PATIENCE_MS), -1);
	backlog_close(backlog);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_not_committed_is_counted_over_all_topics)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
