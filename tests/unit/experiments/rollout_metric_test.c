/* rollout_metric_test.c: Tests of rules by metrics of feedback: limits and comparisons of means, on the side that is asked. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "methods/bandits/best_arm.h"
#include "base/number/random.h"
#include "tests/unit/rollout_looks.h"

#include <cmocka.h>

#define BYTES_MAX ((size_t)1 << 20)

static struct buffer out;

#define PROFIT(operator) HEAD "  successCriteria: [{metricName: profit, threshold: 3, operator: \"" operator"\"}]\n"

/* Units whose values have the standard deviation 1. */
static struct moments means(uint64_t count, double mean)
{
	return (struct moments){count, mean, (double)(count - 1)};
}

static void a_mean_is_held_against_its_limit_on_the_side_that_is_asked(void **state)
{
	static const struct {
		double mean;
		enum rollout_verdict above, below;
	} rows[] = {{3.2, VERDICT_HOLDS, VERDICT_BROKEN}, {3.02, VERDICT_OPEN, VERDICT_OPEN}, {2.8, VERDICT_BROKEN, VERDICT_HOLDS}};
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		const bool below = i >= 3;
		rollout_start(below ? PROFIT("<=") "  progressiveDeployment: {schedule: [100]}\n"
				    : PROFIT(">") "  progressiveDeployment: {schedule: [100]}\n");
		trial.look.epoch = trial.rollout.epoch;
		trial.look.candidates[0].metrics[0] = means(99, rows[i % 3].mean);
		minute_pass(1000, 0);
		assert_int_equal(trial.move.evidence.items[0].verdict, VERDICT_OPEN); /* burn-in */
		trial.look.candidates[0].metrics[0] = means(2000, rows[i % 3].mean);
		minute_pass(1000, 0);
		const double variance = 1.0 / 2000, tau2 = fmax(pow(0.05 * rows[i % 3].mean, 2), pow(0.02, 2));
		const double half = sqrt(variance * (1 + variance / tau2) * (2 * log(20) + log1p(tau2 / variance)));
		assert_int_equal(trial.move.evidence.items[0].verdict, below ? rows[i % 3].below : rows[i % 3].above);
		assert_int_equal(trial.move.evidence.items[0].trials, 2000);
		assert_true(fabs(trial.move.evidence.items[0].interval.low - (rows[i % 3].mean - half)) < 1e-9);
		assert_true(trial.move.evidence.items[0].bound == 3);
	}
}

static void units_of_one_value_show_nothing(void **state)
{
	(void)state;
	rollout_start(PROFIT(">") "  progressiveDeployment: {schedule: [100]}\n");
	trial.look.epoch = trial.rollout.epoch;
	trial.look.candidates[0].metrics[0] = (struct moments){150, 5, 0};
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.items[0].verdict, VERDICT_OPEN);
	assert_true(isinf(trial.move.evidence.items[0].interval.low) && isnan(trial.move.evidence.items[0].estimate));
	trial.look.candidates[0].metrics[0] = (struct moments){151, 5.01, 1.5};
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.items[0].verdict, VERDICT_HOLDS);
}

/* The same ones in another unit: the limit and the values are multiplied by it. */
static void a_verdict_does_not_depend_on_the_unit_of_the_values(void **state)
{
	static const double small[] = {1e-310, 1e-200, 1e-163, 1e-140, 1e-110, 1e-101};
	static const double fine[] = {1e-99, 1e-9, 1e-5, 1, 1e9, 1e99};
	char yaml[1024];
	(void)state;
	for (size_t i = 0; i < 6; i++)
		for (int is_small = 0; is_small < 2; is_small++) {
			const double unit = is_small ? small[i] : fine[i];
			(void)snprintf(yaml, sizeof yaml,
				       HEAD "  successCriteria: [{metricName: profit, threshold: %.17g, operator: \">\"}]\n"
					    "  progressiveDeployment: {schedule: [100]}\n",
				       3 * unit);
			rollout_start(yaml);
			trial.look.epoch = trial.rollout.epoch;
			trial.look.candidates[0].metrics[0] = (struct moments){0};
			for (int j = 0; j < 2000; j++)
				moments_add(&trial.look.candidates[0].metrics[0], (3.2 + (j % 2 ? 1 : -1)) * unit);
			minute_pass(1000, 0);
			const struct rollout_judgement *judgement = &trial.move.evidence.items[0];
			assert_int_equal(judgement->verdict, is_small ? VERDICT_OPEN : VERDICT_HOLDS);
			assert_int_equal(judgement->is_beyond, is_small);
			assert_true(!is_small || (isnan(judgement->estimate) && isinf(judgement->interval.low)));
			assert_true(is_small || fabs(judgement->estimate / unit - 3.2) < 1e-9);
		}
}

/* Looks of ten units each, of which all are 1 but for a share of the runs' mean: whether a criterion above it ever holds. */
static bool outcomes_hold(struct random *chance, double mean, unsigned looks)
{
	struct moments *units = &trial.look.candidates[0].metrics[0];
	rollout_start(HEAD "  successCriteria: [{metricName: profit, threshold: 0.995, operator: \">\"}]\n"
			   "  progressiveDeployment: {stages: [{weight: 100, duration: 200m}]}\n");
	trial.look.epoch = trial.rollout.epoch;
	for (unsigned look = 0; look < looks; look++) {
		for (unsigned i = 0; i < 10; i++)
			moments_add(units, (double)(random_next(chance) >> 11) * 0x1p-53 < mean);
		minute_pass(1000, 0);
		if (trial.rollout.trackers[0][0].interval.low > 0.995 && trial.rollout.trackers[0][0].judged)
			return true;
	}
	return false;
}

static void values_that_were_0_and_1_are_judged_as_a_rate(void **state)
{
	struct random chance = {42};
	const unsigned runs = UNIT_REPETITIONS(1000);
	unsigned held = 0;
	(void)state;
	for (unsigned run = 0; run < runs; run++)
		held += outcomes_hold(&chance, 0.99, 60);
	if (getenv("RATE_RUNS"))
		print_message("mean .99 above .995: %u of %u\n", held, runs);
	assert_in_range(held, 0, runs / 20);
	assert_true(outcomes_hold(&chance, 1, 198));
}

/* The default's mean is above the limit, too; so the criterion holds, and the comparison decides. */
static void the_gate_better_compares_the_metric_with_the_default(void **state)
{
	(void)state;
	for (int below = 0; below < 2; below++) {
		rollout_start(below ? PROFIT("<") "  progressiveDeployment: {schedule: [50, 100], gate: better}\n"
				    : PROFIT(">") "  progressiveDeployment: {schedule: [50, 100], gate: better}\n");
		const double side = below ? -1 : 1;
		trial.look.epoch = trial.rollout.epoch;
		trial.look.control.metrics[0] = means(5000, 3 + side * 1);
		trial.look.candidates[0].metrics[0] = means(5000, 3 + side * 1);
		minute_pass(1000, 0);
		assert_int_equal(trial.move.evidence.count, 5);
		assert_int_equal(trial.move.evidence.items[0].verdict, VERDICT_HOLDS);
		assert_int_equal(trial.move.evidence.items[4].verdict, VERDICT_OPEN);
		trial.look.candidates[0].metrics[0] = means(5000, 3 + side * 1.5);
		minutes_pass(29, 1000, 0);
		expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
		assert_int_equal(trial.move.evidence.items[4].verdict, VERDICT_HOLDS);
		trial.look.candidates[0].metrics[0] = means(5000, 3 + side * 1.5);
		minute_pass(1000, 0); /* nothing of the default: the comparison stays */
		assert_int_equal(trial.move.evidence.items[4].verdict, VERDICT_HOLDS);
		rollout_start(below ? PROFIT("<") "  progressiveDeployment: {schedule: [50, 100], gate: better}\n"
				    : PROFIT(">") "  progressiveDeployment: {schedule: [50, 100], gate: better}\n");
		trial.look.epoch = trial.rollout.epoch;
		trial.look.control.metrics[0] = means(5000, 3 + side * 1);
		trial.look.candidates[0].metrics[0] = means(5000, 3 + side * 0.7);
		minute_pass(1000, 0);
		expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_BROKEN);
		assert_int_equal(trial.move.evidence.items[trial.move.cause].rule, 4);
	}
}

/* A stage at 100% keeps the comparison of each metric, which differ by their names and sides alone. */
static void comparisons_of_two_metrics_are_kept_apart(void **state)
{
	static const double of_new[] = {7, 4, 9}, differences[] = {1, -2, 3};
	(void)state;
	rollout_start(HEAD "  successCriteria:\n  - {metricName: profit, threshold: 3, operator: \">\"}\n"
			   "  - {metricName: cost, threshold: 9, operator: \"<\"}\n"
			   "  - {metricName: speed, threshold: 3, operator: \">\"}\n"
			   "  progressiveDeployment: {schedule: [50, 100], gate: better}\n");
	for (size_t i = 0; i < 3; i++) {
		trial.look.control.metrics[i] = means(5000, 6);
		trial.look.candidates[0].metrics[i] = means(5000, of_new[i]);
	}
	trial.look.epoch = trial.rollout.epoch;
	minutes_pass(30, 1000, 0);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	minute_pass(1000, 0);
	assert_int_equal(trial.move.evidence.count, 9);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(trial.plan.stages[1].rules[6 + i].kind, RULE_MEAN_BESIDE);
		assert_true(trial.move.evidence.items[6 + i].estimate == differences[i]);
		assert_int_equal(trial.move.evidence.items[6 + i].verdict, VERDICT_HOLDS);
	}
}

/* One of twenty users pays: the mean is 3, which is the limit. */
static double paid_draw(struct random *chance)
{
	return 3 - 0.05 * exp(1.5 * 1.5 / 2) + (uniform_draw(chance) < 0.05 ? exp(1.5 * normal_draw(chance)) : 0);
}

/* Looks at a candidate that is equal to the default and has a twentieth of the units: whether it is ever rolled back, by the limit
 * or beside the default. */
static bool skewed_run_rolls_back(struct random *chance, unsigned looks)
{
	rollout_start(PROFIT(">") "  progressiveDeployment: {schedule: [5, 100], every: 500m, gate: better}\n");
	trial.look.epoch = trial.rollout.epoch;
	for (unsigned look = 0; look < looks && trial.rollout.phase == ROLLOUT_RUNNING; look++) {
		for (unsigned i = 0; i < 200; i++)
			moments_add(i < 10 ? &trial.look.candidates[0].metrics[0] : &trial.look.control.metrics[0],
				    paid_draw(chance));
		minute_pass(200, 0);
	}
	return trial.rollout.phase == ROLLOUT_ROLLED_BACK;
}

static void a_small_equal_candidate_of_skewed_values_is_rarely_rolled_back(void **state)
{
	struct random chance = {58};
	const unsigned runs = UNIT_REPETITIONS(60);
	unsigned rolled_back = 0;
	(void)state;
	for (unsigned run = 0; run < runs; run++)
		rolled_back += skewed_run_rolls_back(&chance, 100);
	if (getenv("RATE_RUNS"))
		print_message("equal, skewed: %u of %u rolled back\n", rolled_back, runs);
	assert_in_range(rolled_back, 0, runs / 20);
}

static void the_probability_is_of_the_metric_on_the_side_that_is_asked(void **state)
{
	(void)state;
	for (int below = 0; below < 2; below++) {
		rollout_start(below ? PROFIT("<") "  promotionPolicy: {promotionThreshold: 0.9, interval: 5m, automatic: true}\n"
				    : PROFIT(">") "  promotionPolicy: {promotionThreshold: 0.9, interval: 5m, automatic: true}\n");
		const size_t better = trial.plan.stages[0].rule_count - 1;
		trial.look.epoch = trial.rollout.epoch;
		trial.look.control.metrics[0] = means(1000, 5);
		trial.look.candidates[0].metrics[0] = means(1000, 5.05);
		minute_pass(1000, 0);
		/* z = .05 / sqrt(2 / 1000) = 1.118: .8682 */
		assert_true(fabs(trial.move.evidence.items[better].estimate - (below ? 1 - 0.8682 : 0.8682)) < 1e-4);
		assert_int_equal(trial.move.evidence.items[better].trials, 1000);
	}
}

/* ---- bytes, and words ---- */

static void a_state_has_the_metrics_of_its_plan(void **state)
{
	struct rollout_state read;
	struct error error = {0};
	(void)state;
	rollout_start(HEAD "  successCriteria: [{metricName: error_rate, threshold: 0.1, operator: \"<\"}]\n"
			   "  progressiveDeployment: {schedule: [10]}\n");
	rollout_state_write(&trial.plan, &trial.rollout, &out);
	const size_t without = out.length;
	rollout_start(PROFIT(">") "  progressiveDeployment: {schedule: [10]}\n");
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.metrics[0] = means(300, 4);
	trial.look.candidates[0].metrics[0] = means(200, 5);
	trial.look.candidates[0].ratio_effects[0] = 1.5;
	minute_pass(1000, 0);
	buffer_clear(&out);
	rollout_state_write(&trial.plan, &trial.rollout, &out);
	assert_int_equal(out.length, without + 8 * (2 * 6)); /* six numbers of each variant */
	assert_true(rollout_state_read(&trial.plan, buffer_view(&out), &read, &error));
	assert_memory_equal(&trial.rollout, &read, sizeof read);
}

static void a_metric_is_named_in_its_evidence_and_sentence(void **state)
{
	static const char *const names[] = {"new"};
	(void)state;
	rollout_start(PROFIT(">") "  progressiveDeployment: {schedule: [50], gate: better}\n");
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.metrics[0] = means(5000, 3);
	trial.look.candidates[0].metrics[0] = means(5000, 2);
	minute_pass(1000, 0);
	buffer_clear(&out);
	rollout_move_write(&trial.plan, &trial.move, names, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "{\"candidate\": \"new\", \"rule\": \"mean\", \"metric\": \"profit\", "
					  "\"trigger\": false, \"limit\": 3.0, \"verdict\": \"broken\", \"trials\": 5000, "
					  "\"estimate\": 2.0"));
	assert_non_null(strstr(out.bytes, "\"rule\": \"meanBeside\", \"metric\": \"profit\""));
	buffer_clear(&out);
	rollout_move_sentence(&trial.plan, &trial.move, names, &out);
	buffer_byte(&out, '\0');
	const char *begin = "Rolled back: The mean of `profit` of `new` (limit 3) is broken; 2 is measured, and between 1.9";
	assert_memory_equal(out.bytes, begin, strlen(begin));
	trial.move.cause = 4;
	buffer_clear(&out);
	rollout_move_sentence(&trial.plan, &trial.move, names, &out);
	buffer_byte(&out, '\0');
	const char *beside = "Rolled back: The mean of `profit` of `new`, which must be above the default's, is broken; -1 is "
			     "measured";
	assert_memory_equal(out.bytes, beside, strlen(beside));
}

static void means_that_cannot_be_are_refused(void **state)
{
	const struct moments wrong[] = {{100, NAN, 1}, {100, INFINITY, 1}, {100, 1, -1}, {100, 1, INFINITY}, {49, 1, 1}};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct error error = {0};
		rollout_start(PROFIT(">") "  progressiveDeployment: {schedule: [10]}\n");
		trial.look.epoch = trial.rollout.epoch;
		trial.look.candidates[0].metrics[0] = means(50, 1);
		minute_pass(1000, 0);
		trial.look.time_ms += MINUTE_MS;
		trial.look.candidates[0].metrics[0] = wrong[i];
		assert_false(rollout_look(&trial.plan, &trial.rollout, &trial.look, &trial.move, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		trial.look.candidates[0].metrics[0] = means(50, 1);
		trial.look.candidates[0].ratio_effects[0] = i % 2 ? NAN : -1;
		assert_false(rollout_look(&trial.plan, &trial.rollout, &trial.look, &trial.move, &error));
	}
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
#define WITH_BUFFER(test) cmocka_unit_test_setup_teardown(test, buffer_begin, buffer_end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mean_is_held_against_its_limit_on_the_side_that_is_asked),
		cmocka_unit_test(a_verdict_does_not_depend_on_the_unit_of_the_values),
		cmocka_unit_test(units_of_one_value_show_nothing),
		cmocka_unit_test(values_that_were_0_and_1_are_judged_as_a_rate),
		cmocka_unit_test(the_gate_better_compares_the_metric_with_the_default),
		cmocka_unit_test(comparisons_of_two_metrics_are_kept_apart),
		cmocka_unit_test(a_small_equal_candidate_of_skewed_values_is_rarely_rolled_back),
		cmocka_unit_test(the_probability_is_of_the_metric_on_the_side_that_is_asked),
		WITH_BUFFER(a_state_has_the_metrics_of_its_plan),
		WITH_BUFFER(a_metric_is_named_in_its_evidence_and_sentence),
		cmocka_unit_test(means_that_cannot_be_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
