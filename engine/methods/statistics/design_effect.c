/* design_effect.c: see design_effect.h. */
#include "methods/statistics/design_effect.h"

#include <math.h>
#include <stdbool.h>

#define CLUSTERS_LEAST 30 /* of one size: fewer say little of their variance */

/* Where all trials of a cluster are equal: the mean size of the cluster of a trial. Groups have the sizes of their clusters beside
 * their common mean. */
static double effect_most(struct clustered_rate rate)
{
	const double trials = (double)rate.successes->count, single = (double)rate.alone, grouped = trials - single;
	const double beside = rate.successes->sizes - single - grouped * grouped / DESIGN_GROUPS;
	return fmax(1, (single + beside * DESIGN_GROUPS / (DESIGN_GROUPS - 1)) / trials);
}

/* Variances of the sum of successes: as it is, and as of independent trials. */
struct variances {
	double shown, independent;
};

static struct variances variances_of(struct clustered_rate rate)
{
	const double trials = (double)rate.successes->count;
	const struct moments moments = cluster_mean_moments(rate.successes);
	if (moments.count < 2)
		return (struct variances){0, 0};
	return (struct variances){moments_variance(&moments, 1) / (double)moments.count * trials * trials,
				  trials * moments.mean * (1 - moments.mean)};
}

static bool is_independent(struct clustered_rate rate)
{
	return rate.successes->count == rate.alone;
}

static double effect_shown(struct variances variances)
{
	return variances.independent > 0 ? fmax(1, variances.shown / variances.independent) : 1;
}

double design_effect_shown(struct clustered_rate rate)
{
	return is_independent(rate) ? 1 : effect_shown(variances_of(rate));
}

double design_effect_safe(struct clustered_rate rate, struct clustered_rate beside)
{
	if (is_independent(rate))
		return 1;
	const double most = effect_most(rate);
	if ((double)rate.successes->count < CLUSTERS_LEAST * most)
		return most;
	const struct variances own = variances_of(rate), others = variances_of(beside);
	return fmax(effect_shown(own), (own.shown + others.shown + most) / (own.independent + others.independent + 1));
}
