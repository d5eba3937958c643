/* sample_ratio.c: see sample_ratio.h. */
#include "methods/statistics/sample_ratio.h"

#include <math.h>

#include "methods/statistics/distribution.h"

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

void split_watch_add(struct split_watch *watch, double *counts, const double *shares, size_t arms, size_t arm)
{
	double open = 0;
	for (size_t i = 0; i < arms; i++)
		open += shares[i] > 0;
	const double expected = shares[arm] / sum_of(shares, arms), found = (1 + counts[arm]) / (open + sum_of(counts, arms));
	watch->factor += log(found) - log(expected);
	counts[arm]++;
}

double split_watch_look(struct split_watch *watch)
{
	watch->most = fmax(watch->most, watch->factor);
	return exp(-watch->most);
}

void share_watch_add(struct share_watch *watch, double counts[2], bool with)
{
	watch->expected += log((0.5 + counts[with]) / (1 + counts[0] + counts[1]));
	counts[with]++;
	*(with ? &watch->with : &watch->without) += 1;
}

static double part_log(double part, double all)
{
	return part > 0 ? part * log(part / all) : 0;
}

double share_watch_look(struct share_watch *watch)
{
	const double all = watch->with + watch->without;
	const double common = part_log(watch->with, all) + part_log(watch->without, all);
	watch->most = fmax(watch->most, watch->expected - common);
	return exp(-watch->most);
}
