/* truth_tally_test.c: Tests of the truth tally: which accuracies count for a rollout, and when; and that other orders give the same
 * sums. When truths come: truth_arrivals_test.c; sums of pipelines: truth_counts_test.c. */
#include "tests/unit/truth_stand.h"

#include <math.h>
#include <stdio.h>

#include "base/number/duration.h"
#include "experiments/rollouts/rollout.h"

/* The windows of all that was exposed by that second pass; they are of whole seconds. */
static void window_pass(int64_t exposed_ms)
{
	truth_tally_pass(tally, exposed_ms / MS_PER_S * MS_PER_S + MS_PER_S + WINDOW_MS);
}

static void expect(size_t arm, int64_t units, double mean)
{
	const struct moments moments = truth_moments(&truth_tally_counts(tally)[arm]);
	assert_int_equal(moments.count, units);
	if (units > 0)
		assert_float_equal(moments.mean, mean, 1e-5);
}

static void an_accuracy_counts_once_its_window_has_passed(void **state)
{
	(void)state;
	judge("", NEW, 1, NOW_MS);
	judge("", NEW, 0, NOW_MS + MS_PER_S);
	window_pass(NOW_MS - 1);
	expect(NEW, 0, 0);
	window_pass(NOW_MS);
	expect(NEW, 1, 1);
	expect(OLD, 0, 0);
	judge("", NEW, 0.5, NOW_MS); /* the topic of outcomes was read later */
	expect(NEW, 2, 0.75);
	window_pass(NOW_MS + MS_PER_S);
	expect(NEW, 3, 0.5);
}

/* Neither its end nor a value that could not be computed says anything. */
static void an_outcome_without_a_value_counts_nothing(void **state)
{
	const struct outcome_metric uncomputed = {TEXT("accuracy"), (double)NAN, OUTCOME_COMPUTED};
	struct outcome outcome = outcome_of("u", NEW, NOW_MS);
	(void)state;
	outcome.kind = OUTCOME_ENDED;
	truth_tally_outcome(tally, &outcome);
	outcome.kind = OUTCOME_JOINED;
	outcome.unjudged = true;
	truth_tally_outcome(tally, &outcome);
	outcome.metric_count = 1;
	outcome.metrics = &uncomputed;
	outcome.unjudged = false;
	truth_tally_outcome(tally, &outcome);
	window_pass(NOW_MS);
	expect(NEW, 0, 0);
	assert_int_equal(truth_tally_counts(tally)[NEW].joined, 0);
	assert_int_equal(truth_tally_losses(tally).unjudged, 1);
	assert_int_equal(truth_tally_losses(tally).refused, 0);
}

static void requests_of_a_unit_are_one_value(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		judge(i < 8 ? "often" : "seldom", OLD, i < 4, NOW_MS + i);
	window_pass(NOW_MS + 10);
	expect(OLD, 2, 0.25); /* 4 of 8, and 0 of 2 */
	assert_float_equal(truth_moments(&truth_tally_counts(tally)[OLD]).squares, 2 * 0.25 * 0.25, 1e-5);
}

static void of_a_paired_arm_only_units_of_the_baseline_count(void **state)
{
	const struct share shares[] = {{"old", 90}, {"new", 10}};
	struct truth_tally_config config = config_of();
	struct arena *arena = arena_open(1 << 20);
	struct baseline baselines[2];
	char unit[16];
	int64_t within = 0;
	(void)state;
	baselines_of(assignment_make(arena, "e", shares, 2), baselines);
	arena_close(arena);
	config.paired = OLD;
	config.baseline = baselines[0];
	tally_open(&config);
	for (size_t i = 0; i < 200; i++) {
		(void)snprintf(unit, sizeof unit, "r%zu", i);
		const bool is_within = baseline_has(&config.baseline, text_of(unit), &(struct origin){0});
		judge(unit, i % 2, i % 2 == 1 || is_within, NOW_MS + (int64_t)i);
		within += i % 2 == 0 && is_within;
	}
	window_pass(NOW_MS + 200);
	assert_in_range(within, 3, 30);
	expect(OLD, within, 1);
	expect(NEW, 100, 1);
}

static void outcomes_that_are_of_no_stage_of_the_table_are_left_out(void **state)
{
	struct outcome other = outcome_of("", NEW, NOW_MS);
	(void)state;
	other.exposure.table = OTHER_TABLE;
	give(other, "accuracy", 1);
	other.exposure.table = TEXT("A1B2C3D4E5F60718");
	give(other, "accuracy", 1);
	other.exposure.table = TEXT("");
	give(other, "accuracy", 1);
	judge("", NEW, 1, NOW_MS - 1); /* of an equal table before */
	other = outcome_of("", NEW, NOW_MS);
	for (other.exposure.reason = 0; other.exposure.reason < ASSIGNED_REASONS; other.exposure.reason++)
		if (!assigned_reason_has_table(other.exposure.reason))
			give(other, "accuracy", 1);
	other.exposure.reason = ASSIGNED_STAGE;
	other.exposure.experiment = TEXT("f");
	give(other, "accuracy", 1);
	other.exposure.experiment = TEXT("e");
	other.exposure.variant = TEXT("third");
	give(other, "accuracy", 1);
	window_pass(NOW_MS);
	expect(NEW, 0, 0);
	assert_int_equal(truth_tally_counts(tally)[NEW].joined, 0);
}

/* It is refused before it is joined, so that it can be sent again; one that an engine has computed is left out. */
static void a_value_that_is_none_is_refused(void **state)
{
	static const struct {
		const char *name;
		double value;
		bool is_sound;
	} rows[] = {{"accuracy", 1.5, false},		      {"accuracy", -0.1, false}, {"accuracy", 1, true},
		    {"profit", -1.01 * TRUTH_VALUE_MAX, false}, {"profit", TRUTH_VALUE_MAX, true}};
	struct error error = {0};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct feedback_metric metric = {text_of(rows[i].name), rows[i].value};
		const struct feedback feedback = {.id = TEXT("a"), .metric_count = 1, .metrics = &metric};
		assert_int_equal(truth_values_check(&feedback, &error), rows[i].is_sound);
		give(outcome_of("", NEW, NOW_MS), rows[i].name, rows[i].value);
	}
	assert_non_null(strstr(error.text, "`accuracy` is not from 0 to 1"));
	const struct feedback huge = {.id = TEXT("a"), .has_reward = true, .reward = 1e101};
	assert_false(truth_values_check(&huge, &error));
	window_pass(NOW_MS);
	expect(NEW, 1, 1);
	assert_int_equal(truth_tally_counts(tally)[NEW].metrics[0].requests, 1);
	assert_int_equal(truth_tally_losses(tally).refused, 3);
}

static void units_beyond_the_limit_are_left_out_and_counted(void **state)
{
	struct truth_tally_config config = config_of();
	char unit[16];
	(void)state;
	config.units_max = 5;
	tally_open(&config);
	for (int i = 0; i < 12; i++) {
		(void)snprintf(unit, sizeof unit, "r%d", i < 6 ? i : 0);
		judge(unit, NEW, 1, NOW_MS + i);
	}
	window_pass(NOW_MS + 20);
	expect(NEW, 5, 1);
	assert_int_equal(truth_tally_losses(tally).crowded, 1);
}

static void the_oldest_values_count_early_where_too_many_wait(void **state)
{
	struct truth_tally_config config = config_of();
	(void)state;
	config.waiting_max = 500;
	tally_open(&config);
	for (int i = 0; i < 500; i++)
		judge("", NEW, i == 300, NOW_MS + (i * 7 + 400) % 500 * MS_PER_S); /* the one of i = 300 is the first */
	expect(NEW, 0, 0);
	assert_int_equal(truth_tally_losses(tally).early, 0);
	judge("", NEW, 0, NOW_MS + 600 * MS_PER_S);
	expect(NEW, 1, 1);
	assert_int_equal(truth_tally_losses(tally).early, 1);
	window_pass(NOW_MS + 600 * MS_PER_S);
	expect(NEW, 501, 1.0 / 501);
}

/* Thousands of units: the table of units grows, and sums do not depend on the order. */
static void other_orders_give_the_same_sums(void **state)
{
	const struct truth_tally_config config = config_of();
	struct truth_counts counts[2][2];
	char unit[16];
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		tally_open(&config);
		for (int i = 0; i < 9000; i++) {
			const int n = turn ? i * 7 % 9000 : i;
			(void)snprintf(unit, sizeof unit, "u%d", n % 3000);
			judge(unit, (size_t)(n % 3000 % 2), n * 31 % 100 / 100.0, NOW_MS + n % 501);
			if (n % 10 == 0)
				window_pass(NOW_MS + i / 100);
		}
		window_pass(NOW_MS + 10000);
		memcpy(counts[turn], truth_tally_counts(tally), sizeof counts[turn]);
	}
	assert_int_equal(counts[0][0].units, 1500);
	assert_memory_equal(counts[0], counts[1], sizeof counts[0]);
}

/* ---- other metrics ---- */

static void profit(const char *unit, size_t arm, double value, int64_t exposed_ms)
{
	give(outcome_of(unit, arm, exposed_ms), "profit", value);
}

static void expect_metric(size_t metric, int64_t requests, uint64_t units, double mean, double squares)
{
	const struct metric_counts *counts = &truth_tally_counts(tally)[NEW].metrics[metric];
	assert_int_equal(counts->requests, requests);
	assert_int_equal(counts->units.count, units);
	assert_float_equal(counts->units.mean, mean, 1e-9);
	assert_float_equal(counts->units.squares, squares, 1e-9);
}

/* Units 1 and 2 have the means -1/3 and 8; the fourth request of unit 1 has a reward alone. */
static void a_metric_is_the_mean_of_the_requests_of_a_unit(void **state)
{
	const struct outcome_metric both[] = {{.name = TEXT("profit"), .value = 7}, {.name = TEXT("accuracy"), .value = 1}};
	struct outcome outcome = outcome_of("u1", NEW, NOW_MS);
	(void)state;
	profit("u1", NEW, -10, NOW_MS);
	profit("u2", NEW, 8, NOW_MS);
	profit("u1", NEW, 2, NOW_MS);
	outcome.metric_count = 2;
	outcome.metrics = both;
	truth_tally_outcome(tally, &outcome);
	give(outcome_of("u1", NEW, NOW_MS), "reward", 0.5);
	profit("u3", OLD, 5, NOW_MS);
	expect_metric(0, 0, 0, 0, 0);
	window_pass(NOW_MS);
	expect_metric(0, 4, 2, (-1.0 / 3 + 8) / 2, pow(8 + 1.0 / 3, 2) / 2);
	expect_metric(1, 1, 1, 0.5, 0);
	expect(NEW, 1, 1);
	assert_int_equal(truth_tally_counts(tally)[OLD].metrics[0].requests, 1);
	assert_int_equal(truth_tally_losses(tally).crowded, 0);
}

/* Unit 1 has three values, of which one comes later, and unit 2 one; a request without a unit is one by itself. */
static void a_unit_of_a_ratio_counts_by_its_values(void **state)
{
	struct truth_tally_config config = config_of();
	struct rollout_counts counts = {0};
	(void)state;
	config.ratios[0] = true;
	tally_open(&config);
	profit("u1", NEW, 6, NOW_MS);
	profit("u2", NEW, 1, NOW_MS);
	profit("u1", NEW, 3, NOW_MS);
	profit("", NEW, 0, NOW_MS);
	profit("u1", NEW, 3, NOW_MS + WINDOW_MS);
	window_pass(NOW_MS);
	expect_metric(0, 4, 3, 10.0 / 3, 81 + 1 - 100.0 / 3);
	window_pass(NOW_MS + WINDOW_MS);
	expect_metric(0, 5, 3, 13.0 / 3, 144 + 1 - 169.0 / 3);
	const struct metric_counts *metric = &truth_tally_counts(tally)[NEW].metrics[0];
	assert_int_equal(metric->other_values, 3);
	assert_true(fabs(metric->units.beside_mean - (5.0 / 3)) < 1e-12);
	assert_true(fabs(metric->units.beside_squares - (11 - 25.0 / 3)) < 1e-12);
	assert_true(fabs(metric->units.products - (37 - 13 * 5 / 3.0)) < 1e-12);
	rollout_counts_truths(&counts, &truth_tally_counts(tally)[NEW]);
	assert_true(fabs(counts.metrics[0].mean - (13.0 / 5)) < 1e-12);
	assert_true(isinf(counts.ratio_effects[0]) && counts.ratio_effects[1] == 0);
}

static void capped_open(void)
{
	struct truth_tally_config config = config_of();
	config.caps[0] = 0.9;
	tally_open(&config);
}

/* Units of each arm, with profits of 1 to 100: of the pairs 1, 1, 2, 2 ... the 20.9th is 11 less a tenth, the 180.1st 90 and a
 * tenth. */
static void a_capped_metric_counts_once_its_quantiles_are_known(void **state)
{
	char unit[24];
	double sum = 0;
	(void)state;
	capped_open();
	for (int i = 1; i <= 100; i++) {
		(void)snprintf(unit, sizeof unit, "u%d", i);
		profit(unit, OLD, i, NOW_MS + (i == 100 ? PAST_MS : 0));
		profit(unit, NEW, i, NOW_MS + (i == 100 ? PAST_MS : 0));
		sum += fmin(fmax(i, 10.9), 90.1);
	}
	window_pass(NOW_MS);
	expect_metric(0, 0, 0, 0, 0);
	window_pass(NOW_MS + PAST_MS);
	const struct metric_counts *counts = &truth_tally_counts(tally)[NEW].metrics[0];
	assert_int_equal(counts->units.count, 100);
	assert_float_equal(counts->units.mean, sum / 100, 0.01);
	profit("u200", NEW, 1e9, NOW_MS + 2 * PAST_MS);
	window_pass(NOW_MS + 2 * PAST_MS);
	assert_int_equal(counts->units.count, 101);
	assert_float_equal(counts->units.mean, (sum + 90.1) / 101, 0.01);
}

/* More requests of the same units are no more units; an arm without any is not waited for. */
static void a_cap_waits_for_units_of_the_arms_that_have_any(void **state)
{
	char unit[24];
	(void)state;
	capped_open();
	for (int i = 0; i < 300; i++) {
		(void)snprintf(unit, sizeof unit, "u%d", i % 99);
		profit(unit, NEW, i, NOW_MS);
	}
	window_pass(NOW_MS);
	expect_metric(0, 0, 0, 0, 0);
	profit("u99", NEW, 5, NOW_MS);
	assert_int_equal(truth_tally_counts(tally)[NEW].metrics[0].requests, 301);
	assert_int_equal(truth_tally_counts(tally)[NEW].metrics[0].units.count, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TALLY(an_accuracy_counts_once_its_window_has_passed),
		WITH_TALLY(an_outcome_without_a_value_counts_nothing),
		WITH_TALLY(requests_of_a_unit_are_one_value),
		WITH_TALLY(of_a_paired_arm_only_units_of_the_baseline_count),
		WITH_TALLY(outcomes_that_are_of_no_stage_of_the_table_are_left_out),
		WITH_TALLY(a_value_that_is_none_is_refused),
		WITH_TALLY(units_beyond_the_limit_are_left_out_and_counted),
		WITH_TALLY(the_oldest_values_count_early_where_too_many_wait),
		WITH_TALLY(other_orders_give_the_same_sums),
		WITH_TALLY(a_metric_is_the_mean_of_the_requests_of_a_unit),
		WITH_TALLY(a_unit_of_a_ratio_counts_by_its_values),
		WITH_TALLY(a_capped_metric_counts_once_its_quantiles_are_known),
		WITH_TALLY(a_cap_waits_for_units_of_the_arms_that_have_any),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
