/* rollout_late_test.c: Tests of a rollout whose truths come after the outcome window, wait for its end, or stop: none of them is
 * passed over, and moves say why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/rollout_looks.h"

#include <cmocka.h>

#define ROLLOUT(more) HEAD "  progressiveDeployment:\n    outcomeWindow: 2m\n" more
#define STAGES "    stages: [{weight: 10, duration: 5m}, {weight: 50, duration: 5m}]\n"
#define BYTES_MAX ((size_t)1 << 16)

enum { ERRORS, LATENCY, ACCURACY };

static struct moments units(uint64_t count, double mean)
{
	return (struct moments){count, mean, (double)count * mean * (1 - mean)};
}

static void arrive(struct rollout_counts *counts, uint64_t in_time, uint64_t late)
{
	counts->accuracy_arrivals = (struct truth_arrivals){in_time, late};
}

static void stage_renew(void)
{
	if (trial.look.epoch != trial.rollout.epoch)
		trial.look = (struct rollout_look){.time_ms = trial.look.time_ms, .epoch = trial.rollout.epoch};
}

static enum rollout_verdict verdict(size_t rule)
{
	return trial.move.evidence.items[rule].verdict;
}

static void expect_sentence(const char *words)
{
	struct buffer out;
	buffer_open(&out, BYTES_MAX);
	rollout_move_sentence(&trial.plan, &trial.move, (const char *const[]){"new"}, &out);
	buffer_byte(&out, '\0');
	if (!strstr(out.bytes, words))
		fail_msg("%s", out.bytes);
	buffer_close(&out);
}

static void truths_that_all_come_late_leave_the_stage_open(void **state)
{
	struct buffer out;
	(void)state;
	rollout_start(ROLLOUT(STAGES));
	minutes_pass(3, 1000, 0);
	assert_int_equal(verdict(ACCURACY), VERDICT_LEFT_OUT);
	arrive(&trial.look.control, 0, 30);
	arrive(&trial.look.candidates[0], 0, 1);
	minute_pass(1000, 0);
	assert_int_equal(verdict(ACCURACY), VERDICT_OPEN);
	minutes_pass(6, 1000, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	assert_int_equal(trial.move.cause, ACCURACY);
	expect_sentence(
		"Truths that came after the outcomeWindow of 2m do not count: 1 of `new`, and 30 of the default; 0 and 0 came "
		"within it. Set outcomeWindow above the time that truths take.");
	buffer_open(&out, BYTES_MAX);
	rollout_move_write(&trial.plan, &trial.move, (const char *const[]){"new"}, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "\"inTime\": 0, \"late\": 1, \"defaultInTime\": 0, \"defaultLate\": 30}"));
	buffer_close(&out);
}

/* The default's alone say that there are truths, and so do those of one variant alone. */
static void a_late_truth_of_any_variant_leaves_it_open(void **state)
{
	(void)state;
	for (int of_control = 0; of_control < 2; of_control++) {
		rollout_start(ROLLOUT(STAGES));
		trial.look.epoch = trial.rollout.epoch;
		arrive(of_control ? &trial.look.control : &trial.look.candidates[0], 0, 1);
		minutes_pass(10, 1000, 0);
		expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	}
}

/* Late truths of stage 1 may come while stage 2 has none yet. */
static void a_rollout_that_had_late_truths_needs_some_in_each_stage(void **state)
{
	(void)state;
	rollout_start(ROLLOUT(STAGES));
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = trial.look.candidates[0].accuracy = units(5000, 0.9);
	arrive(&trial.look.control, 5000, 10);
	arrive(&trial.look.candidates[0], 5000, 10);
	minutes_pass(5, 1000, 0);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	minutes_pass(10, 1000, 0);
	expect_move(3, ROLLOUT_INCONCLUSIVE, 1, REASON_OPEN);
	expect_sentence("No truth of `new` came within the outcomeWindow of 2m in this stage.");
}

static void more_late_truths_than_others_do_not_hold(void **state)
{
	static const struct {
		uint64_t of_control[2], of_candidate[2]; /* in time, and late */
		enum rollout_verdict verdict;
	} rows[] = {{{5000, 5000}, {5000, 5000}, VERDICT_HOLDS},
		    {{5000, 5001}, {5000, 0}, VERDICT_OPEN},
		    {{5000, 0}, {5000, 5001}, VERDICT_OPEN}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rollout_start(ROLLOUT(STAGES));
		trial.look.epoch = trial.rollout.epoch;
		trial.look.control.accuracy = trial.look.candidates[0].accuracy = units(5000, 0.9);
		arrive(&trial.look.control, rows[i].of_control[0], rows[i].of_control[1]);
		arrive(&trial.look.candidates[0], rows[i].of_candidate[0], rows[i].of_candidate[1]);
		minute_pass(1000, 0);
		assert_int_equal(verdict(ACCURACY), rows[i].verdict);
	}
}

static void truths_in_time_roll_back_however_many_are_late(void **state)
{
	(void)state;
	rollout_start(ROLLOUT(STAGES));
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = units(5000, 0.9);
	trial.look.candidates[0].accuracy = units(5000, 0.2);
	arrive(&trial.look.control, 5000, 90000);
	arrive(&trial.look.candidates[0], 5000, 90000);
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_BROKEN);
}

/* A stage at 100% keeps the comparison of the one before, so what comes late there says nothing of it. */
static void a_comparison_that_is_kept_stays(void **state)
{
	(void)state;
	rollout_start(ROLLOUT("    stages: [{weight: 10, duration: 5m}, {weight: 100, duration: 5m}]\n"));
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = trial.look.candidates[0].accuracy = units(5000, 0.9);
	arrive(&trial.look.control, 5000, 0);
	arrive(&trial.look.candidates[0], 5000, 0);
	minutes_pass(5, 1000, 0);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	stage_renew();
	arrive(&trial.look.candidates[0], 0, 7000);
	minutes_pass(5, 1000, 0);
	expect_move(3, ROLLOUT_PROMOTED, 1, REASON_HELD);
}

/* The window is longer than the stage and its extension. */
static void truths_that_wait_for_the_end_of_the_window_leave_the_stage_open(void **state)
{
	(void)state;
	rollout_start(HEAD "  progressiveDeployment:\n    outcomeWindow: 1h\n" STAGES);
	trial.look.epoch = trial.rollout.epoch;
	arrive(&trial.look.control, 900, 0);
	arrive(&trial.look.candidates[0], 100, 0);
	minutes_pass(10, 1000, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_sentence(
		"Truths of `new` come, and none has counted: each does at the end of its outcomeWindow of 1h, in the stage of its "
		"request. Set a shorter outcomeWindow, or a longer stage.");
}

/* The file of a promotion policy has no stages and no outcomeWindow: what is to be written is named by where it is written. */
static void advice_for_a_promotion_policy_names_its_fields(void **state)
{
	(void)state;
	rollout_start(HEAD "  promotionPolicy: {automatic: true, interval: 4m}\n"
			   "  successCriteria: [{metricName: accuracy, threshold: 0.6, operator: \">\"}]\n");
	trial.look.epoch = trial.rollout.epoch;
	arrive(&trial.look.candidates[0], 100, 0);
	minutes_pass(8, 1000, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_sentence("Set a shorter `progressiveDeployment.outcomeWindow`, or a longer `promotionPolicy.interval`.");
}

/* What a move says of the truths of its cause; "": nothing. */
static void expect_advice(const char *words)
{
	struct buffer out;
	buffer_open(&out, BYTES_MAX);
	rollout_move_sentence(&trial.plan, &trial.move, (const char *const[]){"new"}, &out);
	buffer_byte(&out, '\0');
	if (*words ? !strstr(out.bytes, words) : strstr(out.bytes, "Window") || strstr(out.bytes, "ruth"))
		fail_msg("%s", out.bytes);
	buffer_close(&out);
}

/* Few units, and few late truths: the window is not what is wrong. Nor is it where an engine tells no arrivals. */
static void advice_is_of_what_leaves_the_stage_open(void **state)
{
	static const struct {
		uint64_t units[2], in_time[2], late[2]; /* of the default, and of the candidate */
		const char *words;
	} rows[] = {
		{{20, 20}, {10000, 10000}, {0, 1}, ""},
		{{20, 20}, {0, 0}, {0, 0}, ""},
		{{0, 20}, {0, 0}, {0, 0}, "No truth of the default came within"},
		{{0, 20}, {5, 20}, {0, 0}, "Truths of the default come, and none has counted"},
		{{20, 20}, {20, 20}, {21, 0}, "do not count: 0 of `new`, and 21 of the default; 20 and 20 came within it."},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rollout_start(ROLLOUT(STAGES));
		trial.look.epoch = trial.rollout.epoch;
		trial.look.control.accuracy = units(rows[i].units[0], 0.9);
		trial.look.candidates[0].accuracy = units(rows[i].units[1], 0.9);
		arrive(&trial.look.control, rows[i].in_time[0], rows[i].late[0]);
		arrive(&trial.look.candidates[0], rows[i].in_time[1], rows[i].late[1]);
		minutes_pass(10, 1000, 0);
		expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
		assert_int_equal(trial.move.cause, ACCURACY);
		expect_advice(rows[i].words);
	}
}

/* A rule of the candidate alone is not open by what the default has. */
static void the_default_is_not_blamed_for_a_rule_of_the_candidate(void **state)
{
	(void)state;
	rollout_start(ROLLOUT(STAGES) "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n");
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = trial.look.candidates[0].accuracy = units(5000, 0.9);
	arrive(&trial.look.control, 5000, 0);
	arrive(&trial.look.candidates[0], 5000, 0);
	trial.look.candidates[0].metrics[0] = (struct moments){20, 9, 20};
	trial.look.candidates[0].arrivals[0] = (struct truth_arrivals){20, 0};
	trial.look.control.arrivals[0] = (struct truth_arrivals){0, 90};
	minutes_pass(10, 1000, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	assert_int_equal(trial.plan.stages[0].rules[trial.move.cause].kind, RULE_MEAN);
	expect_advice("");
}

/* No truth of the default comes at 100%, and none would change what the stage keeps. */
static void a_stage_at_full_weight_asks_for_no_truth_of_the_default(void **state)
{
	(void)state;
	rollout_start(ROLLOUT("    stages: [{weight: 100, duration: 5m}]\n"));
	trial.look.epoch = trial.rollout.epoch;
	trial.look.candidates[0].accuracy = units(20, 0.9);
	arrive(&trial.look.candidates[0], 20, 0);
	minutes_pass(10, 1000, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_advice("");
}

/* A metric that a criterion names is as late as its own feedback is. */
static void a_mean_of_mostly_late_feedback_does_not_hold(void **state)
{
	(void)state;
	for (uint64_t late = 300; late <= 301; late++) {
		rollout_start(ROLLOUT(STAGES) "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n");
		trial.look.epoch = trial.rollout.epoch;
		trial.look.candidates[0].metrics[0] = (struct moments){300, 9, 300};
		trial.look.candidates[0].arrivals[0] = (struct truth_arrivals){300, late};
		arrive(&trial.look.candidates[0], 0, 99); /* of another metric */
		minute_pass(1000, 0);
		size_t mean = 0;
		while (trial.plan.stages[0].rules[mean].kind != RULE_MEAN)
			mean++;
		assert_int_equal(verdict(mean), late == 300 ? VERDICT_HOLDS : VERDICT_OPEN);
	}
}

/* ---- states ---- */

static void the_state_has_when_truths_came(void **state)
{
	struct error error = {0};
	struct rollout_state read;
	struct buffer out;
	(void)state;
	rollout_start(ROLLOUT(STAGES) "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n");
	trial.look.epoch = trial.rollout.epoch;
	arrive(&trial.look.control, 5, 6);
	arrive(&trial.look.candidates[0], 7, 8);
	trial.look.candidates[0].arrivals[0] = (struct truth_arrivals){9, 10};
	minute_pass(1000, 0);
	buffer_open(&out, BYTES_MAX);
	rollout_state_write(&trial.plan, &trial.rollout, &out);
	assert_true(rollout_state_read(&trial.plan, buffer_view(&out), &read, &error));
	assert_memory_equal(&read, &trial.rollout, sizeof read);
	buffer_close(&out);
}

/* With another window alone the plan is the same: a rollout goes on after what its words ask for. */
static void a_longer_window_keeps_the_rollout(void **state)
{
	(void)state;
	plan_take(ROLLOUT(STAGES));
	const uint64_t before = rollout_plan_hash(&trial.plan);
	plan_take(HEAD "  progressiveDeployment:\n    outcomeWindow: 3h\n" STAGES);
	assert_true(rollout_plan_hash(&trial.plan) == before && trial.plan.outcome_window_ms == 3 * 60 * MINUTE_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truths_that_all_come_late_leave_the_stage_open),
		cmocka_unit_test(a_late_truth_of_any_variant_leaves_it_open),
		cmocka_unit_test(a_rollout_that_had_late_truths_needs_some_in_each_stage),
		cmocka_unit_test(more_late_truths_than_others_do_not_hold),
		cmocka_unit_test(truths_in_time_roll_back_however_many_are_late),
		cmocka_unit_test(a_comparison_that_is_kept_stays),
		cmocka_unit_test(truths_that_wait_for_the_end_of_the_window_leave_the_stage_open),
		cmocka_unit_test(advice_for_a_promotion_policy_names_its_fields),
		cmocka_unit_test(advice_is_of_what_leaves_the_stage_open),
		cmocka_unit_test(the_default_is_not_blamed_for_a_rule_of_the_candidate),
		cmocka_unit_test(a_stage_at_full_weight_asks_for_no_truth_of_the_default),
		cmocka_unit_test(a_mean_of_mostly_late_feedback_does_not_hold),
		cmocka_unit_test(the_state_has_when_truths_came),
		cmocka_unit_test(a_longer_window_keeps_the_rollout),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
