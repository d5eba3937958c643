/* kernel_test.h: Maximum mean discrepancy (MMD): whether two samples of rows come from one distribution, by the kernel
 * exp(-|x-y|^2 / (2 width^2)).
 *
 * All kernel values of the pooled rows are worked out once and kept: 8 bytes times the square of their number.
 * Permutations only sum them anew (Gretton et al. 2012).
 *
 * Pure: chance comes from a seed.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "methods/numeric/table.h"

#define KERNEL_ROWS_MAX 8192 /* of both samples: half a gigabyte of kernel values */

/* The median distance of all pairs of pooled rows. NaN: fewer than two rows, or the arena is full. */
double kernel_width_pooled(const struct table *reference, const struct table *current, struct arena *arena);

/* The sharper choice of alibi-detect: the square root of half the lower median of the squared distances of reference
 * rows. */
double kernel_width_reference(const struct table *reference, struct arena *arena);

struct kernel_test {
	double unbiased; /* the estimate of MMD^2; below 0 by chance */
	double biased;
	double p; /* (1 + permutations at least as far) / (1 + permutations) */
};

/* Rows are as wide as each other, at least two of each sample. False: LIMIT, too many rows or no memory. */
bool kernel_test_run(const struct table *reference, const struct table *current, double width, unsigned permutations,
		     uint64_t seed, struct arena *arena, struct kernel_test *test, struct error *error);
