/* missing_runs.c: see missing_runs.h. */
#include "methods/drift/missing_runs.h"

#include <math.h>

#include "methods/statistics/special.h"

#define SHARE_MOST 0.25 /* of the reference: with more, runs may follow one another */

struct missing_runs missing_runs_of(const double *values, size_t rows)
{
	struct missing_runs runs = {.rows = rows};
	size_t length = 0;
	for (size_t i = 0; i < rows; i++) {
		length = isnan(values[i]) ? length + 1 : 0;
		runs.missing += length > 0;
		runs.count += length == 1;
		runs.longest = length > runs.longest ? length : runs.longest;
	}
	return runs;
}

/* Whether the reference has runs, and few enough that a window without values can be told from them. */
static bool has_rule(const struct missing_runs *usual)
{
	return usual->count > 0 && (double)usual->missing <= SHARE_MOST * (double)usual->rows;
}

bool missing_runs_are_lost(const struct missing_runs *usual, const struct missing_runs *window)
{
	const double missing = (double)window->missing;
	return has_rule(usual) && missing >= MISSING_NEARLY_ALL * (double)window->rows &&
	       missing > MISSING_TIMES_LONGEST * (double)usual->longest;
}

/* The chance that a run is so many times as long as the longest. */
static double longer_sf(const struct missing_runs *usual, double times)
{
	return (double)usual->count * exp(log_beta((double)usual->count, times + 1));
}

/* Runs that a window has on the average. */
static double runs_of(const struct missing_runs *usual, double rows)
{
	return (double)usual->count * rows / (double)usual->rows;
}

double missing_runs_lost_chance(const struct missing_runs *usual, size_t rows)
{
	if (!has_rule(usual))
		return 0;
	const double longest = (double)usual->longest, least = MISSING_TIMES_LONGEST * longest / MISSING_NEARLY_ALL;
	const double all = rows > 0 ? (double)rows : least;
	if (all < MISSING_TIMES_LONGEST * longest)
		return 0;
	const double times = fmax(MISSING_TIMES_LONGEST, MISSING_NEARLY_ALL * all / longest);
	return fmin(1, runs_of(usual, all) * longer_sf(usual, times));
}

/* The chance of so long a run in a window, at most. */
static double longest_sf(const struct missing_runs *usual, const struct missing_runs *window)
{
	return fmax(1, runs_of(usual, (double)window->rows)) * longer_sf(usual, (double)window->longest / (double)usual->longest);
}

bool missing_runs_are_unusual(const struct missing_runs *usual, const struct missing_runs *window, double alpha)
{
	return usual->count > 0 && longest_sf(usual, window) < alpha;
}
