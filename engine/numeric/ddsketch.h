/* ddsketch.h: quantiles of a stream, each within a share of its own size.
 *
 * DDSketch (Masson, Rim and Lee, VLDB 2019): positive numbers are counted by the bucket
 * ceil(log v / log gamma), gamma = (1 + alpha) / (1 - alpha), negative ones by that of
 * their size, zeros apart. What is answered is within alpha * |v| of the number v that
 * stands at rank floor(q (n - 1)). Sketches of one alpha are merged exactly: the counts
 * are those of one sketch over all of it.
 *
 * A side of it that spans more than its limit of buckets counts its smallest sizes together, so
 * the answers there are worse, and only there. NaN and infinities are not counted.
 *
 * A sketch owns memory, and belongs to one thread.
 */
#ifndef SLUICE_NUMERIC_DDSKETCH_H
#define SLUICE_NUMERIC_DDSKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DDSKETCH_BUCKETS 1048576  /* a limit that spans all doubles at alpha 0.001; a side takes what came of them */
#define DDSKETCH_ALPHA_LEAST 1e-6 /* below it, buckets of doubles are more than 32 bits can number */

struct ddsketch_side {
	uint64_t *counts; /* of the buckets from `first` on */
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

/* alpha: from DDSKETCH_ALPHA_LEAST on, below 1; at least one bucket a side. Takes no memory yet. */
void ddsketch_open(struct ddsketch *sketch, double alpha, size_t buckets_max);
void ddsketch_close(struct ddsketch *sketch);

/* False: memory ran out, and the number is not counted. */
bool ddsketch_add(struct ddsketch *sketch, double number);

/* Adds what `from`, of the same alpha, has counted. False: memory ran out; `into` then holds a
 * part of it and is good for nothing but to be closed. */
bool ddsketch_merge(struct ddsketch *into, const struct ddsketch *from);

uint64_t ddsketch_count(const struct ddsketch *sketch);

/* NaN of none, or where `q` is no share. */
double ddsketch_quantile(const struct ddsketch *sketch, double q);

/* The bucket of a positive number, and the number that stands for a bucket. */
int32_t ddsketch_bucket(const struct ddsketch *sketch, double positive);
double ddsketch_representative(const struct ddsketch *sketch, int32_t bucket);

#endif
