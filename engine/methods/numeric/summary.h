/* summary.h: Summary of many numbers, computed as they come, without keeping them.
 *
 * It is plain bytes without pointers, aligned to 8, that may be copied, stored and moved; all zero it is the summary
 * of no numbers. A set of tracks, the same for every call, selects its contents. The cost of adding a number does not
 * depend on how many there were. Two summaries merge into that of all their numbers.
 *
 * NaN is ignored. Without numbers every result is NaN, except a sum and a count, which are 0. The sum is Neumaier's, the spread
 * Welford's and Chan's (moments.h), over distances from the first number, so that a large offset costs no digits.
 * With an infinite number the spread is NaN.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum summary_track {
	SUMMARY_SUM = 1,     /* and the mean */
	SUMMARY_SPREAD = 2,  /* variances */
	SUMMARY_LEAST = 4,   /* and the greatest */
	SUMMARY_ENDS = 8,    /* the first and the last by time; for equal times by order of addition */
	SUMMARY_SQUARES = 16, /* the sum of squares, for the norm */
	SUMMARY_QUANTILES = 32, /* quantile_sketch.h */
	SUMMARY_DISTINCT = 64, /* distinct_sketch.h */
};

size_t summary_bytes(unsigned tracks);

void summary_add(unsigned tracks, void *summary, int64_t time, double number);

/* The numbers of `from` count as added after those of `into`. */
void summary_merge(unsigned tracks, void *into, const void *from);

uint64_t summary_count(const void *summary); /* with any tracks; without NaN */

/* Each needs a summary with its track. */
double summary_sum(unsigned tracks, const void *summary);
bool summary_sum_whole(unsigned tracks, const void *summary, int64_t *sum); /* for integers, exact; false: it does not fit */
double summary_mean(unsigned tracks, const void *summary);
double summary_variance(unsigned tracks, const void *summary, unsigned freedom); /* divided by count - freedom */
double summary_least(unsigned tracks, const void *summary);
double summary_greatest(unsigned tracks, const void *summary);
double summary_first(unsigned tracks, const void *summary);
double summary_last(unsigned tracks, const void *summary);
double summary_norm(unsigned tracks, const void *summary);
double summary_quantile(unsigned tracks, const void *summary, double q);
double summary_distinct(unsigned tracks, const void *summary); /* 0 without numbers */
