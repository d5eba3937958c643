/* rate_sequence.c: see rate_sequence.h. */
#include "methods/statistics/rate_sequence.h"

#include "methods/statistics/special.h"

#define ROUNDS_MOST 200 /* bisection ends earlier, when no number is left between both ends */

/* count x log(p), where 0 x log(0) is 0. */
static double log_power(double count, double p)
{
	if (!(count > 0))
		return 0;
	return p > 0 ? count * log(p) : -INFINITY;
}

double rate_sequence_log_ratio(struct rate rate, double p)
{
	const double others = rate.trials - rate.successes;
	const double misses = others > 0 && p < 1 ? others * log1p(-p) : others > 0 ? -INFINITY : 0;
	return log_beta(rate.successes + 0.5, others + 0.5) - log_beta(0.5, 0.5) - log_power(rate.successes, p) - misses;
}

/* Between a rate inside of the sequence and one outside of it, or at its end. */
static double sequence_end(struct rate rate, double inside, double outside, double most)
{
	if (rate_sequence_log_ratio(rate, outside) < most)
		return outside;
	for (int i = 0; i < ROUNDS_MOST; i++) {
		const double middle = (inside + outside) / 2;
		if (middle == inside || middle == outside)
			break;
		if (rate_sequence_log_ratio(rate, middle) < most)
			inside = middle;
		else
			outside = middle;
	}
	return outside;
}

struct interval rate_sequence(struct rate rate, double alpha)
{
	if (!(rate.trials > 0))
		return (struct interval){0, 1};
	const double inside = rate.successes / rate.trials, most = -log(alpha);
	return (struct interval){sequence_end(rate, inside, 0, most), sequence_end(rate, inside, 1, most)};
}

void rate_watch_look(struct rate_watch *watch, struct rate since, double limit)
{
	const double raised = fmin(2 * limit, (1 + limit) / 2);
	const double others = since.trials - since.successes;
	watch->level = fmax(watch->level, 0) + since.successes * log(raised / limit) + others * log((1 - raised) / (1 - limit));
}

double rate_watch_alarm(double looks, double alpha)
{
	return log(looks / alpha);
}
