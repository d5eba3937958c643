/* binned.c: Distances between counts in bins; see binned.h. */
#include "methods/drift/tests/binned.h"

#include <math.h>

#include "methods/numeric/quantile.h"
#include "methods/statistics/distribution.h"

struct bins bins_of_quantiles(const struct sorted *reference, size_t bins, struct arena *arena)
{
	double *edges = ARENA_ARRAY(arena, double, bins);
	struct bins made = {0, edges};
	for (size_t k = 1; edges && k < bins; k++) {
		double edge = quantile_sorted(reference->values, reference->count, (double)k / (double)bins, QUANTILE_LINEAR);
		if (made.count == 0 || edge > edges[made.count - 1])
			edges[made.count++] = edge;
	}
	return made;
}

size_t bins_find(const struct bins *bins, double value)
{
	return sorted_below(bins->edges, bins->count, value);
}

static double counts_total(const double *counts, size_t bins)
{
	double total = 0;
	for (size_t i = 0; i < bins; i++)
		total += counts[i];
	return total;
}

/* The sum of what `term` makes of the two shares of each bin. */
static double binned_sum(const struct binned *binned, double least, double (*term)(double reference, double current))
{
	double references = counts_total(binned->reference, binned->bins), currents = counts_total(binned->current, binned->bins);
	double total = 0;
	if (references <= 0 || currents <= 0)
		return (double)NAN;
	for (size_t i = 0; i < binned->bins; i++)
		total += term(fmax(binned->reference[i] / references, least), fmax(binned->current[i] / currents, least));
	return total;
}

static double psi_term(double reference, double current)
{
	return (current - reference) * log(current / reference);
}

static double entropy_term(double share, double middle)
{
	return share > 0 ? share * log(share / middle) : 0;
}

static double jensen_shannon_term(double reference, double current)
{
	double middle = (reference + current) / 2;
	return (entropy_term(reference, middle) + entropy_term(current, middle)) / 2;
}

double binned_psi(const struct binned *binned, double least)
{
	return binned_sum(binned, least, psi_term);
}

double binned_jensen_shannon(const struct binned *binned)
{
	double divergence = binned_sum(binned, 0, jensen_shannon_term);
	return divergence < 0 ? 0 : sqrt(divergence); /* below 0 by rounding alone */
}

/* ---- chi-square ---- */

static double chi_square_part(double seen, double expected)
{
	return (seen - expected) * (seen - expected) / expected;
}

static struct chi_square_test chi_square_made(double statistic, double categories)
{
	double freedom = categories - 1;
	return (struct chi_square_test){statistic, freedom, freedom < 1 ? (double)NAN : chi_square_sf(statistic, freedom)};
}

/* What a bin adds to the statistic; both counts are not 0. */
static double homogeneity_part(double reference, double current, double references, double currents)
{
	const double both = reference + current, expected = both * references / (references + currents);
	return chi_square_part(reference, expected) + chi_square_part(current, both - expected);
}

struct chi_square_test binned_homogeneity(const struct binned *binned)
{
	double references = counts_total(binned->reference, binned->bins), currents = counts_total(binned->current, binned->bins);
	double statistic = 0, categories = 0;
	for (size_t i = 0; i < binned->bins; i++) {
		if (binned->reference[i] + binned->current[i] <= 0)
			continue;
		categories++;
		statistic += homogeneity_part(binned->reference[i], binned->current[i], references, currents);
	}
	return chi_square_made(statistic, categories);
}

double binned_chi_square_distance(const struct binned *binned, const bool *pooled)
{
	double references = counts_total(binned->reference, binned->bins), currents = counts_total(binned->current, binned->bins);
	double statistic = 0, reference = 0, current = 0; /* of the pooled ones */
	for (size_t i = 0; i < binned->bins; i++) {
		if (pooled && pooled[i]) {
			reference += binned->reference[i];
			current += binned->current[i];
		} else if (binned->reference[i] + binned->current[i] > 0) {
			statistic += homogeneity_part(binned->reference[i], binned->current[i], references, currents);
		}
	}
	if (reference + current > 0)
		statistic += homogeneity_part(reference, current, references, currents);
	return sqrt(statistic * (references + currents) / (references * currents));
}
