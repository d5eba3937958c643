/* sequence.c: see sequence.h. */
#include "methods/statistics/sequence.h"

#include "methods/statistics/rate_difference.h"

#define STAGES_SHARE 0.9	/* of alpha, for the first epochs of declared stages */
#define TAU_LEAST 0.02		/* standard deviations of the units */
#define SUM_OF_SQUARES_OVER (6 / (M_PI * M_PI)) /* 1 / (1 + 1/4 + 1/9 + ...) */

double sequence_log_ratio(double difference, double variance, double tau2)
{
	const double errors = difference / sqrt(variance); /* no product that vanishes, or is infinite, of any unit of the values */
	return errors * errors * (tau2 / (variance + tau2)) / 2 - log1p(tau2 / variance) / 2;
}

double sequence_half_width(double variance, double tau2, double alpha)
{
	return sqrt(variance * (1 + variance / tau2) * (2 * log(1 / alpha) + log1p(tau2 / variance)));
}

static bool outcomes_enough(const struct moments *arm)
{
	const double hits = arm->mean * (double)arm->count;
	return fmin(hits, (double)arm->count - hits) >= BURN_IN_OUTCOMES - 0.5;
}

bool moments_comparable(const struct moments *arm)
{
	const double deviation = sqrt(arm->squares / (double)arm->count), most = fmax(fabs(arm->mean), deviation);
	return arm->count == 0 || most == 0 ||
	       (most >= COMPARED_LEAST && most <= COMPARED_MOST && isfinite(arm->mean) && isfinite(deviation));
}

bool burn_in_over(const struct moments *control, const struct moments *treatment, bool rates)
{
	if (control->count < BURN_IN_UNITS || treatment->count < BURN_IN_UNITS || !moments_comparable(control) ||
	    !moments_comparable(treatment))
		return false;
	return !rates || (outcomes_enough(control) && outcomes_enough(treatment));
}

/* Whether both arms have enough units, and either of them too few of an outcome. */
static bool rates_scarce(const struct moments *control, const struct moments *treatment)
{
	return burn_in_over(control, treatment, false) && !burn_in_over(control, treatment, true);
}

struct rate moments_rate(const struct moments *arm)
{
	const double count = (double)arm->count;
	return (struct rate){fmin(count, fmax(0, arm->mean * count)), count};
}

/* Student's: of the deviations from the mean of each arm. */
static double common_variance(const struct moments *one, const struct moments *other)
{
	return (one->squares + other->squares) / ((double)one->count + (double)other->count - 2);
}

double difference_variance(const struct moments *control, const struct moments *treatment, double kept, bool rates)
{
	const double c = kept * kept / (double)control->count, t = 1 / (double)treatment->count;
	const double welch = c * moments_variance(control, 1) + t * moments_variance(treatment, 1);
	return rates ? welch : fmax(welch, (c + t) * common_variance(control, treatment));
}

double burn_in_tau2(const struct moments *control, const struct moments *treatment, double practical)
{
	const double deviation = sqrt(common_variance(control, treatment));
	const double tau = fmax(practical * fabs(control->mean), TAU_LEAST * deviation);
	return tau * tau;
}

struct sequence sequence_begin(double alpha, uint32_t stages)
{
	return (struct sequence){.alpha = alpha, .stages = stages, .p = 1, .interval = INTERVAL_ALL};
}

/* What the current epoch adds goes to those that have ended. */
static void sequence_settle(struct sequence *sequence)
{
	sequence->evidence += sequence->weight * exp(sequence->current_ratio);
	if (sequence->variance > 0) {
		sequence->precision += 1 / sequence->variance;
		sequence->weighted += sequence->difference / sequence->variance;
	}
	sequence->current_ratio = sequence->difference = sequence->variance = 0;
	sequence->scarcity = OUTCOMES_PLENTY;
}

double epoch_weight(double number)
{
	return SUM_OF_SQUARES_OVER / (number * number);
}

void sequence_epoch(struct sequence *sequence, bool stage)
{
	sequence_settle(sequence);
	if (stage && sequence->begun < sequence->stages) {
		sequence->begun++;
		sequence->weight = STAGES_SHARE / sequence->stages;
		return;
	}
	sequence->weight = epoch_weight(++sequence->further) * (sequence->stages > 0 ? 1 - STAGES_SHARE : 1);
}

double plenty_share(enum scarcity scarcity)
{
	static const double shares[] = {
		[OUTCOMES_PLENTY] = 1, [OUTCOMES_SCARCE] = 1 - SCARCE_SHARE, [OUTCOMES_RARE] = 1 - SCARCE_SHARE - RARE_SHARE};
	return shares[scarcity];
}

enum scarcity scarcity_of(enum scarcity before, double control_units, double treatment_units)
{
	return before == OUTCOMES_RARE || fmin(control_units, treatment_units) >= RARE_UNITS ? OUTCOMES_RARE : OUTCOMES_SCARCE;
}

struct interval scarce_difference(enum scarcity scarcity, struct rate control, struct rate treatment, double kept, double alpha)
{
	return scarcity == OUTCOMES_RARE ? rate_difference_rare(control, treatment, kept, alpha * SCARCE_SHARE, alpha * RARE_SHARE)
					 : rate_difference(control, treatment, kept, alpha * SCARCE_SHARE);
}

const char *sequence_method_name(enum sequence_method method)
{
	static const char *const names[] = {[METHOD_NONE] = "none",
					    [METHOD_NORMAL] = "normal mixture",
					    [METHOD_RATES] = "mixtures of both rates",
					    [METHOD_BINOMIAL] = "conditional binomial"};
	return names[method];
}

/* What a look finds; the logarithm of the likelihood ratio is with the share of the epoch's alpha. */
struct sequence_finding {
	enum sequence_method method;
	double log_ratio;
	struct interval interval;
};

static void sequence_enter(struct sequence *sequence, struct sequence_finding found)
{
	const double p = exp(-found.log_ratio) / sequence->weight;
	sequence->method = sequence->p == 1 || p < sequence->p ? found.method : sequence->method;
	sequence->p = fmin(sequence->p, p);
	sequence->current_ratio = found.log_ratio;
	sequence->last = found.interval;
	sequence->interval = interval_common(sequence->interval, found.interval);
}

void sequence_look_at(struct sequence *sequence, double difference, double variance)
{
	const double share = plenty_share(sequence->scarcity);
	if (!(variance > 0) || !(sequence->tau2 > 0) || !isfinite(difference))
		return;
	sequence->difference = difference;
	sequence->variance = variance;
	const double half = sequence_half_width(variance, sequence->tau2, sequence->alpha * sequence->weight * share);
	const double log_ratio = sequence_log_ratio(difference, variance, sequence->tau2) + log(share);
	sequence_enter(sequence, (struct sequence_finding){METHOD_NORMAL, log_ratio, interval_around(difference, half)});
}

/* Of the mean of a rate, with half a success and half a failure more: it is never 0. */
static double scarce_variance(struct rate rate)
{
	const double p = (rate.successes + 0.5) / (rate.trials + 1);
	return p * (1 - p) / rate.trials;
}

bool sequence_look_scarce(struct sequence *sequence, const struct moments *control, const struct moments *treatment)
{
	const struct rate c = moments_rate(control), t = moments_rate(treatment);
	if (!rates_scarce(control, treatment))
		return false;
	sequence->scarcity = scarcity_of(sequence->scarcity, c.trials, t.trials);
	sequence->difference = treatment->mean - control->mean;
	sequence->variance = scarce_variance(c) + scarce_variance(t);
	struct sequence_finding found = {METHOD_RATES, rate_difference_log_ratio(c, t) + log(SCARCE_SHARE),
					 scarce_difference(sequence->scarcity, c, t, 1, sequence->alpha * sequence->weight)};
	const double shares_ratio = rate_shares_log_ratio(c, t) + log(RARE_SHARE);
	if (sequence->scarcity == OUTCOMES_RARE && shares_ratio > found.log_ratio) {
		found.method = METHOD_BINOMIAL;
		found.log_ratio = shares_ratio;
	}
	sequence_enter(sequence, found);
	return true;
}

bool sequence_look(struct sequence *sequence, const struct moments *control, const struct moments *treatment, bool rates,
		   double practical)
{
	if (!burn_in_over(control, treatment, rates))
		return false;
	if (sequence->tau2 == 0)
		sequence->tau2 = burn_in_tau2(control, treatment, practical);
	sequence_look_at(sequence, treatment->mean - control->mean, difference_variance(control, treatment, 1, rates));
	return true;
}

double sequence_estimate(const struct sequence *sequence)
{
	double precision = sequence->precision, weighted = sequence->weighted;
	if (sequence->variance > 0) {
		precision += 1 / sequence->variance;
		weighted += sequence->difference / sequence->variance;
	}
	return precision > 0 ? interval_clamp(sequence->interval, weighted / precision) : NAN;
}

double sequence_e_value(const struct sequence *sequence)
{
	return sequence->evidence + sequence->weight * exp(sequence->current_ratio);
}

size_t e_discoveries(const double *values, size_t count, double alpha, bool *discovered)
{
	size_t most = 0;
	double least = INFINITY;
	for (size_t i = 0; i < count; i++) {
		size_t as_large = 0;
		for (size_t j = 0; j < count; j++)
			as_large += values[j] >= values[i];
		if (values[i] * (double)as_large * alpha >= (double)count && as_large > most) {
			most = as_large;
			least = values[i];
		}
	}
	for (size_t i = 0; i < count; i++)
		discovered[i] = values[i] >= least;
	return most;
}
