/* rank_score.c: Scores by rank in a reference; see rank_score.h. */
#include "methods/drift/change/rank_score.h"

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
