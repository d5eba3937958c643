/* level_crossing.h: Rate at which a statistic of a sliding window crosses a level by chance, and the level for a given rate.
 *
 * The statistic is the squared length of `freedom` independent sums over the last `window` rows, beside the same sums
 * of a reference, divided by their variance: chi-square at any one row, and much the same at the next. Its crossings a
 * row follow from both (Siegmund and Yakir 2007), so no simulation is needed for a new window, reference or rate.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <stddef.h>

/* Crossings a row of the level `square` by a window of so many rows beside a reference of so many. */
double crossing_rate(double square, double freedom, double window, double reference);

/* The level that is crossed at a rate a row. */
double crossing_level(double rate, double freedom, double window, double reference);

/* How much further out a level is where the variance of the statistic is an estimate of so many degrees of freedom: as far as a
 * normal sum is as unlikely as at `square` beside the likeliest variance (Student's likelihood ratio). 1: it is known, INFINITY. */
double crossing_unsure(double square, double freedom);

/* How far a sum over the window is from what is expected where it is as unlikely as a normal one at the level `square`.
 * A row has deviation 1, and makes jumps of one size at times, as a rare value does: `jump` is that size, above 0 towards
 * the level and below 0 away from it; 0: sums are normal. The likelihood ratio of the window and the reference says how
 * unlikely (Poisson's law of both, at one rate that neither knows), so a jump that the reference has seen once may be
 * more frequent than that. INFINITY: no sum is so unlikely, since a window without any jump is not. */
double crossing_sum(double square, double jump, double window, double reference);

/* The same where, besides, rows have the size `unseen`, above 0, that the reference has had none of: at a rate that it says no
 * better than that, so one of them is no news yet. */
double crossing_sum_unseen(double square, double jump, double unseen, double window, double reference);
