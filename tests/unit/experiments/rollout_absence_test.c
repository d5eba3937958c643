/* rollout_absence_test.c: Tests of the clock of a stage while nobody keeps its rollout, as Kafka is away or no engine is the
 * keeper: that time is not the stage's, and each later keeper comes to the same end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rollout_stand.h"

#define AWAY (31 * SECOND)

/* The next keeper hears the engines for five seconds, and then looks. */
static void keeper_replace(int64_t away_ms)
{
	table_stand.now_ms += away_ms;
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
}

/* Stages of 10 s, which are inconclusive after 20 s without evidence. The looks until the 8th second were made. */
static void rollout_run_until_away(void)
{
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 8, 0, 0);
	assert_true(phase_is("running", 1));
}

static void a_stage_has_its_time_beside_an_outage(void **state)
{
	(void)state;
	rollout_run_until_away();
	keeper_replace(AWAY);
	seconds_pass(&one, 5 + 10, 0, 0);
	assert_true(phase_is("running", 1));
	seconds_pass(&one, 2, 0, 0);
	assert_true(phase_is("inconclusive", 1));
}

static void a_stage_passes_by_evidence_after_an_outage(void **state)
{
	(void)state;
	rollout_run_until_away();
	keeper_replace(AWAY);
	seconds_pass(&one, 5 + 10, 200, 0);
	assert_true(phase_is("running", 2));
	moves_check(2);
}

static bool sentence_has(size_t number, const char *words)
{
	const struct text sentence = move(number)->sentence;
	return memmem(sentence.bytes, sentence.length, words, strlen(words)) != NULL;
}

/* From the look that was due at 9 s to the one at 44 s: the next keeper hears the engines for 5 s. */
static void a_move_says_how_much_of_its_stage_nobody_looked_at(void **state)
{
	(void)state;
	rollout_run_until_away();
	keeper_replace(AWAY);
	seconds_pass(&one, 5 + 10, 200, 0);
	assert_true(sentence_has(2, "all rules of stage 1 hold. In 35s of stage 1 nobody looked"));
	assert_true(evidence_has(2, "\"skippedMs\": 35000"));
	keeper_replace(2 * SECOND); /* a look was due in a second; the next one comes five after the two */
	seconds_pass(&one, 5 + 12, 200, 0);
	assert_false(sentence_has(1, "nobody looked"));
	assert_true(sentence_has(3, "In 6s of stage 2 nobody looked"));
}

/* One ends before its first look, and one after it. */
static void other_keepers_count_an_outage_once(void **state)
{
	(void)state;
	rollout_run_until_away();
	keeper_replace(AWAY);
	seconds_pass(&one, 2, 0, 0);
	keeper_replace(0);
	seconds_pass(&one, 5 + 3, 0, 0);
	keeper_replace(0);
	seconds_pass(&one, 7, 0, 0);
	assert_true(phase_is("running", 1));
	seconds_pass(&one, 2, 0, 0);
	assert_true(phase_is("inconclusive", 1));
}

/* A policy is judged at the ends of its intervals: an outage in the second one brings no other end. */
static void an_outage_moves_the_end_of_an_interval(void **state)
{
	(void)state;
	table_propose("Experiment", "e",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"
		      "  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"
		      "  promotionPolicy: {automatic: true, interval: 10s}\n  progressiveDeployment: {checkEvery: 1s}\n");
	seconds_pass(&one, 15, 0, 0);
	assert_true(phase_is("running", 1));
	keeper_replace(AWAY);
	seconds_pass(&one, 5 + 3, 200, 0);
	assert_true(phase_is("running", 1));
	seconds_pass(&one, 2, 200, 0);
	assert_true(phase_is("promoted", 1));
}

#define SHORT                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"                                                           \
	"  progressiveDeployment: {enabled: true, schedule: [10, 50], every: 2s, checkEvery: 1s}\n"

/* Engines of a busy machine tell in 5 s what they count, or are silent: a stage of 2 s has these beside its own time. */
static void a_short_stage_waits_for_the_reports_of_its_calls(void **state)
{
	(void)state;
	table_propose("Experiment", "e", SHORT);
	seconds_pass(&one, 6, 0, 0);
	assert_true(phase_is("running", 1));
	seconds_pass(&one, 1, 2000, 0);
	assert_true(phase_is("running", 2));
}

static void a_short_stage_without_reports_is_inconclusive(void **state)
{
	(void)state;
	table_propose("Experiment", "e", SHORT);
	seconds_pass(&one, 7, 0, 0);
	assert_true(phase_is("inconclusive", 1));
}

#define ABSENCE_STORY(name) cmocka_unit_test_setup_teardown(name, rollout_stand_open, table_stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABSENCE_STORY(a_stage_has_its_time_beside_an_outage),
		ABSENCE_STORY(a_stage_passes_by_evidence_after_an_outage),
		ABSENCE_STORY(a_move_says_how_much_of_its_stage_nobody_looked_at),
		ABSENCE_STORY(other_keepers_count_an_outage_once),
		ABSENCE_STORY(a_short_stage_waits_for_the_reports_of_its_calls),
		ABSENCE_STORY(a_short_stage_without_reports_is_inconclusive),
		ABSENCE_STORY(an_outage_moves_the_end_of_an_interval),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
