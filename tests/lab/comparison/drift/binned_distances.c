/* binned_distances.c: see binned_distances.h. */
#include "comparison/drift/binned_distances.h"

#include <math.h>

#include "methods/statistics/distribution.h"

struct totals {
	double reference, current;
};

static struct totals binned_totals(const struct binned *binned)
{
	struct totals totals = {0, 0};
	for (size_t i = 0; i < binned->bins; i++) {
		totals.reference += binned->reference[i];
		totals.current += binned->current[i];
	}
	return totals;
}

double binned_divergence(const struct binned *binned, double least)
{
	const struct totals all = binned_totals(binned);
	double total = 0;
	if (all.reference <= 0 || all.current <= 0)
		return (double)NAN;
	for (size_t i = 0; i < binned->bins; i++) {
		const double current = fmax(binned->current[i] / all.current, least);
		total += current * log(current / fmax(binned->reference[i] / all.reference, least));
	}
	return total;
}

double binned_hellinger(const struct binned *binned)
{
	const struct totals all = binned_totals(binned);
	double total = 0;
	if (all.reference <= 0 || all.current <= 0)
		return (double)NAN;
	for (size_t i = 0; i < binned->bins; i++) {
		const double distance = sqrt(binned->reference[i] / all.reference) - sqrt(binned->current[i] / all.current);
		total += distance * distance;
	}
	return sqrt(total / 2);
}

double binned_cramers_v(const struct binned *binned)
{
	const struct totals all = binned_totals(binned);
	return sqrt(binned_homogeneity(binned).statistic / (all.reference + all.current));
}

bool binned_fit(const struct binned *binned, struct chi_square_test *test)
{
	const struct totals all = binned_totals(binned);
	double statistic = 0, freedom = -1;
	for (size_t i = 0; i < binned->bins; i++) {
		if (binned->reference[i] <= 0 && binned->current[i] > 0)
			return false;
		if (binned->reference[i] <= 0)
			continue;
		const double expected = binned->reference[i] / all.reference * all.current, away = binned->current[i] - expected;
		freedom++;
		statistic += away * away / expected;
	}
	*test = (struct chi_square_test){statistic, freedom, freedom < 1 ? (double)NAN : chi_square_sf(statistic, freedom)};
	return true;
}
