/* outcome_lead_test.c: Tests of a lead of a pipeline's outcomes: the order of exposures and feedback, its readers, and its
 * failures. How another one takes over: outcome_takeover_test.c. */
#include "tests/unit/lead_stand.h"

/* ---- the order of exposures and feedback ---- */

static void feedback_waits_for_an_exposure_that_comes_a_little_later(void **state)
{
	(void)state;
	judge("a", 1);
	expose("a");
	turns_until_joined(0, "a", 1);
}

/* More than its ring has space for, which begins in its middle. */
static void feedback_is_read_in_its_order_however_much_waits(void **state)
{
	(void)state;
	turns_until_leads(0);
	for (size_t i = 0; i < 40; i++)
		judge("unknown", 1);
	turns_more(0);
	expose("a");
	for (size_t i = 0; i < 100; i++)
		judge(i == 5 || i == 50 ? "a" : "c", i == 5);
	turns_until_joined(0, "a", 1);
	assert_true(joined_value == 1);
}

/* Time does not pass feedback that is read, and waits. */
static void an_exposure_is_open_until_feedback_in_time_is_joined(void **state)
{
	const int64_t begin_ms = now_ms - 200000;
	(void)state;
	expose_at("a", begin_ms);
	expose_at("b", begin_ms + 130000);
	turns_until_leads(0);
	turns_more(0);
	judge_at("a", 1, begin_ms + 59000);
	judge_at("x", 1, begin_ms + 130000);
	turns_until_joined(0, "a", 1);
}

/* Exposures for which feedback of that time can be come from a window before. */
static void where_no_engine_has_led_it_begins_where_a_reader_needs_it(void **state)
{
	(void)state;
	expose_at("c", now_ms - 200000);
	expose_at("a", now_ms + 190000);
	reading.since_ms = now_ms + 5000;
	judge_at("a", 1, reading.since_ms + 1);
	turns_until_joined(0, "a", 1);
	assert_int_equal(exposure_join_counts(engines[0]->pipelines[0].lead->join, 0).exposures[EXPOSURE_OPENED], 1);
}

/* ---- readers ---- */

static void turns_until_passed(int64_t time_ms)
{
	for (const int64_t until_ms = clock_ms() + WAIT_MS; reading.passed_ms < time_ms; turn(0))
		assert_true(clock_ms() < until_ms);
}

static void readers_are_given_a_time_once_they_have_its_outcomes(void **state)
{
	(void)state;
	expose("a");
	judge("a", 1);
	expose("b");
	judge("x", 1);
	turns_until_passed(now_ms - 20);
	assert_true(read_outcomes[0] == 1 && !reading.is_early);
	lead_kafka_faults.ends_are_late = true; /* a term ends before its last outcome is read */
	judge("b", 1);
	turns_until_joined(0, "b", 1);
	engines[1] = member_open("two");
	for (size_t i = 0; i < 50; i++) {
		turn(0);
		turn(1);
	}
	lead_kafka_faults.ends_are_late = false;
	member_kill(1);
	expose("c");
	judge("y", 1);
	turns_until_passed(now_ms - 20);
	assert_int_equal(read_outcomes[0], 2);
}

/* An exposure may be written again, and nobody learns from one of no experiment. */
static void readers_are_given_the_exposures_that_are_opened(void **state)
{
	(void)state;
	expose("a");
	expose("a");
	lead_kafka_append(EXPOSURES, 0, now_ms,
			  "{\"id\":\"z\",\"time_ms\":1,\"experiment\":\"gone\",\"variant\":\"new\",\"probability\":0.5,"
			  "\"reason\":\"stage\"}");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	assert_int_equal(reading.exposed, 1);
}

/* As a tally under a new table. What others have read stays committed. */
static void a_reader_gets_earlier_outcomes_when_it_asks_and_no_other_does(void **state)
{
	(void)state;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; lead_kafka_position(OUTCOMES, 0) != 1; turn(0))
		assert_true(clock_ms() < until_ms);
	assert_true(read_outcomes[0] == 1 && reading.read_by_other == 0);
	lead_kafka_faults.ends_are_late = true;
	reading.other->from_ms = 1;
	turns_more(0);
	expose("b");
	judge("b", 1);
	turns_until_joined(0, "b", 1);
	assert_int_equal(lead_kafka_position(OUTCOMES, 0), 1);
	lead_kafka_faults.ends_are_late = false;
	turns_more(0);
	assert_int_equal(reading.read_by_other, 2);
	assert_int_equal(read_outcomes[0], 2);
}

/* ---- failures ---- */

static void what_a_pipeline_has_joined_is_committed_before_it_gives_up(void **state)
{
	(void)state;
	turns_until_leads(0);
	reading.fails = ERROR_REMOTE;
	expose("a");
	judge("a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; leads(0); turn(0))
		assert_true(clock_ms() < until_ms);
	turns_until_leads(0);
	turns_more(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
	assert_int_equal(lead_kafka_position(FEEDBACK, 'a' % 2), 1);
}

static void an_engine_of_a_former_version_leads_nothing_until_its_files_are_read_again(void **state)
{
	struct plan other = plan;
	(void)state;
	turns_until_leads(0);
	reading.fails = ERROR_LIMIT; /* a later one writes */
	expose("a");
	judge("a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; leads(0); turn(0))
		assert_true(clock_ms() < until_ms);
	turns_more(0);
	turns_more(0);
	assert_false(leads(0) || leads_pipeline(0, 1));
	outcome_service_follow(engines[0], &other);
	turns_until_leads(0);
	outcome_service_follow(engines[0], NULL);
	turn(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(feedback_waits_for_an_exposure_that_comes_a_little_later),
		STORY(feedback_is_read_in_its_order_however_much_waits),
		STORY(an_exposure_is_open_until_feedback_in_time_is_joined),
		STORY(where_no_engine_has_led_it_begins_where_a_reader_needs_it),
		STORY(readers_are_given_a_time_once_they_have_its_outcomes),
		STORY(readers_are_given_the_exposures_that_are_opened),
		STORY(a_reader_gets_earlier_outcomes_when_it_asks_and_no_other_does),
		STORY(what_a_pipeline_has_joined_is_committed_before_it_gives_up),
		STORY(an_engine_of_a_former_version_leads_nothing_until_its_files_are_read_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
