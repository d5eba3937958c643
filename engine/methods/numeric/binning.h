/* binning.h: Binning of numbers by edges, and learning of the edges.
 *
 * Bin k is between edges k-1 and k; bin 0 is below the first edge. A parameter decides the bin of an edge itself:
 * closed on the left, edges[k-1] <= x < edges[k], or on the right. NaN is in no bin: -1.
 */
#pragma once

#include "methods/numeric/quantile.h"
#include "methods/numeric/table.h"

/* The bin of a number. `edges` are in ascending order. */
int64_t bin_of(const double *edges, size_t count, double value, bool closed_left);

/* Learns edges as scikit-learn's KBinsDiscretizer does, from a column without NaN. Returns all edges, from the least
 * number to the greatest, in ascending order. There may be fewer bins than requested: equal edges become one, and so
 * do edges of quantiles and clusters that are within 1e-8. A column that is constant, or that leaves one edge, has
 * one bin from -inf to inf. */
enum binning { BINNING_UNIFORM, BINNING_QUANTILE, BINNING_KMEANS };

struct edges {
	size_t count;  /* one more than the number of bins */
	double *items; /* in the arena; NULL: the arena is full, or the column is empty */
};

struct edges bins_fit(const struct sorted *column, size_t bins, enum binning by, enum quantile_type type, struct arena *arena);

/* The bin of a number among learnt edges; numbers outside are in the first or the last bin. */
static inline int64_t bin_within(const struct edges *edges, double value)
{
	return bin_of(edges->items + 1, edges->count < 2 ? 0 : edges->count - 2, value, true);
}
