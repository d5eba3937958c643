/* arm_sums.h: Running sums over the units of one arm: of a value, and of a second number beside it.
 *
 * The second number is the covariate of CUPED, or the denominator of a ratio. Adding, and replacing a unit's numbers
 * when more outcomes arrive, cost the same however many units there were.
 */
#pragma once

#include <stddef.h>

#include "methods/numeric/moments.h"

struct arm_sums {
	uint64_t count;
	double mean, squares;		  /* of values, as in struct moments */
	double beside_mean, beside_squares; /* of the second numbers */
	double products;		  /* of both deviations */
};

void arm_sums_add(struct arm_sums *sums, double value, double beside);

struct arm_unit {
	double value, beside;
};

/* Puts the numbers of a unit in the place of its former ones, which were added before. */
void arm_sums_replace(struct arm_sums *sums, struct arm_unit former, struct arm_unit unit);

/* Adds the units of other sums. */
void arm_sums_merge(struct arm_sums *into, const struct arm_sums *from);

/* Of the values alone. */
struct moments arm_sums_values(const struct arm_sums *sums);

/* The ratio of both sums, and the moments of value - ratio x beside for a ratio that both arms share. */
double arm_sums_ratio(const struct arm_sums *sums);
struct moments arm_sums_linearised(const struct arm_sums *sums, double ratio);
/* Of the ratio as a mean of units: its variance, divided by the number of units, is that of the ratio (delta method). Zeroes while
 * those beside sum to 0. */
struct moments arm_sums_ratio_moments(const struct arm_sums *sums);

/* CUPED: both arms with what the covariate explains taken off. */
struct cuped {
	double theta;  /* total covariance by total variance, arms taken together; 0 where the covariate does not vary */
	double middle; /* the covariate's mean, arms taken together */
	double reduction; /* of the variance of all units, as a share */
	struct moments control, treatment;
};

struct cuped cuped_adjust(const struct arm_sums *control, const struct arm_sums *treatment);

/* The units of an arm, where some lack the covariate. */
struct cuped_sums {
	struct arm_sums known;
	struct arm_sums lacking; /* of their values; the second numbers are 0 */
};

/* Units that lack the covariate count as its mean, which is of all that have it, arms taken together. */
struct cuped cuped_adjust_filled(const struct cuped_sums *control, const struct cuped_sums *treatment);

/* One of several arms likewise, by the slope and the mean of all of them. Of two arms: as cuped_adjust_filled(). */
struct moments cuped_adjust_arm(const struct cuped_sums *arms, size_t count, size_t arm);
