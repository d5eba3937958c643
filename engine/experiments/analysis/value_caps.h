/* value_caps.h: Cap of a metric's values: winsorising at quantiles that are frozen when the burn-in ends. Private to the analysis.
 *
 * Later values do not move the quantiles, which are of the values of all variants together. So what holds at every look of equal
 * variants holds for capped values too, also where the cap's burn-in is the longer one.
 */
#pragma once

#include "experiments/analysis/analysis.h"

/* Replaces the values of the input by capped copies, in the arena. Without an end of the units' burn-in, the quantiles are those
 * of all values. False: the arena is full. */
bool values_cap(struct analysis_input *input, double cap, struct arena *arena, struct value_cap *made);
