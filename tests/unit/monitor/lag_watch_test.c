/* lag_watch_test.c: the lag of a pipeline is that of the stages that answer, that observe, or that explain, each by itself. */
#include "monitor/lag_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/planning.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"

#define LOOK_MS 20
#define PIPELINE "sluice.default.pipeline.p"
#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"                            \
	"  - {name: w, drift: {reference: {topic: before}}}\n"                                                                     \
	"  - {name: a, inputs: [w], model: {name: m}}\n"                                                                           \
	"  - {name: e, inputs: [a], explain: {background: {rows: 2}}}\n  output: {steps: [a]}\n"                                  \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: 'builtin:echo'}\n"

static struct mock mock;
static struct planning planning;
static struct plan plan;
static struct lag_watch *watch;
static struct loop *loop;
static int64_t begin_ms;

/* Records that are as old as that. */
static void topic_fill(const char *topic, int count, int64_t age_ms)
{
	static char value[] = "x";
	assert_int_equal(rd_kafka_mock_topic_create(mock.cluster, topic, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	for (int i = 0; i < count; i++)
		assert_int_equal(rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_VALUE(value, 1),
						   RD_KAFKA_V_TIMESTAMP(time_of_day_ms() - age_ms), RD_KAFKA_V_END),
				 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static int stand_open(void **state)
{
	static struct engine_config config;
	struct error error = {0};
	(void)state;
	mock_open(&mock);
	begin_ms = clock_ms();
	topic_fill(PIPELINE ".inputs", 3, 30 * MS_PER_S);
	topic_fill(PIPELINE ".stage.w.observer", 2, 60 * MS_PER_S);
	topic_fill(PIPELINE ".stage.e", 5, 10 * MS_PER_S);
	planning_read(&planning, YAML, step_kinds);
	planning_plan(&planning, NULL, &plan);
	assert_int_equal(planning_errors(&planning), 0);
	config = (struct engine_config){.brokers = mock.brokers};
	loop = loop_open(&error);
	watch = lag_watch_open(&config, loop, &error);
	return !watch || !lag_watch_follow(watch, &plan);
}

static int stand_close(void **state)
{
	(void)state;
	lag_watch_close(watch);
	loop_close(loop);
	planning_close(&planning);
	mock_close(&mock);
	return 0;
}

static struct group_lag_state lag_state_of(enum lag_of of)
{
	struct group_lag_state lag;
	struct error error = {0};
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	while (!lag_watch_read(watch, "p", of, &lag)) {
		if (clock_ms() >= until_ms)
			fail_msg("no lag was read");
		assert_true(loop_turn(loop, LOOK_MS, &error));
	}
	return lag;
}

static uint64_t lag_of(enum lag_of of)
{
	return (uint64_t)lag_state_of(of).records;
}

static void each_purpose_has_its_own_lag(void **state)
{
	(void)state;
	assert_int_equal(lag_of(LAG_ANSWERS), 3);
	assert_int_equal(lag_of(LAG_EXPLAINS), 5);
	assert_int_equal(lag_of(LAG_OBSERVES), 2 + 5);
}

/* From these the engines that a namespace needs are estimated (monitor/namespace_load.h). */
static void its_partitions_with_work_and_their_ends_are_summed(void **state)
{
	(void)state;
	const struct group_lag_state answers = lag_state_of(LAG_ANSWERS), observes = lag_state_of(LAG_OBSERVES);
	assert_int_equal(answers.busy, 1);
	assert_int_equal(answers.ends, 3);
	assert_int_equal(observes.busy, 1 + 1);
	assert_int_equal(observes.ends, 2 + 5);
}

/* A result is read for some seconds, in which the records may have been committed. */
static void the_oldest_record_has_the_age_that_it_had_when_kafka_was_asked(void **state)
{
	(void)state;
	const int64_t answers_ms = lag_state_of(LAG_ANSWERS).age_ms, observes_ms = lag_state_of(LAG_OBSERVES).age_ms;
	const int64_t since_ms = clock_ms() - begin_ms;
	assert_in_range(answers_ms, 30 * MS_PER_S, 30 * MS_PER_S + since_ms);
	assert_in_range(observes_ms, 60 * MS_PER_S, 60 * MS_PER_S + since_ms);
}

static void a_pipeline_that_is_not_watched_has_no_lag(void **state)
{
	struct group_lag_state lag;
	(void)state;
	(void)lag_of(LAG_ANSWERS);
	assert_false(lag_watch_read(watch, "q", LAG_ANSWERS, &lag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_purpose_has_its_own_lag, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(its_partitions_with_work_and_their_ends_are_summed, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(the_oldest_record_has_the_age_that_it_had_when_kafka_was_asked, stand_open,
						stand_close),
		cmocka_unit_test_setup_teardown(a_pipeline_that_is_not_watched_has_no_lag, stand_open, stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
