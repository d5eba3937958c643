/* rollout_board_test.c: Tests of the board of rollouts: the table in force chooses at once, and calls are counted when their
 * request ends, by their choice, its outcome and their latency. */
#include <math.h>
#include <pthread.h>

#include "experiments/rollouts/truth_tally.h"
#include "message/records/exposure.h"
#include "tests/unit/rollout_board_stand.h"

#define READS_LABEL                                                                                                                \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [f]}\n  steps:\n  - {name: s, experiment: {name: e}}\n"                                          \
	"  - {name: f, inputs: [s], expression: {set: {n: label + 1}}}\n"
#define FALLS_BACK                                                                                                                 \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"                                            \
	"spec:\n  default: old\n  fallback: default\n"                                                                             \
	"  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                                       \
	"  progressiveDeployment: {enabled: true, schedule: [10, 50]}\n"
#define BY_POLICY                                                                                                                  \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"                                            \
	"spec:\n  default: old\n  candidates: [{name: old, weight: 70}, {name: new, weight: 30}]\n"                                \
	"  promotionPolicy: {automatic: true, interval: 1h, promotionThreshold: 0.8}\n"
#define SCENE_UNITS 20 /* more do not fit into a scene */

/* ---- choices ---- */

static void without_a_table_the_plan_chooses_and_nothing_is_counted(void **state)
{
	(void)state;
	const struct rollout_reading *readings;
	size_t count;
	board_open();
	const struct assigned *assigned = enter("k", 0);
	assert_int_equal(assigned->reason, ASSIGNED_STAGE);
	assert_true(assigned->table == planning.graph->experiments[0]->assignment->version);
	assert_true(rollout_board_read(scene_rollouts, scene_arena, &readings, &count));
	assert_int_equal(count, 0);
	board_close();
}

static void a_table_is_in_force_at_once(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	const struct assigned *assigned = enter("k", 0);
	assert_true(text_is(assigned->variant, "new") && assigned->probability == 1);
	const struct rollout_force *force = rollout_entry_hold(rollout_board_entry(scene_rollouts, "e"));
	assert_true(assigned->table == force->assignment.version);
	table_set(0, 8);
	assert_true(text_is(enter("k", 0)->variant, "old"));
	assert_int_equal(force->version, 7); /* it is held */
	rollout_entry_release(rollout_board_entry(scene_rollouts, "e"));
	board_close();
}

static void a_table_of_other_candidates_does_not_choose(void **state)
{
	(void)state;
	struct error error = {0};
	board_open();
	assert_true(table_set_of(100, 7, "newer", 2, &error));
	assert_true(enter("k", 0)->table == planning.graph->experiments[0]->assignment->version);
	board_close();
}

static void too_many_limits_are_refused(void **state)
{
	(void)state;
	int64_t many[ROLLOUT_LIMITS_MAX + 1];
	struct error error = {0};
	board_open();
	for (size_t i = 0; i < ROLLOUT_LIMITS_MAX + 1; i++)
		many[i] = (int64_t)i;
	const struct share shares[] = {{"old", ASSIGNMENT_BUCKETS}};
	const struct assignment_table table = {.choice = "e", .version = 1, .count = 1, .shares = shares, .packed = TEXT("")};
	assert_true(rollout_board_set(scene_rollouts, &table, 1, many, ROLLOUT_LIMITS_MAX, &error));
	struct assignment_table next = table;
	next.version = 2;
	assert_false(rollout_board_set(scene_rollouts, &next, 1, many, ROLLOUT_LIMITS_MAX + 1, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_int_equal(rollout_entry_hold(rollout_board_entry(scene_rollouts, "e"))->version, 1);
	rollout_entry_release(rollout_board_entry(scene_rollouts, "e"));
	board_close();
}

/* ---- counts ---- */

static void calls_are_counted_when_they_end_by_outcome_and_latency(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 0);
	assert_int_equal(counted("new")->calls, 0);
	scene_advance(&scene, 6);
	scene_reply(&scene, "new", "y=1");
	(void)enter("k", 0);
	scene_advance(&scene, 106);
	scene_fail(&scene, "new", ERROR_REMOTE, "away");
	(void)enter("k", 0);
	scene_reply(&scene, "new", "y=1");
	const struct rollout_variant *variant = counted("new");
	assert_int_equal(variant->calls, 3);
	assert_int_equal(variant->errors, 1);
	assert_int_equal(variant->slower[0].limit_us, 5000);
	assert_int_equal(variant->slower[0].calls, 2);
	assert_int_equal(variant->slower[1].calls, 1);
	assert_int_equal(counted("old")->calls, 0);
	board_close();
}

/* The call had a reply, and the step that reads it fails: that is the outcome of the request. */
static void an_error_after_the_call_is_one_of_the_candidate(void **state)
{
	(void)state;
	board_open_of(EXPERIMENT READS_LABEL);
	table_set(100, 7);
	(void)enter("k", 0);
	scene_advance(&scene, 6);
	scene_reply(&scene, "new", "y=1");
	(void)enter("k", 0);
	scene_reply(&scene, "new", "label=1");
	const struct rollout_variant *variant = counted("new");
	assert_int_equal(variant->calls, 2);
	assert_int_equal(variant->errors, 1);
	assert_int_equal(variant->slower[0].calls, 1);
	board_close();
}

/* The request has an answer, and the candidate gave none. */
static void a_candidate_for_which_the_default_answers_has_failed(void **state)
{
	(void)state;
	board_open_of(FALLS_BACK PIPELINE);
	table_set(100, 7);
	(void)enter("k", 0);
	scene_fail(&scene, "new", ERROR_REMOTE, "away");
	assert_int_equal(counted("new")->calls, 0);
	scene_advance(&scene, 6);
	scene_reply(&scene, "old", "y=1");
	assert_int_equal(counted("new")->calls, 1);
	assert_int_equal(counted("new")->errors, 1);
	assert_int_equal(counted("new")->slower[0].calls, 0);
	assert_int_equal(counted("old")->calls, 0);
	board_close();
}

/* Calls of one unit are in one cell, in whatever order they end; those without a unit in the last one. */
static void calls_are_counted_by_groups_of_units(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	const uint64_t seed = rollout_entry_hold(rollout_board_entry(scene_rollouts, "e"))->assignment.seed;
	rollout_entry_release(rollout_board_entry(scene_rollouts, "e"));
	const size_t k = unit_cell(seed, TEXT("k")), other = unit_cell(seed, TEXT("other"));
	assert_true(k != other && k < DESIGN_GROUPS && other < DESIGN_GROUPS);
	(void)enter("k", 0);
	scene_advance(&scene, 6);
	scene_reply(&scene, "new", "y=1");
	(void)enter("k", 0);
	scene_fail(&scene, "new", ERROR_REMOTE, "away");
	(void)enter("other", 0);
	scene_advance(&scene, 100);
	scene_reply(&scene, "new", "y=1");
	(void)enter("", 0);
	scene_reply(&scene, "new", "y=1");
	const int64_t *cells = counted("new")->cells;
	const int64_t *of_k = cells + unit_cells_at(k, 2), *of_other = cells + unit_cells_at(other, 2);
	assert_true(of_k[CELL_CALLS] == 2 && of_k[CELL_ERRORS] == 1 && of_k[CELL_SLOWER] == 1 && of_k[CELL_SLOWER + 1] == 0);
	assert_true(of_other[CELL_CALLS] == 1 && of_other[CELL_SLOWER] == 1 && of_other[CELL_SLOWER + 1] == 1);
	assert_int_equal(unit_cells_alone(cells, 2), 1);
	assert_true(unit_cells_are_sound(cells, 2, 4));
	assert_false(unit_cells_are_sound(cells, 2, 3));
	board_close();
}

/* A unit's group does not depend on its bucket: those of few buckets are in all groups. */
static void few_buckets_have_all_groups(void **state)
{
	size_t in[DESIGN_GROUPS] = {0};
	char name[32];
	(void)state;
	for (int i = 0; i < 640000; i++) {
		const int length = snprintf(name, sizeof name, "unit %d", i);
		const struct text unit = {name, (size_t)length};
		if (assignment_bucket(7, unit) < 100)
			in[unit_cell(7, unit)]++;
	}
	for (size_t i = 0; i < DESIGN_GROUPS; i++)
		assert_in_range(in[i], 60, 140);
}

static void scene_begin_anew(void)
{
	scene_close(&scene);
	scene = (struct scene){0};
	scene_open(&scene, planning.graph, scene_arena, false);
}

/* Calls of many units, at 10%; returns how many each choice got, and sets how many were counted. */
static void calls_of_many(const char *yaml, uint64_t *got, uint64_t *were_counted)
{
	static const char *const names[] = {"old", "new"};
	board_open_of(yaml);
	table_set(10, 7);
	for (size_t i = 0; i < 3000; i++) {
		const bool is_new = text_is(enter(arena_print(scene_arena, "unit %zu", i), 0)->variant, "new");
		got[is_new]++;
		scene_reply(&scene, names[is_new], "y=1");
		if (i % SCENE_UNITS == SCENE_UNITS - 1)
			scene_begin_anew();
	}
	for (size_t i = 0; i < 2; i++)
		were_counted[i] = counted(names[i])->calls;
	board_close();
}

static void of_the_default_as_many_units_are_counted_as_the_candidate_has(void **state)
{
	uint64_t got[2] = {0}, all[2], some[2];
	(void)state;
	calls_of_many(EXPERIMENT PIPELINE, got, all);
	assert_true(all[0] == got[0] && all[1] == got[1]);
	calls_of_many(EXPERIMENT_OF(", baseline: concurrent") PIPELINE, got, some);
	assert_int_equal(some[1], all[1]);
	assert_in_range(some[0], all[1] - 70, all[1] + 70); /* 3.4 standard errors of the difference of two counts of 300 */
	assert_in_range(all[0], 2600, 2800);
}

static void a_latency_at_the_limit_is_not_above_it(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 0);
	scene_advance(&scene, 5);
	scene_reply(&scene, "new", "y=1");
	assert_int_equal(counted("new")->slower[0].calls, 0);
	board_close();
}

static void a_candidate_that_has_not_replied_at_the_deadline_has_failed(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 50);
	scene_advance(&scene, 50);
	assert_int_equal(counted("new")->calls, 1);
	assert_int_equal(counted("new")->errors, 1);
	board_close();
}

/* Without a deadline it waits as for any model: the rollout hears of it nevertheless, once. */
static void a_call_that_waits_for_a_candidate_that_is_away_has_failed(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 0);
	scene_advance(&scene, 5000);
	assert_int_equal(counted("new")->errors, 0); /* it is slow */
	scene.away = "new";
	scene.back_ms = 60000;
	struct call *call = scene_call(&scene, "new");
	call->where = CALL_SENT;
	scene_advance(&scene, 10000);
	assert_int_equal(counted("new")->errors, 0); /* it may be answered yet */
	call->where = CALL_IN_LINE;
	scene_advance(&scene, 11000);
	assert_int_equal(counted("new")->calls, 1);
	assert_int_equal(counted("new")->errors, 1);
	scene_advance(&scene, 70000);
	scene_reply(&scene, "new", "y=1");
	assert_int_equal(counted("new")->calls, 1);
	assert_int_equal(counted("new")->errors, 1);
	board_close();
}

/* Of the default nothing is known by that, and what has a deadline ends by it. */
static void a_call_that_waits_for_the_default_or_has_a_deadline_is_counted_at_its_end(void **state)
{
	(void)state;
	board_open();
	table_set(0, 7);
	scene.away = "old";
	scene.back_ms = 60000;
	(void)enter("k", 0);
	scene_advance(&scene, 50000);
	assert_int_equal(counted("old")->calls, 0);
	scene_reply(&scene, "old", "y=1");
	assert_int_equal(counted("old")->errors, 0);
	table_set(100, 8);
	scene.away = "new";
	scene.back_ms = 100000;
	(void)enter("k", 200000);
	scene_advance(&scene, 90000);
	assert_int_equal(counted("new")->errors, 0);
	scene_advance(&scene, 110000);
	scene_reply(&scene, "new", "y=1");
	assert_int_equal(counted("new")->errors, 0);
	board_close();
}

static void a_call_that_waits_for_a_candidate_goes_where_the_next_table_says(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	scene.away = "new";
	scene.back_ms = 60000;
	const struct assigned *assigned = enter("k", 0);
	const uint64_t first_table = assigned->table;
	scene_advance(&scene, 3000);
	struct call *call = scene_call(&scene, "new");
	table_set(99.99, 8); /* it is the candidate's still */
	scene_advance(&scene, 5000);
	assert_string_equal(call->name, "new");
	assert_true(assigned->table == first_table);
	assert_int_equal(scene.forgotten, 0);
	table_set(0, 9);
	scene_advance(&scene, 6000);
	assert_string_equal(call->name, "old");
	assert_int_equal(scene.forgotten, 1);
	assert_true(text_is(assigned->variant, "old") && assigned->table != first_table && assigned->probability == 1);
	assert_ptr_equal(scene.messages[0]->assigned, assigned);
	assert_null(assigned->next);
	scene_reply(&scene, "old", "y=7");
	expect_tensors("m0", "y=7");
	assert_int_equal(counted("old")->calls, 0); /* the request was counted */
	board_close();
}

/* What is slow only may be answered yet, and what waits for the default has nowhere else to go. */
static void a_call_that_may_be_answered_stays_whatever_the_next_table_says(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 0);
	scene_advance(&scene, 1000);
	table_set(0, 8);
	scene_advance(&scene, 5000);
	assert_string_equal(scene_call(&scene, "new")->name, "new");
	scene_reply(&scene, "new", "y=1");
	scene.away = "old";
	scene.back_ms = 60000;
	(void)enter("k", 0);
	table_set(100, 9);
	scene_advance(&scene, 20000);
	assert_string_equal(scene_call(&scene, "old")->name, "old");
	scene_reply(&scene, "old", "y=1");
	board_close();
}

static void slow_expect(uint64_t calls, uint64_t errors)
{
	const struct rollout_variant *variant = counted("new");
	assert_true(variant->calls == calls && variant->errors == errors);
	assert_true(variant->slower[0].calls == calls && variant->slower[1].calls == calls);
}

/* A candidate that takes requests and replies to none would not be heard of before its time-out. */
static void a_call_that_is_slow_by_every_rule_is_counted_while_it_goes_on(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		board_open_of(i == 0 ? EXPERIMENT PIPELINE : FALLS_BACK PIPELINE);
		table_set(100, 7);
		(void)enter("k", i * 60000);
		scene_call(&scene, "new")->where = CALL_SENT;
		scene_advance(&scene, 20); /* the largest limit */
		slow_expect(0, 0);
		scene_advance(&scene, 21);
		slow_expect(1, 0);
		scene_fail(&scene, "new", ERROR_REMOTE, "timed out");
		if (i == 1)
			scene_reply(&scene, "old", "y=1");
		slow_expect(1, 1);
		board_close();
	}
}

static void calls_of_a_table_that_was_replaced_are_not_counted(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 0);
	table_set(100, 8);
	scene_reply(&scene, "new", "y=1");
	assert_int_equal(counted("new")->calls, 0);
	(void)enter("k", 0);
	table_set(50, 8); /* it is in force already */
	scene_reply(&scene, "new", "y=1");
	assert_int_equal(counted("new")->calls, 1);
	board_close();
}

/* ---- phases ---- */

static bool is_e(void *context, const char *experiment)
{
	(void)context;
	return strcmp(experiment, "e") == 0;
}

/* A figure is of all rollouts of a pipeline: 1 if one is in the phase. */
static void figures_are_of_any_rollout(void **state)
{
	(void)state;
	static const char *const names[] = {"e", "f", "never"};
	struct alert_values values = {
		.rollout_paused = (double)NAN, .rollout_inconclusive = (double)NAN, .rollout_rolled_back = (double)NAN};
	struct rollout_board *board = rollout_board_open();
	assert_true(rollout_board_set_phase(board, "e", ROLLOUT_RUNNING));
	assert_true(rollout_board_set_phase(board, "e", ROLLOUT_PAUSED));
	assert_true(rollout_board_set_phase(board, "f", ROLLOUT_ROLLED_BACK));
	for (size_t i = 0; i < 3; i++)
		rollout_board_figures(board, names[i], &values);
	assert_true(values.rollout_paused == 1 && values.rollout_inconclusive == 0 && values.rollout_rolled_back == 1);
	rollout_board_keep(board, is_e, NULL);
	values = (struct alert_values){.rollout_paused = (double)NAN};
	rollout_board_figures(board, "f", &values);
	assert_true(isnan(values.rollout_paused));
	rollout_board_figures(board, "e", &values);
	assert_true(values.rollout_paused == 1);
	rollout_board_close(board);
}

/* ---- threads ---- */

#define COUNTS 200000

static void *counter_run(void *entry)
{
	for (int i = 0; i < COUNTS; i++) {
		const struct rollout_force *force = rollout_entry_hold(entry);
		const int64_t version = force->version;
		assert_true(force->probabilities[0] + force->probabilities[1] == 1);
		rollout_entry_release(entry);
		rollout_entry_count(entry, &(struct rollout_call_end){.version = version,
								      .index = 1,
								      .cell = (size_t)i % UNIT_CELLS,
								      .failed = i % 2 == 0,
								      .took_us = i % 3 == 0 ? 6000 : 0});
	}
	return NULL;
}

static void no_count_is_lost_and_none_contradicts_another(void **state)
{
	(void)state;
	pthread_t threads[2];
	board_open();
	table_set(50, 1);
	struct rollout_entry *entry = rollout_board_entry(scene_rollouts, "e");
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, counter_run, entry), 0);
	for (int i = 0; i < 1000; i++) {
		const struct rollout_variant *variant = counted("new");
		assert_true(variant->errors <= variant->calls && variant->slower[0].calls <= variant->calls);
	}
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counted("new")->calls, 2 * COUNTS);
	assert_int_equal(counted("new")->errors, COUNTS);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, counter_run, entry), 0);
	for (int64_t version = 2; version < 50; version++)
		table_set(50, version);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	board_close();
}

/* Pipelines have metrics of their own names; under one table they stay the same. */
static void truths_are_of_the_metrics_that_a_pipeline_had_first(void **state)
{
	static const char *const profit[] = {"profit"}, *const loss[] = {"loss"};
	struct truth_counts counts[2] = {
		{.units = 1, .requests = 1, .metrics = {{.requests = 5, .units = {.count = 4, .mean = 3, .squares = 2}}}}, {0}};
	const struct rollout_truths told[] = {
		{"p", 1, profit, counts, false}, {"p", 1, loss, counts, false}, {"p", 0, NULL, counts, false}};
	const struct rollout_reading *readings;
	size_t count;
	(void)state;
	board_open();
	table_set(50, 1);
	rollout_board_inform(scene_rollouts, "e", 1, &told[0]);
	counts[0].metrics[0].requests = 9;
	rollout_board_inform(scene_rollouts, "e", 1, &told[1]);
	rollout_board_inform(scene_rollouts, "e", 1, &told[2]);
	rollout_board_inform(scene_rollouts, "e", 2, &told[0]);
	assert_true(rollout_board_read(scene_rollouts, scene_arena, &readings, &count));
	assert_int_equal(readings[0].pipelines, 1);
	assert_int_equal(readings[0].truths[0].metric_count, 1);
	assert_string_equal(readings[0].truths[0].metrics[0], "profit");
	assert_int_equal(readings[0].truths[0].counts[0].metrics[0].requests, 5);
	rollout_board_inform(scene_rollouts, "e", 1, &told[0]);
	assert_true(rollout_board_read(scene_rollouts, scene_arena, &readings, &count));
	assert_int_equal(readings[0].truths[0].counts[0].metrics[0].requests, 9);
	board_close();
}

/* Truths that a tally of the table in force has of what the flow chooses, from choice to exposure to outcome. */
static int64_t truths_of_choices(const char *experiment)
{
	static const char *const names[] = {"old", "new"};
	struct error error = {0};
	struct buffer bytes;
	struct exposure exposure;
	board_open_of(experiment);
	table_set(100, 7);
	struct message *message = scene_message(&scene, "m", "x=1");
	message->key = TEXT("k");
	scene_enter(&scene, message);
	const struct rollout_force *force = rollout_entry_hold(rollout_board_entry(scene_rollouts, "e"));
	const struct truth_tally_config config = {.experiment = "e",
						  .table = force->assignment.version,
						  .arms = 2,
						  .names = names,
						  .paired = 2,
						  .window_ms = 1000,
						  .waiting_max = 100,
						  .units_max = 100};
	rollout_entry_release(rollout_board_entry(scene_rollouts, "e"));
	struct truth_tally *tally = truth_tally_open(&config, &error);
	assert_non_null(tally);
	buffer_open(&bytes, 1 << 16);
	assert_true(message->assigned->exposed &&
		    exposure_encode(message, message->assigned, &(struct exposure_outcome){0}, &bytes, &error));
	assert_true(exposure_decode(buffer_view(&bytes), scene_arena, &exposure, &error));
	const struct outcome_metric accuracy = {.name = TEXT("accuracy"), .value = 1};
	const struct outcome outcome = {.exposure = exposure, .weight = 1, .metric_count = 1, .metrics = &accuracy};
	truth_tally_outcome(tally, &outcome);
	truth_tally_pass(tally, exposure.time_ms + 3000);
	const int64_t units = truth_tally_counts(tally)[1].units;
	truth_tally_close(tally);
	buffer_close(&bytes);
	board_close();
	return units;
}

static void truths_of_what_a_rollout_chose_count_by_stages_and_by_policy(void **state)
{
	(void)state;
	assert_int_equal(truths_of_choices(EXPERIMENT PIPELINE), 1);
	assert_int_equal(truths_of_choices(BY_POLICY PIPELINE), 1);
}

static void expect_current(bool is_current)
{
	const struct rollout_reading *readings;
	size_t count;
	assert_true(rollout_board_read(scene_rollouts, scene_arena, &readings, &count));
	assert_true(count == 1 && readings[0].pipelines == 1 && readings[0].truths[0].is_current == is_current);
}

static void truths_are_current_until_nobody_counts_them(void **state)
{
	struct truth_counts counts[2] = {{0}, {0}};
	struct rollout_truths told = {.pipeline = "p", .counts = counts};
	(void)state;
	board_open();
	table_set(50, 1);
	rollout_board_inform(scene_rollouts, "e", 1, &told);
	expect_current(false);
	told.is_current = true;
	rollout_board_inform(scene_rollouts, "e", 1, &told);
	expect_current(true);
	rollout_board_outdate(scene_rollouts, "e", "q");
	rollout_board_outdate(scene_rollouts, "f", "p");
	expect_current(true);
	rollout_board_outdate(scene_rollouts, "e", "p");
	expect_current(false);
	board_close();
}

#define ON_GROUND(test) cmocka_unit_test_setup_teardown(test, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_GROUND(without_a_table_the_plan_chooses_and_nothing_is_counted),
		ON_GROUND(a_table_is_in_force_at_once),
		ON_GROUND(a_table_of_other_candidates_does_not_choose),
		ON_GROUND(too_many_limits_are_refused),
		ON_GROUND(calls_are_counted_when_they_end_by_outcome_and_latency),
		ON_GROUND(an_error_after_the_call_is_one_of_the_candidate),
		ON_GROUND(a_candidate_for_which_the_default_answers_has_failed),
		ON_GROUND(calls_are_counted_by_groups_of_units),
		cmocka_unit_test(few_buckets_have_all_groups),
		ON_GROUND(of_the_default_as_many_units_are_counted_as_the_candidate_has),
		ON_GROUND(a_latency_at_the_limit_is_not_above_it),
		ON_GROUND(a_candidate_that_has_not_replied_at_the_deadline_has_failed),
		ON_GROUND(a_call_that_waits_for_a_candidate_that_is_away_has_failed),
		ON_GROUND(a_call_that_waits_for_the_default_or_has_a_deadline_is_counted_at_its_end),
		ON_GROUND(a_call_that_waits_for_a_candidate_goes_where_the_next_table_says),
		ON_GROUND(a_call_that_may_be_answered_stays_whatever_the_next_table_says),
		ON_GROUND(a_call_that_is_slow_by_every_rule_is_counted_while_it_goes_on),
		ON_GROUND(calls_of_a_table_that_was_replaced_are_not_counted),
		ON_GROUND(figures_are_of_any_rollout),
		ON_GROUND(truths_are_of_the_metrics_that_a_pipeline_had_first),
		ON_GROUND(truths_of_what_a_rollout_chose_count_by_stages_and_by_policy),
		ON_GROUND(truths_are_current_until_nobody_counts_them),
		ON_GROUND(no_count_is_lost_and_none_contradicts_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
