/* histogram.c: see histogram.h. */
#include "observe/histogram.h"

#include <assert.h>
#include <math.h>

void histogram_since(const struct histogram *now, const struct histogram *earlier, struct histogram *since)
{
	since->count = now->count - earlier->count;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		since->buckets[i] = now->buckets[i] - earlier->buckets[i];
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_end(size_t bucket)
{
	const size_t fine = 1u << HISTOGRAM_FINE_BITS;
	if (bucket < 2 * fine)
		return bucket;
	unsigned power = (unsigned)(bucket / fine) - 1;
	return ((uint64_t)(bucket % fine + fine + 1) << power) - 1;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	assert(share >= 0 && share <= 1);
	uint64_t wanted = (uint64_t)ceil((double)histogram->count * share), seen = 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS && histogram->count > 0; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted && seen > 0)
			return bucket_end(i);
	}
	return 0;
}
