/* baseline.h: Baseline of a choice in a bucket table (compiler/step/assignment.h): as many of its buckets as the largest other
 * choice has.
 *
 * A rollout with `baseline: concurrent` compares its candidates with the baseline of the default. Both then have as many units,
 * and are counted from the same moment. The buckets follow from the table, so every engine has the same ones. They are spread over
 * all buckets of the choice.
 *
 * Pure.
 */
#pragma once

#include "compiler/step/assignment.h"

struct baseline {
	uint64_t seed; /* of the table */
	size_t ranks;  /* so many, of the order in which buckets enter a baseline */
};

/* The baselines of all choices. One that is no larger than the others is in its baseline as a whole. */
void baselines_of(const struct assignment *assignment, struct baseline *baselines);

/* Whether a unit of that choice, or an origin if the unit is empty, is in the baseline. */
bool baseline_has(const struct baseline *baseline, struct text unit, const struct origin *origin);
