/* status_turns_test.c: Tests of which pipelines of an engine report in a second. */
#include "monitor/metrics/status_publisher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BEGAN_MS INT64_C(1800000000000)
#define MOST 1003

static const struct status_facts runs = {true, "running", 7};

/* An engine whose pipelines have not changed since their last report, through some seconds. */
static struct engine {
	struct status_turns turns;
	int64_t at_ms;
	int64_t reported_ms[MOST];
	size_t reports[MOST];
} engine;

static void engine_begin(void)
{
	engine = (struct engine){.at_ms = BEGAN_MS};
	for (size_t i = 0; i < MOST; i++)
		engine.reported_ms[i] = BEGAN_MS;
}

/* A second later: how many report. */
static size_t second(size_t pipelines, bool watched)
{
	engine.at_ms += STATUS_EVERY_MS;
	const struct status_turn turn = status_turn_begin(&engine.turns, pipelines, watched, engine.at_ms);
	size_t count = 0;
	for (size_t i = 0; i < pipelines; i++)
		if (status_is_due(&turn, i, &runs, &runs, engine.reported_ms[i])) {
			engine.reported_ms[i] = engine.at_ms;
			engine.reports[i]++;
			count++;
		}
	return count;
}

static void each_pipeline_reports_within_the_time_and_few_at_once(void **state)
{
	static const size_t sizes[] = {1, 2, 9, 10, 11, 100, 1000, MOST};
	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		const size_t pipelines = sizes[s], most = pipelines / 10 + 1;
		engine_begin();
		for (size_t i = 0; i < 40; i++) {
			const size_t reports = second(pipelines, false);
			assert_in_range(reports, 1, most);
			for (size_t j = 0; i >= 10 && j < pipelines; j++)
				assert_true(engine.at_ms - engine.reported_ms[j] < STATUS_QUIET_MS);
		}
	}
}

static void a_single_pipeline_reports_each_second(void **state)
{
	(void)state;
	engine_begin();
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(second(1, false), 1);
}

static void while_somebody_watches_all_report(void **state)
{
	(void)state;
	engine_begin();
	(void)second(100, false);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(second(100, true), 100);
	assert_int_equal(second(100, false), 10);
}

/* Whether the last of many, whose turn it is not, reports that. */
static bool is_due(const struct status_facts *now, const struct status_facts *reported, int64_t age_ms)
{
	struct status_turns turns = {0};
	const struct status_turn turn = status_turn_begin(&turns, 100, false, BEGAN_MS);
	return status_is_due(&turn, 99, now, reported, BEGAN_MS - age_ms);
}

static void a_change_is_reported_at_once(void **state)
{
	const struct status_facts none = {0}, paused = {true, "paused", 7}, other = {true, "running", 8}, slow = {true, "slow", 7};
	(void)state;
	assert_false(is_due(&runs, &runs, 1000));
	assert_true(is_due(&runs, &none, 1000));
	assert_true(is_due(&paused, &runs, 1000));
	assert_true(is_due(&other, &runs, 1000));
	assert_true(is_due(&runs, &slow, 1000)); /* it is well again */
}

static void what_is_not_well_reports_each_second(void **state)
{
	static const struct status_facts facts[] = {
		{true, "waiting", 7}, {true, "failing", 7}, {true, "slow", 7}, {false, "running", 7}};
	const struct status_facts paused = {true, "paused", 7};
	(void)state;
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		assert_true(is_due(&facts[i], &facts[i], 1000));
	assert_false(is_due(&paused, &paused, 1000));
}

/* A reload changes the order of pipelines, and with it their turns. */
static void one_whose_turn_was_missed_reports_nevertheless(void **state)
{
	(void)state;
	assert_false(is_due(&runs, &runs, STATUS_QUIET_MS - 1));
	assert_true(is_due(&runs, &runs, STATUS_QUIET_MS));
}

static void an_engine_without_pipelines_has_no_turns(void **state)
{
	(void)state;
	engine_begin();
	assert_int_equal(second(7, false), 1);
	assert_int_equal(second(0, false), 0);
	assert_int_equal(second(3, false), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pipeline_reports_within_the_time_and_few_at_once),
		cmocka_unit_test(a_single_pipeline_reports_each_second),
		cmocka_unit_test(while_somebody_watches_all_report),
		cmocka_unit_test(a_change_is_reported_at_once),
		cmocka_unit_test(what_is_not_well_reports_each_second),
		cmocka_unit_test(one_whose_turn_was_missed_reports_nevertheless),
		cmocka_unit_test(an_engine_without_pipelines_has_no_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
