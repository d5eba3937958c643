/* running_cap.h: Cap of a metric whose values come one by one: winsorising at quantiles that are frozen when the burn-in ends.
 *
 * Values wait until each arm that has any has BURN_IN_UNITS units and, where one value is common, until enough others have come
 * (experiments/rollouts/cap_limits.h); or until RUNNING_CAP_VALUES_MAX of them wait. Their quantiles are the cap of all. No rule is
  * judged before the burn-in ends, and later values do not move the quantiles. So what holds at every look holds for capped values
   * too (as in experiments/analysis/value_caps.h).
 *
 * Belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RUNNING_CAP_VALUES_MAX 65536 /* 1.5 MiB: more wait where one arm is rare */

struct running_cap;

struct waiting_value {
	uint64_t unit; /* hash; 0: none */
	uint32_t arm;  /* below ASSIGNMENT_WAYS_MAX */
	bool is_first; /* of its unit */
	double value;
};

/* `cap`: the upper quantile, above .5 and below 1; the lower one is its opposite. NULL: memory ran out. */
struct running_cap *running_cap_open(double cap);
void running_cap_close(struct running_cap *cap); /* NULL is fine */

bool running_cap_is_known(const struct running_cap *cap);

/* Adds a value, as long as the cap is not known. True: it is known now, and the values that have waited are to be given. */
bool running_cap_wait(struct running_cap *cap, const struct waiting_value *value);

/* Gives all values that have waited, as they came, capped; once. */
void running_cap_give(struct running_cap *cap, void (*give)(void *context, const struct waiting_value *value), void *context);

/* A value within the cap, which is known. */
double running_cap_apply(const struct running_cap *cap, double value);
