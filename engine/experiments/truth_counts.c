/* truth_counts.c: Sums of the counts of truths, and whether they can be some; see truth_tally.h. */
#include <math.h>

#include "experiments/truth_tally.h"

struct moments truth_moments(const struct truth_counts *counts)
{
	if (counts->units == 0)
		return (struct moments){0};
	const double scale = TRUTH_SCALE, sum = (double)counts->sum / scale;
	const double squares = (double)counts->squares / scale / scale - sum * sum / (double)counts->units;
	return (struct moments){(uint64_t)counts->units, sum / (double)counts->units, fmax(squares, 0)};
}

void truth_counts_add(struct truth_counts *into, const struct truth_counts *from)
{
	into->units += from->units;
	into->sum += from->sum;
	into->squares += from->squares;
	into->requests += from->requests;
	into->joined += from->joined;
	into->late += from->late;
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++) {
		into->metrics[i].requests += from->metrics[i].requests;
		into->metrics[i].joined += from->metrics[i].joined;
		into->metrics[i].late += from->metrics[i].late;
		if (from->metrics[i].units.count > 0)
			moments_merge(&into->metrics[i].units, &from->metrics[i].units);
	}
}

/* Of all that may ever come. */
static bool arrivals_are_sound(int64_t joined, int64_t late)
{
	return joined >= 0 && joined <= TRUTH_ARRIVALS_MAX && late >= 0 && late <= TRUTH_ARRIVALS_MAX;
}

static bool metric_rose(const struct metric_counts *before, const struct metric_counts *now)
{
	const struct moments *units = &now->units;
	return units->count >= before->units.count && units->count <= TRUTH_COUNT_MAX && now->requests >= before->requests &&
	       now->requests >= (int64_t)units->count && fabs(units->mean) <= TRUTH_VALUE_MAX && units->squares >= 0 &&
	       isfinite(units->squares) && arrivals_are_sound(now->joined, now->late);
}

bool truth_counts_rose(const struct truth_counts *before, const struct truth_counts *now)
{
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		if (!metric_rose(&before->metrics[i], &now->metrics[i]))
			return false;
	return now->units >= before->units && now->units <= TRUTH_COUNT_MAX && now->requests >= before->requests &&
	       now->requests >= now->units && now->sum >= 0 && now->sum <= now->units * TRUTH_SCALE && now->squares >= 0 &&
	       now->squares <= now->sum * TRUTH_SCALE && arrivals_are_sound(now->joined, now->late);
}
