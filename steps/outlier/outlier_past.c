/* outlier_past.c: see outlier_past.h. */
#include "steps/outlier/outlier_past.h"

#include "base/number/duration.h"
#include "base/hash.h"
#include "steps/outlier/outlier_reference.h"

#define LEARNING_VERSION 1 /* another one: what was learnt before is not used */

bool outlier_is_learnt(const struct outlier *options)
{
	return options->reference.past_ns > 0 && options->by == OUTLIER_MAHALANOBIS;
}

int64_t outlier_past_ms(const struct outlier *options)
{
	return options->reference.past_ns / NS_PER_MS;
}

uint64_t outlier_past_identity(const struct outlier *options)
{
	const int64_t past_ms = outlier_past_ms(options);
	const char *tensor = options->tensor.text;
	return hash_bytes(tensor, strlen(tensor), hash_bytes(&past_ms, sizeof past_ms, LEARNING_VERSION));
}

bool outlier_past_fits(const struct tensor *tensor, struct row_shape *shape)
{
	return tensor->datatype != DATATYPE_BYTES && row_shape_of(tensor, false, shape) && shape->columns > 0 &&
	       shape->columns <= OUTLIER_LEARNT_COLUMNS_MAX;
}
