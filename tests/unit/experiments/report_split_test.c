/* report_split_test.c: Tests of the health of an experiment's split: whether units came as planned, and have feedback alike. */
#include "experiments/analysis/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/arena_fixture.h"

static struct unit_join *join;
static struct joined joined;
static struct report report;

static int setup(void **state)
{
	(void)state;
	return (arena = arena_open((size_t)256 << 20)) ? 0 : -1;
}

static void begin(struct join_options options)
{
	arena_reset(arena);
	options.experiment = "e";
	join = unit_join_open(arena, &options);
	assert_non_null(join);
}

/* A request of one unit; the table is that of its epoch. */
static void exposed(int unit, bool is_new, double share_of_new, const char *table, int64_t time_ms)
{
	struct error error = {0};
	char id[16];
	(void)snprintf(id, sizeof id, "r%d", unit);
	const struct exposure exposure = {.id = text_of(id),
					  .unit = text_of(id),
					  .time_ms = time_ms,
					  .experiment = TEXT("e"),
					  .variant = is_new ? TEXT("new") : TEXT("old"),
					  .probability = is_new ? share_of_new : 1 - share_of_new,
					  .table = text_of(table)};
	if (!unit_join_exposure(join, &exposure, &error))
		fail_msg("%s", error.text);
}

static void heard(int unit, double reward)
{
	struct error error = {0};
	char id[16];
	(void)snprintf(id, sizeof id, "r%d", unit);
	const struct feedback feedback = {.id = text_of(id), .has_reward = true, .reward = reward};
	if (!unit_join_feedback(join, &feedback, 0, &error))
		fail_msg("%s", error.text);
}

static void end(void)
{
	static struct report_options options;
	struct error error = {0};
	options = (struct report_options){
		.experiment = "e", .control = TEXT("old"), .alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL};
	if (!unit_join_end(join, &joined, &error) || !report_make(&joined, &options, arena, &report, &error))
		fail_msg("%s", error.text);
	unit_join_close(join);
}

/* ---- units ---- */

/* 1,500 units at 2 to 1, and then 1,500 at 1 to 2: half of all got each, as planned. `together`: all at one moment. */
static void halves_played(bool together)
{
	begin((struct join_options){0});
	for (int i = 0; i < 3000; i++) {
		const bool is_new = i < 1500 ? i % 3 == 0 : i % 3 > 0;
		exposed(i, is_new, 0.5, "1", together ? 1000 : 1000 + i);
		heard(i, i % 7 + 3 * is_new);
	}
	end();
}

static void a_split_that_was_wrong_for_a_while_is_a_mismatch(void **state)
{
	(void)state;
	halves_played(false);
	assert_true(report.split.counts[0] == 1500 && report.split.chi_square.p == 1);
	assert_true(report.split.mismatch && report.split.p < 1e-30);
	assert_in_range(report.split.worst_units, 1499, 1502);
	assert_true(report.split.worst_ms == 999 + (int64_t)report.split.worst_units);
	assert_int_equal(report.recommendation.decision, DECISION_STOP);
	/* Which of them came first is not known. */
	halves_played(true);
	assert_true(!report.split.mismatch && report.split.p == 1);
}

/* 600 units at halves, and 400 more of which the new variant has `share`; they all get it. */
static void rollout_played(double share)
{
	begin((struct join_options){0});
	for (int i = 0; i < 1000; i++) {
		exposed(i, i >= 600 || i % 2, i < 600 ? 0.5 : share, i < 600 ? "1" : "2", 1000 + i);
		heard(i, i % 7);
	}
	end();
}

static void nobody_is_expected_of_the_old_variant_after_a_rollout(void **state)
{
	(void)state;
	rollout_played(1);
	assert_true(report.split.tested && !report.split.mismatch);
	assert_true(fabs(report.split.expected[0] - 300) < 1e-9);
	assert_true(fabs(report.split.expected[1] - 700) < 1e-9);
	rollout_played(0.99);
	assert_true(isnan(report.split.expected[0]) && isfinite(report.split.expected[1]));
}

/* ---- their feedback ---- */

/* Units in two epochs, of which the new variant has the shares; of each variant and epoch, so many of ten have feedback. */
static void lost_played(const double *shares, const int *old_heard, const int *new_heard, int units)
{
	begin((struct join_options){0});
	for (int i = 0; i < 2 * units; i++) {
		const int epoch = i >= units, nth = i % units;
		const bool is_new = (int)((nth + 1) * shares[epoch]) > (int)(nth * shares[epoch]);
		exposed(i, is_new, shares[epoch], epoch ? "2" : "1", 1000 + i);
		if ((i / 10 + i) % 10 < (is_new ? new_heard : old_heard)[epoch])
			heard(i, 10 + i % 7 + 2 * is_new);
	}
	end();
}

static void feedback_that_one_variant_loses_stops_a_decision(void **state)
{
	(void)state;
	lost_played((double[]){0.5, 0.5}, (int[]){10, 10}, (int[]){10, 10}, 1500);
	assert_true(!report.split.feedback_differs && report.split.feedback_p == 1);
	assert_int_equal(report.recommendation.decision, DECISION_SHIP);
	lost_played((double[]){0.5, 0.5}, (int[]){10, 10}, (int[]){10, 8}, 1500);
	assert_true(report.split.feedback_differs && report.split.feedback_p < 1e-9);
	assert_int_equal(report.split.feedback_epoch, 1);
	assert_int_equal(report.recommendation.decision, DECISION_STOP);
	assert_int_equal(report.recommendation.variant.length, 0);
	assert_non_null(strstr(report.recommendation.sentence, "the share of units with feedback differs"));
	assert_non_null(strstr(report.recommendation.reasons[1], "100% of 750 units of `old` have it in epoch 2"));
}

/* In the first epoch 30% have feedback, in the second one 90%, whatever they got: pooled, the new variant, which is of the second
 * epoch above all, would have much more. */
static void feedback_is_compared_within_epochs(void **state)
{
	(void)state;
	lost_played((double[]){0.1, 0.9}, (int[]){3, 9}, (int[]){3, 9}, 3000);
	assert_true(!report.split.feedback_differs && report.split.feedback_p > 0.1);
	assert_int_equal(report.recommendation.decision, DECISION_SHIP);
	lost_played((double[]){0.5, 0.9}, (int[]){0, 9}, (int[]){0, 9}, 3000);
	assert_true(!report.split.feedback_differs && report.split.feedback_epoch == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_split_that_was_wrong_for_a_while_is_a_mismatch),
		cmocka_unit_test(nobody_is_expected_of_the_old_variant_after_a_rollout),
		cmocka_unit_test(feedback_that_one_variant_loses_stops_a_decision),
		cmocka_unit_test(feedback_is_compared_within_epochs),
	};
	return cmocka_run_group_tests(tests, setup, arena_end);
}
