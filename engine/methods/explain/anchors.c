/* anchors.c: Rules, what they are worth, and bounds of it; see anchors.h. */
#include "methods/explain/anchors.h"

#include <math.h>

#include "methods/numeric/binning.h"

#define HALVINGS 60 /* more than double can tell apart */
#define QUARTILES 4 /* bins of a column, as is usual for anchors of tables */
#define NEAR_EDGE 1e-15

/* ---- rules ---- */

static bool anchor_satisfies(const struct anchor_rows *rows, size_t row, const struct anchor_rule *rule)
{
	for (size_t i = 0; i < rule->count; i++)
		if (!rows->matches[row * rows->features + rule->features[i]])
			return false;
	return true;
}

struct anchor_measure anchor_measure(const struct anchor_rows *rows, const bool *agrees, const struct anchor_rule *rule)
{
	double all = 0, satisfied = 0, agreed = 0;
	for (size_t row = 0; row < rows->count; row++) {
		const double weight = rows->weights ? rows->weights[row] : 1;
		all += weight;
		if (!anchor_satisfies(rows, row, rule))
			continue;
		satisfied += weight;
		agreed += agrees[row] ? weight : 0;
	}
	return (struct anchor_measure){satisfied > 0 ? agreed / satisfied : (double)NAN, satisfied / all};
}

double anchor_coverage(const struct anchor_rows *rows, const struct anchor_rule *rule)
{
	double all = 0, satisfied = 0;
	for (size_t row = 0; row < rows->count; row++) {
		const double weight = rows->weights ? rows->weights[row] : 1;
		all += weight;
		satisfied += anchor_satisfies(rows, row, rule) ? weight : 0;
	}
	return satisfied / all;
}

bool anchor_better(const struct anchor_rule *rule, const struct anchor_measure *measure, const struct anchor_rule *other,
		   const struct anchor_measure *than, double threshold)
{
	const bool good = measure->precision >= threshold, was_good = than->precision >= threshold;
	if (good != was_good)
		return good;
	if (!good)
		return measure->precision > than->precision;
	if (measure->coverage < than->coverage || measure->coverage > than->coverage)
		return measure->coverage > than->coverage;
	return rule->count < other->count;
}

/* ---- bounds ---- */

/* Kullback-Leibler divergence of two shares. */
static double anchor_divergence(double share, double other)
{
	const double p = fmin(fmax(share, NEAR_EDGE), 1 - NEAR_EDGE), q = fmin(fmax(other, NEAR_EDGE), 1 - NEAR_EDGE);
	return p * log(p / q) + (1 - p) * log((1 - p) / (1 - q));
}

/* The share farthest from the one that was seen towards `edge`. */
static double anchor_bound(double share, double edge, double count, double bound)
{
	double near = share, far = edge;
	for (int i = 0; i < HALVINGS; i++) {
		const double middle = (near + far) / 2;
		if (count * anchor_divergence(share, middle) <= bound)
			near = middle;
		else
			far = middle;
	}
	return near;
}

double anchor_lower(double share, double count, double bound)
{
	return anchor_bound(share, 0, count, bound);
}

double anchor_upper(double share, double count, double bound)
{
	return anchor_bound(share, 1, count, bound);
}

/* ---- bins ---- */

size_t anchor_edges(double *numbers, size_t count, size_t bins, double edges[ANCHOR_BINS_MAX])
{
	const size_t left = quantile_sort(numbers, count);
	size_t made = 0;
	for (size_t i = 1; left && i < bins && i < ANCHOR_BINS_MAX; i++) {
		const double edge = quantile_sorted(numbers, left, (double)i / (double)bins, QUANTILE_LINEAR);
		if (made == 0 || edge > edges[made - 1])
			edges[made++] = edge;
	}
	return made;
}

int64_t anchor_bin(const double *edges, size_t count, double number)
{
	return bin_of(edges, count, number, false);
}

size_t anchor_column_edges(const double *background, size_t count, size_t features, size_t feature, double *working,
			   double edges[ANCHOR_BINS_MAX])
{
	for (size_t i = 0; i < count; i++)
		working[i] = background[i * features + feature];
	return anchor_edges(working, count, QUARTILES, edges);
}

bool anchor_match(const double *row, const double *background, size_t count, size_t features, bool *matches, struct arena *working,
		  struct error *error)
{
	double edges[ANCHOR_BINS_MAX], *column = ARENA_ARRAY(working, double, count);
	if (!column)
		return error_memory(error, ERROR_LIMIT, "sorting a background into bins");
	for (size_t feature = 0; feature < features; feature++) {
		const size_t made = anchor_column_edges(background, count, features, feature, column, edges);
		const int64_t mine = anchor_bin(edges, made, row[feature]);
		for (size_t i = 0; i < count; i++)
			matches[i * features + feature] = anchor_bin(edges, made, background[i * features + feature]) == mine;
	}
	return true;
}
