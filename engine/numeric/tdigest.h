/* tdigest.h: quantiles of a stream by clusters of neighbours, finest at both ends.
 *
 * A merging t-digest (Dunning and Ertl, 2019): numbers gather in a buffer, and are merged
 * in order into clusters of a mean and a weight. A cluster about the quantile q has no more
 * than 2 n q (1 - q) / compression numbers, unless all of them are equal, so that a number
 * that comes often is answered exactly. There is no bound on the error of the worst
 * stream; on smooth ones it is a small part of a cluster. Merged digests answer as well as one over
 * all of it does.
 *
 * NaN is not counted; infinities are numbers like others, but for what lies between them
 * and their neighbours. A digest owns memory, and belongs to one thread.
 */
#ifndef SLUICE_NUMERIC_TDIGEST_H
#define SLUICE_NUMERIC_TDIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TDIGEST_COMPRESSION 100

struct tdigest_cluster {
	double mean;
	uint64_t weight;
	bool equal; /* all of its numbers are its mean */
};

struct tdigest {
	double compression;
	struct tdigest_cluster *clusters; /* the first `settled` in order, behind them what came since */
	size_t settled;
	size_t count;
	size_t room;
	uint64_t weight; /* of all of them */
	double least;
	double most;
};

void tdigest_open(struct tdigest *digest, double compression); /* above 0, 10 for use; takes no memory yet */
void tdigest_close(struct tdigest *digest);

/* False: memory ran out, and the number, or a part of `from`, is not counted. */
bool tdigest_add(struct tdigest *digest, double number);
bool tdigest_merge(struct tdigest *into, const struct tdigest *from);

/* Merges what came since into the clusters, which are then in order. */
void tdigest_settle(struct tdigest *digest);

/* Settles what came since. NaN of none, or where `q` is no share. */
double tdigest_quantile(struct tdigest *digest, double q);

#endif
