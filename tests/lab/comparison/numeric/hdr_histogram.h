/* hdr_histogram.h: HDR histogram: counts of whole numbers to a number of significant digits over a wide range.
 *
 * After Gil Tene's HdrHistogram: sub-buckets of equal width within each power of two. So a number has a relative
 * error of 1 in 10^digits, and counting one costs a few instructions. Histograms of one shape merge exactly.
 *
 * A histogram owns its counts, and belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HDR_DIGITS_MAX 5

struct hdr_histogram {
	int64_t lowest;	 /* the least number that is distinguished from 0 */
	int64_t highest; /* the greatest number that is counted */
	unsigned digits;
	unsigned unit_bits; /* numbers are not distinguished below this bit */
	unsigned half_bits; /* log2 of half the number of sub-buckets */
	size_t length;
	uint64_t *counts;
	uint64_t total;
	int64_t least;
	int64_t most;
};

/* 1 <= lowest, 2 * lowest <= highest < 2^62, 1 to HDR_DIGITS_MAX digits. False: other values, or memory ran out. */
bool hdr_histogram_open(struct hdr_histogram *histogram, int64_t lowest, int64_t highest, unsigned digits);
void hdr_histogram_close(struct hdr_histogram *histogram); /* also allowed after a failed open */

/* False: it is negative or above `highest`, and not counted. */
bool hdr_histogram_add(struct hdr_histogram *histogram, int64_t number);

/* False: the shapes differ; nothing is added. */
bool hdr_histogram_merge(struct hdr_histogram *into, const struct hdr_histogram *from);

/* The largest number in the sub-bucket of the number with rank ceil(percentile n / 100), at least 1. 0 if there are
 * no numbers. */
int64_t hdr_histogram_percentile(const struct hdr_histogram *histogram, double percentile);

/* That rank: 1 to `count`, for `count` >= 1. */
uint64_t hdr_rank(double percentile, uint64_t count);
