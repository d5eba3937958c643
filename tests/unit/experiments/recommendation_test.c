/* recommendation_test.c: Tests of what a report recommends of several treatments, of guardrails and of the practical threshold. */
#include "experiments/analysis/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/arena_fixture.h"

#define ARMS_MOST 4

static struct joined joined;
static struct report report;
static struct report_options options;

/* What was played: units of each arm, their mean rewards, by how much these vary, and their mean costs; NAN: none. */
struct played {
	size_t arms;
	int units;
	double rewards[ARMS_MOST], spread, costs[ARMS_MOST], cost_spread;
};

static void play(const struct played *played)
{
	static const char *const names[] = {"old", "b", "c", "d"};
	struct error error = {0};
	struct unit_join *join = unit_join_open(arena, &(struct join_options){.experiment = "e"});
	assert_non_null(join);
	for (int i = 0; i < played->units * (int)played->arms; i++) {
		const size_t arm = (size_t)i % played->arms;
		const double turn = i / (int)played->arms % 5 - 2, other = i / (int)played->arms % 7 - 3;
		const struct feedback_metric cost = {TEXT("cost"), played->costs[arm] + other * played->cost_spread};
		char id[16];
		(void)snprintf(id, sizeof id, "r%d", i);
		const struct exposure exposure = {.id = text_of(id),
						  .unit = text_of(id),
						  .time_ms = 1000 * (i + 1),
						  .experiment = TEXT("e"),
						  .variant = text_of(names[arm]),
						  .probability = 1.0 / (double)played->arms,
						  .table = TEXT("1")};
		const struct feedback feedback = {.id = text_of(id),
						  .has_reward = true,
						  .reward = played->rewards[arm] + turn * played->spread,
						  .metric_count = isnan(cost.value) ? 0u : 1u,
						  .metrics = &cost};
		if (!unit_join_exposure(join, &exposure, &error) || !unit_join_feedback(join, &feedback, 0, &error))
			fail_msg("%s", error.text);
	}
	if (!unit_join_end(join, &joined, &error) || !report_make(&joined, &options, arena, &report, &error))
		fail_msg("%s", error.text);
	unit_join_close(join);
}

static int set_up(void **state)
{
	static const struct report_rule rules[] = {{.metric = "cost", .role = ROLE_GUARDRAIL, .lower_is_better = true},
						   {.metric = "reward", .role = ROLE_PRIMARY}};
	options = (struct report_options){.experiment = "e",
					  .control = TEXT("old"),
					  .rule_count = 2,
					  .rules = rules,
					  .alpha = ANALYSIS_ALPHA,
					  .practical = ANALYSIS_PRACTICAL};
	return arena_begin(state);
}

static bool lines_say(const char *const *lines, size_t count, const char *words)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(lines[i], words))
			return true;
	return false;
}

static bool reasons_say(const char *words)
{
	return lines_say(report.recommendation.reasons, report.recommendation.reason_count, words);
}

static bool changes_say(const char *words)
{
	return lines_say(report.recommendation.changes, report.recommendation.change_count, words);
}

static void expect(enum report_decision decision, const char *variant, const char *sentence)
{
	assert_string_equal(report.recommendation.sentence, sentence);
	assert_int_equal(report.recommendation.decision, decision);
	assert_true(text_is(report.recommendation.variant, variant));
}

/* ---- several treatments ---- */

static void a_treatment_that_keeps_guardrails_is_shipped_though_another_gains_more(void **state)
{
	(void)state;
	play(&(struct played){
		.arms = 3, .units = 2000, .rewards = {10, 12, 11.9}, .spread = 1, .costs = {10, 15, 10}, .cost_spread = .5});
	expect(DECISION_SHIP, "c", "Ship `c`: it is 19% better than `old` in `reward`.");
	assert_true(reasons_say("`b` breaks the guardrail `cost`"));
	assert_true(changes_say("a version of `b` that keeps `cost`"));
	play(&(struct played){
		.arms = 3, .units = 2000, .rewards = {10, 11.9, 12}, .spread = 1, .costs = {10, 15, 10}, .cost_spread = .5});
	expect(DECISION_SHIP, "c", "Ship `c`: it is 20% better than `old` in `reward`.");
	assert_false(reasons_say("`b`"));
}

static void a_large_gain_is_a_whole_number(void **state)
{
	(void)state;
	play(&(struct played){
		.arms = 2, .units = 2000, .rewards = {10, 31}, .spread = .001, .costs = {10, 9}, .cost_spread = .001});
	expect(DECISION_SHIP, "b", "Ship `b`: it is 210% better than `old` in `reward`.");
}

static void a_treatment_of_an_open_guardrail_does_not_hold_up_another(void **state)
{
	(void)state;
	play(&(struct played){
		.arms = 3, .units = 2000, .rewards = {10, 12, 11.9}, .spread = 1, .costs = {10, 10.5, 9}, .cost_spread = .5});
	expect(DECISION_SHIP, "c", "Ship `c`: it is 19% better than `old` in `reward`.");
	assert_true(reasons_say("the guardrail `cost` of `b` is not shown to be kept yet"));
	play(&(struct played){
		.arms = 3, .units = 2000, .rewards = {10, 12, 8}, .spread = 1, .costs = {10, 10.5, 9}, .cost_spread = .5});
	expect(DECISION_WAIT, "", "Wait: `b` is 20% better in `reward`, but the guardrail `cost` is still open.");
}

static void treatments_that_all_break_a_guardrail_are_not_shipped(void **state)
{
	(void)state;
	play(&(struct played){
		.arms = 3, .units = 2000, .rewards = {10, 12, 11.9}, .spread = 1, .costs = {10, 15, 14}, .cost_spread = .5});
	expect(DECISION_KEEP, "old", "Keep `old`: `b` is 20% better in `reward`, but breaks the guardrail `cost`.");
	assert_true(reasons_say("`c` breaks the guardrail `cost`"));
}

/* Else the more treatments there are, the more likely one that breaks a guardrail would seem to keep it. */
static void treatments_share_the_alpha_of_one_end_of_a_guardrail(void **state)
{
	(void)state;
	play(&(struct played){
		.arms = 3, .units = 200, .rewards = {10, 10, 10}, .spread = 1, .costs = {10, 10, 10}, .cost_spread = 1});
	assert_float_equal(report.metrics[0].analysis.pairs[0].alpha, ANALYSIS_ALPHA / 2, 1e-12);
	assert_float_equal(report.metrics[1].analysis.pairs[0].alpha, ANALYSIS_ALPHA, 1e-12);
	play(&(struct played){
		.arms = 4, .units = 200, .rewards = {10, 10, 10, 10}, .spread = 1, .costs = {10, 10, 10, 10}, .cost_spread = 1});
	assert_float_equal(report.metrics[1].analysis.pairs[0].alpha, ANALYSIS_ALPHA * 2 / 3, 1e-12);
}

/* ---- a primary metric that is open ---- */

static void a_broken_guardrail_ends_it_while_the_primary_metric_is_open(void **state)
{
	(void)state;
	play(&(struct played){.arms = 2, .units = 500, .rewards = {10, 10.1}, .spread = 4, .costs = {10, 20}, .cost_spread = .5});
	assert_int_equal(report.metrics[0].analysis.pairs[0].state, PAIR_OPEN);
	expect(DECISION_KEEP, "old", "Keep `old`: `b` breaks the guardrail `cost`.");
	assert_true(reasons_say("`cost` of `b` differs from `old` by +10 "));
	assert_false(changes_say("more units"));
}

static void one_that_breaks_a_guardrail_asks_for_no_units_while_another_is_open(void **state)
{
	(void)state;
	play(&(struct played){
		.arms = 3, .units = 500, .rewards = {10, 10.1, 10.1}, .spread = 4, .costs = {10, 20, 10}, .cost_spread = .5});
	expect(DECISION_WAIT, "", "Wait: the data allow no decision in `reward` yet.");
	assert_true(reasons_say("`b` breaks the guardrail `cost`"));
	assert_int_equal(report.recommendation.change_count, 1);
}

/* ---- guardrails without values ---- */

static void a_declared_guardrail_without_values_is_waited_for(void **state)
{
	(void)state;
	play(&(struct played){.arms = 2, .units = 500, .rewards = {10, 12}, .spread = 1, .costs = {NAN, NAN}});
	expect(DECISION_WAIT, "", "Wait: `b` is 20% better in `reward`, but the guardrail `cost` has no values.");
	assert_true(reasons_say("no feedback that joined an exposure has the guardrail `cost`"));
	assert_true(changes_say("values of `cost`"));
	play(&(struct played){.arms = 2, .units = 500, .rewards = {10, 10.1}, .spread = 4, .costs = {NAN, NAN}});
	expect(DECISION_WAIT, "", "Wait: the data allow no decision in `reward` yet.");
	assert_true(reasons_say("no feedback that joined an exposure has the guardrail `cost`"));
	play(&(struct played){.arms = 2, .units = 500, .rewards = {10, 8}, .spread = 1, .costs = {NAN, NAN}});
	expect(DECISION_KEEP, "old", "Keep `old`: the other variant is worse in `reward`.");
}

static void one_variant_without_values_of_a_guardrail_is_not_shipped(void **state)
{
	(void)state;
	play(&(struct played){.arms = 2, .units = 500, .rewards = {10, 12}, .spread = 1, .costs = {10, NAN}, .cost_spread = .5});
	expect(DECISION_WAIT, "", "Wait: `b` is 20% better in `reward`, but the guardrail `cost` is still open.");
}

/* ---- the practical threshold ---- */

/* More units make the same effect surer: what was shipped as perhaps less than the threshold is shown to be less. */
static void a_gain_is_shipped_with_what_is_not_shown_of_it(void **state)
{
	(void)state;
	options.rule_count = 0;
	play(&(struct played){.arms = 2, .units = 2000, .rewards = {10, 10.3}, .spread = 2, .costs = {NAN, NAN}});
	assert_int_equal(report.metrics[0].analysis.pairs[0].state, PAIR_BETTER);
	expect(DECISION_SHIP, "b",
	       "Ship `b`: it is 3% better than `old` in `reward`; that this is as much as the practical threshold of 5% is not "
	       "shown.");
	assert_true(changes_say("if they show that the difference is less than the practical threshold, 0.5"));
	play(&(struct played){.arms = 2, .units = 20000, .rewards = {10, 10.3}, .spread = 2, .costs = {NAN, NAN}});
	expect(DECISION_KEEP, "old",
	       "Keep `old`: `b` is 3% better in `reward`, which is shown to be less than the practical threshold of 5%.");
	play(&(struct played){.arms = 2, .units = 2000, .rewards = {10, 12}, .spread = 2, .costs = {NAN, NAN}});
	expect(DECISION_SHIP, "b", "Ship `b`: it is 20% better than `old` in `reward`.");
	assert_false(changes_say("less than the practical threshold"));
}

/* Of losses less is better. */
static void a_smaller_loss_is_held_against_the_threshold_likewise(void **state)
{
	static const struct report_rule loss = {.metric = "reward", .role = ROLE_PRIMARY, .lower_is_better = true};
	(void)state;
	options.rules = &loss;
	options.rule_count = 1;
	play(&(struct played){.arms = 2, .units = 2000, .rewards = {10, 8}, .spread = 2, .costs = {NAN, NAN}});
	expect(DECISION_SHIP, "b", "Ship `b`: it is 20% better than `old` in `reward`.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_large_gain_is_a_whole_number, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_treatment_that_keeps_guardrails_is_shipped_though_another_gains_more, set_up,
						arena_end),
		cmocka_unit_test_setup_teardown(a_treatment_of_an_open_guardrail_does_not_hold_up_another, set_up, arena_end),
		cmocka_unit_test_setup_teardown(treatments_that_all_break_a_guardrail_are_not_shipped, set_up, arena_end),
		cmocka_unit_test_setup_teardown(treatments_share_the_alpha_of_one_end_of_a_guardrail, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_broken_guardrail_ends_it_while_the_primary_metric_is_open, set_up, arena_end),
		cmocka_unit_test_setup_teardown(one_that_breaks_a_guardrail_asks_for_no_units_while_another_is_open, set_up,
						arena_end),
		cmocka_unit_test_setup_teardown(a_declared_guardrail_without_values_is_waited_for, set_up, arena_end),
		cmocka_unit_test_setup_teardown(one_variant_without_values_of_a_guardrail_is_not_shipped, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_gain_is_shipped_with_what_is_not_shown_of_it, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_smaller_loss_is_held_against_the_threshold_likewise, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
