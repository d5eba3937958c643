/* projection.c: see projection.h. */
#include "methods/drift/projection.h"

#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/number/random.h"
#include "methods/numeric/simd.h"

#define DIRECTIONS PROJECTION_DIRECTIONS
#define SPANS (DIRECTIONS / WIDE)
#define SPANS_HELD 8 /* a processor holds so many in its registers */
#define NAME_BEGIN ".direction"

_Static_assert(SPANS % SPANS_HELD == 0, "all directions are added");

struct projection {
	size_t width;
	double *signs; /* of each number: 1 or -1 */
	double scales[DIRECTIONS];
};

struct projection *projection_open(struct arena *arena, struct text tensor, size_t width)
{
	struct projection *self = ARENA_NEW(arena, struct projection);
	double *signs = ARENA_ARRAY(arena, double, width);
	struct random chance = {hash_text(tensor, width)};
	uint64_t bits = 0;
	if (!self || !signs)
		return NULL;
	*self = (struct projection){.width = width, .signs = signs};
	for (size_t i = 0; i < width; i++) {
		bits = i % 64 == 0 ? random_next(&chance) : bits >> 1;
		signs[i] = bits & 1 ? 1 : -1;
	}
	for (size_t i = 0; i < DIRECTIONS; i++) {
		const size_t count = width / DIRECTIONS + (i < width % DIRECTIONS);
		self->scales[i] = count > 0 ? 1 / sqrt((double)count) : 0;
	}
	return self;
}

/* ---- sums ---- */

BUILT_TWICE
static void doubles_add(const struct projection *self, const double *numbers, double *sums)
{
	const size_t whole = self->width / DIRECTIONS * DIRECTIONS;
	for (size_t first = 0; first < DIRECTIONS; first += SPANS_HELD * WIDE) {
		wide added[SPANS_HELD] = {{0}};
		for (size_t i = first; i < whole; i += DIRECTIONS)
			for (size_t j = 0; j < SPANS_HELD; j++)
				added[j] += *(const wide *)(numbers + i + j * WIDE) * *(const wide *)(self->signs + i + j * WIDE);
		memcpy(sums + first, added, sizeof added);
	}
	for (size_t i = whole; i < self->width; i++)
		sums[i - whole] += numbers[i] * self->signs[i];
}

BUILT_TWICE
static void floats_add(const struct projection *self, const float *numbers, double *sums)
{
	const size_t whole = self->width / DIRECTIONS * DIRECTIONS;
	for (size_t first = 0; first < DIRECTIONS; first += SPANS_HELD * WIDE) {
		wide added[SPANS_HELD] = {{0}};
		for (size_t i = first; i < whole; i += DIRECTIONS)
			for (size_t j = 0; j < SPANS_HELD; j++) {
				const float *four = numbers + i + j * WIDE;
				const wide widened = {(double)four[0], (double)four[1], (double)four[2], (double)four[3]};
				added[j] += widened * *(const wide *)(self->signs + i + j * WIDE);
			}
		memcpy(sums + first, added, sizeof added);
	}
	for (size_t i = whole; i < self->width; i++)
		sums[i - whole] += (double)numbers[i] * self->signs[i];
}

/* Whether all sums are numbers, which they then become the directions of. */
static bool sums_scale(const struct projection *self, double *sums)
{
	double any = 0;
	for (size_t i = 0; i < DIRECTIONS; i++) {
		any += sums[i] - sums[i]; /* 0, or NaN */
		sums[i] *= self->scales[i];
	}
	return !isnan(any);
}

static void directions_fill(double *directions, double number)
{
	for (size_t i = 0; i < DIRECTIONS; i++)
		directions[i] = number;
}

void projection_of_doubles(const struct projection *projection, const double *numbers, double *directions)
{
	bool missing = false;
	doubles_add(projection, numbers, directions);
	if (sums_scale(projection, directions))
		return;
	for (size_t i = 0; i < projection->width; i++)
		missing = missing || isnan(numbers[i]);
	directions_fill(directions, missing ? (double)NAN : (double)INFINITY);
}

void projection_of_floats(const struct projection *projection, const float *numbers, double *directions)
{
	bool missing = false;
	floats_add(projection, numbers, directions);
	if (sums_scale(projection, directions))
		return;
	for (size_t i = 0; i < projection->width; i++)
		missing = missing || isnan(numbers[i]);
	directions_fill(directions, missing ? (double)NAN : (double)INFINITY);
}

/* ---- names ---- */

const char *projection_feature(const char *tensor, size_t direction, struct arena *arena)
{
	return arena_print(arena, "%s" NAME_BEGIN "%zu", tensor, direction);
}

struct text projection_tensor(struct text feature)
{
	const struct text begin = TEXT(NAME_BEGIN);
	for (size_t at = feature.length; at >= begin.length; at--)
		if (memcmp(feature.bytes + at - begin.length, begin.bytes, begin.length) == 0)
			return (struct text){feature.bytes, at - begin.length};
	return feature;
}

bool projection_name_is_of(struct text feature, struct text tensor)
{
	return text_starts_with(feature, tensor) && (feature.length == tensor.length || feature.bytes[tensor.length] == '.');
}

static bool is_projected(const struct drift_reference *reference, struct text tensor)
{
	for (size_t i = 0; i < reference->feature_count; i++)
		if (reference->features[i].width > 0 && text_equal(projection_tensor(reference->features[i].name), tensor))
			return true;
	return false;
}

bool projection_feature_is_of(const struct drift_reference *reference, size_t feature, struct text tensor)
{
	const struct text name = reference->features[feature].name;
	if (reference->features[feature].width > 0)
		return text_equal(projection_tensor(name), tensor);
	return projection_name_is_of(name, tensor) && !is_projected(reference, tensor);
}

static bool is_direction(const struct drift_feature *feature, struct text tensor, size_t direction)
{
	char end[sizeof NAME_BEGIN + 20];
	const int length = snprintf(end, sizeof end, NAME_BEGIN "%zu", direction);
	return !feature->categories && feature->name.length == tensor.length + (size_t)length &&
	       text_starts_with(feature->name, tensor) && text_ends_with(feature->name, text_of(end));
}

size_t projection_run(const struct drift_feature *features, size_t count)
{
	size_t run = 0;
	while (run < count && run < DIRECTIONS && features[run].width > 0 && features[run].width == features[0].width &&
	       is_direction(&features[run], projection_tensor(features[0].name), run))
		run++;
	return run;
}
