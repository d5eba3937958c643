/* interval.h: Intervals of numbers, ends included. One whose low end is above its high end is empty. */
#pragma once

#include <math.h>
#include <stdbool.h>

struct interval {
	double low, high;
};

#define INTERVAL_ALL ((struct interval){-INFINITY, INFINITY})

static inline struct interval interval_around(double middle, double half)
{
	return (struct interval){middle - half, middle + half};
}

static inline struct interval interval_common(struct interval one, struct interval other)
{
	return (struct interval){fmax(one.low, other.low), fmin(one.high, other.high)};
}

static inline bool interval_empty(struct interval interval)
{
	return interval.low > interval.high;
}

/* The nearest number within; of an empty one the middle between its ends. */
static inline double interval_clamp(struct interval interval, double number)
{
	if (interval_empty(interval))
		return (interval.low + interval.high) / 2;
	return fmin(interval.high, fmax(interval.low, number));
}
