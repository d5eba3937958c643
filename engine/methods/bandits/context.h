/* context.h: Context of a choice: the features of a request as they were sent, and the vector x that a policy makes of them.
 *
 * x is 1, then each feature less its center and divided by its width. A feature that is a text has a number for each of its
 * classes, the commonest texts: 1 for its own, 0 for the others. The feature `time_of_day`, an hour from 0 to 24, is the sine and
 * the cosine of its angle, which are appended. A feature that is missing (NaN) is 0, as the mean is; so is a text of no class, a
 * text where the policy has a number, and a number where it has classes.
 *
 * Pure.
 */
#pragma once

#include "base/text.h"

#define CONTEXT_FEATURES_MAX 32	   /* named ones */
#define CONTEXT_CLASSES_MAX 16	   /* of a text */
#define CONTEXT_LENGTH_MAX 128	   /* of x */
#define CONTEXT_TEXT_BYTES_MAX 256 /* a longer text is no class, and is left out */
#define CONTEXT_TIME_OF_DAY "time_of_day"

struct context_scale {
	double center, width; /* width above 0 */
	size_t class_count;   /* 0: the feature is a number */
	const double *classes; /* context_text() of each */
};

struct context_form {
	size_t count; /* of features; 0: choices depend on no context */
	const struct text *names;
	size_t time; /* index of time_of_day; `count`: it is none of them */
	uint64_t hash; /* of the names of arms, in any order, and of features: policies of one form fit each other */
};

/* At most CONTEXT_FEATURES_MAX features. Names are borrowed. */
struct context_form context_form_of(const struct text *arms, size_t arm_count, const struct text *features, size_t count);

/* Of x; 0 without features. `scales` NULL: all features are numbers. */
size_t context_length(const struct context_form *form, const struct context_scale *scales);

/* A text as the value of a feature: a NaN that has a hash of it, so that it is no number, and a copy of its bits is the same
 * text. */
double context_text(struct text text);

/* The class of a feature; `class_count`: it is of none. */
size_t context_class(const struct context_scale *scale, double feature);

/* `x` has context_length() numbers. */
void context_vector(const struct context_form *form, const struct context_scale *scales, const double *features, double *x);

double context_hour(int64_t time_ms); /* of the day, UTC */
