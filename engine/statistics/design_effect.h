/* design_effect.h: Design effect of a rate whose trials come in clusters: how many times its variance is that of as many
 * independent trials (Kish, 1965). Successes and trials divided by it are judged as independent ones (Rao and Scott, 1992).
 *
 * Clusters are counted by DESIGN_GROUPS random groups of them, which are independent as they are. So the sums of a group can be
 * counted in several places and added up, whichever cluster is counted where.
 *
 * It is that of the sums of groups (statistics/cluster_mean.h), and at least 1. Few successes say little of it. So one more is
 * supposed, whose cluster has nothing else: the most that the sizes of clusters allow. Of few clusters it is that most.
 *
 * Pure.
 */
#ifndef SLUICE_STATISTICS_DESIGN_EFFECT_H
#define SLUICE_STATISTICS_DESIGN_EFFECT_H

#include "statistics/cluster_mean.h"

#define DESIGN_GROUPS 64 /* it is known to 18% */

/* The successes by groups; so many of the trials are `alone`: clusters by themselves, without a group. Without trials: 1. */
double design_effect(const struct cluster_mean *successes, uint64_t alone);

#endif
