/* truth_tally_test.c: Tests of the truth tally: which accuracies count for a rollout, when, and once; and that other orders and
 * other readers give the same sums. Sums themselves: truth_counts_test.c. */
#include "experiments/outcomes/outcome_join.h"
#include "experiments/rollouts/rollout.h"
#include "experiments/rollouts/truth_tally.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1800000000000)
#define WINDOW_MS 60000
#define PAST_MS (WINDOW_MS + 2000)
#define TABLE 0xa1b2c3d4e5f60718
#define TABLE_TEXT "a1b2c3d4e5f60718"

static const char *const names[] = {"old", "new"};
static struct truth_tally *tally;
static struct baseline baseline;
static bool computed;
static size_t paired = 2; /* none */
static const char *const further[] = {"profit", "reward"};
static size_t further_count;
static double cap; /* of the first */
static bool is_ratio; /* likewise */

static struct truth_tally *tally_of(size_t open, size_t units)
{
	struct error error = {0};
	const struct truth_tally_config config = {.experiment = "e",
						  .table = TABLE,
						  .since_ms = NOW_MS,
						  .arms = 2,
						  .names = names,
						  .paired = paired,
						  .baseline = baseline,
						  .window_ms = WINDOW_MS,
						  .metric_count = further_count,
						  .metrics = further,
						  .caps = {cap, 0},
						  .ratios = {is_ratio},
						  .computed = computed,
						  .memory_bytes = open * TRUTH_EXPOSURE_BYTES,
						  .units_max = units};
	struct truth_tally *made = truth_tally_open(&config, &error);
	if (!made)
		fail_msg("%s", error.text);
	return made;
}

static int tally_begin(void **state)
{
	(void)state;
	tally = tally_of(1000, 1000);
	return 0;
}

static int tally_end(void **state)
{
	(void)state;
	truth_tally_close(tally);
	return 0;
}

static struct exposure exposure_of(const char *id, const char *unit, size_t arm, int64_t time_ms)
{
	return (struct exposure){.id = text_of(id),
				 .origin = {text_of(id), 0, 1},
				 .time_ms = time_ms,
				 .experiment = TEXT("e"),
				 .variant = text_of(names[arm]),
				 .unit = text_of(unit),
				 .reason = ASSIGNED_STAGE,
				 .table = TEXT(TABLE_TEXT)};
}

static void expose(const char *id, const char *unit, size_t arm, int64_t time_ms)
{
	const struct exposure exposure = exposure_of(id, unit, arm, time_ms);
	truth_tally_expose(tally, &exposure);
}

static void judge(const char *id, double accuracy, int64_t time_ms)
{
	const struct feedback_metric metrics[] = {{TEXT("profit"), 7}, {TEXT("accuracy"), accuracy}};
	const struct feedback feedback = {.id = text_of(id), .metric_count = 2, .metrics = metrics};
	truth_tally_feedback(tally, &feedback, time_ms);
}

/* The truth of a request, as text; its answer said `prediction` when it was exposed. */
static void expose_saying(const char *id, const char *prediction)
{
	struct exposure exposure = exposure_of(id, "", 1, NOW_MS);
	exposure.prediction = text_of(prediction);
	truth_tally_expose(tally, &exposure);
}

static void hear_truth(const char *id, struct text said, size_t metric_count)
{
	const struct tensor truth = {.name = TEXT("label"), .datatype = DATATYPE_BYTES, .count = 1, .data = &said};
	const struct tensor *const items[] = {&truth};
	const struct feedback_metric accuracy = {TEXT("accuracy"), 0.5};
	const struct feedback feedback = {
		.id = text_of(id), .metric_count = metric_count, .metrics = &accuracy, .truth = {1, items}};
	truth_tally_feedback(tally, &feedback, NOW_MS + 10);
}

/* A request of nobody's, after which all windows of before have passed. */
static void window_pass(int64_t time_ms)
{
	expose("later", "", 0, time_ms + PAST_MS);
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
	expose("a", "", 1, NOW_MS);
	judge("a", 1, NOW_MS + 10);
	expose("b", "", 1, NOW_MS + WINDOW_MS - 1);
	expect(1, 0, 0);
	window_pass(NOW_MS);
	expect(1, 1, 1);
	expect(0, 0, 0);
	judge("b", 0.25, NOW_MS + 2 * WINDOW_MS - 100);
	window_pass(NOW_MS + WINDOW_MS);
	expect(1, 2, 0.625);
}

static void an_accuracy_counts_without_later_exposures_of_its_own(void **state)
{
	(void)state;
	struct exposure other = exposure_of("x", "", 1, NOW_MS + PAST_MS);
	other.experiment = TEXT("f");
	expose("a", "u", 1, NOW_MS);
	judge("a", 1, NOW_MS + 10);
	truth_tally_expose(tally, &other);
	expect(1, 1, 1);
	expose("b", "u", 0, NOW_MS + PAST_MS);
	judge("b", 0, NOW_MS + PAST_MS + 10);
	truth_tally_pass(tally, NOW_MS + 2 * PAST_MS);
	expect(0, 1, 0);
}

static void a_truth_is_judged_by_what_the_answer_said(void **state)
{
	(void)state;
	expose_saying("right", "buy");
	expose_saying("wrong", "sell");
	expose_saying("silent", "");
	expose_saying("sent", "sell");
	hear_truth("right", TEXT("buy"), 0);
	hear_truth("right", TEXT("sell"), 0); /* the first one counts */
	hear_truth("wrong", TEXT("buy"), 0);
	hear_truth("silent", TEXT("buy"), 0);
	hear_truth("sent", TEXT("buy"), 1); /* an accuracy that is sent goes before */
	hear_truth("nobody", TEXT("buy"), 0);
	hear_truth("right", TEXT(""), 0);
	window_pass(NOW_MS);
	expect(1, 3, 0.5);
	const struct truth_tally_losses losses = truth_tally_losses(tally);
	assert_int_equal(losses.unjudged, 2);
	assert_int_equal(losses.unknown, 1);
}

static void of_an_accuracy_that_engines_compute_the_truth_alone_says_nothing(void **state)
{
	(void)state;
	truth_tally_close(tally);
	computed = true;
	tally = tally_of(1000, 1000);
	computed = false;
	expose_saying("right", "buy");
	const struct feedback truth = {.id = TEXT("right"), .has_reward = true};
	struct open_request found = {0};
	hear_truth("right", TEXT("buy"), 0); /* what the answer said is not compared */
	assert_true(truth_tally_lacks(tally, &truth, NOW_MS + 10, "accuracy", &found) && found.arm == 1);
	assert_false(truth_tally_lacks(tally, &truth, NOW_MS + 10, "profit", &found)); /* which no criterion names */
	assert_false(truth_tally_lacks(tally, &truth, NOW_MS + 2 * WINDOW_MS, "accuracy", &found));
	hear_truth("right", TEXT("buy"), 1);
	assert_false(truth_tally_lacks(tally, &truth, NOW_MS + 10, "accuracy", &found));
	window_pass(NOW_MS);
	expect(1, 1, 0.5);
	assert_int_equal(truth_tally_losses(tally).unjudged, 0);
}

static void what_comes_again_counts_once(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		expose("a", "", 1, NOW_MS);
		judge("a", 1, NOW_MS + 10);
		judge("a", 0, NOW_MS + 20);
	}
	window_pass(NOW_MS);
	window_pass(NOW_MS);
	judge("a", 1, NOW_MS + 20);
	expect(1, 1, 1);
}

static void requests_of_a_unit_are_one_value(void **state)
{
	char id[16];
	(void)state;
	for (int i = 0; i < 10; i++) {
		(void)snprintf(id, sizeof id, "r%d", i);
		expose(id, i < 8 ? "often" : "seldom", 0, NOW_MS + i);
		judge(id, i < 4, NOW_MS + 20);
	}
	window_pass(NOW_MS);
	expect(0, 2, 0.25); /* 4 of 8, and 0 of 2 */
	assert_float_equal(truth_moments(&truth_tally_counts(tally)[0]).squares, 2 * 0.25 * 0.25, 1e-5);
}

static void of_a_paired_arm_only_units_of_the_baseline_count(void **state)
{
	const struct share shares[] = {{"old", 90}, {"new", 10}};
	struct arena *arena = arena_open(1 << 20);
	struct baseline baselines[2];
	char id[16];
	int64_t within = 0;
	(void)state;
	baselines_of(assignment_make(arena, "e", shares, 2), baselines);
	arena_close(arena);
	truth_tally_close(tally);
	paired = 0;
	baseline = baselines[0];
	tally = tally_of(1000, 1000);
	for (size_t i = 0; i < 200; i++) {
		(void)snprintf(id, sizeof id, "r%zu", i);
		const bool is_within = baseline_has(&baseline, text_of(id), &(struct origin){0});
		expose(id, id, i % 2, NOW_MS + (int64_t)i);
		judge(id, i % 2 == 1 || is_within, NOW_MS + 200);
		within += i % 2 == 0 && is_within;
	}
	window_pass(NOW_MS + 200);
	assert_in_range(within, 3, 30);
	expect(0, within, 1);
	expect(1, 100, 1);
	paired = 2;
}

static void exposures_that_no_stage_of_the_table_chose_are_left_out(void **state)
{
	(void)state;
	struct exposure other = exposure_of("a", "", 1, NOW_MS);
	other.table = TEXT("a1b2c3d4e5f60719");
	truth_tally_expose(tally, &other);
	other.table = TEXT("A1B2C3D4E5F60718");
	truth_tally_expose(tally, &other);
	other.table = TEXT("");
	truth_tally_expose(tally, &other);
	expose("a", "", 1, NOW_MS - 1); /* of an equal table before */
	other = exposure_of("a", "", 1, NOW_MS);
	for (other.reason = 0; other.reason < ASSIGNED_REASONS; other.reason++)
		if (!assigned_reason_has_table(other.reason))
			truth_tally_expose(tally, &other);
	other.reason = ASSIGNED_STAGE;
	other.experiment = TEXT("f");
	truth_tally_expose(tally, &other);
	other.experiment = TEXT("e");
	other.variant = TEXT("third");
	truth_tally_expose(tally, &other);
	judge("a", 1, NOW_MS + 10);
	window_pass(NOW_MS);
	expect(1, 0, 0);
	assert_int_equal(truth_tally_losses(tally).unknown, 1);
}

static void feedback_that_is_no_accuracy_is_counted_apart(void **state)
{
	static const double two[] = {0, 1};
	static const struct tensor truth = {.name = {"y", 1}, .datatype = DATATYPE_FP64, .data = two, .count = 2};
	static const struct tensor *const truths[] = {&truth};
	const struct feedback without = {.id = TEXT("a"), .has_reward = true, .reward = 1},
			      judged = {.id = TEXT("a"), .truth = {1, truths}};
	(void)state;
	expose("a", "", 1, NOW_MS);
	judge("a", 1.5, NOW_MS + 1);
	judge("a", -0.1, NOW_MS + 1);
	judge("a", (double)NAN, NOW_MS + 1);
	truth_tally_feedback(tally, &without, NOW_MS + 1);
	truth_tally_feedback(tally, &judged, NOW_MS + 1);
	judge("a", 1, NOW_MS + PAST_MS); /* late */
	window_pass(NOW_MS);
	expect(1, 0, 0);
	assert_int_equal(truth_tally_losses(tally).refused, 3);
	assert_non_null(strstr(truth_tally_refusal(tally), "`accuracy` is not from 0 to 1")); /* of the first one */
	assert_int_equal(truth_tally_losses(tally).unjudged, 1);
	assert_int_equal(truth_tally_losses(tally).late, 1);
}

static void units_beyond_the_limit_are_left_out_and_counted(void **state)
{
	char id[16];
	(void)state;
	truth_tally_close(tally);
	tally = tally_of(1000, 5);
	for (int i = 0; i < 12; i++) {
		(void)snprintf(id, sizeof id, "r%d", i);
		expose(id, i < 6 ? id : "r0", 1, NOW_MS + i);
		judge(id, 1, NOW_MS + 20);
	}
	window_pass(NOW_MS);
	expect(1, 5, 1);
	assert_int_equal(truth_tally_losses(tally).crowded, 1);
}

/* What waits takes 40 bytes, whatever is judged: so many exposures are open, and one more drops the oldest. */
static void an_open_exposure_takes_forty_bytes(void **state)
{
	char id[16];
	(void)state;
	assert_int_equal(TRUTH_EXPOSURE_BYTES, 40);
	truth_tally_close(tally);
	tally = tally_of(500, 1000);
	for (int i = 0; i < 500; i++) {
		(void)snprintf(id, sizeof id, "r%d", i);
		expose(id, "", 1, NOW_MS);
		judge(id, 1, NOW_MS + 10);
	}
	expect(1, 0, 0);
	assert_int_equal(truth_tally_losses(tally).dropped, 0);
	expose("one-more", "", 1, NOW_MS);
	expect(1, 1, 1);
	assert_int_equal(truth_tally_losses(tally).dropped, 1);
	window_pass(NOW_MS);
	expect(1, 500, 1);
}

/* Thousands of units: the table of units grows, and sums do not depend on the order. */
static void other_orders_give_the_same_sums(void **state)
{
	struct truth_counts counts[2][2];
	char id[16], unit[16];
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		truth_tally_close(tally);
		tally = tally_of(20000, 20000);
		for (int i = 0; i < 9000; i++) {
			const int n = turn ? 8999 - i : i;
			(void)snprintf(id, sizeof id, "r%d", n);
			(void)snprintf(unit, sizeof unit, "u%d", n % 3000);
			expose(id, unit, (size_t)(n % 3000 % 2), NOW_MS + i);
		}
		for (int i = 0; i < 9000; i++) {
			const int n = turn ? i * 7 % 9000 : i;
			(void)snprintf(id, sizeof id, "r%d", n);
			judge(id, n * 31 % 100 / 100.0, NOW_MS + 10000);
		}
		window_pass(NOW_MS + 10000);
		memcpy(counts[turn], truth_tally_counts(tally), sizeof counts[turn]);
	}
	assert_int_equal(counts[0][0].units, 1500);
	assert_memory_equal(counts[0], counts[1], sizeof counts[0]);
}

/* ---- other metrics ---- */

static int metrics_begin(void **state)
{
	further_count = 2;
	return tally_begin(state);
}

static int metrics_end(void **state)
{
	further_count = 0;
	return tally_end(state);
}

static void profit_send(const char *id, double profit)
{
	const struct feedback_metric one = {TEXT("profit"), profit};
	const struct feedback feedback = {.id = text_of(id), .metric_count = 1, .metrics = &one};
	truth_tally_feedback(tally, &feedback, NOW_MS + 10);
}

static void expect_metric(size_t metric, int64_t requests, uint64_t units, double mean, double squares)
{
	const struct metric_counts *counts = &truth_tally_counts(tally)[1].metrics[metric];
	assert_int_equal(counts->requests, requests);
	assert_int_equal(counts->units.count, units);
	assert_float_equal(counts->units.mean, mean, 1e-9);
	assert_float_equal(counts->units.squares, squares, 1e-9);
}

/* Units 1 and 2 have the means -4 and 8; the third request of unit 1 has no profit. */
static void a_metric_is_the_mean_of_the_requests_of_a_unit(void **state)
{
	(void)state;
	expose("a", "u1", 1, NOW_MS);
	expose("b", "u2", 1, NOW_MS);
	expose("c", "u1", 1, NOW_MS);
	expose("d", "u1", 1, NOW_MS);
	expose("e", "u3", 0, NOW_MS);
	profit_send("a", -10);
	profit_send("b", 8);
	profit_send("c", 2);
	profit_send("c", 3000); /* the first counts */
	profit_send("e", 5);
	profit_send("nobody", 5);
	judge("d", 1, NOW_MS + 20); /* and a profit of 7 */
	expect_metric(0, 0, 0, 0, 0);
	window_pass(NOW_MS);
	expect_metric(0, 4, 2, (-1.0 / 3 + 8) / 2, pow(8 + 1.0 / 3, 2) / 2);
	expect(1, 1, 1);
	assert_int_equal(truth_tally_counts(tally)[0].metrics[0].requests, 1);
	assert_int_equal(truth_tally_losses(tally).crowded, 0);
}

static int ratio_begin(void **state)
{
	is_ratio = true;
	return metrics_begin(state);
}

static int ratio_end(void **state)
{
	is_ratio = false;
	return metrics_end(state);
}

/* Unit 1 has three values, of which one comes later, and unit 2 one; a request without a unit is one by itself. */
static void a_unit_of_a_ratio_counts_by_its_values(void **state)
{
	struct rollout_counts counts = {0};
	(void)state;
	expose("a", "u1", 1, NOW_MS);
	expose("b", "u2", 1, NOW_MS);
	expose("c", "u1", 1, NOW_MS);
	expose("d", "", 1, NOW_MS);
	expose("e", "u1", 1, NOW_MS + WINDOW_MS);
	profit_send("a", 6);
	profit_send("b", 1);
	profit_send("c", 3);
	profit_send("d", 0);
	profit_send("e", 3);
	window_pass(NOW_MS);
	expect_metric(0, 4, 3, 10.0 / 3, 81 + 1 - 100.0 / 3);
	window_pass(NOW_MS + WINDOW_MS);
	expect_metric(0, 5, 3, 13.0 / 3, 144 + 1 - 169.0 / 3);
	const struct metric_counts *metric = &truth_tally_counts(tally)[1].metrics[0];
	assert_int_equal(metric->other_values, 3);
	assert_true(fabs(metric->units.beside_mean - (5.0 / 3)) < 1e-12);
	assert_true(fabs(metric->units.beside_squares - (11 - 25.0 / 3)) < 1e-12);
	assert_true(fabs(metric->units.products - (37 - 13 * 5 / 3.0)) < 1e-12);
	rollout_counts_truths(&counts, &truth_tally_counts(tally)[1]);
	assert_true(fabs(counts.metrics[0].mean - (13.0 / 5)) < 1e-12);
	assert_true(isinf(counts.ratio_effects[0]) && counts.ratio_effects[1] == 0);
}

static void a_reward_is_a_metric_where_it_is_named(void **state)
{
	const struct feedback_metric own = {TEXT("reward"), 9};
	struct feedback feedback = {.id = TEXT("a"), .has_reward = true, .reward = 0.25};
	(void)state;
	expose("a", "", 1, NOW_MS);
	expose("b", "", 1, NOW_MS);
	truth_tally_feedback(tally, &feedback, NOW_MS + 10);
	feedback = (struct feedback){.id = TEXT("b"), .has_reward = true, .reward = 0.75, .metric_count = 1, .metrics = &own};
	truth_tally_feedback(tally, &feedback, NOW_MS + 10);
	window_pass(NOW_MS);
	expect_metric(1, 2, 2, 0.5, 0.125);
	expect_metric(0, 0, 0, 0, 0);
	expect(1, 0, 0);
}

static void a_metric_without_accuracy_does_not_make_one(void **state)
{
	const struct text said = TEXT("yes");
	const struct tensor truth = {.name = TEXT("label"), .datatype = DATATYPE_BYTES, .count = 1, .data = &said};
	const struct tensor *const items[] = {&truth};
	const struct feedback_metric profit = {TEXT("profit"), 6};
	const struct feedback feedback = {.id = TEXT("b"), .metric_count = 1, .metrics = &profit, .truth = {1, items}};
	(void)state;
	expose("a", "", 1, NOW_MS);
	profit_send("a", 4);
	expose_saying("b", "yes");
	truth_tally_feedback(tally, &feedback, NOW_MS + 10); /* its truth is judged beside its profit */
	window_pass(NOW_MS);
	expect_metric(0, 2, 2, 5, 2);
	expect(1, 1, 1);
}

static void why_feedback_is_refused_is_known(void **state)
{
	const struct feedback_metric right = {TEXT(ROLLOUT_ACCURACY), 1};
	const struct feedback seconds = {.id = TEXT("a"), .time_ms = 1800000000, .metric_count = 1, .metrics = &right};
	(void)state;
	assert_string_equal(truth_tally_refusal(tally), "");
	truth_tally_feedback(tally, &seconds, 1800000001000);
	assert_int_equal(truth_tally_losses(tally).refused, 1);
	assert_non_null(strstr(truth_tally_refusal(tally), "it seems to be in seconds"));
}

static void a_metric_too_large_is_refused(void **state)
{
	(void)state;
	expose("a", "", 1, NOW_MS);
	expose("b", "", 1, NOW_MS);
	profit_send("a", TRUTH_VALUE_MAX);
	profit_send("b", -1.01 * TRUTH_VALUE_MAX);
	window_pass(NOW_MS);
	expect_metric(0, 1, 1, TRUTH_VALUE_MAX, 0);
	assert_int_equal(truth_tally_losses(tally).refused, 1);
}

/* An entry of the join that was used before has nothing of the former request. */
static void a_new_request_has_no_value_of_the_former_one(void **state)
{
	char id[16];
	(void)state;
	truth_tally_close(tally);
	tally = tally_of(2, 1000);
	for (int i = 0; i < 6; i++) {
		(void)snprintf(id, sizeof id, "r%d", i);
		expose(id, "", 1, NOW_MS + i * PAST_MS);
		if (i % 2 == 0) {
			const struct feedback_metric one = {TEXT("profit"), i};
			const struct feedback feedback = {.id = text_of(id), .metric_count = 1, .metrics = &one};
			truth_tally_feedback(tally, &feedback, NOW_MS + i * PAST_MS + 1);
		} else {
			const struct feedback feedback = {.id = text_of(id), .has_reward = true, .reward = 1};
			truth_tally_feedback(tally, &feedback, NOW_MS + i * PAST_MS + 1);
		}
	}
	window_pass(NOW_MS + 6 * PAST_MS);
	expect_metric(0, 3, 3, 2, 8);
	expect_metric(1, 3, 3, 1, 0);
	expect(1, 0, 0);
}

static int capped_begin(void **state)
{
	cap = 0.9;
	return metrics_begin(state);
}

static int capped_end(void **state)
{
	cap = 0;
	return metrics_end(state);
}

/* 100 units of each arm, with profits of 1 to 100: the quantiles are 10.9 and 90.1, of all 200 values 10.9 too. */
static void burn_in_pass(size_t units)
{
	char id[24], unit[24];
	for (size_t i = 0; i < 2 * units; i++) {
		(void)snprintf(id, sizeof id, "b%zu", i);
		(void)snprintf(unit, sizeof unit, "u%zu", i / 2);
		expose(id, unit, i % 2, NOW_MS);
		const size_t of_unit = 1 + i / 2;
		profit_send(id, (double)of_unit);
	}
}

static void a_capped_metric_counts_once_its_quantiles_are_known(void **state)
{
	double sum = 0;
	(void)state;
	burn_in_pass(99);
	window_pass(NOW_MS);
	expect_metric(0, 0, 0, 0, 0);
	expose("last", "u99", 1, NOW_MS + PAST_MS);
	expose("also", "u99", 0, NOW_MS + PAST_MS);
	const struct feedback_metric hundred = {TEXT("profit"), 100}, huge = {TEXT("profit"), 1e9};
	struct feedback feedback = {.id = TEXT("last"), .metric_count = 1, .metrics = &hundred};
	truth_tally_feedback(tally, &feedback, NOW_MS + PAST_MS + 1);
	feedback.id = TEXT("also");
	truth_tally_feedback(tally, &feedback, NOW_MS + PAST_MS + 1);
	window_pass(NOW_MS + PAST_MS);
	for (int i = 1; i <= 100; i++) /* of the pairs 1, 1, 2, 2 ...: the 20.9th is 11 less a tenth, the 180.1st 90 and a tenth */
		sum += fmin(fmax(i, 10.9), 90.1);
	const struct metric_counts *counts = &truth_tally_counts(tally)[1].metrics[0];
	assert_int_equal(counts->units.count, 100);
	assert_float_equal(counts->units.mean, sum / 100, 0.01);
	expose("later-one", "u200", 1, NOW_MS + 2 * PAST_MS);
	feedback = (struct feedback){.id = TEXT("later-one"), .metric_count = 1, .metrics = &huge};
	truth_tally_feedback(tally, &feedback, NOW_MS + 2 * PAST_MS + 1);
	expose("much", "", 0, NOW_MS + 4 * PAST_MS);
	assert_int_equal(counts->units.count, 101);
	assert_float_equal(counts->units.mean, (sum + 90.1) / 101, 0.01);
}

/* More requests of the same units are no more units; an arm without any is not waited for. */
static void a_cap_waits_for_units_of_the_arms_that_have_any(void **state)
{
	char id[24], unit[24];
	(void)state;
	for (int i = 0; i < 300; i++) {
		(void)snprintf(id, sizeof id, "a%d", i);
		(void)snprintf(unit, sizeof unit, "u%d", i % 99);
		expose(id, unit, 1, NOW_MS);
		profit_send(id, i);
	}
	window_pass(NOW_MS);
	expect_metric(0, 0, 0, 0, 0);
	expose("one-more", "u99", 1, NOW_MS + PAST_MS);
	const struct feedback_metric profit = {TEXT("profit"), 5};
	const struct feedback feedback = {.id = TEXT("one-more"), .metric_count = 1, .metrics = &profit};
	truth_tally_feedback(tally, &feedback, NOW_MS + PAST_MS + 1);
	expose("much", "", 0, NOW_MS + 3 * PAST_MS);
	assert_int_equal(truth_tally_counts(tally)[1].metrics[0].requests, 301);
	assert_int_equal(truth_tally_counts(tally)[1].metrics[0].units.count, 100);
}

int main(void)
{
#define WITH_TALLY(test) cmocka_unit_test_setup_teardown(test, tally_begin, tally_end)
	const struct CMUnitTest tests[] = {
		WITH_TALLY(an_accuracy_counts_without_later_exposures_of_its_own),
		WITH_TALLY(an_accuracy_counts_once_its_window_has_passed),
		WITH_TALLY(a_truth_is_judged_by_what_the_answer_said),
		WITH_TALLY(of_an_accuracy_that_engines_compute_the_truth_alone_says_nothing),
		WITH_TALLY(what_comes_again_counts_once),
		WITH_TALLY(requests_of_a_unit_are_one_value),
		WITH_TALLY(of_a_paired_arm_only_units_of_the_baseline_count),
		WITH_TALLY(exposures_that_no_stage_of_the_table_chose_are_left_out),
		WITH_TALLY(feedback_that_is_no_accuracy_is_counted_apart),
		WITH_TALLY(units_beyond_the_limit_are_left_out_and_counted),
		WITH_TALLY(an_open_exposure_takes_forty_bytes),
		WITH_TALLY(other_orders_give_the_same_sums),
#define WITH_METRICS(test) cmocka_unit_test_setup_teardown(test, metrics_begin, metrics_end)
		WITH_METRICS(an_open_exposure_takes_forty_bytes),
		WITH_METRICS(a_metric_is_the_mean_of_the_requests_of_a_unit),
		cmocka_unit_test_setup_teardown(a_unit_of_a_ratio_counts_by_its_values, ratio_begin, ratio_end),
		WITH_METRICS(a_reward_is_a_metric_where_it_is_named),
		WITH_METRICS(a_metric_without_accuracy_does_not_make_one),
		WITH_METRICS(why_feedback_is_refused_is_known),
		WITH_METRICS(a_metric_too_large_is_refused),
		WITH_METRICS(a_new_request_has_no_value_of_the_former_one),
		cmocka_unit_test_setup_teardown(a_capped_metric_counts_once_its_quantiles_are_known, capped_begin, capped_end),
		cmocka_unit_test_setup_teardown(a_cap_waits_for_units_of_the_arms_that_have_any, capped_begin, capped_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
