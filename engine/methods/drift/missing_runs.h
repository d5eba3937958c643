/* missing_runs.h: Runs of missing values in the reference and in a window of a drift monitor.
 *
 * Where values are missing in runs, the count of missing rows says little: a run is one event. A window is judged by its runs, too.
 * A run that is far longer than all of the reference is unusual, at a level. Few runs cannot establish a rare level, however, and a
 * lost feature has to be found: so a window with nearly no value is an alarm by a rule without a level.
 *
 * Plain data, of one thread.
 */
#pragma once

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
 * `times` as long as the longest of `count` with the chance 1 / binomial(count + times, count). */
bool missing_runs_are_unusual(const struct missing_runs *usual, const struct missing_runs *window, double alpha);

/* Whether nearly all values of the window are missing, unless runs of the reference are as long as a part of it, or more than a
 * quarter of its values are missing. */
bool missing_runs_are_lost(const struct missing_runs *usual, const struct missing_runs *window);

/* The chance of that in a window of so many rows, if lengths are exponential and nothing is lost; if `rows` is 0, in one of the
 * smallest size that the longest run leaves possible. */
double missing_runs_lost_chance(const struct missing_runs *usual, size_t rows);
