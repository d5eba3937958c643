/* summary.h: what is known of many numbers that are not kept.
 *
 * Plain bytes without pointers, aligned to 8, that may be copied, kept and moved; all zero
 * they are the summary of nothing. Which facts are in them says a set of tracks, the same for every
 * call. Adding a number costs the same however many there were, and two summaries merge to that
 * of all their numbers.
 *
 * NaN is left out of all of it. What nothing has is NaN, but for a sum, which is 0. The sum is
 * Neumaier's, the spread Welford's and Chan's (moments.h), over distances from the
 * first number, so that a large offset costs no digits; of an infinite number the spread is NaN.
 *
 * Pure; any thread may call.
 */
#ifndef SLUICE_NUMERIC_SUMMARY_H
#define SLUICE_NUMERIC_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum summary_track {
	SUMMARY_SUM = 1,     /* and the mean */
	SUMMARY_SPREAD = 2,  /* variances */
	SUMMARY_LEAST = 4,   /* and the greatest */
	SUMMARY_ENDS = 8,    /* the first and the last by time; of equal times by when they were added */
	SUMMARY_SQUARES = 16 /* the sum of squares, for the norm */
};

size_t summary_bytes(unsigned tracks);

void summary_add(unsigned tracks, void *summary, int64_t time, double number);

/* Those of `from` are as if added behind those of `into`. */
void summary_merge(unsigned tracks, void *into, const void *from);

uint64_t summary_count(const void *summary); /* of any tracks; NaN is not in it */

/* Each of a summary that tracks it. */
double summary_sum(unsigned tracks, const void *summary);
bool summary_sum_whole(unsigned tracks, const void *summary, int64_t *sum); /* of integers, exact; false: it does not fit */
double summary_mean(unsigned tracks, const void *summary);
double summary_variance(unsigned tracks, const void *summary, unsigned freedom); /* divided by count - freedom */
double summary_least(unsigned tracks, const void *summary);
double summary_greatest(unsigned tracks, const void *summary);
double summary_first(unsigned tracks, const void *summary);
double summary_last(unsigned tracks, const void *summary);
double summary_norm(unsigned tracks, const void *summary);

#endif
