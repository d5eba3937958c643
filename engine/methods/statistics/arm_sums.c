/* arm_sums.c: see arm_sums.h. */
#include "methods/statistics/arm_sums.h"

#include <assert.h>
#include <math.h>

#define BESIDE_SQUARES_LEAST 1e-200 /* of a covariate; smaller ones have lost digits */

void arm_sums_add(struct arm_sums *sums, double value, double beside)
{
	const double away = value - sums->mean, beside_away = beside - sums->beside_mean;
	const double count = (double)++sums->count;
	sums->mean += away / count;
	sums->beside_mean += beside_away / count;
	sums->squares += away * (value - sums->mean);
	sums->beside_squares += beside_away * (beside - sums->beside_mean);
	sums->products += away * (beside - sums->beside_mean);
}

void arm_sums_replace(struct arm_sums *sums, struct arm_unit former, struct arm_unit unit)
{
	assert(sums->count > 0);
	const double from = sums->mean, beside_from = sums->beside_mean, count = (double)sums->count;
	const double step = unit.value - former.value, beside_step = unit.beside - former.beside;
	sums->mean += step / count;
	sums->beside_mean += beside_step / count;
	sums->squares = fmax(0, sums->squares + step * (unit.value - sums->mean + former.value - from));
	sums->beside_squares =
		fmax(0, sums->beside_squares + beside_step * (unit.beside - sums->beside_mean + former.beside - beside_from));
	sums->products += beside_step * (unit.value - sums->mean) + step * (former.beside - beside_from);
}

/* Chan, Golub and LeVeque. */
void arm_sums_merge(struct arm_sums *into, const struct arm_sums *from)
{
	if (from->count == 0)
		return;
	const double before = (double)into->count, share = (double)from->count / (before + (double)from->count);
	const double away = from->mean - into->mean, beside_away = from->beside_mean - into->beside_mean;
	into->squares += from->squares + away * away * before * share;
	into->beside_squares += from->beside_squares + beside_away * beside_away * before * share;
	into->products += from->products + away * beside_away * before * share;
	into->mean += away * share;
	into->beside_mean += beside_away * share;
	into->count += from->count;
}

struct moments arm_sums_values(const struct arm_sums *sums)
{
	return (struct moments){sums->count, sums->mean, sums->squares};
}

/* Of value - slope x (beside - middle). */
static struct moments arm_sums_adjusted(const struct arm_sums *sums, double slope, double middle)
{
	if (slope == 0) /* what is beside may be infinite */
		return arm_sums_values(sums);
	const double squares = sums->squares - 2 * slope * sums->products + slope * (slope * sums->beside_squares);
	return (struct moments){sums->count, sums->mean - slope * (sums->beside_mean - middle), fmax(0, squares)};
}

double arm_sums_ratio(const struct arm_sums *sums)
{
	return sums->beside_mean != 0 ? sums->mean / sums->beside_mean : NAN;
}

struct moments arm_sums_linearised(const struct arm_sums *sums, double ratio)
{
	return arm_sums_adjusted(sums, ratio, 0);
}

struct moments arm_sums_ratio_moments(const struct arm_sums *sums)
{
	if (!(sums->beside_mean > 0))
		return (struct moments){0};
	const double ratio = arm_sums_ratio(sums);
	const struct moments terms = arm_sums_linearised(sums, ratio);
	return (struct moments){sums->count, ratio, terms.squares / (sums->beside_mean * sums->beside_mean)};
}

/* The slope of values by the covariate, of all arms; 0: the covariate does not vary, or its squares vanish or are infinite. */
static double cuped_theta(const struct arm_sums *all)
{
	const double theta = all->products / all->beside_squares;
	return all->beside_squares > BESIDE_SQUARES_LEAST && isfinite(theta) ? theta : 0;
}

struct cuped cuped_adjust(const struct arm_sums *control, const struct arm_sums *treatment)
{
	struct arm_sums all = *control;
	arm_sums_merge(&all, treatment);
	const double theta = cuped_theta(&all);
	const double explained = all.squares > 0 ? theta * all.products / all.squares : 0;
	return (struct cuped){
		.theta = theta,
		.middle = all.beside_mean,
		.reduction = explained,
		.control = arm_sums_adjusted(control, theta, all.beside_mean),
		.treatment = arm_sums_adjusted(treatment, theta, all.beside_mean),
	};
}

static struct arm_sums cuped_fill(const struct cuped_sums *sums, double mean)
{
	struct arm_sums all = sums->known, lacking = sums->lacking;
	lacking.beside_mean = mean;
	arm_sums_merge(&all, &lacking);
	return all;
}

struct cuped cuped_adjust_filled(const struct cuped_sums *control, const struct cuped_sums *treatment)
{
	struct arm_sums known = control->known;
	arm_sums_merge(&known, &treatment->known);
	const struct arm_sums filled[] = {cuped_fill(control, known.beside_mean), cuped_fill(treatment, known.beside_mean)};
	return cuped_adjust(&filled[0], &filled[1]);
}

struct moments cuped_adjust_arm(const struct cuped_sums *arms, size_t count, size_t arm)
{
	struct arm_sums known = {0}, all = {0};
	assert(arm < count);
	for (size_t i = 0; i < count; i++)
		arm_sums_merge(&known, &arms[i].known);
	for (size_t i = 0; i < count; i++) {
		const struct arm_sums filled = cuped_fill(&arms[i], known.beside_mean);
		arm_sums_merge(&all, &filled);
	}
	const struct arm_sums filled = cuped_fill(&arms[arm], known.beside_mean);
	return arm_sums_adjusted(&filled, cuped_theta(&all), all.beside_mean);
}
