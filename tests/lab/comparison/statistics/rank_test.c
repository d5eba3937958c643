/* rank_test.c: see rank_test.h. */
#include "comparison/statistics/rank_test.h"

#include <math.h>
#include <stdlib.h>

#include "methods/statistics/distribution.h"

struct ranked_unit {
	double value;
	bool treatment;
};

static int ranked_order(const void *one, const void *other)
{
	const double a = ((const struct ranked_unit *)one)->value, b = ((const struct ranked_unit *)other)->value;
	return (a > b) - (a < b);
}

/* The sum of the treatment's ranks; `ties` gets the sum of t^3 - t over groups of equal values. */
static double rank_sum(const struct ranked_unit *all, size_t count, double *ties)
{
	double sum = 0;
	*ties = 0;
	for (size_t first = 0, next; first < count; first = next) {
		size_t ours = 0;
		for (next = first; next < count && all[next].value == all[first].value; next++)
			ours += all[next].treatment;
		const double size = (double)(next - first);
		sum += (double)ours * ((double)first + (size + 1) / 2);
		*ties += size * size * size - size;
	}
	return sum;
}

/* The chance of U or more, counted: the generating function is a quotient of products of (1 - q^i). */
static double share_at_least(double u, size_t m, size_t n, struct arena *arena)
{
	const size_t most = m * n;
	double *ways = ARENA_ARRAY(arena, double, most + 1);
	if (!ways)
		return NAN;
	ways[0] = 1;
	for (size_t i = 1; i <= m; i++) {
		for (size_t value = most; value >= n + i; value--)
			ways[value] -= ways[value - n - i];
		for (size_t value = i; value <= most; value++)
			ways[value] += ways[value - i];
	}
	double all = 0, above = 0;
	for (size_t value = 0; value <= most; value++) {
		all += ways[value];
		above += (double)value >= u ? ways[value] : 0;
	}
	return above / all;
}

static bool ranked_fill(struct ranked_unit *all, const double *values, size_t count, bool treatment)
{
	for (size_t i = 0; i < count; i++) {
		if (isnan(values[i]))
			return false;
		all[i] = (struct ranked_unit){values[i], treatment};
	}
	return count > 0;
}

bool rank_test(const double *control, size_t control_count, const double *treatment, size_t treatment_count, struct arena *arena,
	       struct rank_test *test)
{
	const size_t count = control_count + treatment_count;
	struct ranked_unit *all = ARENA_ARRAY(arena, struct ranked_unit, count);
	if (!all || !ranked_fill(all, control, control_count, false) ||
	    !ranked_fill(all + control_count, treatment, treatment_count, true))
		return false;
	qsort(all, count, sizeof(*all), ranked_order);
	const double m = (double)treatment_count, n = (double)control_count, whole = m + n;
	double ties;
	test->u = rank_sum(all, count, &ties) - m * (m + 1) / 2;
	test->area = test->u / (m * n);
	const double larger = fmax(test->u, m * n - test->u), away = larger - m * n / 2;
	const double deviation = sqrt(m * n / 12 * (whole + 1 - ties / (whole * (whole - 1))));
	test->p = deviation > 0 ? fmin(1, 2 * normal_sf((away - 0.5) / deviation)) : NAN;
	test->p_not_continuous = deviation > 0 ? fmin(1, 2 * normal_sf(away / deviation)) : NAN;
	test->p_exact = NAN;
	if (ties == 0 && control_count <= RANK_TEST_EXACT_MOST && treatment_count <= RANK_TEST_EXACT_MOST)
		test->p_exact = fmin(1, 2 * share_at_least(larger, treatment_count, control_count, arena));
	return !arena_failed(arena);
}
