/* missing_runs.h: Runs of missing values in the reference and in a window of a drift monitor.
 *
 * Where values are missing in runs, the count of missing rows says little: a run is one event. A window is judged by its runs, too:
 * a run that is longer than all of the reference, and a window that has nearly no value, are unusual.
 *
 * Plain data, of one thread.
 */
#ifndef SLUICE_DRIFT_MISSING_RUNS_H
#define SLUICE_DRIFT_MISSING_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#define MISSING_NEARLY_ALL 0.9	/* of the rows of a window */
#define MISSING_TIMES_LONGEST 4 /* that is unusual, if it is so many times as long as the longest run of the reference */

struct missing_runs {
	size_t rows, missing, count, longest;
};

/* NaN is missing. */
struct missing_runs missing_runs_of(const double *values, size_t rows);

/* Whether the window has a run that is too long, at this level. Lengths are taken to be exponential with an unknown mean: one is
 * `times` as long as the longest of `count` with the chance 1 / binomial(count + times, count).
 *
 * A window of nearly only missing values is unusual whatever the level, unless runs of the reference are as long as a part of it,
 * or more than a quarter of its values are missing: a few runs cannot establish a rare level, and a lost feature has to be found.
 */
bool missing_runs_are_unusual(const struct missing_runs *usual, const struct missing_runs *window, double alpha);

#endif
