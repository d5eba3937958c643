/* drift_picture.h: Pictures of distributions in reports of a step `drift`: how many values of a feature are in each bin.
 *
 * Numbers have PICTURE_BINS bins of equal width from the 1st to the 99th of 100 parts of the reference, one bin below and one
 * above. Categories have a bin for each of the reference's most frequent ones, one for its others, and one for those never seen.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"
#include "methods/drift/monitor.h"

#define PICTURE_BINS 16 /* between the outer ones; of categories also the most that have a bin of their own */

struct drift_picture {
	const struct drift_feature *feature;
	double low, high;		/* of numbers: where the inner bins begin and end */
	size_t own[PICTURE_BINS];	/* of categories: those with a bin of their own */
	size_t own_count;
	uint64_t counts[PICTURE_BINS + 2]; /* of the reference */
};

/* One for each feature of the reference, in the arena; the reference is borrowed. NULL: memory ran out. */
struct drift_picture *drift_pictures_learn(const struct drift_reference *reference, struct arena *arena);

/* Writes the counts of the window that the monitor closed last, as a JSON array. */
void drift_picture_put(const struct drift_picture *picture, const struct monitor *monitor, size_t feature, struct buffer *out);

/* Writes the reference's counts and what the bins are, as a JSON object. */
void drift_picture_put_reference(const struct drift_picture *picture, struct buffer *out);

/* How unusual a value is beside others of the same feature: the distance from the middle of the reference, or how rare the
 * category is. -1: it is missing. */
double drift_picture_strangeness(const struct drift_picture *picture, double value);
