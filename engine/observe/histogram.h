/* histogram.h: Histogram of durations, in buckets; its quantiles are exact to an eighth of their value.
 *
 * Recording takes a few instructions and no memory. One thread records; other threads read a copy. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_FINE_BITS 3 /* eight buckets for each power of two */
#define HISTOGRAM_POWERS 36   /* 2^36 us are nineteen hours; longer durations count as that */
#define HISTOGRAM_BUCKETS (HISTOGRAM_POWERS << HISTOGRAM_FINE_BITS)

struct histogram {
	uint64_t count;
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

static inline size_t histogram_bucket(uint64_t us)
{
	const uint64_t fine = 1u << HISTOGRAM_FINE_BITS;
	if (us < fine)
		return (size_t)us;
	unsigned power = 63u - (unsigned)__builtin_clzll(us) - HISTOGRAM_FINE_BITS; /* shift of `us` for its bucket */
	size_t bucket = (power << HISTOGRAM_FINE_BITS) + (size_t)(us >> power);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_record(struct histogram *histogram, uint64_t us)
{
	histogram->count++;
	histogram->buckets[histogram_bucket(us)]++;
}

/* Durations recorded since `earlier`, which must be an earlier copy of the same histogram. */
void histogram_since(const struct histogram *now, const struct histogram *earlier, struct histogram *since);

/* Quantile for a share of all durations (0.5, 0.99): the upper end of its bucket. 0 if nothing is recorded. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);
