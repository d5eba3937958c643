/* cluster_mean.h: Running mean of numbers that come in clusters, and the variance of that mean.
 *
 * Numbers of one cluster may depend on each other, as the requests of one unit do, which got the same variant. Clusters are
 * independent. So the variance is that of the clusters' sums around what their sizes let expect (Liang and Zeger, 1986). With one
 * number for each cluster it is the usual one. A cluster may grow at any time; the caller keeps its sum.
 */
#pragma once

#include "methods/numeric/moments.h"

struct cluster_mean {
	uint64_t count, clusters;
	double sum;
	double squares;	 /* over clusters: of its sum, squared */
	double products; /* of its sum times its size */
	double sizes;	 /* of its size, squared */
};

/* A number of a cluster that has had `size` numbers of the sum `sum`. */
void cluster_mean_add(struct cluster_mean *mean, double number, double sum, uint64_t size);

/* A cluster that has all of its numbers; and so many clusters of one number each, which is the same in all. */
void cluster_mean_add_whole(struct cluster_mean *mean, double sum, uint64_t size);
void cluster_mean_add_alone(struct cluster_mean *mean, double number, uint64_t clusters);

/* As if of clusters: their number, the mean of all numbers, and squares by which the variance with 1 degree of freedom less,
 * divided by the number of clusters, is that of the mean. */
struct moments cluster_mean_moments(const struct cluster_mean *mean);
