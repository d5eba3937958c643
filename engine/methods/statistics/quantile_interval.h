/* quantile_interval.h: Confidence interval of a quantile, by order statistics: it holds for any distribution. */
#pragma once

#include <stddef.h>

#include "methods/statistics/interval.h"

/* Of the quantile `q` (above 0, below 1) of the distribution from which `count` numbers were drawn; they are in ascending order,
 * without NaN. Each end fails with a chance of at most alpha / 2. An end is infinite if so few numbers have none. */
struct interval quantile_interval(const double *sorted, size_t count, double q, double alpha);
