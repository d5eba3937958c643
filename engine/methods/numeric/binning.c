/* binning.c: see binning.h. */
#include "methods/numeric/binning.h"

#include <math.h>
#include <stdlib.h>

#define EDGES_APART 1e-8 /* edges nearer to each other than this are one, as scikit-learn has it */
#define KMEANS_ROUNDS_MAX 300
#define KMEANS_TOLERANCE 1e-4 /* of the variance: a smaller move of all centers ends it */

int64_t bin_of(const double *edges, size_t count, double value, bool closed_left)
{
	size_t low = 0, high = count;
	if (__builtin_isnan(value))
		return -1;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (closed_left ? edges[middle] <= value : edges[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return (int64_t)low;
}

/* From `low` to `high`, both met exactly. */
static void spread(double *items, size_t count, double low, double high)
{
	const double step = (high - low) / (double)(count - 1);
	for (size_t i = 0; i < count; i++)
		items[i] = low + (double)i * step;
	items[count - 1] = high;
}

/* Keeps the edges that are more than `apart` above the previous one. */
static size_t edges_merge(double *items, size_t count, double apart)
{
	size_t left = 1;
	for (size_t i = 1; i < count; i++)
		if (items[i] - items[i - 1] > apart)
			items[left++] = items[i];
	return left;
}

static void edges_of_one_bin(struct edges *edges)
{
	edges->items[0] = -INFINITY;
	edges->items[1] = INFINITY;
	edges->count = 2;
}

/* Clusters in one dimension are stretches of the sorted column, in the order of their centers. */
struct clusters {
	size_t count;
	double *centers;
	double *next;	   /* sums, then centers, of the round */
	size_t *ends;	   /* where each stretch ends */
	size_t *sizes;	   /* how many numbers each has */
	double *distances; /* of each number to the center it is nearest to, squared */
};

static bool clusters_open(struct clusters *clusters, size_t count, size_t numbers, struct arena *arena)
{
	*clusters = (struct clusters){.count = count,
				      .centers = ARENA_ARRAY(arena, double, count),
				      .next = ARENA_ARRAY(arena, double, count),
				      .ends = ARENA_ARRAY(arena, size_t, count),
				      .sizes = ARENA_ARRAY(arena, size_t, count),
				      .distances = ARENA_ARRAY(arena, double, numbers)};
	return clusters->centers && clusters->next && clusters->ends && clusters->sizes && clusters->distances;
}

/* Each number goes to its nearest center. True: to the same as before. */
static bool clusters_deal(struct clusters *self, const struct sorted *column)
{
	bool same = true;
	size_t at = 0;
	for (size_t i = 0; i < self->count; i++) {
		const double border = i + 1 < self->count ? (self->centers[i] + self->centers[i + 1]) / 2 : INFINITY;
		const size_t first = at;
		self->next[i] = 0;
		for (; at < column->count && column->values[at] <= border; at++) {
			const double away = column->values[at] - self->centers[i];
			self->next[i] += column->values[at];
			self->distances[at] = away * away;
		}
		self->sizes[i] = at - first;
		same = same && self->ends[i] == at;
		self->ends[i] = at;
	}
	return same;
}

/* A center that no number is nearest to takes the number that is farthest from its own. */
static void clusters_fill(struct clusters *self, const struct sorted *column)
{
	for (size_t i = 0; i < self->count; i++) {
		size_t farthest = 0, owner = 0;
		if (self->sizes[i] > 0)
			continue;
		for (size_t at = 1; at < column->count; at++)
			if (self->distances[at] > self->distances[farthest])
				farthest = at;
		if (!(self->distances[farthest] > 0))
			return; /* as many different numbers as centers, or fewer */
		while (owner + 1 < self->count && self->ends[owner] <= farthest)
			owner++;
		self->next[owner] -= column->values[farthest];
		self->sizes[owner]--;
		self->next[i] = column->values[farthest];
		self->sizes[i] = 1;
		self->distances[farthest] = 0;
	}
}

static int binning_compare(const void *left, const void *right)
{
	const double *a = left, *b = right;
	return (*a > *b) - (*a < *b);
}

/* One round of Lloyd's method. How far the centers went, squared. */
static double clusters_move(struct clusters *self, const struct sorted *column, bool *same)
{
	double moved = 0;
	size_t largest = 0;
	*same = clusters_deal(self, column);
	clusters_fill(self, column);
	for (size_t i = 1; i < self->count; i++)
		largest = self->sizes[i] > self->sizes[largest] ? i : largest;
	for (size_t i = 0; i < self->count; i++) {
		const size_t of = self->sizes[i] ? i : largest; /* one that stays empty goes where the most are */
		const double center = self->next[of] / (double)self->sizes[of];
		moved += (center - self->centers[i]) * (center - self->centers[i]);
		self->centers[i] = center;
	}
	qsort(self->centers, self->count, sizeof *self->centers, binning_compare);
	return moved;
}

static double variance_of(const struct sorted *column)
{
	double sum = 0, squares = 0;
	for (size_t i = 0; i < column->count; i++)
		sum += column->values[i];
	const double mean = sum / (double)column->count;
	for (size_t i = 0; i < column->count; i++)
		squares += (column->values[i] - mean) * (column->values[i] - mean);
	return squares / (double)column->count;
}

/* The centers begin in the middle of uniform bins. False: the arena is full. */
static bool fit_kmeans(const struct sorted *column, size_t bins, double *edges, struct arena *arena)
{
	struct clusters clusters;
	if (!clusters_open(&clusters, bins, column->count, arena))
		return false;
	const double enough = KMEANS_TOLERANCE * variance_of(column);
	for (size_t i = 0; i < bins; i++)
		clusters.centers[i] = (edges[i] + edges[i + 1]) / 2;
	bool same = false;
	for (int round = 0; round < KMEANS_ROUNDS_MAX && !same; round++)
		if (clusters_move(&clusters, column, &same) <= enough)
			break;
	for (size_t i = 1; i < bins; i++)
		edges[i] = (clusters.centers[i - 1] + clusters.centers[i]) / 2;
	return true;
}

struct edges bins_fit(const struct sorted *column, size_t bins, enum binning by, enum quantile_type type, struct arena *arena)
{
	struct edges edges = {bins + 1, column->count ? ARENA_ARRAY(arena, double, bins + 2) : NULL};
	if (!edges.items)
		return (struct edges){0};
	const double low = column->values[0], high = column->values[column->count - 1];
	if (low == high) {
		edges_of_one_bin(&edges);
		return edges;
	}
	spread(edges.items, edges.count, low, high);
	if (by == BINNING_QUANTILE)
		for (size_t i = 0; i < edges.count; i++)
			edges.items[i] =
				quantile_sorted(column->values, column->count, (double)i * (100.0 / (double)bins) / 100, type);
	if (by == BINNING_QUANTILE)
		edges.items[bins] = quantile_sorted(column->values, column->count, 1, type);
	if (by == BINNING_KMEANS && !fit_kmeans(column, bins, edges.items, arena))
		return (struct edges){0};
	edges.count = edges_merge(edges.items, edges.count, by == BINNING_UNIFORM ? 0 : EDGES_APART);
	if (edges.count < 2)
		edges_of_one_bin(&edges);
	return edges;
}
