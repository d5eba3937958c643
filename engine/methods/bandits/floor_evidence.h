/* floor_evidence.h: Evidence of plays that only `explore` caused, which a Thompson learner keeps for a short time.
 *
 * With `explore` each arm is played now and then, though the learner itself would not play it. If these plays counted as others do,
 * the posterior of a bad arm would become narrow, and the learner would not try this arm again when it has become the best. If they
 * did not count, the learner would not find an arm that has become better either. So of the share of a play that is owed to
 * `explore` only the latest FLOOR_PLAYS_KEPT plays of each arm count. What the learner would have played itself counts for good.
 *
 * What explore .02 adds to the pseudo-regret of Thompson (beta), by the plays that are kept:
 *
 *                                                                 its own   none     3    10    30   all  error
 *   rates .3 .5 .7, swapped after 2,500 of 5,000 decisions             20    -48  -111   -57   +27  +126  +- 5
 *   rates .3 .4 .5, the first .7 after 10,000 of 20,000                53    -16  -547  -872  -841  -162  +- 24
 *   rates .3 .5 .7, 5,000 decisions                                    20  +19.3 +18.7 +17.8 +17.3 +17.0  +- 0.3
 *
 * The share is explore / (K p) for an arm of K that was played with the logged probability p = (1 - explore) own + explore / K.
 * It is 0 without `explore`, so nothing is kept apart then.
 *
 * All sums of plays stay in the learner; this one says what of them no longer counts.
 *
 * Pure; O(1).
 */
#pragma once

#include <stddef.h>

#define FLOOR_PLAYS_KEPT 10

/* Rewards that count for less than one play each. */
struct weighted_moments {
	double weight; /* of all, in plays */
	double mean;
	double squares; /* weighted sum of squared deviations from the mean */
};

struct floor_evidence {
	struct weighted_moments kept;  /* at most FLOOR_PLAYS_KEPT */
	struct weighted_moments faded; /* counts no longer */
};

/* The share of a play that is owed to `explore`, from 0 to 1; the probability is that of the mixture, above 0. */
double floor_share(double explore, size_t arms, double probability);

/* A reward of a play, of which `share` is owed to `explore`: 0 to 1. */
void floor_evidence_add(struct floor_evidence *evidence, double reward, double share);

/* Together no more is kept than of one. */
void floor_evidence_merge(struct floor_evidence *into, const struct floor_evidence *from);
