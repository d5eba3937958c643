/* season.h: Season of a feature in a reference: after how many rows its values repeat.
 *
 * Pure; any thread may call.
 */
#ifndef SLUICE_METHODS_DRIFT_SEASON_H
#define SLUICE_METHODS_DRIFT_SEASON_H

#include <stddef.h>

#define SEASONS_LEAST 3 /* that a reference has to have one after another: fewer are no rule */

/* The rows of a season, by the autocorrelation of ranks; 0: there is none. NaN: missing. `block`: rows that followed one another.
 * `scratch`: 2 * count numbers. */
size_t drift_season(const double *values, size_t count, size_t block, double *scratch);

/* How many of the values say as much as an independent one in windows of whole seasons, which have each place of the season equally
 * often: drift_dependence() of what the mean rank of each place leaves. `scratch`: 4 * count numbers. */
double drift_dependence_within(const double *values, size_t count, size_t season, double *scratch);

#endif
