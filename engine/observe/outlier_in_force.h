/* outlier_in_force.h: Mahalanobis distance that is in force for a step `outlier` whose observer learns: what was learnt, inverted
 * once, by the thread that sets it.
 *
 * Workers hold it without waiting (observe/verdict_board.h). It does not change once made.
 */
#pragma once

#include "base/held_slot.h"
#include "methods/outliers/outlier.h"

/* What a step knew of the usual when it marked its last message. */
enum outlier_knowledge { OUTLIER_UNASKED, OUTLIER_LEARNING, OUTLIER_KNOWN, OUTLIER_UNFIT };

struct outlier_in_force {
	struct held_value held; /* first */
	uint64_t identity;	/* of what was learnt from what */
	size_t columns;
	bool is_unfit; /* the covariance has no inverse: nothing can be judged by it */
	struct mahalanobis distance;
	double limit; /* above which a row is an outlier, if the step sets no other */
};

/* In an arena of its own. NULL: memory ran out. There are more rows than columns. */
struct outlier_in_force *outlier_in_force_make(uint64_t identity, const struct covariance *learnt);
