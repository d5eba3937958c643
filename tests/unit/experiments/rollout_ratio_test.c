/* rollout_ratio_test.c: Tests of rules of rollouts by a metric with `perUnit: ratio`: the sum of all values by their number is held
 * against a limit, and users who return, some of them often, are rarely judged wrongly at looks every 30 s.
 *
 * RATIO_RUNS is the number of simulated runs of each sort. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "methods/bandits/best_arm.h"
#include "experiments/rollouts/rollout.h"
#include "experiments/rollouts/truth_tally.h"
#include "tests/unit/planning.h"

#include <cmocka.h>

#define STAGE                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  default: old\n  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n"                                         \
	"  successCriteria: [{metricName: profit, threshold: 0, operator: \">\"}]\n"                                               \
	"  progressiveDeployment: {schedule: [50, 100], every: 50m, gate: better}\n"

#define LOOK_MS 30000
#define LOOKS 200	 /* of the stage and its extension */
#define VALUES_A_LOOK 50 /* of each variant */
#define USERS_MAX (LOOKS * VALUES_A_LOOK)
#define RUNS 100

enum { CRITERION, COMPARISON };

/* Users of one variant. The ratio is that of all values in the long run. */
struct world {
	const char *name;
	size_t users;				/* who return all the time; 0: each value is of a new one */
	double (*eager)(struct random *chance); /* of a user: how often it comes, from 0 to 1 */
	double (*level)(struct random *chance, double eager);
	bool outcomes; /* values are 0 and 1, by that rate; else around the level */
	double ratio;
};

struct user {
	double level, eager, sum;
	uint32_t requests;
};

struct arm {
	struct truth_counts counts;
	struct user users[USERS_MAX];
	size_t known;
};

static struct rollout_plan plan;
static struct arm arms[2];

/* ---- users ---- */

static double eager_alike(struct random *chance)
{
	(void)chance;
	return 1;
}

static double eager_by_eighths(struct random *chance)
{
	return (1 + (double)random_below(chance, 8)) / 8;
}

/* One of a hundred users makes half of the requests. */
static double eager_few(struct random *chance)
{
	return uniform_draw(chance) < 0.01 ? 1 : 1.0 / 99;
}

static double level_even(struct random *chance, double eager)
{
	(void)eager;
	return 10 + 2 * normal_draw(chance);
}

/* Who comes often is worth less: the mean of users is 5.5, and of values 156 / 36. */
static double level_falling(struct random *chance, double eager)
{
	return 10 - 8 * eager + 2 * normal_draw(chance);
}

static double level_of_a_tail(struct random *chance, double eager)
{
	(void)eager;
	return exp(1.2 * normal_draw(chance));
}

static double rate_of_few(struct random *chance, double eager)
{
	(void)eager;
	return uniform_draw(chance) < 0.04 ? 0.2 : 0;
}

/* A fifth of the users, by a rate that rises with their visits: .002 x 204 / 36. */
static double rate_of_the_eager(struct random *chance, double eager)
{
	return uniform_draw(chance) < 0.2 ? 0.08 * eager : 0;
}

/* One of a thousand users, and none of those who come rarely. */
static double rate_of_one_eager(struct random *chance, double eager)
{
	return eager == 1 && uniform_draw(chance) < 0.1 ? 0.5 : 0;
}

static double rate_of_all(struct random *chance, double eager)
{
	(void)chance;
	(void)eager;
	return 0.001;
}

static double rate_of_none(struct random *chance, double eager)
{
	(void)chance;
	(void)eager;
	return 0;
}

static const struct world worlds[] = {
	{"a user for each value", 0, eager_alike, level_even, false, 10},
	{"200 users who return", 200, eager_by_eighths, level_even, false, 10},
	{"1,000 users, the eager ones worth less", 1000, eager_by_eighths, level_falling, false, 156.0 / 36},
	{"200 users, the eager ones worth less", 200, eager_by_eighths, level_falling, false, 156.0 / 36},
	{"heavy tails", 1000, eager_by_eighths, level_of_a_tail, false, 2.0544332106438876}, /* exp(1.2^2 / 2) */
	{"outcomes of 4% of the users", 1000, eager_by_eighths, rate_of_few, true, 0.008},
	{"outcomes of eager users", 1000, eager_by_eighths, rate_of_the_eager, true, 0.002 * 204 / 36},
	{"outcomes of one eager user in 1,000", 1000, eager_few, rate_of_one_eager, true, 0.025},
	{"one outcome of 1,000", 1000, eager_by_eighths, rate_of_all, true, 0.001},
};

static struct user *user_draw(struct arm *arm, const struct world *world, struct random *chance)
{
	for (;;) {
		const size_t at = world->users > 0 ? (size_t)random_below(chance, world->users) : arm->known++;
		struct user *user = &arm->users[at];
		if (user->eager == 0) {
			user->eager = world->eager(chance);
			user->level = world->level(chance, user->eager);
		}
		if (uniform_draw(chance) < user->eager)
			return user;
	}
}

static void values_come(struct arm *arm, const struct world *world, bool is_ratio, double more, struct random *chance)
{
	for (size_t i = 0; i < VALUES_A_LOOK; i++) {
		struct user *user = user_draw(arm, world, chance);
		const double value =
			world->outcomes ? uniform_draw(chance) < user->level * more : user->level * more + normal_draw(chance);
		metric_counts_value(&arm->counts.metrics[0], is_ratio, user->sum, user->requests, value);
		user->sum += value;
		user->requests++;
	}
}

/* ---- runs ---- */

struct outcomes {
	size_t holds[2], broken[2]; /* runs in which a rule was ever */
	double looks;		    /* until the criterion was not open any more */
};

/* The rules are judged as if nothing followed from it: the state begins each look as a stage that runs. */
static void trial_run(const struct world *world, bool is_ratio, double more, uint64_t seed, struct outcomes *outcomes)
{
	static struct rollout_evidence evidence;
	static struct rollout_state state, before;
	static struct rollout_move move;
	struct random chance = {seed * 7919};
	struct error error = {0};
	bool held[2] = {false, false}, broken[2] = {false, false};
	memset(arms, 0, sizeof arms);
	state = rollout_begin(&plan);
	struct rollout_look look = {0};
	assert_true(rollout_look(&plan, &state, &look, &move, &error));
	for (size_t i = 0; i < LOOKS; i++) {
		values_come(&arms[0], world, is_ratio, 1, &chance);
		values_come(&arms[1], world, is_ratio, more, &chance);
		look = (struct rollout_look){.time_ms = look.time_ms + LOOK_MS, .epoch = state.epoch};
		rollout_counts_truths(&look.control, &arms[0].counts);
		rollout_counts_truths(&look.candidates[0], &arms[1].counts);
		look.control.requests = look.candidates[0].requests = (i + 1) * VALUES_A_LOOK;
		before = state;
		if (!rollout_look(&plan, &state, &look, &move, &error))
			fail_msg("%s", error.text);
		evidence = move.evidence;
		if (move.number > 0) { /* trackers of the look, and the stage as it was */
			memcpy(before.trackers, state.trackers, sizeof before.trackers);
			before.control = look.control;
			before.candidates[0] = look.candidates[0];
			before.looked_ms = look.time_ms;
			state = before;
		}
		for (size_t rule = 0; rule < 2; rule++) {
			const size_t at = rule == CRITERION ? 0 : plan.stages[0].rule_count - 1;
			held[rule] |= evidence.items[at].verdict == VERDICT_HOLDS;
			broken[rule] |= evidence.items[at].verdict == VERDICT_BROKEN;
		}
		outcomes->looks += !held[CRITERION] && !broken[CRITERION];
	}
	for (size_t rule = 0; rule < 2; rule++) {
		outcomes->holds[rule] += held[rule];
		outcomes->broken[rule] += broken[rule];
	}
}

static size_t runs_count(void)
{
	const char *runs = getenv("RATIO_RUNS");
	return runs ? (size_t)strtoul(runs, NULL, 10) : UNIT_REPETITIONS(RUNS);
}

static struct outcomes outcomes_of(const struct world *world, bool is_ratio, double more, double limit)
{
	struct outcomes outcomes = {0};
	for (size_t i = 0; i < plan.stage_count; i++)
		plan.stages[i].rules[0].limit = limit;
	for (size_t i = 0; i < runs_count(); i++)
		trial_run(world, is_ratio, more, 1000 + i, &outcomes);
	if (getenv("RATIO_RUNS"))
		print_message("%-40s %s x %g above %g: %zu runs; holds %zu, broken %zu, %.3g looks; better %zu, worse %zu\n",
			      world->name, is_ratio ? "ratio" : "mean ", more, limit, runs_count(), outcomes.holds[CRITERION],
			      outcomes.broken[CRITERION], outcomes.looks / (double)runs_count(), outcomes.holds[COMPARISON],
			      outcomes.broken[COMPARISON]);
	return outcomes;
}

/* A few runs, as with sanitizers, say nothing of a share. */
static void assert_share(size_t count, double least, double most)
{
	const double share = (double)count / (double)runs_count();
	assert_true(runs_count() < RUNS || (share >= least && share <= most));
}

/* At a limit that is the ratio, and beside a default that is equal: 6 of 100 are at most 5%, but for 2 standard errors. */
static void equal_ratios_are_rarely_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
		const struct outcomes outcomes = outcomes_of(&worlds[i], true, 1, worlds[i].ratio);
		assert_share(outcomes.holds[CRITERION] + outcomes.broken[CRITERION], 0, 0.065);
		assert_share(outcomes.holds[COMPARISON] + outcomes.broken[COMPARISON], 0, 0.065);
	}
}

/* The limit is between the mean of users and that of values: by the one the candidate is above it, and by the other below. */
static void who_comes_often_counts_as_often(void **state)
{
	(void)state;
	const struct outcomes ratio = outcomes_of(&worlds[2], true, 1, 5), mean = outcomes_of(&worlds[2], false, 1, 5);
	assert_share(ratio.broken[CRITERION], 0.95, 1);
	assert_share(ratio.holds[CRITERION], 0, 0);
	assert_share(mean.holds[CRITERION], 0.8, 1);
}

static void a_better_ratio_is_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct outcomes outcomes = outcomes_of(&worlds[i], true, 1.2, worlds[i].ratio);
		assert_share(outcomes.holds[CRITERION], 0.95, 1);
		assert_share(outcomes.holds[COMPARISON], 0.95, 1);
		assert_share(outcomes.broken[CRITERION], 0, 0);
	}
}

/* The rate times the number of users is below 20, and yet their values show how much it varies. */
static void outcomes_of_few_users_are_seen(void **state)
{
	const struct world *world = &worlds[6];
	(void)state;
	const struct outcomes below = outcomes_of(world, true, 1, 2 * world->ratio);
	assert_share(below.broken[CRITERION], 0.95, 1);
	assert_share(below.holds[CRITERION], 0, 0);
}

/* Outcomes that are too scarce for a variance are judged as a rate. */
static void no_outcome_at_all_is_seen(void **state)
{
	static const struct world none = {"no outcome", 1000, eager_by_eighths, rate_of_none, true, 0};
	(void)state;
	const struct outcomes outcomes = outcomes_of(&none, true, 1, 0.05);
	assert_share(outcomes.broken[CRITERION], 1, 1);
	assert_share(outcomes.holds[CRITERION] + outcomes.holds[COMPARISON] + outcomes.broken[COMPARISON], 0, 0);
}

/* Each has made three requests, one of them with an outcome: no two units differ, but for what rounding leaves. */
static void units_that_do_not_differ_show_no_variance(void **state)
{
	static const double squares[] = {0, 1e-320, 1e-18, 1e-13};
	(void)state;
	for (size_t i = 0; i < sizeof squares / sizeof *squares; i++) {
		struct rollout_state judged = rollout_begin(&plan);
		struct rollout_look look = {0};
		struct rollout_move move;
		struct error error = {0};
		assert_true(rollout_look(&plan, &judged, &look, &move, &error));
		look = (struct rollout_look){.time_ms = LOOK_MS, .epoch = judged.epoch};
		look.control.requests = look.candidates[0].requests = 3000;
		look.control.metrics[0] = look.candidates[0].metrics[0] = (struct moments){1000, 1.0 / 3, squares[i]};
		look.control.ratio_effects[0] = look.candidates[0].ratio_effects[0] = 1;
		if (!rollout_look(&plan, &judged, &look, &move, &error))
			fail_msg("%s", error.text);
		const struct rollout_judgement *judgement = &move.evidence.items[0];
		if (judgement->interval.high - judgement->interval.low < 0.01)
			fail_msg("squares of %g: from %g to %g", squares[i], judgement->interval.low, judgement->interval.high);
	}
}

static int plan_open(void **state)
{
	(void)state;
	struct planning planning;
	struct error error = {0};
	planning_open(&planning, STAGE);
	const bool good = rollout_plan_make(planning.spec.resources[0]->spec, &plan, &error);
	if (!good)
		(void)fprintf(stderr, "%s\n", error.text);
	planning_close(&planning);
	return good ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_that_do_not_differ_show_no_variance),
		cmocka_unit_test(equal_ratios_are_rarely_judged),
		cmocka_unit_test(who_comes_often_counts_as_often),
		cmocka_unit_test(a_better_ratio_is_seen),
		cmocka_unit_test(outcomes_of_few_users_are_seen),
		cmocka_unit_test(no_outcome_at_all_is_seen),
	};
	return cmocka_run_group_tests(tests, plan_open, NULL);
}
