/* season.c: see season.h. */
#include "methods/drift/season.h"

#include <math.h>

#include "methods/drift/reference.h"

#define SEASON_LEAST 8	/* rows: dependence of nearer ones is that of neighbours */
#define ALIKE_LEAST 0.3 /* autocorrelation a season apart */
#define SEASON_NEAR 16 /* a part of a season, within which its length is looked for */
#define ALIKE_NEARLY 0.9 /* of the greatest one: several seasons are as far apart as one */

/* Of ranks so many rows apart, beside their variance. */
static double alikeness(const double *ranks, size_t count, size_t block, size_t lag)
{
	double products = 0, squares = 0;
	size_t pairs = 0;
	for (size_t begin = 0; begin < count; begin += block) {
		const size_t end = begin + block < count ? begin + block : count;
		for (size_t i = begin + lag; i < end; i++)
			products += ranks[i] * ranks[i - lag];
		pairs += end - begin > lag ? end - begin - lag : 0;
	}
	for (size_t i = 0; i < count; i++)
		squares += ranks[i] * ranks[i];
	return pairs > 0 && squares > 0 ? products / (double)pairs / (squares / (double)count) : 0;
}

/* How much of the variance the means of its places have, if a season has so many rows. */
static double season_variance(const double *ranks, size_t count, size_t season)
{
	double variance = 0;
	for (size_t place = 0; place < season && place < count; place++) {
		double sum = 0;
		size_t rows = 0;
		for (size_t i = place; i < count; i += season) {
			sum += ranks[i];
			rows++;
		}
		variance += sum * sum / (double)rows;
	}
	return variance;
}

/* All rows show its length more exactly than those that are one apart. */
static size_t season_refined(const double *ranks, size_t block, size_t season)
{
	const size_t within = season / SEASON_NEAR;
	size_t best = season;
	double most = 0;
	for (size_t tried = season - within; tried <= season + within; tried++) {
		const double variance = season_variance(ranks, block, tried);
		best = variance > most ? tried : best;
		most = fmax(most, variance);
	}
	return best;
}

size_t drift_season(const double *values, size_t count, size_t block, double *scratch)
{
	const size_t whole = block < count ? block : count, most = whole / SEASONS_LEAST;
	double *ranks = scratch, *alike = scratch + count, greatest = ALIKE_LEAST;
	size_t first = 1, at;
	(void)drift_ranks(values, count, ranks, alike);
	while (first <= most && alikeness(ranks, count, block, first) > 0)
		first++;
	for (size_t lag = first; lag <= most; lag++) {
		alike[lag] = alikeness(ranks, count, block, lag);
		greatest = fmax(greatest, alike[lag]);
	}
	while (first <= most && alike[first] < ALIKE_NEARLY * greatest)
		first++;
	for (at = first; first <= most && alike[first] >= ALIKE_NEARLY * greatest; first++)
		at = alike[first] > alike[at] ? first : at;
	if (at < SEASON_LEAST || at >= most || alike[at] < ALIKE_LEAST)
		return 0;
	const size_t season = season_refined(ranks, whole, at);
	return alikeness(ranks, count, block, 2 * season) > ALIKE_LEAST ? season : 0;
}

double drift_dependence_within(const double *values, size_t count, size_t season, double *scratch)
{
	double *ranks = scratch, *rest = scratch + 2 * count;
	(void)drift_ranks(values, count, ranks, rest);
	for (size_t place = 0; place < season; place++) {
		double sum = 0, rows = 0;
		for (size_t i = place; i < count; i += season) {
			sum += ranks[i];
			rows += !isnan(values[i]);
		}
		for (size_t i = place; i < count; i += season)
			ranks[i] = isnan(values[i]) ? values[i] : ranks[i] - sum / rows;
	}
	const double seasons = (double)count / (double)season; /* whose mean hides some of how they differ */
	return fmax(drift_dependence(ranks, count, count, rest) * seasons / (seasons - 1), 1);
}
