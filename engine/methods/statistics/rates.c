/* rates.c: see rates.h. */
#include "methods/statistics/rates.h"

#include "methods/statistics/distribution.h"

struct interval rate_wilson(struct rate rate, double alpha)
{
	const double z = normal_critical(alpha / 2), n = rate.trials, p = rate.successes / n;
	const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
	const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
	if (!(n > 0))
		return (struct interval){NAN, NAN};
	return (struct interval){rate.successes == 0 ? 0 : middle - half, rate.successes == n ? 1 : middle + half};
}

struct rate_test rate_test(struct rate control, struct rate treatment, double alpha)
{
	const double p_c = control.successes / control.trials, p_t = treatment.successes / treatment.trials;
	const double pooled = (control.successes + treatment.successes) / (control.trials + treatment.trials);
	const double error = sqrt(pooled * (1 - pooled) * (1 / control.trials + 1 / treatment.trials));
	const double difference = p_t - p_c, z = error > 0 ? difference / error : NAN;
	const struct interval c = rate_wilson(control, alpha), t = rate_wilson(treatment, alpha);
	return (struct rate_test){
		.difference = difference,
		.z = z,
		.p = 2 * normal_sf(fabs(z)),
		.newcombe = {difference - hypot(p_t - t.low, c.high - p_c), difference + hypot(t.high - p_t, p_c - c.low)},
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
