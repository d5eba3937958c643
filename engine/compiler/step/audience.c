/* audience.c: see audience.h. */
#include "compiler/step/audience.h"

#include <math.h>

#include "base/hash.h"

/* No resource has such a name, so neither seed is that of a table of candidates. */
#define LAYER_SALT "layer:"
#define HOLDOUT_SALT "holdout:"

static uint64_t salted_seed(const char *salt, const char *name)
{
	return hash_bytes(name, strlen(name), hash_bytes(salt, strlen(salt), 0));
}

static size_t buckets_of(double part)
{
	return (size_t)llround(fmax(0, fmin(part, 1)) * ASSIGNMENT_BUCKETS);
}

static size_t layer_end(const struct layer_part *layer)
{
	return buckets_of(layer->from + layer->share);
}

struct audience audience_of(const struct layer_part *layer, double holdout)
{
	const bool has_layer = layer->here.line > 0 && layer->name.text;
	return (struct audience){.layer = has_layer ? salted_seed(LAYER_SALT, layer->name.text) : 0,
				 .holdout = salted_seed(HOLDOUT_SALT, ""),
				 .from = has_layer ? buckets_of(layer->from) : 0,
				 .to = has_layer ? layer_end(layer) : ASSIGNMENT_BUCKETS,
				 .held = buckets_of(holdout)};
}

static size_t bucket_by(uint64_t seed, struct text unit, const struct origin *origin)
{
	return unit.length > 0 ? assignment_bucket(seed, unit) : assignment_bucket_of_origin(seed, origin);
}

enum audience_verdict audience_has(const struct audience *audience, struct text unit, const struct origin *origin)
{
	if (audience->held > 0 && bucket_by(audience->holdout, unit, origin) < audience->held)
		return AUDIENCE_HELD;
	if (audience->from == 0 && audience->to == ASSIGNMENT_BUCKETS)
		return AUDIENCE_IN;
	const size_t bucket = bucket_by(audience->layer, unit, origin);
	return bucket >= audience->from && bucket < audience->to ? AUDIENCE_IN : AUDIENCE_OTHER_LAYER;
}

bool layer_parts_overlap(const struct layer_part *a, const struct layer_part *b)
{
	return a->here.line > 0 && b->here.line > 0 && a->name.text && b->name.text && strcmp(a->name.text, b->name.text) == 0 &&
	       buckets_of(a->from) < layer_end(b) && buckets_of(b->from) < layer_end(a);
}
