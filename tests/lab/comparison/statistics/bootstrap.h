/* bootstrap.h: Bootstrap interval of the difference of two means (Efron's percentile interval), from samples drawn again
 * from the units. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "methods/statistics/interval.h"

struct bootstrap {
	struct interval interval;
	double standard_error;
};

/* Draws follow from the seed. False: the arena is full, or there is nothing to draw from. */
bool bootstrap_difference(const double *control, size_t control_count, const double *treatment, size_t treatment_count,
			  size_t resamples, double level, uint64_t seed, struct arena *arena, struct bootstrap *bootstrap);
