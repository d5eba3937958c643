/* truth_arrivals_test.c: Tests of when truths come, as the truth tally counts it: in time, late, or of earlier stages. */
#include "tests/unit/truth_stand.h"

static int stage_begin(void **state)
{
	struct truth_tally_config config = config_of();
	(void)state;
	config.began_ms = NOW_MS - 2 * WINDOW_MS;
	tally_open(&config);
	return 0;
}

static struct outcome late_of(const char *unit, size_t arm, int64_t exposed_ms)
{
	struct outcome outcome = outcome_of(unit, arm, exposed_ms);
	outcome.kind = OUTCOME_LATE;
	outcome.written_ms = exposed_ms + PAST_MS;
	return outcome;
}

/* Of feedback that names the unit alone. */
static struct outcome by_unit(struct outcome outcome)
{
	outcome.by_unit = true;
	return outcome;
}

/* Of a request of the stage before, by another table; its truth was written at that time. */
static struct outcome earlier(struct outcome outcome, int64_t written_ms)
{
	outcome.exposure.table = OTHER_TABLE;
	outcome.written_ms = written_ms;
	return outcome;
}

static void expect(size_t arm, int64_t joined, int64_t late)
{
	assert_int_equal(truth_tally_counts(tally)[arm].joined, joined);
	assert_int_equal(truth_tally_counts(tally)[arm].late, late);
}

static void truths_come_in_time_or_late(void **state)
{
	(void)state;
	judge("u", NEW, 1, NOW_MS);
	expect(NEW, 1, 0); /* though its window is not over */
	assert_int_equal(truth_tally_counts(tally)[NEW].units, 0);
	give(late_of("v", NEW, NOW_MS), "accuracy", 1);
	give(late_of("", OLD, NOW_MS), "accuracy", 1);
	expect(NEW, 1, 1);
	expect(OLD, 0, 1);
	truth_tally_pass(tally, NOW_MS + PAST_MS);
	assert_int_equal(truth_tally_counts(tally)[NEW].units, 1);
	assert_int_equal(truth_tally_counts(tally)[OLD].units, 0);
}

static void each_metric_has_its_own_arrivals(void **state)
{
	const struct metric_counts *profit = &truth_tally_counts(tally)[NEW].metrics[0];
	(void)state;
	judge("", NEW, 1, NOW_MS);
	give(late_of("", NEW, NOW_MS), "profit", 1);
	expect(NEW, 1, 0);
	assert_true(profit->joined == 0 && profit->late == 1);
}

/* Whatever feedback names it, and however often. */
static void a_unit_counts_once_by_when_its_feedback_came(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 5; i++)
		give(by_unit(outcome_of("u", NEW, NOW_MS + i)), "accuracy", 1);
	expect(NEW, 1, 0);
	give(by_unit(late_of("u", NEW, NOW_MS)), "accuracy", 1); /* it was in time before */
	expect(NEW, 1, 0);
	give(by_unit(late_of("v", NEW, NOW_MS)), "accuracy", 1);
	give(by_unit(late_of("v", NEW, NOW_MS + 1)), "accuracy", 1);
	expect(NEW, 1, 1);
	truth_tally_pass(tally, NOW_MS + PAST_MS);
	assert_int_equal(truth_tally_counts(tally)[NEW].requests, 5); /* all of its values count */
}

/* Stages that are shorter than truths take never have a truth of their own. */
static void late_truths_of_an_earlier_stage_are_known(void **state)
{
	(void)state;
	give(earlier(late_of("", NEW, NOW_MS - 5), NOW_MS + WINDOW_MS), "accuracy", 1);
	give(earlier(by_unit(late_of("u", NEW, NOW_MS - 5)), NOW_MS + WINDOW_MS), "accuracy", 1);
	expect(NEW, 0, 2);
	judge("", OLD, 1, NOW_MS); /* the default has truths in time: what was late before says nothing */
	give(earlier(late_of("", OLD, NOW_MS - 5), NOW_MS + WINDOW_MS), "accuracy", 1);
	expect(OLD, 1, 0);
	truth_tally_pass(tally, NOW_MS + PAST_MS);
	assert_int_equal(truth_tally_counts(tally)[NEW].units, 0);
	assert_int_equal(truth_tally_counts(tally)[OLD].units, 1);
}

/* Truths that take longer than a stage, and not than the window: they come, though none is of this stage. */
static void truths_in_time_of_an_earlier_stage_say_that_truths_come(void **state)
{
	(void)state;
	give(earlier(outcome_of("", NEW, NOW_MS - 5), NOW_MS + 20), "accuracy", 1);
	give(earlier(by_unit(outcome_of("u", OLD, NOW_MS - 5)), NOW_MS + 20), "accuracy", 1);
	expect(NEW, 1, 0);
	expect(OLD, 1, 0);
	give(earlier(outcome_of("", NEW, NOW_MS - 4), NOW_MS + 20), "accuracy", 1);
	expect(NEW, 1, 0); /* one says it */
	give(earlier(late_of("", NEW, NOW_MS - 3), NOW_MS + WINDOW_MS), "accuracy", 1);
	expect(NEW, 1, 1); /* and no other stage */
	judge("", NEW, 1, NOW_MS);
	give(earlier(outcome_of("", NEW, NOW_MS - 4), NOW_MS + 20), "profit", 1);
	expect(NEW, 2, 1);
	assert_int_equal(truth_tally_counts(tally)[NEW].metrics[0].joined, 1);
	truth_tally_pass(tally, NOW_MS + PAST_MS);
	assert_int_equal(truth_tally_counts(tally)[NEW].units, 1);
}

/* Nobody counted while it came, or whoever did may not have told it. Of each variant one says so, and no other is counted again. */
static void one_truth_from_before_the_stage_counts(void **state)
{
	(void)state;
	give(earlier(outcome_of("", NEW, NOW_MS - WINDOW_MS), NOW_MS - WINDOW_MS + 10), "accuracy", 1);
	give(earlier(late_of("", NEW, NOW_MS - WINDOW_MS), NOW_MS - 1), "accuracy", 1);
	expect(NEW, 1, 0);
	struct outcome late = earlier(late_of("", OLD, NOW_MS - WINDOW_MS), NOW_MS - 1);
	late.weight = 8;
	give(late, "accuracy", 1);
	give(earlier(outcome_of("", OLD, NOW_MS - WINDOW_MS), NOW_MS - 1), "accuracy", 1);
	expect(OLD, 0, 1);
	judge("", OLD, 1, NOW_MS);
	expect(OLD, 1, 1);
}

static void what_was_before_the_rollout_is_left_out(void **state)
{
	(void)state;
	give(earlier(outcome_of("", NEW, NOW_MS - 2 * WINDOW_MS - 1), NOW_MS + 20), "accuracy", 1);
	give(earlier(late_of("", NEW, NOW_MS - 2 * WINDOW_MS - 1), NOW_MS + 20), "accuracy", 1);
	give(earlier(late_of("", NEW, NOW_MS), NOW_MS + 20), "accuracy", 1); /* another table of this time */
	expect(NEW, 0, 0);
}

/* One truth of a sample does not stand for as many as the sample does: it would outweigh all truths in time. */
static void few_truths_of_a_sample_are_no_estimate(void **state)
{
	struct outcome late = late_of("", NEW, NOW_MS);
	(void)state;
	late.weight = 4;
	for (int64_t known = 1; known < TRUTH_SAMPLED_LEAST + 3; known++) {
		give(late, "accuracy", 1);
		expect(NEW, 0, known < TRUTH_SAMPLED_LEAST ? known : 4 * known);
	}
}

int main(void)
{
#define WITH_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_begin, tally_end)
	const struct CMUnitTest tests[] = {
		WITH_TALLY(truths_come_in_time_or_late),
		WITH_TALLY(each_metric_has_its_own_arrivals),
		WITH_TALLY(a_unit_counts_once_by_when_its_feedback_came),
		WITH_STAGE(late_truths_of_an_earlier_stage_are_known),
		WITH_STAGE(truths_in_time_of_an_earlier_stage_say_that_truths_come),
		WITH_STAGE(one_truth_from_before_the_stage_counts),
		WITH_STAGE(what_was_before_the_rollout_is_left_out),
		WITH_TALLY(few_truths_of_a_sample_are_no_estimate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
