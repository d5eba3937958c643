/* distinct_sketch.h: HyperLogLog of fixed size, as plain bytes: estimates how many different numbers there were.
 *
 * From Flajolet, Fusy, Gandouet and Meunier, AofA 2007, with the estimator of Ertl, arXiv:1702.01284, which needs no
 * table of corrections. The standard error is DISTINCT_SKETCH_ERROR of the result, and less for some hundreds of
 * numbers. Sketches merge exactly: the registers are those of one sketch over all numbers.
 *
 * It has no pointers and may be copied, stored and moved; all zero it is the sketch of no numbers.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <stdint.h>

#define DISTINCT_SKETCH_BITS 12 /* of a hash, that select its register */
#define DISTINCT_SKETCH_REGISTERS (1 << DISTINCT_SKETCH_BITS)
#define DISTINCT_SKETCH_ERROR 0.01625 /* 1.04 / sqrt(4096) */

struct distinct_sketch {
	uint8_t registers[DISTINCT_SKETCH_REGISTERS]; /* the longest row of zero bits at the start of a hash, plus one */
};

void distinct_sketch_add(struct distinct_sketch *sketch, double number); /* NaN is not counted; -0 is 0 */
void distinct_sketch_merge(struct distinct_sketch *into, const struct distinct_sketch *from);
double distinct_sketch_count(const struct distinct_sketch *sketch); /* an integer */
