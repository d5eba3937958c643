/* context.h: Context of a choice: the features of a request as they were sent, and the vector x that a policy makes of them.
 *
 * x is 1, then each feature less its center and divided by its width. The feature `time_of_day`, an hour from 0 to 24, is
 * the sine and the cosine of its angle, which are appended. A feature that is missing (NaN) is 0, as the mean is.
 *
 * Pure.
 */
#ifndef SLUICE_BANDITS_CONTEXT_H
#define SLUICE_BANDITS_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define CONTEXT_FEATURES_MAX 32		      /* named ones */
#define CONTEXT_LENGTH_MAX (CONTEXT_FEATURES_MAX + 2) /* of x */
#define CONTEXT_TIME_OF_DAY "time_of_day"

struct context_scale {
	double center, width; /* width above 0 */
};

struct context_form {
	size_t count; /* of features; 0: choices depend on no context */
	const struct text *names;
	size_t time; /* index of time_of_day; `count`: it is none of them */
	uint64_t hash; /* of the names of arms and features: policies of one form fit each other */
};

/* At most CONTEXT_FEATURES_MAX features. Names are borrowed. */
struct context_form context_form_of(const struct text *arms, size_t arm_count, const struct text *features, size_t count);

size_t context_length(const struct context_form *form); /* of x; 0 without features */

/* `x` has context_length() numbers. */
void context_vector(const struct context_form *form, const struct context_scale *scales, const double *features, double *x);

double context_hour(int64_t time_ms); /* of the day, UTC */

#endif
