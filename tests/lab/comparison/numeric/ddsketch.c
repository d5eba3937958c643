/* ddsketch.c: Relative-error quantiles; see ddsketch.h. */
#include "comparison/numeric/ddsketch.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define GROW_BUCKETS 64 /* a side grows by so many at once, so that neighbours cost nothing */

void ddsketch_open(struct ddsketch *sketch, double alpha, size_t buckets_max)
{
	double gamma = (1 + alpha) / (1 - alpha);
	*sketch = (struct ddsketch){.alpha = alpha, .gamma = gamma, .log_gamma = log(gamma), .buckets_max = buckets_max};
}

void ddsketch_close(struct ddsketch *sketch)
{
	memory_give(sketch->positive.counts);
	memory_give(sketch->negative.counts);
	*sketch = (struct ddsketch){0};
}

int32_t ddsketch_bucket(const struct ddsketch *sketch, double positive)
{
	return (int32_t)ceil(log(positive) / sketch->log_gamma);
}

double ddsketch_representative(const struct ddsketch *sketch, int32_t bucket)
{
	return 2 * exp(bucket * sketch->log_gamma) / (sketch->gamma + 1);
}

/* Makes `first`..`last` the buckets of a side: what is below them falls into the first. */
static bool side_span(struct ddsketch_side *side, int32_t first, int32_t last)
{
	size_t length = (size_t)((int64_t)last - first + 1);
	uint64_t *counts = memory_take(length, sizeof *counts);
	if (!counts)
		return false;
	for (size_t i = 0; i < side->length; i++) {
		int64_t bucket = (int64_t)side->first + (int64_t)i;
		if (side->counts[i] > 0)
			counts[bucket > first ? (size_t)(bucket - first) : 0] += side->counts[i];
	}
	memory_give(side->counts);
	side->counts = counts;
	side->first = first;
	side->length = length;
	return true;
}

/* The last bucket that counted something; the side is not empty. */
static int64_t side_last(const struct ddsketch_side *side)
{
	size_t length = side->length;
	while (side->counts[length - 1] == 0)
		length--;
	return (int64_t)side->first + (int64_t)length - 1;
}

/* Makes room for a bucket outside of a side, with some to spare; at the limit the lowest
 * buckets become one. */
static bool side_stretch(struct ddsketch_side *side, int32_t bucket, size_t buckets_max)
{
	int64_t first = bucket, last = bucket, most = (int64_t)buckets_max;
	if (side->total > 0) {
		first = bucket < side->first ? bucket : side->first;
		last = bucket > side_last(side) ? bucket : side_last(side);
	}
	int64_t spare = most - (last - first + 1);
	spare = spare < GROW_BUCKETS ? spare : GROW_BUCKETS;
	if (spare < 0)
		first = last - most + 1;
	else if (bucket == first)
		first -= spare;
	else
		last += spare;
	return side_span(side, (int32_t)first, (int32_t)last);
}

static bool side_add(struct ddsketch_side *side, int32_t bucket, uint64_t count, size_t buckets_max)
{
	int64_t index = (int64_t)bucket - side->first;
	bool full = side->length == buckets_max && side->counts[side->length - 1] > 0;
	if ((index < 0 && !full) || index >= (int64_t)side->length) {
		if (!side_stretch(side, bucket, buckets_max))
			return false;
		index = (int64_t)bucket - side->first;
	}
	side->counts[index > 0 ? index : 0] += count;
	side->total += count;
	return true;
}

bool ddsketch_add(struct ddsketch *sketch, double number)
{
	double size = fabs(number);
	if (!isfinite(number))
		return true;
	if (size == 0) {
		sketch->zeros++;
		return true;
	}
	return side_add(number > 0 ? &sketch->positive : &sketch->negative, ddsketch_bucket(sketch, size), 1, sketch->buckets_max);
}

static bool side_merge(struct ddsketch_side *into, const struct ddsketch_side *from, size_t buckets_max)
{
	bool good = true;
	for (size_t i = from->length; good && i-- > 0;)
		good = from->counts[i] == 0 || side_add(into, (int32_t)(from->first + (int64_t)i), from->counts[i], buckets_max);
	return good;
}

bool ddsketch_merge(struct ddsketch *into, const struct ddsketch *from)
{
	into->zeros += from->zeros;
	return side_merge(&into->positive, &from->positive, into->buckets_max) &&
	       side_merge(&into->negative, &from->negative, into->buckets_max);
}

uint64_t ddsketch_count(const struct ddsketch *sketch)
{
	return sketch->positive.total + sketch->negative.total + sketch->zeros;
}

double ddsketch_quantile(const struct ddsketch *sketch, double q)
{
	uint64_t count = ddsketch_count(sketch), seen = 0;
	const struct ddsketch_side *negative = &sketch->negative, *positive = &sketch->positive;
	if (count == 0 || !(q >= 0 && q <= 1))
		return (double)NAN;
	uint64_t rank = (uint64_t)(q * (double)(count - 1));
	if (rank < negative->total) { /* from the largest size, which is the lowest number */
		for (size_t i = negative->length; i-- > 0;)
			if ((seen += negative->counts[i]) > rank)
				return -ddsketch_representative(sketch, (int32_t)(negative->first + (int64_t)i));
	}
	seen = negative->total + sketch->zeros;
	for (size_t i = 0; rank >= seen && i < positive->length; i++)
		if ((seen += positive->counts[i]) > rank)
			return ddsketch_representative(sketch, (int32_t)(positive->first + (int64_t)i));
	return 0;
}
