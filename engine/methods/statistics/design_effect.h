/* design_effect.h: Design effect of a rate whose trials come in clusters: how many times its variance is that of as many
 * independent trials (Kish, 1965). Successes and trials divided by it are judged as independent ones (Rao and Scott, 1992).
 *
 * Clusters are counted by DESIGN_GROUPS random groups of them, which are independent as they are. So the sums of a group can be
 * counted in several places and added up, whichever cluster is counted where.
 *
 * Both effects below are at least 1. That of clusters whose trials are equal is the mean size of the cluster of a trial, and the
 * most that there is. Without trials, and of trials without a cluster, they are 1.
 *
 * Pure.
 */
#pragma once

#include "methods/statistics/cluster_mean.h"

#define DESIGN_GROUPS 64 /* the relative standard error of an effect is 18% */

/* Successes by groups; so many of the trials are `alone`: clusters by themselves, without a group. */
struct clustered_rate {
	const struct cluster_mean *successes;
	uint64_t alone;
};

/* The effect that the sums of groups show. It may be far too small of few clusters: only harm may be inferred with it. */
double design_effect_shown(struct clustered_rate rate);

/* The effect to infer with that a rate is low. Few successes say little of it: they count together with those of `beside`, a rate
 * of the same clusters, and with one more, whose cluster has nothing else. Of fewer than 30 clusters it is that of clusters whose
 * trials are equal. Never below what is shown. */
double design_effect_safe(struct clustered_rate rate, struct clustered_rate beside);
