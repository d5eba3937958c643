/* rollout_counts_test.c: Tests of what the keeper counts for a rollout: calls of engines and truths of pipelines, each once,
 * whatever becomes of the engines. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rollout_stand.h"

/* ---- calls ---- */

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

/* ---- units ---- */

/* At least 3% of the calls fail, and the limit is 1%. If those of many units fail, the rate is known; if those of four groups, it
 * is not. Which groups had them stays known when engines and keepers start again. */
static void errors_of_few_groups_of_units_are_not_those_of_all(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	one.failing = two.failing = 4;
	seconds_pass(&one, 4, 640, 40);
	assert_true(phase_is("running", 1));
	engine_restart(&one);
	seconds_pass(&one, 2, 640, 0);
	assert_true(phase_is("running", 1));
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	control_pass(&table_stand, 2 * KEEPER_SILENT_MS);
	seconds_pass(&two, 2, 640, 0);
	assert_int_equal(calls_recorded(), 8 * 640);
	assert_true(phase_is("running", 1));
}

static void errors_of_many_groups_of_units_are_those_of_all(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	one.failing = DESIGN_GROUPS / 2;
	seconds_pass(&one, 15, 640, 32);
	assert_true(phase_is("rolledBack", 1));
	assert_true(evidence_has(2, "\"designEffect\": "));
}

/* More errors than calls in a group: the report is of no use. */
static void groups_that_cannot_be_are_left_out(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	one.failing = 1;
	second_pass(&one, 640, 0);
	control_pass(&table_stand, SECOND);
	assert_int_equal(calls_recorded(), 640);
	second_pass(&one, 64, 12);
	control_pass(&table_stand, SECOND);
	const struct engine_tally *engines = rollout()->record.engines.items;
	const struct variant_count *variants = engines[0].variants.items;
	assert_int_equal(variants[1].errors, 0);
	assert_int_equal(variants[1].cells.count, unit_cells_size(1));
	one.errors[1] = 11;
	engine_tell(&one);
	control_pass(&table_stand, SECOND);
	engines = rollout()->record.engines.items;
	variants = engines[0].variants.items;
	assert_int_equal(variants[1].errors, 11);
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

static const struct variant_truth *truths_of_b(void)
{
	const struct pipeline_truth *pipelines = rollout()->record.truths.items;
	return &((const struct variant_truth *)pipelines[0].variants.items)[1];
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

/* They are totals of the pipeline: one that joins the feedback anew begins with less. No look is refused for that. */
static void truths_count_once_whoever_joins_them(void **state)
{
	const char *why;
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
	assert_int_equal(keeper_refused(table_stand.keeper, &why), 0);
}

/* A former leader goes on to send what it knew. A new one may know all units before it knows all of their requests. */
static void truths_of_the_most_requests_stay(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("50"));
	truths_pass(&one, 2, 80, 80);
	two.repeats = 10;
	truths_pass(&two, 2, 80, 79);
	control_pass(&table_stand, SECOND);
	assert_int_equal(truths_of_b()->sum, 158 * TRUTH_SCALE);
	assert_int_equal(truths_of_b()->requests, 210);
	engine_tell(&one);
	two.repeats = 5;
	two.right[1] = 157;
	engine_tell(&two);
	control_pass(&table_stand, 2 * SECOND);
	assert_int_equal(truths_of_b()->sum, 158 * TRUTH_SCALE);
	two.repeats = 11;
	engine_tell(&two);
	control_pass(&table_stand, 2 * SECOND);
	assert_int_equal(truths_of_b()->sum, 157 * TRUTH_SCALE);
	two.right[1] = 156; /* of the same number of requests */
	engine_tell(&two);
	control_pass(&table_stand, 2 * SECOND);
	assert_int_equal(truths_of_b()->sum, 157 * TRUTH_SCALE);
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

/* ---- clocks ---- */

/* Its clock was ahead when it started before. */
/* ---- metrics ---- */

#define PROFITABLE EXPERIMENT("50") "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n"

/* Seconds with 100 units more of each choice, which have those means and a standard deviation of about 1. */
static void profits_pass(struct counting_engine *engine, int seconds, double of_a, double of_b)
{
	for (int i = 0; i < seconds && !phase_is("rolledBack", 1); i++) {
		engine_follow(engine);
		const int64_t units = engine->metric_count > 0 ? engine->metrics[0][1].units + 100 : 100;
		const double means[] = {of_a, of_b};
		engine->metric_count = 2;
		for (size_t j = 0; j < 2; j++) {
			engine->metrics[j][0] = (struct metric_truth){
				.name = TEXT("other"), .requests = 7, .units = 7, .mean = 1, .squares = 1, .joined = 7};
			engine->metrics[j][1] = (struct metric_truth){.name = TEXT("profit"),
								      .requests = units + 5,
								      .units = units,
								      .mean = means[j],
								      .squares = (double)units,
								      .joined = units + 5};
		}
		second_pass(engine, 200, 0);
	}
}

static const struct metric_truth *profit_of_b(void)
{
	assert_int_equal(truths_of_b()->metrics.count, 1);
	return truths_of_b()->metrics.items;
}

static void a_mean_that_breaks_its_limit_rolls_back(void **state)
{
	(void)state;
	table_propose("Experiment", "e", PROFITABLE);
	profits_pass(&one, 30, 4, 2);
	assert_true(phase_is("rolledBack", 1));
	assert_true(evidence_has(2, "\"rule\": \"mean\", \"metric\": \"profit\""));
	const struct text sentence = move(2)->sentence;
	assert_non_null(memmem(sentence.bytes, sentence.length, "The mean of `profit` of `b` (limit 3) is broken", 47));
}

static void a_mean_that_keeps_its_limit_promotes(void **state)
{
	(void)state;
	table_propose("Experiment", "e", PROFITABLE);
	profits_pass(&one, 21, 4, 4);
	assert_true(phase_is("promoted", 1));
}

/* Without the metric nothing is shown, whatever else there is. */
static void without_its_metric_a_rollout_is_inconclusive(void **state)
{
	(void)state;
	table_propose("Experiment", "e", PROFITABLE);
	truths_pass(&one, 25, 80, 82);
	assert_true(phase_is("inconclusive", 1));
}

/* The record has the plan's metrics alone; another keeper, and engines that have joined less, go on with them. */
static void metrics_stay_with_the_rollout(void **state)
{
	const char *why;
	(void)state;
	table_propose("Experiment", "e", PROFITABLE);
	profits_pass(&one, 3, 4, 4);
	assert_int_equal(profit_of_b()->units, 300);
	assert_int_equal(profit_of_b()->requests, 305);
	assert_true(profit_of_b()->mean == 4 && profit_of_b()->squares == 300 && text_is(profit_of_b()->name, "profit"));
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	profits_pass(&two, 2, 1, 1); /* it has joined less */
	assert_int_equal(profit_of_b()->units, 300);
	assert_true(profit_of_b()->mean == 4);
	profits_pass(&two, 2, 5, 5);
	assert_int_equal(profit_of_b()->units, 400);
	assert_true(profit_of_b()->mean == 5);
	assert_int_equal(keeper_refused(table_stand.keeper, &why), 0);
	one = two;
	one.metrics[1][1].requests += 10;
	one.metrics[1][1].mean = (double)NAN;
	engine_tell(&one);
	control_pass(&table_stand, SECOND);
	assert_true(profit_of_b()->mean == 5);
}

static void an_engine_that_starts_earlier_than_before_is_counted(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	one.started_ms += HOUR;
	seconds_pass(&one, 2, 30, 0);
	one.started_ms -= HOUR;
	memset(one.calls, 0, sizeof one.calls);
	second_pass(&one, 5, 0); /* the record of the former start may be late */
	assert_int_equal(calls_recorded(), 60);
	control_pass(&table_stand, KEEPER_SILENT_MS);
	second_pass(&one, 5, 0);
	control_pass(&table_stand, SECOND);
	assert_int_equal(calls_recorded(), 70);
}

/* ---- many engines ---- */

static void engines_that_are_gone_keep_their_counts_without_their_names(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_int_equal(command("e", "pause")->outcome, VERDICT_ACCEPTED);
	second_pass(&one, 20, 0);
	engine_restart(&one);
	second_pass(&one, 40, 0);
	control_pass(&table_stand, HOUR / 2);
	seconds_pass(&two, 1, 7, 0);
	control_pass(&table_stand, HOUR / 2);
	assert_int_equal(calls_recorded(), 67);
	assert_int_equal(rollout()->record.engines.count, 2);
	assert_true(text_is(((const struct engine_tally *)rollout()->record.engines.items)[1].engine, ""));
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	second_pass(&one, 1000, 0); /* again: its counts are among those of the gone ones */
	control_pass(&table_stand, 2 * KEEPER_SILENT_MS);
	assert_int_equal(calls_recorded(), 67);
	engine_restart(&one);
	one.started_ms = table_stand.now_ms;
	second_pass(&one, 5, 0);
	control_pass(&table_stand, SECOND);
	assert_int_equal(calls_recorded(), 72);
}

static void more_engines_than_a_record_takes_are_left_out_in_words(void **state)
{
	struct counting_engine many = {.started_ms = 5};
	char name[32];
	const char *why = "";
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	for (int i = 0; i <= KEEPER_TALLIES_MAX; i++) {
		(void)snprintf(name, sizeof name, "engine-%d", i);
		many.name = name;
		engine_follow(&many);
		many.calls[0] = many.calls[1] = 1;
		engine_tell(&many);
		assert_int_equal(keeper_refused(table_stand.keeper, &why), i == KEEPER_TALLIES_MAX);
	}
	assert_non_null(strstr(why, "rollout of `e`: the counts of 1000 engines fit into its record, and those of engine "
				    "`engine-1000` are left out"));
	control_pass(&table_stand, SECOND);
	assert_int_equal(calls_recorded(), KEEPER_TALLIES_MAX);
}

static size_t cells_recorded(void)
{
	const struct record_list *engines = &rollout()->record.engines;
	size_t lists = 0;
	for (size_t i = 0; i < engines->count; i++) {
		const struct engine_tally *tally = &((const struct engine_tally *)engines->items)[i];
		for (size_t j = 0; j < tally->variants.count; j++)
			lists += ((const struct variant_count *)tally->variants.items)[j].cells.count > 0;
	}
	return lists;
}

/* Two choices of each engine, and 65 groups of four numbers of a choice. */
static void cells_that_do_not_fit_are_said_once(void **state)
{
	struct counting_engine many = {.started_ms = 5, .failing = DESIGN_GROUPS};
	char name[32], expected[80];
	const char *words = "";
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	one.failing = DESIGN_GROUPS;
	second_pass(&one, 20, 0);
	assert_int_equal(cells_recorded(), 2);
	assert_false(keeper_remark_take(table_stand.keeper, &words));
	for (int i = 1; i < KEEPER_TALLIES_MAX; i++) {
		(void)snprintf(name, sizeof name, "engine-%d", i);
		many.name = name;
		engine_follow(&many);
		many.calls[0] = many.calls[1] = 1;
		engine_tell(&many);
	}
	control_pass(&table_stand, SECOND);
	assert_true(keeper_remark_take(table_stand.keeper, &words));
	assert_in_range(cells_recorded(), 2, 2 * KEEPER_TALLIES_MAX - 1);
	(void)snprintf(expected, sizeof expected, "rollout of `e`: its record has no room for %zu counts",
		       2 * KEEPER_TALLIES_MAX - cells_recorded());
	assert_non_null(strstr(words, expected));
	assert_non_null(strstr(words, "or run fewer engines"));
	control_pass(&table_stand, SECOND);
	assert_false(keeper_remark_take(table_stand.keeper, &words));
}

/* The names of nine choices, and 64 limits, as long as they may be. */
static void fewer_engines_are_counted_where_their_counts_are_longer(void **state)
{
	char name[CONTROL_NAME_BYTES_MAX + 1];
	struct rollout_document document = {.count = ROLLOUT_CHOICES_MAX, .limit_count = ROLLOUT_LIMITS_MAX};
	(void)state;
	memset(name, 'x', CONTROL_NAME_BYTES_MAX);
	name[CONTROL_NAME_BYTES_MAX] = '\0';
	for (size_t i = 0; i < ROLLOUT_CHOICES_MAX; i++)
		document.names[i] = name;
	assert_int_equal(rollout_tallies_most(&document), 25);
	document.plan.metric_count = EXPERIMENT_METRICS_MAX;
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		memset(document.plan.metrics[i], 'm', ROLLOUT_METRIC_BYTES_MAX);
	assert_int_equal(rollout_tallies_most(&document), 16);
}

int main(void)
{
#define ON_STAND(test) cmocka_unit_test_setup_teardown(test, rollout_stand_open, table_stand_close)
	const struct CMUnitTest tests[] = {
		ON_STAND(counts_of_engines_and_of_their_starts_are_added_up_once),
		ON_STAND(counts_of_another_table_are_left_out),
		ON_STAND(cells_that_do_not_fit_are_said_once),
		ON_STAND(errors_of_few_groups_of_units_are_not_those_of_all),
		ON_STAND(errors_of_many_groups_of_units_are_those_of_all),
		ON_STAND(groups_that_cannot_be_are_left_out),
		ON_STAND(candidates_that_are_wrong_more_often_are_rolled_back),
		ON_STAND(candidates_that_are_as_right_are_promoted),
		ON_STAND(truths_count_once_whoever_joins_them),
		ON_STAND(truths_of_the_most_requests_stay),
		ON_STAND(truths_that_cannot_be_are_left_out),
		ON_STAND(a_mean_that_breaks_its_limit_rolls_back),
		ON_STAND(a_mean_that_keeps_its_limit_promotes),
		ON_STAND(without_its_metric_a_rollout_is_inconclusive),
		ON_STAND(metrics_stay_with_the_rollout),
		ON_STAND(an_engine_that_starts_earlier_than_before_is_counted),
		ON_STAND(engines_that_are_gone_keep_their_counts_without_their_names),
		ON_STAND(more_engines_than_a_record_takes_are_left_out_in_words),
		cmocka_unit_test(fewer_engines_are_counted_where_their_counts_are_longer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
