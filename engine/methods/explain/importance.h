/* importance.h: Importance of features over many rows: the running mean of absolute contributions. */
#pragma once

#include <stddef.h>
#include <stdint.h>

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
