/* binning.h: numbers sorted into bins, and edges of bins learnt.
 *
 * Bin k lies between edges k-1 and k; bin 0 is below the first edge. To which bin an
 * edge itself belongs is said: closed on the left, edges[k-1] <= x < edges[k], or on the
 * right. NaN is in no bin: -1.
 */
#ifndef SLUICE_NUMERIC_BINNING_H
#define SLUICE_NUMERIC_BINNING_H

#include <stdint.h>

#include "numeric/quantile.h"
#include "numeric/table.h"

/* `edges` rise. */
int64_t bin_of(const double *edges, size_t count, double value, bool closed_left);

/* Edges as scikit-learn's KBinsDiscretizer learns them of a column without NaN: all, from
 * the least number to the most. Fewer bins than asked for may come out: of the edges that
 * fall together one is left, and a column that does not vary has one bin from -inf to inf. */
enum binning { BINNING_UNIFORM, BINNING_QUANTILE, BINNING_KMEANS };

struct edges {
	size_t count;  /* one more than there are bins */
	double *items; /* in the arena; NULL: it is full, or the column is empty */
};

struct edges bins_fit(const struct sorted *column, size_t bins, enum binning by, enum quantile_type type, struct arena *arena);

/* The bin of a number among learnt edges: what lies outside is in the first or the last. */
static inline int64_t bin_within(const struct edges *edges, double value)
{
	return bin_of(edges->items + 1, edges->count < 2 ? 0 : edges->count - 2, value, true);
}

#endif
