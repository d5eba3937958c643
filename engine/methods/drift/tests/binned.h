/* binned.h: Distances between two samples counted in bins or categories: PSI, Jensen-Shannon, and the
 * chi-square test of homogeneity.
 *
 * Bins of numbers are cut at quantiles of the reference: (e[k-1], e[k]], the outer ones open. Counting a value costs
 * the logarithm of their number, and a window that slides takes its oldest value out of the counts again.
 *
 * Pure; any thread may call.
 */
#pragma once

#include "methods/numeric/table.h"

#define BINNED_SHARE_LEAST 1e-4 /* the usual floor of a share under a logarithm */

struct bins {
	size_t count; /* of edges; there is one bin more */
	const double *edges;
};

/* Edges at the quantiles k/bins, linear, each kept once; `sorted` is the reference and not empty. Edges NULL: the
 * arena is full. */
struct bins bins_of_quantiles(const struct sorted *reference, size_t bins, struct arena *arena);

/* The bin of a number that is not NaN, from 0. */
size_t bins_find(const struct bins *bins, double value);

/* Two lists of `bins` counts. */
struct binned {
	size_t bins;
	const double *reference, *current;
};

/* Distances over shares of at least `least`, which are not made to sum to 1 again. NaN: a sample is empty. */
double binned_psi(const struct binned *binned, double least);

/* The square root of the Jensen-Shannon divergence of the plain shares, by the natural logarithm; divided by
 * sqrt(ln 2) it is that of base 2, which ends at 1. */
double binned_jensen_shannon(const struct binned *binned);

struct chi_square_test {
	double statistic, freedom, p;
};

/* Of the same shares in both, without Yates' correction; categories that neither has do not count. p is NaN where
 * fewer than two are left. */
struct chi_square_test binned_homogeneity(const struct binned *binned);

/* The root of that statistic divided by the common size n m / (n + m) of both samples. Bins that are `pooled` count as one; NULL:
 * none is. */
double binned_chi_square_distance(const struct binned *binned, const bool *pooled);
