/* unit_outcomes.h: Outcomes of units: values of feedback that names a unit and no request, beside the outcome join of their
 * exposures (experiments/outcome_join.h).
 *
 * Such feedback belongs to the last exposure of its unit before it, and its values wait until that exposure is over. All values
 * count, unless the feedback has a feedback_id: the same one counts once, for as long as its exposure may be open.
 *
 * An exposure takes UNIT_OUTCOMES_ENTRY_BYTES; they are reserved at once. Values take memory when they come. Slots are those of
 * the join, whose exposures end in the order in which they began.
 *
 * Pure. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_UNIT_OUTCOMES_H
#define SLUICE_EXPERIMENTS_UNIT_OUTCOMES_H

#include "message/feedback.h"

#define UNIT_OUTCOMES_ENTRY_BYTES 28
#define UNIT_OUTCOMES_MAX ((size_t)1 << 20) /* values that wait, and feedback_ids of a window: some 100 MB */

struct unit_outcomes;

struct unit_outcome {
	size_t metric;
	double value;
};

enum unit_outcome_fate {
	UNIT_OUTCOME_WAITS,
	UNIT_OUTCOME_REPEATED, /* its feedback_id came before */
	UNIT_OUTCOME_UNKNOWN,  /* no exposure of its unit before it is open */
	UNIT_OUTCOME_LATE,     /* after the window of its exposure */
	UNIT_OUTCOME_CROWDED   /* UNIT_OUTCOMES_MAX values wait, or memory ran out */
};

/* For `slots` exposures that are open for the window. NULL: SYSTEM. */
struct unit_outcomes *unit_outcomes_open(size_t slots, int64_t window_ms, struct error *error);
void unit_outcomes_close(struct unit_outcomes *outcomes); /* NULL is fine */

/* An exposure begins in the slot after that of the one before. `unit`: a hash; 0: none. */
void unit_outcomes_expose(struct unit_outcomes *outcomes, size_t slot, uint64_t unit, int64_t time_ms);

/* The oldest exposure is over: passes each value that waited for it to `take`. Returns its unit. */
uint64_t unit_outcomes_end(struct unit_outcomes *outcomes, size_t slot, uint32_t arm,
			   void (*take)(void *context, uint64_t unit, uint32_t arm, const struct unit_outcome *outcome),
			   void *context);

/* The values of one feedback, which has a time, and a unit of that hash. */
enum unit_outcome_fate unit_outcomes_add(struct unit_outcomes *outcomes, uint64_t unit, const struct feedback *feedback,
					 const struct unit_outcome *values, size_t count);

#endif
