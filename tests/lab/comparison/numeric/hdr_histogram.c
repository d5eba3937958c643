/* hdr_histogram.c: Counts to significant digits; see hdr_histogram.h. */
#include "comparison/numeric/hdr_histogram.h"

#include <math.h>

#include "base/memory.h"

#define RANK_SLACK 1e-12 /* 99.9 % of 20,000 is 19,980, not a rounding above it */

/* Bits below the leading one. */
static unsigned log2_of(uint64_t number)
{
	return 63 - (unsigned)__builtin_clzll(number | 1);
}

/* A power of two has 2^(half_bits + 1) sub-buckets, of which the lower half is that of the power below
 * it, and left out there. */
static size_t index_of(const struct hdr_histogram *histogram, int64_t number)
{
	unsigned finest = histogram->unit_bits + histogram->half_bits + 1;
	unsigned bits = log2_of((uint64_t)number | ((UINT64_C(1) << finest) - 1)) + 1;
	unsigned bucket = bits - finest;
	uint64_t sub = (uint64_t)number >> (bucket + histogram->unit_bits);
	return ((size_t)bucket << histogram->half_bits) + (size_t)sub;
}

/* The largest number counted at an index. */
static int64_t top_of(const struct hdr_histogram *histogram, size_t index)
{
	unsigned bucket = (unsigned)(index >> histogram->half_bits);
	uint64_t sub = index;
	if (bucket > 0)
		bucket--;
	sub -= (uint64_t)bucket << histogram->half_bits;
	return (int64_t)(((sub + 1) << (bucket + histogram->unit_bits)) - 1);
}

bool hdr_histogram_open(struct hdr_histogram *histogram, int64_t lowest, int64_t highest, unsigned digits)
{
	*histogram = (struct hdr_histogram){.lowest = lowest, .highest = highest, .digits = digits, .least = INT64_MAX};
	if (lowest < 1 || highest / 2 < lowest || highest >= INT64_C(1) << 62 || digits < 1 || digits > HDR_DIGITS_MAX)
		return false;
	uint64_t steps = 2;
	for (unsigned i = 0; i < digits; i++)
		steps *= 10;
	histogram->unit_bits = log2_of((uint64_t)lowest);
	histogram->half_bits = log2_of(steps - 1);
	if (histogram->unit_bits + histogram->half_bits > 60)
		return false;
	histogram->length = index_of(histogram, highest) + 1;
	histogram->counts = memory_take(histogram->length, sizeof *histogram->counts);
	return histogram->counts != NULL;
}

void hdr_histogram_close(struct hdr_histogram *histogram)
{
	memory_give(histogram->counts);
	*histogram = (struct hdr_histogram){0};
}

bool hdr_histogram_add(struct hdr_histogram *histogram, int64_t number)
{
	if (number < 0 || number > histogram->highest)
		return false;
	histogram->counts[index_of(histogram, number)]++;
	histogram->total++;
	histogram->least = number < histogram->least ? number : histogram->least;
	histogram->most = number > histogram->most ? number : histogram->most;
	return true;
}

bool hdr_histogram_merge(struct hdr_histogram *into, const struct hdr_histogram *from)
{
	if (into->lowest != from->lowest || into->highest != from->highest || into->digits != from->digits)
		return false;
	for (size_t i = 0; i < from->length; i++)
		into->counts[i] += from->counts[i];
	into->total += from->total;
	into->least = from->least < into->least ? from->least : into->least;
	into->most = from->most > into->most ? from->most : into->most;
	return true;
}

uint64_t hdr_rank(double percentile, uint64_t count)
{
	double rank = ceil(percentile / 100 * (double)count * (1 - RANK_SLACK));
	if (!(rank > 1))
		return 1;
	return rank < (double)count ? (uint64_t)rank : count;
}

int64_t hdr_histogram_percentile(const struct hdr_histogram *histogram, double percentile)
{
	uint64_t seen = 0;
	if (histogram->total == 0)
		return 0;
	uint64_t rank = hdr_rank(percentile, histogram->total);
	size_t index = 0;
	while ((seen += histogram->counts[index]) < rank)
		index++;
	return top_of(histogram, index);
}
