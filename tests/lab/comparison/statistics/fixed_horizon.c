/* fixed_horizon.c: see fixed_horizon.h. */
#include "comparison/statistics/fixed_horizon.h"

#include "methods/statistics/distribution.h"

#define UNITS_MOST 1e12 /* beyond what any stream brings */

/* ---- rates ---- */

/* The place above which a beta variate lies with that chance: as odds it is that of F, so that small ones keep their digits. */
static double beta_critical(double share, double a, double b)
{
	return 1 / (1 + b / (a * f_critical(share, 2 * a, 2 * b)));
}

struct interval rate_clopper_pearson(struct rate rate, double alpha)
{
	const double k = rate.successes, n = rate.trials;
	if (!(n > 0))
		return (struct interval){NAN, NAN};
	return (struct interval){
		k <= 0 ? 0 : beta_quantile(alpha / 2, k, n - k + 1),
		k >= n ? 1 : beta_critical(alpha / 2, k + 1, n - k),
	};
}

struct interval posterior_interval(struct beta_posterior posterior, double alpha)
{
	return (struct interval){beta_quantile(alpha / 2, posterior.alpha, posterior.beta),
				 beta_critical(alpha / 2, posterior.alpha, posterior.beta)};
}

double units_for_rates(double p1, double p2, double alpha, double power)
{
	const double middle = (p1 + p2) / 2, together = sqrt(2 * middle * (1 - middle));
	const double apart = sqrt(p1 * (1 - p1) + p2 * (1 - p2));
	const double sum = normal_critical(alpha / 2) * together + normal_quantile(power) * apart;
	return sum * sum / ((p1 - p2) * (p1 - p2));
}

double cohens_h(double p1, double p2)
{
	return 2 * asin(sqrt(p2)) - 2 * asin(sqrt(p1));
}

/* The normal's power counts both tails, as that of t does; from one tail's answer Newton's steps lead there at once. */
double units_for_h(double h, double alpha, double power)
{
	const double critical = normal_critical(alpha / 2);
	double away = critical + normal_quantile(power);
	for (int i = 0; i < 5; i++) {
		const double lacking = normal_sf(critical - away) + normal_sf(critical + away) - power;
		const double above = critical - away, below = critical + away;
		away -= lacking * sqrt(2 * M_PI) / (exp(-above * above / 2) - exp(-below * below / 2));
	}
	return 2 * away * away / (h * h);
}

/* ---- means ---- */

struct t_test student_test(const struct moments *control, const struct moments *treatment, double alpha)
{
	const double count_c = (double)control->count, count_t = (double)treatment->count, freedom = count_c + count_t - 2;
	const double pooled = (control->squares + treatment->squares) / freedom, difference = treatment->mean - control->mean;
	const double error = sqrt(pooled * (1 / count_c + 1 / count_t)), t = difference / error;
	if (!(error > 0) || !(freedom > 0))
		return (struct t_test){difference, NAN, freedom, NAN, {NAN, NAN}};
	return (struct t_test){
		.difference = difference,
		.t = t,
		.freedom = freedom,
		.p = 2 * student_t_sf(fabs(t), freedom),
		.interval = interval_around(difference, error * student_t_critical(alpha / 2, freedom)),
	};
}

struct power_wanted {
	double effect, alpha, power, ratio;
};

/* By the logarithm of the units, for which the scale of the search is short. */
static double power_lacking(const void *context, double log_units)
{
	const struct power_wanted *wanted = context;
	const double units = exp(log_units);
	return power_of_t(wanted->effect, units, units * wanted->ratio, wanted->alpha) - wanted->power;
}

double units_for_t(double effect, double alpha, double power, double ratio)
{
	const struct power_wanted wanted = {effect, alpha, power, ratio};
	if (!(fabs(effect) > 0) || !(ratio > 0) || !(alpha > 0 && alpha < 1) || !(power > alpha && power < 1))
		return NAN;
	/* The normal needs fewer; with a hundredth above two degrees of freedom there is a test at all. */
	const double least = fmax(2.01 / (1 + ratio), units_for_normal(effect, alpha, power, ratio) / 2);
	if (power_lacking(&wanted, log(least)) >= 0)
		return least;
	double most = 2 * least;
	while (power_lacking(&wanted, log(most)) < 0 && most < UNITS_MOST)
		most *= 2;
	return exp(root_between(power_lacking, &wanted, log(most / 2), log(most)));
}
