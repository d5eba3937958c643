/* quantile_sketch.c: see quantile_sketch.h. The range of a side moves up to its largest bucket, never past it. */
#include "methods/numeric/quantile_sketch.h"

#include <math.h>
#include <string.h>

#define BUCKETS QUANTILE_SKETCH_BUCKETS
#define GAMMA ((1 + QUANTILE_SKETCH_ALPHA) / (1 - QUANTILE_SKETCH_ALPHA)) /* the ratio of neighbouring buckets */

static void count_more(uint32_t *count, uint64_t more)
{
	uint64_t sum = *count + more;
	*count = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

/* Makes counts[0] the bucket `first`: higher than now, what is below it is counted there; or lower, if the highest counts
 * are 0. */
static void side_move(struct quantile_sketch_side *side, int32_t first)
{
	uint32_t counts[BUCKETS] = {0};
	for (int64_t i = 0; i < BUCKETS; i++) {
		int64_t to = side->first + i - first;
		if (side->counts[i])
			count_more(&counts[to > 0 ? to : 0], side->counts[i]);
	}
	memcpy(side->counts, counts, sizeof counts);
	side->first = first;
}

/* The highest bucket that counted something; the side is used. */
static int32_t side_last(const struct quantile_sketch_side *side)
{
	int32_t i = BUCKETS - 1;
	while (i > 0 && side->counts[i] == 0)
		i--;
	return side->first + i;
}

static void side_add(struct quantile_sketch_side *side, int32_t bucket, uint64_t count)
{
	if (!side->used)
		side->first = bucket - BUCKETS / 2;
	side->used = 1;
	if (bucket >= side->first + BUCKETS) {
		side_move(side, bucket - BUCKETS + 1);
	} else if (bucket < side->first) {
		int32_t lowest = side_last(side) - BUCKETS + 1;
		side_move(side, bucket > lowest ? bucket : lowest);
	}
	int64_t at = (int64_t)bucket - side->first;
	count_more(&side->counts[at > 0 ? at : 0], count);
}

void quantile_sketch_add(struct quantile_sketch *sketch, double number)
{
	if (isnan(number))
		return;
	if (isinf(number))
		*(number > 0 ? &sketch->highest : &sketch->lowest) += 1;
	else if (number == 0)
		sketch->zeros++;
	else
		side_add(number > 0 ? &sketch->positive : &sketch->negative, (int32_t)ceil(log(fabs(number)) / log(GAMMA)), 1);
}

static void side_merge(struct quantile_sketch_side *into, const struct quantile_sketch_side *from)
{
	for (int32_t i = BUCKETS; i-- > 0;)
		if (from->counts[i])
			side_add(into, from->first + i, from->counts[i]);
}

void quantile_sketch_merge(struct quantile_sketch *into, const struct quantile_sketch *from)
{
	into->zeros += from->zeros;
	into->lowest += from->lowest;
	into->highest += from->highest;
	side_merge(&into->positive, &from->positive);
	side_merge(&into->negative, &from->negative);
}

static uint64_t side_total(const struct quantile_sketch_side *side)
{
	uint64_t total = 0;
	for (size_t i = 0; i < BUCKETS; i++)
		total += side->counts[i];
	return total;
}

/* Of the number with that rank among those of its side, by their absolute values. */
static double side_number(const struct quantile_sketch_side *side, uint64_t rank)
{
	int32_t i = 0;
	for (uint64_t below = side->counts[0]; below <= rank && i < BUCKETS - 1; below += side->counts[i])
		i++;
	return 2 * exp((side->first + i) * log(GAMMA)) / (GAMMA + 1);
}

double quantile_sketch_quantile(const struct quantile_sketch *sketch, double q)
{
	const uint64_t negative = side_total(&sketch->negative), positive = side_total(&sketch->positive);
	const uint64_t count = sketch->lowest + negative + sketch->zeros + positive + sketch->highest;
	if (count == 0)
		return (double)NAN;
	uint64_t rank = (uint64_t)floor(q * (double)(count - 1));
	if (rank < sketch->lowest)
		return -(double)INFINITY;
	rank -= sketch->lowest;
	if (rank < negative)
		return -side_number(&sketch->negative, negative - 1 - rank);
	rank -= negative;
	if (rank < sketch->zeros)
		return 0;
	rank -= sketch->zeros;
	return rank < positive ? side_number(&sketch->positive, rank) : (double)INFINITY;
}
