/* outcome_values.h: Values of feedback that wait until their exposure is over, by its slot in the outcome join
 * (experiments/outcomes/outcome_join.h).
 *
 * An exposure without values takes no memory. A value takes 16 bytes, and an exposure with values 8 to 16 more; what is given back
 * is used again.
 *
 * Pure. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_OUTCOMES_OUTCOME_VALUES_H
#define SLUICE_EXPERIMENTS_OUTCOMES_OUTCOME_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outcome_values;

struct outcome_value {
	size_t metric; /* at most UINT16_MAX */
	double value;
	bool of_unit; /* the feedback named a unit alone */
};

/* NULL: memory ran out. */
struct outcome_values *outcome_values_open(void);
void outcome_values_close(struct outcome_values *values); /* NULL is fine */

/* `slot` is below UINT32_MAX. False: memory ran out. */
bool outcome_values_add(struct outcome_values *values, size_t slot, const struct outcome_value *value);

/* Takes out the values of a slot, the newest first. */
void outcome_values_take(struct outcome_values *values, size_t slot, void (*take)(void *context, const struct outcome_value *value),
			 void *context);

size_t outcome_values_of_units(const struct outcome_values *values); /* those that wait */

#endif
