/* audience.h: Audience of an experiment: the units that it may expose, which are those of its part of a layer, less its holdout.
 *
 * A layer has a table of ASSIGNMENT_BUCKETS buckets, by the hash of its name. Each experiment of the layer has the buckets of its
 * own range, from `from` on. So two experiments whose ranges do not overlap have no unit in common, in whatever pipelines and
 * files they are; and a third one, or another range, moves no unit of theirs. The holdouts of all experiments are by one hash: the
 * first buckets of it. So a unit of a holdout of 5% is in each holdout of 5% and more.
 *
 * Units outside get the default, and are not exposed. The hashes are independent of those by which candidates are chosen.
 *
 * Pure.
 */
#ifndef SLUICE_COMPILER_STEP_AUDIENCE_H
#define SLUICE_COMPILER_STEP_AUDIENCE_H

#include "base/option.h"
#include "compiler/step/assignment.h"

/* As written in an experiment. */
struct layer_part {
	struct place here; /* line 0: there is none */
	struct name name;
	double from, share; /* parts of 1 */
};

struct audience {
	uint64_t layer, holdout; /* seeds of the hashes */
	size_t from, to;	 /* buckets of the layer; all of them without one */
	size_t held;		 /* buckets of the holdout; 0: there is none */
};

enum audience_verdict { AUDIENCE_IN, AUDIENCE_OTHER_LAYER, AUDIENCE_HELD };

struct audience audience_of(const struct layer_part *layer, double holdout);

/* Whether a unit, or an origin if the unit is empty, is in the audience; if not, why. */
enum audience_verdict audience_has(const struct audience *audience, struct text unit, const struct origin *origin);

/* Whether both are of one layer, and have a bucket in common. */
bool layer_parts_overlap(const struct layer_part *a, const struct layer_part *b);

#endif
