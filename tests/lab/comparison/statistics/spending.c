/* spending.c: see spending.h. */
#include "comparison/statistics/spending.h"

#include <math.h>

#include "methods/statistics/distribution.h"

double alpha_spent_obrien_fleming(double information, double alpha)
{
	return 2 * normal_sf(normal_critical(alpha / 2) / sqrt(information));
}

double alpha_spent_pocock(double information, double alpha)
{
	return alpha * log1p((M_E - 1) * information);
}
