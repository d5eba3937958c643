/* sample_ratio.c: see sample_ratio.h. */
#include "statistics/sample_ratio.h"

#include <math.h>

#include "statistics/distribution.h"
#include "statistics/special.h"

static double sum_of(const double *numbers, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += numbers[i];
	return sum;
}

struct split_test split_test(const double *counts, const double *shares, size_t arms, double alpha)
{
	const double all = sum_of(counts, arms), whole = sum_of(shares, arms);
	double statistic = 0, freedom = -1;
	for (size_t i = 0; i < arms; i++) {
		if (shares[i] == 0 && counts[i] == 0)
			continue;
		const double expected = all * shares[i] / whole, away = counts[i] - expected;
		statistic += all > 0 ? away * away / expected : 0;
		freedom++;
	}
	const double p = freedom > 0 ? chi_square_sf(statistic, freedom) : 1;
	return (struct split_test){statistic, freedom, p, p < alpha};
}

double split_log_factor(const double *counts, const double *shares, size_t arms)
{
	const double all = sum_of(counts, arms), whole = sum_of(shares, arms);
	double factor = 0, open = 0;
	for (size_t i = 0; i < arms; i++) {
		if (shares[i] == 0 && counts[i] == 0)
			continue;
		open++;
		factor += log_gamma(1 + counts[i]) - (counts[i] > 0 ? counts[i] * log(shares[i] / whole) : 0);
	}
	return open > 0 ? factor + log_gamma(open) - log_gamma(open + all) : 0;
}

double split_watch_look(struct split_watch *watch, const double *counts, const double *shares, size_t arms)
{
	watch->most = fmax(watch->most, watch->before + split_log_factor(counts, shares, arms));
	return exp(-watch->most);
}

double split_watch_close(struct split_watch *watch, const double *counts, const double *shares, size_t arms)
{
	const double p = split_watch_look(watch, counts, shares, arms);
	watch->before += split_log_factor(counts, shares, arms);
	return p;
}
