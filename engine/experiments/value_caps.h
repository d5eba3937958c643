/* value_caps.h: Cap of a metric's values: winsorising at quantiles that are frozen when the burn-in ends. Private to the analysis
 * and to segments of a report, which have the cap of the whole.
 *
 * No look comes before the end of the burn-in, and later values do not move the quantiles. So what holds at every look holds for
 * capped values too.
 */
#ifndef SLUICE_EXPERIMENTS_VALUE_CAPS_H
#define SLUICE_EXPERIMENTS_VALUE_CAPS_H

#include "experiments/analysis.h"

/* Replaces the values of the input by capped copies, in the arena. Without an end of the burn-in, the quantiles are those of all
 * values. False: the arena is full. */
bool values_cap(struct analysis_input *input, double cap, struct arena *arena, struct value_cap *made);

/* What the value counts as. */
static inline double value_capped(const struct value_cap *cap, double value)
{
	return !cap->applied ? value : value > cap->high ? cap->high : value < cap->low ? cap->low : value;
}

#endif
