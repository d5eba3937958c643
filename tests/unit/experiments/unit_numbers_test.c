/* unit_numbers_test.c: Tests of sums and ratios per unit: their numbers, and simulated users who return, with looks after each
 * value. ANALYSIS_RUNS=2000 makes the simulated runs the long ones of `make long`. */
#include "experiments/analysis/unit_numbers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "methods/bandits/best_arm.h"

#define UNITS_MAX 20000
#define VALUES_MAX 60000
#define SHORT_RUNS 100
#define FALSE_SHARE 0.065 /* of A/A runs: 130 of 2,000, 6 of 100 */

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

static void begin(size_t epochs)
{
	arena_reset(arena);
	input = (struct analysis_input){.arms = 2, .epochs = epochs, .units = units, .values = values};
}

static void event_new(uint32_t unit, double value, bool enters)
{
	assert_true(input.value_count < VALUES_MAX);
	values[input.value_count] = (struct analysis_value){.time_ms = (int64_t)input.value_count * 1000,
							    .unit = unit,
							    .value = value,
							    .exposure = UINT32_MAX,
							    .enters = enters};
	input.value_count++;
}

static uint32_t unit_new(uint32_t epoch, uint32_t arm)
{
	assert_true(input.unit_count < UNITS_MAX);
	units[input.unit_count] = (struct analysis_unit){.epoch = epoch, .arm = arm, .covariate = NAN};
	event_new((uint32_t)input.unit_count, 0, true);
	return (uint32_t)input.unit_count++;
}

static struct metric_analysis analysed(enum per_unit per_unit)
{
	const struct analysis_options options = {.alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL, .per_unit = per_unit};
	struct metric_analysis analysis;
	if (per_unit != PER_UNIT_SUM) { /* only a sum lets units enter */
		size_t kept = 0;
		for (size_t i = 0; i < input.value_count; i++)
			if (!values[i].enters)
				values[kept++] = values[i];
		input.value_count = kept;
	}
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

/* Of 200 units in each arm every fourth has no value; others have 1 to 3, and in the treatment twice as many. */
static void visits(void)
{
	begin(1);
	for (uint32_t i = 0; i < 400; i++) {
		const uint32_t unit = unit_new(0, i % 2);
		const uint32_t count = (i / 2) % 4 * (1 + i % 2);
		for (uint32_t j = 0; j < count; j++)
			event_new(unit, 5 + (double)((i + j) % 3), false);
	}
}

static void a_unit_without_a_value_is_a_sum_of_0(void **state)
{
	double sums[400] = {0};
	struct moments arms[2] = {{0}, {0}};
	(void)state;
	visits();
	for (size_t i = 0; i < input.value_count; i++)
		sums[values[i].unit] += values[i].value;
	for (size_t i = 0; i < 400; i++)
		moments_add(&arms[i % 2], sums[i]);
	const struct metric_analysis analysis = analysed(PER_UNIT_SUM);
	const struct pair_analysis *pair = &analysis.pairs[0];
	const struct t_test welch = welch_test(&arms[0], &arms[1], ANALYSIS_ALPHA);
	assert_int_equal(analysis.arms[0].units, 200);
	assert_int_equal(analysis.arms[1].valued, 200);
	assert_true(near(analysis.arms[0].mean, arms[0].mean) && near(analysis.arms[1].mean, arms[1].mean));
	assert_true(near(pair->welch.p, welch.p) && near(pair->estimate, welch.difference));
	assert_true(near(pair->improvement.estimate, welch.difference / arms[0].mean));
	assert_true(near(pair->threshold, ANALYSIS_PRACTICAL * arms[0].mean));
	assert_int_equal(pair->state, PAIR_BETTER);
}

/* The same visits are worth the same each: by their means, and as a ratio, the variants are equal or nearly so. */
static void a_ratio_has_the_delta_method(void **state)
{
	double y[400] = {0}, x[400] = {0}, variance = 0, ratios[2];
	(void)state;
	visits();
	for (size_t i = 0; i < input.value_count; i++) {
		y[values[i].unit] += values[i].value;
		x[values[i].unit] += !values[i].enters;
	}
	for (size_t arm = 0; arm < 2; arm++) {
		double sum = 0, number = 0, squares = 0, count = 0;
		for (size_t i = arm; i < 400; i += 2) {
			sum += y[i];
			number += x[i];
			count += x[i] > 0;
		}
		ratios[arm] = sum / number;
		for (size_t i = arm; i < 400; i += 2)
			squares += (y[i] - ratios[arm] * x[i]) * (y[i] - ratios[arm] * x[i]);
		const double each = number / count;
		variance += squares / (count - 1) / count / each / each;
	}
	const struct metric_analysis analysis = analysed(PER_UNIT_RATIO);
	const struct pair_analysis *pair = &analysis.pairs[0];
	assert_int_equal(analysis.arms[0].units, 150);
	assert_true(near(analysis.arms[0].mean, ratios[0]) && near(analysis.arms[1].mean, ratios[1]));
	assert_true(near(pair->welch.difference, ratios[1] - ratios[0]));
	assert_true(near(pair->welch.t, (ratios[1] - ratios[0]) / sqrt(variance)));
	assert_true(near(pair->sequence.variance, variance));
}

/* In a long epoch sums are large, in a short one small: one interval for both would be empty. */
static void sums_of_epochs_are_not_one_difference(void **state)
{
	(void)state;
	begin(2);
	for (uint32_t epoch = 0; epoch < 2; epoch++)
		for (uint32_t i = 0; i < 1200U - 600 * epoch; i++) {
			const uint32_t unit = unit_new(epoch, i % 2);
			for (uint32_t j = 0; j < (epoch ? 1U : 20U); j++)
				event_new(unit, 1 + i % 2 + (double)((i + j) % 3), false);
		}
	const struct metric_analysis analysis = analysed(PER_UNIT_SUM);
	const struct pair_analysis *pair = &analysis.pairs[0];
	assert_int_equal(pair->state, PAIR_BETTER);
	assert_int_equal(pair->strata, 1);
	assert_true(near(pair->estimate, pair->epochs[0].difference) && fabs(pair->estimate - 20) < 1);
	assert_true(near(pair->threshold, ANALYSIS_PRACTICAL * pair->epochs[0].control.mean));
	assert_int_equal(analysis.arms[1].units, 600);
	assert_true(pair->epochs[1].counts && pair->epochs[1].share == 0 && pair->epochs[1].interval.low > 0);
}

/* ---- simulated runs ---- */

struct world {
	const char *name;
	size_t users, requests;
	uint32_t epochs;
	double tail;   /* of the users' levels: lognormal; 0: normal */
	double paying; /* share of requests with a value other than 0; the others have none */
	double share;  /* of users in the treatment; 0: a half */
};

/* Users with levels of their own, of whom some come often. `more`: times as many requests of a user in the treatment. */
static void world_play(const struct world *world, uint64_t seed, double more)
{
	struct random chance = {seed * 7919};
	double levels[3000];
	uint32_t eager[3000]; /* the rarest come once where others come 8 times */
	assert_true(world->users <= 3000);
	begin(world->epochs);
	for (size_t user = 0; user < world->users; user++) {
		levels[user] = world->tail > 0 ? exp(world->tail * normal_draw(&chance)) : 10 + 2 * normal_draw(&chance);
		eager[user] = 1 + (uint32_t)random_below(&chance, 8);
	}
	for (uint32_t epoch = 0; epoch < world->epochs; epoch++) {
		uint32_t known[3000];
		uint8_t arms[3000];
		memset(known, 0xff, sizeof known);
		for (size_t user = 0; user < world->users; user++)
			arms[user] = uniform_draw(&chance) < (world->share > 0 ? world->share : 0.5);
		for (size_t request = 0; request < world->requests;) {
			const size_t user = random_below(&chance, world->users);
			const double wish = (double)eager[user] / 8 * (arms[user] ? more : 1) / fmax(1, more);
			if (uniform_draw(&chance) >= wish)
				continue;
			request++;
			if (known[user] == UINT32_MAX)
				known[user] = unit_new(epoch, arms[user]);
			if (world->paying == 0 || uniform_draw(&chance) < world->paying)
				event_new(known[user], levels[user] + 0.1 * levels[user] * normal_draw(&chance), false);
		}
	}
}

static const struct world worlds[] = {
	{"users who return", 600, 6000, 1, 0, 0, 0},
	{"many users", 3000, 18000, 1, 0, 0, 0},
	{"six epochs", 600, 2400, 6, 0, 0, 0},
	{"heavy tails", 600, 6000, 1, 1.2, 0, 0},
	{"one request of 200 pays", 3000, 18000, 1, 0.5, 0.005, 0},
	{"heavy tails, a twentieth of the users", 3000, 12000, 1, 1.8, 0, 0.05},
};

static void equal_variants_are_rarely_decided(enum per_unit per_unit)
{
	for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
		size_t rejected = 0;
		for (size_t run = 0; run < runs(); run++) {
			world_play(&worlds[i], run + 1 + 100000 * i, 1);
			const struct metric_analysis analysis = analysed(per_unit);
			rejected += sequence_decided(&analysis.pairs[0].sequence);
		}
		print_message("A/A, %s, %s: %zu of %zu rejected\n", per_unit_name(per_unit), worlds[i].name, rejected, runs());
		assert_true((double)rejected <= FALSE_SHARE * (double)runs());
	}
}

static void equal_sums_are_rarely_decided_at_constant_peeking(void **state)
{
	(void)state;
	equal_variants_are_rarely_decided(PER_UNIT_SUM);
}

static void equal_ratios_are_rarely_decided_at_constant_peeking(void **state)
{
	(void)state;
	equal_variants_are_rarely_decided(PER_UNIT_RATIO);
}

/* Revenue of a user doubles, and that of a request stays: the sum sees it, the mean and the ratio do not. */
static void twice_the_requests_are_twice_the_sum(void **state)
{
	const size_t count = runs() > SHORT_RUNS ? runs() / 4 : SHORT_RUNS;
	size_t better[PER_UNIT_RATIO + 1] = {0};
	(void)state;
	for (size_t run = 0; run < count; run++) {
		for (enum per_unit per_unit = PER_UNIT_MEAN; per_unit <= PER_UNIT_RATIO; per_unit++) {
			world_play(&worlds[0], run + 31, 2);
			better[per_unit] += analysed(per_unit).pairs[0].state == PAIR_BETTER;
		}
	}
	print_message("twice the requests: better as sums in %zu of %zu runs, as means %zu, as ratios %zu\n", better[PER_UNIT_SUM],
		      count, better[PER_UNIT_MEAN], better[PER_UNIT_RATIO]);
	assert_true((double)better[PER_UNIT_SUM] >= 0.95 * (double)count);
	assert_true((double)better[PER_UNIT_MEAN] <= FALSE_SHARE * (double)count);
	assert_true((double)better[PER_UNIT_RATIO] <= FALSE_SHARE * (double)count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_without_a_value_is_a_sum_of_0),
		cmocka_unit_test(a_ratio_has_the_delta_method),
		cmocka_unit_test(sums_of_epochs_are_not_one_difference),
		cmocka_unit_test(equal_sums_are_rarely_decided_at_constant_peeking),
		cmocka_unit_test(equal_ratios_are_rarely_decided_at_constant_peeking),
		cmocka_unit_test(twice_the_requests_are_twice_the_sum),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
