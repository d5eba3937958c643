/* trailing_moments.c: Sums and spread of a window; see trailing.h. */
#include <assert.h>
#include <math.h>

#include "methods/numeric/trailing_parts.h"

/* Once the spread is so small a part of what it was, most of its digits are those of
 * values that have left. */
#define SPREAD_WORN 1e-6

/* What overflows is worked out of the values once more, made so much smaller: then 32768
 * squares of any of them have room, and what this takes from a small value's digits is
 * nothing beside one whose square has none. */
#define SMALLER 0x1p-540

void trailing_moments_add(struct trailing_parts *parts, double value, uint32_t count)
{
	struct trailing_spread *spread = parts->spread;
	if (parts->sum)
		sum_add(parts->sum, value);
	if (!spread)
		return;
	if (count == 1)
		*spread = (struct trailing_spread){.origin = value};
	double distance = value - spread->origin, before = distance - spread->mean;
	spread->mean += before / count;
	spread->squares += before * (distance - spread->mean);
	if (spread->squares > spread->peak)
		spread->peak = spread->squares;
}

void trailing_moments_take(struct trailing_parts *parts, double value, uint32_t count)
{
	struct trailing_spread *spread = parts->spread;
	if (parts->sum && count)
		sum_add(parts->sum, -value);
	else if (parts->sum)
		*parts->sum = (struct sum){0};
	if (!spread)
		return;
	if (!count) {
		*spread = (struct trailing_spread){0};
		return;
	}
	double distance = value - spread->origin, before = distance - spread->mean;
	spread->mean -= before / count;
	spread->squares -= before * (distance - spread->mean);
}

/* The sum of all finite values, made smaller. */
static double sum_smaller(const struct trailing_parts *parts)
{
	struct sum sum = {0};
	for (uint32_t age = 0; age < parts->head->count; age++) {
		double value = parts->values[trailing_place(parts, age)];
		if (isfinite(value))
			sum_add(&sum, value * SMALLER);
	}
	return sum_value(&sum);
}

static double squares_smaller(const struct trailing_parts *parts)
{
	const double mean = parts->spread->origin * SMALLER;
	double squares = 0;
	for (uint32_t age = 0; age < parts->head->count; age++) {
		double distance = parts->values[trailing_place(parts, age)] * SMALLER - mean;
		if (isfinite(distance))
			squares += distance * distance;
	}
	return squares;
}

/* The usual two passes. Values that are all the same have exactly no spread. Squares that
 * overflow are infinite, and `origin` is then the mean. */
static void spread_anew(struct trailing_parts *parts)
{
	const uint32_t count = (uint32_t)parts->head->values - parts->head->infinite;
	struct trailing_spread *spread = parts->spread;
	double sum = 0, least = INFINITY, greatest = -INFINITY;
	for (uint32_t age = 0; age < parts->head->count; age++) {
		double value = parts->values[trailing_place(parts, age)];
		if (!isfinite(value))
			continue;
		sum += value;
		least = fmin(least, value);
		greatest = fmax(greatest, value);
	}
	*spread = (struct trailing_spread){0};
	if (!count)
		return;
	spread->origin = least == greatest ? least : isfinite(sum) ? sum / count : sum_smaller(parts) / count / SMALLER;
	double distances = 0, squares = 0;
	for (uint32_t age = 0; age < parts->head->count; age++) {
		double value = parts->values[trailing_place(parts, age)];
		if (!isfinite(value))
			continue;
		distances += value - spread->origin;
		squares += (value - spread->origin) * (value - spread->origin);
	}
	double spare = distances * (distances / count);
	bool overflows = !isfinite(squares) || !isfinite(spare);
	spread->mean = overflows ? 0 : distances / count;
	spread->squares = spread->peak = overflows ? INFINITY : fmax(squares - spare, 0);
}

void trailing_moments_anew(struct trailing_parts *parts)
{
	parts->head->since = 0;
	if (parts->sum) {
		*parts->sum = (struct sum){0};
		for (uint32_t age = 0; age < parts->head->count; age++) {
			double value = parts->values[trailing_place(parts, age)];
			if (isfinite(value))
				sum_add(parts->sum, value);
		}
	}
	if (parts->spread)
		spread_anew(parts);
}

/* With infinite values among them a sum is what IEEE says. */
static double infinite_sum(const struct trailing_parts *parts)
{
	double sum = 0;
	for (uint32_t age = 0; age < parts->head->count; age++) {
		double value = parts->values[trailing_place(parts, age)];
		if (isinf(value))
			sum += value;
	}
	return sum;
}

static bool sum_overflows(const struct trailing_parts *parts)
{
	assert(parts->sum); /* who asks for it has it tracked */
	return !parts->head->infinite && !isfinite(parts->sum->total);
}

static double sum_of(const struct trailing_parts *parts)
{
	return parts->head->infinite ? infinite_sum(parts) : sum_value(parts->sum);
}

double trailing_sum(const struct trailing *form, const void *window, uint32_t capacity)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	return sum_overflows(&parts) ? sum_smaller(&parts) / SMALLER : sum_of(&parts);
}

double trailing_mean(const struct trailing *form, const void *window, uint32_t capacity)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	uint32_t count = parts.head->values;
	if (!count)
		return NAN;
	return sum_overflows(&parts) ? sum_smaller(&parts) / count / SMALLER : sum_of(&parts) / count;
}

/* Whether there is something to measure: values, none of them infinite. */
static bool spread_is_known(const struct trailing_parts *parts)
{
	assert(parts->spread); /* who asks for a spread has asked for a window that has it */
	return parts->head->values && !parts->head->infinite;
}

double trailing_squares(const struct trailing *form, const void *window, uint32_t capacity, double *mean)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	bool known = spread_is_known(&parts);
	*mean = known ? parts.spread->origin + parts.spread->mean : NAN;
	return known ? fmax(parts.spread->squares, 0) : NAN;
}

double trailing_deviation(const struct trailing *form, const void *window, uint32_t capacity, unsigned freedom)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	if (!spread_is_known(&parts) || parts.head->values <= freedom)
		return NAN;
	const uint32_t count = parts.head->values - freedom;
	if (isinf(parts.spread->squares))
		return sqrt(squares_smaller(&parts) / count) / SMALLER;
	return sqrt(fmax(parts.spread->squares, 0) / count);
}

double trailing_above_mean(const struct trailing *form, const void *window, uint32_t capacity, double value)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	return spread_is_known(&parts) ? value - parts.spread->origin - parts.spread->mean : NAN;
}

bool trailing_moments_worn(const struct trailing_parts *parts)
{
	const struct trailing_spread *spread = parts->spread;
	return (parts->sum && !isfinite(parts->sum->total)) ||
	       (spread && (!isfinite(spread->squares) || spread->squares < spread->peak * SPREAD_WORN));
}
