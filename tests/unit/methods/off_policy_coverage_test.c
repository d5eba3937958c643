/* off_policy_coverage_test.c: Coverage of the intervals of off-policy estimates: how often they hold the truth of simulated
 * records. COVERAGE_RUNS=2000 makes the simulation a long one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "methods/bandits/best_arm.h"
#include "methods/bandits/off_policy.h"
#include "tests/unit/arena_fixture.h"

#define SHORT_RUNS 300
#define RECORDS 1000
#define ARMS 3
#define CLIP 10	     /* above all weights */
#define CLIP_LOW 1.5 /* which cuts those of a third of the records */
#define ALPHA 0.05
#define SHIFTS 4096 /* of the context, over which the truth is summed */

/* What an arm earns is no straight line of the context, so a linear model of it is wrong. */
static double worth(size_t arm, double x)
{
	return arm == 0 ? 1 + x : arm == 1 ? 1 + sin(4 * x) : 2 - 3 * x * x;
}

static void recorded_chances(double x, double chances[ARMS])
{
	chances[0] = 0.2 + 0.5 * x;
	chances[1] = 0.5 * (1 - chances[0]);
	chances[2] = 1 - chances[0] - chances[1];
}

static void target_chances(double x, double chances[ARMS])
{
	chances[0] = 0.1;
	chances[1] = x < 0.5 ? 0.8 : 0.1;
	chances[2] = 0.9 - chances[1];
}

static double truth(void)
{
	double sum = 0, chances[ARMS];
	for (size_t i = 0; i < SHIFTS; i++) {
		const double x = ((double)i + 0.5) / SHIFTS;
		target_chances(x, chances);
		for (size_t arm = 0; arm < ARMS; arm++)
			sum += chances[arm] * worth(arm, x) / SHIFTS;
	}
	return sum;
}

struct record {
	char unit[16];
	double x[2], reward, chances[ARMS];
	size_t arm;
};

/* Each unit has a level of its own, and `size` requests. */
static void records_draw(struct record *records, size_t size, uint64_t seed)
{
	struct random chance = {seed * 7919 + 1};
	double level = 0;
	for (size_t i = 0; i < RECORDS; i++) {
		struct record *record = &records[i];
		double u = uniform_draw(&chance);
		if (i % size == 0)
			level = size > 1 ? 0.7 * normal_draw(&chance) : 0;
		(void)snprintf(record->unit, sizeof record->unit, "u%zu.%u", i / size, (unsigned)(seed % 1000000));
		record->x[0] = 1;
		record->x[1] = uniform_draw(&chance);
		recorded_chances(record->x[1], record->chances);
		for (record->arm = 0; record->arm + 1 < ARMS && u >= record->chances[record->arm]; record->arm++)
			u -= record->chances[record->arm];
		record->reward = worth(record->arm, record->x[1]) + level + 0.5 * normal_draw(&chance);
	}
}

static struct off_policy_result estimated(const struct record *records, size_t size, double clip)
{
	struct off_policy sums;
	struct error error = {0};
	arena_reset(arena);
	struct reward_model *model = reward_model_open(arena, ARMS, 2, 1);
	assert_non_null(model);
	assert_true(off_policy_begin(&sums, ARMS, clip, &error));
	for (size_t i = 0; i < RECORDS; i++)
		reward_model_add(model, text_of(records[i].unit), records[i].arm, records[i].x, records[i].reward);
	for (size_t i = 0; i < RECORDS; i++) {
		double target[ARMS], expected[ARMS];
		target_chances(records[i].x[1], target);
		reward_model_expect(model, text_of(records[i].unit), records[i].x, expected);
		if (i % size != 0)
			off_policy_continue(&sums);
		assert_true(off_policy_add(&sums,
					   &(struct off_policy_record){.arm = records[i].arm,
								       .reward = records[i].reward,
								       .probability = records[i].chances[records[i].arm],
								       .target = target,
								       .logged = records[i].chances,
								       .expected = expected},
					   &error));
	}
	return off_policy_result(&sums);
}

static bool covers(struct off_policy_estimate estimate, double value)
{
	const struct interval interval = off_policy_interval(estimate, 0, ALPHA);
	return interval.low <= value && value <= interval.high;
}

/* At 95% of 300 runs four standard deviations are 5%. */
static void expect_coverage(const char *name, size_t held, size_t runs)
{
	const double least = 1 - ALPHA - 4 * sqrt(ALPHA * (1 - ALPHA) / (double)runs);
	print_message("  %-22s %5.1f%%\n", name, 100.0 * (double)held / (double)runs);
	assert_true((double)held >= (least - 0.005) * (double)runs); /* intervals are asymptotic */
}

static void intervals_hold_the_truth(void **state)
{
	static struct record records[RECORDS];
	const char *wanted = getenv("COVERAGE_RUNS");
	const size_t runs = wanted ? (size_t)strtoul(wanted, NULL, 10) : SHORT_RUNS;
	const double value = truth();
	(void)state;
	for (size_t size = 1; size <= 5; size += 4) {
		size_t ips = 0, snips = 0, clipped = 0, cut = 0, doubly = 0, normalised = 0, direct = 0;
		for (size_t run = 0; run < runs; run++) {
			records_draw(records, size, run + 1);
			const struct off_policy_result low = estimated(records, size, CLIP_LOW);
			const struct off_policy_result got = estimated(records, size, CLIP);
			assert_true(got.clipped_share == 0 && low.clipped_share > 0.2);
			cut += covers(low.clipped, value);
			ips += covers(got.ips, value);
			snips += covers(got.snips, value);
			clipped += covers(got.clipped, value);
			doubly += covers(got.doubly, value);
			normalised += covers(got.self_normalised_doubly, value);
			direct += covers(got.direct, value);
		}
		print_message("%zu requests of a unit, %zu runs: intervals at 95%% that hold the truth\n", size, runs);
		expect_coverage("IPS", ips, runs);
		expect_coverage("SNIPS", snips, runs);
		expect_coverage("clipped IPS", clipped, runs);
		expect_coverage("doubly robust", doubly, runs);
		expect_coverage("DR, normalised", normalised, runs);
		print_message("  %-22s %5.1f%%, so it is not shown\n", "direct method", 100.0 * (double)direct / (double)runs);
		assert_true((double)direct < 0.8 * (double)runs); /* else it could be */
		print_message("  %-22s %5.1f%%, so it is said that it need not\n", "IPS that is cut",
			      100.0 * (double)cut / (double)runs);
		assert_true((double)cut < 0.8 * (double)runs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(intervals_hold_the_truth)};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
