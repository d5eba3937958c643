/* rollout_judge.c: Rules of a rollout held against the counts of a state; see rollout.h. */
#include "experiments/rollouts/rollout_parts.h"
#include "experiments/rollouts/truth_tally.h"
#include "methods/statistics/design_effect.h"
#include "methods/statistics/distribution.h"
#include "methods/statistics/posterior.h"
#include "methods/statistics/rate_difference.h"
#include "methods/statistics/sequence.h"

#define SQUARES_ROUNDING 4e-15 /* for each unit, of a ratio of values 0 and 1 */
#define SHOWN_MOST 1e15
#define OUTCOMES_NEAR 1e-9 /* of the squares of values 0 and 1, for each 1: what rounding leaves */

/* The bad requests of a rule of a rate, which is number `index` of its stage. */
static struct rate rollout_rule_rate(const struct rollout_rule *rule, size_t index, const struct rollout_counts *counts)
{
	const uint64_t bad = rule->kind == RULE_LATENCY ? counts->above[index] : counts->errors;
	return (struct rate){(double)bad, (double)counts->requests};
}

static struct clustered_rate rollout_rule_clustered(const struct rollout_rule *rule, size_t index,
						    const struct rollout_counts *counts)
{
	return (struct clustered_rate){rule->kind == RULE_LATENCY ? &counts->above_spread[index] : &counts->errors_spread,
				       counts->alone};
}

/* The requests that count as independent, and the bad ones among them. */
static struct rate independent_rate(struct rate rate, double effect)
{
	return (struct rate){rate.successes / effect, rate.trials / effect};
}

/* The effect of all requests, if it is known of some: clusters of these are smaller. */
static double effect_of_all(double effect, const struct clustered_rate *clustered, const struct rollout_counts *counts)
{
	const uint64_t known = clustered->successes->count;
	return known > 0 && known < counts->requests ? 1 + (effect - 1) * (double)counts->requests / (double)known : effect;
}

static double rollout_rule_effect(const struct rollout_rule *rule, size_t index, const struct rollout_counts *counts,
				  const struct rollout_counts *beside)
{
	const struct clustered_rate clustered = rollout_rule_clustered(rule, index, counts);
	return effect_of_all(design_effect_safe(clustered, rollout_rule_clustered(rule, index, beside)), &clustered, counts);
}

/* What the rule's interval is held against. */
static double rollout_rule_bound(const struct rollout_rule *rule)
{
	return rule->kind == RULE_LATENCY ? rollout_rule_slow_share(rule) : rollout_rule_compares(rule) ? 0 : rule->limit;
}

/* The level of an alarm in the current stage, by the looks that it may have, or that a pause has added. */
static double rollout_alarm_level(const struct rollout_plan *plan, const struct rollout_state *state)
{
	const double span_ms = fmax((double)state->extent_ms, (double)(state->looked_ms - state->began_ms));
	return rate_watch_alarm(fmax(span_ms / (double)plan->check_every_ms, 1), ROLLOUT_ALPHA);
}

static bool is_of_accuracy(const struct rollout_rule *rule)
{
	return rule->kind == RULE_ACCURACY || rule->kind == RULE_ACCURACY_BESIDE;
}

/* What the units of a variant have in the metric of a rule of truth. */
struct judged_units {
	struct moments moments;
	double ratio_effect; /* struct rollout_counts */
};

static struct judged_units units_of(const struct rollout_rule *rule, const struct rollout_counts *counts)
{
	if (is_of_accuracy(rule))
		return (struct judged_units){counts->accuracy, 0};
	return (struct judged_units){counts->metrics[rule->metric], counts->ratio_effects[rule->metric]};
}

static const struct truth_arrivals *arrivals_of(const struct rollout_rule *rule, const struct rollout_counts *counts)
{
	return is_of_accuracy(rule) ? &counts->accuracy_arrivals : &counts->arrivals[rule->metric];
}

/* Kish's effect of the units' numbers of values. One that has no value but 0 and 1 is a rate. */
static double ratio_effect_of(const struct metric_counts *metric)
{
	const struct arm_sums *units = &metric->units;
	if (units->count == 0 || (units->beside_mean == 1 && units->beside_squares == 0)) /* each counts once */
		return 0;
	if (metric->other_values > 0)
		return INFINITY;
	return 1 + units->beside_squares / ((double)units->count * units->beside_mean * units->beside_mean);
}

void rollout_counts_truths(struct rollout_counts *counts, const struct truth_counts *truths)
{
	counts->accuracy = truth_moments(truths);
	counts->accuracy_arrivals = (struct truth_arrivals){(uint64_t)truths->joined, (uint64_t)truths->late};
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++) {
		const struct metric_counts *metric = &truths->metrics[i];
		counts->metrics[i] = arm_sums_ratio_moments(&metric->units); /* of means the numbers beside are 1 */
		counts->ratio_effects[i] = ratio_effect_of(metric);
		counts->arrivals[i] = (struct truth_arrivals){(uint64_t)metric->joined, (uint64_t)metric->late};
	}
}

static bool arrivals_are_late(const struct truth_arrivals *arrivals)
{
	const double late = (double)arrivals->late;
	return late > ROLLOUT_LATE_SHARE * (late + (double)arrivals->in_time);
}

static bool is_comparison(const struct rollout_rule *rule)
{
	return rollout_rule_compares(rule) || rule->kind == RULE_BETTER;
}

bool rollout_rule_is_beside(const struct planned_stage *stage, const struct rollout_rule *rule)
{
	return is_comparison(rule) && !planned_stage_is_whole(stage);
}

/* A comparison that a stage at 100% keeps is of truths of the stage before. */
bool rollout_truths_are_late(const struct planned_stage *stage, const struct rollout_rule *rule,
			     const struct rollout_judgement *judgement)
{
	if (is_comparison(rule) && planned_stage_is_whole(stage))
		return false;
	return arrivals_are_late(&judgement->arrivals) || (is_comparison(rule) && arrivals_are_late(&judgement->control_arrivals));
}

/* Enters when the truths of a rule came. `of` has their metric. */
static void arrivals_enter(const struct rollout_state *state, const struct planned_stage *stage, const struct rollout_rule *rule,
			   const struct rollout_rule *of, struct rollout_judgement *judgement)
{
	judgement->is_of_truth = true;
	judgement->arrivals = *arrivals_of(of, &state->candidates[judgement->candidate]);
	judgement->control_arrivals = *arrivals_of(of, &state->control);
	const struct judged_units control = units_of(of, &state->control);
	const struct judged_units candidate = units_of(of, &state->candidates[judgement->candidate]);
	judgement->control_units = control.moments.count;
	judgement->is_beyond =
		!moments_comparable(&candidate.moments) || (is_comparison(rule) && !moments_comparable(&control.moments));
	if (judgement->verdict == VERDICT_HOLDS && rollout_truths_are_late(stage, rule, judgement))
		judgement->verdict = VERDICT_OPEN;
}

/* Values are 0 and 1 where their squares sum up to what they do: small values do not, whose squares are smaller. */
static bool values_are_outcomes(const struct moments *units)
{
	const double sum = (double)units->count * units->mean, spread = sum * (1 - units->mean);
	return units->mean >= 0 && units->mean <= 1 && fabs(units->squares - spread) <= OUTCOMES_NEAR * sum;
}

static bool units_are_outcomes(const struct judged_units *units)
{
	return units->ratio_effect > 0 ? isfinite(units->ratio_effect) : values_are_outcomes(&units->moments);
}

/* Accuracies are from 0 to 1, and so are values of another metric that were 0 and 1 so far. */
static bool rule_is_of_rates(const struct rollout_rule *rule, const struct judged_units *one, const struct judged_units *other)
{
	return is_of_accuracy(rule) || (units_are_outcomes(one) && units_are_outcomes(other));
}

static double mean_variance(const struct moments *units)
{
	return moments_variance(units, 1) / (double)units->count;
}

/* Units of outcomes, as so many independent ones. */
static struct moments independent_units(const struct judged_units *units)
{
	struct moments independent = units->moments;
	if (units->ratio_effect > 0)
		independent.count = (uint64_t)((double)independent.count / units->ratio_effect);
	return independent;
}

/* The squares of a ratio are a difference of sums: where units do not differ, rounding leaves some of it. */
static bool units_vary(const struct judged_units *units)
{
	const double rounding = isfinite(units->ratio_effect) ? SQUARES_ROUNDING * units->ratio_effect : 0;
	return units->moments.squares > rounding * (double)units->moments.count;
}

/* Units of rates, as so many independent ones as the variance shows: by these it is known whether outcomes are enough for it. */
static struct moments shown_units(const struct judged_units *units)
{
	struct moments shown = units->moments;
	const double mean = shown.mean, variance = mean_variance(&shown);
	if (units->ratio_effect > 0) {
		const double count = units_vary(units) ? mean * (1 - mean) / variance : 0;
		shown.count = (uint64_t)fmax(fmin(count, SHOWN_MOST), 0); /* a mean beyond 1 by rounding has a count below 0 */
	}
	return shown;
}

/* Two variants in the metric of a rule, or one twice. */
struct judged_pair {
	struct moments control, candidate;
	struct rate control_rate, candidate_rate; /* if `is_scarce` */
	bool is_scarce;				  /* an outcome is too scarce for burn-in */
	bool is_known;				  /* else: burn-in is over, and values of both differ */
	bool are_rates;
};

static struct judged_pair judged_pair_of(const struct rollout_rule *rule, const struct rollout_counts *control,
					 const struct rollout_counts *candidate)
{
	const struct judged_units one = units_of(rule, control), other = units_of(rule, candidate);
	const struct moments first = independent_units(&one), second = independent_units(&other);
	const bool are_rates = rule_is_of_rates(rule, &one, &other);
	bool are_enough = true;
	if (are_rates) {
		const struct moments first_shown = shown_units(&one), second_shown = shown_units(&other);
		are_enough = burn_in_over(&first_shown, &second_shown, true);
	}
	struct judged_pair pair = {.control = one.moments, .candidate = other.moments, .are_rates = are_rates};
	pair.is_scarce = !are_enough && burn_in_over(&first, &second, false);
	pair.control_rate = moments_rate(&first);
	pair.candidate_rate = moments_rate(&second);
	pair.is_known = are_enough && burn_in_over(&one.moments, &other.moments, false) && units_vary(&one) && units_vary(&other);
	return pair;
}

/* ---- one rule ---- */

/* More is better of accuracy, and worse of rates. */
static enum rollout_verdict verdict_of(const struct rollout_judgement *judgement, bool more_is_better)
{
	const struct interval interval = judgement->interval;
	if (more_is_better)
		return interval.low > judgement->bound	  ? VERDICT_HOLDS
		       : interval.high < judgement->bound ? VERDICT_BROKEN
							  : VERDICT_OPEN;
	return interval.high < judgement->bound	 ? VERDICT_HOLDS
	       : interval.low > judgement->bound ? VERDICT_BROKEN
						 : VERDICT_OPEN;
}

/* It was called at some pace beside the default, and is not any more. A pace is known from some requests of the default: of few, it
 * is taken to be that of more. */
static bool candidate_is_unreached_beside(const struct rollout_state *state, size_t candidate)
{
	const double unreached = (double)state->unreached[candidate], before = (double)state->control.requests - unreached;
	return unreached * (double)state->candidates[candidate].requests >
	       ROLLOUT_UNREACHED_EXPECTED * (before + ROLLOUT_UNREACHED_EXPECTED);
}

/* At 100%: by its own pace until then, or it was never called. */
static bool candidate_is_unreached_alone(const struct rollout_state *state, size_t candidate)
{
	const double silent_ms = (double)state->unreached[candidate], requests = (double)state->candidates[candidate].requests;
	const double called_ms = (double)(state->looked_ms - state->began_ms) - silent_ms;
	return silent_ms > 0 && (requests == 0 || silent_ms * requests > ROLLOUT_UNREACHED_EXPECTED * called_ms);
}

static bool candidate_is_unreached(const struct planned_stage *stage, const struct rollout_state *state, size_t candidate)
{
	return planned_stage_is_whole(stage) ? candidate_is_unreached_alone(state, candidate)
					     : candidate_is_unreached_beside(state, candidate);
}

static void unreached_enter(const struct planned_stage *stage, const struct rollout_state *state,
			    struct rollout_judgement *judgement)
{
	const uint64_t unreached = state->unreached[judgement->candidate];
	*(planned_stage_is_whole(stage) ? &judgement->unreached_ms : &judgement->unreached_requests) = unreached;
	if (judgement->verdict == VERDICT_HOLDS)
		judgement->verdict = VERDICT_OPEN;
}

static void rate_judge(const struct rollout_plan *plan, const struct rollout_state *state, const struct rollout_rule *rule,
		       struct rollout_judgement *judgement)
{
	const struct rollout_counts *counts = &state->candidates[judgement->candidate];
	const struct rate rate = rollout_rule_rate(rule, judgement->rule, counts);
	const struct clustered_rate clustered = rollout_rule_clustered(rule, judgement->rule, counts);
	const double shown = effect_of_all(design_effect_shown(clustered), &clustered, counts);
	judgement->trials = counts->requests;
	judgement->effect = rollout_rule_effect(rule, judgement->rule, counts, &state->control);
	judgement->estimate = rate.trials > 0 ? rate.successes / rate.trials : (double)NAN;
	judgement->control = rollout_rule_rate(rule, judgement->rule, &state->control);
	judgement->interval = (struct interval){rate_sequence(independent_rate(rate, shown), ROLLOUT_ALPHA).low,
						rate_sequence(independent_rate(rate, judgement->effect), ROLLOUT_ALPHA).high};
	judgement->verdict = verdict_of(judgement, false);
	if (!rule->trigger)
		return;
	judgement->watch = state->trackers[judgement->candidate][judgement->rule].watch.level / shown;
	judgement->alarm = rollout_alarm_level(plan, state);
	if (judgement->watch >= judgement->alarm)
		judgement->verdict = VERDICT_CHANGED;
}

static void truth_judge(const struct planned_stage *stage, const struct rollout_state *state, const struct rollout_rule *rule,
			struct rollout_judgement *judgement)
{
	const struct rollout_tracker *tracker = &state->trackers[judgement->candidate][judgement->rule];
	judgement->trials = units_of(rule, &state->candidates[judgement->candidate]).moments.count;
	judgement->estimate = (double)NAN;
	judgement->interval = INTERVAL_ALL;
	if (tracker->judged) {
		judgement->estimate = tracker->difference;
		judgement->interval = tracker->interval;
	}
	judgement->verdict = verdict_of(judgement, !rule->below);
	arrivals_enter(state, stage, rule, rule, judgement);
	if (judgement->verdict != VERDICT_OPEN || !rule->implied || state->truth)
		return;
	judgement->is_uncounted = state->truths_uncounted;
	if (!state->truths_uncounted)
		judgement->verdict = VERDICT_LEFT_OUT;
}

/* The probability that the candidate's mean is above the control's, by their normal approximation. */
static double means_above(const struct judged_pair *pair)
{
	const double variance = difference_variance(&pair->control, &pair->candidate, 1, pair->are_rates);
	return normal_cdf((pair->candidate.mean - pair->control.mean) / sqrt(variance));
}

static double rates_above(struct rate one, struct rate other)
{
	const struct beta_posterior first = {one.successes + 0.5, one.trials - one.successes + 0.5};
	return posterior_above(first, (struct beta_posterior){other.successes + 0.5, other.trials - other.successes + 0.5});
}

/* The probability that the candidate is better by the truths of a rule. NaN: it is not known yet. */
static double truths_above(const struct rollout_rule *rule, const struct rollout_counts *control,
			   const struct rollout_counts *candidate)
{
	const struct judged_pair pair = judged_pair_of(rule, control, candidate);
	if (pair.is_scarce)
		return rule->below ? rates_above(pair.control_rate, pair.candidate_rate)
				   : rates_above(pair.candidate_rate, pair.control_rate);
	if (pair.is_known)
		return rule->below ? 1 - means_above(&pair) : means_above(&pair);
	return (double)NAN;
}

/* It is never broken: a candidate that is no better breaks no limit. */
static void better_judge(const struct planned_stage *stage, const struct rollout_state *state, const struct rollout_rule *rule,
			 struct rollout_judgement *judgement)
{
	const struct rollout_counts *control = &state->control, *candidate = &state->candidates[judgement->candidate];
	const struct rollout_rule *of = &stage->rules[rule->of];
	const bool has_truth = rollout_rule_is_of_truth(stage, rule);
	judgement->trials = has_truth ? units_of(of, candidate).moments.count : candidate->requests;
	judgement->estimate = (double)NAN;
	judgement->interval = INTERVAL_ALL;
	if (has_truth)
		judgement->estimate = truths_above(of, control, candidate);
	else if (control->requests >= ROLLOUT_BETTER_REQUESTS && candidate->requests >= ROLLOUT_BETTER_REQUESTS)
		judgement->estimate = rates_above(independent_rate(rollout_rule_rate(of, rule->of, control),
								   rollout_rule_effect(of, rule->of, control, candidate)),
						  independent_rate(rollout_rule_rate(of, rule->of, candidate),
								   rollout_rule_effect(of, rule->of, candidate, control)));
	judgement->verdict = judgement->estimate >= rule->limit ? VERDICT_HOLDS : VERDICT_OPEN;
	if (has_truth)
		arrivals_enter(state, stage, rule, of, judgement);
}

void rollout_judge(const struct rollout_plan *plan, const struct rollout_state *state, struct rollout_evidence *evidence)
{
	const struct planned_stage *stage = &plan->stages[state->stage];
	evidence->stage = state->stage;
	evidence->count = 0;
	for (size_t candidate = 0; candidate < plan->candidates; candidate++)
		for (size_t i = 0; i < stage->rule_count; i++) {
			const struct rollout_rule *rule = &stage->rules[i];
			struct rollout_judgement *judgement = &evidence->items[evidence->count++];
			*judgement = (struct rollout_judgement){.candidate = (uint32_t)candidate, .rule = (uint32_t)i,
								.bound = rollout_rule_bound(rule)};
			if (rule->kind == RULE_BETTER)
				better_judge(stage, state, rule, judgement);
			else if (rollout_rule_is_of_truth(stage, rule))
				truth_judge(stage, state, rule, judgement);
			else
				rate_judge(plan, state, rule, judgement);
			if (candidate_is_unreached(stage, state, candidate))
				unreached_enter(stage, state, judgement);
		}
}

/* ---- what a look adds ---- */

static void tracker_enter(struct rollout_tracker *tracker, double difference, struct interval interval)
{
	tracker->difference = difference;
	tracker->interval = interval;
	tracker->judged = true;
}

/* Where no value differs yet, nothing is known of those to come. */
static void tracker_enter_variance(struct rollout_tracker *tracker, double difference, double variance)
{
	const double alpha = ROLLOUT_ALPHA * plenty_share(tracker->scarcity);
	tracker_enter(tracker, difference, interval_around(difference, sequence_half_width(variance, tracker->tau2, alpha)));
}

static void comparison_follow(struct rollout_tracker *tracker, const struct rollout_rule *rule,
			      const struct rollout_counts *control, const struct rollout_counts *candidate)
{
	const struct judged_pair pair = judged_pair_of(rule, control, candidate);
	const double kept = 1 - rule->limit, difference = pair.candidate.mean - kept * pair.control.mean;
	if (pair.is_scarce) {
		tracker->scarcity = scarcity_of(tracker->scarcity, pair.control_rate.trials, pair.candidate_rate.trials);
		tracker_enter(tracker, difference,
			      scarce_difference(tracker->scarcity, pair.control_rate, pair.candidate_rate, kept, ROLLOUT_ALPHA));
		return;
	}
	if (!pair.is_known)
		return;
	if (tracker->tau2 == 0)
		tracker->tau2 = burn_in_tau2(&pair.control, &pair.candidate, ROLLOUT_ACCURACY_DROP);
	tracker_enter_variance(tracker, difference, difference_variance(&pair.control, &pair.candidate, kept, pair.are_rates));
}

/* The default shows how values vary that the candidate has too few units to have seen. At 100% it has none. */
static void mean_follow(struct rollout_tracker *tracker, const struct rollout_rule *rule, const struct rollout_counts *control,
			const struct rollout_counts *candidate)
{
	const struct moments beside = units_of(rule, control).moments;
	const struct judged_pair pair = judged_pair_of(rule, candidate, candidate);
	if (pair.is_scarce) {
		tracker->scarcity = OUTCOMES_SCARCE;
		tracker_enter(tracker, pair.candidate.mean, rate_sequence(pair.candidate_rate, ROLLOUT_ALPHA * SCARCE_SHARE));
		return;
	}
	if (!pair.is_known)
		return;
	if (tracker->tau2 == 0)
		tracker->tau2 = burn_in_tau2(&pair.candidate, &pair.candidate, ROLLOUT_ACCURACY_DROP);
	const bool shows = burn_in_over(&beside, &pair.candidate, false);
	const double variance = difference_variance(shows ? &beside : &pair.candidate, &pair.candidate, 0, pair.are_rates);
	tracker_enter_variance(tracker, pair.candidate.mean, variance);
}

static void tracker_follow(struct rollout_tracker *tracker, const struct planned_stage *stage, size_t index,
			   const struct rollout_look *look, size_t candidate, const struct rollout_counts *before)
{
	const struct rollout_rule *rule = &stage->rules[index];
	const struct rollout_counts *counts = &look->candidates[candidate];
	if (rollout_rule_compares(rule) && !planned_stage_is_whole(stage))
		comparison_follow(tracker, rule, &look->control, counts);
	else if (rule->kind == RULE_ACCURACY || rule->kind == RULE_MEAN)
		mean_follow(tracker, rule, &look->control, counts);
	else if (rule->trigger && !rollout_rule_is_of_truth(stage, rule)) {
		const struct rate now = rollout_rule_rate(rule, index, counts), then = rollout_rule_rate(rule, index, before);
		const struct rate since = {now.successes - then.successes, now.trials - then.trials};
		rate_watch_look(&tracker->watch, since, rollout_rule_bound(rule));
	}
}

static bool counts_have_truth(const struct rollout_counts *counts)
{
	return counts->accuracy.count > 0 || counts->accuracy_arrivals.in_time > 0 || counts->accuracy_arrivals.late > 0;
}

/* What has passed since the last look: by it is found how many requests of a candidate that is not called are missing. */
static uint64_t passed_since(const struct planned_stage *stage, const struct rollout_state *state, const struct rollout_look *look)
{
	if (!planned_stage_is_whole(stage))
		return look->control.requests - state->control.requests;
	return look->time_ms > state->looked_ms ? (uint64_t)(look->time_ms - state->looked_ms) : 0;
}

void rollout_follow(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_look *look)
{
	const struct planned_stage *stage = &plan->stages[state->stage];
	state->truths_uncounted = look->truths_uncounted;
	state->truth = state->truth || counts_have_truth(&look->control);
	for (size_t candidate = 0; candidate < plan->candidates; candidate++) {
		state->truth = state->truth || counts_have_truth(&look->candidates[candidate]);
		for (size_t i = 0; i < stage->rule_count; i++)
			tracker_follow(&state->trackers[candidate][i], stage, i, look, candidate, &state->candidates[candidate]);
		state->unreached[candidate] += passed_since(stage, state, look);
		if (look->candidates[candidate].requests > state->candidates[candidate].requests)
			state->unreached[candidate] = 0;
		state->candidates[candidate] = look->candidates[candidate];
	}
	state->control = look->control;
}
