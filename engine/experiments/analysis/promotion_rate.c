/* promotion_rate.c: see promotion_rate.h. */
#include "experiments/analysis/promotion_rate.h"

#include <math.h>

#include "methods/statistics/distribution.h"

#define SEED 20240607

/* One stage: it is judged when its duration is over, and `looks` times in the extension, which is as long. */
static bool walk_promotes(struct random *chance, unsigned looks, double critical)
{
	const double step = 1.0 / looks; /* in durations */
	double walk = normal_draw(chance);
	bool promotes = walk >= critical;
	for (unsigned i = 1; !promotes && i <= looks; i++) {
		walk += normal_draw(chance) * sqrt(step);
		promotes = walk >= critical * sqrt(1 + i * step);
	}
	return promotes;
}

double promotion_rate(const struct planned_stage *stage, int64_t check_every_ms, double threshold)
{
	const int64_t all = stage->at_ends ? 1 : stage->duration_ms / check_every_ms;
	const unsigned looks = all < 1 ? 1 : all < PROMOTION_LOOKS_MAX ? (unsigned)all : PROMOTION_LOOKS_MAX;
	const double critical = normal_critical(1 - threshold);
	struct random chance = {SEED};
	size_t promoted = 0;
	for (size_t i = 0; i < PROMOTION_RUNS; i++)
		promoted += walk_promotes(&chance, looks, critical);
	return (double)promoted / PROMOTION_RUNS;
}
