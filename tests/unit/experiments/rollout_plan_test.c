/* rollout_plan_test.c: Tests of a rollout's plan: its stages and rules, what is refused and where, and its limits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "experiments/rollouts/rollout_plan.h"
#include "tests/unit/planning.h"

#include <cmocka.h>

#define HEAD                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                    \
	"  default: old\n  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n"
#define MINUTE_MS 60000
#define BYTES_MAX ((size_t)1 << 20)

static struct planning planning;
static struct rollout_plan plan;
static struct buffer out;

static bool plan_read(const char *yaml, struct error *error)
{
	planning_open(&planning, yaml);
	for (size_t i = 0; i < faults_total(planning.spec.faults); i++)
		if (faults_at(planning.spec.faults, i)->code->severity == SEVERITY_ERROR)
			fail_msg("%s", faults_at(planning.spec.faults, i)->message);
	const bool good = rollout_plan_make(planning.spec.resources[0]->spec, &plan, error);
	planning_close(&planning);
	return good;
}

static void plan_take(const char *yaml)
{
	struct error error = {0};
	if (!plan_read(yaml, &error))
		fail_msg("%s", error.text);
}

static void expect_refused(const char *yaml, unsigned line, const char *words)
{
	struct error error = {0};
	assert_false(plan_read(yaml, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	if (error.place.line != line || !strstr(error.text, words))
		fail_msg("line %u: %s", error.place.line, error.text);
}

static void expect_rule(size_t stage, size_t index, enum rollout_rule_kind kind, double limit, bool trigger)
{
	const struct rollout_rule *rule = &plan.stages[stage].rules[index];
	assert_int_equal(rule->kind, kind);
	assert_true(fabs(rule->limit - limit) < 1e-12);
	assert_int_equal(rule->trigger, trigger);
}

static void a_stage_has_its_criteria_those_of_all_and_the_triggers(void **state)
{
	(void)state;
	plan_take(HEAD "  successCriteria: [{metricName: accuracy, threshold: 0.6, operator: \">=\"}]\n  onInconclusive: rollback\n"
		       "  progressiveDeployment:\n    checkEvery: 10s\n    rollback: {latency: \">0.3s\", accuracyDrop: \">10%\"}\n"
		       "    stages: [{weight: 20, duration: 15m, approve: true, successCriteria: {errorRate: \"<0.5%\"}}]\n");
	assert_int_equal(plan.candidates, 1);
	assert_int_equal(plan.check_every_ms, 10000);
	assert_int_equal(plan.on_inconclusive, INCONCLUSIVE_ROLLBACK);
	assert_true(plan.stages[0].approve && plan.stages[0].percent == 20);
	assert_int_equal(plan.stages[0].duration_ms, 15 * MINUTE_MS);
	assert_int_equal(plan.stages[0].rule_count, 5);
	expect_rule(0, 0, RULE_ERROR_RATE, 0.005, false);
	expect_rule(0, 1, RULE_ACCURACY, 0.6, false);
	expect_rule(0, 2, RULE_ERROR_RATE, ROLLOUT_ERROR_RATE, true);
	expect_rule(0, 3, RULE_LATENCY, 300, true);
	expect_rule(0, 4, RULE_ACCURACY_BESIDE, 0.1, true);
	assert_true(plan.stages[0].rules[2].implied && !plan.stages[0].rules[4].implied);
}

static void a_schedule_is_stages_of_one_duration(void **state)
{
	(void)state;
	plan_take(HEAD "  progressiveDeployment: {schedule: [5, 10, 25, 50, 75, 100], gate: better}\n");
	assert_int_equal(plan.stage_count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(plan.stages[i].duration_ms, 30 * MINUTE_MS);
		assert_int_equal(plan.stages[i].rule_count, 4);
		expect_rule(i, 2, RULE_ACCURACY_BESIDE, 0.05, true);
		expect_rule(i, 3, RULE_ACCURACY_BESIDE, 0, false);
	}
	assert_true(plan.stages[0].percent == 5 && plan.stages[5].percent == 100);
	const uint64_t hash = rollout_plan_hash(&plan);
	plan_take(HEAD "  progressiveDeployment: {schedule: [5, 10, 25, 50, 75, 100], every: 20m}\n");
	assert_int_equal(plan.stages[5].duration_ms, 20 * MINUTE_MS);
	assert_int_equal(plan.stages[5].rule_count, 3);
	const uint64_t quicker = rollout_plan_hash(&plan);
	assert_true(hash != quicker && !plan.has_baseline);
	plan_take(HEAD "  progressiveDeployment: {schedule: [5, 10, 25, 50, 75, 100], every: 20m, baseline: concurrent}\n");
	assert_true(plan.has_baseline && quicker != rollout_plan_hash(&plan));
}

static uint64_t hash_of(const char *chosen, const char *first, const char *second, const char *third)
{
	char yaml[1024];
	(void)snprintf(yaml, sizeof yaml,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: %s\n"
		       "  candidates: [{name: %s, weight: 1}, {name: %s, weight: 1}, {name: %s, weight: 1}]\n"
		       "  progressiveDeployment: {schedule: [5]}\n",
		       chosen, first, second, third);
	plan_take(yaml);
	return rollout_plan_hash(&plan);
}

/* Else a candidate that nobody has tried would go on where another one was promoted. */
static void a_plan_is_of_its_default_and_its_candidates(void **state)
{
	(void)state;
	const uint64_t hash = hash_of("a", "a", "b", "cd");
	assert_true(hash == hash_of("a", "b", "a", "cd")); /* the place of the default does not count */
	assert_true(hash != hash_of("a", "a", "cd", "b"));
	assert_true(hash != hash_of("a", "a", "b", "e"));
	assert_true(hash != hash_of("b", "a", "b", "cd"));
	assert_true(hash != hash_of("a", "a", "bc", "d"));
}

static void bad_plans_are_refused_with_place_and_next_step(void **state)
{
	(void)state;
	expect_refused(HEAD "  progressiveDeployment: {schedule: [5, 50, 25]}\n", 7, "fall from 50 to 25 at stage 3");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [0, 50]}\n", 7, "Stage 1 gives the candidates 0%");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [50, 101]}\n", 7, "at most 100");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [.nan]}\n", 7, "nan%");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [5], stages: [{weight: 1, duration: 1m}]}\n", 7, "both stages");
	expect_refused(HEAD "  progressiveDeployment: {gate: better}\n", 7, "neither stages");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [5], enabled: false}\n", 5, "no progressiveDeployment");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [5], every: 20s}\n", 7, "is checked every 30000 ms");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [5], every: 367d}\n", 7, "366 days");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [5], checkEvery: 999ms}\n", 7, "below 1 s");
	expect_refused(HEAD "  progressiveDeployment:\n    stages:\n    - {weight: 50, duration: 5m}\n"
			    "    - {weight: 10, duration: 5m}\n", 10, "fall from 50 to 10 at stage 2");
	expect_refused(HEAD "  progressiveDeployment:\n    stages: [{weight: 0, duration: 5m}]\n", 8, "more than 0");
	expect_refused(HEAD "  progressiveDeployment:\n    stages:\n    - weight: 5\n      duration: 5m\n"
			    "      successCriteria: {errorRate: \">1%\"}\n", 11, "Turn the comparison");
	expect_refused(HEAD "  progressiveDeployment:\n    schedule: [5]\n    rollback:\n      errorRate: \">2\"\n", 10, "below 1");
	expect_refused(HEAD "  progressiveDeployment:\n    schedule: [5]\n    rollback:\n      latency: \"<9ms\"\n", 10,
		       "rolls back");
	expect_refused(HEAD "  progressiveDeployment:\n    schedule: [5]\n    rollback:\n      latency: \"<9ms\"\n", 10,
		       "is written as \">100ms\"");
	expect_refused(HEAD "  progressiveDeployment:\n    schedule: [5]\n    rollback:\n      errorRate: \">0.5ms\"\n", 10,
		       "A limit of `errorRate` is a share, and not a time. Write it as \">0.01\".");
	expect_refused(HEAD "  progressiveDeployment:\n    stages:\n    - weight: 5\n      duration: 5m\n"
			    "      successCriteria: {errorRate: \"<0.5ms\"}\n", 11, "Write it as \"<0.01\".");
	expect_refused(HEAD "  progressiveDeployment:\n    schedule: [5]\n    rollback:\n      latency: \">1%\"\n", 10,
		       "is a time, and not a share. Write it as \">100ms\".");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [100], gate: better}\n", 7, "Begin with a smaller weight");
	expect_refused(HEAD "  successCriteria:\n  - {metricName: profit, threshold: 1, operator: \"==\"}\n"
			    "  progressiveDeployment: {schedule: [5]}\n",
		       8, "the mean of `profit` == 1");
	expect_refused(HEAD "  exposures: thin\n  successCriteria:\n  - {metricName: profit, threshold: 1, operator: \">\"}\n"
			    "  progressiveDeployment: {schedule: [5]}\n",
		       10, "judges the profit");
	expect_refused(HEAD "  successCriteria:\n  - {metricName: profit, threshold: 1, operator: \">\"}\n"
			    "  progressiveDeployment: {schedule: [100], gate: better}\n",
		       9, "their profit cannot be compared");
	expect_refused(HEAD "  successCriteria:\n  - {metricName: accuracy, threshold: 0.5, operator: \"<\"}\n"
			    "  progressiveDeployment: {schedule: [5]}\n", 8, "Write > or >=");
	expect_refused("apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		       "  candidates: [{name: old, weight: 1}]\n  progressiveDeployment: {schedule: [5]}\n", 6, "has no default");
	expect_refused("apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		       "  default: old\n  candidates: [{name: old, weight: 1}]\n  progressiveDeployment: {schedule: [5]}\n",
		       5, "no candidate beside the default `old`");
}

/* ---- metrics of feedback ---- */

static void expect_mean(size_t index, enum rollout_rule_kind kind, const char *metric, double limit, bool below)
{
	const struct rollout_rule *rule = &plan.stages[0].rules[index];
	expect_rule(0, index, kind, limit, false);
	assert_string_equal(rollout_rule_metric(&plan, rule), metric);
	assert_int_equal(rule->below, below);
}

static void criteria_may_be_of_metrics_of_feedback(void **state)
{
	(void)state;
	plan_take(HEAD "  successCriteria:\n  - {metricName: profit, threshold: -1.5, operator: \">=\"}\n"
		       "  - {metricName: reward, threshold: 7, operator: \"<\"}\n"
		       "  - {metricName: profit, threshold: 100, operator: \"<\"}\n"
		       "  progressiveDeployment: {schedule: [5]}\n");
	assert_int_equal(plan.metric_count, 2);
	expect_mean(0, RULE_MEAN, "profit", -1.5, false);
	expect_mean(1, RULE_MEAN, "reward", 7, true);
	expect_mean(2, RULE_MEAN, "profit", 100, true);
	assert_null(rollout_rule_metric(&plan, &plan.stages[0].rules[3]));
}

/* Not the accuracy: nobody has to send it. */
static void the_gate_better_compares_what_the_criteria_name(void **state)
{
	const char *profit = HEAD "  successCriteria: [{metricName: profit, threshold: 1, operator: \">\"}]\n"
				  "  progressiveDeployment: {schedule: [5], gate: better}\n";
	(void)state;
	plan_take(profit);
	assert_int_equal(plan.stages[0].rule_count, 5);
	expect_mean(4, RULE_MEAN_BESIDE, "profit", 0, false);
	plan_take(HEAD "  successCriteria: [{metricName: loss, threshold: 1, operator: \"<\"}, "
		       "{metricName: accuracy, threshold: 0.5, operator: \">\"}]\n"
		       "  progressiveDeployment: {schedule: [5], gate: better}\n");
	assert_int_equal(plan.stages[0].rule_count, 7);
	expect_mean(5, RULE_MEAN_BESIDE, "loss", 0, true);
	expect_rule(0, 6, RULE_ACCURACY_BESIDE, 0, false);
	plan_take(HEAD "  successCriteria: [{metricName: cost, threshold: 9, operator: \"<\"}, "
		       "{metricName: cost, threshold: 1, operator: \">\"}]\n"
		       "  progressiveDeployment: {schedule: [5], gate: better}\n");
	assert_int_equal(plan.stages[0].rule_count, 6); /* it cannot be below the default's and above it */
	expect_mean(5, RULE_MEAN_BESIDE, "cost", 0, true);
}

static uint64_t hash_of_criterion(const char *metric, const char *operator)
{
	char yaml[1024];
	(void)snprintf(yaml, sizeof yaml,
		       HEAD "  successCriteria: [{metricName: %s, threshold: 0.5, operator: \"%s\"}]\n"
			    "  progressiveDeployment: {schedule: [5]}\n",
		       metric, operator);
	plan_take(yaml);
	return rollout_plan_hash(&plan);
}

static void another_metric_or_side_is_another_plan(void **state)
{
	(void)state;
	const uint64_t hash = hash_of_criterion("profit", ">");
	assert_true(hash == hash_of_criterion("profit", ">="));
	assert_true(hash != hash_of_criterion("profit", "<"));
	assert_true(hash != hash_of_criterion("profits", ">"));
}

/* Each percentile is held against the share of requests that may be slower. */
static void a_criterion_may_be_of_any_percentile_of_the_latency(void **state)
{
	static const struct {
		const char *metric, *name;
		double share;
	} percentiles[] = {{"latency_p95", "latency", 0.05},
			   {"latency_p99", "latency_p99", 0.01},
			   {"latency_p50", "latency_p50", 0.5},
			   {"latency_p1", "latency_p1", 0.99}};
	char room[ROLLOUT_RULE_NAME_BYTES];
	uint64_t hashes[4];
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		hashes[i] = hash_of_criterion(percentiles[i].metric, "<");
		const struct rollout_rule *rule = &plan.stages[0].rules[0];
		expect_rule(0, 0, RULE_LATENCY, 0.5, false);
		assert_true(fabs(rollout_rule_slow_share(rule) - percentiles[i].share) < 1e-15);
		assert_string_equal(rollout_rule_name(rule, room), percentiles[i].name);
		assert_int_equal(plan.metric_count, 0); /* no feedback is asked for it */
		for (size_t j = 0; j < i; j++)
			assert_true(hashes[i] != hashes[j]);
	}
	plan_take(HEAD "  successCriteria: [{metricName: latency_per_token, threshold: 30, operator: \"<\"}]\n"
		       "  progressiveDeployment: {schedule: [5]}\n");
	assert_int_equal(plan.stages[0].rules[0].kind, RULE_MEAN);
}

static void a_percentile_that_no_rollout_judges_is_refused(void **state)
{
	static const char *const names[] = {"latency_p0", "latency_p100", "latency_p99.9", "latency_p05"};
	char yaml[1024];
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		(void)snprintf(yaml, sizeof yaml,
			       HEAD "  successCriteria: [{metricName: %s, threshold: 100, operator: \"<\"}]\n"
				    "  progressiveDeployment: {schedule: [5]}\n",
			       names[i]);
		expect_refused(yaml, 7, "from latency_p1 to latency_p99, and not `latency_p");
	}
}

/* ---- promotion policies ---- */

#define WEIGHTS                                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                    \
	"  default: old\n  candidates: [{name: old, weight: 70}, {name: new, weight: 20}, {name: newer, weight: 10}]\n"
#define CRITERIA                                                                                                                   \
	"  successCriteria: [{metricName: latency_p95, threshold: 100, operator: \"<\"}, "                                         \
	"{metricName: accuracy, threshold: 0.6, operator: \">\"}]\n"

static void a_policy_without_stages_is_one_stage_at_the_candidates_weights(void **state)
{
	(void)state;
	plan_take(WEIGHTS CRITERIA "  promotionPolicy: {automatic: true, interval: 2h, promotionThreshold: 0.8}\n");
	assert_int_equal(plan.stage_count, 1);
	assert_int_equal(plan.candidates, 2);
	assert_true(fabs(plan.stages[0].percent - 30) < 1e-9);
	assert_int_equal(plan.stages[0].duration_ms, 120 * MINUTE_MS);
	assert_true(plan.stages[0].at_ends && !plan.stages[0].approve);
	assert_int_equal(plan.check_every_ms, ROLLOUT_CHECK_MS);
	assert_int_equal(plan.stages[0].rule_count, 6);
	expect_rule(0, 0, RULE_LATENCY, 100, false);
	expect_rule(0, 1, RULE_ACCURACY, 0.6, false);
	expect_rule(0, 4, RULE_ACCURACY_BESIDE, 0.05, true);
	expect_rule(0, 5, RULE_BETTER, 0.8, false);
	assert_int_equal(plan.stages[0].rules[5].of, 0); /* the first of the criteria */
	assert_false(plan.stages[0].rules[0].only_rolls_back);
	plan_take(WEIGHTS "  promotionPolicy: {promotionThreshold: 0.9, gate: threshold}\n");
	assert_int_equal(plan.stages[0].duration_ms, 60 * MINUTE_MS);
	assert_true(plan.stages[0].approve);
	assert_int_equal(plan.stages[0].rules[3].of, 2); /* the accuracy */
	assert_true(plan.stages[0].rules[0].only_rolls_back && plan.stages[0].rules[2].only_rolls_back);
	assert_false(plan.stages[0].rules[3].only_rolls_back);
	plan_take(WEIGHTS "  promotionPolicy: {automatic: true}\n  progressiveDeployment: {checkEvery: 5s, rollback: {errorRate: "
			  "\">3%\"}}\n");
	assert_int_equal(plan.check_every_ms, 5000);
	expect_rule(0, 0, RULE_ERROR_RATE, 0.03, true);
}

static void another_weight_is_another_plan_of_a_policy(void **state)
{
	(void)state;
	plan_take(HEAD "  promotionPolicy: {}\n");
	const uint64_t hash = rollout_plan_hash(&plan);
	plan_take(WEIGHTS "  promotionPolicy: {}\n");
	const uint64_t weighed = rollout_plan_hash(&plan);
	plan_take("apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
		  "  candidates: [{name: old, weight: 70}, {name: new, weight: 10}, {name: newer, weight: 20}]\n"
		  "  promotionPolicy: {}\n");
	assert_true(hash != weighed && weighed != rollout_plan_hash(&plan));
	assert_true(fabs(plan.stages[0].percent - 30) < 1e-9);
}

static void a_policy_beside_stages_adds_to_their_rules(void **state)
{
	(void)state;
	plan_take(HEAD "  promotionPolicy: {promotionThreshold: 0.8, gate: threshold}\n"
		       "  progressiveDeployment: {schedule: [5, 50, 100]}\n");
	assert_int_equal(plan.stage_count, 3);
	expect_rule(0, 3, RULE_BETTER, 0.8, false);
	expect_rule(1, 3, RULE_BETTER, 0.8, false);
	assert_int_equal(plan.stages[2].rule_count, 3); /* nothing to compare with */
	assert_true(plan.stages[1].rules[0].only_rolls_back && !plan.stages[2].rules[0].only_rolls_back);
	assert_true(!plan.stages[0].approve && !plan.stages[1].approve && plan.stages[2].approve);
	assert_false(plan.stages[0].at_ends);
	plan_take(HEAD "  promotionPolicy: {automatic: true}\n  progressiveDeployment: {schedule: [5]}\n");
	assert_false(plan.stages[0].approve);
}

static void policies_that_cannot_hold_are_refused(void **state)
{
	(void)state;
	expect_refused(HEAD "  promotionPolicy: {interval: 10s}\n", 7,
		       "The interval of the promotion policy lasts 10000 ms, and is checked every 30000 ms. Write a longer one, "
		       "or a shorter checkEvery in `progressiveDeployment`, which needs no stages then.");
	plan_take(HEAD "  promotionPolicy: {interval: 10s}\n  progressiveDeployment: {checkEvery: 5s}\n"); /* as it says */
	assert_true(plan.stages[0].at_ends && plan.stages[0].duration_ms == 10000 && plan.check_every_ms == 5000);
	expect_refused(HEAD "  promotionPolicy:\n    gate: threshold\n", 8, "has no threshold");
	expect_refused(HEAD "  promotionPolicy:\n    promotionThreshold: 1\n", 8, "below 1");
	expect_refused(HEAD "  progressiveDeployment: {schedule: [5]}\n  promotionPolicy:\n    interval: 1h\n", 9,
		       "the stages have durations");
	expect_refused(HEAD "  onInconclusive: promote\n  promotionPolicy: {interval: 1h}\n", 8, "automatic: true");
	expect_refused("apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
		       "  candidates:\n  - {name: old, weight: 0}\n  - {name: new, weight: 1}\n"
		       "  promotionPolicy: {promotionThreshold: 0.9}\n", 9, "Give the default a weight");
	expect_refused("apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
		       "  candidates:\n  - {name: old, weight: 1}\n  - {name: new, weight: 0}\n  promotionPolicy: {}\n", 8,
		       "`new` has the weight 0");
	expect_refused("apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		       "  candidates: [{name: old, weight: 1}]\n  promotionPolicy: {}\n", 6, "has no default");
	expect_refused(HEAD "  exposures: off\n  promotionPolicy: {promotionThreshold: 0.9}\n", 8, "`exposures` leaves them out");
}

/* `count` times a text, after `head` and before `tail`. */
static const char *repeated(const char *head, size_t count, const char *item, const char *tail)
{
	buffer_clear(&out);
	buffer_string(&out, head);
	for (size_t i = 0; i < count; i++)
		buffer_print(&out, item, i);
	buffer_string(&out, tail);
	buffer_byte(&out, '\0');
	return out.bytes;
}

static void choices_are_in_the_order_of_the_shares(void **state)
{
	(void)state;
	struct rollout_choices choices;
	struct error error = {0};
	planning_open(&planning, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
				 "  default: b\n  candidates: [{name: a, weight: 1}, {name: b, weight: 2}, {name: c, weight: 1}]\n"
				 "  progressiveDeployment: {schedule: [50]}\n");
	const struct experiment_spec *experiment = planning.spec.resources[0]->spec;
	assert_true(rollout_plan_make(experiment, &plan, &error));
	assert_true(rollout_choices_find(experiment, &plan, &choices));
	assert_int_equal(choices.count, 3);
	assert_int_equal(choices.control, 1);
	assert_int_equal(choices.candidates[0], 0);
	assert_int_equal(choices.candidates[1], 2);
	assert_string_equal(choices.shares[choices.candidates[1]].name, "c");
	plan.candidates = 1; /* of another experiment */
	assert_false(rollout_choices_find(experiment, &plan, &choices));
	plan.candidates = 3;
	assert_false(rollout_choices_find(experiment, &plan, &choices));
	planning_close(&planning);
}

#define SEVERAL(weights, rollout)                                                                                                  \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n" weights rollout
#define THREE(b, c, d)                                                                                                             \
	"  candidates: [{name: b, weight: " b "}, {name: c, weight: " c "}, {name: d, weight: " d "}, {name: a, weight: 5}]\n"
#define STAGED "  progressiveDeployment: {schedule: [50]}\n"

static uint64_t hash_taken(const char *yaml)
{
	plan_take(yaml);
	return rollout_plan_hash(&plan);
}

/* Nothing could be shown of it, so no stage would end. */
static void a_candidate_without_a_weight_is_not_judged(void **state)
{
	(void)state;
	struct rollout_choices choices;
	struct error error = {0};
	planning_open(&planning, SEVERAL(THREE("9", "0", "1"), STAGED));
	const struct experiment_spec *experiment = planning.spec.resources[0]->spec;
	assert_true(rollout_plan_make(experiment, &plan, &error));
	assert_true(rollout_choices_find(experiment, &plan, &choices));
	assert_int_equal(plan.candidates, 2);
	assert_int_equal(choices.count, 4);
	assert_int_equal(choices.control, 3);
	assert_string_equal(choices.shares[choices.candidates[0]].name, "b");
	assert_string_equal(choices.shares[choices.candidates[1]].name, "d");
	assert_float_equal(choices.shares[0].weight, 90, 1e-9);
	assert_true(choices.shares[1].weight == 0 && choices.shares[3].weight == 0);
	planning_close(&planning);
	plan_take(SEVERAL(THREE("0", "0", "0"), STAGED));
	assert_int_equal(plan.candidates, 3);
}

static void other_parts_of_the_candidates_are_another_plan(void **state)
{
	(void)state;
	const uint64_t one = hash_taken(SEVERAL(THREE("9", "3", "6"), STAGED));
	assert_true(one == hash_taken(SEVERAL(THREE("90", "30", "60"), STAGED)));
	assert_true(one != hash_taken(SEVERAL(THREE("9", "6", "3"), STAGED)));
	assert_true(one != hash_taken(SEVERAL(THREE("9", "3", "0"), STAGED)));
	assert_true(hash_taken(SEVERAL(THREE("7", "7", "7"), STAGED)) == hash_taken(SEVERAL(THREE("0", "0", "0"), STAGED)));
}

static void limits_of_a_plan_hold_at_their_edge(void **state)
{
	(void)state;
	const char *head = HEAD "  progressiveDeployment: {schedule: [", *tail = "100]}\n";
	plan_take(repeated(head, ROLLOUT_STAGES_MAX - 1, "%zu.5, ", tail));
	expect_refused(repeated(head, ROLLOUT_STAGES_MAX, "%zu.5, ", tail), 7, "33 stages, and at most 32");
	head = HEAD "  progressiveDeployment: {schedule: [5]}\n  successCriteria:\n";
	const char *criterion = "  - {metricName: error_rate, threshold: 0.%zu1, operator: \"<\"}\n";
	plan_take(repeated(head, ROLLOUT_RULES_MAX - 3, criterion, ""));
	assert_int_equal(plan.stages[0].rule_count, ROLLOUT_RULES_MAX);
	expect_refused(repeated(head, ROLLOUT_RULES_MAX - 2, criterion, ""), 7, "more than 16 criteria");
	criterion = "  - {metricName: m%zu, threshold: 1, operator: \">\"}\n";
	plan_take(repeated(head, EXPERIMENT_METRICS_MAX, criterion, ""));
	assert_int_equal(plan.metric_count, EXPERIMENT_METRICS_MAX);
	expect_refused(repeated(head, EXPERIMENT_METRICS_MAX + 1, criterion, ""), 7, "name 5 metrics of feedback");
	const char *end = ", threshold: 1, operator: \">\"}\n";
	head = HEAD "  progressiveDeployment: {schedule: [5]}\n  successCriteria:\n  - {metricName: ";
	plan_take(repeated(head, ROLLOUT_METRIC_BYTES_MAX, "m", end));
	expect_refused(repeated(head, ROLLOUT_METRIC_BYTES_MAX + 1, "m", end), 7, "more than 64 bytes");
	head = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
	       "  progressiveDeployment: {schedule: [5]}\n  candidates:\n";
	plan_take(repeated(head, ROLLOUT_CANDIDATES_MAX, "  - {name: c%zu, weight: 1}\n", ""));
	expect_refused(repeated(head, ROLLOUT_CANDIDATES_MAX + 1, "  - {name: c%zu, weight: 1}\n", ""), 6, "9 candidates");
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
		cmocka_unit_test(a_stage_has_its_criteria_those_of_all_and_the_triggers),
		cmocka_unit_test(a_schedule_is_stages_of_one_duration),
		cmocka_unit_test(a_plan_is_of_its_default_and_its_candidates),
		cmocka_unit_test(bad_plans_are_refused_with_place_and_next_step),
		cmocka_unit_test(criteria_may_be_of_metrics_of_feedback),
		cmocka_unit_test(the_gate_better_compares_what_the_criteria_name),
		cmocka_unit_test(another_metric_or_side_is_another_plan),
		cmocka_unit_test(a_criterion_may_be_of_any_percentile_of_the_latency),
		cmocka_unit_test(a_percentile_that_no_rollout_judges_is_refused),
		cmocka_unit_test(a_policy_without_stages_is_one_stage_at_the_candidates_weights),
		cmocka_unit_test(another_weight_is_another_plan_of_a_policy),
		cmocka_unit_test(a_policy_beside_stages_adds_to_their_rules),
		cmocka_unit_test(policies_that_cannot_hold_are_refused),
		cmocka_unit_test(choices_are_in_the_order_of_the_shares),
		cmocka_unit_test(a_candidate_without_a_weight_is_not_judged),
		cmocka_unit_test(other_parts_of_the_candidates_are_another_plan),
		cmocka_unit_test(limits_of_a_plan_hold_at_their_edge),
	};
	return cmocka_run_group_tests(tests, buffer_begin, buffer_end);
}
