/* unit_numbers.h: Numbers of units, by epoch and variant: what the values of a unit make it count as. Private to analysis.c.
 *
 *   mean   the mean of its values: each unit counts once, whatever it asked for
 *   sum    the sum of its values; a unit without a value counts as 0, once it has entered
 *   ratio  by as much as it has values: the mean of a variant is the sum of all values by their number, and its variance that of
 *          the units' parts (sum - ratio x number) / mean number (linearised, Deng and others 2018)
 *
 * Pure; all of it is in the arena.
 */
#pragma once

#include "experiments/analysis/analysis.h"
#include "methods/statistics/arm_sums.h"

struct unit_values {
	double sum, count;
	bool counts; /* it has entered, or has a value */
};

struct unit_numbers {
	const struct analysis_input *input;
	enum per_unit per_unit;
	struct unit_values *units;
	struct arm_unit origin;	  /* taken off values and covariates, so that a large mean costs their squares no digits */
	struct arm_sums *sums;	  /* [epoch][arm] of units; of a ratio beside the number of values */
	struct cuped_sums *cuped; /* likewise, beside the covariate; NULL: without one, or of a ratio */
};

/* Values are `rates`: 0 and 1. False: the arena is full. */
bool unit_numbers_open(struct unit_numbers *numbers, const struct analysis_input *input, enum per_unit per_unit, bool covariate,
		       bool rates, struct arena *arena);

/* Adds a value, or lets its unit enter. Whether its unit counts from now on, and did not before. */
bool unit_numbers_add(struct unit_numbers *numbers, const struct analysis_value *value);

uint64_t unit_numbers_count(const struct unit_numbers *numbers, size_t epoch, size_t arm);

/* Of the units as they are. The mean is rounded once, as are those below. */
struct moments unit_numbers_arm(const struct unit_numbers *numbers, size_t epoch, size_t arm);

/* Of the units of one of all arms, without what the covariate explains. */
struct moments unit_numbers_adjusted(const struct unit_numbers *numbers, size_t epoch, size_t arm);

/* Both arms of a pair, without what the covariate explains. */
struct cuped unit_numbers_pair(const struct unit_numbers *numbers, size_t epoch, size_t treatment);

/* Of the units of both arms of a pair in epochs that have a share, about the mean of their arm and epoch. NaN: they do not vary. */
double unit_numbers_skewness(const struct unit_numbers *numbers, const struct pair_epoch *epochs, size_t treatment);

/* Units of both arms that lack the covariate. */
uint64_t unit_numbers_lacking(const struct unit_numbers *numbers, size_t epoch, size_t treatment);
