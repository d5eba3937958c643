/* missing_runs.c: see missing_runs.h. */
#include "drift/missing_runs.h"

#include <math.h>

#include "statistics/special.h"

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

static bool is_nearly_all(const struct missing_runs *usual, const struct missing_runs *window)
{
	const double missing = (double)window->missing;
	return missing >= MISSING_NEARLY_ALL * (double)window->rows && missing > MISSING_TIMES_LONGEST * (double)usual->longest &&
	       (double)usual->missing <= SHARE_MOST * (double)usual->rows;
}

/* The chance of so long a run in a window, at most. */
static double longest_sf(const struct missing_runs *usual, const struct missing_runs *window)
{
	const double count = (double)usual->count, times = (double)window->longest / (double)usual->longest;
	const double runs = fmax(1, count * (double)window->rows / (double)usual->rows);
	return runs * count * exp(log_beta(count, times + 1));
}

bool missing_runs_are_unusual(const struct missing_runs *usual, const struct missing_runs *window, double alpha)
{
	return usual->count > 0 && (is_nearly_all(usual, window) || longest_sf(usual, window) < alpha);
}
