/* leadership_test.c: Tests of leadership in a group of a mock broker: one leads, and a group that may not be joined is reported. */
#include "log/leadership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"
#include "base/duration.h"
#include "mock_broker.h"

#include <cmocka.h>

static const int16_t join_group = 11; /* Kafka's number of that request */

static struct mock mock;
static struct leadership_config config;

static int stand_open(void **state)
{
	(void)state;
	mock_open(&mock);
	config = (struct leadership_config){.brokers = mock.brokers, .group = "g", .topic = "out", .properties = mock_quick};
	return 0;
}

static int stand_close(void **state)
{
	(void)state;
	mock_close(&mock);
	return 0;
}

/* Looks until it leads, or the look fails. */
static bool looks_until_held(struct leadership *leadership, struct error *error)
{
	bool held = false;
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !held;) {
		if (!leadership_look(leadership, &held, error))
			return false;
		if (clock_ms() > until_ms)
			fail_msg("it neither leads nor fails");
		nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
	}
	return true;
}

static void a_single_member_leads(void **state)
{
	struct error error = {0};
	(void)state;
	struct leadership *leadership = leadership_open(&config, &error);
	assert_non_null(leadership);
	assert_true(looks_until_held(leadership, &error));
	leadership_close(leadership);
}

static void a_group_that_may_not_be_joined_is_reported_with_the_next_step(void **state)
{
	struct error error = {0};
	bool held = true;
	(void)state;
	for (int i = 0; i < 100; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, join_group, 1, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
	struct leadership *leadership = leadership_open(&config, &error);
	assert_non_null(leadership);
	assert_false(looks_until_held(leadership, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "group g cannot be joined"));
	assert_non_null(strstr(error.text, "sluice plan --acls"));
	leadership_close(leadership);
	rd_kafka_mock_clear_request_errors(mock.cluster, join_group);
	error = (struct error){0};
	leadership = leadership_open(&config, &error);
	assert_true(leadership_look(leadership, &held, &error) && !held);
	assert_true(looks_until_held(leadership, &error));
	leadership_close(leadership);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_single_member_leads, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_group_that_may_not_be_joined_is_reported_with_the_next_step, stand_open,
						stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
