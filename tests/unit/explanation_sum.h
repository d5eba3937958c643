/* explanation_sum.h: Residuals of an explanation, in tests. */
#pragma once

#include <math.h>
#include <stdbool.h>

#include "methods/explain/explanation.h"

/* Whether all residuals are those of rounding. */
static inline bool explanation_adds_up(const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->outputs; i++)
		if (!(fabs(explanation->residual[i]) <= EXPLANATION_RESIDUAL_MAX * (1 + fabs(explanation->prediction[i]))))
			return false;
	return true;
}
