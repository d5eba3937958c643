/* outcome_takeover_test.c: Tests of leads of pipelines' outcomes, wherever a lead before ended: each outcome is written once.
 * Two services take turns on a Kafka in memory. */
#include "tests/unit/lead_stand.h"

static void feedback_is_joined_once_and_its_positions_are_committed_with_it(void **state)
{
	(void)state;
	expose("a");
	judge("a", 1);
	judge("a", 0);
	turns_until_joined(0, "a", 1);
	turns_more(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
	assert_int_equal(lead_kafka_position(EXPOSURES, 'a' % 2), 1);
	assert_int_equal(lead_kafka_position(FEEDBACK, 'a' % 2), 2);
	assert_int_equal(read_outcomes[0], 1);
}

/* The first one ends before the commit: the other one reads all again. */
static void what_a_killed_engine_had_not_committed_is_joined_by_the_next(void **state)
{
	(void)state;
	turns_until_leads(0);
	expose("a");
	judge("a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; engines[0]->shared.added == 0; turn(0))
		assert_true(clock_ms() < until_ms);
	assert_int_equal(lead_kafka_count(OUTCOMES), 0);
	member_kill(0);
	engines[1] = member_open("two");
	turns_until_joined(1, "a", 1);
	turns_more(1);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
}

/* A member hears that its topics will be assigned anew while Kafka still takes what it commits. */
static void an_engine_commits_what_it_has_read_before_topics_are_assigned_anew(void **state)
{
	(void)state;
	turns_until_leads(0);
	expose("a");
	judge("a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; engines[0]->shared.added == 0; turn(0))
		assert_true(clock_ms() < until_ms);
	engines[1] = member_open("two");
	turn(1);
	turn(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
	for (size_t i = 0; i < 50; i++) {
		turn(0);
		turn(1);
	}
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
}

/* An exposure that was open, and one that has an outcome, are known to the next one. */
static void the_next_engine_goes_on_with_what_is_open(void **state)
{
	(void)state;
	expose("a");
	expose("b");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	turns_more(0);
	member_kill(0);
	judge("a", 0);
	judge("b", 1);
	engines[1] = member_open("two");
	turns_until_joined(1, "b", 1);
	turns_more(1);
	assert_int_equal(lead_kafka_count(OUTCOMES), 2);
	assert_int_equal(read_outcomes[0], 1);
	assert_true(read_outcomes[1] >= 1);
}

/* It thaws with a transaction of a former generation. */
static void what_a_frozen_engine_still_writes_is_refused(void **state)
{
	(void)state;
	turns_until_leads(0);
	expose("a");
	judge("a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; engines[0]->shared.added == 0; turn(0))
		assert_true(clock_ms() < until_ms);
	engines[1] = member_open("two");
	lead_kafka_freeze("one", true);
	turns_until_joined(1, "a", 1);
	struct error error = {0};
	assert_false(commit(engines[0], &error));
	assert_non_null(strstr(error.text, "former generation"));
	lead_kafka_freeze("one", false);
	expose("b");
	judge("b", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; joined_count(OUTCOMES, "b") == 0;) {
		assert_true(clock_ms() < until_ms);
		turn(0);
		turn(1);
	}
	turns_more(0);
	turns_more(1);
	assert_int_equal(joined_count(OUTCOMES, "a"), 1);
	assert_int_equal(joined_count(OUTCOMES, "b"), 1);
}

static void a_commit_whose_end_is_not_known_neither_loses_nor_doubles(void **state)
{
	(void)state;
	turns_until_leads(0);
	lead_kafka_faults.commit_is_unknown = true;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	lead_kafka_faults.commit_is_lost = true;
	expose("b");
	judge("b", 1);
	judge("a", 0);
	turns_until_joined(0, "b", 1);
	turns_more(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 2);
}

/* Kafka shows positions before the end of the transaction that they were committed in. */
static void the_next_engine_waits_for_outcomes_that_are_not_shown_yet(void **state)
{
	(void)state;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	member_kill(0);
	lead_kafka_faults.ends_are_late = true;
	judge("a", 0);
	engines[1] = member_open("two");
	turns_more(1);
	assert_false(leads(1));
	lead_kafka_faults.ends_are_late = false;
	turns_until_leads(1);
	turns_more(1);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
}

static void topics_that_were_made_again_are_read_from_their_beginning(void **state)
{
	(void)state;
	expose("a");
	expose("c");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	member_kill(0);
	lead_kafka_topic(EXPOSURES, 2);
	expose("e");
	judge("e", 1);
	engines[1] = member_open("two");
	turns_until_joined(1, "e", 1);
	assert_non_null(strstr(lines, EXPOSURES " ends at 1, and was read up to 2: the topic was made again"));
}

static void pipelines_are_shared_by_engines(void **state)
{
	(void)state;
	engines[1] = member_open("two");
	turns_until_leads(0);
	lead_kafka_append(OTHER("exposures"), 0, now_ms,
			  "{\"id\":\"z\",\"time_ms\":1,\"experiment\":\"e\",\"variant\":\"new\",\"probability\":0.5,"
			  "\"reason\":\"stage\"}");
	for (size_t i = 0; i < 50; i++) {
		turn(0);
		turn(1);
	}
	size_t led = 0;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 2; j++)
			led += outcome_lead_joins(engines[i]->pipelines[j].lead);
	assert_int_equal(led, 2);
	assert_int_equal(outcome_lead_joins(engines[0]->pipelines[0].lead) + outcome_lead_joins(engines[0]->pipelines[1].lead), 1);
}

static void an_engine_without_rights_says_it_once_and_leads_when_it_has_them(void **state)
{
	(void)state;
	lead_kafka_faults.group_is_refused = true;
	for (const int64_t until_ms = clock_ms() + 2 * RETRY_MS; clock_ms() < until_ms;)
		turn(0);
	const char *first = strstr(lines, "sluice plan --acls");
	assert_non_null(first);
	assert_null(strstr(first + 1, "sluice plan --acls"));
	lead_kafka_faults.group_is_refused = false;
	turns_until_leads(0);
}

static void a_pipeline_whose_positions_are_not_known_holds_up_no_other(void **state)
{
	(void)state;
	lead_kafka_faults.unanswered = FEEDBACK;
	turns_more(0);
	assert_true(leads_pipeline(0, 1) && !leads(0));
	const char *first = strstr(lines, "outcomes of pipeline `p` are not joined now: nothing is known");
	assert_non_null(first);
	assert_null(strstr(first + 1, "outcomes of pipeline `p` are not joined now"));
	lead_kafka_faults.unanswered = NULL;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
}

static void another_plan_is_led_from_what_is_committed_and_the_one_before_is_free(void **state)
{
	struct plan other = plan;
	(void)state;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	expose("b");
	turns_more(0);
	outcome_service_follow(engines[0], &other);
	assert_true(outcome_service_holds(engines[0], &plan));
	turn(0);
	assert_false(outcome_service_holds(engines[0], &plan));
	judge("b", 1);
	judge("a", 0);
	turns_until_joined(0, "b", 1);
	turns_more(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 2);
	outcome_service_follow(engines[0], NULL);
	turn(0);
	assert_false(outcome_service_holds(engines[0], &other));
}

/* ---- what has ended ---- */

/* Feedback on no request, by which time passes: until its position is committed. */
static void time_go_on(int64_t time_ms)
{
	judge_at("x", 1, time_ms);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; lead_kafka_position(FEEDBACK, 'x' % 2) != 1; turn(0))
		assert_true(clock_ms() < until_ms);
}

/* An exposure of an experiment that there is not. */
static void expose_to_none(int64_t time_ms)
{
	lead_kafka_append(EXPOSURES, 0, time_ms,
			  "{\"id\":\"z\",\"time_ms\":1,\"experiment\":\"gone\",\"variant\":\"new\",\"probability\":0.5,"
			  "\"reason\":\"stage\"}");
}

/* It looks for the last outcome alone. */
static void the_next_engine_leads_at_once_where_nothing_is_open(void **state)
{
	const int64_t begin_ms = now_ms - 200000;
	(void)state;
	expose_at("a", begin_ms);
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	expose_at("c", begin_ms + 50000);
	judge("c", 1);
	turns_until_joined(0, "c", 1);
	expose_to_none(begin_ms + 150000);
	time_go_on(begin_ms + 150000);
	assert_int_equal(exposure_join_counts(engines[0]->pipelines[0].lead->join, 0).open, 0);
	member_kill(0);
	engines[1] = member_open("two");
	const int64_t began_ms = clock_ms();
	turns_until_leads(1);
	assert_true(clock_ms() - began_ms < MARKS_MOST_MS / 2);
	assert_int_equal(engines[1]->pipelines[0].lead->first, 1);
}

/* An exposure whose window was over is read again, as one before it is open. */
static void what_was_over_is_over_for_the_next_engine(void **state)
{
	const int64_t begin_ms = now_ms - 200000;
	(void)state;
	expose_at("c", begin_ms + 100000);
	expose_at("a", begin_ms);
	expose_at("b", begin_ms + 100001);
	time_go_on(begin_ms + 70000);
	member_kill(0);
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "{\"id\":\"a\",\"time_ms\":%lld,\"metrics\":{\"accuracy\":1}}",
		       (long long)begin_ms + 10);
	lead_kafka_append(FEEDBACK, 'a' % 2, begin_ms + 75000, line);
	engines[1] = member_open("two");
	for (const int64_t until_ms = clock_ms() + WAIT_MS; lead_kafka_count(OUTCOMES) == 0; turn(1))
		assert_true(clock_ms() < until_ms);
	assert_int_equal(joined_count(OUTCOMES, "a"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(feedback_is_joined_once_and_its_positions_are_committed_with_it),
		STORY(what_a_killed_engine_had_not_committed_is_joined_by_the_next),
		STORY(an_engine_commits_what_it_has_read_before_topics_are_assigned_anew),
		STORY(the_next_engine_goes_on_with_what_is_open),
		STORY(what_a_frozen_engine_still_writes_is_refused),
		STORY(a_commit_whose_end_is_not_known_neither_loses_nor_doubles),
		STORY(the_next_engine_waits_for_outcomes_that_are_not_shown_yet),
		STORY(topics_that_were_made_again_are_read_from_their_beginning),
		STORY(pipelines_are_shared_by_engines),
		STORY(an_engine_without_rights_says_it_once_and_leads_when_it_has_them),
		STORY(a_pipeline_whose_positions_are_not_known_holds_up_no_other),
		STORY(another_plan_is_led_from_what_is_committed_and_the_one_before_is_free),
		STORY(the_next_engine_leads_at_once_where_nothing_is_open),
		STORY(what_was_over_is_over_for_the_next_engine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
