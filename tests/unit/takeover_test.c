/* takeover_test.c: a group goes on where another stood, on a Kafka that does not know at once where groups are. The mock
 * forgets offsets that are committed in a transaction, so what is seen here is how many were to be moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "log/takeover.h"
#include "tests/unit/mock_broker.h"

#define OFFSET_FETCH 9 /* Kafka's numbers of requests */
#define ADD_OFFSETS 25

static bool take_over(const struct mock *mock, size_t *moved, struct error *error)
{
	const struct takeover_config config = {
		.brokers = mock->brokers, .consumer = mock_quick, .producer = mock_quick, .group = "new"};
	const struct takeover_topic topic = {.name = "in", .formers = {"former"}};
	*error = (struct error){0};
	return takeover_carry_out(&config, &topic, 1, moved, error);
}

static void what_a_former_group_committed_is_moved(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 0);
	mock_commit(&mock, "former", 5);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	mock_commit(&mock, "new", 7);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 0);
	mock_close(&mock);
}

static void a_group_whose_broker_is_not_found_yet_is_asked_again(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	for (int i = 0; i < 3; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, OFFSET_FETCH, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
						  RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	mock_close(&mock);
}

static void a_commit_that_kafka_did_not_take_is_tried_again(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	rd_kafka_mock_push_request_errors(mock.cluster, ADD_OFFSETS, 1, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	assert_int_equal(error.kind, ERROR_NONE);
	mock_close(&mock);
}

static void who_may_not_is_told_at_once(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	rd_kafka_mock_push_request_errors(mock.cluster, ADD_OFFSETS, 1, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
	assert_false(take_over(&mock, &moved, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "group new cannot go on where the pipelines were read before: committing: "));
	assert_non_null(strstr(error.text, "sluice plan --acls"));
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_former_group_committed_is_moved),
		cmocka_unit_test(a_group_whose_broker_is_not_found_yet_is_asked_again),
		cmocka_unit_test(a_commit_that_kafka_did_not_take_is_tried_again),
		cmocka_unit_test(who_may_not_is_told_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
