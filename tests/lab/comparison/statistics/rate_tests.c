/* rate_tests.c: see rate_tests.h. */
#include "comparison/statistics/rate_tests.h"

#include <float.h>
#include <math.h>

#include "methods/statistics/distribution.h"
#include "methods/statistics/special.h"

#define FISHER_NEAR 1e-7 /* tables whose chances differ by less count as equally likely, as scipy has it */

double rate_chi_square(struct rate control, struct rate treatment, double correction)
{
	const double hits = control.successes + treatment.successes, all = control.trials + treatment.trials;
	const double share = hits / all, away = treatment.successes - share * treatment.trials;
	const double less = fmax(0, fabs(away) - correction);
	if (!(share * (1 - share) > 0))
		return NAN;
	return less * less / (share * (1 - share)) * (1 / control.trials + 1 / treatment.trials);
}

struct interval rate_wald(struct rate control, struct rate treatment, double alpha)
{
	const double p_c = control.successes / control.trials, p_t = treatment.successes / treatment.trials;
	const double error = sqrt(p_c * (1 - p_c) / control.trials + p_t * (1 - p_t) / treatment.trials);
	return interval_around(p_t - p_c, normal_critical(alpha / 2) * error);
}

/* ---- Fisher ---- */

/* The tables of two arms whose margins are given: `x` of the successes are the treatment's. */
struct fisher_margins {
	double treatment, control, successes;
};

/* The binomial density, but for a factor that all tables share. */
static double binomial_part(double successes, double trials, double share, double rest)
{
	return beta_density_kernel(successes + 1, trials - successes + 1, share, rest) / (trials + 1);
}

/* By densities at the common rate (Loader, 2000): logarithms of the factorials would cancel. */
static double fisher_chance(const struct fisher_margins *of, double x)
{
	const double all = of->treatment + of->control, share = of->successes / all, rest = (all - of->successes) / all;
	return binomial_part(x, of->treatment, share, rest) * binomial_part(of->successes - x, of->control, share, rest) /
	       binomial_part(of->successes, all, share, rest) / (share * rest);
}

/* How much less likely the next table is, away from the likeliest one. */
static double fisher_ratio(const struct fisher_margins *of, double x, double step)
{
	const double rest = of->control - of->successes; /* may be below 0 */
	return step > 0 ? (of->treatment - x) * (of->successes - x) / ((x + 1) * (rest + x + 1))
			: x * (rest + x) / ((of->treatment - x + 1) * (of->successes - x + 1));
}

/* The sum over the tables from the likeliest one to `end` that are at most so likely: the nearest of them is searched for, and each
 * of the others follows from its neighbour. */
static double fisher_tail(const struct fisher_margins *of, double likeliest, double end, double limit)
{
	const double step = end > likeliest ? 1 : -1;
	double before = likeliest, x = end;
	if (end == likeliest || fisher_chance(of, end) > limit)
		return 0;
	while (fabs(x - before) > 1) {
		const double middle = before + trunc((x - before) / 2);
		*(fisher_chance(of, middle) > limit ? &before : &x) = middle;
	}
	double term = fisher_chance(of, x), sum = 0;
	while (step * (end - x) >= 0 && term > sum * DBL_EPSILON / 4) {
		sum += term;
		term *= fisher_ratio(of, x, step);
		x += step;
	}
	return sum;
}

double rate_fisher_p(struct rate control, struct rate treatment)
{
	const struct fisher_margins of = {treatment.trials, control.trials, treatment.successes + control.successes};
	const double all = of.treatment + of.control;
	if (!(of.treatment > 0) || !(of.control > 0))
		return NAN;
	const double least = fmax(0, of.successes - of.control), most = fmin(of.successes, of.treatment);
	const double likeliest = fmin(most, fmax(least, floor((of.treatment + 1) * (of.successes + 1) / (all + 2))));
	if (least == most)
		return 1;
	const double limit = fisher_chance(&of, treatment.successes) * (1 + FISHER_NEAR);
	if (fisher_chance(&of, likeliest) <= limit)
		return 1;
	return fmin(1, fisher_tail(&of, likeliest, least, limit) + fisher_tail(&of, likeliest, most, limit));
}
