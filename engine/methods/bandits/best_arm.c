/* best_arm.c: see best_arm.h. The chance of an arm is the integral of its density times the distribution functions of
 * the others, by Legendre's rule between places that follow the posteriors' widths. Rates are integrated over
 * log(p / (1 - p)), where no density has an end. */
#include "methods/bandits/best_arm.h"

#include <math.h>
#include <stdlib.h>

#include "methods/numeric/legendre.h"
#include "methods/statistics/distribution.h"
#include "methods/statistics/special.h"

#define POINTS 6	/* of the rule, in each span */
#define SPAN_SHARE 0.5	/* of the least scale: spans are no shorter */
#define SHARE_LOST 1e-9 /* of a posterior, left out at either end */
#define PLACES_EACH 50	/* a scale apart near the middle, each twice as far as the last beyond; Student's tails are long */
#define PLACES_EVEN 7	/* of each side that are a scale apart */
#define PLACES_MOST (BEST_ARM_MOST * PLACES_EACH)

/* ---- one posterior, at a place of the integral ---- */

struct posterior_span {
	double low, middle, high, scale;
};

static double log_odds(double p, double rest)
{
	return log(fmax(p, 1e-300)) - log(fmax(rest, 1e-300));
}

static struct posterior_span posterior_span(const struct arm_posterior *arm)
{
	if (arm->kind == POSTERIOR_BETA) {
		const double low = beta_quantile(SHARE_LOST, arm->alpha, arm->beta);
		const double rest = beta_quantile(SHARE_LOST, arm->beta, arm->alpha);
		return (struct posterior_span){log_odds(low, 1 - low), log(arm->alpha / arm->beta), log_odds(1 - rest, rest),
					       sqrt(1 / arm->alpha + 1 / arm->beta)};
	}
	const double away =
		arm->kind == POSTERIOR_NORMAL ? normal_critical(SHARE_LOST) : student_t_critical(SHARE_LOST, arm->freedom);
	return (struct posterior_span){arm->mean - away * arm->scale, arm->mean, arm->mean + away * arm->scale, arm->scale};
}

static double student_density(double t, double freedom)
{
	return exp(-(freedom + 1) / 2 * log1p(t * t / freedom) - log_beta(0.5, freedom / 2)) / sqrt(freedom);
}

static double posterior_density(const struct arm_posterior *arm, double place)
{
	const double t = (place - arm->mean) / arm->scale;
	switch (arm->kind) {
	case POSTERIOR_BETA:
		return beta_density_kernel(arm->alpha, arm->beta, 1 / (1 + exp(-place)), 1 / (1 + exp(place)));
	case POSTERIOR_NORMAL:
		return exp(-t * t / 2) / (sqrt(2 * M_PI) * arm->scale);
	case POSTERIOR_STUDENT:
		return student_density(t, arm->freedom) / arm->scale;
	}
	return 0;
}

static double posterior_below(const struct arm_posterior *arm, double place)
{
	switch (arm->kind) {
	case POSTERIOR_BETA:
		return incomplete_beta(arm->alpha, arm->beta, 1 / (1 + exp(-place)), 1 / (1 + exp(place))).lower;
	case POSTERIOR_NORMAL:
		return normal_cdf((place - arm->mean) / arm->scale);
	case POSTERIOR_STUDENT:
		return student_t_cdf((place - arm->mean) / arm->scale, arm->freedom);
	}
	return 0;
}

/* ---- the places between which the rule is applied ---- */

static int place_order(const void *left, const void *right)
{
	const double l = *(const double *)left, r = *(const double *)right;
	return (l > r) - (l < r);
}

static size_t places_of(const struct posterior_span *spans, size_t count, double *places)
{
	double low = -INFINITY, high = -INFINITY, least = INFINITY;
	size_t found = 0, kept = 1;
	for (size_t i = 0; i < count; i++) {
		low = fmax(low, spans[i].low); /* below it one arm is certainly better */
		high = fmax(high, spans[i].high);
		least = fmin(least, spans[i].scale);
	}
	places[found++] = low;
	for (size_t i = 0; i < count; i++) {
		double away = 0, step = spans[i].scale;
		for (size_t j = 0; j < PLACES_EACH / 2; j++) {
			for (int side = -1; side <= 1; side += 2) {
				const double place = spans[i].middle + side * away;
				if (place > low && place < high)
					places[found++] = place;
			}
			away += step;
			step *= j >= PLACES_EVEN ? 2 : 1;
		}
	}
	places[found++] = high;
	qsort(places, found, sizeof *places, place_order);
	for (size_t i = 1; i < found; i++)
		if (i == found - 1 || places[i] - places[kept - 1] >= SPAN_SHARE * least)
			places[kept++] = places[i];
	return kept;
}

/* What each arm gains at one place: its density, times the shares of all others that lie below. */
static void chances_at(const struct arm_posterior *arms, const struct posterior_span *spans, size_t count, double place,
		       double weight, double *chances)
{
	double below[BEST_ARM_MOST], before[BEST_ARM_MOST], product = 1;
	for (size_t i = 0; i < count; i++) {
		below[i] = place >= spans[i].high ? 1 : posterior_below(&arms[i], place);
		before[i] = product;
		product *= below[i];
	}
	product = weight;
	for (size_t i = count; i-- > 0;) {
		/* cppcheck-suppress uninitvar; the loop above fills in the first `count` */
		if (place < spans[i].high && before[i] * product > 0)
			chances[i] += posterior_density(&arms[i], place) * before[i] * product;
		product *= below[i]; /* cppcheck-suppress uninitvar; likewise */
	}
}

void best_arm_chances(const struct arm_posterior *arms, size_t count, double *chances)
{
	struct posterior_span spans[BEST_ARM_MOST];
	double places[PLACES_MOST + 2], points[POINTS], weights[POINTS], sum = 0;
	for (size_t i = 0; i < count; i++) {
		spans[i] = posterior_span(&arms[i]);
		chances[i] = 0;
	}
	legendre_rule(POINTS, points, weights);
	const size_t found = places_of(spans, count, places);
	for (size_t i = 0; i + 1 < found; i++) {
		const double length = places[i + 1] - places[i];
		for (size_t j = 0; j < POINTS; j++)
			chances_at(arms, spans, count, places[i] + length * points[j], length * weights[j], chances);
	}
	for (size_t i = 0; i < count; i++)
		sum += chances[i];
	for (size_t i = 0; i < count; i++)
		chances[i] = sum > 0 ? chances[i] / sum : 1 / (double)count;
}

/* ---- draws ---- */

double uniform_draw(struct random *random)
{
	return ((double)(random_next(random) >> 11) + 0.5) * 0x1p-53;
}

double normal_draw(struct random *random)
{
	const double radius = sqrt(-2 * log(uniform_draw(random)));
	return radius * cos(2 * M_PI * uniform_draw(random));
}
