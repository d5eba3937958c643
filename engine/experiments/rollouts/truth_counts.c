/* truth_counts.c: Sums of the counts of truths, and whether they can be some; see truth_tally.h. */
#include <math.h>

#include "experiments/rollouts/truth_tally.h"

struct moments truth_moments(const struct truth_counts *counts)
{
	if (counts->units == 0)
		return (struct moments){0};
	const double scale = TRUTH_SCALE, sum = (double)counts->sum / scale;
	const double squares = (double)counts->squares / scale / scale - sum * sum / (double)counts->units;
	return (struct moments){(uint64_t)counts->units, sum / (double)counts->units, fmax(squares, 0)};
}

/* What a unit counts as. */
static struct arm_unit unit_number(bool is_ratio, double sum, uint32_t requests)
{
	return is_ratio ? (struct arm_unit){sum, requests} : (struct arm_unit){sum / requests, 1};
}

void metric_counts_value(struct metric_counts *counts, bool is_ratio, double sum, uint32_t requests, double value)
{
	const struct arm_unit number = unit_number(is_ratio, sum + value, requests + 1);
	if (requests > 0)
		arm_sums_replace(&counts->units, unit_number(is_ratio, sum, requests), number);
	else
		arm_sums_add(&counts->units, number.value, number.beside);
	counts->requests++;
	counts->other_values += value != 0 && value != 1;
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
		into->metrics[i].other_values += from->metrics[i].other_values;
		arm_sums_merge(&into->metrics[i].units, &from->metrics[i].units);
	}
}

/* Of all that may ever come. */
static bool arrivals_are_sound(int64_t joined, int64_t late)
{
	return joined >= 0 && joined <= TRUTH_ARRIVALS_MAX && late >= 0 && late <= TRUTH_ARRIVALS_MAX;
}

/* No value is beyond TRUTH_VALUE_MAX, and each unit has one at least. */
static bool units_are_sound(const struct arm_sums *units)
{
	return units->count == 0 ||
	       (units->beside_mean > 0 && isfinite(units->beside_mean) && units->beside_squares >= 0 &&
		isfinite(units->beside_squares) && fabs(units->mean) <= TRUTH_VALUE_MAX * fmax(units->beside_mean, 1) &&
		units->squares >= 0 && isfinite(units->squares) && isfinite(units->products));
}

static bool metric_rose(const struct metric_counts *before, const struct metric_counts *now)
{
	const struct arm_sums *units = &now->units;
	return units->count >= before->units.count && units->count <= TRUTH_COUNT_MAX && now->requests >= before->requests &&
	       now->requests >= (int64_t)units->count && units_are_sound(units) && now->other_values >= 0 &&
	       now->other_values <= now->requests && arrivals_are_sound(now->joined, now->late);
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
