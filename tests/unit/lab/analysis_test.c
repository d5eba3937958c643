/* analysis_test.c: Tests of the analysis of a metric: numbers against statistics, decisions, and A/A runs that are
 * looked at after each value. ANALYSIS_RUNS=2000 makes the simulated runs the long ones of `make long`. */
#include "experiments/analysis/analysis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "comparison/statistics/fixed_horizon.h"
#include "methods/bandits/best_arm.h"
#include "experiments/analysis/report.h"
#include "methods/statistics/distribution.h"

#define UNITS_MAX 60000
#define VALUES_MAX 200000
#define SHORT_RUNS 200
#define FALSE_SHARE 0.065 /* of A/A runs: 130 of 2,000 */

static struct arena *arena;
static struct analysis_unit *units;
static struct analysis_value *values;
static struct analysis_input input;

static int setup(void **state)
{
	(void)state;
	arena = arena_open((size_t)256 << 20);
	units = calloc(UNITS_MAX, sizeof *units);
	values = calloc(VALUES_MAX, sizeof *values);
	return arena && units && values ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_close(arena);
	free(units);
	free(values);
	return 0;
}

static void begin(size_t arms, size_t epochs)
{
	arena_reset(arena);
	input = (struct analysis_input){.arms = arms, .epochs = epochs, .units = units, .values = values};
}

static uint32_t unit_new(uint32_t epoch, uint32_t arm, double covariate)
{
	assert_true(input.unit_count < UNITS_MAX);
	units[input.unit_count] = (struct analysis_unit){epoch, arm, covariate, (uint32_t)input.unit_count, 0};
	input.cluster_count = input.unit_count + 1;
	return (uint32_t)input.unit_count++;
}

static void value_new(uint32_t unit, double value)
{
	assert_true(input.value_count < VALUES_MAX);
	values[input.value_count] = (struct analysis_value){(int64_t)input.value_count * 1000, unit, value, 0.5, UINT32_MAX, false};
	input.value_count++;
}

static struct analysis_options usual(void)
{
	return (struct analysis_options){.alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL};
}

static struct metric_analysis analysed(struct analysis_options options)
{
	struct metric_analysis analysis;
	assert_true(metric_analyse(&input, &options, arena, &analysis));
	return analysis;
}

static bool near(double got, double wanted)
{
	return fabs(got - wanted) <= 1e-9 * fmax(1, fabs(wanted));
}

static size_t runs(void)
{
	const char *wanted = getenv("ANALYSIS_RUNS");
	return wanted ? (size_t)strtoul(wanted, NULL, 10) : SHORT_RUNS;
}

/* ---- numbers ---- */

static void requests_of_a_unit_count_as_their_mean(void **state)
{
	(void)state;
	begin(2, 1);
	for (uint32_t i = 0; i < 400; i++) {
		const uint32_t unit = unit_new(0, i % 2, NAN);
		value_new(unit, 10 + (i % 7) + 2 * (i % 2));
		if (i % 3 == 0)
			value_new(unit, 12 + (i % 7) + 2 * (i % 2));
	}
	struct moments arms[2] = {{0}, {0}};
	for (uint32_t i = 0; i < 400; i++)
		moments_add(&arms[i % 2], 10 + (i % 7) + 2 * (i % 2) + (i % 3 == 0 ? 1 : 0));
	const struct metric_analysis analysis = analysed(usual());
	const struct pair_analysis *pair = &analysis.pairs[0];
	assert_int_equal(analysis.pair_count, 1);
	assert_int_equal(analysis.arms[0].units, 200);
	assert_int_equal(analysis.arms[1].units, 200);
	assert_true(near(analysis.arms[1].mean, arms[1].mean));
	const struct t_test welch = welch_test(&arms[0], &arms[1], ANALYSIS_ALPHA);
	assert_true(near(pair->welch.p, welch.p));
	assert_true(near(pair->welch.difference, welch.difference));
	assert_true(near(pair->effect.cohen, effect_size(&arms[0], &arms[1]).cohen));
	assert_true(near(pair->threshold, 0.05 * arms[0].mean));
	assert_true(near(pair->estimate, welch.difference));
	assert_int_equal(pair->state, PAIR_BETTER);
	assert_true(pair->sequence.p < 1e-6 && pair->better > 0.999 && pair->loss_treatment < 1e-6);
	assert_true(near(pair->loss_control, welch.difference) || pair->loss_control > 1.9);
	assert_true(pair->improvement.defined);
	assert_true(near(pair->improvement.estimate, welch.difference / arms[0].mean));
	/* It holds at every look, so it is wider than at one. */
	const struct improvement once = improvement_of_means(arms[0].mean, moments_variance(&arms[0], 1) / 200, arms[1].mean,
							     moments_variance(&arms[1], 1) / 200, ANALYSIS_ALPHA);
	assert_true(pair->improvement.interval.low < once.interval.low && pair->improvement.interval.high > once.interval.high);
	assert_true(pair->point_count > 0 && pair->points[pair->point_count - 1].units <= 400);
}

static void rates_have_the_tests_of_rates(void **state)
{
	(void)state;
	begin(3, 1);
	struct rate rates[3] = {{0}};
	for (uint32_t i = 0; i < 3000; i++) {
		const uint32_t arm = i % 3;
		const double hit = (i / 3) % 10 < 3 + arm;
		value_new(unit_new(0, arm, NAN), hit);
		rates[arm].successes += hit;
		rates[arm].trials++;
	}
	struct analysis_options options = usual();
	options.role = ROLE_PRIMARY;
	const struct metric_analysis analysis = analysed(options);
	assert_true(analysis.rates);
	assert_int_equal(analysis.pair_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct pair_analysis *pair = &analysis.pairs[i];
		const struct rate_test test = rate_test(rates[0], rates[i + 1], ANALYSIS_ALPHA / 2);
		assert_true(pair->has_rates);
		assert_true(near(pair->alpha, ANALYSIS_ALPHA / 2)); /* two treatments share it */
		assert_true(near(pair->rates.p, test.p));
		assert_true(near(pair->rates.newcombe.low, test.newcombe.low));
	}
	assert_true(near(analysis.arms[0].best + analysis.arms[1].best + analysis.arms[2].best, 1));
	assert_true(analysis.arms[2].best > 0.99);
	options.lower_is_better = true;
	const struct metric_analysis lower = analysed(options);
	assert_true(lower.arms[0].best > 0.99);
	assert_int_equal(lower.pairs[1].state, PAIR_WORSE);
	assert_true(near(lower.pairs[1].better + analysis.pairs[1].better, 1));
}

/* Of units in turn, so many of ten of the treatment have the value 1, and of the control. */
static struct pair_analysis rates_compared(unsigned control, unsigned treatment)
{
	begin(2, 1);
	for (uint32_t i = 0; i < 400; i++)
		value_new(unit_new(0, i % 2, NAN), i / 2 % 10 < (i % 2 ? treatment : control));
	return analysed(usual()).pairs[0];
}

static void a_rate_of_none_or_all_is_decided(void **state)
{
	(void)state;
	const struct pair_analysis none = rates_compared(3, 0), all = rates_compared(7, 10);
	assert_int_equal(none.state, PAIR_WORSE);
	assert_true(near(none.estimate, -0.3) && none.sequence.p < 1e-10 && none.sequence.interval.high < -0.15);
	assert_int_equal(all.state, PAIR_BETTER);
	assert_true(near(all.estimate, 0.3) && all.sequence.p < 1e-10 && all.sequence.interval.low > 0.15);
	const struct pair_analysis absent = rates_compared(0, 3);
	assert_true(absent.state == PAIR_BETTER && absent.threshold == 0 && !absent.improvement.defined);
	const struct pair_analysis same = rates_compared(0, 0);
	assert_int_equal(same.state, PAIR_EARLY); /* values that are all 0 may be of any metric */
	assert_string_equal(report_obstacle(&(struct report_metric){0}, &same),
			    "each variant has one value only, which does not vary");
}

static void epochs_are_compared_within(void **state)
{
	(void)state;
	begin(2, 2);
	/* The second epoch is ten higher and has more of the treatment: pooled, the treatment would look better. */
	for (uint32_t epoch = 0; epoch < 2; epoch++)
		for (uint32_t i = 0; i < 4000; i++)
			value_new(unit_new(epoch, epoch == 0 ? i % 8 == 0 : i % 8 != 0, NAN), 100 + 10 * epoch + (i / 8) % 5);
	const struct metric_analysis analysis = analysed(usual());
	assert_true(fabs(analysis.pairs[0].estimate) < 0.2);
	assert_int_equal(analysis.pairs[0].state, PAIR_EQUAL);
	assert_true(analysis.pairs[0].sequence.p > 0.05);
}

static void a_covariate_takes_variance_off(void **state)
{
	struct random chance = {7};
	(void)state;
	begin(2, 1);
	for (uint32_t i = 0; i < 2000; i++) {
		const double before = normal_draw(&chance);
		value_new(unit_new(0, i % 2, before), 20 + 3 * before + normal_draw(&chance) + 0.3 * (i % 2));
	}
	struct analysis_options options = usual();
	const struct metric_analysis plain = analysed(options);
	options.covariate = true;
	const struct metric_analysis cuped = analysed(options);
	assert_true(cuped.pairs[0].reduction > 0.85 && cuped.pairs[0].reduction < 0.95);
	assert_true(fabs(cuped.pairs[0].theta - 3) < 0.1);
	const struct interval wide = plain.pairs[0].sequence.interval, narrow = cuped.pairs[0].sequence.interval;
	assert_true(narrow.high - narrow.low < 0.5 * (wide.high - wide.low));
	assert_true(narrow.low < 0.3 && narrow.high > 0.3);
	/* The chances too: with 1,000 units each the difference has a standard deviation of .14, and .045 without the covariate. */
	assert_true(plain.pairs[0].better < 0.9999 && cuped.pairs[0].better > 1 - 1e-6);
	assert_true(plain.arms[1].best < 0.9999 && cuped.arms[1].best > 1 - 1e-6);
	assert_true(cuped.pairs[0].loss_treatment < 1e-6 && cuped.pairs[0].loss_treatment < plain.pairs[0].loss_treatment);
}

/* Of two arms the better one is the best one. The covariate is higher in the second epoch, whose weights are others. */
static void a_covariate_is_in_the_chance_to_be_the_best_of_all_epochs(void **state)
{
	struct random chance = {11};
	(void)state;
	begin(2, 2);
	for (uint32_t i = 0; i < 6000; i++) {
		const uint32_t epoch = i >= 3000, arm = i % 4 < (epoch ? 3 : 1);
		const double before = 5 * epoch + normal_draw(&chance);
		value_new(unit_new(epoch, arm, before), 20 + 3 * before + normal_draw(&chance) + 0.04 * arm);
	}
	struct analysis_options options = usual();
	options.covariate = true;
	const struct metric_analysis two = analysed(options);
	assert_true(two.pairs[0].strata == 2 && two.pairs[0].better > 0.01 && two.pairs[0].better < 0.999);
	assert_true(fabs(two.arms[1].best - two.pairs[0].better) < 1e-4);
	assert_true(near(two.arms[0].best + two.arms[1].best, 1));
}

/* Far from 0, where a unit without the covariate that counted as 0 would be all of its variance. */
static void units_without_the_covariate_count_as_its_mean(void **state)
{
	struct random chance = {7};
	(void)state;
	begin(2, 1);
	for (uint32_t i = 0; i < 4000; i++) {
		const double before = 1000 + 10 * normal_draw(&chance);
		value_new(unit_new(0, i % 2, i % 10 == 0 || i == 3001 ? (double)NAN : before),
			  before + 3 * normal_draw(&chance) + 2 * (i % 2));
	}
	struct analysis_options options = usual();
	options.covariate = true;
	const struct metric_analysis cuped = analysed(options);
	assert_int_equal(cuped.pairs[0].units_lacking, 401);
	assert_true(fabs(cuped.pairs[0].theta - 1) < 0.03);
	assert_true(cuped.pairs[0].reduction > 0.78 && cuped.pairs[0].reduction < 0.87); /* .9 of that with all: 100 / 109 */
	const struct interval interval = cuped.pairs[0].sequence.interval;
	assert_true(interval.low < 2 && interval.high > 2);
	assert_true(interval.low > 0);
}

/* Units of two arms, whose values are multiplied by the unit in which they are sent. */
static struct metric_analysis analysed_in_unit(uint64_t seed, double unit, bool covariate, bool adaptive)
{
	struct random chance = {seed};
	const double difference = (double)(seed % 3) * 0.2;
	struct analysis_options options = usual();
	begin(2, 1);
	for (uint32_t i = 0; i < 1200; i++) {
		const double before = normal_draw(&chance), value = 4 + before + normal_draw(&chance) + difference * (i % 2);
		value_new(unit_new(0, i % 2, before * unit), value * unit);
	}
	options.covariate = covariate;
	options.adaptive = adaptive;
	return analysed(options);
}

/* No number that a report shows as one: an underflow, or an overflow, would be such. */
static void expect_nothing_is_concluded(const struct metric_analysis *analysis, bool adaptive)
{
	const struct pair_analysis *pair = &analysis->pairs[0];
	assert_int_equal(pair->state, PAIR_EARLY);
	assert_true(pair->sequence.p == 1 && isnan(pair->estimate) && isnan(pair->better));
	assert_true(adaptive || isnan(pair->welch.p));
	assert_true(isnan(pair->loss_treatment) && isnan(pair->loss_control) && !pair->improvement.defined);
	assert_true(isnan(analysis->arms[0].best) && isnan(analysis->arms[1].best));
	assert_non_null(report_obstacle(&(struct report_metric){0}, pair));
	assert_non_null(strstr(report_obstacle(&(struct report_metric){0}, pair), "for a variance"));
}

static void a_decision_does_not_depend_on_the_unit_of_the_values(void **state)
{
	struct random chance = {3};
	size_t concluded = 0;
	(void)state;
	for (size_t run = 0; run < runs(); run++) {
		const int power = (int)(random_next(&chance) % 611) - 310;
		const bool covariate = run % 2, adaptive = run % 5 == 4;
		const struct metric_analysis plain = analysed_in_unit(run, 1, covariate, adaptive);
		const struct pair_analysis wanted = plain.pairs[0];
		const double best = plain.arms[1].best;
		const struct metric_analysis scaled = analysed_in_unit(run, pow(10, power), covariate, adaptive);
		const struct pair_analysis *pair = &scaled.pairs[0];
		if (power < -101 || power > 139) {
			expect_nothing_is_concluded(&scaled, adaptive);
			continue;
		}
		if (power < -99 || power > 138)
			continue; /* at the limits */
		concluded++;
		assert_int_equal(pair->state, wanted.state);
		assert_true(fabs(pair->sequence.p - wanted.sequence.p) < 1e-6 && fabs(pair->better - wanted.better) < 1e-6);
		assert_true(adaptive || fabs(pair->welch.p - wanted.welch.p) < 1e-6);
		assert_true(fabs(pair->reduction - wanted.reduction) < 1e-6 && fabs(scaled.arms[1].best - best) < 1e-6);
		assert_true(fabs(pair->estimate / pow(10, power) - wanted.estimate) < 1e-6);
	}
	assert_true(concluded > runs() / 5);
}

static void guardrails_are_one_sided(void **state)
{
	(void)state;
	begin(3, 1);
	for (uint32_t i = 0; i < 30000; i++) {
		static const double means[] = {100, 99, 90};
		value_new(unit_new(0, i % 3, NAN), means[i % 3] + (i / 3) % 5);
	}
	struct analysis_options options = usual();
	options.role = ROLE_GUARDRAIL;
	const struct metric_analysis analysis = analysed(options);
	assert_int_equal(pair_guardrail(&analysis.pairs[0], false), GUARDRAIL_KEPT);
	assert_int_equal(pair_guardrail(&analysis.pairs[1], false), GUARDRAIL_BROKEN);
	assert_int_equal(pair_guardrail(&analysis.pairs[1], true), GUARDRAIL_KEPT);
	assert_true(near(analysis.pairs[0].alpha, ANALYSIS_ALPHA)); /* each has alpha to itself */
	begin(2, 1);
	value_new(unit_new(0, 0, NAN), 1);
	const struct metric_analysis early = analysed(options);
	assert_int_equal(early.pairs[0].state, PAIR_EARLY);
	assert_int_equal(pair_guardrail(&early.pairs[0], false), GUARDRAIL_OPEN);
}

static void units_to_decide_shrink_with_the_difference(void **state)
{
	struct moments control = {0}, treatment = {0};
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		moments_add(&control, i % 5);
		moments_add(&treatment, i % 5);
	}
	const double small = units_to_decide(&control, &treatment, false, 0.01, 0.05, 0.05);
	const double large = units_to_decide(&control, &treatment, false, 0.01, 0.05, 0.2);
	assert_true(small > 4 * large && large > 400);
	assert_true(isnan(units_to_decide(&control, &treatment, false, 0.01, 0.05, 0)));
}

/* The same units, with an offset of their values and of their covariates, as times in milliseconds have. */
static struct pair_analysis offset_run(double offset, double covariate_offset)
{
	struct random chance = {4242};
	struct analysis_options options = usual();
	options.covariate = true;
	begin(2, 1);
	for (uint32_t i = 0; i < 20000; i++) {
		const double covariate = floor(1024 * normal_draw(&chance)) / 1024; /* exact with the offset, too */
		const double value = floor(1024 * (covariate + 0.5 * normal_draw(&chance) + 0.02 * (i % 2))) / 1024;
		value_new(unit_new(0, i % 2, covariate + covariate_offset), value + offset);
	}
	return analysed(options).pairs[0];
}

static void numbers_far_from_0_lose_no_digits(void **state)
{
	(void)state;
	const struct pair_analysis wanted = offset_run(0, 0), covariates = offset_run(0, 1e12), both = offset_run(1e12, 1e12);
	assert_true(near(covariates.theta, wanted.theta) && near(covariates.reduction, wanted.reduction));
	assert_true(near(covariates.estimate, wanted.estimate) && near(covariates.welch.t, wanted.welch.t));
	assert_true(near(both.theta, wanted.theta) && near(both.reduction, wanted.reduction));
	assert_true(fabs(both.estimate - wanted.estimate) <= 2.5e-4); /* two means of 1e12, each rounded to 1.2e-4 */
	assert_true(fabs(both.sequence.variance / wanted.sequence.variance - 1) < 1e-6);
}

/* As a number that stands for none, which nobody took out. */
static void a_number_that_is_huge_costs_the_other_arm_no_digits(void **state)
{
	(void)state;
	begin(2, 1);
	for (uint32_t i = 0; i < 1000; i++)
		value_new(unit_new(0, i % 2, NAN), i == 501 ? 0x1p63 : 0.25 + 0.5 * (i / 2 % 2));
	const struct metric_analysis analysis = analysed(usual());
	assert_true(near(analysis.arms[0].mean, 0.5) && near(analysis.arms[0].sd, sqrt(0.0625 * 500 / 499)));
}

/* ---- simulated runs ---- */

#define USERS 600

/* Users with a level of their own make several requests, in epochs of changing weights; the history is read after each
 * value. Returns whether it was ever decided. */
static bool clustered_run(uint64_t seed, uint32_t epochs, bool heavy, bool *at_one_look)
{
	struct random chance = {seed * 7919};
	double levels[USERS];
	begin(2, epochs);
	for (size_t user = 0; user < USERS; user++)
		levels[user] = heavy ? exp(1.2 * normal_draw(&chance)) : 10 + 2 * normal_draw(&chance);
	for (uint32_t epoch = 0; epoch < epochs; epoch++) {
		uint32_t known[USERS];
		memset(known, 0xff, sizeof known);
		const double share = 0.2 + 0.6 * (epoch + 1) / (epochs + 1);
		for (size_t request = 0; request < 3 * USERS; request++) {
			const size_t user = random_below(&chance, USERS);
			if (known[user] == UINT32_MAX)
				known[user] = unit_new(epoch, uniform_draw(&chance) < share, NAN);
			value_new(known[user],
				  heavy ? levels[user] * exp(0.5 * normal_draw(&chance)) : levels[user] + normal_draw(&chance));
		}
	}
	const struct metric_analysis analysis = analysed(usual());
	*at_one_look = analysis.pairs[0].welch.p <= ANALYSIS_ALPHA;
	return sequence_decided(&analysis.pairs[0].sequence);
}

static void an_equal_variant_is_rarely_decided_at_constant_peeking(void **state)
{
	static const struct {
		uint32_t epochs;
		bool heavy;
	} worlds[] = {{1, false}, {6, false}, {12, false}, {1, true}};
	const size_t count = runs();
	(void)state;
	for (size_t world = 0; world < sizeof worlds / sizeof *worlds; world++) {
		size_t rejected = 0, once = 0, made = count / (world == 0 || count > SHORT_RUNS ? 1 : 20);
		for (size_t run = 0; run < made; run++) {
			bool at_one_look;
			const uint64_t seed = run + 1 + 100000 * world;
			rejected += clustered_run(seed, worlds[world].epochs, worlds[world].heavy, &at_one_look);
			once += at_one_look;
		}
		print_message("A/A, %u epochs%s: %zu of %zu rejected at every look; at one look %zu\n", worlds[world].epochs,
			      worlds[world].heavy ? ", heavy tails" : "", rejected, made, once);
		assert_true((double)rejected <= fmax(FALSE_SHARE * (double)made, 3));
	}
}

/* The same users and looks by the fixed horizon, and by requests, reject much more: the simulation can find it. */
static void the_fixed_horizon_breaks_under_peeking(void **state)
{
	const size_t count = runs() / 4;
	size_t rejected = 0;
	(void)state;
	for (size_t run = 0; run < count; run++) {
		struct random chance = {run + 17};
		struct moments arms[2] = {{0}, {0}};
		bool decided = false;
		for (unsigned i = 0; i < 3000 && !decided; i++) {
			moments_add(&arms[random_below(&chance, 2)], normal_draw(&chance));
			if (i >= 100 && i % 10 == 0)
				decided = welch_test(&arms[0], &arms[1], ANALYSIS_ALPHA).p <= ANALYSIS_ALPHA;
		}
		rejected += decided;
	}
	print_message("fixed horizon under peeking: %zu of %zu rejected\n", rejected, count);
	assert_true((double)rejected > 3 * FALSE_SHARE * (double)count);
}

static void the_practical_difference_is_decided_with_twice_the_units(void **state)
{
	const size_t count = runs() > SHORT_RUNS ? runs() / 2 : 40;
	const double control = 10, deviation = 3, difference = ANALYSIS_PRACTICAL * control;
	const size_t each = (size_t)ceil(2 * units_for_t(difference / deviation, ANALYSIS_ALPHA, ANALYSIS_POWER, 1));
	size_t decided = 0;
	(void)state;
	for (size_t run = 0; run < count; run++) {
		struct random chance = {run + 4711};
		begin(2, 1);
		for (size_t i = 0; i < 2 * each; i++)
			value_new(unit_new(0, i % 2, NAN),
				  control + (i % 2 == 1 ? difference : 0) + deviation * normal_draw(&chance));
		const struct metric_analysis analysis = analysed(usual());
		decided += sequence_decided(&analysis.pairs[0].sequence);
	}
	print_message("power: %zu of %zu decided with %zu units in each arm\n", decided, count, each);
	assert_true((double)decided >= (count >= 1000 ? 0.8 : 0.7) * (double)count);
}

/* A policy that follows its last rewards: plain means are wrong, scores are not. */
static void choices_of_a_policy_are_weighed(void **state)
{
	struct random chance = {99};
	struct moments seen[2] = {{0}, {0}};
	(void)state;
	begin(2, 1);
	for (uint32_t i = 0; i < 20000; i++) {
		const bool ahead = seen[1].mean > seen[0].mean;
		const double share = ahead ? 0.9 : 0.1;
		const uint32_t arm = uniform_draw(&chance) < share;
		const double reward = 5 + 0.5 * arm + normal_draw(&chance);
		moments_add(&seen[arm], reward);
		value_new(unit_new(0, arm, NAN), reward);
		values[i].probability = arm ? share : 1 - share;
	}
	struct analysis_options options = usual();
	options.adaptive = true;
	const struct metric_analysis analysis = analysed(options);
	const struct pair_analysis *pair = &analysis.pairs[0];
	assert_true(fabs(pair->estimate - 0.5) < 0.15);
	assert_true(pair->sequence.interval.low < 0.5 && pair->sequence.interval.high > 0.5);
	assert_int_equal(pair->state, PAIR_BETTER);
}

/* A policy that chooses for each unit of a version, and follows its rewards so far. Half of the units are nearly always
 * rewarded, the others hardly ever, whatever they get: what their requests say is said once. */
static void policy_played(struct random *chance, size_t versions, uint32_t unit_count, size_t requests)
{
	struct moments seen[2] = {{0}, {0}};
	begin(2, 1);
	for (size_t version = 0; version < versions; version++) {
		const double share = seen[1].mean > seen[0].mean ? 0.9 : 0.1;
		struct moments made[2] = {{0}, {0}};
		for (uint32_t i = 0; i < unit_count; i++) {
			const uint32_t arm = uniform_draw(chance) < share, cluster = (uint32_t)version * unit_count + i;
			for (size_t j = 0; j < requests; j++) {
				const double reward = uniform_draw(chance) < (i % 2 ? 0.9 : 0.1);
				value_new(unit_new(0, arm, NAN), reward);
				units[input.unit_count - 1].cluster = cluster;
				values[input.value_count - 1].probability = arm ? share : 1 - share;
				moments_add(&made[arm], reward);
			}
		}
		moments_merge(&seen[0], &made[0]);
		moments_merge(&seen[1], &made[1]);
	}
}

static void equal_variants_of_a_policy_are_rarely_decided_where_units_return(void **state)
{
	const size_t count = runs() > SHORT_RUNS ? runs() / 4 : 40;
	size_t rejected = 0;
	(void)state;
	for (size_t run = 0; run < count; run++) {
		struct random chance = {run + 31};
		policy_played(&chance, 8, 150, 10);
		struct analysis_options options = usual();
		options.adaptive = true;
		const struct metric_analysis analysis = analysed(options);
		assert_true(isfinite(analysis.pairs[0].estimate));
		rejected += sequence_decided(&analysis.pairs[0].sequence);
	}
	print_message("units that return to a policy: %zu of %zu rejected\n", rejected, count);
	assert_true((double)rejected <= FALSE_SHARE * (double)count + 1);
}

static void units_are_needed_until_it_is_decided(void **state)
{
	struct pair_analysis pair = {.state = PAIR_OPEN, .units_now = 100, .units_needed = 250};
	(void)state;
	assert_true(pair_units_still(&pair) == 150);
	pair.units_now = 300;
	assert_true(pair_units_still(&pair) == 0);
	pair = (struct pair_analysis){.state = PAIR_CHANGED, .units_now = 100, .units_needed = 250};
	assert_true(pair_units_still(&pair) == 150);
	pair = (struct pair_analysis){.state = PAIR_EARLY, .units_needed = (double)NAN};
	assert_true(isnan(pair_units_still(&pair)));
	static const enum pair_state decided[] = {PAIR_BETTER, PAIR_BETTER_SLIGHTLY, PAIR_EQUAL, PAIR_WORSE};
	for (size_t i = 0; i < sizeof decided / sizeof *decided; i++) {
		pair = (struct pair_analysis){.state = decided[i], .units_now = 100, .units_needed = 250};
		assert_true(pair_units_still(&pair) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_needed_until_it_is_decided),
		cmocka_unit_test(requests_of_a_unit_count_as_their_mean),
		cmocka_unit_test(rates_have_the_tests_of_rates),
		cmocka_unit_test(a_rate_of_none_or_all_is_decided),
		cmocka_unit_test(epochs_are_compared_within),
		cmocka_unit_test(a_covariate_takes_variance_off),
		cmocka_unit_test(a_covariate_is_in_the_chance_to_be_the_best_of_all_epochs),
		cmocka_unit_test(units_without_the_covariate_count_as_its_mean),
		cmocka_unit_test(a_decision_does_not_depend_on_the_unit_of_the_values),
		cmocka_unit_test(guardrails_are_one_sided),
		cmocka_unit_test(units_to_decide_shrink_with_the_difference),
		cmocka_unit_test(numbers_far_from_0_lose_no_digits),
		cmocka_unit_test(a_number_that_is_huge_costs_the_other_arm_no_digits),
		cmocka_unit_test(an_equal_variant_is_rarely_decided_at_constant_peeking),
		cmocka_unit_test(the_fixed_horizon_breaks_under_peeking),
		cmocka_unit_test(the_practical_difference_is_decided_with_twice_the_units),
		cmocka_unit_test(choices_of_a_policy_are_weighed),
		cmocka_unit_test(equal_variants_of_a_policy_are_rarely_decided_where_units_return),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
