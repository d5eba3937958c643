/* tdigest.h: t-digest: quantiles of a stream by clusters of neighbours, finest at both ends.
 *
 * A merging t-digest (Dunning and Ertl, 2019). Numbers are collected in a buffer, and are merged in order into
 * clusters of a mean and a weight. A cluster near the quantile q has at most 2 n q (1 - q) / compression numbers,
 * unless all of them are equal. So a frequent number is exact. The error of the worst stream is not bounded; for
 * smooth streams it is a small part of a cluster. Merged digests are as exact as one over all the numbers.
 *
 * NaN is not counted. Infinities are ordinary numbers, except for interpolation between them and their neighbours. A
 * digest owns memory, and belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TDIGEST_COMPRESSION 100

struct tdigest_cluster {
	double mean;
	uint64_t weight;
	bool equal; /* all of its numbers equal its mean */
};

struct tdigest {
	double compression;
	struct tdigest_cluster *clusters; /* the first `settled` in order, then the numbers added since */
	size_t settled;
	size_t count;
	size_t room;
	uint64_t weight; /* of all clusters */
	double least;
	double most;
};

void tdigest_open(struct tdigest *digest, double compression); /* above 0, at least 10 in practice; allocates no memory yet */
void tdigest_close(struct tdigest *digest);

/* False: memory ran out, and the number, or a part of `from`, is not counted. */
bool tdigest_add(struct tdigest *digest, double number);
bool tdigest_merge(struct tdigest *into, const struct tdigest *from);

/* Settles first. NaN if there are no numbers, or `q` is not in 0..1. */
double tdigest_quantile(struct tdigest *digest, double q);
