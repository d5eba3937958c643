/* kolmogorov_smirnov.c: The two-sample Kolmogorov-Smirnov test; see kolmogorov_smirnov.h. */
#include "comparison/drift/kolmogorov_smirnov.h"

#include <math.h>

#include "methods/statistics/distribution.h"

/* ---- distance ---- */

struct ks_distance ks_distance_of(const struct sorted *reference, const struct sorted *current)
{
	struct ks_distance distance = {0};
	double n = (double)reference->count, m = (double)current->count;
	size_t i = 0, j = 0;
	while (i < reference->count && j < current->count) {
		double value = fmin(reference->values[i], current->values[j]);
		while (i < reference->count && reference->values[i] <= value)
			i++;
		while (j < current->count && current->values[j] <= value)
			j++;
		double difference = (double)i / n - (double)j / m;
		distance.greater = fmax(distance.greater, difference);
		distance.less = fmax(distance.less, -difference);
	}
	distance.two_sided = fmax(distance.greater, distance.less);
	return distance;
}

double ks_p_limit(double distance, size_t reference, size_t current)
{
	double n = (double)reference, m = (double)current;
	return kolmogorov_sf(sqrt(n * m / (n + m)) * distance);
}

/* ---- exact two-sample law ---- */

/* Whether the path's point is as far from the diagonal as the distance that was seen. Distances are multiples of
 * 1/(n m): the seen one is rounded to its multiple by the caller. */
static bool ks_point_reaches(double i, double j, double n, double m, double reach, bool two_sided)
{
	double lead = i * m - j * n;
	return (two_sided ? fabs(lead) : lead) >= reach;
}

/* Hodges' (1958) recursion with chances instead of counts: from (i, j) a path goes on by what is left of either
 * sample, so nothing overflows. `reached[j]` is the chance that a path to (i, j) has met the border. */
double ks_p_exact(double distance, size_t reference, size_t current, bool two_sided, struct arena *arena)
{
	double n = (double)reference, m = (double)current, reach = round(distance * n * m);
	double *reached = ARENA_ARRAY(arena, double, current + 1);
	if (!reached || reference > KS_EXACT_SIZE_MAX || current > KS_EXACT_SIZE_MAX)
		return (double)NAN;
	if (reach <= 0)
		return 1;
	for (size_t i = 0; i <= reference; i++) {
		for (size_t j = 0; j <= current; j++) {
			double x = (double)i, y = (double)j;
			if (ks_point_reaches(x, y, n, m, reach, two_sided)) {
				reached[j] = 1;
				continue;
			}
			double before = j > 0 ? reached[j - 1] : 0, above = i > 0 ? reached[j] : 0;
			reached[j] = i + j == 0 ? 0 : (above * x + before * y) / (x + y);
		}
	}
	return reached[current];
}

/* ---- one-sample law ---- */

/* Smirnov's chance that the distance to one side is at least `x`, for 0 < x < 1 (Birnbaum and Tingey 1951). */
static double ks_one_sided_sf(double x, size_t count)
{
	double n = (double)count, total = 0, choices = lgamma(n + 1);
	for (size_t j = 0; (double)j <= n * (1 - x); j++) {
		double k = (double)j, inside = x + k / n, outside = 1 - inside;
		double ways = choices - lgamma(k + 1) - lgamma(n - k + 1);
		if (outside > 0)
			total += exp(ways + (k - 1) * log(inside) + (n - k) * log(outside));
		else if (j == count)
			total += exp(ways + (k - 1) * log(inside));
	}
	return fmin(1, total * x);
}

/* A square matrix times 2^(exponent). */
struct ks_matrix {
	double *items;
	int exponent;
};

static void ks_matrix_multiply(const struct ks_matrix *a, const struct ks_matrix *b, struct ks_matrix *product, size_t size)
{
	memset(product->items, 0, size * size * sizeof *product->items);
	for (size_t i = 0; i < size; i++) {
		for (size_t k = 0; k < size; k++) {
			double factor = a->items[i * size + k];
			for (size_t j = 0; factor != 0 && j < size; j++)
				product->items[i * size + j] += factor * b->items[k * size + j];
		}
	}
	product->exponent = a->exponent + b->exponent;
	double middle = product->items[size / 2 * size + size / 2];
	if (middle > 0x1p+300 || (middle > 0 && middle < 0x1p-300)) {
		int shift = -ilogb(middle);
		for (size_t i = 0; i < size * size; i++)
			product->items[i] = ldexp(product->items[i], shift);
		product->exponent -= shift;
	}
}

/* The matrix H of Marsaglia, Tsang and Wang (2003): n x = k - h, of size 2 k - 1. */
static void ks_durbin_matrix(double *items, size_t size, double h)
{
	double power = 1, factorial = 1;
	for (size_t i = 0; i < size; i++)
		for (size_t j = 0; j < size; j++)
			items[i * size + j] = i + 1 >= j ? 1 / tgamma((double)(i + 2 - j)) : 0;
	for (size_t i = 0; i < size; i++) {
		power *= h;
		factorial *= (double)(i + 1);
		double edge = (1 - power) / factorial;
		items[i * size] = edge;
		items[(size - 1) * size + size - 1 - i] = edge;
	}
	double corner = 1 - 2 * power + (h > 0.5 ? pow(2 * h - 1, (double)size) : 0);
	items[(size - 1) * size] = corner / factorial;
}

/* The chance of a distance below `x`: n!/n^n times the middle of H^n. */
static double ks_durbin_cdf(double x, size_t count, struct arena *arena)
{
	double n = (double)count, k = ceil(n * x);
	size_t size = 2 * (size_t)k - 1;
	struct ks_matrix base = {ARENA_ARRAY(arena, double, size * size), 0}, power = {ARENA_ARRAY(arena, double, size * size), 0},
			 spare = {ARENA_ARRAY(arena, double, size * size), 0}, swap;
	if (!base.items || !power.items || !spare.items)
		return (double)NAN;
	ks_durbin_matrix(base.items, size, k - n * x);
	for (size_t i = 0; i < size; i++)
		power.items[i * size + i] = 1;
	for (size_t left = count; left > 0; left /= 2) {
		if (left % 2) {
			ks_matrix_multiply(&power, &base, &spare, size);
			swap = power, power = spare, spare = swap;
		}
		ks_matrix_multiply(&base, &base, &spare, size);
		swap = base, base = spare, spare = swap;
	}
	double middle = power.items[(size / 2) * size + size / 2];
	return exp(log(middle) + power.exponent * log(2) + lgamma(n + 1) - n * log(n));
}

/* The terms of Pelz and Good (1976) for the chance of a distance below z / sqrt(n), by powers of 1 / sqrt(n). */
static double ks_pelz_good_cdf(double z, double n)
{
	const double pi2 = pow(acos(-1), 2), z2 = z * z, z4 = z2 * z2, z6 = z2 * z4;
	const double scale = sqrt(2 * sqrt(pi2));
	const int most = (int)ceil(16 * z / sqrt(pi2));
	double odd[4] = {0}, all[2] = {0};
	for (int i = 1; i <= most; i++) {
		const double k = i, m2 = pow(2 * k - 1, 2), weight = exp(-pi2 * m2 / (8 * z2)),
			     even = k * k * exp(-pi2 * k * k / (2 * z2));
		odd[0] += weight;
		odd[1] += weight * (m2 * pi2 / 4 - z2);
		odd[2] += weight * (6 * z6 + 2 * z4 + m2 * pi2 * (2 * z4 - 5 * z2) / 4 + m2 * m2 * pi2 * pi2 * (1 - 2 * z2) / 16);
		odd[3] += weight *
			  (m2 * m2 * m2 * pi2 * pi2 * pi2 * (5 - 30 * z2) / 64 + m2 * m2 * pi2 * pi2 * (212 * z4 - 60 * z2) / 16 +
			   m2 * pi2 * (135 * z4 - 96 * z6) / 4 - 30 * z6 - 90 * z4 * z4);
		all[0] += even;
		all[1] += even * (3 * z2 - pi2 * k * k);
	}
	return scale * (odd[0] / z + odd[1] / (6 * z4 * sqrt(n)) + (odd[2] / (72 * z6 * z) - pi2 * all[0] / (36 * z2 * z)) / n +
			(odd[3] / (6480 * z4 * z6) + pi2 * all[1] / (216 * z6)) / (n * sqrt(n)));
}

/* Where both one-sided chances are so small that their common part is below the last digits asked for. */
#define APART_SMALL 4.0 /* n x^2, of at most KS_LAW_EXACT_MAX values */
#define APART 2.2
#define EXACT_BODY 1.4	      /* n x^1.5, below which the law of more values is computed exactly, too (Simard and L'Ecuyer 2011) */
#define EXACT_BODY_MAX 100000 /* values of which it is */

double ks_one_sample_sf(double distance, size_t count, struct arena *arena)
{
	double n = (double)count;
	if (count == 0 || isnan(distance))
		return (double)NAN;
	if (distance >= 1)
		return 0;
	if (n * distance <= 0.5)
		return 1;
	double spread = n * distance * distance;
	if (distance >= 0.5 || spread >= (count <= KS_LAW_EXACT_MAX ? APART_SMALL : APART))
		return fmin(1, 2 * ks_one_sided_sf(distance, count));
	const bool exact = count <= KS_LAW_EXACT_MAX || (count <= EXACT_BODY_MAX && n * pow(distance, 1.5) <= EXACT_BODY);
	const double cdf = exact ? ks_durbin_cdf(distance, count, arena) : ks_pelz_good_cdf(sqrt(spread), n);
	return isnan(cdf) ? cdf : fmin(1, fmax(0, 1 - cdf));
}

double ks_p_effective(double distance, size_t reference, size_t current, struct arena *arena)
{
	double n = (double)reference, m = (double)current;
	return ks_one_sample_sf(distance, (size_t)rint(n * m / (n + m)), arena);
}
