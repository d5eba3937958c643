/* fixed_horizon.h: Intervals, tests and planned sizes of two arms at a fixed horizon that other packages offer and no
 * pipeline uses.
 *
 * Conventions are those of methods/statistics/rates.h and means.h. Pure; any thread may call.
 */
#pragma once

#include "methods/statistics/means.h"
#include "methods/statistics/posterior.h"
#include "methods/statistics/rates.h"

struct interval rate_clopper_pearson(struct rate rate, double alpha);

/* The interval that holds 1 - alpha, as much left out below as above. */
struct interval posterior_interval(struct beta_posterior posterior, double alpha);

/* Student: one variance, pooled. */
struct t_test student_test(const struct moments *control, const struct moments *treatment, double alpha);

/* Units of each arm to find p2 against p1, not rounded: by the rates, and by Cohen's h. */
double units_for_rates(double p1, double p2, double alpha, double power);
double cohens_h(double p1, double p2);
double units_for_h(double h, double alpha, double power);

/* Units of the control for the chance of power_of_t(), of which the treatment has `ratio` times as many; not rounded. */
double units_for_t(double effect, double alpha, double power, double ratio);
