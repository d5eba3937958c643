/* control_rollouts_test.c: Tests of rollouts that the keeper runs: counts of engines become moves, each with its table and its
 * evidence; another keeper goes on; commands; and what ends a rollout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/rollout_relay.h"
#include "message/rows.h"
#include "tests/unit/table_stand.h"

#define EXPERIMENT(schedule)                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                      \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"                                                          \
	"  progressiveDeployment: {enabled: true, schedule: [" schedule "], every: 10s, checkEvery: 1s}\n"
#define PLAIN                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                      \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"
#define LIMIT_US 200000 /* of the trigger that a rollout has if it names none */
#define SECOND 1000

/* What an engine counts: it is told how many calls end in a second. */
struct counting_engine {
	const char *name;
	int64_t started_ms, sequence;
	int64_t table;
	int64_t calls[2], errors[2], slow[2];
	int64_t truths[2], right[2]; /* of the pipeline; none are told as long as there are none */
};

static struct counting_engine one, two;

static int stand_open(void **state)
{
	one = (struct counting_engine){.name = "one", .started_ms = 10};
	two = (struct counting_engine){.name = "two", .started_ms = 20};
	return table_stand_open(state);
}

static const struct ledger_rollout *rollout(void)
{
	return ledger_rollout_find(keeper_ledger(table_stand.keeper), TEXT("e"));
}

static const struct control_move *move(size_t number)
{
	const struct ledger_rollout *found = rollout();
	for (size_t i = 0; found && i < found->count; i++)
		if (found->moves[i]->record.number == (int64_t)number)
			return &found->moves[i]->record;
	fail_msg("there is no move %zu", number);
	return NULL;
}

static bool phase_is(const char *phase, int64_t stage)
{
	return rollout() && rollout()->has_record && text_is(rollout()->record.phase, phase) && rollout()->record.stage == stage;
}

static bool evidence_has(size_t number, const char *words)
{
	const struct text evidence = move(number)->evidence;
	return memmem(evidence.bytes, evidence.length, words, strlen(words)) != NULL;
}

/* The share of `b` in the table in force, in buckets. */
static int64_t buckets_of_b(void)
{
	const struct control_table *table = table_in_force("e");
	const struct table_share *shares = table->shares.items;
	assert_true(text_is(shares[1].name, "b"));
	return shares[1].buckets;
}

/* The engine has the table in force, of which it counts from 0. */
static void engine_follow(struct counting_engine *engine)
{
	const int64_t table = table_in_force("e")->version;
	if (table == engine->table)
		return;
	engine->table = table;
	memset(engine->calls, 0, sizeof engine->calls);
	memset(engine->errors, 0, sizeof engine->errors);
	memset(engine->slow, 0, sizeof engine->slow);
	memset(engine->truths, 0, sizeof engine->truths);
	memset(engine->right, 0, sizeof engine->right);
}

static void engine_restart(struct counting_engine *engine)
{
	engine->table = -1;
	engine->started_ms += 1000;
	engine_follow(engine);
}

static void engine_tell(struct counting_engine *engine)
{
	static const char *const names[] = {"a", "b"};
	struct slower_count slower[2];
	struct variant_count variants[2];
	struct variant_truth truths[2];
	struct error error = {0};
	for (size_t i = 0; i < 2; i++) {
		slower[i] = (struct slower_count){LIMIT_US, engine->slow[i]};
		variants[i] = (struct variant_count){text_of(names[i]), engine->calls[i], engine->errors[i], {1, &slower[i]}};
		truths[i] = (struct variant_truth){text_of(names[i]), engine->truths[i], engine->right[i] * TRUTH_SCALE,
						   engine->right[i] * TRUTH_SCALE * TRUTH_SCALE};
	}
	const struct pipeline_truth pipeline = {TEXT("p"), {2, truths}};
	const struct experiment_tally tally = {TEXT("e"), engine->table, {2, variants}, {engine->truths[0] > 0, &pipeline}};
	const struct engine_tallies record = {.namespace = TEXT("default"),
					      .engine = text_of(engine->name),
					      .started_ms = engine->started_ms,
					      .sequence = ++engine->sequence,
					      .experiments = {1, &tally}};
	const struct text value = control_encode(&table_stand, &tally_form, &record);
	assert_true(keeper_tally(table_stand.keeper, value, table_stand.now_ms, &error));
	control_commit(&table_stand);
}

/* A second in which each choice has `calls` calls, and `b` so many errors. */
static void second_pass(struct counting_engine *engine, int64_t calls, int64_t errors)
{
	engine_follow(engine);
	for (size_t i = 0; i < 2; i++)
		engine->calls[i] += calls;
	engine->errors[1] += errors;
	engine_tell(engine);
	control_pass(&table_stand, SECOND);
}

static void seconds_pass(struct counting_engine *engine, int seconds, int64_t calls, int64_t errors)
{
	for (int i = 0; i < seconds; i++)
		second_pass(engine, calls, errors);
}

static const struct control_verdict *command(const char *name, const char *words)
{
	const struct proposal_item item = {.kind = ROLLOUT_COMMAND_KIND, .name = text_of(name), .document = text_of(words)};
	return control_ask(&table_stand, (struct proposal){.author = TEXT("me"), .reason = TEXT("why not"), .items = {1, &item}});
}

/* The moves have all numbers from 1, each once. */
static void moves_check(size_t count)
{
	const struct ledger_rollout *found = rollout();
	assert_int_equal(found->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(found->moves[i]->record.number, i + 1);
	assert_int_equal(found->record.moves, count);
}

static int64_t calls_recorded(void)
{
	const struct engine_tally *engines = rollout()->record.engines.items;
	int64_t calls = 0;
	for (size_t i = 0; i < rollout()->record.engines.count; i++)
		calls += ((const struct variant_count *)engines[i].variants.items)[1].calls;
	return calls;
}

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

/* ---- counts ---- */

static void counts_of_engines_and_of_their_starts_are_added_up_once(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 2, 30, 0);
	seconds_pass(&two, 2, 7, 0);
	assert_int_equal(calls_recorded(), 74);
	engine_tell(&one); /* again */
	one.calls[1] -= 20;
	engine_tell(&one); /* an older one, late */
	one.calls[1] += 20;
	control_pass(&table_stand, SECOND);
	assert_int_equal(calls_recorded(), 74);
	engine_restart(&one);
	second_pass(&one, 5, 0);
	assert_int_equal(calls_recorded(), 79);
	engine_restart(&one);
	second_pass(&one, 1, 0);
	assert_int_equal(calls_recorded(), 80);
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	engine_tell(&two);
	second_pass(&one, 1, 0);
	assert_int_equal(calls_recorded(), 81);
}

/* Counts of weights that are no longer in force, or of other limits, are not of this epoch. */
static void counts_of_another_table_are_left_out(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 2, 30, 0);
	one.table--;
	one.calls[1] += 1000;
	engine_tell(&one);
	control_pass(&table_stand, SECOND);
	assert_int_equal(calls_recorded(), 60);
}

/* ---- truths ---- */

/* Seconds with 100 truths of each choice, of which so many are right. */
static void truths_pass(struct counting_engine *engine, int seconds, int64_t right_of_a, int64_t right_of_b)
{
	for (int i = 0; i < seconds && !phase_is("rolledBack", 1); i++) {
		engine_follow(engine);
		engine->truths[0] += 100;
		engine->truths[1] += 100;
		engine->right[0] += right_of_a;
		engine->right[1] += right_of_b;
		second_pass(engine, 200, 0);
	}
}

static int64_t truths_recorded(void)
{
	const struct pipeline_truth *pipelines = rollout()->record.truths.items;
	int64_t units = 0;
	for (size_t i = 0; i < rollout()->record.truths.count; i++)
		units += ((const struct variant_truth *)pipelines[i].variants.items)[1].units;
	return units;
}

static void candidates_that_are_wrong_more_often_are_rolled_back(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	truths_pass(&one, 30, 90, 60);
	assert_true(phase_is("rolledBack", 1));
	assert_true(evidence_has(2, "\"rule\": \"accuracyDrop\""));
	const struct text sentence = move(2)->sentence;
	assert_non_null(memmem(sentence.bytes, sentence.length, "accuracyDrop", 12));
}

static void candidates_that_are_as_right_are_promoted(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	truths_pass(&one, 21, 80, 82);
	assert_true(phase_is("promoted", 1));
	assert_true(evidence_has(2, "\"rule\": \"accuracyDrop\""));
	assert_false(evidence_has(2, "leftOut"));
}

/* They are totals of the pipeline: one that joins the feedback anew begins with less. */
static void truths_count_once_whoever_joins_them(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	truths_pass(&one, 3, 80, 80);
	control_pass(&table_stand, SECOND);
	assert_int_equal(truths_recorded(), 300);
	truths_pass(&two, 2, 80, 80);
	assert_int_equal(truths_recorded(), 300);
	truths_pass(&two, 2, 80, 80);
	control_pass(&table_stand, SECOND);
	assert_int_equal(truths_recorded(), 400);
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	engine_tell(&one); /* an older one */
	control_pass(&table_stand, 5 * SECOND);
	assert_int_equal(truths_recorded(), 400);
	truths_pass(&two, 1, 80, 80);
	control_pass(&table_stand, SECOND);
	assert_int_equal(truths_recorded(), 500);
	assert_true(phase_is("running", 1));
}

static void truths_that_cannot_be_are_left_out(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	truths_pass(&one, 2, 80, 80);
	truths_pass(&one, 1, 80, 800);
	control_pass(&table_stand, SECOND);
	assert_int_equal(truths_recorded(), 200);
	assert_true(phase_is("running", 1));
}

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
		stand_open(state);
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

static void a_rollout_ends_with_its_experiment(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	table_propose("Experiment", "e", PLAIN);
	assert_non_null(rollout());
	assert_false(rollout()->has_record);
	assert_int_equal(rollout()->count, 1);
	assert_int_equal(buckets_of_b(), 5000);
	table_propose("Experiment", "e", NULL);
	assert_null(rollout());
}

/* ---- an engine ---- */

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
	struct rollout_entry *entry = rollout_board_entry(board, "e");
	const struct rollout_force *force = rollout_entry_hold(entry);
	assert_int_equal(force->version, table_in_force("e")->version);
	assert_true(force->probabilities[1] == 0.1);
	const int64_t version = force->version;
	rollout_entry_release(entry);
	for (int i = 0; i < 1000; i++)
		rollout_entry_count(entry, version, 1, i < 400, i < 300 ? LIMIT_US + 1 : LIMIT_US);
	assert_true(rollout_relay_tally(&relay, board, tally, &key, &value));
	assert_true(text_is(buffer_view(&key), "tally/one"));
	assert_true(keeper_tally(table_stand.keeper, buffer_view(&value), table_stand.now_ms, &error));
	control_pass(&table_stand, SECOND);
	assert_true(phase_is("rolledBack", 1));
	assert_true(evidence_has(2, "\"trials\": 1000, \"estimate\": 0.4"));
	assert_true(evidence_has(2, "\"trials\": 1000, \"estimate\": 0.3"));
	table_propose("Experiment", "e", NULL);
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	assert_null(rollout_entry_hold(entry));
	rollout_entry_release(entry);
	buffer_close(&key);
	buffer_close(&value);
	rollout_board_close(board);
}

int main(void)
{
#define ON_STAND(test) cmocka_unit_test_setup_teardown(test, stand_open, table_stand_close)
	const struct CMUnitTest tests[] = {
		ON_STAND(candidates_that_hold_get_all_the_traffic),
		ON_STAND(candidates_that_fail_are_rolled_back_at_the_next_look),
		ON_STAND(slow_candidates_are_rolled_back),
		ON_STAND(a_stage_without_calls_does_not_pass),
		ON_STAND(counts_of_engines_and_of_their_starts_are_added_up_once),
		ON_STAND(counts_of_another_table_are_left_out),
		ON_STAND(candidates_that_are_wrong_more_often_are_rolled_back),
		ON_STAND(candidates_that_are_as_right_are_promoted),
		ON_STAND(truths_count_once_whoever_joins_them),
		ON_STAND(truths_that_cannot_be_are_left_out),
		ON_STAND(other_keepers_make_the_same_moves_with_the_same_evidence),
		ON_STAND(a_keeper_that_was_away_hears_the_engines_before_it_looks),
		ON_STAND(a_pause_holds_until_it_is_resumed),
		ON_STAND(commands_move_at_once_and_are_refused_in_words),
		ON_STAND(other_changes_leave_the_weights_of_a_rollout),
		ON_STAND(another_plan_begins_anew_and_numbers_go_on),
		ON_STAND(a_rollout_ends_with_its_experiment),
		ON_STAND(an_engine_has_the_table_of_the_rollout_and_tells_what_it_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
