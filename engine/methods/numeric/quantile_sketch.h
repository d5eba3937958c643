/* quantile_sketch.h: DDSketch of fixed size, as plain bytes: quantiles of any number of numbers with a bounded error.
 *
 * From Masson, Rim and Lee, VLDB 2019. Positive numbers are counted by the bucket ceil(log v / log gamma), gamma = (1 +
 * alpha) / (1 - alpha), negative ones by the bucket of their absolute value. The result is within
 * QUANTILE_SKETCH_ALPHA * |v| of the number v of rank floor(q (n - 1)). A sign has QUANTILE_SKETCH_BUCKETS buckets, up to
 * that of its largest absolute value m. Smaller absolute values than m / QUANTILE_SKETCH_SPAN count together, and the
 * result there is within m / QUANTILE_SKETCH_SPAN. Zeros and infinities are counted apart, and are exact. A bucket counts
 * to 2^32 - 1, and then no further.
 *
 * It has no pointers, is aligned to 8, and may be copied, stored and moved; all zero it is the sketch of no numbers.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <stdint.h>

#define QUANTILE_SKETCH_ALPHA 0.01
#define QUANTILE_SKETCH_BUCKETS 1024
#define QUANTILE_SKETCH_SPAN 7e8 /* less than gamma^1023, the span of the buckets */

struct quantile_sketch_side {
	int32_t first; /* bucket of counts[0] */
	uint32_t used; /* 0: no number has this sign */
	uint32_t counts[QUANTILE_SKETCH_BUCKETS];
};

struct quantile_sketch {
	uint64_t zeros;
	uint64_t lowest, highest; /* infinities */
	struct quantile_sketch_side positive, negative;
};

void quantile_sketch_add(struct quantile_sketch *sketch, double number); /* NaN is not counted */

/* Gives the sketch of all numbers of both, the same whatever order they were added in. */
void quantile_sketch_merge(struct quantile_sketch *into, const struct quantile_sketch *from);

/* `q` is from 0 to 1. NaN if there are no numbers. */
double quantile_sketch_quantile(const struct quantile_sketch *sketch, double q);
