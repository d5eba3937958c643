/* rollout_needs.c: see rollout_needs.h. The counts are judged again and again, each time an eleventh larger: so each kind of rule
 * is judged as it would be. */
#include "experiments/rollouts/rollout_needs.h"

#include <math.h>

#define DOUBLING_STEPS 8 /* in which counts grow to twice as many */

static uint64_t count_grown(uint64_t count, double times)
{
	return (uint64_t)((double)count * times + 0.5);
}

static struct moments moments_grown(struct moments moments, double times)
{
	const uint64_t count = count_grown(moments.count, times);
	const double squares = moments.count > 0 ? moments.squares * (double)count / (double)moments.count : 0;
	return (struct moments){count, moments.mean, squares};
}

static struct cluster_mean clusters_grown(struct cluster_mean mean, double times)
{
	return (struct cluster_mean){.count = count_grown(mean.count, times),
				     .clusters = count_grown(mean.clusters, times),
				     .sum = mean.sum * times,
				     .squares = mean.squares * times,
				     .products = mean.products * times,
				     .sizes = mean.sizes * times};
}

static struct truth_arrivals arrivals_grown(struct truth_arrivals arrivals, double times)
{
	return (struct truth_arrivals){count_grown(arrivals.in_time, times), count_grown(arrivals.late, times)};
}

static void counts_grow(struct rollout_counts *counts, double times)
{
	counts->requests = count_grown(counts->requests, times);
	counts->errors = count_grown(counts->errors, times);
	counts->alone = count_grown(counts->alone, times);
	counts->errors_spread = clusters_grown(counts->errors_spread, times);
	for (size_t i = 0; i < ROLLOUT_RULES_MAX; i++) {
		counts->above[i] = count_grown(counts->above[i], times);
		counts->above_spread[i] = clusters_grown(counts->above_spread[i], times);
	}
	counts->accuracy = moments_grown(counts->accuracy, times);
	counts->accuracy_arrivals = arrivals_grown(counts->accuracy_arrivals, times);
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++) {
		counts->metrics[i] = moments_grown(counts->metrics[i], times);
		counts->arrivals[i] = arrivals_grown(counts->arrivals[i], times);
	}
}

/* Whether more of the same could show the rule. */
static bool judgement_may_grow(const struct planned_stage *stage, const struct rollout_judgement *judgement)
{
	const struct rollout_rule *rule = &stage->rules[judgement->rule];
	const bool has_control = !rollout_rule_is_beside(stage, rule) || !judgement->is_of_truth || judgement->control_units > 0;
	const bool is_kept = rollout_rule_compares(rule) && planned_stage_is_whole(stage);
	const bool is_reached = judgement->unreached_requests == 0 && judgement->unreached_ms == 0;
	const bool is_counted = !judgement->is_of_truth || !(judgement->is_uncounted || judgement->is_beyond ||
							     rollout_truths_are_late(stage, rule, judgement));
	return rollout_judgement_is_open(stage, judgement) && judgement->trials > 0 && has_control && !is_kept && is_reached &&
	       is_counted;
}

/* Judges the state with counts that are so many times as large. */
static void grown_judge(const struct rollout_plan *plan, const struct rollout_state *state, double times,
			struct rollout_evidence *evidence)
{
	struct rollout_state grown = *state;
	counts_grow(&grown.control, times);
	for (size_t i = 0; i < plan->candidates; i++)
		counts_grow(&grown.candidates[i], times);
	struct rollout_look look = {.time_ms = grown.looked_ms,
				    .epoch = grown.epoch,
				    .truths_uncounted = grown.truths_uncounted,
				    .control = grown.control};
	memcpy(look.candidates, grown.candidates, sizeof look.candidates);
	rollout_follow(plan, &grown, &look);
	rollout_judge(plan, &grown, evidence);
}

void rollout_needs_find(const struct rollout_plan *plan, const struct rollout_state *state, struct rollout_evidence *evidence)
{
	const struct planned_stage *stage = &plan->stages[evidence->stage];
	struct rollout_evidence grown;
	size_t left = 0;
	for (size_t i = 0; i < evidence->count; i++) {
		const bool may_grow = judgement_may_grow(stage, &evidence->items[i]);
		evidence->items[i].needed = may_grow ? INFINITY : 0;
		left += may_grow;
	}
	const unsigned last = DOUBLING_STEPS * ROLLOUT_NEEDS_DOUBLINGS;
	for (unsigned step = 1; left > 0 && step <= last; step++) {
		grown_judge(plan, state, exp2((double)step / DOUBLING_STEPS), &grown);
		for (size_t i = 0; i < evidence->count; i++) {
			struct rollout_judgement *judgement = &evidence->items[i];
			if (isfinite(judgement->needed) || grown.items[i].verdict != VERDICT_HOLDS)
				continue;
			judgement->needed = (double)grown.items[i].trials;
			left--;
		}
	}
}
