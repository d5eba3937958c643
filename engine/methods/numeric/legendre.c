/* legendre.c: see legendre.h. Newton's method on the Legendre polynomial, from Tricomi's
 * guess of its roots. */
#include "methods/numeric/legendre.h"

#include <math.h>

#define PI 3.14159265358979323846
#define ROUNDS_MAX 16 /* Newton's method doubles the digits; 5 are enough */

/* The polynomial of a degree at x, and its slope. */
static double legendre_value(size_t degree, double x, double *slope)
{
	double before = 1, value = x;
	for (size_t k = 2; k <= degree; k++) {
		const double next = ((2 * (double)k - 1) * x * value - ((double)k - 1) * before) / (double)k;
		before = value;
		value = next;
	}
	*slope = (double)degree * (x * value - before) / (x * x - 1);
	return value;
}

void legendre_rule(size_t count, double *points, double *weights)
{
	for (size_t i = 0; i < count; i++) {
		double x = -cos(PI * ((double)i + 0.75) / ((double)count + 0.5)), slope = 0;
		for (int round = 0; round < ROUNDS_MAX; round++) {
			const double change = legendre_value(count, x, &slope) / slope;
			x -= change;
			if (fabs(change) < 1e-15)
				break;
		}
		(void)legendre_value(count, x, &slope);
		points[i] = (1 + x) / 2;
		weights[i] = 1 / ((1 - x * x) * slope * slope);
	}
}
