/* linear_carry.c: see linear_carry.h. */
#include "methods/drift/change/linear_carry.h"

#include <stdlib.h>

#include "methods/numeric/moments.h"
#include "methods/numeric/ranks.h"

/* How many of the reference are below the number, or at most it. */
static size_t rank_count(const struct sorted *reference, double number, bool with_equal)
{
	const double *values = reference->values;
	size_t low = 0, left = reference->count;
	while (left > 0) {
		size_t half = left / 2;
		bool below = with_equal ? values[low + half] <= number : values[low + half] < number;
		low = below ? low + half + 1 : low;
		left = below ? left - half - 1 : half;
	}
	return low;
}

double rank_share(const struct sorted *reference, double number)
{
	size_t below = rank_count(reference, number, false), most = below;
	if (below < reference->count && reference->values[below] == number)
		most++;
	if (most > below && most < reference->count && reference->values[most] == number)
		most = rank_count(reference, number, true);
	return ((double)(below + most) + 1) / (double)(2 * reference->count + 2);
}

bool rank_has(const struct sorted *reference, double number)
{
	const size_t below = rank_count(reference, number, false);
	return below < reference->count && reference->values[below] == number;
}

bool rank_normal_open(struct rank_normal *table, size_t count, struct arena *arena)
{
	double *numbers = ARENA_ARRAY(arena, double, 2 * count + 1);
	for (size_t k = 0; numbers && k < 2 * count + 1; k++)
		numbers[k] = normal_quantile((double)(k + 1) / (double)(2 * count + 2));
	*table = (struct rank_normal){count, numbers};
	return numbers != NULL;
}

#define CLEARLY 2.5 /* standard errors by which numbers foretell better */
#define CARRY_MAX 0.97
#define UNSURE_MOST 0.5 /* of the middle of absolute rests */

struct weighted {
	double value, weight;
};

static int value_compare(const void *left, const void *right)
{
	const double a = ((const struct weighted *)left)->value, b = ((const struct weighted *)right)->value;
	return (a > b) - (a < b);
}

static double weighted_quantile(const struct weighted *ratios, size_t count, double weight)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++) {
		sum += ratios[i].weight;
		if (sum >= weight)
			return ratios[i].value;
	}
	return 0;
}

/* The factor with the least sum of absolute rests: the middle of all ratios, each with the weight of what is divided by. It is
 * unsure by what one standard deviation of the weights below it moves it. */
static void least_deviations(const struct linear_carry_fit *fit, struct weighted *ratios, struct linear_carry *linear)
{
	size_t count = 0;
	double all = 0, squares = 0;
	for (size_t i = 1; i < fit->count; i++) {
		const double before = fit->numbers[i - 1] - linear->origin;
		if (before == 0)
			continue;
		ratios[count++] = (struct weighted){(fit->numbers[i] - linear->origin) / before, fabs(before)};
		all += fabs(before);
		squares += before * before;
	}
	qsort(ratios, count, sizeof *ratios, value_compare);
	const double apart = sqrt(squares) / 2;
	linear->carry = weighted_quantile(ratios, count, all / 2);
	const double unsure =
		(weighted_quantile(ratios, count, all / 2 + apart) - weighted_quantile(ratios, count, all / 2 - apart)) / 2;
	linear->reach = (double)INFINITY;
	for (size_t i = 1; i < fit->count; i++)
		ratios[i - 1] = (struct weighted){fabs(linear_carry_rest(linear, fit->numbers[i], fit->numbers[i - 1])), 1};
	qsort(ratios, fit->count - 1, sizeof *ratios, value_compare);
	linear->reach = UNSURE_MOST * ratios[fit->count / 2].value / unsure;
}

static double level_of(const struct linear_carry_fit *fit, double number)
{
	return rank_normal_of(fit->normal, rank_share(fit->sorted, number));
}

/* By how many standard errors the normal scores of numbers are nearer to what the number before foretells than to what its rank
 * does. */
static double foretold_better(const struct linear_carry_fit *fit, const struct linear_carry *linear)
{
	struct moments nearer = {0};
	for (size_t i = 1; i < fit->count; i++) {
		const double level = level_of(fit, fit->numbers[i]), before = fit->numbers[i - 1];
		const double by_rank = fit->carry * level_of(fit, before);
		const double by_number = level_of(fit, linear->origin + linear->carry * (before - linear->origin));
		moments_add(&nearer, fabs(level - by_rank) - fabs(level - by_number));
	}
	return nearer.mean / sqrt(moments_variance(&nearer, 1) / (double)(fit->count - 1));
}

bool linear_carry_fit(const struct linear_carry_fit *fit, struct linear_carry *linear, struct arena *arena)
{
	struct weighted *ratios = ARENA_ARRAY(arena, struct weighted, fit->count);
	if (!ratios)
		return false;
	linear->origin = fit->sorted->values[fit->count / 2];
	least_deviations(fit, ratios, linear);
	if (!(fabs(linear->carry) < CARRY_MAX && foretold_better(fit, linear) > CLEARLY))
		linear->carry = 0;
	return true;
}
