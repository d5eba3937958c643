/* analysis.c: see analysis.h. */
#include "experiments/analysis/analysis.h"

#include <stdlib.h>

#include "methods/bandits/best_arm.h"
#include "experiments/analysis/policy_scores.h"
#include "experiments/analysis/unit_numbers.h"
#include "experiments/analysis/value_caps.h"
#include "methods/statistics/distribution.h"
#include "methods/statistics/posterior.h"

#define UNITS_MOST 1e12 /* beyond, a number of units says nothing more */
#define HALVINGS 60	/* of the logarithm of a number of units: to its last digits */

const char *pair_state_name(enum pair_state state)
{
	static const char *const names[] = {
		[PAIR_EARLY] = "early",
		[PAIR_OPEN] = "open",
		[PAIR_BETTER] = "better",
		[PAIR_BETTER_SLIGHTLY] = "slightly better",
		[PAIR_EQUAL] = "equal",
		[PAIR_WORSE] = "worse",
		[PAIR_CHANGED] = "changed",
	};
	return names[state];
}

const char *per_unit_name(enum per_unit per_unit)
{
	static const char *const names[] = {[PER_UNIT_MEAN] = "mean", [PER_UNIT_SUM] = "sum", [PER_UNIT_RATIO] = "ratio"};
	return names[per_unit];
}

/* Which looks of a pair become points of its history. */
struct pair_history {
	size_t looks, every;
};

struct analysing {
	const struct analysis_input *input;
	const struct analysis_options *options;
	struct metric_analysis *analysis;
	struct unit_numbers units;
	struct policy_scores scores; /* of a policy */
	struct pair_history *histories;
	size_t last_epoch; /* that has values */
};

/* ---- looks ---- */

/* It ends where no one difference fits any more. When the points are full, every second one stays, and from then on every second
 * look becomes one. */
static void pair_remember(struct pair_analysis *pair, struct pair_history *history, int64_t time_ms, size_t epoch, uint64_t units)
{
	if (interval_empty(pair->sequence.interval) || history->looks++ % history->every != 0)
		return;
	if (pair->point_count == ANALYSIS_POINTS_MAX) {
		pair->point_count = ANALYSIS_POINTS_MAX / 2;
		for (size_t i = 0; i < pair->point_count; i++)
			pair->points[i] = pair->points[2 * i];
		history->every *= 2;
	}
	pair->points[pair->point_count++] = (struct pair_point){time_ms, (uint32_t)epoch, units,
								sequence_estimate(&pair->sequence), pair->sequence.interval};
}

/* Of rates as they are: what a covariate has changed is no rate. Values that are all 0, or all 1, may be of any metric. */
static bool analysing_look_scarce(const struct analysing *self, size_t epoch, struct pair_analysis *pair)
{
	const struct moments control = unit_numbers_arm(&self->units, epoch, self->input->control);
	const struct moments treatment = unit_numbers_arm(&self->units, epoch, pair->treatment);
	const double hits = moments_rate(&control).successes + moments_rate(&treatment).successes;
	const bool varies = hits > 0 && hits < (double)control.count + (double)treatment.count;
	const bool bounded = self->analysis->rates && self->analysis->per_unit == PER_UNIT_MEAN; /* units count from 0 to 1 */
	return bounded && varies && sequence_look_scarce(&pair->sequence, &control, &treatment);
}

/* The difference of this look is not that of an earlier one, and the practical threshold grows along with the sums. */
static bool analysing_look_at_sums(const struct analysing *self, const struct cuped *arms, struct pair_analysis *pair,
				   struct pair_epoch *epoch)
{
	if (!burn_in_over(&arms->control, &arms->treatment, false))
		return false;
	pair->sequence.tau2 = 0;
	pair->sequence.interval = epoch->interval = INTERVAL_ALL;
	return sequence_look(&pair->sequence, &arms->control, &arms->treatment, false, self->options->practical);
}

static void analysing_look(const struct analysing *self, size_t epoch, int64_t time_ms)
{
	for (size_t i = 0; i < self->analysis->pair_count; i++) {
		struct pair_analysis *pair = &self->analysis->pairs[i];
		const struct cuped arms = unit_numbers_pair(&self->units, epoch, pair->treatment);
		const bool looked = self->analysis->per_unit == PER_UNIT_SUM
					    ? analysing_look_at_sums(self, &arms, pair, &pair->epochs[epoch])
					    : sequence_look(&pair->sequence, &arms.control, &arms.treatment, self->analysis->rates,
							    self->options->practical);
		if (!looked && !analysing_look_scarce(self, epoch, pair))
			continue;
		pair_epoch_look(&pair->epochs[epoch], &pair->sequence);
		pair_remember(pair, &self->histories[i], time_ms, epoch, arms.control.count + arms.treatment.count);
	}
}

static void adaptive_take(struct analysing *self, const struct analysis_value *value)
{
	const struct analysis_unit *unit = &self->input->units[value->unit];
	if (!(value->probability > 0)) /* it is not known, so the choice has no weight */
		return;
	policy_scores_add(&self->scores, unit->arm, unit->cluster, value->value, value->probability, unit->candidates);
	self->analysis->arms[unit->arm].units = self->analysis->arms[unit->arm].valued = self->scores.chosen[unit->arm];
	self->analysis->arms[unit->arm].requests++;
}

static void adaptive_look(const struct analysing *self, int64_t time_ms)
{
	for (size_t i = 0; i < self->analysis->pair_count; i++) {
		struct pair_analysis *pair = &self->analysis->pairs[i];
		const struct moments control = policy_scores_controlled(&self->scores, pair->treatment);
		const struct moments treatment = policy_scores_treated(&self->scores, pair->treatment);
		const struct moments scores = policy_scores_pair(&self->scores, pair->treatment);
		if (!burn_in_over(&control, &treatment, self->analysis->rates))
			continue;
		if (pair->sequence.tau2 == 0)
			pair->sequence.tau2 = burn_in_tau2(&control, &treatment, self->options->practical);
		sequence_look_at(&pair->sequence, scores.mean, moments_variance(&scores, 1) / (double)scores.count);
		pair_remember(pair, &self->histories[i], time_ms, 0, control.count + treatment.count);
	}
}

static void analysing_run(struct analysing *self)
{
	const struct analysis_input *input = self->input;
	const size_t every = input->value_count / ANALYSIS_LOOKS_MAX + 1;
	size_t epoch = SIZE_MAX;
	for (size_t i = 0; i < input->value_count; i++) {
		const struct analysis_value *value = &input->values[i];
		const size_t here = self->options->adaptive ? 0 : input->units[value->unit].epoch;
		const bool ends =
			i + 1 == input->value_count || (!self->options->adaptive && input->units[value[1].unit].epoch != here);
		for (size_t pair = 0; here != epoch && pair < self->analysis->pair_count; pair++)
			sequence_epoch(&self->analysis->pairs[pair].sequence, true);
		epoch = self->last_epoch = here;
		if (self->options->adaptive)
			adaptive_take(self, value);
		else
			self->analysis->arms[input->units[value->unit].arm].valued += unit_numbers_add(&self->units, value);
		if (i % every != 0 && !ends)
			continue;
		if (self->options->adaptive)
			adaptive_look(self, value->time_ms);
		else
			analysing_look(self, epoch, value->time_ms);
	}
}

/* ---- what follows for an arm, and for a pair ---- */

static bool values_are_rates(const struct analysis_input *input)
{
	for (size_t i = 0; i < input->value_count; i++)
		if (input->values[i].value != 0 && input->values[i].value != 1)
			return false;
	return input->value_count > 0;
}

/* Rates of units that have one value each. */
static bool moments_are_rates(const struct analysing *self, const struct moments *arm)
{
	const double count = (double)arm->count, hits = arm->mean * count;
	const double squares = hits * (1 - arm->mean);
	return self->analysis->rates && !self->options->adaptive && !self->options->covariate &&
	       fabs(arm->squares - squares) <= 1e-6 * count;
}

static struct rate rate_of(const struct moments *arm)
{
	return (struct rate){round(arm->mean * (double)arm->count), (double)arm->count};
}

/* Of an arm's mean; less is better: of its negative, or of failures. */
static struct arm_posterior posterior_of(const struct analysing *self, const struct moments *arm, bool rates)
{
	const bool lower = self->options->lower_is_better;
	const struct rate rate = rate_of(arm);
	if (rates) {
		const double hits = lower ? rate.trials - rate.successes : rate.successes;
		return (struct arm_posterior){.kind = POSTERIOR_BETA, .alpha = 1 + hits, .beta = 1 + rate.trials - hits};
	}
	return (struct arm_posterior){.kind = POSTERIOR_NORMAL,
				      .mean = lower ? -arm->mean : arm->mean,
				      .scale = moments_comparable(arm) ? sqrt(moments_variance(arm, 1) / (double)arm->count)
								       : (double)NAN};
}

/* Of a mean, so that its difference from the control's varies as that does in a sequence. */
static double arm_scale_beside(const struct moments *control, const struct moments *arm, bool rates)
{
	const double own = moments_variance(control, 1) / (double)control->count;
	if (arm->count < 2 || !moments_comparable(control) || !moments_comparable(arm))
		return NAN;
	return sqrt(difference_variance(control, arm, 1, rates) - own);
}

/* The mean of what a normal difference has above 0. */
static double normal_surplus(double mean, double scale)
{
	const double z = mean / scale;
	return mean * normal_cdf(z) + scale * exp(-z * z / 2) / sqrt(2 * M_PI);
}

static void pair_conclude_bayes(const struct analysing *self, struct pair_analysis *pair, const struct cuped *arms)
{
	const bool rates =
		pair->strata == 1 && moments_are_rates(self, &arms->control) && moments_are_rates(self, &arms->treatment);
	const struct arm_posterior control = posterior_of(self, &arms->control, rates);
	const struct arm_posterior treatment = posterior_of(self, &arms->treatment, rates);
	pair->better = pair->loss_treatment = pair->loss_control = NAN;
	if (rates) {
		const struct beta_posterior c = {control.alpha, control.beta}, t = {treatment.alpha, treatment.beta};
		pair->better = posterior_above(t, c);
		pair->loss_treatment = posterior_loss(t, c);
		pair->loss_control = posterior_loss(c, t);
		return;
	}
	double mean = treatment.mean - control.mean;
	double scale = hypot(control.scale, arm_scale_beside(&arms->control, &arms->treatment, self->analysis->rates));
	if (self->options->adaptive && moments_comparable(&arms->control) && moments_comparable(&arms->treatment)) {
		const struct moments scores = policy_scores_pair(&self->scores, pair->treatment);
		mean = self->options->lower_is_better ? -scores.mean : scores.mean;
		scale = sqrt(moments_variance(&scores, 1) / (double)scores.count);
	}
	if (!(scale > 0))
		return;
	pair->better = normal_cdf(mean / scale);
	pair->loss_treatment = normal_surplus(-mean, scale);
	pair->loss_control = normal_surplus(mean, scale);
}

/* `each` is the variance of a difference, times the units that it is of. */
static double units_of_variance(double each, double tau2, double alpha, double difference)
{
	const double chance = normal_quantile(ANALYSIS_POWER);
	double low = 0, high = log(UNITS_MOST);
	if (!(each > 0) || !(tau2 > 0) || !(difference > 0) || !isfinite(each))
		return NAN;
	for (unsigned i = 0; i < HALVINGS; i++) {
		const double middle = (low + high) / 2, variance = each / exp(middle);
		const double reach = sequence_half_width(variance, tau2, alpha) + chance * sqrt(variance);
		*(reach <= difference ? &high : &low) = middle;
	}
	return ceil(exp(high));
}

double units_to_decide(const struct moments *control, const struct moments *treatment, bool rates, double tau2, double alpha,
		       double difference)
{
	const double total = (double)control->count + (double)treatment->count;
	return units_of_variance(total * difference_variance(control, treatment, 1, rates), tau2, alpha, difference);
}

/* Of a policy: units of its versions, as many as it takes while it chooses as it did. Its choices have no fixed horizon. */
static void pair_conclude_clusters(const struct analysing *self, struct pair_analysis *pair)
{
	const struct sequence *sequence = &pair->sequence;
	const struct pair_scores *scores = &self->scores.pairs[pair->treatment];
	pair->units_had = (double)scores->chosen_control + (double)scores->chosen_treatment;
	pair->units_now = pair->units_had;
	pair->units_needed = units_of_variance(sequence->variance * pair->units_had, sequence->tau2, pair->alpha * sequence->weight,
					       pair->threshold);
	pair->power = pair->units_horizon = pair->skewness = NAN;
}

/* At a fixed horizon; and how many units it takes. */
static void pair_conclude_units(const struct analysing *self, struct pair_analysis *pair, const struct cuped *arms)
{
	const struct moments *control = &arms->control, *treatment = &arms->treatment;
	const double c = (double)control->count, t = (double)treatment->count;
	const double deviation = sqrt((control->squares + treatment->squares) / (c + t - 2));
	const double effect = pair->threshold / deviation;
	pair->welch = welch_test(control, treatment, pair->alpha);
	pair->effect = effect_size(control, treatment);
	pair->has_rates = pair->strata == 1 && moments_are_rates(self, control) && moments_are_rates(self, treatment);
	if (pair->has_rates)
		pair->rates = rate_test(rate_of(control), rate_of(treatment), pair->alpha);
	pair->power = power_of_t(effect, c, t, pair->alpha);
	pair->units_horizon = ceil(units_for_normal(effect, pair->alpha, ANALYSIS_POWER, t / c) * (1 + t / c));
	pair->units_needed = units_to_decide(control, treatment, self->analysis->rates, pair->sequence.tau2,
					     pair->alpha * pair->sequence.weight, pair->threshold);
	pair->units_had = c + t;
	pair->skewness = self->analysis->rates ? (double)NAN : unit_numbers_skewness(&self->units, pair->epochs, pair->treatment);
}

/* By as much wider than at one look as the sequence is: in the epoch where it is narrowest. */
static void pair_conclude_improvement(const struct analysing *self, struct pair_analysis *pair, const struct cuped *arms)
{
	const struct sequence *sequence = &pair->sequence;
	const double control = moments_variance(&arms->control, 1) / (double)arms->control.count;
	const double treatment = moments_variance(&arms->treatment, 1) / (double)arms->treatment.count;
	double variance = control + treatment, every_look = INFINITY;
	if (self->options->adaptive) {
		variance = sequence->variance;
		every_look = sequence_half_width(variance, sequence->tau2, sequence->alpha * sequence->weight);
	}
	for (size_t i = 0; pair->epochs && i < self->input->epochs; i++)
		if (pair->epochs[i].share > 0)
			every_look = fmin(every_look, pair->epochs[i].half);
	const double one_look = normal_critical(pair->alpha / 2) * sqrt(variance);
	const double wider = every_look * every_look / (one_look * one_look);
	pair->improvement = improvement_of_means(arms->control.mean, control * wider, arms->control.mean + pair->estimate,
						 treatment * wider, pair->alpha);
}

struct interval pair_interval(const struct pair_analysis *pair)
{
	return interval_empty(pair->sequence.interval) ? (struct interval){NAN, NAN} : pair->sequence.interval;
}

struct interval pair_gain(const struct pair_analysis *pair, bool lower_is_better)
{
	const struct interval interval = pair->sequence.interval;
	return lower_is_better ? (struct interval){-interval.high, -interval.low} : interval;
}

static enum pair_state pair_conclude_state(const struct pair_analysis *pair, bool lower_is_better)
{
	const struct interval gain = pair_gain(pair, lower_is_better);
	if (isnan(pair->estimate) || isnan(pair->threshold))
		return PAIR_EARLY;
	if (interval_empty(gain))
		return PAIR_CHANGED;
	if (gain.low > 0)
		return gain.high < pair->threshold ? PAIR_BETTER_SLIGHTLY : PAIR_BETTER;
	if (gain.high < 0)
		return PAIR_WORSE;
	return gain.low > -pair->threshold && gain.high < pair->threshold ? PAIR_EQUAL : PAIR_OPEN;
}

double pair_units_still(const struct pair_analysis *pair)
{
	if (pair->state != PAIR_EARLY && pair->state != PAIR_OPEN && pair->state != PAIR_CHANGED)
		return 0;
	return isnan(pair->units_needed) ? (double)NAN : fmax(0, pair->units_needed - pair->units_now);
}

enum guardrail_state pair_guardrail(const struct pair_analysis *pair, bool lower_is_better)
{
	const struct interval gain = pair_gain(pair, lower_is_better);
	if (isnan(pair->estimate) || interval_empty(gain))
		return GUARDRAIL_OPEN;
	if (gain.high < -pair->threshold)
		return GUARDRAIL_BROKEN;
	return gain.low > -pair->threshold ? GUARDRAIL_KEPT : GUARDRAIL_OPEN;
}

/* Its arms over the epochs that count, without what the covariate explains. */
static struct cuped pair_sum(const struct analysing *self, struct pair_analysis *pair, const uint64_t *least)
{
	const size_t c = self->input->control, t = pair->treatment;
	struct stratified_arm control = {0}, treatment = {0}, control_seen = {0}, treatment_seen = {0};
	struct cuped sum = {0};
	pair->strata = self->analysis->per_unit == PER_UNIT_SUM ? pair_epochs_choose(pair->epochs, least, self->input->epochs)
								: pair_epochs_weigh(pair->epochs, least, self->input->epochs);
	for (size_t epoch = 0; epoch < self->input->epochs; epoch++) {
		struct pair_epoch *own = &pair->epochs[epoch];
		const struct cuped arms = unit_numbers_pair(&self->units, epoch, t);
		const struct moments seen[] = {unit_numbers_arm(&self->units, epoch, c), unit_numbers_arm(&self->units, epoch, t)};
		struct stratified_arm alone[2] = {{0}, {0}};
		for (size_t i = 0; i < 2; i++)
			stratified_add(&alone[i], &seen[i], 1);
		own->control = stratified_numbers(&alone[0]);
		own->treatment = stratified_numbers(&alone[1]);
		stratified_add(&control, &arms.control, own->share);
		stratified_add(&treatment, &arms.treatment, own->share);
		stratified_add(&control_seen, &seen[0], own->share);
		stratified_add(&treatment_seen, &seen[1], own->share);
		sum.theta += own->share > 0 ? own->share * arms.theta : 0;
		sum.reduction += own->share > 0 ? own->share * arms.reduction : 0;
		pair->units_lacking += unit_numbers_lacking(&self->units, epoch, t);
	}
	pair->control_numbers = stratified_numbers(&control_seen);
	pair->treatment_numbers = stratified_numbers(&treatment_seen);
	pair->units_now = (double)unit_numbers_count(&self->units, self->last_epoch, c) +
			  (double)unit_numbers_count(&self->units, self->last_epoch, t);
	sum.control = stratified_moments(&control);
	sum.treatment = stratified_moments(&treatment);
	return sum;
}

static struct arm_numbers numbers_of(const struct moments *arm)
{
	return (struct arm_numbers){arm->count, arm->count > 0 ? arm->mean : (double)NAN,
				    arm->count > 1 ? sqrt(moments_variance(arm, 1)) : (double)NAN};
}

static struct cuped pair_arms(const struct analysing *self, struct pair_analysis *pair, uint64_t *least)
{
	if (self->options->adaptive) {
		const struct cuped arms = {.control = policy_scores_pair_control(&self->scores, pair->treatment),
					   .treatment = policy_scores_pair_treatment(&self->scores, pair->treatment)};
		pair->strata = 1;
		pair->control_numbers = numbers_of(&arms.control);
		pair->treatment_numbers = numbers_of(&arms.treatment);
		return arms;
	}
	for (size_t epoch = 0; epoch < self->input->epochs; epoch++) {
		const uint64_t control = unit_numbers_count(&self->units, epoch, self->input->control);
		const uint64_t treatment = unit_numbers_count(&self->units, epoch, pair->treatment);
		least[epoch] = control < treatment ? control : treatment;
	}
	return pair_sum(self, pair, least);
}

/* What is known of sums is what the epoch that stands for all has found. */
static void pair_settle_sums(const struct analysing *self, struct pair_analysis *pair, const struct cuped *arms)
{
	struct sequence *sequence = &pair->sequence;
	pair->units_now = (double)arms->control.count + (double)arms->treatment.count;
	for (size_t i = 0; i < self->input->epochs; i++) {
		const struct pair_epoch *epoch = &pair->epochs[i];
		if (!(epoch->share > 0) || !epoch->counts)
			continue;
		sequence->tau2 = burn_in_tau2(&arms->control, &arms->treatment, self->options->practical);
		sequence->interval = epoch->interval;
		sequence->difference = epoch->difference;
		sequence->variance = epoch->variance;
		sequence->precision = sequence->weighted = 0;
	}
}

/* Of means that cannot be compared nothing is known but these. */
static void arms_obscure(struct cuped *arms)
{
	if (!moments_comparable(&arms->control) || !moments_comparable(&arms->treatment))
		arms->control.squares = arms->treatment.squares = NAN;
}

static void pair_conclude(const struct analysing *self, struct pair_analysis *pair, uint64_t *least)
{
	struct cuped arms = pair_arms(self, pair, least);
	arms_obscure(&arms);
	if (self->analysis->per_unit == PER_UNIT_SUM)
		pair_settle_sums(self, pair, &arms);
	pair->estimate = sequence_estimate(&pair->sequence);
	pair->threshold = self->options->practical * fabs(arms.control.mean);
	pair->theta = arms.theta;
	pair->reduction = arms.reduction;
	pair_conclude_bayes(self, pair, &arms);
	if (self->options->adaptive)
		pair_conclude_clusters(self, pair);
	else
		pair_conclude_units(self, pair, &arms);
	pair->improvement = (struct improvement){false, NAN, {NAN, NAN}};
	if (isfinite(pair->estimate) && pair->sequence.tau2 > 0)
		pair_conclude_improvement(self, pair, &arms);
	pair->state = pair_conclude_state(pair, self->options->lower_is_better);
	if (pair->state != PAIR_CHANGED)
		return;
	pair->estimate = pair->better = pair->loss_treatment = pair->loss_control = NAN; /* an epoch has its own */
	pair->control_numbers.mean = pair->treatment_numbers.mean = NAN;
	pair->improvement = (struct improvement){false, NAN, {NAN, NAN}};
}

/* ---- arms ---- */

/* In the control's numbers an epoch has the mean of the shares that it has in those of pairs. */
static double control_share(const struct analysing *self, size_t epoch)
{
	const struct metric_analysis *analysis = self->analysis;
	double sum = 0, pairs = 0, early = 0;
	for (size_t i = 0; i < analysis->pair_count; i++) {
		const struct pair_analysis *pair = &analysis->pairs[i];
		const bool counts = pair->state != PAIR_EARLY;
		pairs += counts;
		sum += counts ? pair->epochs[epoch].share : 0;
		early += pair->epochs[epoch].share;
	}
	if (analysis->pair_count == 0)
		return epoch == self->last_epoch;
	return pairs > 0 ? sum / pairs : early / (double)analysis->pair_count;
}

static const struct pair_analysis *pair_of(const struct metric_analysis *analysis, size_t arm)
{
	for (size_t i = 0; i < analysis->pair_count; i++)
		if (analysis->pairs[i].treatment == arm)
			return &analysis->pairs[i];
	return NULL; /* it is the control */
}

/* An arm for its chances, without what the covariate explains, and the control's mean in the same epochs. */
struct arm_chances {
	struct moments moments; /* count 0: it has none */
	double control;
	size_t strata;
};

/* Of a policy: the chances are those among the candidates of the end, by the requests that could have got any of them. */
static struct arm_chances arm_conclude_adaptive(const struct analysing *self, size_t arm)
{
	const struct moments moments = policy_scores_arm(&self->scores, arm);
	const struct arm_numbers numbers = numbers_of(&moments);
	struct moments together = policy_scores_together(&self->scores, arm);
	self->analysis->arms[arm].mean = numbers.mean;
	self->analysis->arms[arm].sd = numbers.sd;
	if (self->input->candidates != 0 && !(self->input->candidates >> arm & 1))
		together.count = 0;
	return (struct arm_chances){together, policy_scores_together(&self->scores, self->input->control).mean, 1};
}

/* The numbers of an arm. */
static struct arm_chances arm_conclude(const struct analysing *self, size_t arm)
{
	struct arm_analysis *made = &self->analysis->arms[arm];
	const struct pair_analysis *pair = pair_of(self->analysis, arm);
	const size_t control = self->input->control;
	struct stratified_arm sum = {0}, adjusted = {0}, beside = {0};
	size_t strata = 0;
	if (self->options->adaptive)
		return arm_conclude_adaptive(self, arm);
	for (size_t epoch = 0; epoch < self->input->epochs; epoch++) {
		const struct moments moments = unit_numbers_arm(&self->units, epoch, arm);
		const struct moments own = unit_numbers_adjusted(&self->units, epoch, arm);
		const struct moments others = unit_numbers_adjusted(&self->units, epoch, control);
		const double share = pair ? pair->epochs[epoch].share : control_share(self, epoch);
		strata += share > 0;
		stratified_add(&sum, &moments, share);
		stratified_add(&adjusted, &own, share);
		stratified_add(&beside, &others, share);
	}
	const struct arm_numbers numbers = stratified_numbers(&sum);
	made->units = numbers.units;
	made->mean = pair && pair->state == PAIR_CHANGED ? (double)NAN : numbers.mean;
	made->sd = numbers.sd;
	return (struct arm_chances){stratified_moments(&adjusted), beside.mean, strata};
}

/* The chances are those among arms that have units. Arms of other epochs than the control's are compared by their differences. */
static void arms_conclude(const struct analysing *self)
{
	const struct metric_analysis *analysis = self->analysis;
	struct arm_chances arms[ANALYSIS_ARMS_MAX];
	struct arm_posterior posteriors[ANALYSIS_ARMS_MAX];
	double chances[ANALYSIS_ARMS_MAX];
	size_t known[ANALYSIS_ARMS_MAX], count = 0;
	bool rates = true, changed = false;
	for (size_t arm = 0; arm < self->input->arms; arm++) {
		arms[arm] = arm_conclude(self, arm);
		analysis->arms[arm].best = NAN;
		rates = rates && arms[arm].strata == 1 && moments_are_rates(self, &arms[arm].moments);
	}
	for (size_t arm = 0; arm < self->input->arms; arm++) {
		const struct pair_analysis *pair = pair_of(analysis, arm);
		changed = changed || (pair && pair->state == PAIR_CHANGED);
		if (pair && pair->state != PAIR_EARLY && !rates)
			arms[arm].moments.mean += arms[self->input->control].moments.mean - arms[arm].control;
		posteriors[count] = posterior_of(self, &arms[arm].moments, rates);
		if (pair && !self->options->adaptive)
			posteriors[count].scale =
				arm_scale_beside(&arms[self->input->control].moments, &arms[arm].moments, analysis->rates);
		if (arms[arm].moments.count > 0 && (rates || posteriors[count].scale > 0))
			known[count++] = arm;
	}
	if (count < 2 || changed)
		return;
	best_arm_chances(posteriors, count, chances);
	for (size_t i = 0; i < count; i++)
		analysis->arms[known[i]].best = chances[i];
}

/* ---- all of it ---- */

/* Any treatment may be shipped, so all together have alpha. Of a guardrail one end of the interval counts, which errs half as
 * often. */
static double alpha_of_pair(const struct analysis_options *options, double pairs)
{
	switch (options->role) {
	case ROLE_PRIMARY:
		return options->alpha / pairs;
	case ROLE_GUARDRAIL:
		return fmin(options->alpha, 2 * options->alpha / pairs);
	default:
		return options->alpha;
	}
}

static bool analysing_open(struct analysing *self, struct arena *arena)
{
	const struct analysis_input *input = self->input;
	struct metric_analysis *analysis = self->analysis;
	const size_t pairs = input->arms - 1;
	analysis->arm_count = input->arms;
	analysis->arms = ARENA_ARRAY(arena, struct arm_analysis, input->arms);
	analysis->pairs = ARENA_ARRAY(arena, struct pair_analysis, pairs + 1);
	self->histories = ARENA_ARRAY(arena, struct pair_history, pairs + 1);
	if (!analysis->arms || !analysis->pairs || !self->histories ||
	    !unit_numbers_open(&self->units, input, analysis->per_unit, self->options->covariate && !self->options->adaptive,
			       analysis->rates, arena))
		return false;
	if (self->options->adaptive && !policy_scores_open(&self->scores, input->arms, input->control, input->cluster_count,
							   input->value_count > 0 ? input->values[0].value : 0, arena))
		return false;
	self->scores.together = input->candidates;
	for (size_t arm = 0; arm < input->arms; arm++) {
		struct pair_analysis *pair = &analysis->pairs[analysis->pair_count];
		if (arm == input->control)
			continue;
		pair->treatment = arm;
		pair->alpha = alpha_of_pair(self->options, (double)pairs);
		pair->sequence = sequence_begin(pair->alpha, self->options->stages);
		pair->points = ARENA_ARRAY(arena, struct pair_point, ANALYSIS_POINTS_MAX);
		pair->epochs = self->options->adaptive ? NULL : ARENA_ARRAY(arena, struct pair_epoch, input->epochs + 1);
		for (size_t i = 0; pair->epochs && i < input->epochs; i++)
			pair->epochs[i] = pair_epoch_begin();
		self->histories[analysis->pair_count++].every = 1;
	}
	return !arena_failed(arena);
}

bool metric_analyse(const struct analysis_input *input, const struct analysis_options *options, struct arena *arena,
		    struct metric_analysis *analysis)
{
	struct analysis_input capped = *input;
	struct analysing self = {.input = &capped, .options = options, .analysis = analysis};
	*analysis = (struct metric_analysis){.per_unit = options->adaptive ? PER_UNIT_MEAN : options->per_unit};
	analysis->cap.limits = CAP_LIMITS_NONE;
	analysis->rates = analysis->per_unit != PER_UNIT_SUM && values_are_rates(input);
	if (options->cap > 0 && !analysis->rates && !values_cap(&capped, options->cap, arena, &analysis->cap))
		return false;
	uint64_t *least = ARENA_ARRAY(arena, uint64_t, input->epochs + 1);
	if (!least || !analysing_open(&self, arena))
		return false;
	analysing_run(&self);
	for (size_t i = 0; i < analysis->pair_count; i++)
		pair_conclude(&self, &analysis->pairs[i], least);
	arms_conclude(&self);
	return true;
}
