/* control_rollouts_test.c: Tests of rollouts that the keeper runs: counts of engines become moves, each with its table and its
 * evidence; another keeper goes on; commands; and what ends a rollout. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/engine/rollout_relay.h"
#include "tests/unit/rollout_stand.h"

#define PLAIN                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"

/* ---- moves ---- */

static void candidates_that_hold_get_all_the_traffic(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_true(phase_is("running", 1));
	assert_int_equal(buckets_of_b(), 1000);
	assert_int_equal(rollout()->record.table, table_in_force("e")->version);
	seconds_pass(&one, 9, 200, 0);
	assert_true(phase_is("running", 1));
	seconds_pass(&one, 2, 200, 0);
	assert_true(phase_is("running", 2));
	assert_int_equal(buckets_of_b(), 5000);
	assert_int_equal(table_in_force("e")->moved, 4000);
	assert_int_equal(calls_recorded(), 200); /* of the new table alone */
	assert_int_equal(move(2)->moved, 4000);
	assert_int_equal(move(2)->table, table_in_force("e")->version);
	assert_true(evidence_has(2, "\"reason\": \"held\"") && evidence_has(2, "\"rule\": \"errorRate\""));
	seconds_pass(&one, 11, 200, 0);
	assert_true(phase_is("promoted", 2));
	assert_int_equal(buckets_of_b(), 10000);
	moves_check(3);
	assert_int_equal(keeper_due(table_stand.keeper), INT64_MAX);
}

static void candidates_that_fail_are_rolled_back_at_the_next_look(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 4, 200, 0);
	seconds_pass(&one, 2, 200, 100);
	assert_true(phase_is("rolledBack", 1));
	assert_int_equal(buckets_of_b(), 0);
	assert_true(evidence_has(2, "\"to\": \"rolledBack\""));
	moves_check(2);
}

static void slow_candidates_are_rolled_back(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 3, 200, 0);
	for (int i = 0; i < 3; i++) {
		one.slow[1] += 100;
		second_pass(&one, 200, 0);
	}
	assert_true(phase_is("rolledBack", 1));
	assert_true(evidence_has(2, "\"rule\": \"latency\"") || evidence_has(2, "\"rule\": \"latencyP95\""));
}

/* Without calls nothing is shown: the stage is extended to twice its duration, and then inconclusive. */
static void a_stage_without_calls_does_not_pass(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 12, 0, 0);
	assert_true(phase_is("running", 1));
	seconds_pass(&one, 10, 0, 0);
	assert_true(phase_is("inconclusive", 1));
	assert_int_equal(buckets_of_b(), 1000);
}

/* ---- promotion policies ---- */

#define POLICY(policy) PLAIN "  promotionPolicy: {" policy "}\n  progressiveDeployment: {checkEvery: 1s}\n"

static void a_policy_promotes_at_the_candidates_own_weights(void **state)
{
	(void)state;
	table_propose("Experiment", "e", POLICY("automatic: true, interval: 10s"));
	assert_true(phase_is("running", 1));
	assert_int_equal(buckets_of_b(), 5000);
	seconds_pass(&one, 9, 200, 0);
	assert_true(phase_is("running", 1));
	seconds_pass(&one, 2, 200, 0);
	assert_true(phase_is("promoted", 1));
	assert_int_equal(buckets_of_b(), 10000);
	moves_check(2);
	table_propose("Experiment", "e", POLICY("interval: 10s"));
	seconds_pass(&one, 11, 200, 0);
	assert_true(phase_is("paused", 1) && rollout()->record.waiting);
	seconds_pass(&one, 3, 200, 150);
	assert_true(phase_is("rolledBack", 1));
}

/* As the engines that have only files split, which know no keeper. */
static void candidates_of_a_policy_share_by_their_weights(void **state)
{
	(void)state;
	table_propose("Experiment", "e",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"
		      "  candidates: [{name: b, weight: 20}, {name: a, weight: 70}, {name: c, weight: 10}]\n"
		      "  promotionPolicy: {interval: 1h}\n");
	assert_true(phase_is("running", 1));
	const struct table_share *shares = table_in_force("e")->shares.items;
	assert_int_equal(shares[0].buckets, 2000);
	assert_int_equal(shares[1].buckets, 7000);
	assert_int_equal(shares[2].buckets, 1000);
	assert_int_equal(command("e", "promote")->outcome, VERDICT_ACCEPTED);
	shares = table_in_force("e")->shares.items;
	assert_int_equal(shares[0].buckets, 6667);
	assert_int_equal(shares[1].buckets, 0);
	assert_int_equal(shares[2].buckets, 3333);
}

/* ---- several candidates ---- */

#define SEVERAL(weight_b, weight_c, weight_d)                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: " weight_b "}, {name: c, weight: " weight_c                       \
	"}, {name: d, weight: " weight_d "}]\n  progressiveDeployment: {schedule: [40, 100], every: 10s, checkEvery: 1s}\n"

static void buckets_are(int64_t a, int64_t b, int64_t c, int64_t d)
{
	const struct table_share *shares = table_in_force("e")->shares.items;
	const int64_t buckets[] = {a, b, c, d};
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(shares[i].buckets, buckets[i]);
}

/* As engines of files split it, and as `plan` shows it. */
static void candidates_divide_a_stage_by_their_weights(void **state)
{
	(void)state;
	table_propose("Experiment", "e", SEVERAL("90", "10", "0"));
	assert_true(phase_is("running", 1));
	buckets_are(6000, 3600, 400, 0);
	assert_int_equal(command("e", "promote")->outcome, VERDICT_ACCEPTED);
	buckets_are(0, 9000, 1000, 0);
	table_propose("Experiment", "e", SEVERAL("9", "1", "0")); /* the same parts */
	assert_true(phase_is("promoted", 1));
	buckets_are(0, 9000, 1000, 0);
	table_propose("Experiment", "e", SEVERAL("30", "10", "0"));
	assert_true(phase_is("running", 1));
	buckets_are(6000, 3000, 1000, 0);
}

static void candidates_without_any_weight_divide_a_stage_evenly(void **state)
{
	(void)state;
	table_propose("Experiment", "e", SEVERAL("0", "0", "0"));
	assert_true(phase_is("running", 1));
	buckets_are(6000, 1334, 1333, 1333);
}

/* ---- counts ---- */

/* ---- keepers ---- */

static struct text evidence_all(void)
{
	struct buffer out;
	buffer_open(&out, 1 << 20);
	for (size_t i = 0; i < rollout()->count; i++)
		buffer_text(&out, rollout()->moves[i]->record.evidence);
	const struct text kept = text_copied(table_stand.arena, buffer_view(&out));
	buffer_close(&out);
	return kept;
}

/* Rolls out, with another keeper after each of the seconds that are a multiple of `every`; 0: none. */
static struct text keepers_roll_out(int every)
{
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	for (int i = 0; i < 23; i++) {
		second_pass(&one, 200, 0);
		if (every > 0 && i % every == 0) {
			control_compact(&table_stand);
			table_stand.options.engine = i % 2 ? "engine-2" : "engine-3";
			control_keeper_start(&table_stand);
		}
	}
	if (!phase_is("promoted", 2))
		fail_msg("another keeper each %d s: %.*s, %d moves", every, TEXT_ARGUMENTS(rollout()->record.phase),
			 (int)rollout()->count);
	moves_check(3);
	return evidence_all();
}

static void other_keepers_make_the_same_moves_with_the_same_evidence(void **state)
{
	struct text steady = keepers_roll_out(0);
	char *kept = strndup(steady.bytes, steady.length);
	for (int every = 1; every < 6; every++) {
		table_stand_close(state);
		rollout_stand_open(state);
		assert_true(text_is(keepers_roll_out(every), kept));
	}
	free(kept);
}

/* No keeper is there for 20 s, in which the stage ends by its time, and the candidate fails. */
static void a_keeper_that_was_away_hears_the_engines_before_it_looks(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 8, 200, 0);
	table_stand.now_ms += 20 * SECOND;
	control_compact(&table_stand);
	table_stand.options.engine = "engine-2";
	control_keeper_start(&table_stand);
	control_pass(&table_stand, SECOND / 2);
	seconds_pass(&one, 8, 200, 150);
	assert_true(phase_is("rolledBack", 1));
	assert_int_equal(buckets_of_b(), 0);
}

/* ---- clocks ---- */

static void clock_set(int64_t by_ms)
{
	table_stand.now_ms += by_ms;
	keeper_shift(table_stand.keeper, by_ms);
}

/* It neither ends a stage early, nor puts the next look off. */
static void a_clock_that_is_set_moves_nothing(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 3, 200, 0);
	clock_set(HOUR);
	seconds_pass(&one, 3, 200, 0);
	assert_true(phase_is("running", 1));
	clock_set(-2 * HOUR);
	seconds_pass(&one, 2, 200, 0);
	assert_true(phase_is("running", 1));
	seconds_pass(&one, 4, 200, 150);
	assert_true(phase_is("rolledBack", 1));
}

static void a_keeper_whose_clock_is_behind_goes_on(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 4, 200, 0);
	table_stand.now_ms -= HOUR;
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	seconds_pass(&one, 4, 200, 150);
	assert_true(phase_is("rolledBack", 1));
}

/* ---- commands ---- */

static void a_pause_holds_until_it_is_resumed(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 3, 200, 0);
	assert_int_equal(command("e", "pause")->outcome, VERDICT_ACCEPTED);
	seconds_pass(&one, 30, 200, 0);
	assert_true(phase_is("paused", 1));
	assert_int_equal(buckets_of_b(), 1000);
	assert_true(text_is(move(2)->author, "me") && text_is(move(2)->reason, "why not"));
	assert_int_equal(command("e", "resume")->outcome, VERDICT_ACCEPTED);
	seconds_pass(&one, 9, 200, 0);
	assert_true(phase_is("running", 2));
	moves_check(4);
}

static void commands_move_at_once_and_are_refused_in_words(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	const struct control_verdict *verdict = command("e", "resume");
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_non_null(memmem(verdict->why.bytes, verdict->why.length, "What fits: promote, rollback, pause", 35));
	verdict = command("nobody", "pause");
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_non_null(memmem(verdict->why.bytes, verdict->why.length, "no rollout of `nobody` runs", 27));
	assert_int_equal(command("e", "leap")->outcome, VERDICT_REFUSED);
	assert_int_equal(command("e", "promote")->outcome, VERDICT_ACCEPTED);
	assert_int_equal(buckets_of_b(), 10000);
	assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	assert_int_equal(buckets_of_b(), 0);
	assert_true(phase_is("rolledBack", 1));
	moves_check(3);
}

/* ---- documents ---- */

static void other_changes_leave_the_weights_of_a_rollout(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 11, 200, 0);
	assert_int_equal(buckets_of_b(), 5000);
	const int64_t version = table_in_force("e")->version;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	table_propose("Experiment", "e", EXPERIMENT("10, 50") "# the same\n");
	assert_int_equal(table_in_force("e")->version, version);
	assert_true(phase_is("running", 2));
	seconds_pass(&one, 11, 200, 0);
	assert_true(phase_is("promoted", 2));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "80", "20"));
	assert_int_equal(buckets_of_b(), 10000);
	moves_check(3);
}

static void another_plan_begins_anew_and_numbers_go_on(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 11, 200, 0);
	table_propose("Experiment", "e", EXPERIMENT("20, 60"));
	assert_true(phase_is("running", 1));
	assert_int_equal(buckets_of_b(), 2000);
	moves_check(3);
	assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	table_propose("Experiment", "e", EXPERIMENT("20, 60") "# once more\n");
	assert_true(phase_is("running", 1));
	assert_int_equal(buckets_of_b(), 2000);
	moves_check(5);
}

/* A corrected comment does not take the candidate's traffic away. */
static void a_promoted_rollout_stays_as_long_as_its_stages_do(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 23, 200, 0);
	assert_true(phase_is("promoted", 2));
	table_propose("Experiment", "e", EXPERIMENT("10, 50") "# once more\n");
	assert_true(phase_is("promoted", 2));
	assert_int_equal(buckets_of_b(), 10000);
	moves_check(3);
	table_propose("Experiment", "e", EXPERIMENT("10, 60"));
	assert_true(phase_is("running", 1));
	assert_int_equal(buckets_of_b(), 1000);
}

/* Nobody has seen an answer of a default that comes from outside. */
static void a_default_that_no_stage_has_is_refused_while_one_runs(void **state)
{
	const char *other = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: c\n"
			    "  candidates: [{name: b, weight: 50}]\n  progressiveDeployment: {schedule: [10], checkEvery: 1s}\n";
	const struct proposal_item item = table_item("Experiment", "e", other);
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 2, 200, 0);
	const struct control_verdict *verdict = control_ask(&table_stand, (struct proposal){.items = {1, &item}});
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_non_null(memmem(verdict->why.bytes, verdict->why.length, "new default `c` of Experiment `e` is no choice", 46));
	assert_true(phase_is("running", 1));
	assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	table_propose("Experiment", "e", other);
	assert_true(phase_is("running", 1));
}

/* The candidate would get the default's traffic at once, without a look at it. */
static void the_default_is_not_swapped_while_a_stage_runs(void **state)
{
	static const char swapped[] =
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: b\n"
		"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"
		"  progressiveDeployment: {enabled: true, schedule: [10, 50], every: 10s, checkEvery: 1s}\n";
	const struct proposal_item item = table_item("Experiment", "e", swapped);
	(void)state;
	for (int ends = 0; ends < 2; ends++) {
		table_propose("Experiment", "e", EXPERIMENT("10, 50"));
		seconds_pass(&one, 2, 200, 0);
		for (int paused = 0; paused < 2; paused++) {
			const struct control_verdict *verdict = control_ask(&table_stand, (struct proposal){.items = {1, &item}});
			const char *words =
				paused ? "the default of Experiment `e` cannot become `b` while its rollout is paused at stage 1"
				       : "the default of Experiment `e` cannot become `b` while its rollout is running at stage 1, "
					 "with 10% for the candidates: `b` would get the traffic of `a` at once; end the "
					 "rollout first, by `sluice experiments promote e` or `rollback`";
			assert_int_equal(verdict->outcome, VERDICT_REFUSED);
			assert_non_null(memmem(verdict->why.bytes, verdict->why.length, words, strlen(words)));
			assert_int_equal(buckets_of_b(), 1000);
			if (!paused)
				assert_int_equal(command("e", "pause")->outcome, VERDICT_ACCEPTED);
		}
		assert_int_equal(command("e", ends ? "promote" : "rollback")->outcome, VERDICT_ACCEPTED);
		table_propose("Experiment", "e", swapped);
		assert_true(phase_is("running", 1));
		assert_int_equal(buckets_of_b(), 9000);
		assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	}
}

/* Nor by a document that has no rollout, or one that is switched off: it would end this one, too. */
static void no_document_swaps_the_default_while_a_stage_runs(void **state)
{
	static const char head[] =
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: b\n"
		"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n";
	static const char *const more[] = {"", "  progressiveDeployment: {enabled: false, schedule: [10, 50]}\n"};
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 2, 200, 0);
	for (size_t i = 0; i < 2; i++) {
		char document[1024];
		(void)snprintf(document, sizeof document, "%s%s", head, more[i]);
		const struct proposal_item item = table_item("Experiment", "e", document);
		const struct control_verdict *verdict = control_ask(&table_stand, (struct proposal){.items = {1, &item}});
		assert_int_equal(verdict->outcome, VERDICT_REFUSED);
		assert_non_null(memmem(verdict->why.bytes, verdict->why.length, "cannot become `b` while", 23));
		assert_int_equal(buckets_of_b(), 1000);
	}
	assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	table_propose("Experiment", "e", head);
	assert_int_equal(buckets_of_b(), 5000);
}

static void sentence_is(size_t number, const char *words)
{
	if (!text_is(move(number)->sentence, words))
		fail_msg(TEXT_FORMAT, TEXT_ARGUMENTS(move(number)->sentence));
}

/* One that has ended says how, in its own last move. */
static void a_rollout_that_replaces_another_in_a_stage_says_so(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	sentence_is(1, "Stage 1 begins at 10%: the rollout starts.");
	seconds_pass(&one, 11, 200, 0);
	table_propose("Experiment", "e", EXPERIMENT("20, 60"));
	sentence_is(
		3, "Stage 1 begins at 20%: the rollout starts. It replaces the rollout of version 1, which was running in stage 2, "
		   "with 50% for its candidates.");
	assert_true(evidence_has(3, ", \"replaces\": {\"version\": 1, \"stage\": 2, \"percent\": 50.0, \"phase\": \"running\"}}"));
	assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	table_propose("Experiment", "e", EXPERIMENT("30, 60"));
	sentence_is(5, "Stage 1 begins at 30%: the rollout starts.");
}

static void a_rollout_ends_with_its_experiment(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	table_propose("Experiment", "e", PLAIN);
	assert_non_null(rollout());
	assert_false(rollout()->has_record);
	assert_int_equal(rollout()->count, 2);
	sentence_is(
		2,
		"Ended: version 2 of the experiment has no rollout, and its own weights are in force. The rollout was running in "
		"stage 1, with 10% for its candidates.");
	assert_true(evidence_has(2,
				 "\"from\": \"running\", \"to\": \"withdrawn\", \"fromStage\": 1, \"stage\": 1, \"epoch\": null, "
				 "\"percent\": null, \"reason\": \"withdrawn\", \"ends\": {\"version\": 1"));
	assert_int_equal(move(2)->table, table_in_force("e")->version);
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	table_propose("Experiment", "e", PLAIN "# again\n");
	control_pass(&table_stand, 2 * KEEPER_SILENT_MS);
	assert_int_equal(rollout()->count, 2); /* once */
	assert_int_equal(buckets_of_b(), 5000);
}

/* Who deletes an experiment may want to know what it showed, and so may who applies it again. */
static void moves_of_a_deleted_experiment_are_kept_for_a_time(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	table_propose("Experiment", "e", NULL);
	sentence_is(2, "Ended: version 2 deleted the experiment. The rollout was running in stage 1, with 10% for its candidates.");
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	control_pass(&table_stand, 2 * KEEPER_SILENT_MS);
	assert_true(phase_is("running", 1));
	moves_check(3);
	table_propose("Experiment", "e", NULL);
	assert_int_equal(rollout()->count, 4);
	table_stand.now_ms += KEEPER_MOVES_MS - HOUR;
	table_propose("Experiment", "other",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: other}\nspec:\n"
		      "  candidates: [{name: c, weight: 1}]\n");
	assert_int_equal(rollout()->count, 4);
	table_stand.now_ms += HOUR;
	table_propose("Experiment", "other", NULL);
	assert_null(rollout());
}

/* ---- an engine ---- */

static bool is_same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static void figures_are(struct rollout_board *board, double paused, double inconclusive, double rolled_back)
{
	struct alert_values values = {
		.rollout_paused = (double)NAN, .rollout_inconclusive = (double)NAN, .rollout_rolled_back = (double)NAN};
	rollout_board_figures(board, "e", &values);
	assert_true(is_same(values.rollout_paused, paused));
	assert_true(is_same(values.rollout_inconclusive, inconclusive));
	assert_true(is_same(values.rollout_rolled_back, rolled_back));
}

static void phases_become_figures(void **state)
{
	(void)state;
	struct rollout_board *board = rollout_board_open();
	struct rollout_relay relay = {0};
	struct error error = {0};
	figures_are(board, (double)NAN, (double)NAN, (double)NAN);
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_int_equal(command("e", "pause")->outcome, VERDICT_ACCEPTED);
	assert_true(phase_is("paused", 1));
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	figures_are(board, 1, 0, 0);
	assert_int_equal(command("e", "resume")->outcome, VERDICT_ACCEPTED);
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	figures_are(board, 0, 0, 0);
	seconds_pass(&one, 30, 0, 0);
	assert_true(phase_is("inconclusive", 1));
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	figures_are(board, 0, 1, 0);
	rollout_board_close(board);
}

static void an_engine_has_the_table_of_the_rollout_and_tells_what_it_counts(void **state)
{
	(void)state;
	struct rollout_board *board = rollout_board_open();
	struct rollout_relay relay = {0};
	struct error error = {0};
	struct buffer key, value;
	struct engine_tallies tally = {.namespace = TEXT("default"), .engine = TEXT("one"), .started_ms = 1};
	buffer_open(&key, 1 << 16);
	buffer_open(&value, 1 << 16);
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_false(rollout_relay_tally(&relay, board, tally, &key, &value));
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	figures_are(board, 0, 0, 0);
	struct rollout_entry *entry = rollout_board_entry(board, "e");
	const struct rollout_force *force = rollout_entry_hold(entry);
	assert_int_equal(force->version, table_in_force("e")->version);
	assert_true(force->probabilities[1] == 0.1);
	const int64_t version = force->version;
	rollout_entry_release(entry);
	for (int i = 0; i < 1000; i++)
		rollout_entry_count(entry, &(struct rollout_call_end){.version = version,
								      .index = 1,
								      .cell = DESIGN_GROUPS,
								      .failed = i < 400,
								      .took_us = i < 300 ? LIMIT_US + 1 : LIMIT_US});
	assert_true(rollout_relay_tally(&relay, board, tally, &key, &value));
	assert_true(text_is(buffer_view(&key), "tally/one"));
	assert_true(keeper_tally(table_stand.keeper, buffer_view(&value), table_stand.now_ms, &error));
	control_pass(&table_stand, SECOND);
	assert_true(phase_is("rolledBack", 1));
	figures_are(board, 0, 0, 0); /* until it looks */
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	figures_are(board, 0, 0, 1);
	assert_true(evidence_has(2, "\"trials\": 1000, \"estimate\": 0.4"));
	assert_true(evidence_has(2, "\"trials\": 1000, \"estimate\": 0.3"));
	table_propose("Experiment", "e", NULL);
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	figures_are(board, (double)NAN, (double)NAN, (double)NAN);
	assert_null(rollout_entry_hold(entry));
	rollout_entry_release(entry);
	buffer_close(&key);
	buffer_close(&value);
	rollout_board_close(board);
}

/* Cells of two choices are some hundred bytes. */
static void counts_arrive_where_their_cells_do_not_fit(void **state)
{
	(void)state;
	struct rollout_board *board = rollout_board_open();
	struct rollout_relay relay = {0};
	struct error error = {0};
	struct buffer key, value, large;
	const struct engine_tallies tally = {.namespace = TEXT("default"), .engine = TEXT("one"), .started_ms = 1};
	buffer_open(&key, 1 << 16);
	buffer_open(&large, 1 << 16);
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	struct rollout_entry *entry = rollout_board_entry(board, "e");
	const int64_t version = table_in_force("e")->version;
	for (int i = 0; i < 1000; i++)
		rollout_entry_count(entry, &(struct rollout_call_end){
						   .version = version, .index = 1, .cell = DESIGN_GROUPS, .failed = i < 400});
	assert_true(rollout_relay_tally(&relay, board, tally, &key, &large));
	buffer_open(&value, large.length - 1);
	assert_true(rollout_relay_tally(&relay, board, tally, &key, &value));
	assert_true(value.length < large.length / 2);
	assert_true(keeper_tally(table_stand.keeper, buffer_view(&value), table_stand.now_ms, &error));
	control_pass(&table_stand, SECOND);
	assert_true(phase_is("rolledBack", 1));
	assert_true(evidence_has(2, "\"trials\": 1000, \"estimate\": 0.4"));
	buffer_close(&key);
	buffer_close(&value);
	buffer_close(&large);
	rollout_board_close(board);
}

int main(void)
{
#define ON_STAND(test) cmocka_unit_test_setup_teardown(test, rollout_stand_open, table_stand_close)
	const struct CMUnitTest tests[] = {
		ON_STAND(candidates_that_hold_get_all_the_traffic),
		ON_STAND(candidates_that_fail_are_rolled_back_at_the_next_look),
		ON_STAND(slow_candidates_are_rolled_back),
		ON_STAND(a_stage_without_calls_does_not_pass),
		ON_STAND(a_policy_promotes_at_the_candidates_own_weights),
		ON_STAND(candidates_of_a_policy_share_by_their_weights),
		ON_STAND(candidates_divide_a_stage_by_their_weights),
		ON_STAND(candidates_without_any_weight_divide_a_stage_evenly),
		ON_STAND(other_keepers_make_the_same_moves_with_the_same_evidence),
		ON_STAND(a_keeper_that_was_away_hears_the_engines_before_it_looks),
		ON_STAND(a_clock_that_is_set_moves_nothing),
		ON_STAND(a_keeper_whose_clock_is_behind_goes_on),
		ON_STAND(a_pause_holds_until_it_is_resumed),
		ON_STAND(commands_move_at_once_and_are_refused_in_words),
		ON_STAND(other_changes_leave_the_weights_of_a_rollout),
		ON_STAND(another_plan_begins_anew_and_numbers_go_on),
		ON_STAND(a_promoted_rollout_stays_as_long_as_its_stages_do),
		ON_STAND(a_default_that_no_stage_has_is_refused_while_one_runs),
		ON_STAND(the_default_is_not_swapped_while_a_stage_runs),
		ON_STAND(no_document_swaps_the_default_while_a_stage_runs),
		ON_STAND(a_rollout_that_replaces_another_in_a_stage_says_so),
		ON_STAND(a_rollout_ends_with_its_experiment),
		ON_STAND(moves_of_a_deleted_experiment_are_kept_for_a_time),
		ON_STAND(phases_become_figures),
		ON_STAND(an_engine_has_the_table_of_the_rollout_and_tells_what_it_counts),
		ON_STAND(counts_arrive_where_their_cells_do_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
