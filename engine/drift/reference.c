/* reference.c: see reference.h. */
#include "drift/reference.h"

#include <math.h>

#include "numeric/quantile.h"

#define SURE 2.5		/* standard deviations from which on a dependence is believed */
#define CARRY_MOST 0.98 /* beyond, a reference says next to nothing */

/* Twice the rank, ties in the middle. */
static double rank_of(const double *sorted, size_t count, double value)
{
	return (double)(sorted_below(sorted, count, value) + sorted_until(sorted, count, value));
}

double drift_dependence(const double *values, size_t count, size_t block, double *scratch)
{
	double pairs = 0, product = 0, square = 0, before = 0;
	size_t kept;
	for (size_t i = 0; i < count; i++)
		scratch[i] = values[i];
	kept = quantile_sort(scratch, count);
	for (size_t i = 0; i < count; i++) {
		const bool paired = i > 0 && i % block != 0 && !isnan(values[i]) && !isnan(values[i - 1]);
		const double now = isnan(values[i]) ? 0 : rank_of(scratch, kept, values[i]) - (double)kept;
		square += now * now;
		product += paired ? now * before : 0;
		pairs += paired;
		before = now;
	}
	if (pairs < 10 || !(square > 0))
		return 1;
	double carry = product / pairs / (square / (double)kept);
	if (!(carry > SURE / sqrt(pairs)))
		return 1;
	carry += (1 + 3 * carry) / pairs + sqrt((1 - carry * carry) / pairs); /* its bias, and one standard deviation */
	if (carry > CARRY_MOST)
		carry = CARRY_MOST;
	return (1 + carry) / (1 - carry);
}
