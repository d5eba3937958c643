/* rate_difference.c: see rate_difference.h.
 *
 * The pairs of rates are a convex set, as the logarithm of the product is convex. So the largest difference is where both slopes
 * balance, and one multiplier finds the pair. */
#include "statistics/rate_difference.h"

#include "statistics/rate_sequence.h"

#define HALVINGS 44	      /* of a multiplier that is known to a factor of 2: to 1e-13 of it */
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

static double difference_most(struct rate control, struct rate treatment, double kept, double most)
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
	const struct rate_pair pair = pair_of_slope(control, treatment, kept, high);
	return pair.treatment - kept * pair.control;
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
