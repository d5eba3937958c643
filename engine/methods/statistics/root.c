/* root.c: see root.h. */
#include "methods/statistics/root.h"

#include <float.h>
#include <math.h>

#define ROUNDS_MOST 200 /* bisection alone needs fewer, from any double to any other but those near 0 */

struct root_point {
	double x, value;
};

/* The step from `best` by interpolation through the points that are known; 0 where it does not shrink the bracket. */
static double step_interpolated(const struct root_point *best, const struct root_point *last, const struct root_point *other,
				double half)
{
	const double ratio = best->value / last->value;
	double p, q;
	if (last->x == other->x) {
		p = 2 * half * ratio;
		q = 1 - ratio;
	} else {
		const double to_other = last->value / other->value, r = best->value / other->value;
		p = ratio * (2 * half * to_other * (to_other - r) - (best->x - last->x) * (r - 1));
		q = (to_other - 1) * (r - 1) * (ratio - 1);
	}
	if (p > 0)
		q = -q;
	p = fabs(p);
	return 2 * p < 3 * half * q - fabs(DBL_EPSILON * q) && q != 0 ? p / q : 0;
}

double root_between(double (*function)(const void *context, double x), const void *context, double low, double high)
{
	struct root_point last = {low, function(context, low)}, best = {high, function(context, high)}, other = last;
	if (last.value == 0 || best.value == 0 || (last.value > 0) == (best.value > 0))
		return fabs(last.value) < fabs(best.value) ? last.x : best.x;
	double step = best.x - last.x, before = step;
	for (int i = 0; i < ROUNDS_MOST; i++) {
		if (fabs(other.value) < fabs(best.value)) {
			last = best;
			best = other;
			other = last;
		}
		const double near = 2 * DBL_EPSILON * fabs(best.x) + DBL_MIN, half = (other.x - best.x) / 2;
		if (fabs(half) <= near || best.value == 0)
			break;
		double next = 0;
		if (fabs(before) >= near && fabs(last.value) > fabs(best.value))
			next = step_interpolated(&best, &last, &other, half);
		if (next != 0 && fabs(2 * next) < fabs(before)) {
			before = step;
			step = next;
		} else {
			before = step = half;
		}
		last = best;
		best.x += fabs(step) > near ? step : copysign(near, half);
		best.value = function(context, best.x);
		if ((best.value > 0) == (other.value > 0)) {
			other = last;
			before = step = best.x - last.x;
		}
	}
	return best.x;
}
