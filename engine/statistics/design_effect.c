/* design_effect.c: see design_effect.h. */
#include "statistics/design_effect.h"

#include <math.h>

#define CLUSTERS_LEAST 30 /* of one size: fewer say little of their variance */

/* Where all trials of a cluster are equal: the mean size of the cluster of a trial. Groups have the sizes of their clusters beside
 * their common mean. */
static double effect_most(const struct cluster_mean *successes, uint64_t alone)
{
	const double trials = (double)successes->count, single = (double)alone, grouped = trials - single;
	const double beside = successes->sizes - single - grouped * grouped / DESIGN_GROUPS;
	return fmax(1, (single + beside * DESIGN_GROUPS / (DESIGN_GROUPS - 1)) / trials);
}

double design_effect(const struct cluster_mean *successes, uint64_t alone)
{
	if (successes->count == alone)
		return 1;
	const double trials = (double)successes->count, most = effect_most(successes, alone);
	const struct moments moments = cluster_mean_moments(successes);
	if (trials < CLUSTERS_LEAST * most)
		return most;
	const double independent = trials * moments.mean * (1 - moments.mean);
	const double variance = moments_variance(&moments, 1) / (double)moments.count;
	return fmax(1, (variance * trials * trials + most) / (independent + 1));
}
