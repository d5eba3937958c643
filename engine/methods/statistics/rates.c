/* rates.c: see rates.h. */
#include "methods/statistics/rates.h"

#include <float.h>
#include <math.h>

#include "methods/statistics/distribution.h"
#include "methods/statistics/special.h"

#define FISHER_NEAR 1e-7 /* tables whose chances differ by less count as equally likely, as scipy has it */

struct interval rate_wilson(struct rate rate, double alpha)
{
	const double z = normal_critical(alpha / 2), n = rate.trials, p = rate.successes / n;
	const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
	const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
	if (!(n > 0))
		return (struct interval){NAN, NAN};
	return (struct interval){rate.successes == 0 ? 0 : middle - half, rate.successes == n ? 1 : middle + half};
}

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

static double fisher_p(struct rate control, struct rate treatment)
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

static double chi_square_of_two(struct rate control, struct rate treatment, double correction)
{
	const double hits = control.successes + treatment.successes, all = control.trials + treatment.trials;
	const double share = hits / all, away = treatment.successes - share * treatment.trials;
	const double less = fmax(0, fabs(away) - correction);
	return less * less / (share * (1 - share)) * (1 / control.trials + 1 / treatment.trials);
}

struct rate_test rate_test(struct rate control, struct rate treatment, double alpha)
{
	const double p_c = control.successes / control.trials, p_t = treatment.successes / treatment.trials;
	const double pooled = (control.successes + treatment.successes) / (control.trials + treatment.trials);
	const double error = sqrt(pooled * (1 - pooled) * (1 / control.trials + 1 / treatment.trials));
	const double z = error > 0 ? (p_t - p_c) / error : NAN;
	const struct interval c = rate_wilson(control, alpha), t = rate_wilson(treatment, alpha);
	const double chi_square = error > 0 ? chi_square_of_two(control, treatment, 0) : NAN;
	const double yates = error > 0 ? chi_square_of_two(control, treatment, 0.5) : NAN;
	const double wald = sqrt(p_c * (1 - p_c) / control.trials + p_t * (1 - p_t) / treatment.trials);
	const double difference = p_t - p_c;
	return (struct rate_test){
		.difference = difference,
		.z = z,
		.p = 2 * normal_sf(fabs(z)),
		.chi_square = chi_square,
		.chi_square_p = chi_square_sf(chi_square, 1),
		.yates = yates,
		.yates_p = chi_square_sf(yates, 1),
		.fisher_p = fisher_p(control, treatment),
		.newcombe = {difference - hypot(p_t - t.low, c.high - p_c), difference + hypot(t.high - p_t, p_c - c.low)},
		.wald = interval_around(difference, normal_critical(alpha / 2) * wald),
	};
}

static double sum_along(const double *counts, size_t count, size_t step)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += counts[i * step];
	return sum;
}

static size_t sums_above_zero(const double *counts, size_t lines, size_t from_line_to_line, size_t length, size_t step)
{
	size_t above = 0;
	for (size_t i = 0; i < lines; i++)
		above += sum_along(counts + i * from_line_to_line, length, step) > 0;
	return above;
}

struct table_test table_test(const double *counts, size_t rows, size_t columns, double *expected)
{
	const double all = sum_along(counts, rows * columns, 1);
	const size_t met_rows = sums_above_zero(counts, rows, columns, columns, 1);
	const size_t met_columns = sums_above_zero(counts, columns, 1, rows, columns);
	double statistic = 0;
	for (size_t i = 0; i < rows * columns; i++) {
		const double row = sum_along(counts + i / columns * columns, columns, 1);
		const double column = sum_along(counts + i % columns, rows, columns);
		expected[i] = row * column / all;
		const double away = counts[i] - expected[i];
		statistic += expected[i] > 0 ? away * away / expected[i] : 0;
	}
	if (met_rows < 2 || met_columns < 2)
		return (struct table_test){NAN, 0, NAN};
	const double freedom = (double)(met_rows - 1) * (double)(met_columns - 1);
	return (struct table_test){statistic, freedom, chi_square_sf(statistic, freedom)};
}
