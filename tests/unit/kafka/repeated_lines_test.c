/* repeated_lines_test.c: which of librdkafka's lines report the same fact. The lines are those of librdkafka 2.0 and 2.12. */
#include "kafka/repeated_lines.h"

#include <stdio.h>

#include <cmocka.h>

#define REFUSED(handle, state) handle " Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state " state ")"

static bool take(struct repeated_lines *lines, const char *line, int64_t now_ms)
{
	uint64_t more;
	return repeated_lines_admit(lines, line, now_ms, &more);
}

static void an_outage_is_logged_once_whoever_reports_it(void **state)
{
	(void)state;
	struct repeated_lines lines = {0};
	assert_true(take(&lines, REFUSED("127.0.0.1:9092/bootstrap:", "CONNECT"), 1));
	assert_false(take(&lines, REFUSED("127.0.0.1:9092/1:", "CONNECT"), 2));
	assert_false(take(&lines, REFUSED("GroupCoordinator: 127.0.0.1:9092:", "CONNECT, 33 identical error(s) suppressed"), 3));
	assert_false(take(&lines, REFUSED("TxnCoordinator: 127.0.0.1:9092:", "CONNECT"), 4));
	assert_true(take(&lines, "127.0.0.1:9092/1: Disconnected (after 9003ms in state UP)", 5));
	assert_false(take(&lines, "GroupCoordinator: 127.0.0.1:9092: Disconnected (after 8997ms in state UP)", 6));
	assert_true(take(&lines, "b:1/1: Timed out 1 in-flight, 0 retry-queued requests", 7));
	assert_false(take(&lines, "b:1/1: Timed out 25 in-flight, 3 retry-queued requests", 8));
	assert_true(take(&lines, "b:1/1: 1 request(s) timed out: disconnect (after 6003ms in state UP)", 9));
	assert_false(take(&lines, "b:1/1: 2 request(s) timed out: disconnect (average rtt 0.512ms) (after 9ms in state UP)", 10));
	assert_int_equal(repeated_lines_end(&lines), 6);
}

static void another_broker_or_reason_is_another_fact(void **state)
{
	(void)state;
	struct repeated_lines lines = {0};
	assert_true(take(&lines, "127.0.0.1:9092/1: Disconnected (after 9003ms in state UP)", 1));
	assert_true(take(&lines, "127.0.0.1:9093/1: Disconnected (after 9003ms in state UP)", 2));
	assert_true(take(&lines, "127.0.0.2:9092/2: Disconnected (after 9003ms in state UP)", 3));
	assert_true(take(&lines, "127.0.0.1:9092/1: Receive failed: Connection reset by peer (after 1ms in state UP)", 4));
	assert_true(take(&lines, "Consumer group session timed out (in join-state steady) after 6000 ms", 5));
	assert_true(take(&lines, "Topic a: cannot be written", 6));
	assert_true(take(&lines, "Topic b: cannot be written", 7));
	assert_true(take(&lines, "", 8));
	assert_int_equal(repeated_lines_end(&lines), 0);
}

static void a_fact_that_lasts_is_logged_again_with_the_lines_between(void **state)
{
	(void)state;
	struct repeated_lines lines = {0};
	uint64_t more = 7;
	assert_true(repeated_lines_admit(&lines, "b:1/1: Disconnected", 1000, &more));
	assert_int_equal(more, 0);
	for (int i = 0; i < 9; i++)
		assert_false(take(&lines, "b:1/1: Disconnected", 2000 + i));
	assert_false(take(&lines, "b:1/1: Disconnected", 1000 + REPEATED_LINE_MS - 1));
	assert_true(repeated_lines_admit(&lines, "b:1/1: Disconnected", 1000 + REPEATED_LINE_MS, &more));
	assert_int_equal(more, 10);
	assert_false(take(&lines, "b:1/1: Disconnected", 1001 + REPEATED_LINE_MS));
	assert_int_equal(repeated_lines_end(&lines), 1);
	assert_true(take(&lines, "b:1/1: Disconnected", 1002 + REPEATED_LINE_MS)); /* a new outage */
}

static void of_too_many_facts_the_oldest_is_forgotten_and_its_lines_still_count(void **state)
{
	(void)state;
	struct repeated_lines lines = {0};
	char line[32];
	for (int i = 0; i < REPEATED_LINES; i++) {
		(void)snprintf(line, sizeof line, "broker-%d:9092/1: Disconnected", i);
		assert_true(take(&lines, line, 1 + i));
		assert_false(take(&lines, line, 1 + i));
	}
	assert_false(take(&lines, "broker-0:9092/1: Disconnected", 100));
	assert_true(take(&lines, "one-more:9092/1: Disconnected", 101));
	assert_false(take(&lines, "broker-1:9092/1: Disconnected", 102));
	assert_true(take(&lines, "broker-0:9092/1: Disconnected", 103));
	assert_int_equal(repeated_lines_end(&lines), REPEATED_LINES + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outage_is_logged_once_whoever_reports_it),
		cmocka_unit_test(another_broker_or_reason_is_another_fact),
		cmocka_unit_test(a_fact_that_lasts_is_logged_again_with_the_lines_between),
		cmocka_unit_test(of_too_many_facts_the_oldest_is_forgotten_and_its_lines_still_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
