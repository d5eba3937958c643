/* lasting_spread.c: Spread that lasts, by the likeliest of a grid; see lasting_spread.h. */
#include "methods/drift/change/lasting_spread.h"

/* The grid: how much of a variance the next one has, and how much of that is of the level itself. */
static const double lasts[] = {0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99};
static const double reacts[] = {0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45};

#define AT_ONCE 8 /* variances whose product has a logarithm: none is below what is left of 1, nor above all squares */

/* The logarithm of the likelihood of normal levels, but for a constant. */
static double likelihood(struct lasting_spread spread, const double *levels, size_t rows)
{
	double sum = 0, product = 1;
	size_t taken = 0;
	lasting_spread_begin(&spread);
	for (size_t i = 0; i < rows; i++) {
		if (isnan(levels[i]))
			continue;
		const double apart = levels[i] * spread.scale;
		sum += apart * apart / spread.variance;
		product *= spread.variance;
		lasting_spread_learn(&spread, apart);
		if (++taken % AT_ONCE == 0) {
			sum += log(product);
			product = 1;
		}
	}
	return -(sum + log(product)) / 2;
}

/* By which the levels have deviation 1; 0 where they have none. */
static double levels_scale(const double *levels, size_t rows)
{
	double squares = 0, count = 0;
	for (size_t i = 0; i < rows; i++) {
		squares += isnan(levels[i]) ? 0 : levels[i] * levels[i];
		count += !isnan(levels[i]);
	}
	return squares > 0 ? sqrt(count / squares) : 0;
}

double lasting_spread_fit(struct lasting_spread *spread, const double *levels, size_t rows)
{
	struct lasting_spread tried = {.scale = levels_scale(levels, rows)};
	const double without = likelihood(tried, levels, rows);
	double best = 0;
	*spread = tried;
	for (size_t i = 0; i < sizeof lasts / sizeof *lasts; i++) {
		for (size_t j = 0; j < sizeof reacts / sizeof *reacts && reacts[j] < lasts[i]; j++) {
			tried.react = reacts[j];
			tried.keep = lasts[i] - reacts[j];
			const double likelier = likelihood(tried, levels, rows) - without;
			if (likelier <= best)
				continue;
			best = likelier;
			*spread = tried;
		}
	}
	return best;
}
