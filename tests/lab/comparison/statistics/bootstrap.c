/* bootstrap.c: see bootstrap.h. */
#include "comparison/statistics/bootstrap.h"

#include "base/number/random.h"
#include "methods/numeric/moments.h"
#include "methods/numeric/quantile.h"

static double mean_drawn(struct random *random, const double *values, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += values[random_below(random, count)];
	return sum / (double)count;
}

bool bootstrap_difference(const double *control, size_t control_count, const double *treatment, size_t treatment_count,
			  size_t resamples, double level, uint64_t seed, struct arena *arena, struct bootstrap *bootstrap)
{
	struct random random = {seed};
	struct moments moments = {0};
	double *drawn = ARENA_ARRAY(arena, double, resamples);
	if (!drawn || control_count == 0 || treatment_count == 0 || resamples < 2)
		return false;
	for (size_t i = 0; i < resamples; i++) {
		drawn[i] = mean_drawn(&random, treatment, treatment_count) - mean_drawn(&random, control, control_count);
		moments_add(&moments, drawn[i]);
	}
	const size_t count = quantile_sort(drawn, resamples);
	bootstrap->interval.low = quantile_sorted(drawn, count, (1 - level) / 2, QUANTILE_LINEAR);
	bootstrap->interval.high = quantile_sorted(drawn, count, (1 + level) / 2, QUANTILE_LINEAR);
	bootstrap->standard_error = sqrt(moments_variance(&moments, 1));
	return true;
}
