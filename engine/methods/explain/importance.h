/* importance.h: Importance of features over many rows: by what a loss gains when a column
 * is permuted, and as the running mean of absolute contributions.
 */
#ifndef SLUICE_METHODS_EXPLAIN_IMPORTANCE_H
#define SLUICE_METHODS_EXPLAIN_IMPORTANCE_H

#include <stddef.h>
#include <stdint.h>

#include "methods/numeric/moments.h"

/* ---- permutation ---- */

/* Fills in the rows with one column permuted: row i takes it from row order[i]. */
void importance_permute(const double *rows, size_t count, size_t features, size_t column, const size_t *order, double *permuted);

double importance_squared_loss(const double *answers, const double *truth, size_t count); /* mean squared error */

/* ---- running ---- */

/* Mean absolute contribution of each feature, of the records so far: plain bytes, which may be kept as state. */
struct importance {
	uint64_t records;
	double total; /* mean of the sums of absolute contributions */
};

static inline size_t importance_size(size_t features)
{
	return sizeof(struct importance) + features * sizeof(double);
}

double *importance_means(struct importance *importance); /* a number for each feature, behind the struct */

/* Takes in a record. One with a contribution that is no finite number is left out. */
void importance_add(struct importance *importance, const double *contributions, size_t features);

/* Adds the records of another one: means are then of all of them. */
void importance_merge(struct importance *into, struct importance *from, size_t features);

/* How far two importances lie apart: half the sum of differences of their shares, from 0 (alike) to 1. NaN: one has no record,
 * or nothing contributed. */
double importance_shift(struct importance *left, struct importance *right, size_t features);

#endif
