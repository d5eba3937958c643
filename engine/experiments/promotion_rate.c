/* promotion_rate.c: see promotion_rate.h. */
#include "experiments/promotion_rate.h"

#include <math.h>

#include "bandits/best_arm.h"
#include "statistics/distribution.h"

#define SEED 20240607

/* One stage: times are in durations of it, from 1 to 2. */
static bool walk_promotes(struct random *chance, double step, double critical)
{
	double walk = normal_draw(chance);
	bool promotes = walk >= critical;
	for (double time = 1 + step; !promotes && time < 2 + step / 2; time += step) {
		walk += normal_draw(chance) * sqrt(step);
		promotes = walk >= critical * sqrt(time);
	}
	return promotes;
}

double promotion_rate(const struct planned_stage *stage, int64_t check_every_ms, double threshold)
{
	const double looks = (double)stage->duration_ms / (double)check_every_ms;
	const double step = stage->at_ends ? 1 : 1 / fmax(1, fmin(floor(looks), PROMOTION_LOOKS_MAX));
	const double critical = normal_critical(1 - threshold);
	struct random chance = {SEED};
	size_t promoted = 0;
	for (size_t i = 0; i < PROMOTION_RUNS; i++)
		promoted += walk_promotes(&chance, step, critical);
	return (double)promoted / PROMOTION_RUNS;
}
