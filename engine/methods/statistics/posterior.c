/* posterior.c: see posterior.h. */
#include "methods/statistics/posterior.h"

#include "methods/statistics/distribution.h"
#include "methods/statistics/special.h"

#define SHARE_LOST 1e-30 /* a share of either that may be left out */

struct posterior_pair {
	struct beta_posterior one, other;
};

/* Rates are integrated over log(p / (1 - p)): both ends are far away there, and what vanishes does so by exponentials. */
static double log_odds(double p, double rest)
{
	return log(fmax(p, 1e-300)) - log(fmax(rest, 1e-300));
}

static double integral_over_both(double (*exponent)(const void *context, double x), const struct posterior_pair *pair)
{
	const struct beta_posterior *one = &pair->one, *other = &pair->other;
	/* The upper ends are the lower ones of the mirrored posteriors, which keep their digits. */
	const double low_one = beta_quantile(SHARE_LOST, one->alpha, one->beta);
	const double low_other = beta_quantile(SHARE_LOST, other->alpha, other->beta);
	const double rest_one = beta_quantile(SHARE_LOST, one->beta, one->alpha);
	const double rest_other = beta_quantile(SHARE_LOST, other->beta, other->alpha);
	const double low = fmin(low_one, low_other), rest = fmin(rest_one, rest_other);
	return exp(log_integral(exponent, pair, log_odds(low, 1 - low), log_odds(1 - rest, rest)));
}

static double above_exponent(const void *context, double place)
{
	const struct posterior_pair *pair = context;
	const double p = 1 / (1 + exp(-place)), rest = 1 / (1 + exp(place));
	const double density = beta_density_kernel(pair->one.alpha, pair->one.beta, p, rest);
	return log(density * incomplete_beta(pair->other.alpha, pair->other.beta, p, rest).lower);
}

double posterior_above(struct beta_posterior one, struct beta_posterior other)
{
	const struct posterior_pair pair = {one, other};
	return fmin(1, integral_over_both(above_exponent, &pair));
}

/* The mean of a positive part: over all p the chance that one lies below p and the other above. */
static double loss_exponent(const void *context, double place)
{
	const struct posterior_pair *pair = context;
	const double p = 1 / (1 + exp(-place)), rest = 1 / (1 + exp(place));
	const double below = incomplete_beta(pair->one.alpha, pair->one.beta, p, rest).lower;
	return log(p * rest * below * incomplete_beta(pair->other.alpha, pair->other.beta, p, rest).upper);
}

double posterior_loss(struct beta_posterior chosen, struct beta_posterior other)
{
	const struct posterior_pair pair = {chosen, other};
	return integral_over_both(loss_exponent, &pair);
}
