/* rank_test.h: Two-sample tests by ranks over the whole distribution: Cramer-von Mises and Anderson-Darling.
 *
 * Samples are sorted, without NaN, of at least two values each. Ties have the middle of their ranks.
 *
 * Pure; any thread may call.
 */
#pragma once

#include "base/arena.h"
#include "methods/numeric/table.h"

double cramer_von_mises(const struct sorted *reference, const struct sorted *current);

/* The chance of a statistic at least as large, by the limit law, moved and scaled to the moments of these sizes
 * (Anderson 1962). */
double cramer_von_mises_p_limit(double statistic, size_t reference, size_t current);

/* The same by counting all arrangements. NaN: a sample has more than CVM_EXACT_SIZE_MAX values, for which the table of
 * counts would fill the memory, or the arena is full. */
#define CVM_EXACT_SIZE_MAX 20
double cramer_von_mises_p_exact(double statistic, size_t reference, size_t current, struct arena *arena);

/* The k-sample statistic of Scholz and Stephens (1987) with midranks, less its mean and by its deviation. NaN: all
 * values are equal. */
double anderson_darling(const struct sorted *reference, const struct sorted *current);

/* Its values that a share of 25, 10, 5, 2.5, 1, .5 and .1 percent exceeds. */
#define ANDERSON_DARLING_LEVELS 7
extern const double anderson_darling_critical[ANDERSON_DARLING_LEVELS];
