/* hdr_histogram.h: counts of whole numbers, to so many significant digits over a wide range.
 *
 * Gil Tene's HdrHistogram: sub-buckets of equal width within each power of two, so a number is known to
 * 1 in 10^digits, and counting one costs a few instructions. Histograms of one shape are merged exactly.
 *
 * A histogram owns its counts, and belongs to one thread.
 */
#ifndef SLUICE_NUMERIC_HDR_HISTOGRAM_H
#define SLUICE_NUMERIC_HDR_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HDR_DIGITS_MAX 5

struct hdr_histogram {
	int64_t lowest;	 /* the least that is told apart from 0 */
	int64_t highest; /* the most that is counted */
	unsigned digits;
	unsigned unit_bits; /* below which nothing is told apart */
	unsigned half_bits; /* of half the sub-buckets */
	size_t length;
	uint64_t *counts;
	uint64_t total;
	int64_t least;
	int64_t most;
};

/* 1 <= lowest, 2 * lowest <= highest < 2^62, 1 to HDR_DIGITS_MAX digits; else, or when memory
 * runs out, false. */
bool hdr_histogram_open(struct hdr_histogram *histogram, int64_t lowest, int64_t highest, unsigned digits);
void hdr_histogram_close(struct hdr_histogram *histogram); /* also one that did not open */

/* False: it is negative or beyond `highest`, and not counted. */
bool hdr_histogram_add(struct hdr_histogram *histogram, int64_t number);

/* False: they have not one shape; nothing is added. */
bool hdr_histogram_merge(struct hdr_histogram *into, const struct hdr_histogram *from);

/* The largest number that is counted with the one of rank ceil(percentile n / 100), at
 * least 1. 0 of none. */
int64_t hdr_histogram_percentile(const struct hdr_histogram *histogram, double percentile);

/* That rank: 1 to `count`, of `count` >= 1. */
uint64_t hdr_rank(double percentile, uint64_t count);

#endif
