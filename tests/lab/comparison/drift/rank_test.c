/* rank_test.c: Cramer-von Mises and Anderson-Darling tests; see rank_test.h. */
#include "comparison/drift/rank_test.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The interpolation of Scholz and Stephens (1987), table 2, for two samples: b0 + b1 + b2. */
const double anderson_darling_critical[ANDERSON_DARLING_LEVELS] = {
	0.675 - 0.245 - 0.105, 1.281 + 0.250 - 0.305, 1.645 + 0.678 - 0.362, 1.960 + 1.149 - 0.391,
	2.326 + 1.822 - 0.396, 2.573 + 2.364 - 0.345, 3.085 + 3.615 - 0.154,
};

/* A distinct value of two pooled samples. */
struct pooled {
	size_t reference, current;	 /* how often it is in each */
	size_t below_reference, below_current; /* how many of each are below it */
};

/* Goes to the next distinct value; `pooled` starts zeroed. */
static bool pooled_next(struct pooled *pooled, const struct sorted *reference, const struct sorted *current)
{
	size_t i = pooled->below_reference + pooled->reference, j = pooled->below_current + pooled->current;
	bool of_reference = i < reference->count, of_current = j < current->count;
	if (!of_reference && !of_current)
		return false;
	double value = !of_current || (of_reference && reference->values[i] <= current->values[j]) ? reference->values[i]
												      : current->values[j];
	*pooled = (struct pooled){.below_reference = i, .below_current = j};
	while (i < reference->count && reference->values[i] <= value)
		i++;
	while (j < current->count && current->values[j] <= value)
		j++;
	pooled->reference = i - pooled->below_reference;
	pooled->current = j - pooled->below_current;
	return true;
}

/* ---- Cramer-von Mises ---- */

double cramer_von_mises(const struct sorted *reference, const struct sorted *current)
{
	struct pooled pooled = {0};
	double n = (double)reference->count, m = (double)current->count, of_reference = 0, of_current = 0;
	while (pooled_next(&pooled, reference, current)) {
		double below = (double)(pooled.below_reference + pooled.below_current);
		double rank = below + ((double)(pooled.reference + pooled.current) + 1) / 2;
		for (size_t i = 0; i < pooled.reference; i++)
			of_reference += pow(rank - (double)(pooled.below_reference + i + 1), 2);
		for (size_t j = 0; j < pooled.current; j++)
			of_current += pow(rank - (double)(pooled.below_current + j + 1), 2);
	}
	double u = n * of_reference + m * of_current;
	return u / (n * m * (n + m)) - (4 * n * m - 1) / (6 * (n + m));
}

/* exp(q) times the modified Bessel function of the second kind of order 1/4: the integral of
 * exp(q - q cosh t) cosh(t/4), by the trapezoid rule, whose error falls off faster than any power of the step. */
static double bessel_quarter_scaled(double q)
{
	double step = 1.0 / 64, total = 0.5;
	for (size_t i = 1;; i++) {
		double t = (double)i * step, half = sinh(t / 2), fall = 2 * q * half * half;
		if (fall > 745)
			return total * step;
		total += exp(-fall) * cosh(t / 4);
	}
}

/* Csorgo and Faraway (1996), equation 1.3. */
static double cramer_von_mises_limit_cdf(double x)
{
	double total = 0, term;
	double k = 0;
	do {
		double y = 4 * k + 1, q = y * y / (16 * x);
		double factor = exp(lgamma(k + 0.5) - lgamma(k + 1)) / (pow(M_PI, 1.5) * sqrt(x));
		term = factor * sqrt(y) * exp(-2 * q) * bessel_quarter_scaled(q);
		total += term;
		k++;
	} while (term > 1e-17 && k < 1000);
	return total;
}

#define CVM_TAIL_FROM 0.5 /* a chance of 0.04 */
#define CVM_NODES 256

/* The integral of exp(-x t^2 / 2) / sqrt(t |sin t|) over a length of pi from `begin` on, a multiple of pi. By t = begin + pi
 * cos^2(a / 2) it has no poles at its ends, and the midpoint rule has all digits. */
static double cvm_tail_part(double x, double begin)
{
	double total = 0;
	for (size_t i = 0; i < CVM_NODES; i++) {
		double angle = M_PI * ((double)i + 0.5) / CVM_NODES;
		double behind = pow(cos(angle / 2), 2), before = pow(sin(angle / 2), 2), t = begin + M_PI * behind;
		total += exp(-x * t * t / 2) / sqrt(t * sin(M_PI * fmin(behind, before))) * sin(angle);
	}
	return total * M_PI / CVM_NODES * M_PI_2;
}

/* Smirnov's alternating series (Anderson and Darling 1952, section 4): in the tail one minus the distribution function has no
 * digits left. */
static double cramer_von_mises_limit_sf(double x)
{
	double total = 0, part, sign = 1, begin = M_PI;
	do {
		part = cvm_tail_part(x, begin);
		total += sign * part;
		sign = -sign;
		begin += 2 * M_PI;
	} while (part > total * 1e-17);
	return total * M_2_PI;
}

double cramer_von_mises_p_limit(double statistic, size_t reference, size_t current)
{
	double n = (double)reference, m = (double)current, all = n + m, product = n * m;
	double mean = (1 + 1 / all) / 6;
	double variance = (all + 1) * (4 * product * all - 3 * (n * n + m * m) - 2 * product) / (45 * all * all * 4 * product);
	double z = 1.0 / 6 + (statistic - mean) / sqrt(45 * variance);
	if (z >= CVM_TAIL_FROM)
		return cramer_von_mises_limit_sf(z);
	return z < 0.003 ? 1 : fmax(0, 1 - cramer_von_mises_limit_cdf(z));
}

static size_t common_divisor(size_t a, size_t b)
{
	while (b) {
		size_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* Chances of sums of squared distances from the diagonal over paths to a point; `most` is the last one possible. */
struct path_sums {
	double *chances;
	size_t most;
};

/* Xiao, Gordon and Yakovlev (2006): the statistic is a sum over the points of a lattice path, so its distribution goes
 * from point to point. `above` is that of the point one step of the reference before, and becomes this point's, from
 * its end, so that nothing is overwritten that is still read; `before` is one step of the current sample before. */
static void path_sums_step(struct path_sums *above, const struct path_sums *before, double x, double y, size_t square)
{
	size_t most = x > 0 ? above->most : 0;
	if (before && before->most > most)
		most = before->most;
	for (size_t s = most + 1; s-- > 0;) {
		double of_above = x > 0 && s <= above->most ? x * above->chances[s] : 0;
		double of_before = before && s <= before->most ? y * before->chances[s] : 0;
		above->chances[s + square] = of_above + of_before;
	}
	memset(above->chances, 0, square * sizeof *above->chances);
	above->most = most + square;
}

/* The greatest sum of a path: first all of one sample, then all of the other. */
static size_t path_sums_most(size_t n, size_t m, size_t a, size_t b)
{
	size_t most = 0;
	for (size_t i = 1; i <= n; i++)
		most += i * b * i * b;
	for (size_t j = 1; j <= m; j++)
		most += (m - j) * a * (m - j) * a;
	return most;
}

double cramer_von_mises_p_exact(double statistic, size_t reference, size_t current, struct arena *arena)
{
	size_t n = reference, m = current, divisor = common_divisor(n, m), a = n / divisor, b = m / divisor;
	struct path_sums sums[CVM_EXACT_SIZE_MAX + 1] = {0};
	if (n > CVM_EXACT_SIZE_MAX || m > CVM_EXACT_SIZE_MAX || n == 0 || m == 0)
		return (double)NAN;
	for (size_t j = 0; j <= m; j++) {
		sums[j].chances = ARENA_ARRAY(arena, double, path_sums_most(n, m, a, b) + 1);
		if (!sums[j].chances)
			return (double)NAN;
	}
	sums[0].chances[0] = 1;
	for (size_t i = 0; i <= n; i++) {
		for (size_t j = i > 0 ? 0 : 1; j <= m; j++) {
			size_t lead = i * b > j * a ? i * b - j * a : j * a - i * b;
			double x = (double)i / (double)(i + j), y = (double)j / (double)(i + j);
			path_sums_step(&sums[j], j > 0 ? &sums[j - 1] : NULL, x, y, lead * lead);
		}
	}
	/* T = n m / (n + m)^2 times the sum of (i/n - j/m)^2, which is lead^2 / lcm(n, m)^2. */
	double lcm = (double)(a * m), all = (double)(n + m);
	double least = statistic * all * all / ((double)(n * m)) * lcm * lcm;
	double p = 0;
	for (size_t s = sums[m].most + 1; s-- > 0 && (double)s >= least - 0.5;)
		p += sums[m].chances[s];
	return p;
}

/* ---- Anderson-Darling ---- */

/* The variance of the statistic of two samples (Scholz and Stephens 1987, equation 4). */
static double anderson_darling_variance(double n, double m)
{
	size_t all = (size_t)(n + m);
	double parts = 1 / n + 1 / m, h = 0, g = 0, sum = 0, k = 2, size = n + m;
	for (size_t i = all - 1; i >= 1; i--)
		h += 1 / (double)i;
	for (size_t i = 1; i + 1 < all; i++) {
		sum += 1 / (double)(all - i);
		g += sum / (double)(i + 1);
	}
	double a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * parts;
	double b = (2 * g - 4) * k * k + 8 * h * k + (2 * g - 14 * h - 4) * parts - 8 * h + 4 * g - 6;
	double c = (6 * h + 2 * g - 2) * k * k + (4 * h - 4 * g + 6) * k + (2 * h - 6) * parts + 4 * h;
	double d = (2 * h + 6) * k * k - 4 * h * k;
	return (a * pow(size, 3) + b * size * size + c * size + d) / ((size - 1) * (size - 2) * (size - 3));
}

double anderson_darling(const struct sorted *reference, const struct sorted *current)
{
	struct pooled pooled = {0};
	double n = (double)reference->count, m = (double)current->count, all = n + m, total = 0;
	while (pooled_next(&pooled, reference, current)) {
		double ties = (double)(pooled.reference + pooled.current);
		double below = (double)(pooled.below_reference + pooled.below_current) + ties / 2;
		double of_reference = (double)pooled.below_reference + (double)pooled.reference / 2;
		double of_current = (double)pooled.below_current + (double)pooled.current / 2;
		double weight = ties / all / (below * (all - below) - all * ties / 4);
		total += weight * (pow(all * of_reference - below * n, 2) / n + pow(all * of_current - below * m, 2) / m);
	}
	double statistic = total * (all - 1) / all;
	return (statistic - 1) / sqrt(anderson_darling_variance(n, m));
}
