/* binning.c: see binning.h. */
#include "numeric/binning.h"

#include <math.h>

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

static size_t without_twins(double *items, size_t count)
{
	size_t left = 1;
	for (size_t i = 1; i < count; i++)
		if (items[i] - items[i - 1] > EDGES_APART)
			items[left++] = items[i];
	return left;
}

/* One round of Lloyd's method in one dimension, where clusters are stretches of the sorted
 * column. How far the centers went, squared; `ends` are where the clusters end. */
static double centers_move(const struct sorted *column, double *centers, size_t *ends, size_t count, bool *same)
{
	double moved = 0;
	size_t at = 0;
	*same = true;
	for (size_t i = 0; i < count; i++) {
		const double border = i + 1 < count ? (centers[i] + centers[i + 1]) / 2 : INFINITY;
		const size_t first = at;
		double sum = 0;
		for (; at < column->count && column->values[at] <= border; at++)
			sum += column->values[at];
		const double center = at > first ? sum / (double)(at - first) : centers[i];
		*same = *same && ends[i] == at;
		ends[i] = at;
		moved += (center - centers[i]) * (center - centers[i]);
		centers[i] = center;
	}
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
	double *centers = ARENA_ARRAY(arena, double, bins);
	size_t *ends = ARENA_ARRAY(arena, size_t, bins);
	if (!centers || !ends)
		return false;
	const double enough = KMEANS_TOLERANCE * variance_of(column);
	for (size_t i = 0; i < bins; i++)
		centers[i] = (edges[i] + edges[i + 1]) / 2;
	bool same = false;
	for (int round = 0; round < KMEANS_ROUNDS_MAX && !same; round++)
		if (centers_move(column, centers, ends, bins, &same) <= enough)
			break;
	for (size_t i = 1; i < bins; i++)
		edges[i] = (centers[i - 1] + centers[i]) / 2;
	return true;
}

struct edges bins_fit(const struct sorted *column, size_t bins, enum binning by, enum quantile_type type, struct arena *arena)
{
	struct edges edges = {bins + 1, column->count ? ARENA_ARRAY(arena, double, bins + 2) : NULL};
	if (!edges.items)
		return (struct edges){0};
	const double low = column->values[0], high = column->values[column->count - 1];
	if (low == high) {
		edges.items[0] = -INFINITY;
		edges.items[1] = INFINITY;
		edges.count = 2;
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
	if (by != BINNING_UNIFORM)
		edges.count = without_twins(edges.items, edges.count);
	return edges;
}
