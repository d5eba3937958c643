/* rate_tests.h: Tests of two rates beside the pooled z test: chi-square, with Yates' correction, and Fisher's exact test. */
#pragma once

#include "methods/statistics/rates.h"

/* NaN: both rates are 0, or both 1. `correction` is 0, or 0.5: Yates' correction for continuity. */
double rate_chi_square(struct rate control, struct rate treatment, double correction);

/* Of two sides: tables that are as unlikely, or more so. */
double rate_fisher_p(struct rate control, struct rate treatment);

/* Wald's interval of the difference. */
struct interval rate_wald(struct rate control, struct rate treatment, double alpha);
