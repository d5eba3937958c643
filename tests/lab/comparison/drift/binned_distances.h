/* binned_distances.h: Distances between counts in bins that other packages offer and no detector uses: Kullback-Leibler, Hellinger,
 * Cramér's V, and the chi-square test of fit. */
#pragma once

#include "methods/drift/tests/binned.h"

/* Kullback-Leibler, of current from reference, over shares of at least `least`. NaN: a sample is empty. */
double binned_divergence(const struct binned *binned, double least);

/* Of the plain shares: Hellinger's distance, which ends at 1. */
double binned_hellinger(const struct binned *binned);

/* The effect size of binned_homogeneity(), 0..1. */
double binned_cramers_v(const struct binned *binned);

/* Of the current counts against the reference's shares. False: a category of the current ones is not in the
 * reference, so there is no such test. */
bool binned_fit(const struct binned *binned, struct chi_square_test *test);
