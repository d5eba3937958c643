/* engine_health_test.c: Tests of the health of an engine by its reports: when all of its pipelines are known, what counts as
 * unhealthy, and whose reports do not count. */
#include "tools/client/engine_health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "observe/status.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/mock_broker.h"

#define REPORT_BYTES ((size_t)1 << 16)
#define SECOND_BEGINS 1 /* as `started_ms` of the first report of a second */

/* What engines report, again and again, as they do each second. The reports of a second have one time, where they say how many
 * pipelines their engine has. */
static struct reports {
	struct mock mock;
	struct pipeline_target target;
	const struct status *items;
	size_t count;
	int64_t late_ms; /* they are so old */
	atomic_bool stop;
	pthread_t thread;
} reports;

static void *reports_write(void *context)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct buffer out;
	int64_t at_ms = 0;
	(void)context;
	buffer_open(&out, REPORT_BYTES);
	for (size_t i = 0; !atomic_load(&reports.stop); i++) {
		struct status status = reports.items[i % reports.count];
		if (status.pipelines == 0 || status.started_ms == SECOND_BEGINS)
			at_ms = time_of_day_ms() - reports.late_ms;
		status.at_ms = at_ms;
		buffer_clear(&out);
		status_write(&status, &out);
		mock_append(&reports.mock, "status", TEXT("k"), buffer_view(&out));
		nanosleep(&pause, NULL);
	}
	buffer_close(&out);
	return NULL;
}

static struct engine_health health_read(const char *instance, const struct status *items, size_t count, int64_t late_ms)
{
	struct engine_health health = {.instance = instance};
	struct error error = {0};
	reports.items = items;
	reports.count = count;
	reports.late_ms = late_ms;
	atomic_store(&reports.stop, false);
	assert_int_equal(pthread_create(&reports.thread, NULL, reports_write, NULL), 0);
	const bool good = engine_health_read(&health, &reports.target, arena, &error);
	atomic_store(&reports.stop, true);
	pthread_join(reports.thread, NULL);
	assert_string_equal(error.text, "");
	assert_true(good);
	return health;
}

static int reports_begin(void **state)
{
	mock_open(&reports.mock);
	rd_kafka_mock_topic_create(reports.mock.cluster, "status", 1, 1);
	reports.target = (struct pipeline_target){.kafka = {.brokers = reports.mock.brokers}, .status = "status"};
	return arena_begin(state);
}

static int reports_end(void **state)
{
	mock_close(&reports.mock);
	return arena_end(state);
}

#define REPORT(its_instance, its_pipeline, ...)                                                                                    \
	{                                                                                                                          \
		.instance = TEXT(its_instance), .pipeline = TEXT(its_pipeline), .namespace = TEXT("default"), __VA_ARGS__          \
	}
#define RUNS .ready = true, .state = TEXT("running")

static void an_engine_whose_pipelines_are_all_ready_is_healthy(void **state)
{
	(void)state;
	const struct status items[] = {REPORT("e1", "a", RUNS), REPORT("e1", "b", RUNS), REPORT("e1", "c", RUNS)};
	const struct engine_health health = health_read("e1", items, 3, 0);
	assert_true(health.whole); /* it does not wait longer than the first report again */
	assert_int_equal(health.pipelines, 3);
	assert_int_equal(health.ready, 3);
	assert_true(engine_is_healthy(&health));
}

static void one_pipeline_that_waits_makes_it_unhealthy_and_is_named(void **state)
{
	(void)state;
	const struct status items[] = {REPORT("e1", "a", RUNS),
				       REPORT("e1", "b", .state = TEXT("waiting"), .why = TEXT("topic in does not exist"))};
	const struct engine_health health = health_read("e1", items, 2, 0);
	assert_int_equal(health.ready, 1);
	assert_false(engine_is_healthy(&health));
	assert_true(text_is(health.waiting, "b"));
	assert_true(text_is(health.why, "topic in does not exist"));
	assert_int_equal(health.held_up, 0); /* that is of those that are ready */
}

/* Readiness is of partitions; a model that is away or slow, or results that are errors, restart nothing. */
static void states_of_ready_pipelines_are_told_and_leave_it_healthy(void **state)
{
	(void)state;
	const struct status items[] = {
		REPORT("e1", "a", .ready = true, .state = TEXT("failing"), .why = TEXT("10 errors")),
		REPORT("e1", "b", .ready = true, .state = TEXT("slow"), .why = TEXT("model m is slow")),
		REPORT("e1", "c", .ready = true, .state = TEXT("waiting"), .why = TEXT("model m is unreachable")),
		REPORT("e1", "d", .ready = true, .state = TEXT("unobserved"), .why = TEXT("topic T is gone")),
	};
	const struct engine_health health = health_read("e1", items, 4, 0);
	assert_true(engine_is_healthy(&health));
	assert_int_equal(health.failing, 1);
	assert_true(text_is(health.failing_one, "a") && text_is(health.reason, "10 errors"));
	assert_int_equal(health.slow, 1);
	assert_true(text_is(health.slow_one, "b") && text_is(health.slow_why, "model m is slow"));
	assert_int_equal(health.held_up, 1);
	assert_true(text_is(health.held_one, "c") && text_is(health.held_why, "model m is unreachable"));
	assert_int_equal(health.unobserved, 1);
	assert_true(text_is(health.unobserved_one, "d") && text_is(health.unobserved_why, "topic T is gone"));
}

#define OF_20(its_unwell, ...) .pipelines = 20, .unwell = (its_unwell), __VA_ARGS__
#define FIRST_OF_20(its_unwell, ...) .started_ms = SECOND_BEGINS, OF_20(its_unwell, __VA_ARGS__)

static void one_report_is_enough_of_an_engine_all_of_whose_pipelines_are_well(void **state)
{
	(void)state;
	const struct status items[] = {REPORT("e1", "a", FIRST_OF_20(0, RUNS)), REPORT("e1", "b", OF_20(0, RUNS))};
	const struct engine_health health = health_read("e1", items, 2, 0);
	assert_true(health.whole && engine_is_healthy(&health));
	assert_int_equal(health.pipelines, 20);
	assert_int_equal(health.ready, 20);
}

/* Whatever the report is with which it begins. */
static void the_pipelines_of_a_second_that_are_not_well_are_counted_once(void **state)
{
	(void)state;
	const struct status items[] = {
		REPORT("e1", "a", FIRST_OF_20(3, .state = TEXT("waiting"), .why = TEXT("topic in does not exist"))),
		REPORT("e1", "b", OF_20(3, .ready = true, .state = TEXT("failing"), .why = TEXT("10 errors"))),
		REPORT("e1", "c", OF_20(3, RUNS)),
		REPORT("e1", "d", OF_20(3, .ready = true, .state = TEXT("slow"), .why = TEXT("model m is slow"))),
	};
	for (size_t i = 0; i < 5; i++) {
		const struct engine_health health = health_read("e1", items, 4, 0);
		assert_true(health.whole);
		assert_false(engine_is_healthy(&health));
		assert_int_equal(health.pipelines, 20);
		assert_int_equal(health.ready, 19);
		assert_int_equal(health.failing, 1);
		assert_int_equal(health.slow, 1);
		assert_true(text_is(health.waiting, "a") && text_is(health.reason, "10 errors") && text_is(health.slow_one, "d"));
	}
}

/* What was read of a second that began earlier says too little. */
static void the_reports_of_two_seconds_are_not_mixed(void **state)
{
	(void)state;
	const struct status items[] = {
		REPORT("e1", "a", FIRST_OF_20(2, .state = TEXT("waiting"), .why = TEXT("topic in does not exist"))),
		REPORT("e1", "b", OF_20(2, .ready = true, .state = TEXT("failing"), .why = TEXT("10 errors"))),
		REPORT("e1", "c", FIRST_OF_20(0, RUNS)),
	};
	for (size_t i = 0; i < 20; i++) {
		const struct engine_health health = health_read("e1", items, 3, 0);
		assert_true(health.whole);
		assert_int_equal(health.ready + health.failing, 20);
		assert_int_equal(health.waiting.length, health.failing);
	}
}

static void reports_of_other_engines_do_not_count(void **state)
{
	(void)state;
	const struct status items[] = {REPORT("e2", "x", .state = TEXT("waiting")), REPORT("e1", "a", RUNS),
				       REPORT("e11", "y", .state = TEXT("waiting"))};
	const struct engine_health health = health_read("e1", items, 3, 0);
	assert_int_equal(health.pipelines, 1);
	assert_true(engine_is_healthy(&health));
}

/* It waits for as long as a status is valid. */
static void an_engine_that_no_longer_reports_is_not_healthy(void **state)
{
	(void)state;
	const struct status items[] = {REPORT("e1", "a", RUNS)};
	const int64_t began_ns = clock_ns();
	const struct engine_health health = health_read("e1", items, 1, STATUS_STALE_MS + 1000);
	assert_int_equal(health.pipelines, 0);
	assert_false(engine_is_healthy(&health));
	assert_true(clock_ns() - began_ns >= (int64_t)STATUS_STALE_MS * NS_PER_MS);
}

static void without_a_status_topic_there_is_an_error(void **state)
{
	(void)state;
	struct engine_health health = {.instance = "e1"};
	struct pipeline_target target = reports.target;
	struct error error = {0};
	rd_kafka_mock_topic_set_error(reports.mock.cluster, "absent", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	target.status = "absent";
	if (mock_error_of_topic_crashes())
		skip();
	assert_false(engine_health_read(&health, &target, arena, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_engine_whose_pipelines_are_all_ready_is_healthy, reports_begin, reports_end),
		cmocka_unit_test_setup_teardown(one_pipeline_that_waits_makes_it_unhealthy_and_is_named, reports_begin,
						reports_end),
		cmocka_unit_test_setup_teardown(states_of_ready_pipelines_are_told_and_leave_it_healthy, reports_begin,
						reports_end),
		cmocka_unit_test_setup_teardown(one_report_is_enough_of_an_engine_all_of_whose_pipelines_are_well, reports_begin,
						reports_end),
		cmocka_unit_test_setup_teardown(the_pipelines_of_a_second_that_are_not_well_are_counted_once, reports_begin,
						reports_end),
		cmocka_unit_test_setup_teardown(the_reports_of_two_seconds_are_not_mixed, reports_begin, reports_end),
		cmocka_unit_test_setup_teardown(reports_of_other_engines_do_not_count, reports_begin, reports_end),
		cmocka_unit_test_setup_teardown(an_engine_that_no_longer_reports_is_not_healthy, reports_begin, reports_end),
		cmocka_unit_test_setup_teardown(without_a_status_topic_there_is_an_error, reports_begin, reports_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
