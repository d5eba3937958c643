/* rates.c: see rates.h. */
#include "statistics/rates.h"

#include "statistics/distribution.h"
#include "statistics/special.h"

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

static double log_choose(double n, double k)
{
	return -log_beta(n - k + 1, k + 1) - log(n + 1);
}

/* Tables with the same margins, from the likeliest outwards on both sides: each term follows from its neighbour. */
static double fisher_p(struct rate control, struct rate treatment)
{
	const double a = treatment.successes, n = treatment.trials, m = control.trials, hits = a + control.successes;
	if (!(n > 0) || !(m > 0))
		return NAN;
	const double least = fmax(0, hits - m), most = fmin(hits, n);
	const double whole = log_choose(m + n, hits);
	const double limit = log_choose(n, a) + log_choose(m, hits - a) - whole + log1p(FISHER_NEAR);
	double sum = 0;
	for (size_t i = 0; (double)i <= most - least; i++) {
		const double x = least + (double)i;
		const double chance = log_choose(n, x) + log_choose(m, hits - x) - whole;
		sum += chance <= limit ? exp(chance) : 0;
	}
	return fmin(1, sum);
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

static double sum_along(const double *counts, size_t count, size_t step)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += counts[i * step];
	return sum;
}

struct table_test table_test(const double *counts, size_t rows, size_t columns, double *expected)
{
	const double all = sum_along(counts, rows * columns, 1);
	double statistic = 0;
	for (size_t i = 0; i < rows * columns; i++) {
		const double row = sum_along(counts + i / columns * columns, columns, 1);
		const double column = sum_along(counts + i % columns, rows, columns);
		expected[i] = row * column / all;
		const double away = counts[i] - expected[i];
		statistic += expected[i] > 0 ? away * away / expected[i] : NAN;
	}
	const double freedom = (double)(rows - 1) * (double)(columns - 1);
	return (struct table_test){statistic, freedom, chi_square_sf(statistic, freedom)};
}
