/* policy_candidates_test.c: Tests of the candidates of a policy's choices: which variants had a probability when another one was
 * chosen, as far as the records say it; and of what an analysis makes of candidates that come and go, by simulated runs. */
#include "experiments/bandits/policy_candidates.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "methods/bandits/best_arm.h"
#include "experiments/analysis/report.h"
#include "tools/view/report/report_view.h"

#define CHOICES_MAX 8000
#define A 1U
#define B 2U
#define C 4U
#define D 8U

static struct candidate_choice choices[CHOICES_MAX];
static size_t choice_count;

static void choose(uint32_t arm, uint32_t table, double probability, size_t times)
{
	for (size_t i = 0; i < times; i++)
		choices[choice_count++] = (struct candidate_choice){.arm = arm, .table = table, .probability = probability};
}

/* One of each arm in the mask, all with the same probability. */
static void choose_evenly(unsigned mask, uint32_t table)
{
	const int count = __builtin_popcount(mask);
	for (uint32_t arm = 0; arm < 4; arm++)
		if (mask >> arm & 1)
			choose(arm, table, 1.0 / count, 1);
}

static void find(size_t arms, uint64_t declared)
{
	struct arena *arena = arena_open(1 << 24);
	assert_true(policy_candidates_find(choices, choice_count, arms, 100, declared, arena));
	arena_close(arena);
}

/* A table without room for another one lies between: neither was a candidate of the other's choices. */
static void a_replaced_variant_is_no_candidate_of_later_choices(void **state)
{
	(void)state;
	choice_count = 0;
	choose_evenly(A | B, 0);
	choose(1, 1, 0.99, 50); /* there is room for the other one, and for the one that comes */
	choose_evenly(A | C, 2);
	choose(2, 3, 0.99, 50);
	find(3, A | C);
	for (size_t i = 0; i < choice_count; i++)
		assert_int_equal(choices[i].candidates, i < 52 ? A | B : A | C);
}

/* It is put back: of what came between it knows nothing. */
static void a_variant_that_comes_back_was_no_candidate_meanwhile(void **state)
{
	(void)state;
	choice_count = 0;
	choose_evenly(A | B, 0);
	choose_evenly(A | C, 1);
	choose(2, 2, 0.99, 50);
	choose_evenly(A | B, 3);
	find(3, A | B);
	for (size_t i = 0; i < choice_count; i++)
		assert_int_equal(choices[i].candidates, i < 2 || i >= 54 ? A | B : A | C);
}

/* What a record names needs no neighbours; but a version may have given a candidate no probability. */
static void candidates_that_are_recorded_are_not_inferred(void **state)
{
	(void)state;
	choice_count = 0;
	choose(0, 0, 0.5, 1); /* no record: B may have been one, and its neighbours say so */
	choose(1, 1, 0.9, 50);
	choose(0, 2, 0.9, 50);
	choose(1, 3, 1.0, 50);
	for (size_t i = 1; i < choice_count; i++)
		choices[i].recorded = i < 51 ? B | C : i < 101 ? A | C : A | B;
	find(4, 0);
	assert_int_equal(choices[0].candidates, A | B | C);
	for (size_t i = 1; i < choice_count; i++)
		assert_int_equal(choices[i].candidates, i < 51 ? B | C : i < 101 ? A | C : B);
}

/* A rare variant may be met in no choice of several versions. */
static void a_rare_variant_stays_a_candidate_between_its_choices(void **state)
{
	(void)state;
	choice_count = 0;
	choose_evenly(A | B, 0);
	for (uint32_t table = 1; table < 6; table++)
		choose(1, table, 0.99, 100);
	choose(0, 7, 0.01, 1);
	choose(1, 8, 0.99, 100);
	find(2, A | B);
	for (size_t i = 0; i < choice_count; i++)
		assert_int_equal(choices[i].candidates, A | B);
	find(2, B); /* the last 100 choices followed its end */
	assert_int_equal(choices[choice_count - 101].candidates, A | B);
	assert_int_equal(choices[choice_count - 1].candidates, B);
}

static void a_candidate_that_all_would_have_met_was_none(void **state)
{
	(void)state;
	choice_count = 0;
	choose(1, 0, 0.2, 100); /* 20 were to come of another one, if it had as little as this one */
	choose(0, 1, 0.2, 1);
	find(2, A | B);
	assert_int_equal(choices[0].candidates, B);
	assert_int_equal(choices[100].candidates, A | B);
}

/* By context, probabilities differ from request to request, so those of a version have no sum. */
static void probabilities_by_context_have_no_sum(void **state)
{
	(void)state;
	choice_count = 0;
	choose_evenly(A | B, 0);
	choose_evenly(A | C, 1);
	choose_evenly(A | B, 2);
	for (size_t i = 0; i < choice_count; i++)
		choices[i].contextual = true;
	find(3, 0);
	assert_int_equal(choices[2].candidates, A | B | C); /* as far as records say */
	for (size_t i = 0; i < choice_count; i++)
		choices[i].contextual = false;
	find(3, 0);
	assert_int_equal(choices[2].candidates, A | C);
}

/* A table whose number two sets of candidates have, as weights of files do. */
static void a_table_of_two_sets_says_nothing_of_either(void **state)
{
	(void)state;
	choice_count = 0;
	choose_evenly(A | B, 0);
	choose(1, 1, 0.9, 30);
	choose(0, 1, 0.1, 3);
	choose_evenly(A | C, 0);
	choose(2, 2, 0.9, 30);
	choose(0, 2, 0.1, 3);
	find(3, A | C);
	assert_int_equal(choices[10].candidates, A | B);
	assert_int_equal(choices[choice_count - 5].candidates, A | C);
}

/* ---- simulated runs ---- */

#define REQUESTS 3000
#define VERSION_REQUESTS 100
#define EXPLORE 0.1

/* Candidates of requests up to `change` and after it; a policy that prefers the arm with the best mean so far. */
struct run {
	unsigned before, after;
	size_t change;
	const double *means;
	bool drifts; /* all means fall by half after the change */
};

static const char *const names[] = {"m0", "m1", "m2", "newer"};

static void probabilities_of(const struct moments *seen, unsigned mask, bool evenly, double *shares)
{
	const int count = __builtin_popcount(mask);
	uint32_t best = 0;
	double most = -1;
	for (uint32_t arm = 0; arm < 4; arm++)
		if (mask >> arm & 1 && seen[arm].mean > most) {
			most = seen[arm].mean;
			best = arm;
		}
	for (uint32_t arm = 0; arm < 4; arm++)
		shares[arm] = !(mask >> arm & 1) ? 0 : evenly ? 1.0 / count : EXPLORE / count + (arm == best ? 1 - EXPLORE : 0);
}

static void request_add(struct unit_join *join, size_t i, uint32_t arm, double probability, bool warm, size_t version,
			double reward)
{
	struct error error = {0};
	char id[24], table[24];
	(void)snprintf(id, sizeof id, "r%zu", i);
	(void)snprintf(table, sizeof table, "%zu", warm ? 1 : version);
	const struct exposure exposure = {.id = text_of(id),
					  .time_ms = 1000 + (int64_t)i * 1000,
					  .experiment = TEXT("e"),
					  .variant = text_of(names[arm]),
					  .probability = probability,
					  .reason = warm ? ASSIGNED_WEIGHT : ASSIGNED_POLICY,
					  .table = text_of(table),
					  .latency_ms = (double)NAN};
	const struct feedback feedback = {.id = text_of(id), .has_reward = true, .reward = reward};
	assert_true(unit_join_exposure(join, &exposure, &error));
	assert_true(unit_join_feedback(join, &feedback, exposure.time_ms, &error));
}

static void requests_add(struct unit_join *join, const struct run *run, struct random *chance)
{
	struct moments seen[4] = {{0}};
	double shares[4] = {0};
	for (size_t i = 0; i < REQUESTS; i++) {
		const bool later = i >= run->change;
		const bool warm = i < VERSION_REQUESTS || (later && i < run->change + VERSION_REQUESTS);
		if (i % VERSION_REQUESTS == 0 || i == run->change)
			probabilities_of(seen, later ? run->after : run->before, warm, shares);
		double left = uniform_draw(chance);
		uint32_t arm = 0;
		while (arm < 3 && (left -= shares[arm]) >= 0)
			arm++;
		while (shares[arm] == 0)
			arm--;
		const double mean = run->means[arm] * (run->drifts && later ? 0.5 : 1);
		const double reward = uniform_draw(chance) < mean;
		moments_add(&seen[arm], reward);
		request_add(join, i, arm, shares[arm], warm, 2 + i / VERSION_REQUESTS, reward);
	}
}

/* What is declared are the candidates of the end. */
static void analyse(const struct run *run, uint64_t seed, struct arena *arena, struct joined *joined, struct report *report)
{
	static const struct report_options options = {
		.experiment = "e", .control = {"m0", 2}, .alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL};
	static const struct join_options of = {.experiment = "e"};
	struct error error = {0};
	struct random chance = {seed};
	arena_reset(arena);
	struct unit_join *join = unit_join_open(arena, &of);
	assert_non_null(join);
	for (uint32_t arm = 0; arm < 4; arm++)
		if (run->after >> arm & 1)
			assert_true(unit_join_variant(join, text_of(names[arm]), &error));
	requests_add(join, run, &chance);
	assert_true(unit_join_end(join, joined, &error));
	unit_join_close(join);
	if (!report_make(joined, &options, arena, report, &error))
		fail_msg("%s", error.text);
}

static size_t arm_named(const struct joined *joined, const char *name)
{
	for (size_t arm = 0; arm < joined->arms; arm++)
		if (text_is(joined->arm_names[arm], name))
			return arm;
	fail();
	return 0;
}

static const struct pair_analysis *pair_named(const struct report *report, const char *name)
{
	const struct metric_analysis *analysis = &report->metrics[0].analysis;
	for (size_t i = 0; i < analysis->pair_count; i++)
		if (analysis->pairs[i].treatment == arm_named(report->joined, name))
			return &analysis->pairs[i];
	fail();
	return NULL;
}

static size_t runs(void)
{
	const char *wanted = getenv("ANALYSIS_RUNS");
	return wanted ? (size_t)strtoul(wanted, NULL, 10) : 60;
}

static void assert_has(struct buffer *out, const char *words)
{
	buffer_byte(out, '\0');
	assert_false(buffer_failed(out));
	if (!strstr(out->bytes, words))
		fail_msg("no `%s` in %s", words, out->bytes);
	buffer_close(out);
}

static void assert_forms_name_the_change(const struct report *report, struct arena *arena)
{
	struct buffer out;
	buffer_open(&out, 1 << 24);
	report_view_print_text(report, arena, &out);
	assert_has(&out, ", a candidate since 1970-01-01T00:40:0");
	buffer_open(&out, 1 << 24);
	report_view_print_text(report, arena, &out);
	assert_has(&out, ", a candidate until 1970-01-01T00:");
	buffer_open(&out, 1 << 24);
	report_view_print_text(report, arena, &out);
	assert_has(&out, "because the candidates changed: `newer` came at 1970-01-01T00:40:0");
	buffer_open(&out, 1 << 24);
	report_view_print_json(report, &out);
	assert_has(&out, "\"candidate_from_ms\":240");
	buffer_open(&out, 1 << 24);
	report_view_print_html(report, arena, &out);
	assert_has(&out, ", a candidate since 1970-01-01T00:40:0");
}

static void a_variant_that_replaces_another_has_its_own_mean(void **state)
{
	static const double means[] = {0.1, 0.1, 0.9, 0.99};
	const struct run run = {A | B | C, A | B | D, 2400, means, false};
	struct arena *arena = arena_open((size_t)64 << 20);
	struct joined joined;
	struct report report;
	(void)state;
	analyse(&run, 1, arena, &joined, &report);
	const struct arm_analysis *arms = report.metrics[0].analysis.arms;
	const size_t newer = arm_named(&joined, "newer"), former = arm_named(&joined, "m2");
	assert_true(fabs(arms[newer].mean - 0.99) < 0.02);
	assert_true(fabs(arms[former].mean - 0.9) < 0.02);
	assert_true(arms[newer].best > 0.99 && isnan(arms[former].best));
	assert_true(report.recommendation.variant.length == 0 || !text_is(report.recommendation.variant, "m2"));
	assert_int_equal(joined.epoch_count, 2);
	assert_in_range(joined.came_ms[newer], 2401000, 2409000);
	assert_true(joined.left_ms[former] > 0 && joined.left_ms[former] <= 2401000);
	assert_forms_name_the_change(&report, arena);
	arena_close(arena);
}

/* Intervals hold the true differences, and means the true means, though one of the variants was there for the second half only. */
static void means_of_a_variant_that_was_added_are_recovered(void **state)
{
	static const double means[] = {0.3, 0.4, 0.5, 0.6};
	const struct run run = {A | B | C, A | B | C | D, REQUESTS / 2, means, false};
	struct arena *arena = arena_open((size_t)64 << 20);
	const size_t count = runs();
	size_t missed = 0, outside[4] = {0};
	double sum = 0;
	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct joined joined;
		struct report report;
		analyse(&run, 100 + i, arena, &joined, &report);
		for (uint32_t arm = 0; arm < 4; arm++) {
			const struct arm_analysis *made = &report.metrics[0].analysis.arms[arm_named(&joined, names[arm])];
			const double scale = made->sd / sqrt((double)(arm == 3 ? REQUESTS / 2 : REQUESTS));
			outside[arm] += fabs(made->mean - means[arm]) > 1.96 * scale;
			sum += arm == 3 ? made->mean : 0;
		}
		for (uint32_t arm = 1; arm < 4; arm++) {
			const struct interval interval = pair_named(&report, names[arm])->sequence.interval;
			missed += means[arm] - means[0] < interval.low || means[arm] - means[0] > interval.high;
		}
	}
	print_message("a variant added at half: %zu of %zu differences outside their sequences; means outside 95%%: "
		      "%zu %zu %zu %zu of %zu; mean of the added one %.4f\n",
		      missed, 3 * count, outside[0], outside[1], outside[2], outside[3], count, sum / (double)count);
	assert_true((double)missed <= ANALYSIS_ALPHA * 3 * (double)count);
	assert_true(fabs(sum / (double)count - 0.6) < 0.02);
	for (uint32_t arm = 0; arm < 4; arm++)
		assert_true((double)outside[arm] <= 0.05 * (double)count + 4 * sqrt(0.0475 * (double)count));
	arena_close(arena);
}

/* Equal variants, also where all rewards fall when one is added: what it never could have had is no evidence against it. */
static void equal_variants_are_rarely_decided_where_one_is_added(void **state)
{
	static const double means[] = {0.5, 0.5, 0.5, 0.5};
	struct arena *arena = arena_open((size_t)64 << 20);
	const size_t count = runs();
	(void)state;
	for (int drifts = 0; drifts < 2; drifts++) {
		const struct run run = {A | B | C, A | B | C | D, REQUESTS / 2, means, drifts};
		size_t rejected = 0;
		for (size_t i = 0; i < count; i++) {
			struct joined joined;
			struct report report;
			analyse(&run, 5000 + i, arena, &joined, &report);
			bool any = false;
			for (uint32_t arm = 1; arm < 4; arm++)
				any = any || pair_state_differs(pair_named(&report, names[arm])->state);
			rejected += any;
		}
		print_message("A/A, a variant added at half%s: %zu of %zu rejected\n", drifts ? ", rewards fall" : "", rejected,
			      count);
		assert_true((double)rejected <= ANALYSIS_ALPHA * (double)count + 1);
	}
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_replaced_variant_is_no_candidate_of_later_choices),
		cmocka_unit_test(a_variant_that_comes_back_was_no_candidate_meanwhile),
		cmocka_unit_test(candidates_that_are_recorded_are_not_inferred),
		cmocka_unit_test(a_rare_variant_stays_a_candidate_between_its_choices),
		cmocka_unit_test(a_candidate_that_all_would_have_met_was_none),
		cmocka_unit_test(probabilities_by_context_have_no_sum),
		cmocka_unit_test(a_table_of_two_sets_says_nothing_of_either),
		cmocka_unit_test(a_variant_that_replaces_another_has_its_own_mean),
		cmocka_unit_test(means_of_a_variant_that_was_added_are_recovered),
		cmocka_unit_test(equal_variants_are_rarely_decided_where_one_is_added),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
