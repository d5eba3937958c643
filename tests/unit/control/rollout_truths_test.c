/* rollout_truths_test.c: Tests of the way of late truths from engines through the keeper: they leave a stage open, stay with the
 * rollout, and are 0 in records of the schema before them; likewise ratios. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/engine/rollout_relay.h"
#include "control/records/truth_record.h"
#include "message/avro/schemas.h"
#include "tests/unit/rollout_looks.h"
#include "tests/unit/rollout_stand.h"

#define WINDOW(window)                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"                                                           \
	"  progressiveDeployment: {enabled: true, schedule: [50], every: 10s, checkEvery: 1s, outcomeWindow: " window "}\n"
#define STAGES(duration)                                                                                                           \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"                                                           \
	"  progressiveDeployment: {enabled: true, checkEvery: 10s, stages: [{weight: 40, duration: " duration ", approve: true},"  \
	" {weight: 50, duration: 30s}]}\n"
#define PROFITABLE EXPERIMENT("50") "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n"
#define FORMER(name, number) "tests/data/avro/" name "-" number

static const struct variant_truth *truths_of_b(void)
{
	const struct pipeline_truth *pipelines = rollout()->record.truths.items;
	assert_int_equal(rollout()->record.truths.count, 1);
	return &((const struct variant_truth *)pipelines[0].variants.items)[1];
}

static void sentence_has(size_t number, const char *words)
{
	const struct text sentence = move(number)->sentence;
	if (!memmem(sentence.bytes, sentence.length, words, strlen(words)))
		fail_msg(TEXT_FORMAT, TEXT_ARGUMENTS(sentence));
}

/* Its answers are always wrong, and each truth comes after the window. */
static void a_candidate_whose_truths_are_late_is_not_promoted(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	for (int i = 0; i < 25; i++) {
		engine_follow(&one);
		one.late[0] += 50;
		one.late[1] += 50;
		second_pass(&one, 200, 0);
	}
	assert_true(phase_is("inconclusive", 1));
	sentence_has(
		2,
		"Truths that came after the outcomeWindow of 5m do not count: 1000 of `b`, and 1000 of the default; 0 and 0 came "
		"within it. Set outcomeWindow above the time that truths take.");
	assert_true(evidence_has(2, "\"rule\": \"accuracyDrop\"") && evidence_has(2, "\"late\": 1000"));
}

static void a_longer_window_lets_the_rollout_go_on(void **state)
{
	(void)state;
	table_propose("Experiment", "e", WINDOW("1m"));
	engine_follow(&one);
	one.late[0] = one.late[1] = 900;
	seconds_pass(&one, 25, 200, 0);
	assert_true(phase_is("inconclusive", 1));
	table_propose("Experiment", "e", WINDOW("2h"));
	assert_true(phase_is("inconclusive", 1));
	one.truths[0] = one.truths[1] = 900; /* joined anew: nothing is late any more */
	one.right[0] = one.right[1] = 800;
	one.late[0] = one.late[1] = 0;
	assert_int_equal(truths_of_b()->late, 900);
	seconds_pass(&one, 2, 200, 0);
	assert_int_equal(truths_of_b()->late, 0);
	assert_true(phase_is("inconclusive", 1));
	assert_int_equal(command("e", "resume")->outcome, VERDICT_ACCEPTED);
	seconds_pass(&one, 2, 200, 0);
	assert_true(phase_is("promoted", 1));
}

/* A command moves the weights between two looks. */
static void truths_since_the_last_look_stay_with_the_rollout(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		table_propose("Experiment", "e", late ? STAGES("31s") : STAGES("30s"));
		seconds_pass(&one, 45, 200, 0);
		assert_true(phase_is("paused", 1));
		engine_follow(&one);
		one.late[1] = late;
		second_pass(&one, 200, 0);
		assert_int_equal(command("e", "promote")->outcome, VERDICT_ACCEPTED);
		assert_true(phase_is("running", 2));
		seconds_pass(&one, 75, 200, 0);
		assert_true(phase_is(late ? "inconclusive" : "promoted", 2));
	}
}

/* They come without any truth that counts, and no more of them is no news. */
static void late_truths_are_progress_and_stay_with_the_rollout(void **state)
{
	const char *why;
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	engine_follow(&one);
	one.late[1] = 7;
	second_pass(&one, 200, 0);
	assert_int_equal(truths_of_b()->late, 7);
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	engine_follow(&two);
	two.late[1] = 5; /* it has joined less */
	seconds_pass(&two, 2, 200, 0);
	assert_int_equal(truths_of_b()->late, 7);
	two.late[1] = 9;
	seconds_pass(&two, 2, 200, 0);
	assert_int_equal(truths_of_b()->late, 9);
	two.waiting[1] = 3;
	seconds_pass(&two, 2, 200, 0);
	assert_true(truths_of_b()->late == 9 && truths_of_b()->joined == 3);
	two.late[1] = -1; /* cannot be */
	two.waiting[1] = 30;
	seconds_pass(&two, 2, 200, 0);
	assert_true(truths_of_b()->late == 9 && truths_of_b()->joined == 3);
	assert_int_equal(keeper_refused(table_stand.keeper, &why), 0);
}

/* One joins less feedback in time, and the other knows fewer late ones. */
static void two_engines_do_not_take_turns(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	engine_follow(&one);
	one.late[1] = 7;
	seconds_pass(&one, 1, 200, 0);
	engine_follow(&two);
	two.late[1] = 5;
	two.waiting[0] = 1;
	two.waiting[1] = 1;
	seconds_pass(&two, 2, 200, 0);
	assert_true(truths_of_b()->late == 7 && truths_of_b()->joined == 0);
	two.waiting[0] = 2;
	seconds_pass(&two, 2, 200, 0);
	assert_true(truths_of_b()->late == 5 && truths_of_b()->joined == 1);
	seconds_pass(&one, 2, 200, 0);
	assert_true(truths_of_b()->late == 5 && truths_of_b()->joined == 1);
}

/* 300 units a second of two or four values: the ratio is 3.1 or 2.9, and sums are around 9. */
static void a_ratio_is_judged_by_its_values(void **state)
{
	(void)state;
	for (int good = 0; good < 2; good++) {
		rollout_stand_open(state);
		table_propose("Experiment", "e", PROFITABLE);
		engine_follow(&one);
		for (int i = 1; i <= 25 && phase_is("running", 1); i++) {
			struct metric_counts counts = {.requests = 900 * i, .joined = 900 * i, .other_values = 900 * i};
			for (int j = 0; j < 300 * i; j++) {
				const double size = j % 2 ? 2 : 4;
				arm_sums_add(&counts.units, size * (good ? 3.1 : 2.9) + (j / 2 % 2 ? 1 : -1), size);
			}
			one.metric_count = 1;
			for (size_t j = 0; j < 2; j++)
				one.metrics[j][0] = (struct metric_truth){.name = TEXT("profit"),
									  .requests = counts.requests,
									  .units = (int64_t)counts.units.count,
									  .mean = counts.units.mean,
									  .squares = counts.units.squares,
									  .joined = counts.joined,
									  .size = counts.units.beside_mean,
									  .size_squares = counts.units.beside_squares,
									  .products = counts.units.products,
									  .other_values = counts.other_values};
			second_pass(&one, 200, 0);
			if (!phase_is("running", 1))
				continue;
			const struct metric_truth *kept = truths_of_b()->metrics.items;
			assert_true(kept->size == counts.units.beside_mean && kept->size_squares == counts.units.beside_squares);
			assert_true(kept->products == counts.units.products && kept->other_values == counts.other_values);
		}
		assert_true(phase_is(good ? "promoted" : "rolledBack", 1));
		table_stand_close(state);
	}
}

static void late_values_of_a_metric_are_progress_too(void **state)
{
	(void)state;
	table_propose("Experiment", "e", PROFITABLE);
	engine_follow(&one);
	one.metric_count = 1;
	for (size_t i = 0; i < 2; i++)
		one.metrics[i][0] = (struct metric_truth){.name = TEXT("profit"), .late = 40};
	seconds_pass(&one, 2, 200, 0);
	const struct metric_truth *profit = truths_of_b()->metrics.items;
	assert_true(profit->late == 40);
	one.metrics[1][0].joined = 2;
	seconds_pass(&one, 20, 200, 0);
	assert_true(phase_is("inconclusive", 1));
	sentence_has(2, "40 of `b`; 2 came within it.");
}

/* ---- whether truths are counted ---- */

/* Some may have come: of them the rollout knows nothing. */
static void a_stage_does_not_pass_while_nobody_counts_truths(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	one.is_behind = true;
	seconds_pass(&one, 25, 200, 0);
	assert_true(phase_is("inconclusive", 1));
	sentence_has(2, "Whether truths come is not known: no engine counts the feedback of each pipeline of the experiment now.");
	assert_true(evidence_has(2, "\"rule\": \"accuracyDrop\"") && evidence_has(2, "\"uncounted\": true"));
	one.is_behind = false;
	assert_int_equal(command("e", "resume")->outcome, VERDICT_ACCEPTED);
	seconds_pass(&one, 5, 200, 0);
	assert_true(phase_is("promoted", 1));
}

/* As when another engine begins to lead. */
static void a_stage_waits_until_truths_are_counted_again(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	seconds_pass(&one, 2, 200, 0);
	one.is_behind = true;
	seconds_pass(&one, 13, 200, 0);
	assert_true(phase_is("running", 1));
	one.is_behind = false;
	one.late[1] = 1;
	seconds_pass(&one, 10, 200, 0);
	assert_true(phase_is("inconclusive", 1));
	sentence_has(2, "1 of `b`");
}

/* Of each that was counted in any stage, also under another keeper; one is gone when nobody has counted it for long. */
static void the_feedback_of_each_pipeline_is_to_be_counted(void **state)
{
	(void)state;
	two.pipeline = "q";
	table_propose("Experiment", "e", EXPERIMENT("40, 50"));
	for (int i = 0; i < 6; i++) {
		second_pass(&two, 0, 0);
		second_pass(&one, 200, 0);
	}
	assert_true(phase_is("running", 2));
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	seconds_pass(&one, 25, 200, 0);
	assert_true(phase_is("inconclusive", 2));
	assert_true(evidence_has(3, "\"uncounted\": true"));
	control_pass(&table_stand, KEEPER_FORGOTTEN_MS);
	assert_int_equal(command("e", "resume")->outcome, VERDICT_ACCEPTED);
	seconds_pass(&one, 1, 200, 0);
	assert_true(text_is(((const struct pipeline_truth *)rollout()->record.truths.items)[0].pipeline, "p"));
	assert_int_equal(rollout()->record.truths.count, 1);
	control_compact(&table_stand);
	control_keeper_start(&table_stand); /* it does not know that there was another */
	seconds_pass(&one, 5, 200, 0);
	assert_true(phase_is("promoted", 2));
}

/* No engine ever counts them. */
static void without_exposures_no_truths_are_waited_for(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50") "  exposures: thin\n");
	one.is_behind = true;
	seconds_pass(&one, 15, 200, 0);
	assert_true(phase_is("promoted", 1));
	assert_true(evidence_has(2, "\"verdict\": \"leftOut\""));
}

/* Whether a record of an engine's counts says so of its pipeline. */
static bool tells_current(struct rollout_board *board, struct arena *arena)
{
	struct rollout_relay relay = {0};
	struct error error = {0};
	struct buffer key, value;
	struct engine_tallies tally = {.namespace = TEXT("default"), .engine = TEXT("one"), .started_ms = 1};
	buffer_open(&key, 1 << 16);
	buffer_open(&value, 1 << 16);
	assert_true(rollout_relay_tally(&relay, board, tally, &key, &value));
	assert_true(record_decode(&tally_form, buffer_view(&value), arena, &tally, &error));
	const struct record_list told = ((const struct experiment_tally *)tally.experiments.items)->truths;
	const struct pipeline_truth *pipelines = told.items;
	assert_true(told.count > 0 && pipelines[0].variants.count == 2);
	assert_true(told.count == 1 || (text_is(pipelines[1].pipeline, "p") && pipelines[1].variants.count == 0));
	buffer_close(&key);
	buffer_close(&value);
	return told.count == 2;
}

static void an_engine_says_whether_its_counts_are_current(void **state)
{
	static const struct truth_counts counts[2];
	struct rollout_truths told = {.pipeline = "p", .counts = counts};
	struct arena *arena = arena_open(1 << 20);
	struct rollout_board *board = rollout_board_open();
	struct rollout_relay relay = {0};
	struct error error = {0};
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	for (int is_current = 0; is_current < 2; is_current++) {
		told.is_current = is_current;
		rollout_board_inform(board, "e", table_in_force("e")->version, &told);
		assert_int_equal(tells_current(board, arena), is_current);
	}
	rollout_board_close(board);
	arena_close(arena);
}

/* ---- where engines begin ---- */

/* The times of the table in force, and of the beginning of its rollout, as an engine has them. */
static void expect_times(int64_t since_ms, int64_t began_ms)
{
	struct rollout_board *board = rollout_board_open();
	struct rollout_relay relay = {0};
	struct error error = {0};
	assert_true(rollout_relay_look(&relay, keeper_ledger(table_stand.keeper), board, &error));
	struct rollout_entry *entry = rollout_board_entry(board, "e");
	const struct rollout_force *force = rollout_entry_hold(entry);
	assert_true(force && force->since_ms == since_ms && force->began_ms == began_ms);
	rollout_entry_release(entry);
	rollout_board_close(board);
}

static void an_engine_knows_when_the_rollout_began(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	const int64_t first_ms = move(1)->time_ms;
	expect_times(first_ms, first_ms);
	seconds_pass(&one, 11, 1000, 0);
	assert_true(phase_is("running", 2) && move(2)->time_ms > first_ms);
	expect_times(move(2)->time_ms, first_ms);
	assert_int_equal(command("e", "pause")->outcome, VERDICT_ACCEPTED);
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	expect_times(move(2)->time_ms, first_ms);
	table_propose("Experiment", "e", EXPERIMENT("20, 40"));
	control_pass(&table_stand, 2 * KEEPER_SILENT_MS);
	expect_times(move(4)->time_ms, move(4)->time_ms);
}

/* ---- records of former schemas ---- */

static struct buffer file_of(const char *path)
{
	struct buffer content;
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	buffer_open(&content, 1 << 16);
	for (int byte; (byte = fgetc(file)) != EOF;)
		buffer_byte(&content, (char)byte);
	(void)fclose(file);
	return content;
}

/* The record of a file, which is of the schema of a file. */
static void former_read(const struct record_form *form, const char *schema, struct buffer record, struct arena *arena, void *read)
{
	struct buffer former = file_of(schema);
	struct error error = {0};
	uint64_t fingerprint;
	buffer_byte(&former, '\0');
	assert_true(schema_fingerprint(former.bytes, &fingerprint, &error));
	assert_true(fingerprint == record_schema(buffer_view(&record)) && fingerprint != record_fingerprint(form));
	assert_true(record_is_of(form, fingerprint) && !record_is_of(form, fingerprint + 1) && !record_is_of(form, 0));
	if (!record_decode(form, buffer_view(&record), arena, read, &error))
		fail_msg("%s", error.text);
	buffer_close(&former);
}

static void a_former_rollout_is_read_with_its_state(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	struct buffer bytes = file_of(FORMER("rollout", "1") ".bin");
	struct control_rollout record;
	struct rollout_state read;
	struct error error = {0};
	(void)state;
	former_read(&rollout_form, FORMER("rollout", "1") ".avsc", bytes, arena, &record);
	const struct pipeline_truth *pipelines = record.truths.items;
	const struct variant_truth *variants = pipelines[0].variants.items;
	const struct metric_truth *profit = variants[1].metrics.items;
	assert_true(text_is(record.experiment, "e") && variants[1].units > 0 && variants[1].joined == 0 && variants[1].late == 0);
	assert_true(profit->units > 0 && profit->mean == 4 && profit->joined == 0 && profit->late == 0);
	plan_take(PROFITABLE);
	if (!rollout_state_read(&trial.plan, record.state, &read, &error))
		fail_msg("%s", error.text);
	assert_true(read.phase == ROLLOUT_RUNNING && read.truth && read.candidates[0].metrics[0].count > 0);
	assert_true(read.candidates[0].accuracy.count > 0 && read.candidates[0].accuracy_arrivals.in_time == 0);
	buffer_close(&bytes);
	arena_close(arena);
}

static void former_counts_of_an_engine_are_read(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	struct buffer bytes = file_of(FORMER("tally", "1") ".bin");
	struct engine_tallies record;
	struct error error = {0};
	(void)state;
	former_read(&tally_form, FORMER("tally", "1") ".avsc", bytes, arena, &record);
	const struct experiment_tally *tally = record.experiments.items;
	const struct pipeline_truth *pipelines = tally->truths.items;
	const struct variant_truth *variants = pipelines[0].variants.items;
	assert_true(variants[1].units == 80 && variants[1].requests == 90 && variants[1].late == 0);
	bytes.length--;
	assert_false(record_decode(&tally_form, buffer_view(&bytes), arena, &record, &error));
	buffer_close(&bytes);
	arena_close(arena);
}

/* Before ratios, each unit counted once. */
static void a_rollout_before_ratios_is_read_with_its_state(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	struct buffer bytes = file_of(FORMER("rollout", "2") ".bin");
	struct control_rollout record;
	struct rollout_state read;
	struct error error = {0};
	(void)state;
	former_read(&rollout_form, FORMER("rollout", "2") ".avsc", bytes, arena, &record);
	const struct pipeline_truth *pipelines = record.truths.items;
	const struct metric_truth *profit = ((const struct variant_truth *)pipelines[0].variants.items)[1].metrics.items;
	assert_true(profit->requests == 180 && profit->units == 150 && profit->joined == 195 && profit->late == 21);
	const struct metric_counts counts = metric_counts_of(profit);
	assert_true(counts.units.beside_mean == 1 && counts.units.beside_squares == 0 && counts.units.mean == 4);
	plan_take(PROFITABLE);
	if (!rollout_state_read(&trial.plan, record.state, &read, &error))
		fail_msg("%s", error.text);
	assert_true(read.phase == ROLLOUT_RUNNING && read.candidates[0].metrics[0].count > 0);
	assert_true(read.candidates[0].arrivals[0].late > 0 && read.candidates[0].ratio_effects[0] == 0);
	buffer_close(&bytes);
	arena_close(arena);
}

static void counts_of_an_engine_before_ratios_are_read(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	struct buffer bytes = file_of(FORMER("tally", "2") ".bin");
	struct engine_tallies record;
	(void)state;
	former_read(&tally_form, FORMER("tally", "2") ".avsc", bytes, arena, &record);
	const struct experiment_tally *tally = record.experiments.items;
	const struct pipeline_truth *pipelines = tally->truths.items;
	const struct variant_truth *variants = pipelines[0].variants.items;
	const struct metric_truth *profit = variants[1].metrics.items;
	assert_true(variants[1].joined == 92 && variants[1].late == 11);
	assert_true(profit->joined == 97 && profit->late == 3 && profit->size == 0 && profit->other_values == 0);
	buffer_close(&bytes);
	arena_close(arena);
}

int main(void)
{
#define ON_STAND(test) cmocka_unit_test_setup_teardown(test, rollout_stand_open, table_stand_close)
	const struct CMUnitTest tests[] = {
		ON_STAND(a_candidate_whose_truths_are_late_is_not_promoted),
		ON_STAND(a_longer_window_lets_the_rollout_go_on),
		ON_STAND(two_engines_do_not_take_turns),
		ON_STAND(truths_since_the_last_look_stay_with_the_rollout),
		ON_STAND(late_truths_are_progress_and_stay_with_the_rollout),
		ON_STAND(late_values_of_a_metric_are_progress_too),
		ON_STAND(a_stage_does_not_pass_while_nobody_counts_truths),
		ON_STAND(a_stage_waits_until_truths_are_counted_again),
		ON_STAND(the_feedback_of_each_pipeline_is_to_be_counted),
		ON_STAND(without_exposures_no_truths_are_waited_for),
		ON_STAND(an_engine_says_whether_its_counts_are_current),
		ON_STAND(an_engine_knows_when_the_rollout_began),
		cmocka_unit_test(a_ratio_is_judged_by_its_values),
		cmocka_unit_test(a_former_rollout_is_read_with_its_state),
		cmocka_unit_test(former_counts_of_an_engine_are_read),
		cmocka_unit_test(a_rollout_before_ratios_is_read_with_its_state),
		cmocka_unit_test(counts_of_an_engine_before_ratios_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
