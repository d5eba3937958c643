/* tdigest.c: Quantiles by clusters; see tdigest.h. */
#include "comparison/numeric/tdigest.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

#define BUFFER_CLUSTERS 1024 /* sorted and merged at once: sorting costs little a number, and the buffer stays in the cache */

void tdigest_open(struct tdigest *digest, double compression)
{
	*digest = (struct tdigest){.compression = compression, .least = (double)INFINITY, .most = (double)-INFINITY};
}

void tdigest_close(struct tdigest *digest)
{
	memory_give(digest->clusters);
	*digest = (struct tdigest){0};
}

static int tdigest_compare(const void *left, const void *right)
{
	const struct tdigest_cluster *a = left, *b = right;
	return (a->mean > b->mean) - (a->mean < b->mean);
}

/* Whether `next` goes into `last`, behind which `before` numbers stand. */
static bool tdigest_fits(const struct tdigest *digest, const struct tdigest_cluster *last, const struct tdigest_cluster *next,
			 uint64_t before)
{
	if (last->equal && next->equal && last->mean == next->mean)
		return true;
	double weight = (double)(last->weight + next->weight);
	double q = ((double)before + weight / 2) / (double)digest->weight;
	return weight <= 2 * (double)digest->weight * q * (1 - q) / digest->compression;
}

/* Merges the new numbers into the clusters, which are then in order. */
static void tdigest_settle(struct tdigest *digest)
{
	struct tdigest_cluster *clusters = digest->clusters;
	size_t last = 0;
	uint64_t before = 0;
	if (digest->settled == digest->count)
		return;
	qsort(clusters, digest->count, sizeof *clusters, tdigest_compare);
	for (size_t i = 1; i < digest->count; i++) {
		struct tdigest_cluster next = clusters[i];
		if (!tdigest_fits(digest, &clusters[last], &next, before)) {
			before += clusters[last].weight;
			clusters[++last] = next;
			continue;
		}
		struct tdigest_cluster *into = &clusters[last];
		into->equal = into->equal && next.equal && into->mean == next.mean;
		into->weight += next.weight;
		if (into->mean != next.mean)
			into->mean += (next.mean - into->mean) * ((double)next.weight / (double)into->weight);
	}
	digest->count = digest->settled = last + 1;
}

static bool tdigest_take(struct tdigest *digest, struct tdigest_cluster cluster)
{
	if (digest->count - digest->settled >= BUFFER_CLUSTERS)
		tdigest_settle(digest);
	if (digest->count == digest->room) {
		struct tdigest_cluster *more =
			memory_resize(digest->clusters, digest->room + BUFFER_CLUSTERS, sizeof *digest->clusters);
		if (!more)
			return false;
		digest->clusters = more;
		digest->room += BUFFER_CLUSTERS;
	}
	digest->clusters[digest->count++] = cluster;
	digest->weight += cluster.weight;
	return true;
}

static void widen(struct tdigest *digest, double least, double most)
{
	digest->least = fmin(digest->least, least);
	digest->most = fmax(digest->most, most);
}

bool tdigest_add(struct tdigest *digest, double number)
{
	if (isnan(number))
		return true;
	if (!tdigest_take(digest, (struct tdigest_cluster){number, 1, true}))
		return false;
	widen(digest, number, number);
	return true;
}

bool tdigest_merge(struct tdigest *into, const struct tdigest *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (!tdigest_take(into, from->clusters[i]))
			return false;
	widen(into, from->least, from->most);
	return true;
}

static double between(double low, double high, double from, double to, double rank)
{
	if (low == high || rank <= from)
		return low;
	/* Rounding must not lead beyond the far end, which is the most of all at 1. */
	return rank >= to ? high : fmin(high, low + (high - low) * ((rank - from) / (to - from)));
}

/* A cluster of equal numbers stands at all its ranks, another at the middle of them, and
 * the least and the most at the ends; between two of these it is a straight line. */
double tdigest_quantile(struct tdigest *digest, double q)
{
	if (digest->weight == 0 || !(q >= 0 && q <= 1))
		return (double)NAN;
	tdigest_settle(digest);
	double rank = q * (double)(digest->weight - 1), from = 0, low = digest->least;
	uint64_t before = 0;
	for (size_t i = 0; i < digest->settled; i++) {
		const struct tdigest_cluster *cluster = &digest->clusters[i];
		double first = (double)before, last = (double)(before + cluster->weight - 1);
		if (!cluster->equal)
			first = last = (first + last) / 2;
		if (rank < first)
			return between(low, cluster->mean, from, first, rank);
		if (rank <= last)
			return cluster->mean;
		from = last;
		low = cluster->mean;
		before += cluster->weight;
	}
	return between(low, digest->most, from, (double)(digest->weight - 1), rank);
}
