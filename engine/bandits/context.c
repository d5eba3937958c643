/* context.c: see context.h. */
#include "bandits/context.h"

#include <math.h>
#include <stdint.h>

#include "base/hash.h"

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

struct context_form context_form_of(const struct text *arms, size_t arm_count, const struct text *features, size_t count)
{
	struct context_form form = {count, features, 0, names_hash(features, count, names_hash(arms, arm_count, 0))};
	while (form.time < count && !text_is(features[form.time], CONTEXT_TIME_OF_DAY))
		form.time++;
	return form;
}

size_t context_length(const struct context_form *form)
{
	return form->count == 0 ? 0 : 1 + form->count + (form->time < form->count);
}

void context_vector(const struct context_form *form, const struct context_scale *scales, const double *features, double *x)
{
	*x++ = 1;
	for (size_t i = 0; i < form->count; i++)
		if (i != form->time)
			*x++ = isfinite(features[i]) ? (features[i] - scales[i].center) / scales[i].width : 0;
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
