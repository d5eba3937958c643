/* context.c: see context.h. */
#include "methods/bandits/context.h"

#include <math.h>

#include "base/hash.h"

#define QUIET_NAN UINT64_C(0x7ff8000000000000)
#define TEXT_BITS UINT64_C(0x7ffffffffffff) /* below those that make it a quiet NaN */
#define HOURS_PER_DAY 24.0
#define MS_PER_HOUR 3600000.0
#define MS_PER_DAY INT64_C(86400000)

static uint64_t names_hash(const struct text *names, size_t count, uint64_t seed)
{
	uint64_t hash = hash_bytes(&count, sizeof count, seed);
	for (size_t i = 0; i < count; i++)
		hash = hash_bytes(names[i].bytes, names[i].length, hash);
	return hash;
}

/* The same in each order: an arm is known by its name. */
static uint64_t arms_hash(const struct text *arms, size_t count)
{
	uint64_t hash = count;
	for (size_t i = 0; i < count; i++)
		hash += names_hash(&arms[i], 1, 0);
	return hash;
}

struct context_form context_form_of(const struct text *arms, size_t arm_count, const struct text *features, size_t count)
{
	struct context_form form = {count, features, 0, names_hash(features, count, arms_hash(arms, arm_count))};
	while (form.time < count && !text_is(features[form.time], CONTEXT_TIME_OF_DAY))
		form.time++;
	return form;
}

size_t context_length(const struct context_form *form, const struct context_scale *scales)
{
	size_t length = form->count == 0 ? 0 : 1 + (form->time < form->count);
	for (size_t i = 0; i < form->count; i++)
		length += scales && scales[i].class_count > 0 ? scales[i].class_count : 1;
	return length;
}

double context_text(struct text text)
{
	const uint64_t bits = QUIET_NAN | (hash_text(text, 0) & TEXT_BITS) | 1;
	double number;
	memcpy(&number, &bits, sizeof number);
	return number;
}

static uint64_t bits_of(double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof bits);
	return bits;
}

size_t context_class(const struct context_scale *scale, double feature)
{
	size_t i = 0;
	while (i < scale->class_count && bits_of(feature) != bits_of(scale->classes[i]))
		i++;
	return i;
}

static double *classes_put(const struct context_scale *scale, double feature, double *x)
{
	const size_t class = context_class(scale, feature);
	for (size_t i = 0; i < scale->class_count; i++)
		*x++ = i == class;
	return x;
}

void context_vector(const struct context_form *form, const struct context_scale *scales, const double *features, double *x)
{
	*x++ = 1;
	for (size_t i = 0; i < form->count; i++) {
		if (i == form->time)
			continue;
		if (scales[i].class_count > 0)
			x = classes_put(&scales[i], features[i], x);
		else
			*x++ = isfinite(features[i]) ? (features[i] - scales[i].center) / scales[i].width : 0;
	}
	if (form->time == form->count)
		return;
	const double angle = 2 * M_PI * features[form->time] / HOURS_PER_DAY;
	x[0] = isfinite(angle) ? sin(angle) : 0;
	x[1] = isfinite(angle) ? cos(angle) : 0;
}

double context_hour(int64_t time_ms)
{
	return (double)((time_ms % MS_PER_DAY + MS_PER_DAY) % MS_PER_DAY) / MS_PER_HOUR;
}
