/* rollout_test.c: Tests of the moves of a rollout by looks and commands, and of its state and moves as bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/number/little_endian.h"
#include "tests/unit/rollout_looks.h"

#include <cmocka.h>

#define STAGES HEAD "  progressiveDeployment:\n    stages: [{weight: 10, duration: 5m}, {weight: 100, duration: 10m}]\n"
#define BYTES_MAX ((size_t)1 << 20)

static struct buffer out;

static struct moments units(uint64_t count, double mean)
{
	return (struct moments){count, mean, (double)count * mean * (1 - mean)};
}

static void stages_pass_when_all_rules_hold_at_their_end(void **state)
{
	(void)state;
	rollout_start(STAGES);
	assert_true(rollout_percent(&trial.plan, &trial.rollout) == 10);
	minutes_pass(4, 1000, 0);
	assert_int_equal(trial.move.number, 0);
	assert_int_equal(trial.move.evidence.count, 3);
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	assert_true(trial.move.percent == 100 && trial.move.epoch == 2 && trial.rollout.candidates[0].requests == 0);
	minutes_pass(10, 1000, 0);
	expect_move(3, ROLLOUT_PROMOTED, 1, REASON_HELD);
	assert_true(rollout_percent(&trial.plan, &trial.rollout) == 100);
	minutes_pass(3, 1000, 900);
	assert_true(trial.move.number == 0 && trial.rollout.phase == ROLLOUT_PROMOTED);
}

static void a_stage_without_evidence_is_extended_and_then_inconclusive(void **state)
{
	(void)state;
	rollout_start(STAGES);
	minutes_pass(9, 20, 0);
	assert_int_equal(trial.rollout.moves, 1);
	minute_pass(20, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	assert_int_equal(trial.move.evidence.items[trial.move.cause].verdict, VERDICT_OPEN);
	assert_true(rollout_percent(&trial.plan, &trial.rollout) == 10);
	minute_pass(10000, 0);
	assert_int_equal(trial.move.number, 0);
	minute_pass(1000, 500);
	expect_move(3, ROLLOUT_ROLLED_BACK, 0, REASON_CHANGED);
	assert_true(rollout_percent(&trial.plan, &trial.rollout) == 0);
	rollout_start(STAGES "  onInconclusive: rollback\n");
	minutes_pass(10, 20, 0);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_OPEN);
	rollout_start(STAGES "  onInconclusive: promote\n");
	minutes_pass(10, 20, 0);
	expect_move(2, ROLLOUT_PROMOTED, 0, REASON_OPEN);
}

static void evidence_that_comes_in_the_extension_passes_the_stage(void **state)
{
	(void)state;
	rollout_start(STAGES);
	minutes_pass(6, 20, 0);
	assert_int_equal(trial.move.number, 0);
	minute_pass(5000, 0);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
}

static void a_broken_criterion_rolls_back_without_a_trigger(void **state)
{
	(void)state;
	rollout_start(HEAD "  progressiveDeployment:\n"
			   "    stages: [{weight: 10, duration: 5m, successCriteria: {errorRate: \"<0.001\"}}]\n");
	minute_pass(10000, 30);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_BROKEN);
	assert_int_equal(trial.move.evidence.items[trial.move.cause].rule, 0);
	assert_true(trial.move.evidence.items[trial.move.cause].interval.low > 0.001);
}

static void slow_requests_are_held_against_a_twentieth(void **state)
{
	(void)state;
	rollout_start(STAGES);
	trial.look.epoch = trial.rollout.epoch;
	trial.look.candidates[0].above[1] = 40;
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.items[1].verdict, VERDICT_OPEN);
	trial.look.candidates[0].above[1] = 240;
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_CHANGED);
	assert_int_equal(trial.move.evidence.items[trial.move.cause].rule, 1);
}

/* 40 of 1,000 are within a twentieth, and many more than a hundredth. */
static void slow_requests_are_held_against_the_share_of_their_percentile(void **state)
{
	(void)state;
	rollout_start(HEAD "  successCriteria: [{metricName: latency_p99, threshold: 100, operator: \"<\"}]\n"
			   "  progressiveDeployment: {schedule: [10]}\n");
	trial.look.epoch = trial.rollout.epoch;
	trial.look.candidates[0].above[0] = 40;
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_BROKEN);
	const struct rollout_judgement *cause = &trial.move.evidence.items[trial.move.cause];
	assert_int_equal(cause->rule, 0);
	assert_true(fabs(cause->bound - 0.01) < 1e-15 && cause->interval.low > 0.01 && cause->interval.low < 0.05);
	buffer_clear(&out);
	rollout_move_sentence(&trial.plan, &trial.move, (const char *const[]){"new"}, &out);
	assert_non_null(memmem(out.bytes, out.length, "`latency_p99` of `new` (limit 100 ms for 99% of", 47));
	buffer_clear(&out);
	rollout_move_write(&trial.plan, &trial.move, (const char *const[]){"new"}, &out);
	assert_non_null(memmem(out.bytes, out.length, "\"rule\": \"latency_p99\"", 21));
}

static void truth_is_compared_with_the_default_and_kept_at_full_weight(void **state)
{
	(void)state;
	rollout_start(STAGES);
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = units(20000, 0.7);
	trial.look.candidates[0].accuracy = units(3000, 0.7);
	minutes_pass(5, 1000, 0);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	assert_true(fabs(trial.move.evidence.items[2].estimate - 0.035) < 1e-9 && trial.move.evidence.items[2].interval.low > 0);
	const double low = trial.move.evidence.items[2].interval.low, tau2 = 0.035 * 0.035;
	const double variance = 0.21 / 2999 + 0.95 * 0.95 * 0.21 / 19999;
	const double half = sqrt(variance * (1 + variance / tau2) * (2 * log(20) + log1p(tau2 / variance)));
	assert_true(fabs(low - (0.035 - half)) < 1e-9);
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.items[2].verdict, VERDICT_HOLDS);
	assert_true(trial.move.evidence.items[2].interval.low == low);
	rollout_start(STAGES);
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = units(20000, 0.7);
	trial.look.candidates[0].accuracy = units(3000, 0.5);
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_BROKEN);
}

/* By the sequence of one mean, so it needs no truth of the default, and a stage at 100% judges it too. */
static void an_accuracy_is_held_against_its_own_limit(void **state)
{
	static const struct {
		double mean;
		enum rollout_verdict verdict;
	} rows[] = {{0.7, VERDICT_HOLDS}, {0.601, VERDICT_OPEN}, {0.5, VERDICT_BROKEN}};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		rollout_start(HEAD "  successCriteria: [{metricName: accuracy, threshold: 0.6, operator: \">\"}]\n"
				   "  progressiveDeployment: {schedule: [100]}\n");
		trial.look.epoch = trial.rollout.epoch;
		trial.look.candidates[0].accuracy = units(99, rows[i].mean);
		minute_pass(1000, 0);
		assert_int_equal(trial.move.evidence.items[0].verdict, VERDICT_OPEN); /* burn-in */
		trial.look.candidates[0].accuracy = units(3000, rows[i].mean);
		minute_pass(1000, 0);
		assert_int_equal(trial.move.evidence.items[0].verdict, rows[i].verdict);
		assert_true(trial.move.evidence.items[0].estimate == rows[i].mean && trial.move.evidence.items[0].bound == 0.6);
	}
}

/* Neither ever has twenty answers of the rarer outcome. */
static void an_accuracy_of_none_or_all_is_judged(void **state)
{
	(void)state;
	rollout_start(STAGES);
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = units(1000, 0.7);
	trial.look.candidates[0].accuracy = units(100, 0);
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_BROKEN);
	rollout_start(STAGES);
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = units(1000, 0.7);
	trial.look.candidates[0].accuracy = units(100, 1);
	minutes_pass(5, 1000, 0);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	assert_true(trial.move.evidence.items[2].interval.low > 0.2);
	rollout_start(STAGES);
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = trial.look.candidates[0].accuracy = units(100, 0);
	minute_pass(1000, 0);
	assert_int_equal(trial.rollout.phase, ROLLOUT_RUNNING);
}

static void each_stage_that_has_the_default_compares_anew(void **state)
{
	(void)state;
	rollout_start(HEAD "  progressiveDeployment: {schedule: [10, 50], every: 5m}\n");
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = units(20000, 0.7);
	trial.look.candidates[0].accuracy = units(3000, 0.7);
	minutes_pass(5, 1000, 0);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.items[2].verdict, VERDICT_OPEN);
	assert_true(trial.move.evidence.items[2].interval.low == -INFINITY);
}

static void a_comparison_without_truth_is_left_out_unless_it_is_written(void **state)
{
	(void)state;
	rollout_start(STAGES);
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.items[2].verdict, VERDICT_LEFT_OUT);
	trial.look.control.accuracy = units(10, 1);
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.items[2].verdict, VERDICT_OPEN);
	rollout_start(STAGES "    rollback: {accuracyDrop: \">5%\"}\n");
	minutes_pass(10, 1000, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
}

static void each_candidate_must_keep_each_rule(void **state)
{
	(void)state;
	rollout_start("apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
		      "  candidates: [{name: a, weight: 1}, {name: b, weight: 1}]\n  progressiveDeployment: {schedule: [50]}\n");
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.count, 6);
	trial.look.candidates[1].errors = 100;
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_CHANGED);
	assert_int_equal(trial.move.evidence.items[trial.move.cause].candidate, 1);
}

/* ---- looks that add nothing, or are wrong ---- */

static void a_repeated_look_adds_nothing(void **state)
{
	(void)state;
	struct error error = {0};
	rollout_start(STAGES);
	minute_pass(1000, 10);
	const struct rollout_state before = trial.rollout;
	trial.look.time_ms += 29999;
	trial.look.candidates[0].requests += 50;
	trial.look.candidates[0].errors += 50;
	assert_true(rollout_look(&trial.plan, &trial.rollout, &trial.look, &trial.move, &error));
	assert_memory_equal(&before, &trial.rollout, sizeof before);
	trial.look.time_ms++;
	assert_true(rollout_look(&trial.plan, &trial.rollout, &trial.look, &trial.move, &error));
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_CHANGED);
	rollout_start(STAGES);
	minute_pass(1000, 10);
	const double level = trial.rollout.trackers[0][0].watch.level;
	minute_pass(0, 0);
	assert_true(trial.rollout.trackers[0][0].watch.level == fmax(level, 0));
}

static void expect_look_refused(const char *words)
{
	struct error error = {0};
	const struct rollout_state before = trial.rollout;
	assert_false(rollout_look(&trial.plan, &trial.rollout, &trial.look, &trial.move, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
	assert_memory_equal(&before, &trial.rollout, sizeof before);
}

static void counts_that_cannot_be_are_refused(void **state)
{
	(void)state;
	struct error error = {0};
	rollout_start(STAGES);
	minute_pass(1000, 1);
	const struct rollout_look good = trial.look;
	trial.look.candidates[0].requests--;
	expect_look_refused("fell since the last look");
	trial.look = good;
	trial.look.candidates[0].errors = 1001;
	expect_look_refused("contradict");
	trial.look = good;
	trial.look.candidates[0].errors = 5; /* of no new request */
	expect_look_refused("contradict");
	trial.look = good;
	trial.look.candidates[0].above[1] = 1;
	expect_look_refused("contradict");
	trial.look = good;
	trial.look.control.accuracy = units(10, (double)NAN);
	expect_look_refused("contradict");
	trial.look = good;
	trial.look.control.accuracy = units(10, 1.5);
	expect_look_refused("contradict");
	trial.look = good;
	trial.look.epoch++;
	expect_look_refused("Read its state again");
	trial.look.epoch = 0; /* of weights that are over */
	trial.look.time_ms += MINUTE_MS;
	const struct rollout_state before = trial.rollout;
	assert_true(rollout_look(&trial.plan, &trial.rollout, &trial.look, &trial.move, &error));
	assert_memory_equal(&before, &trial.rollout, sizeof before);
}

/* ---- commands ---- */

static void command_give(enum rollout_command_kind kind)
{
	struct error error = {0};
	const struct rollout_command command = {++trial.commands, kind, trial.look.time_ms, "ann"};
	if (!rollout_command(&trial.plan, &trial.rollout, &command, &trial.move, &error))
		fail_msg("%s", error.text);
}

static void expect_command_refused(enum rollout_command_kind kind, const char *words)
{
	struct error error = {0};
	const struct rollout_command command = {++trial.commands, kind, trial.look.time_ms, NULL};
	struct rollout_state before = trial.rollout;
	before.command = trial.commands;
	assert_false(rollout_command(&trial.plan, &trial.rollout, &command, &trial.move, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
	assert_memory_equal(&before, &trial.rollout, sizeof before);
}

static void a_pause_stops_the_clock_and_not_the_triggers(void **state)
{
	(void)state;
	rollout_start(STAGES);
	minutes_pass(2, 1000, 0);
	expect_command_refused(COMMAND_RESUME, "is running, at stage 1. What fits: promote, rollback, pause.");
	command_give(COMMAND_PAUSE);
	expect_move(2, ROLLOUT_PAUSED, 0, REASON_COMMAND);
	assert_string_equal(trial.move.by, "ann");
	expect_command_refused(COMMAND_PAUSE, "is paused, at stage 1. What fits: promote, rollback, resume.");
	minutes_pass(30, 1000, 0);
	assert_int_equal(trial.rollout.phase, ROLLOUT_PAUSED);
	command_give(COMMAND_RESUME);
	expect_move(3, ROLLOUT_RUNNING, 0, REASON_COMMAND);
	minutes_pass(2, 1000, 0);
	assert_int_equal(trial.move.number, 0);
	command_give(COMMAND_PAUSE);
	minutes_pass(7, 1000, 0);
	command_give(COMMAND_RESUME);
	minute_pass(1000, 0);
	expect_move(6, ROLLOUT_RUNNING, 1, REASON_HELD);
	command_give(COMMAND_PAUSE);
	minute_pass(1000, 100);
	expect_move(8, ROLLOUT_ROLLED_BACK, 1, REASON_CHANGED);
	expect_command_refused(COMMAND_PROMOTE, "is rolledBack, at stage 2. Apply the experiment with a change");
}

static void an_inconclusive_stage_that_is_resumed_has_another_duration(void **state)
{
	(void)state;
	rollout_start(STAGES);
	minutes_pass(10, 20, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	minutes_pass(7, 0, 0);
	command_give(COMMAND_RESUME);
	minutes_pass(4, 20, 0);
	assert_int_equal(trial.rollout.phase, ROLLOUT_RUNNING);
	minute_pass(20, 0);
	expect_move(4, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	command_give(COMMAND_PROMOTE);
	expect_move(5, ROLLOUT_PROMOTED, 0, REASON_COMMAND);
}

static void a_stage_waits_for_its_approval(void **state)
{
	(void)state;
	rollout_start(HEAD "  progressiveDeployment:\n"
			   "    stages: [{weight: 10, duration: 5m, approve: true}, {weight: 50, duration: 5m, approve: true}]\n");
	expect_command_refused(COMMAND_APPROVE, "`approve` does not fit");
	minutes_pass(5, 1000, 0);
	expect_move(2, ROLLOUT_PAUSED, 0, REASON_APPROVAL);
	expect_command_refused(COMMAND_RESUME, "waits for an approval, at stage 1. What fits: promote, rollback.");
	minutes_pass(20, 1000, 0);
	assert_int_equal(trial.rollout.moves, 2);
	command_give(COMMAND_PROMOTE);
	expect_move(3, ROLLOUT_RUNNING, 1, REASON_COMMAND);
	assert_true(trial.move.percent == 50);
	minutes_pass(5, 1000, 0);
	expect_move(4, ROLLOUT_PAUSED, 1, REASON_APPROVAL);
	command_give(COMMAND_APPROVE);
	expect_move(5, ROLLOUT_PROMOTED, 1, REASON_COMMAND);
	command_give(COMMAND_ROLLBACK);
	expect_move(6, ROLLOUT_ROLLED_BACK, 1, REASON_COMMAND);
}

static void a_stage_that_waits_is_confirmed_or_declined_once_by_its_webhook(void **state)
{
	(void)state;
	struct error error = {0};
	struct rollout_state read;
	struct buffer bytes;
	rollout_start(HEAD "  progressiveDeployment:\n"
			   "    stages: [{weight: 10, duration: 5m, confirm: 'https://h.example/'}, {weight: 50, duration: 5m}]\n"
			   "  promotionPolicy: {automatic: true, confirm: 'https://h.example/'}\n");
	assert_true(trial.plan.stages[0].confirm && trial.plan.stages[0].approve);
	assert_true(trial.plan.stages[1].confirm && trial.plan.stages[1].approve);
	expect_command_refused(COMMAND_CONFIRM, "`confirm` does not fit");
	minutes_pass(5, 1000, 0);
	expect_move(2, ROLLOUT_PAUSED, 0, REASON_APPROVAL);
	command_give(COMMAND_CONFIRM);
	expect_move(3, ROLLOUT_RUNNING, 1, REASON_COMMAND);
	minutes_pass(5, 1000, 0);
	expect_move(4, ROLLOUT_PAUSED, 1, REASON_APPROVAL);
	command_give(COMMAND_DECLINE);
	expect_move(5, ROLLOUT_PAUSED, 1, REASON_COMMAND);
	assert_true(trial.rollout.waiting && trial.rollout.declined && trial.move.percent == 50);
	expect_command_refused(COMMAND_CONFIRM, "`confirm` does not fit");
	expect_command_refused(COMMAND_DECLINE, "What fits: promote, rollback.");
	buffer_open(&bytes, 1 << 16);
	rollout_state_write(&trial.plan, &trial.rollout, &bytes);
	assert_true(rollout_state_read(&trial.plan, buffer_view(&bytes), &read, &error));
	assert_true(read.waiting && read.declined);
	buffer_close(&bytes);
	minutes_pass(20, 1000, 0);
	assert_int_equal(trial.rollout.moves, 5);
	command_give(COMMAND_PROMOTE);
	expect_move(6, ROLLOUT_PROMOTED, 1, REASON_COMMAND);
	assert_false(trial.rollout.waiting || trial.rollout.declined);
}

static void a_repeated_command_does_nothing(void **state)
{
	(void)state;
	struct error error = {0};
	rollout_start(STAGES);
	command_give(COMMAND_PAUSE);
	command_give(COMMAND_RESUME);
	const struct rollout_state before = trial.rollout;
	for (uint64_t number = 1; number <= 2; number++) {
		const struct rollout_command again = {number, COMMAND_PAUSE, trial.look.time_ms, NULL};
		assert_true(rollout_command(&trial.plan, &trial.rollout, &again, &trial.move, &error));
		assert_int_equal(trial.move.number, 0);
	}
	assert_memory_equal(&before, &trial.rollout, sizeof before);
}

/* Its sender was told no: a state that would have it comes too late. */
static void a_refused_command_is_not_obeyed_later(void **state)
{
	(void)state;
	struct error error = {0};
	rollout_start(STAGES);
	expect_command_refused(COMMAND_RESUME, "does not fit");
	const struct rollout_command refused = {trial.commands, COMMAND_RESUME, trial.look.time_ms, NULL};
	minutes_pass(10, 20, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	assert_true(rollout_command(&trial.plan, &trial.rollout, &refused, &trial.move, &error));
	assert_int_equal(trial.move.number, 0);
	assert_int_equal(trial.rollout.phase, ROLLOUT_INCONCLUSIVE);
}

static void a_pending_rollout_obeys_commands(void **state)
{
	(void)state;
	plan_take(STAGES);
	trial.commands = 0;
	trial.rollout = rollout_begin(&trial.plan);
	expect_command_refused(COMMAND_PAUSE, "is pending");
	command_give(COMMAND_PROMOTE);
	expect_move(1, ROLLOUT_PROMOTED, 0, REASON_COMMAND);
	assert_int_equal(trial.move.evidence.count, 0);
}

/* ---- bytes ---- */

static void a_state_is_what_was_written(void **state)
{
	(void)state;
	struct error error = {0};
	struct rollout_state read;
	rollout_start(STAGES);
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = units(20000, 0.7);
	trial.look.candidates[0].accuracy = units(3000, 0.7);
	trial.look.candidates[0].errors_spread = (struct cluster_mean){5000, 64, 7, 21, 900, 400000};
	trial.look.candidates[0].above_spread[1] = (struct cluster_mean){5000, 64, 8, 22, 901, 400000};
	trial.look.control.alone = 17;
	command_give(COMMAND_PAUSE);
	minutes_pass(3, 1000, 1);
	command_give(COMMAND_RESUME);
	command_give(COMMAND_PAUSE);
	assert_true(trial.rollout.held_ms > 0 && trial.rollout.paused_ms > 0 && trial.rollout.truth);
	buffer_clear(&out);
	rollout_state_write(&trial.plan, &trial.rollout, &out);
	assert_true(rollout_state_read(&trial.plan, buffer_view(&out), &read, &error));
	assert_memory_equal(&trial.rollout, &read, sizeof read);
	for (size_t length = 0; length < out.length; length++) {
		error = (struct error){0};
		assert_false(rollout_state_read(&trial.plan, (struct text){out.bytes, length}, &read, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	for (size_t i = 0; i < out.length; i++) {
		error = (struct error){0};
		out.bytes[i] ^= 0x10;
		assert_false(rollout_state_read(&trial.plan, buffer_view(&out), &read, &error));
		out.bytes[i] ^= 0x10;
	}
	out.bytes[0] = ROLLOUT_STATE_VERSION + 1;
	error = (struct error){0};
	assert_false(rollout_state_read(&trial.plan, buffer_view(&out), &read, &error));
	assert_non_null(strstr(error.text, "has version 6, and this program reads up to 5"));
	out.bytes[0] = ROLLOUT_STATE_VERSION;
	struct rollout_state untimely = trial.rollout;
	untimely.began_ms = INT64_MIN; /* from which others subtract */
	buffer_clear(&out);
	rollout_state_write(&trial.plan, &untimely, &out);
	assert_false(rollout_state_read(&trial.plan, buffer_view(&out), &read, &error));
	plan_take(HEAD "  progressiveDeployment: {schedule: [10, 100]}\n");
	error = (struct error){0};
	assert_false(rollout_state_read(&trial.plan, buffer_view(&out), &read, &error));
	assert_non_null(strstr(error.text, "another plan"));
}

static void expect_sentence(const char *sentence)
{
	static const char *const names[] = {"new"};
	buffer_clear(&out);
	rollout_move_sentence(&trial.plan, &trial.move, names, &out);
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes, sentence);
}

static void a_move_is_a_record_with_its_evidence(void **state)
{
	(void)state;
	static const char *const names[] = {"n\"w"};
	rollout_start(STAGES);
	expect_sentence("Stage 1 begins at 10%: the rollout starts.");
	minute_pass(1000, 100);
	buffer_clear(&out);
	rollout_move_write(&trial.plan, &trial.move, names, &out);
	buffer_byte(&out, '\0');
	const char *begin = "{\"move\": 2, \"time_ms\": 120000, \"from\": \"running\", \"to\": \"rolledBack\", \"fromStage\": 1, "
			    "\"stage\": 1, \"epoch\": 2, \"percent\": 0.0, \"reason\": \"changed\", \"cause\": 0, \"evidence\": "
			    "[{\"candidate\": \"n\\\"w\", \"rule\": \"errorRate\", \"trigger\": true, \"limit\": 0.01, "
			    "\"verdict\": \"changed\", \"trials\": 1000, \"estimate\": 0.1, \"low\": 0.";
	assert_memory_equal(out.bytes, begin, strlen(begin));
	assert_non_null(strstr(out.bytes, "\"rule\": \"accuracyDrop\", \"trigger\": true, \"limit\": 0.05, "
					  "\"verdict\": \"leftOut\", \"trials\": 0, \"estimate\": null, "
					  "\"low\": null, \"high\": null, \"bound\": 0.0, \"inTime\": 0, \"late\": 0, "
					  "\"defaultInTime\": 0, \"defaultLate\": 0}]}"));
	rollout_start(STAGES);
	buffer_clear(&out);
	rollout_move_write(&trial.plan, &trial.move, names, &out);
	assert_true(rollout_move_begins(buffer_view(&out)));
	command_give(COMMAND_PAUSE);
	buffer_clear(&out);
	rollout_move_write(&trial.plan, &trial.move, names, &out);
	assert_true(rollout_move_is_by(buffer_view(&out), COMMAND_PAUSE));
	assert_false(rollout_move_is_by(buffer_view(&out), COMMAND_PROMOTE) || rollout_move_begins(buffer_view(&out)));
	assert_false(rollout_move_begins(text_of("{\"evidence\": [{\"reason\": \"started\"}]}")));
	expect_sentence("Stage 1 is paused at 10%: by the command pause of ann.");
	command_give(COMMAND_RESUME);
	expect_sentence("Stage 1 goes on at 10%: by the command resume of ann.");
	minutes_pass(5, 1000, 0);
	expect_sentence("Stage 2 begins at 100%: all rules of stage 1 hold.");
	minutes_pass(20, 0, 0);
	expect_sentence(
		"Stage 2 is inconclusive at 100%: `errorRate` of `new` (limit 0.01) is neither shown to hold nor broken in "
		"the time that the stage has. `new` has had no request for 20m: check that it is called, and its engines and "
		"address. `latency` of `new` (limit 200 ms for 95% of its requests) is neither shown to hold nor broken in the "
		"time that the stage has. `sluice experiments resume` gives the stage its duration again, `promote` or `rollback` "
		"end it.");
}

static int buffer_begin(void **state)
{
	(void)state;
	buffer_open(&out, BYTES_MAX);
	return 0;
}

static int buffer_end(void **state)
{
	(void)state;
	buffer_close(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages_pass_when_all_rules_hold_at_their_end),
		cmocka_unit_test(a_stage_without_evidence_is_extended_and_then_inconclusive),
		cmocka_unit_test(evidence_that_comes_in_the_extension_passes_the_stage),
		cmocka_unit_test(a_broken_criterion_rolls_back_without_a_trigger),
		cmocka_unit_test(slow_requests_are_held_against_a_twentieth),
		cmocka_unit_test(slow_requests_are_held_against_the_share_of_their_percentile),
		cmocka_unit_test(truth_is_compared_with_the_default_and_kept_at_full_weight),
		cmocka_unit_test(an_accuracy_is_held_against_its_own_limit),
		cmocka_unit_test(an_accuracy_of_none_or_all_is_judged),
		cmocka_unit_test(each_stage_that_has_the_default_compares_anew),
		cmocka_unit_test(a_comparison_without_truth_is_left_out_unless_it_is_written),
		cmocka_unit_test(each_candidate_must_keep_each_rule),
		cmocka_unit_test(a_repeated_look_adds_nothing),
		cmocka_unit_test(counts_that_cannot_be_are_refused),
		cmocka_unit_test(a_pause_stops_the_clock_and_not_the_triggers),
		cmocka_unit_test(an_inconclusive_stage_that_is_resumed_has_another_duration),
		cmocka_unit_test(a_stage_waits_for_its_approval),
		cmocka_unit_test(a_stage_that_waits_is_confirmed_or_declined_once_by_its_webhook),
		cmocka_unit_test(a_repeated_command_does_nothing),
		cmocka_unit_test(a_refused_command_is_not_obeyed_later),
		cmocka_unit_test(a_pending_rollout_obeys_commands),
		cmocka_unit_test(a_state_is_what_was_written),
		cmocka_unit_test(a_move_is_a_record_with_its_evidence),
	};
	return cmocka_run_group_tests(tests, buffer_begin, buffer_end);
}
