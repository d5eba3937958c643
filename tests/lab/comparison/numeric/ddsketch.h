/* ddsketch.h: DDSketch: quantiles of a stream with a bounded relative error.
 *
 * From Masson, Rim and Lee, VLDB 2019. Positive numbers are counted by the bucket ceil(log v / log gamma), gamma = (1
 * + alpha) / (1 - alpha), negative ones by the bucket of their absolute value, zeros separately. The result is within
 * alpha * |v| of the number v of rank floor(q (n - 1)). Sketches of one alpha merge exactly: the counts are those of
 * one sketch over all numbers.
 *
 * A side that spans more buckets than its limit counts its smallest absolute values together, so only the results
 * there are less exact. NaN and infinities are not counted.
 *
 * A sketch owns memory, and belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DDSKETCH_BUCKETS 1048576  /* spans all doubles at alpha 0.001; a side allocates only the buckets that occurred */
#define DDSKETCH_ALPHA_LEAST 1e-6 /* below it, buckets of doubles need more than 32 bits */

struct ddsketch_side {
	uint64_t *counts; /* counts of the buckets from `first` on */
	int32_t first;
	size_t length;
	uint64_t total;
};

struct ddsketch {
	double alpha;
	double gamma;
	double log_gamma;
	size_t buckets_max;
	struct ddsketch_side positive;
	struct ddsketch_side negative;
	uint64_t zeros;
};

/* alpha: at least DDSKETCH_ALPHA_LEAST, below 1; at least one bucket for each side. Allocates no memory yet. */
void ddsketch_open(struct ddsketch *sketch, double alpha, size_t buckets_max);
void ddsketch_close(struct ddsketch *sketch);

/* False: memory ran out, and the number is not counted. */
bool ddsketch_add(struct ddsketch *sketch, double number);

/* Adds the counts of `from`, of the same alpha. False: memory ran out; `into` then contains a part of it and may only
 * be closed. */
bool ddsketch_merge(struct ddsketch *into, const struct ddsketch *from);

uint64_t ddsketch_count(const struct ddsketch *sketch);

/* NaN if there are no numbers, or `q` is not in 0..1. */
double ddsketch_quantile(const struct ddsketch *sketch, double q);

/* The bucket of a positive number, and the representative number of a bucket. */
int32_t ddsketch_bucket(const struct ddsketch *sketch, double positive);
double ddsketch_representative(const struct ddsketch *sketch, int32_t bucket);
