/* unit_outcomes.h: Outcomes of units: values of feedback that names a unit and no request, beside the outcome join of their
 * exposures (experiments/outcomes/outcome_join.h).
 *
 * Such feedback belongs to the last exposure of its unit before it, and its values wait until that exposure is over. All values
 * count, unless the feedback has a feedback_id: the same one counts once, for as long as its exposure may be open.
 *
 * Exposures and their units are those of the join. An index of the units takes 8 bytes for each exposure that the join can have
 * open, from the first such feedback on. Values take memory when they come.
 *
 * Pure. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_OUTCOMES_UNIT_OUTCOMES_H
#define SLUICE_EXPERIMENTS_OUTCOMES_UNIT_OUTCOMES_H

#include "experiments/outcomes/outcome_join.h"
#include "experiments/outcomes/outcome_values.h"

#define UNIT_OUTCOMES_MAX ((size_t)1 << 20) /* values that wait, and feedback_ids of a window: some 100 MB */

struct unit_outcomes;

enum unit_outcome_fate {
	UNIT_OUTCOME_WAITS,
	UNIT_OUTCOME_REPEATED, /* its feedback_id came before */
	UNIT_OUTCOME_UNKNOWN,  /* no exposure of its unit before it is open */
	UNIT_OUTCOME_LATE,     /* after the window of its exposure */
	UNIT_OUTCOME_CROWDED   /* UNIT_OUTCOMES_MAX values wait, or memory ran out */
};

/* The join is borrowed. NULL: SYSTEM. */
struct unit_outcomes *unit_outcomes_open(const struct outcome_join *join, int64_t window_ms, struct error *error);
void unit_outcomes_close(struct unit_outcomes *outcomes); /* NULL is fine */

/* The join has opened its newest exposure, whose time is `time_ms`. */
void unit_outcomes_expose(struct unit_outcomes *outcomes, int64_t time_ms);

/* The exposure in that slot is over: passes each value that waited for it to `take`. */
void unit_outcomes_end(struct unit_outcomes *outcomes, size_t slot, void (*take)(void *context, const struct outcome_value *value),
		       void *context);

/* The values of one feedback, which has a time, and a unit of that hash. */
enum unit_outcome_fate unit_outcomes_add(struct unit_outcomes *outcomes, uint64_t unit, const struct feedback *feedback,
					 const struct outcome_value *values, size_t count);

#endif
