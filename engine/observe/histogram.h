/* histogram.h: how long things took, counted in buckets, for quantiles that are good to
 * an eighth of what they say.
 *
 * Recording is a few instructions and no memory. One thread records; what others are to
 * see is a copy.
 */
#ifndef SLUICE_OBSERVE_HISTOGRAM_H
#define SLUICE_OBSERVE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_FINE_BITS 3 /* eight buckets for each power of two */
#define HISTOGRAM_POWERS 36   /* 2^36 us are nineteen hours; what takes longer counts as that */
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
	unsigned power = 63u - (unsigned)__builtin_clzll(us) - HISTOGRAM_FINE_BITS; /* what `us` is shifted by to be fine */
	size_t bucket = (power << HISTOGRAM_FINE_BITS) + (size_t)(us >> power);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_record(struct histogram *histogram, uint64_t us)
{
	histogram->count++;
	histogram->buckets[histogram_bucket(us)]++;
}

/* What was recorded since `earlier`, which is a copy of the same histogram. */
void histogram_since(const struct histogram *now, const struct histogram *earlier, struct histogram *since);

/* So much or less was it in that share of all (0.5, 0.99): the upper end of its bucket.
 * 0 where nothing is recorded. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
