/* kolmogorov_smirnov.h: Two-sample Kolmogorov-Smirnov test: the largest distance between two empirical distributions.
 *
 * Samples are sorted, without NaN, and not empty; infinite values order like others. Ties step together, so the
 * distance is taken only at distinct pooled values. Three p-values are known for one distance, and they differ for
 * small samples: the exact one, the limit (kolmogorov_sf() of methods/statistics/distribution.h), and the one-sample law at
 * the effective size, which other libraries call asymptotic.
 *
 * Pure; any thread may call. Memory is taken from the arena that is handed in.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "methods/numeric/table.h"

/* The exact count costs reference * current steps: a second at this size. */
#define KS_EXACT_SIZE_MAX 10000

struct ks_distance {
	double two_sided;
	double greater; /* how far the reference's distribution function is above the current one's */
	double less;	/* how far it is below */
};

struct ks_distance ks_distance_of(const struct sorted *reference, const struct sorted *current);

/* The limit for large samples. */
double ks_p_limit(double distance, size_t reference, size_t current);

/* The chance of a distance at least as large, by counting lattice paths; with ties it is conservative. NaN: a sample
 * is larger than KS_EXACT_SIZE_MAX, or the arena is full. */
double ks_p_exact(double distance, size_t reference, size_t current, bool two_sided, struct arena *arena);

/* The chance that the empirical distribution of `count` values is at least `distance` away from their distribution.
 * NaN: count is 0, or the arena is full. Above KS_LAW_EXACT_MAX values its middle part is the expansion of Pelz and Good, as in
 * other libraries: it is within 2e-5 of the chance, as a share of it. */
#define KS_LAW_EXACT_MAX 140
double ks_one_sample_sf(double distance, size_t count, struct arena *arena);

/* ks_one_sample_sf() at the effective size of two samples, rounded to even halves. */
double ks_p_effective(double distance, size_t reference, size_t current, struct arena *arena);
