/* means.h: Comparisons of two arms' means at a fixed horizon: t tests, effect sizes, improvement, power.
 *
 * A difference is treatment less control. What the data leave undefined (variances of 0, fewer than two units) is NaN.
 * Pure; any thread may call.
 */
#pragma once

#include "methods/numeric/moments.h"
#include "methods/statistics/interval.h"

struct t_test {
	double difference, t, freedom;
	double p; /* of two sides */
	struct interval interval;
};

/* Welch: variances may differ. The interval is the one at 1 - alpha. */
struct t_test welch_test(const struct moments *control, const struct moments *treatment, double alpha);

struct effect_size {
	double cohen;  /* by the pooled standard deviation */
	double hedges; /* without its bias, by gamma functions */
};

struct effect_size effect_size(const struct moments *control, const struct moments *treatment);

/* How much larger the treatment's mean is, as a share of the control's without its sign: a profit of -8 after -10 is 20% larger. */
struct improvement {
	bool defined; /* false: the control's interval holds 0, or the means differ in sign */
	double estimate;
	struct interval interval;
};

/* By the logarithm of the ratio (delta method), of two means and the variances of these means. */
struct improvement improvement_of_means(double control, double control_variance, double treatment, double treatment_variance,
					double alpha);

/* The chance that a t test of two sides finds a difference of `effect` standard deviations, both tails counted. */
double power_of_t(double effect, double control, double treatment, double alpha);

/* Units of the control for that chance, of which the treatment has `ratio` times as many; not rounded. */
double units_for_normal(double effect, double alpha, double power, double ratio);
