/* trailing_moments.c: the sums and the spread of a window; see trailing.h. */
#include <assert.h>
#include <math.h>

#include "numeric/trailing_parts.h"

/* Once the spread is so small a part of what it was, most of its digits are those of
 * values that have left. */
#define SPREAD_WORN 1e-6

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

/* The usual two passes. Values that are all the same have exactly no spread. */
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
	spread->origin = least == greatest || !isfinite(sum) ? least : sum / count;
	double distances = 0, squares = 0;
	for (uint32_t age = 0; age < parts->head->count; age++) {
		double value = parts->values[trailing_place(parts, age)];
		if (!isfinite(value))
			continue;
		distances += value - spread->origin;
		squares += (value - spread->origin) * (value - spread->origin);
	}
	spread->mean = distances / count;
	spread->squares = spread->peak = fmax(squares - distances * spread->mean, 0);
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

double trailing_sum(const struct trailing *form, const void *window, uint32_t capacity)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	return parts.head->infinite ? infinite_sum(&parts) : sum_value(parts.sum);
}

double trailing_mean(const struct trailing *form, const void *window, uint32_t capacity)
{
	uint32_t count = trailing_values(window);
	return count ? trailing_sum(form, window, capacity) / count : NAN;
}

double trailing_squares(const struct trailing *form, const void *window, uint32_t capacity, double *mean)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	if (parts.head->infinite || !parts.head->values) {
		*mean = NAN;
		return NAN;
	}
	assert(parts.spread); /* who asks for squares has asked for a window that has them */
	*mean = parts.spread->origin + parts.spread->mean;
	return fmax(parts.spread->squares, 0);
}

double trailing_above_mean(const struct trailing *form, const void *window, uint32_t capacity, double value)
{
	const struct trailing_parts parts = trailing_parts(form, window, capacity);
	if (parts.head->infinite || !parts.head->values)
		return NAN;
	assert(parts.spread); /* as above */
	return value - parts.spread->origin - parts.spread->mean;
}

bool trailing_moments_worn(const struct trailing_parts *parts)
{
	return parts->spread && parts->spread->squares < parts->spread->peak * SPREAD_WORN;
}
