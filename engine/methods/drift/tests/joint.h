/* joint.h: Joint test of rows as whole vectors: maximum mean discrepancy (MMD) between a window and the reference.
 *
 * Rows become random Fourier features: waves of JOINT_WAVES random directions, half of them with the median distance of the
 * reference's rows as the width of the kernel, half with half of it. The distance is that of the mean features. So a row is
 * added to sums and not compared with any other, and what changes only in how columns go together is seen as well.
 *
 * Columns are standardised by the reference, and numbers beyond JOINT_REACH deviations count as those; a missing number counts as
 * the mean. A column that does not vary is left out. The directions come from a seed, so the same rows give the same result.
 *
 * Without drift the squared distance is a sum of chi-square numbers, whose weights follow from the covariance of the
 * reference's features. Its tail is that of the chi-square law with the same first three moments (Pearson 1959), so no
 * permutation is needed for a level however rare. The result holds for windows of JOINT_ROWS_MIN rows or more.
 *
 * Cost: a row takes about 40 instructions for each column and 3,000 more; a window no more than its rows. Memory: 8 bytes times
 * JOINT_WAVES a column, and 1 MB while it opens.
 *
 * Pure; it belongs to one thread.
 */
#pragma once

#include "base/arena.h"

#define JOINT_WAVES 128
#define JOINT_REACH 4
#define JOINT_COLUMNS_MAX 256
#define JOINT_ROWS_MIN 50	      /* of a window: means of fewer are not normal */
#define JOINT_REFERENCE_ROWS_MIN 200 /* fewer do not show the covariance */

struct joint;

/* Columns of so many rows each; `dependence`: how many rows say as much as one independent one (drift_dependence()). NULL: the
 * arena is full. `columns` is borrowed until it returns. */
struct joint *joint_open(struct arena *arena, const double *const *columns, size_t column_count, size_t rows, double dependence);

struct joint_finding {
	double unbiased; /* the estimate of MMD^2; below 0 by chance */
	double distance; /* MMD with the bias that chance gives it */
	double level;	 /* that it exceeds with the chance `alpha` */
	double p;
};

/* Compares rows of the same columns. */
struct joint_finding joint_compare(struct joint *joint, const double *const *columns, size_t rows, double alpha);
