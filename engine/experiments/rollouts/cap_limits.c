/* cap_limits.c: see cap_limits.h. */
#include "experiments/rollouts/cap_limits.h"

#include "methods/numeric/quantile.h"

double cap_common(double *numbers, size_t count)
{
	count = quantile_sort(numbers, count);
	const size_t zeroes = sorted_until(numbers, count, 0) - sorted_below(numbers, count, 0);
	return 2 * zeroes > count ? 0 : (double)NAN;
}

struct cap_limits cap_limits_of(double *numbers, size_t count, double cap, double common)
{
	struct cap_limits limits = CAP_LIMITS_NONE;
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (numbers[i] != common)
			numbers[kept++] = numbers[i];
	limits.common = common;
	limits.others = kept;
	if (kept == 0 || (!isnan(common) && kept < CAP_OTHERS_LEAST))
		return limits;
	(void)quantile_sort(numbers, kept); /* none is NaN */
	limits.low = quantile_sorted(numbers, kept, 1 - cap, QUANTILE_LINEAR);
	limits.high = quantile_sorted(numbers, kept, cap, QUANTILE_LINEAR);
	return limits;
}
