/* What a group has not committed yet, as Kafka knows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/consume/group_lag.h"
#include "tests/unit/mock_broker.h"

#define PATIENCE_MS 10000
#define SHORT_MS 200
#define OFFSET_FETCH 9
#define FIND_COORDINATOR 10

/* How many records at the end of a partition stand in an open transaction: the mock knows none. Whoever reads what is
 * committed is told that it ends before them, as Kafka does. */
static int64_t open_records;

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *offsets, int timeout_ms)
{
	rd_kafka_resp_err_t (*query)(rd_kafka_t *, rd_kafka_topic_partition_list_t *, int);
	char level[32] = "";
	size_t size = sizeof level;
	const bool of_end = offsets->elems[0].offset == RD_KAFKA_OFFSET_END;
	*(void **)&query = dlsym(RTLD_NEXT, "rd_kafka_offsets_for_times");
	rd_kafka_resp_err_t code = query(rk, offsets, timeout_ms);
	assert_int_equal(rd_kafka_conf_get(rd_kafka_conf(rk), "isolation.level", level, &size), RD_KAFKA_CONF_OK);
	if (of_end && strcmp(level, "read_committed") == 0)
		offsets->elems[0].offset -= open_records;
	return code;
}

static int clients_opened;

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *errstr, size_t errstr_size)
{
	rd_kafka_t *(*open)(rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t);
	*(void **)&open = dlsym(RTLD_NEXT, "rd_kafka_new");
	clients_opened++;
	return open(type, conf, errstr, errstr_size);
}

/* Opens it with so many records in its topic `in`. */
static void mock_open_with(struct mock *mock, int records)
{
	mock_open(mock);
	for (int i = 0; i < records; i++)
		mock_write(mock, NULL, "x", NULL, NULL);
	rd_kafka_flush(mock->writer, PATIENCE_MS);
}

static struct group_lag *lag_of(const struct mock *mock, const char *group, struct group_lag *other)
{
	struct error error = {0};
	struct group_lag *backlog = group_lag_open(other, mock->brokers, (struct properties){0}, group, &error);
	if (!backlog)
		fail_msg("%s", error.text);
	return backlog;
}

static void what_is_not_committed_is_counted_over_all_topics(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with(&mock, 5);
	struct group_lag *backlog = lag_of(&mock, "g", NULL);
	assert_int_equal(group_lag_measure(backlog, TEXT("in"), PATIENCE_MS), 5);
	mock_commit(&mock, "g", 3);
	assert_int_equal(group_lag_measure(backlog, TEXT("in out"), PATIENCE_MS), 2);
	assert_int_equal(group_lag_measure(backlog, TEXT(""), PATIENCE_MS), -1);
	group_lag_close(backlog);
	mock_close(&mock);
}

static void several_groups_share_the_client_that_reads(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with(&mock, 5);
	mock_commit(&mock, "g", 3);
	mock_commit(&mock, "h", 1);
	clients_opened = 0;
	struct group_lag *first = lag_of(&mock, "g", NULL);
	struct group_lag *second = lag_of(&mock, "h", first);
	struct group_lag *third = lag_of(&mock, "none", second);
	assert_int_equal(group_lag_measure(first, TEXT("in"), PATIENCE_MS), 2);
	assert_int_equal(group_lag_measure(second, TEXT("in"), PATIENCE_MS), 4);
	assert_int_equal(clients_opened, 4); /* and each has one that asks for its offsets */
	group_lag_close(first);
	mock_commit(&mock, "h", 2);
	assert_int_equal(group_lag_measure(second, TEXT("in"), PATIENCE_MS), 3);
	assert_int_equal(group_lag_measure(third, TEXT("in"), PATIENCE_MS), 5);
	group_lag_close(second);
	group_lag_close(third);
	mock_close(&mock);
}

/* -1: Kafka does not answer within MOCK_WAIT_MS. */
static int64_t lag_once_known(struct group_lag *backlog)
{
	int64_t lag = -1;
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; lag < 0 && clock_ms() < until_ms;)
		lag = group_lag_measure(backlog, TEXT("in"), PATIENCE_MS);
	return lag;
}

/* As Kafka answers while it starts. */
static void a_coordinator_that_has_moved_is_asked_again(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with(&mock, 5);
	mock_commit(&mock, "g", 3);
	mock_commit(&mock, "h", 1);
	struct group_lag *first = lag_of(&mock, "g", NULL);
	struct group_lag *second = lag_of(&mock, "h", first);
	static const rd_kafka_resp_err_t answers[] = {
		RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
		RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
		RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
	};
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		rd_kafka_mock_push_request_errors(mock.cluster, OFFSET_FETCH, 1, answers[i]);
		assert_int_equal(lag_once_known(second), 4);
		assert_int_equal(lag_once_known(first), 2);
	}
	group_lag_close(first);
	group_lag_close(second);
	mock_close(&mock);
}

/* As while the broker that coordinates the group is away: questions are given up, and it is found after that. */
static void a_coordinator_that_is_found_late_is_asked_again(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with(&mock, 5);
	mock_commit(&mock, "g", 3);
	struct group_lag *backlog = lag_of(&mock, "g", NULL);
	for (int i = 0; i < 10000; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, FIND_COORDINATOR, 1, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
	for (int i = 0; i < 5; i++)
		assert_int_equal(group_lag_measure(backlog, TEXT("in"), SHORT_MS), -1);
	rd_kafka_mock_clear_request_errors(mock.cluster, FIND_COORDINATOR);
	assert_int_equal(lag_once_known(backlog), 2);
	group_lag_close(backlog);
	mock_close(&mock);
}

static void what_was_there_when_it_was_marked_is_left_until_it_is_committed(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with(&mock, 3);
	struct group_lag *backlog = lag_of(&mock, "g", NULL);
	assert_true(group_lag_mark(backlog, TEXT("in"), PATIENCE_MS));
	mock_write(&mock, NULL, "later", NULL, NULL);
	assert_int_equal(group_lag_left(backlog, TEXT("in"), PATIENCE_MS), 3);
	mock_commit(&mock, "g", 2);
	assert_int_equal(group_lag_left(backlog, TEXT("in"), PATIENCE_MS), 1);
	mock_commit(&mock, "g", 3);
	assert_int_equal(group_lag_left(backlog, TEXT("in"), PATIENCE_MS), 0);
	group_lag_close(backlog);
	mock_close(&mock);
}

/* A reader of what is committed has not passed what may be committed yet. */
static void what_stands_in_an_open_transaction_is_left_too(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with(&mock, 5);
	mock_commit(&mock, "g", 3);
	struct group_lag *backlog = lag_of(&mock, "g", NULL);
	open_records = 2;
	assert_int_equal(group_lag_measure(backlog, TEXT("in"), PATIENCE_MS), 0);
	assert_true(group_lag_mark(backlog, TEXT("in"), PATIENCE_MS));
	assert_int_equal(group_lag_left(backlog, TEXT("in"), PATIENCE_MS), 2);
	open_records = 0;
	assert_int_equal(group_lag_left(backlog, TEXT("in"), PATIENCE_MS), 2);
	mock_commit(&mock, "g", 5);
	assert_int_equal(group_lag_left(backlog, TEXT("in"), PATIENCE_MS), 0);
	group_lag_close(backlog);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_committed_is_counted_over_all_topics),
		cmocka_unit_test(several_groups_share_the_client_that_reads),
		cmocka_unit_test(a_coordinator_that_has_moved_is_asked_again),
		cmocka_unit_test(a_coordinator_that_is_found_late_is_asked_again),
		cmocka_unit_test(what_was_there_when_it_was_marked_is_left_until_it_is_committed),
		cmocka_unit_test(what_stands_in_an_open_transaction_is_left_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
