/* rates.h: Rates of success: their intervals, and comparisons of two, at a fixed horizon.
 *
 * A difference is treatment less control. What the data leave undefined is NaN, never 0: both rates 0, or both 1.
 * Pure; any thread may call.
 */
#pragma once

#include <stddef.h>

#include "methods/statistics/interval.h"

struct rate {
	double successes, trials;
};

struct interval rate_wilson(struct rate rate, double alpha);

struct rate_test {
	double difference;
	double z, p;		  /* pooled, of two sides */
	struct interval newcombe; /* of the difference, from Wilson's intervals, without correction */
};

struct rate_test rate_test(struct rate control, struct rate treatment, double alpha);

struct table_test {
	double statistic, freedom, p;
};

/* Chi-square of independence of rows and columns, without those that are empty; NaN where fewer than two of either are left.
 * `expected`, of as many numbers as there are counts, gets what would be expected. */
struct table_test table_test(const double *counts, size_t rows, size_t columns, double *expected);
