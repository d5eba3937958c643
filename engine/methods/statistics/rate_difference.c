/* rate_difference.c: see rate_difference.h.
 *
 * The pairs of rates are a convex set, as the logarithm of the product is convex. So the largest difference is where both slopes
 * balance, and one multiplier finds the pair. Pairs of one ratio are a ray. Where the largest difference lies beyond that of the
 * largest ratio, the one of both is on this ray, between the rates that the product allows there. */
#include "methods/statistics/rate_difference.h"

#include "methods/statistics/rate_sequence.h"

#define HALVINGS 44	      /* of a multiplier that is known to a factor of 2: to 1e-13 of it */
#define RAY_HALVINGS 60	      /* of a rate between 0 and 1: to 1e-18 */
#define MULTIPLIER_MOST 1e100 /* beyond, both rates are at their ends */

struct rate_pair {
	double control, treatment;
};

static struct rate failures_of(struct rate rate)
{
	return (struct rate){rate.trials - rate.successes, rate.trials};
}

/* The rate at which the logarithm of the likelihood ratio rises by `slope`, which is not below 0. */
static double rate_of_slope(struct rate rate, double slope)
{
	const double rest = rate.trials - slope, root = sqrt(rest * rest + 4 * slope * rate.successes);
	if (rest > 0)
		return fmin(1, 2 * rate.successes / (rest + root));
	return slope > 0 ? fmin(1, (root - rest) / (2 * slope)) : 0;
}

static struct rate_pair pair_of_slope(struct rate control, struct rate treatment, double kept, double slope)
{
	return (struct rate_pair){1 - rate_of_slope(failures_of(control), kept * slope), rate_of_slope(treatment, slope)};
}

/* Less the logarithm of the likelihood; 0 x log(0) is 0. */
static double rate_loss(struct rate rate, double p)
{
	const double failures = rate.trials - rate.successes;
	return (rate.successes > 0 ? -rate.successes * log(p) : 0) + (failures > 0 ? -failures * log1p(-p) : 0);
}

/* The logarithm of the mixture's likelihood, which no rate changes. */
static double rate_mixture(struct rate rate)
{
	return rate_sequence_log_ratio(rate, 0.5) - rate_loss(rate, 0.5);
}

static bool pair_is_outside(struct rate control, struct rate treatment, struct rate_pair pair, double loss_most)
{
	return rate_loss(control, pair.control) + rate_loss(treatment, pair.treatment) >= loss_most;
}

static struct rate_pair pair_most(struct rate control, struct rate treatment, double kept, double most)
{
	const double loss_most = most - rate_mixture(control) - rate_mixture(treatment);
	double low = 0, high = 1;
	while (high < MULTIPLIER_MOST &&
	       !pair_is_outside(control, treatment, pair_of_slope(control, treatment, kept, high), loss_most)) {
		low = high;
		high *= 2;
	}
	for (unsigned i = 0; i < HALVINGS && high < MULTIPLIER_MOST; i++) {
		const double middle = (low + high) / 2;
		const bool outside =
			pair_is_outside(control, treatment, pair_of_slope(control, treatment, kept, middle), loss_most);
		*(outside ? &high : &low) = middle;
	}
	return pair_of_slope(control, treatment, kept, high);
}

static double pair_difference(struct rate_pair pair, double kept)
{
	return pair.treatment - kept * pair.control;
}

static double difference_most(struct rate control, struct rate treatment, double kept, double most)
{
	return pair_difference(pair_most(control, treatment, kept, most), kept);
}

struct interval rate_difference(struct rate control, struct rate treatment, double kept, double alpha)
{
	const double most = -log(alpha), turned = difference_most(failures_of(control), failures_of(treatment), kept, most);
	return (struct interval){1 - kept - turned, difference_most(control, treatment, kept, most)};
}

double rate_difference_log_ratio(struct rate control, struct rate treatment)
{
	const double common = (control.successes + treatment.successes) / (control.trials + treatment.trials);
	return rate_sequence_log_ratio(control, common) + rate_sequence_log_ratio(treatment, common);
}

/* ---- with the ratio of the rarer outcome ---- */

/* Where the way from the rates that were seen, which both sets have, to a pair beyond the ray meets it. */
static double ray_control_met(struct rate control, struct rate treatment, double ratio, struct rate_pair beyond)
{
	const double c = control.successes / control.trials, t = treatment.successes / treatment.trials;
	const double seen = t - ratio * c, apart = beyond.treatment - ratio * beyond.control;
	const double way = seen == apart ? 0 : seen / (seen - apart);
	return c + way * (beyond.control - c);
}

/* On the ray, the last pair that the product allows in the direction in which the difference goes: up or down, as `sign` says. */
static double ray_difference(struct rate control, struct rate treatment, double kept, double ratio, double inside, double sign,
			     double most)
{
	const double loss_most = most - rate_mixture(control) - rate_mixture(treatment);
	double outside = sign * (ratio - kept) > 0 ? fmin(1, 1 / ratio) : 0;
	for (unsigned i = 0; i < RAY_HALVINGS; i++) {
		const double middle = (inside + outside) / 2;
		const bool is_outside = pair_is_outside(control, treatment, (struct rate_pair){middle, ratio * middle}, loss_most);
		*(is_outside ? &outside : &inside) = middle;
	}
	return (ratio - kept) * outside;
}

static struct interval difference_within(struct rate control, struct rate treatment, double kept, double alpha,
					 struct interval ratio)
{
	const double most = -log(alpha);
	const struct rate_pair highest = pair_most(control, treatment, kept, most);
	const struct rate_pair turned = pair_most(failures_of(control), failures_of(treatment), kept, most);
	const struct rate_pair lowest = {1 - turned.control, 1 - turned.treatment};
	struct interval interval = {pair_difference(lowest, kept), pair_difference(highest, kept)};
	if (highest.treatment > ratio.high * highest.control)
		interval.high = ray_difference(control, treatment, kept, ratio.high,
					       ray_control_met(control, treatment, ratio.high, highest), 1, most);
	if (lowest.treatment < ratio.low * lowest.control)
		interval.low = ray_difference(control, treatment, kept, ratio.low,
					      ray_control_met(control, treatment, ratio.low, lowest), -1, most);
	return interval;
}

static bool successes_are_rarer(struct rate control, struct rate treatment)
{
	return 2 * (control.successes + treatment.successes) <= control.trials + treatment.trials;
}

/* The successes of both arms, of which those of the treatment are the ones that count. */
static struct rate treatment_share(struct rate control, struct rate treatment)
{
	return (struct rate){treatment.successes, control.successes + treatment.successes};
}

static struct interval ratio_sequence(struct rate control, struct rate treatment, double alpha)
{
	const struct interval share = rate_sequence(treatment_share(control, treatment), alpha);
	const double units = control.trials / treatment.trials;
	return (struct interval){units * share.low / (1 - share.low),
				 share.high < 1 ? units * share.high / (1 - share.high) : INFINITY};
}

struct interval rate_difference_rare(struct rate control, struct rate treatment, double kept, double alpha, double ratio_alpha)
{
	const bool turned = !successes_are_rarer(control, treatment);
	const struct rate c = turned ? failures_of(control) : control, t = turned ? failures_of(treatment) : treatment;
	const struct interval within = difference_within(c, t, kept, alpha, ratio_sequence(c, t, ratio_alpha));
	return turned ? (struct interval){1 - kept - within.high, 1 - kept - within.low} : within;
}

double rate_shares_log_ratio(struct rate control, struct rate treatment)
{
	const double common = treatment.trials / (control.trials + treatment.trials);
	const bool turned = !successes_are_rarer(control, treatment);
	const struct rate share =
		turned ? treatment_share(failures_of(control), failures_of(treatment)) : treatment_share(control, treatment);
	return share.trials > 0 ? rate_sequence_log_ratio(share, common) : 0;
}
